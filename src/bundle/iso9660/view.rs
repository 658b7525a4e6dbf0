//! One of the two directory hierarchies of an image: same files, other names and another order.

use super::hierarchy::Hierarchy;
use super::name::{JolietNames, ShortNames};
use super::record::{self, Continuation, DIRECTORY, MORE_SECTIONS, Record};
use super::{EXTENT_LIMIT, SECTOR};
use crate::names::FileMode;

/// Whose names a hierarchy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// 8.3 names with Rock Ridge behind them.
    RockRidge,
    /// UCS-2 names.
    Joliet,
}

#[derive(Debug, Clone, Copy)]
enum Member {
    Directory(usize),
    File(usize),
}

/// Where directories and files lie. All zero while sizes are still being found out: no length depends on a place.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// First sector and bytes of each directory of this view.
    pub directories: Vec<(u32, u32)>,
    /// First sector of each file.
    pub files: Vec<u32>,
}

/// A hierarchy with its names, in its order.
#[derive(Debug)]
pub(super) struct View<'h> {
    hierarchy: &'h Hierarchy<'h>,
    naming: Naming,
    /// Identifiers of directories and files, by number.
    directories: Vec<Vec<u8>>,
    files: Vec<Vec<u8>>,
    /// Members of each directory by identifier (ECMA-119 9.3).
    members: Vec<Vec<Member>>,
    /// Directories in the order of the path table: by level, parent, identifier (ECMA-119 6.9.1).
    pub order: Vec<usize>,
    date: [u8; 7],
    /// The mode of directories.
    mode: FileMode,
    limit: u32,
}

impl<'h> View<'h> {
    /// The view of this hierarchy.
    pub fn of(hierarchy: &'h Hierarchy<'h>, naming: Naming, (date, mode): ([u8; 7], FileMode), limit: u32) -> Self {
        let mut this = Self {
            hierarchy,
            naming,
            directories: vec![vec![0]; hierarchy.directories.len()],
            files: vec![Vec::new(); hierarchy.files.len()],
            members: Vec::with_capacity(hierarchy.directories.len()),
            order: vec![0],
            date,
            mode,
            limit: limit.min(EXTENT_LIMIT),
        };
        for directory in &hierarchy.directories {
            let mut short = ShortNames::default();
            let mut joliet = JolietNames::default();
            let mut members = Vec::new();
            for &number in &directory.files {
                let name = &hierarchy.files[number].name;
                this.files[number] = match naming {
                    Naming::RockRidge => short.file(name),
                    Naming::Joliet => joliet.name(name),
                };
                members.push(Member::File(number));
            }
            for &number in &directory.directories {
                let name = &hierarchy.directories[number].name;
                this.directories[number] = match naming {
                    Naming::RockRidge => short.directory(name),
                    Naming::Joliet => joliet.name(name),
                };
                members.push(Member::Directory(number));
            }
            members.sort_by(|a, b| this.identifier(*a).cmp(this.identifier(*b)));
            this.members.push(members);
        }
        let mut at = 0;
        while let Some(&directory) = this.order.get(at) {
            for member in &this.members[directory] {
                if let Member::Directory(number) = member {
                    this.order.push(*number);
                }
            }
            at += 1;
        }
        this
    }

    fn identifier(&self, member: Member) -> &[u8] {
        match member {
            Member::Directory(number) => &self.directories[number],
            Member::File(number) => &self.files[number],
        }
    }

    /// The path table (ECMA-119 9.4), little-endian (type L) or big-endian (type M).
    pub fn path_table(&self, places: &Places, big_endian: bool) -> Vec<u8> {
        let mut numbers = vec![1_u16; self.order.len()];
        for (number, &directory) in (1..=u16::MAX).zip(&self.order) {
            numbers[directory] = number;
        }
        let mut table = Vec::new();
        for &directory in &self.order {
            let identifier = &self.directories[directory];
            let sector = places.directories[directory].0;
            let parent = numbers[self.hierarchy.directories[directory].parent];
            table.extend([u8::try_from(identifier.len()).unwrap_or(u8::MAX), 0]);
            if big_endian {
                table.extend(sector.to_be_bytes());
                table.extend(parent.to_be_bytes());
            } else {
                table.extend(sector.to_le_bytes());
                table.extend(parent.to_le_bytes());
            }
            table.extend(identifier);
            table.resize(table.len().next_multiple_of(2), 0);
        }
        table
    }

    /// The root's record as the volume descriptor holds it: 34 bytes, no Rock Ridge.
    pub fn root_record(&self, places: &Places) -> Vec<u8> {
        let (sector, size) = places.directories[0];
        let record = Record { sector, size, flags: DIRECTORY, identifier: &[0] };
        record.encode(self.date, &[], &mut Continuation { sector: 0, bytes: Vec::new() })
    }

    /// The bytes of one directory, whole sectors.
    pub fn directory(&self, number: usize, places: &Places, area: &mut Continuation) -> Vec<u8> {
        let mut bytes = Vec::new();
        let parent = self.hierarchy.directories[number].parent;
        self.directory_record(&mut bytes, number, number, &[0], area, places);
        self.directory_record(&mut bytes, number, parent, &[1], area, places);
        for &member in &self.members[number] {
            match member {
                Member::Directory(child) => {
                    self.directory_record(&mut bytes, number, child, &self.directories[child], area, places);
                }
                Member::File(file) => self.file_records(&mut bytes, file, area, places),
            }
        }
        bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
        bytes
    }

    /// Appends the record that stands in directory `holder` for directory `target`.
    fn directory_record(
        &self,
        bytes: &mut Vec<u8>,
        holder: usize,
        target: usize,
        identifier: &[u8],
        area: &mut Continuation,
        places: &Places,
    ) {
        let mut fields = Vec::new();
        if self.naming == Naming::RockRidge {
            let directory = &self.hierarchy.directories[target];
            let own = identifier == [0];
            let root = own && holder == 0;
            if root {
                fields.push(record::sp());
            }
            fields.push(record::px(0o040_000 | self.mode.bits(), 2 + directory.directories.len()));
            fields.push(record::tf(self.date));
            if root {
                fields.push(record::er());
            }
            if !own && identifier != [1] {
                fields.extend(record::nm(&directory.name));
            }
        }
        let (sector, size) = places.directories[target];
        let record = Record { sector, size, flags: DIRECTORY, identifier };
        append(bytes, &record.encode(self.date, &fields, area));
    }

    /// Appends the records of a file: one for each section of at most `limit` bytes (ECMA-119 9.1.6, level 3).
    fn file_records(&self, bytes: &mut Vec<u8>, number: usize, area: &mut Continuation, places: &Places) {
        let file = &self.hierarchy.files[number];
        let fields = match self.naming {
            // Every section carries them: Linux takes the name from the last record and the inode from the first.
            Naming::RockRidge => {
                let mut fields = vec![record::px(0o100_000 | file.mode.bits(), 1), record::tf(self.date)];
                fields.extend(record::nm(&file.name));
                fields
            }
            Naming::Joliet => Vec::new(),
        };
        let mut sector = places.files[number];
        let mut left = file.content.len();
        loop {
            let size = u32::try_from(left).unwrap_or(u32::MAX).min(self.limit);
            left -= u64::from(size);
            let flags = if left > 0 { MORE_SECTIONS } else { 0 };
            let record = Record { sector, size, flags, identifier: &self.files[number] };
            append(bytes, &record.encode(self.date, &fields, area));
            if left == 0 {
                return;
            }
            sector = sector.saturating_add(size / 2048);
        }
    }
}

/// No record crosses a sector (ECMA-119 6.8.1.1).
fn append(bytes: &mut Vec<u8>, record: &[u8]) {
    if bytes.len() % SECTOR + record.len() > SECTOR {
        bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
    }
    bytes.extend(record);
}

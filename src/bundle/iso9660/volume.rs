//! The part of an image before the files: volume descriptors, path tables, directories.

use super::field::{Dates, NO_DATE, both16, both32};
use super::hierarchy::Hierarchy;
use super::record::Continuation;
use super::view::{Naming, Places, View};
use super::{IsoError, SECTOR, SECTOR_BYTES, Volume};

/// Sectors of the system area, unused (ECMA-119 6.2.1).
const SYSTEM_AREA: usize = 16;
/// Primary, Joliet, terminator.
const DESCRIPTORS: usize = 3;

/// One hierarchy's path tables, directories and continuation area.
#[derive(Debug)]
struct Encoded {
    tables: [Vec<u8>; 2],
    area: Vec<u8>,
    /// By directory number.
    directories: Vec<Vec<u8>>,
}

fn encode(view: &View<'_>, places: &Places, area_sector: u32) -> Encoded {
    let mut area = Continuation { sector: area_sector, bytes: Vec::new() };
    let mut directories = vec![Vec::new(); view.order.len()];
    for &number in &view.order {
        directories[number] = view.directory(number, places, &mut area);
    }
    let tables = [view.path_table(places, false), view.path_table(places, true)];
    Encoded { tables, area: area.bytes, directories }
}

/// Where one hierarchy's parts lie.
#[derive(Debug)]
struct Located {
    tables: [u32; 2],
    area: u32,
    places: Places,
}

/// Hands out sectors one after the other.
#[derive(Debug)]
struct Cursor(u64);

impl Cursor {
    fn take(&mut self, bytes: u64) -> Result<u32, IsoError> {
        let at = u32::try_from(self.0).map_err(|_| IsoError::TooLarge)?;
        self.0 = self.0.saturating_add(bytes.div_ceil(SECTOR_BYTES));
        Ok(at)
    }

    fn locate(&mut self, view: &View<'_>, draft: &Encoded) -> Result<Located, IsoError> {
        let tables = [self.take(draft.tables[0].len() as u64)?, self.take(draft.tables[1].len() as u64)?];
        let area = self.take(draft.area.len() as u64)?;
        let mut directories = vec![(0, 0); view.order.len()];
        for &number in &view.order {
            let size = draft.directories[number].len();
            directories[number] = (self.take(size as u64)?, u32::try_from(size).map_err(|_| IsoError::TooLarge)?);
        }
        Ok(Located { tables, area, places: Places { directories, files: Vec::new() } })
    }
}

/// Everything before the files' bytes. The files follow in the hierarchy's order, each from a new sector.
pub(super) fn head(volume: &Volume<'_>, hierarchy: &Hierarchy<'_>, limit: u32) -> Result<Vec<u8>, IsoError> {
    let (dates, label) = (&Dates::of(volume.time)?, volume.label);
    let view = |naming| View::of(hierarchy, naming, (dates.record, volume.directories), limit);
    let views = [Naming::RockRidge, Naming::Joliet].map(view);
    // No length depends on a place, so a draft with every place 0 has the right sizes.
    let nowhere =
        Places { directories: vec![(0, 0); hierarchy.directories.len()], files: vec![0; hierarchy.files.len()] };
    let mut cursor = Cursor((SYSTEM_AREA + DESCRIPTORS) as u64);
    let [rock_ridge, joliet] = &views;
    let mut located = [
        cursor.locate(rock_ridge, &encode(rock_ridge, &nowhere, 0))?,
        cursor.locate(joliet, &encode(joliet, &nowhere, 0))?,
    ];
    let files_at = cursor.0;
    let files = hierarchy.files.iter().map(|file| cursor.take(file.content.len())).collect::<Result<Vec<_>, _>>()?;
    let sectors = cursor.take(0)?;
    for one in &mut located {
        one.places.files.clone_from(&files);
    }

    let mut head = vec![0; SYSTEM_AREA * SECTOR];
    let encoded = [0, 1].map(|which| encode(&views[which], &located[which].places, located[which].area));
    for which in [0, 1] {
        let table_bytes = u32::try_from(encoded[which].tables[0].len()).map_err(|_| IsoError::TooLarge)?;
        head.extend(descriptor(label, &views[which], which == 1, &located[which], table_bytes, sectors, dates));
    }
    head.extend(padded([&[255][..], b"CD001", &[1]].concat()));
    for (view, parts) in views.iter().zip(encoded) {
        let [little, big] = parts.tables;
        head.extend(padded(little));
        head.extend(padded(big));
        head.extend(padded(parts.area));
        view.order.iter().for_each(|&number| head.extend(&parts.directories[number]));
    }
    debug_assert_eq!(head.len() as u64, files_at * SECTOR_BYTES);
    Ok(head)
}

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
    bytes
}

/// A primary (ECMA-119 8.4) or supplementary (8.5) volume descriptor: one sector.
fn descriptor(
    label: &str,
    view: &View<'_>,
    joliet: bool,
    located: &Located,
    table_bytes: u32,
    sectors: u32,
    dates: &Dates,
) -> Vec<u8> {
    let text = |text: &str, length: usize| -> Vec<u8> {
        if joliet {
            let units = text.encode_utf16().chain(std::iter::repeat(0x20)).take(length / 2);
            let mut bytes: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
            bytes.resize(length, 0);
            bytes
        } else {
            text.bytes().chain(std::iter::repeat(b' ')).take(length).collect()
        }
    };
    let mut bytes = vec![if joliet { 2 } else { 1 }];
    bytes.extend(b"CD001\x01\x00");
    bytes.extend(text("LINUX", 32)); // system identifier
    bytes.extend(text(label, 32));
    bytes.extend([0; 8]);
    bytes.extend(both32(sectors));
    let mut escapes = [0; 32];
    if joliet {
        // UCS-2 level 3, what every tool writes (Joliet, "Escape Sequences").
        escapes[..3].copy_from_slice(b"%/E");
    }
    bytes.extend(escapes);
    bytes.extend([both16(1), both16(1), both16(2048)].concat()); // volumes, this one's number, block size
    bytes.extend(both32(table_bytes));
    bytes.extend(located.tables[0].to_le_bytes());
    bytes.extend([0; 4]); // no second type L table
    bytes.extend(located.tables[1].to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(view.root_record(&located.places));
    for length in [128, 128, 128, 128, 37, 37, 37] {
        // volume set, publisher, preparer, application; copyright, abstract, bibliography files
        bytes.extend(text("", length));
    }
    for date in [dates.volume, dates.volume, NO_DATE, dates.volume] {
        // created, modified, expires, effective
        bytes.extend(date);
    }
    bytes.extend([1, 0]); // file structure version
    padded(bytes)
}

//! A small reader of ISO 9660 images with Rock Ridge and Joliet (ECMA-119; RRIP 1.12).
//!
//! It reads what our images can hold: files and directories in one volume of 2048-byte blocks. Symbolic links,
//! relocated directories and interleaved files are not read. The bytes are untrusted: every place is checked, every
//! loop ends, and nothing is copied. No two pieces of an image overlap, so that what is read of it is never more than it
//! has. What would show a host other files than are read here is refused: a file type in Rock Ridge that its record denies,
//! links, compression, and files that are hidden. Of a large image it needs the beginning only, with all of its directories.

mod rock_ridge;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

const SECTOR: usize = 2048;
/// Descriptors that are looked at.
const MAX_DESCRIPTORS: usize = 32;
/// File flags (ECMA-119 9.1.6): a directory, and every section of a file but its last.
const FLAG_DIRECTORY: u8 = 0x02;
const FLAG_MORE: u8 = 0x80;
/// The file types of `st_mode` (POSIX `sys/stat.h`).
const S_IFMT: u32 = 0o170_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;
const MAX_RECORDS: usize = 200_000;
const MAX_DEPTH: usize = 16;
/// Bytes of a path; no path of ours has more (`names::TreePath`).
const MAX_PATH: usize = 1024;
/// Bytes of all paths together: twice what as many files as are read have in a payload.
const MAX_PATHS: usize = 32 << 20;

/// Why the bytes are no image that we read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IsoReadError {
    /// No `CD001` where one must be.
    #[error("it is not an ISO 9660 image")]
    NotIso,
    /// No primary volume descriptor.
    #[error("it has no primary volume descriptor")]
    NoPrimary,
    /// Shorter than it says, or a place outside it.
    #[error("it is cut off: {0} lies behind its end")]
    Truncated(&'static str),
    /// A rule is broken.
    #[error("it is broken: {0}")]
    Broken(&'static str),
    /// More than is read.
    #[error("it has more {0} than are read")]
    TooMany(&'static str),
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IsoFile {
    /// `st_mode` of Rock Ridge, with the file type; none in the Joliet view.
    pub mode: Option<u32>,
    /// Where its bytes lie in the image: in one piece unless it is a file of several sections.
    pub sections: Vec<Range<u64>>,
}

impl IsoFile {
    /// All of its bytes, of an image that is wholly in memory.
    #[must_use]
    pub fn bytes<'b>(&self, image: &'b [u8]) -> Cow<'b, [u8]> {
        let piece = |section: &Range<u64>| {
            let range = usize::try_from(section.start).ok()?..usize::try_from(section.end).ok()?;
            image.get(range)
        };
        let pieces: Vec<&[u8]> = self.sections.iter().filter_map(piece).collect();
        match pieces.as_slice() {
            [one] => Cow::Borrowed(one),
            many => Cow::Owned(many.concat()),
        }
    }
}

/// What one kind of reader sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IsoView {
    /// Files by path.
    pub files: BTreeMap<String, IsoFile>,
    /// Directories below the root, with `st_mode` where it is known.
    pub directories: BTreeMap<String, Option<u32>>,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The volume label, without the padding.
    pub label: String,
    /// How many bytes it says that it has.
    pub size: u64,
    /// What Linux sees; none where the image has no Rock Ridge.
    pub rock_ridge: Option<IsoView>,
    /// What Windows sees, with its own label; none where the image has no Joliet.
    pub joliet: Option<(String, IsoView)>,
}

/// Reads an image of so many bytes, given as much of its beginning as has all of its directories.
///
/// # Errors
/// When the bytes are not an image, or one that breaks a rule.
pub fn read(image: &[u8], size: u64) -> Result<Volume, IsoReadError> {
    let mut primary = None;
    let mut joliet = None;
    for number in 16..16 + MAX_DESCRIPTORS {
        let Some(descriptor) = image.get(number * SECTOR..(number + 1) * SECTOR) else {
            return Err(if number == 16 { IsoReadError::NotIso } else { IsoReadError::Truncated("a descriptor") });
        };
        if descriptor.get(1..6) != Some(b"CD001") {
            return Err(IsoReadError::NotIso);
        }
        match descriptor.first() {
            Some(1) if primary.is_none() => primary = Some(descriptor),
            Some(2) if matches!(descriptor.get(88..91), Some(b"%/@" | b"%/C" | b"%/E")) => joliet = Some(descriptor),
            Some(255) => break,
            _ => {}
        }
    }
    let primary = primary.ok_or(IsoReadError::NoPrimary)?;
    let said = u64::from(both32(primary, 80)?) * SECTOR as u64;
    if said > size {
        return Err(IsoReadError::Truncated("the volume"));
    }
    let label = |descriptor: &[u8]| descriptor.get(40..72).unwrap_or_default().to_vec();
    let (rock, view) = Walk::of((image, size), primary, Names::RockRidge)?;
    let joliet = match joliet {
        None => None,
        Some(descriptor) => {
            let label = ucs2(&label(descriptor)).trim_end_matches([' ', '\0']).to_owned();
            Some((label, Walk::of((image, size), descriptor, Names::Joliet)?.1))
        }
    };
    let label = String::from_utf8_lossy(&label(primary)).trim_end_matches([' ', '\0']).to_owned();
    Ok(Volume { label, size: said, rock_ridge: rock.then_some(view), joliet })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    RockRidge,
    Joliet,
}

/// One directory record.
#[derive(Debug)]
struct Record<'b> {
    sector: u32,
    size: u32,
    flags: u8,
    identifier: &'b [u8],
    system_use: &'b [u8],
}

impl<'b> Record<'b> {
    fn parse(bytes: &'b [u8]) -> Result<Self, IsoReadError> {
        let short = IsoReadError::Broken("a directory record is too short");
        let length = usize::from(*bytes.get(32).ok_or(short.clone())?);
        let identifier = bytes.get(33..33 + length).ok_or(short.clone())?;
        let system_use = bytes.get((33 + length).next_multiple_of(2)..).unwrap_or_default();
        let flags = *bytes.get(25).ok_or(short)?;
        if bytes.get(26..28) != Some(&[0, 0]) || bytes.get(1) != Some(&0) {
            return Err(IsoReadError::Broken("an interleaved file, or one with an extended attribute record"));
        }
        // Linux does not show associated files (0x04), nor hidden ones where it is told so.
        if !matches!(flags, 0 | FLAG_DIRECTORY | FLAG_MORE) {
            return Err(IsoReadError::Broken("a file that is hidden, or of a kind that hosts do not show"));
        }
        Ok(Self { sector: both32(bytes, 2)?, size: both32(bytes, 10)?, flags, identifier, system_use })
    }

    fn is_directory(&self) -> bool {
        self.flags & FLAG_DIRECTORY != 0
    }
}

/// What the pieces of an image take of it: directories, files, continuation areas.
#[derive(Debug, Default)]
struct Taken(BTreeMap<u64, u64>);

impl Taken {
    /// Takes a range that nobody has taken.
    fn take(&mut self, range: &Range<u64>) -> Result<(), IsoReadError> {
        if range.is_empty() {
            return Ok(());
        }
        // Those that are taken do not overlap: the last that begins before the end is the one that reaches furthest.
        if self.0.range(..range.end).next_back().is_some_and(|(_, end)| *end > range.start) {
            return Err(IsoReadError::Broken("two of its pieces overlap"));
        }
        self.0.insert(range.start, range.end);
        Ok(())
    }
}

struct Walk<'b> {
    image: &'b [u8],
    /// Bytes of the whole image.
    size: u64,
    names: Names,
    /// Whether the root says that SUSP and Rock Ridge are in use.
    rock: bool,
    records: usize,
    visited: BTreeSet<u32>,
    taken: Taken,
    /// Bytes of all paths.
    paths: usize,
    view: IsoView,
}

impl<'b> Walk<'b> {
    fn of(
        (image, size): (&'b [u8], u64),
        descriptor: &'b [u8],
        names: Names,
    ) -> Result<(bool, IsoView), IsoReadError> {
        if descriptor.get(128..132) != Some(&[0, 8, 8, 0]) {
            return Err(IsoReadError::Broken("its blocks are not of 2048 bytes"));
        }
        let root = Record::parse(descriptor.get(156..190).unwrap_or_default())?;
        let (visited, taken, view) = (BTreeSet::new(), Taken::default(), IsoView::default());
        let mut walk = Self { image, size, names, rock: false, records: 0, visited, taken, paths: 0, view };
        let mut open = vec![(String::new(), root.sector, root.size, 1)];
        while let Some((path, sector, size, depth)) = open.pop() {
            if depth > MAX_DEPTH {
                return Err(IsoReadError::TooMany("levels of directories"));
            }
            if !walk.visited.insert(sector) {
                return Err(IsoReadError::Broken("a directory is reached twice"));
            }
            for (path, record) in walk.directory(&path, sector, size)? {
                open.push((path, record.sector, record.size, depth + 1));
            }
        }
        Ok((walk.rock, walk.view))
    }

    fn extent(&self, record: &Record<'b>) -> Result<Range<u64>, IsoReadError> {
        let start = u64::from(record.sector) * SECTOR as u64;
        let extent = start..start + u64::from(record.size);
        match record.size {
            0 => Ok(0..0),
            _ if extent.end > self.size => Err(IsoReadError::Truncated("a file or directory")),
            _ => Ok(extent),
        }
    }

    /// Takes the files of a directory over and gives its directories.
    fn directory(&mut self, above: &str, sector: u32, size: u32) -> Result<Vec<(String, Record<'b>)>, IsoReadError> {
        let bytes = slice(self.image, sector, 0, size)?;
        let start = u64::from(sector) * SECTOR as u64;
        self.taken.take(&(start..start + u64::from(size)))?;
        let mut directories = Vec::new();
        // The sections of a file so far, all but the last.
        let mut sections: Option<(&[u8], Vec<Range<u64>>)> = None;
        let all = records(bytes, MAX_RECORDS - self.records)?;
        self.records += all.len();
        for (index, record) in all.into_iter().enumerate() {
            if index < 2 {
                if record.identifier != [u8::from(index == 1)] || !record.is_directory() {
                    return Err(IsoReadError::Broken("a directory does not begin with itself and its parent"));
                }
                if index == 0 && above.is_empty() && self.names == Names::RockRidge {
                    self.rock = rock_ridge::is_used((self.image, &mut self.taken), record.system_use)?;
                }
                continue;
            }
            let (name, mode) = self.name(&record)?;
            let path = if above.is_empty() { name } else { format!("{above}/{name}") };
            self.paths += path.len();
            if path.len() > MAX_PATH || self.paths > MAX_PATHS {
                return Err(IsoReadError::TooMany("bytes of names"));
            }
            if record.is_directory() {
                if self.view.directories.insert(path.clone(), mode).is_some() || sections.is_some() {
                    return Err(IsoReadError::Broken("a name twice in a directory"));
                }
                directories.push((path, record));
                continue;
            }
            let mut whole = match sections.take() {
                Some((identifier, whole)) if identifier == record.identifier => whole,
                Some(_) => return Err(IsoReadError::Broken("a file lacks its last section")),
                None => Vec::new(),
            };
            let extent = self.extent(&record)?;
            self.taken.take(&extent)?;
            whole.push(extent);
            if record.flags & FLAG_MORE != 0 {
                sections = Some((record.identifier, whole));
            } else if self.view.files.insert(path, IsoFile { mode, sections: whole }).is_some() {
                return Err(IsoReadError::Broken("a name twice in a directory"));
            }
        }
        if sections.is_some() {
            return Err(IsoReadError::Broken("a file lacks its last section"));
        }
        Ok(directories)
    }

    fn name(&mut self, record: &Record<'b>) -> Result<(String, Option<u32>), IsoReadError> {
        let plain = match self.names {
            Names::Joliet => ucs2(record.identifier),
            Names::RockRidge => String::from_utf8_lossy(record.identifier).into_owned(),
        };
        let plain = plain.strip_suffix(";1").unwrap_or(&plain).to_owned();
        let (name, mode) = if self.names == Names::RockRidge && self.rock {
            let (name, mode) = rock_ridge::attributes((self.image, &mut self.taken), record.system_use)?;
            let kind = if record.is_directory() { S_IFDIR } else { S_IFREG };
            if mode.is_some_and(|mode| mode & S_IFMT != kind) {
                return Err(IsoReadError::Broken("a file type of Rock Ridge that is not that of its record"));
            }
            (name.unwrap_or(plain), mode)
        } else {
            (plain, None)
        };
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
            return Err(IsoReadError::Broken("a name that cannot be one"));
        }
        Ok((name, mode))
    }
}

/// The records of a directory, as many as this. None crosses a sector; a length of 0 says that the sector has no more.
fn records(directory: &[u8], most: usize) -> Result<Vec<Record<'_>>, IsoReadError> {
    let mut all = Vec::new();
    for sector in directory.chunks(SECTOR) {
        let mut rest = sector;
        while let Some(&length) = rest.first()
            && length != 0
        {
            let Some((record, others)) = rest.split_at_checked(usize::from(length)) else {
                return Err(IsoReadError::Broken("a directory record crosses a sector"));
            };
            if all.len() == most {
                return Err(IsoReadError::TooMany("files"));
            }
            all.push(Record::parse(record)?);
            rest = others;
        }
    }
    if all.len() < 2 {
        return Err(IsoReadError::Broken("a directory does not begin with itself and its parent"));
    }
    Ok(all)
}

/// Bytes of the image.
fn slice(image: &[u8], sector: u32, offset: u32, size: u32) -> Result<&[u8], IsoReadError> {
    let start = u64::from(sector) * SECTOR as u64 + u64::from(offset);
    let range = usize::try_from(start).ok().zip(usize::try_from(start + u64::from(size)).ok());
    range.and_then(|(start, end)| image.get(start..end)).ok_or(IsoReadError::Truncated("a file or directory"))
}

/// A number that is written in both byte orders, which must agree.
fn both32(bytes: &[u8], at: usize) -> Result<u32, IsoReadError> {
    let four = |at: usize| bytes.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok());
    match (four(at), four(at + 4)) {
        (Some(little), Some(big)) if u32::from_le_bytes(little) == u32::from_be_bytes(big) => {
            Ok(u32::from_le_bytes(little))
        }
        (Some(_), Some(_)) => Err(IsoReadError::Broken("a number differs in its two byte orders")),
        _ => Err(IsoReadError::Broken("a directory record is too short")),
    }
}

fn ucs2(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.as_chunks().0.iter().map(|pair: &[u8; 2]| u16::from_be_bytes(*pair)).collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests;

//! Archives, read in one pass with bounded memory.
//!
//! Only what this program writes is read: gzip with stored blocks, and in it GNU tar with directories and regular files below
//! one directory. Every byte has one right value, so that no change goes unseen: decoders that take more (padding bits of
//! blocks, the time in the header of gzip) would not see some.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use camino::Utf8Path;
use flate2::Crc;
use tar::{Entry, EntryType};

use super::file::open;
use super::tree::Digesting;
use super::{Attributes, Limits, LoadError, LoadedFile, LoadedTree, Watch};
use crate::names::TreePath;

/// The most bytes of a path in an archive.
const MAX_PATH: u64 = 4096;

/// What was read of an archive.
#[derive(Debug)]
pub struct Unpacked {
    /// What lies in its one directory.
    pub tree: LoadedTree,
    /// What is wrong with its end, where all the files could be read: most often its checksum, and then one of the files is not
    /// what it was.
    pub damage: Option<LoadError>,
}

/// Reads an archive as a tree, from one file or from its parts, one after the other. `path` is what messages call it.
///
/// # Errors
/// When it cannot be read up to its last file, is no archive of ours, or is more than the limits.
pub fn archive(
    path: &Utf8Path,
    parts: &[impl AsRef<Utf8Path>],
    limits: Limits,
    watch: Watch<'_>,
) -> Result<Unpacked, LoadError> {
    let files = joined(parts)?;
    let reader = Stored::new(BufReader::with_capacity(1 << 18, files)).map_err(|error| failed(path, "", error))?;
    let mut tar = tar::Archive::new(reader);
    let attributes = Attributes { mode: 0o700, owner: 0 };
    let tree =
        LoadedTree { attributes, directories: BTreeMap::new(), files: BTreeMap::new(), others: BTreeMap::new() };
    let mut members = Members { path, limits, watch, tree, kept: 0, root: None, long: None, last: String::new() };
    // Raw: the crate would read a name as long as the archive says into memory.
    for entry in tar.entries().map_err(|error| failed(path, "", error))?.raw(true) {
        let entry = entry.map_err(|error| failed(path, &members.last, error))?;
        members.member(entry)?;
    }
    let last = members.last.clone();
    let damage = tar.into_inner().end().map_err(|error| failed(path, &last, error)).err();
    Ok(Unpacked { tree: members.tree, damage })
}

/// The bytes of these files, one after the other.
///
/// # Errors
/// When one of them cannot be opened.
pub fn joined(parts: &[impl AsRef<Utf8Path>]) -> Result<Box<dyn Read>, LoadError> {
    let mut files: Box<dyn Read> = Box::new(io::empty());
    for part in parts {
        files = Box::new(files.chain(open(part.as_ref())?));
    }
    Ok(files)
}

fn failed(path: &Utf8Path, after: &str, error: io::Error) -> LoadError {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::Other => {
            let after = if after.is_empty() { "at its beginning".to_owned() } else { format!("after {after}") };
            LoadError::Archive { path: path.to_owned(), why: format!("{after}: {error}") }
        }
        _ => LoadError::of(path, error),
    }
}

struct Members<'p> {
    path: &'p Utf8Path,
    limits: Limits,
    watch: Watch<'p>,
    tree: LoadedTree,
    kept: u64,
    /// The directory that everything lies in.
    root: Option<String>,
    /// The path of the next member, where it is too long for its header.
    long: Option<String>,
    /// The member before, for messages.
    last: String,
}

impl Members<'_> {
    fn wrong(&self, why: String) -> LoadError {
        failed(self.path, &self.last, io::Error::new(io::ErrorKind::InvalidData, why))
    }

    fn member<R: Read>(&mut self, mut entry: Entry<'_, R>) -> Result<(), LoadError> {
        let kind = entry.header().entry_type();
        let size = entry.header().entry_size().map_err(|error| failed(self.path, &self.last, error))?;
        if kind == EntryType::GNULongName {
            let mut name = Vec::new();
            let read = entry.take(MAX_PATH + 1).read_to_end(&mut name);
            read.map_err(|error| failed(self.path, &self.last, error))?;
            let name = String::from_utf8(name).ok().filter(|name| name.len() as u64 <= MAX_PATH);
            let name = name.and_then(|name| Some(name.strip_suffix('\0')?.to_owned()));
            self.long = Some(name.ok_or_else(|| self.wrong("a path that cannot be one".to_owned()))?);
            return Ok(());
        }
        let named = match self.long.take() {
            Some(long) => long,
            None => String::from_utf8(entry.path_bytes().into_owned())
                .map_err(|_| self.wrong("a path that is not UTF-8".to_owned()))?,
        };
        let mode = entry.header().mode().map_err(|error| failed(self.path, &self.last, error))?;
        let attributes = Attributes { mode: mode & 0o7777, owner: 0 };
        let place = self.place(&named)?;
        let shown = || named.escape_debug().to_string();
        if self.tree.files.len() + self.tree.directories.len() >= self.limits.files {
            return Err(LoadError::TooManyFiles { path: self.path.to_owned(), limit: self.limits.files });
        }
        match (kind, place) {
            (EntryType::Directory, None) => self.tree.attributes = attributes,
            (EntryType::Directory, Some(place)) => {
                self.tree.directories.insert(place, attributes);
            }
            (EntryType::Regular, Some(place)) if !self.tree.files.contains_key(&place) => {
                let file = self.file(&mut entry, (&place, attributes), size)?;
                self.tree.files.insert(place, file);
            }
            (EntryType::Regular, Some(_)) => return Err(self.wrong(format!("{} is in it twice", shown()))),
            _ => return Err(self.wrong(format!("{} is neither a file nor a directory", shown()))),
        }
        self.last = shown();
        Ok(())
    }

    /// The path below the one directory; none for that itself. Nothing leads out of it.
    fn place(&mut self, named: &str) -> Result<Option<String>, LoadError> {
        let plain = named.strip_suffix('/').unwrap_or(named);
        let parsed: Result<TreePath, _> = plain.parse();
        let parsed = parsed.map_err(|error| self.wrong(format!("the path `{}`: {error}", named.escape_debug())))?;
        let (root, below) =
            parsed.as_str().split_once('/').map_or((parsed.as_str(), None), |(root, b)| (root, Some(b)));
        if self.root.get_or_insert_with(|| root.to_owned()) != root {
            return Err(self.wrong(format!("`{}` lies beside its directory", named.escape_debug())));
        }
        Ok(below.map(str::to_owned))
    }

    fn file(
        &mut self,
        from: &mut impl Read,
        (place, attributes): (&str, Attributes),
        size: u64,
    ) -> Result<LoadedFile, LoadError> {
        if size > self.limits.file {
            return Err(LoadError::TooLarge { path: self.path.to_owned(), limit: self.limits.file });
        }
        let mut digesting = Digesting::new(self.limits.keeps(place, size, self.kept));
        let mut buffer = vec![0; 1 << 16];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    digesting.update(buffer.get(..count).unwrap_or_default());
                    (self.watch)(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(self.path, &self.last, error)),
            }
        }
        let loaded = digesting.finish(attributes);
        self.kept += loaded.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        Ok(loaded)
    }
}

/// gzip with stored blocks, all full but the last: an independent reader of what `bundle::gzip` writes.
struct Stored {
    from: BufReader<Box<dyn Read>>,
    /// Bytes of the block that are still to come.
    left: usize,
    last: bool,
    crc: Crc,
    ended: bool,
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

impl Stored {
    fn new(mut from: BufReader<Box<dyn Read>>) -> io::Result<Self> {
        let mut header = [0; 10];
        from.read_exact(&mut header)?;
        if header != [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255] {
            return Err(invalid("it does not begin like an archive of cfy-seed"));
        }
        Ok(Self { from, left: 0, last: false, crc: Crc::new(), ended: false })
    }

    fn block(&mut self) -> io::Result<()> {
        if self.last {
            let mut trailer = [0; 8];
            self.from.read_exact(&mut trailer)?;
            let (sum, amount) = (self.crc.sum().to_le_bytes(), self.crc.amount().to_le_bytes());
            if trailer != [sum, amount].concat().as_slice() {
                return Err(invalid("its checksum is another one"));
            }
            if self.from.read(&mut [0])? > 0 {
                return Err(invalid("something follows its end"));
            }
            self.ended = true;
            return Ok(());
        }
        let mut header = [0; 5];
        self.from.read_exact(&mut header)?;
        let [kind, low, high, not_low, not_high] = header;
        let length = usize::from(u16::from_le_bytes([low, high]));
        let full = length == 0xffff || kind == 1;
        if kind > 1 || [not_low, not_high] != [!low, !high] || !full {
            return Err(invalid("a block of it is damaged"));
        }
        (self.left, self.last) = (length, kind == 1);
        Ok(())
    }

    /// Reads what tar leaves: zeros, up to a full record, and then the checksum.
    fn end(mut self) -> io::Result<()> {
        let mut rest = Vec::new();
        (&mut self).take(1 << 16).read_to_end(&mut rest)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(invalid("something follows the last file"));
        }
        if self.ended { Ok(()) } else { Err(invalid("it goes on after the last file")) }
    }
}

impl Read for Stored {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 && !self.ended {
            self.block()?;
        }
        let most = self.left.min(into.len());
        let into = into.get_mut(..most).unwrap_or_default();
        if into.is_empty() {
            return Ok(0);
        }
        let count = self.from.read(into)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.crc.update(into.get(..count).unwrap_or_default());
        self.left -= count;
        Ok(count)
    }
}

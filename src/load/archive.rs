//! Archives, read in one pass with bounded memory.
//!
//! Only what this program writes is read: gzip with stored blocks, and in it GNU tar with directories and regular files below
//! one directory. Every byte has one right value, so that no change goes unseen: decoders that take more (padding bits of
//! blocks, the time in the header of gzip) would not see some. What stands before a member's content is made anew of its path,
//! type, mode and size and compared: a reader that only looks at these would not see an owner, or what GNU tar takes a path
//! from where the magic is that of POSIX (`prefix`), and tar would unpack something else than was verified.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use camino::Utf8Path;
use flate2::Crc;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::file::open;
use super::tree::Digesting;
use super::{Attributes, Limits, LoadError, LoadedFile, LoadedTree, Watch};
use crate::names::{Digest256, TreePath};

/// The most bytes of a path in an archive.
const MAX_PATH: u64 = 4096;
/// Of headers, and what content is filled up to.
const BLOCK: usize = 512;

/// What was read of an archive.
#[derive(Debug)]
pub struct Unpacked {
    /// What lies in its one directory.
    pub tree: LoadedTree,
    /// What is wrong with its end, where all the files could be read: most often its checksum, and then one of the files is not
    /// what it was.
    pub damage: Option<LoadError>,
}

/// Reads an archive as a tree, from one file or from its parts, one after the other. `path` is what messages call it, and `whole`
/// is told the digest of all bytes, where there is one.
///
/// # Errors
/// When it cannot be read up to its last file, is no archive of ours, or is more than the limits.
pub fn archive(
    path: &Utf8Path,
    parts: &[impl AsRef<Utf8Path>],
    limits: Limits,
    watch: Watch<'_>,
    whole: Option<&Cell<Option<Digest256>>>,
) -> Result<Unpacked, LoadError> {
    let digest = Rc::new(RefCell::new(Sha256::new()));
    let mut files = joined(parts)?;
    if whole.is_some() {
        files = Box::new(Digested { from: files, digest: Rc::clone(&digest) });
    }
    let mut reader =
        Stored::new(BufReader::with_capacity(1 << 18, files)).map_err(|error| failed(path, "", error))?;
    let attributes = Attributes { mode: 0o700, owner: 0 };
    let tree =
        LoadedTree { attributes, directories: BTreeMap::new(), files: BTreeMap::new(), others: BTreeMap::new() };
    let mut members = Members { path, limits, watch, tree, kept: 0, root: None, time: 0, last: String::new() };
    while let Some(head) = Head::read(&mut reader).map_err(|error| failed(path, &members.last, error))? {
        members.member(&head, &mut reader)?;
    }
    let damage = reader.end().map_err(|error| failed(path, &members.last, error)).err();
    if let Some(whole) = whole {
        whole.set(Some(Digest256::from_bytes(digest.borrow().clone().finalize().into())));
    }
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

/// Digests on the way.
struct Digested {
    from: Box<dyn Read>,
    digest: Rc<RefCell<Sha256>>,
}

impl Read for Digested {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.digest.borrow_mut().update(into.get(..count).unwrap_or_default());
        Ok(count)
    }
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

/// What stands before a member's content: its header, and before that its path where it is too long for one.
struct Head {
    header: Header,
    named: Vec<u8>,
    /// All of its blocks.
    bytes: Vec<u8>,
}

impl Head {
    /// The next one; none where the archive ends.
    fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut header = Header::new_old();
        from.read_exact(header.as_mut_bytes())?;
        if header.as_bytes() == &[0; BLOCK] {
            return Ok(None);
        }
        let mut bytes = header.as_bytes().to_vec();
        if header.entry_type() != EntryType::GNULongName {
            let named = header.path_bytes().into_owned();
            return Ok(Some(Self { header, named, bytes }));
        }
        let size = header.entry_size()?;
        let length = usize::try_from(size).ok().filter(|_| (1..=MAX_PATH + 1).contains(&size));
        let length = length.ok_or_else(|| invalid("a path that cannot be one"))?;
        bytes.resize(BLOCK + length.next_multiple_of(BLOCK), 0);
        from.read_exact(bytes.get_mut(BLOCK..).unwrap_or_default())?;
        let named = bytes.get(BLOCK..BLOCK + length - 1).unwrap_or_default().to_vec();
        from.read_exact(header.as_mut_bytes())?;
        bytes.extend_from_slice(header.as_bytes());
        Ok(Some(Self { header, named, bytes }))
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
    /// The one date of all members.
    time: u64,
    /// The member before, for messages.
    last: String,
}

impl Members<'_> {
    fn wrong(&self, why: String) -> LoadError {
        failed(self.path, &self.last, io::Error::new(io::ErrorKind::InvalidData, why))
    }

    fn member(&mut self, head: &Head, from: &mut impl Read) -> Result<(), LoadError> {
        let kind = head.header.entry_type();
        let numbers = || Ok((head.header.entry_size()?, head.header.mode()?, head.header.mtime()?));
        let (size, mode, time) = numbers().map_err(|error| failed(self.path, &self.last, error))?;
        let named =
            std::str::from_utf8(&head.named).map_err(|_| self.wrong("a path that is not UTF-8".to_owned()))?;
        let attributes = Attributes { mode: mode & 0o7777, owner: 0 };
        let first = self.root.is_none();
        if first {
            self.time = time;
        }
        let place = self.place(named)?;
        let shown = named.escape_debug().to_string();
        if self.tree.files.len() + self.tree.directories.len() >= self.limits.files {
            return Err(LoadError::TooManyFiles { path: self.path.to_owned(), limit: self.limits.files });
        }
        if !matches!(kind, EntryType::Directory | EntryType::Regular) || (place.is_none() && kind.is_file()) {
            return Err(self.wrong(format!("{shown} is neither a file nor a directory")));
        }
        let written = self.written(place.as_deref(), (kind, attributes.mode, size));
        if !written.is_ok_and(|written| written == head.bytes) {
            return Err(self.wrong(format!("the header of {shown} is not one that cfy-seed writes")));
        }
        self.is_new(place.as_deref(), first).map_err(|why| self.wrong(format!("{shown} {why}")))?;
        match place {
            None => self.tree.attributes = attributes,
            Some(place) if kind.is_dir() => {
                self.tree.directories.insert(place, attributes);
            }
            Some(place) => {
                let file = self.file(from, (&place, attributes), size)?;
                self.tree.files.insert(place, file);
            }
        }
        self.last = shown;
        Ok(())
    }

    /// Each comes once, and after the directory that it lies in: tar would make that one of its own, or put one in the place of
    /// another.
    fn is_new(&self, place: Option<&str>, first: bool) -> Result<(), &'static str> {
        let Some(place) = place else { return if first { Ok(()) } else { Err("is in it twice") } };
        if self.tree.files.contains_key(place) || self.tree.directories.contains_key(place) {
            return Err("is in it twice");
        }
        let above = place.rsplit_once('/').map(|(above, _)| above);
        if first || above.is_some_and(|above| !self.tree.directories.contains_key(above)) {
            return Err("comes before its directory");
        }
        Ok(())
    }

    /// What stands before a member as this program writes it. Directories of the payload are for web servers too, and nobody but
    /// their owner reads the others; files have the modes that the manifest says.
    fn written(&self, place: Option<&str>, (kind, mode, size): (EntryType, u32, u64)) -> io::Result<Vec<u8>> {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        let payload = place.is_some_and(|place| place == "payload" || place.starts_with("payload/"));
        header.set_mode(match (kind, payload) {
            (EntryType::Directory, true) => 0o755,
            (EntryType::Directory, false) => 0o700,
            _ => mode,
        });
        header.set_size(if kind.is_dir() { 0 } else { size });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.time);
        let mut tar = Builder::new(Vec::new());
        let root = self.root.as_deref().unwrap_or_default();
        tar.append_data(&mut header, format!("{root}/{}", place.unwrap_or_default()), io::empty())?;
        Ok(tar.get_ref().clone())
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
        let machine = |error| failed(self.path, &self.last, error);
        let mut buffer = vec![0; 1 << 16];
        let mut left = size;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let piece = buffer.get_mut(..most).unwrap_or_default();
            from.read_exact(piece).map_err(machine)?;
            digesting.update(piece);
            (self.watch)(most as u64);
            left -= most as u64;
        }
        let mut filling = vec![0; usize::try_from(size.next_multiple_of(BLOCK as u64) - size).unwrap_or_default()];
        from.read_exact(&mut filling).map_err(machine)?;
        if filling.iter().any(|byte| *byte != 0) {
            return Err(self.wrong(format!("what fills {} up is not zero", place.escape_debug())));
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

    /// Reads the second of the two blocks that end an archive, and then the checksum.
    fn end(&mut self) -> io::Result<()> {
        let mut rest = Vec::new();
        Read::take(&mut *self, BLOCK as u64 + 1).read_to_end(&mut rest)?;
        if rest == [0; BLOCK] { Ok(()) } else { Err(invalid("something follows the last file")) }
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

//! Whole directories.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{Dir, FileType, Mode, OFlags, Stat};
use sha2::{Digest as _, Sha256};

use super::file::regular;
use super::{LoadError, Watch};
use crate::names::Digest256;

/// How much of a directory is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files, directories and everything else together.
    pub files: usize,
    /// Levels of directories below the first.
    pub depth: usize,
    /// Bytes of a file up to which its bytes are kept; of a larger one only the digest is.
    pub keep: u64,
    /// Bytes kept of all files together; what comes later is digested only.
    pub kept: u64,
    /// The most bytes of one file.
    pub file: u64,
    /// What is digested only, by how its path begins: bytes that nobody looks at would take the place of those that somebody does.
    pub digested: &'static [&'static str],
}

impl Limits {
    /// For a built tree with a payload of many gigabytes.
    pub const BUNDLE: Self = Self {
        files: 200_000,
        depth: 16,
        keep: 64 << 20,
        kept: 1 << 30,
        file: 1 << 40,
        digested: &["payload/", "cfy-seed"],
    };
    /// For a payload alone: its digests and their signature are looked at, and nothing else.
    pub const PAYLOAD: Self = Self { kept: 64 << 20, digested: &["packages/", "repodata/"], ..Self::BUNDLE };

    /// Whether the bytes of a file are kept, where so many are already.
    pub(super) fn keeps(&self, path: &str, size: u64, kept: u64) -> bool {
        size <= self.room(path, kept)
    }

    fn room(&self, path: &str, kept: u64) -> u64 {
        if self.digested.iter().any(|prefix| path.starts_with(prefix)) {
            return 0;
        }
        self.keep.min(self.kept.saturating_sub(kept))
    }
}

/// Who may do what with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits, up to 0o7777.
    pub mode: u32,
    /// User number of the owner.
    pub owner: u32,
}

impl Attributes {
    fn of(status: &Stat) -> Self {
        Self { mode: status.st_mode & 0o7777, owner: status.st_uid }
    }
}

/// A regular file.
#[derive(Clone, PartialEq, Eq)]
pub struct LoadedFile {
    /// Mode and owner.
    pub attributes: Attributes,
    /// Bytes that were read.
    pub size: u64,
    /// Their digest.
    pub sha256: Digest256,
    /// The bytes themselves, when they are few enough.
    pub bytes: Option<Vec<u8>>,
}

impl std::fmt::Debug for LoadedFile {
    /// Without the bytes: they may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LoadedFile({:04o}, {} bytes)", self.attributes.mode, self.size)
    }
}

/// What is neither a directory nor a regular file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherKind {
    /// A symbolic link; where it leads was not looked at.
    Symlink,
    /// A device, FIFO or socket; it was not opened.
    Special,
    /// A name that is not UTF-8; the key shows it with replacement characters.
    NotUtf8Name,
}

/// A directory with everything below. Keys are relative paths with `/`, in the order of their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedTree {
    /// Of the directory itself.
    pub attributes: Attributes,
    /// Directories below.
    pub directories: BTreeMap<String, Attributes>,
    /// Regular files.
    pub files: BTreeMap<String, LoadedFile>,
    /// What was not read.
    pub others: BTreeMap<String, OtherKind>,
}

/// Reads a directory. Below it no symlink is followed; the path itself may be one.
///
/// # Errors
/// When it is missing, no directory, unreadable, or more than the limits.
pub fn tree(path: &Utf8Path, limits: Limits) -> Result<LoadedTree, LoadError> {
    tree_watched(path, limits, &|_| ())
}

/// As [`tree`], of many gigabytes.
///
/// # Errors
/// As [`tree`].
pub fn tree_watched(path: &Utf8Path, limits: Limits, watch: Watch<'_>) -> Result<LoadedTree, LoadError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path.as_std_path(), flags, Mode::empty()).map_err(|e| LoadError::of(path, e))?;
    let status = rustix::fs::fstat(&fd).map_err(|e| LoadError::of(path, e))?;
    let tree = LoadedTree {
        attributes: Attributes::of(&status),
        directories: BTreeMap::new(),
        files: BTreeMap::new(),
        others: BTreeMap::new(),
    };
    let mut walk = Walk { root: path, limits, watch, kept: 0, seen: 0, tree };
    walk.directory(&fd, "", 0)?;
    Ok(walk.tree)
}

struct Walk<'a> {
    root: &'a Utf8Path,
    limits: Limits,
    watch: Watch<'a>,
    kept: u64,
    seen: usize,
    tree: LoadedTree,
}

impl Walk<'_> {
    fn path(&self, relative: &str) -> Utf8PathBuf {
        if relative.is_empty() { self.root.to_owned() } else { self.root.join(relative) }
    }

    fn directory(&mut self, fd: &OwnedFd, relative: &str, depth: usize) -> Result<(), LoadError> {
        if depth > self.limits.depth {
            return Err(LoadError::TooDeep { path: self.path(relative), limit: self.limits.depth });
        }
        let path = self.path(relative);
        let failed = |error: rustix::io::Errno| LoadError::of(&path, error);
        let mut names = Vec::new();
        for entry in Dir::read_from(fd).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_bytes().to_vec();
            if name == b"." || name == b".." {
                continue;
            }
            self.seen += 1;
            if self.seen > self.limits.files {
                return Err(LoadError::TooManyFiles { path: self.root.to_owned(), limit: self.limits.files });
            }
            names.push(name);
        }
        names.sort();
        for name in names {
            let join = |name: &str| if relative.is_empty() { name.to_owned() } else { format!("{relative}/{name}") };
            match String::from_utf8(name) {
                Ok(name) => self.member(fd, &name, join(&name), depth)?,
                Err(error) => {
                    let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
                    self.tree.others.insert(join(&shown), OtherKind::NotUtf8Name);
                }
            }
        }
        Ok(())
    }

    fn member(&mut self, above: &OwnedFd, name: &str, relative: String, depth: usize) -> Result<(), LoadError> {
        let path = self.path(&relative);
        let status = rustix::fs::statat(above, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|e| LoadError::of(&path, e))?;
        let kind = FileType::from_raw_mode(status.st_mode);
        match kind {
            FileType::Directory | FileType::RegularFile => {}
            FileType::Symlink => {
                self.tree.others.insert(relative, OtherKind::Symlink);
                return Ok(());
            }
            _ => {
                self.tree.others.insert(relative, OtherKind::Special);
                return Ok(());
            }
        }
        // NOFOLLOW and NONBLOCK hold against whoever swaps the file between the two calls.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(above, name, flags, Mode::empty()).map_err(|e| LoadError::of(&path, e))?;
        let status = rustix::fs::fstat(&fd).map_err(|e| LoadError::of(&path, e))?;
        if kind == FileType::Directory {
            self.tree.directories.insert(relative.clone(), Attributes::of(&status));
            return self.directory(&fd, &relative, depth + 1);
        }
        let file = regular(fd, &path)?;
        let loaded = self.file(file, (&path, &relative), &status)?;
        self.tree.files.insert(relative, loaded);
        Ok(())
    }

    fn file(
        &mut self,
        mut file: File,
        (path, relative): (&Utf8Path, &str),
        status: &Stat,
    ) -> Result<LoadedFile, LoadError> {
        // The size of the status is not trusted: the file may grow.
        let room = self.limits.room(relative, self.kept);
        let mut digesting = Digesting::new(true);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(LoadError::of(path, error)),
            };
            digesting.update(buffer.get(..count).unwrap_or_default());
            (self.watch)(count as u64);
            if digesting.size > self.limits.file {
                return Err(LoadError::TooLarge { path: path.to_owned(), limit: self.limits.file });
            }
            if digesting.size > room {
                digesting.kept = None;
            }
        }
        let loaded = digesting.finish(Attributes::of(status));
        self.kept += loaded.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        Ok(loaded)
    }
}

/// A file on its way: digested, and its bytes kept where they are wanted.
pub(super) struct Digesting {
    digest: Sha256,
    size: u64,
    kept: Option<Vec<u8>>,
}

impl Digesting {
    pub fn new(keep: bool) -> Self {
        Self { digest: Sha256::new(), size: 0, kept: keep.then(Vec::new) }
    }

    pub fn update(&mut self, piece: &[u8]) {
        self.digest.update(piece);
        self.size += piece.len() as u64;
        if let Some(bytes) = &mut self.kept {
            bytes.extend_from_slice(piece);
        }
    }

    pub fn finish(self, attributes: Attributes) -> LoadedFile {
        let sha256 = Digest256::from_bytes(self.digest.finalize().into());
        LoadedFile { attributes, size: self.size, sha256, bytes: self.kept }
    }
}

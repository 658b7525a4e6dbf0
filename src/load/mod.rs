//! The only reader of the disk.
//!
//! In: paths. Out: text, bytes, trees, each bounded. May not: write, or say what the bytes mean. Nothing here blocks
//! on a FIFO or follows a symlink inside a tree.

#![allow(clippy::disallowed_methods, reason = "the one door through which the disk is read")]

mod archive;
mod error;
mod file;
mod image;
mod member;
mod tree;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

pub use archive::{Unpacked, archive, joined};
pub use error::LoadError;
pub use file::{Disk, bytes, canonical, digest, mode, prefix, size, text};
pub use image::{Layout, image};
pub use member::member;
pub use tree::{Attributes, Limits, LoadedFile, LoadedTree, OtherKind, tree, tree_watched};

/// Is told how many more bytes have been read.
pub type Watch<'w> = &'w dyn Fn(u64);

/// A vault's directory as it lies on the disk.
#[derive(Debug)]
pub struct VaultDir {
    /// Where.
    pub path: Utf8PathBuf,
    /// The files with their bytes, modes and owners. Symlinks and devices are among [`LoadedTree::others`].
    pub tree: LoadedTree,
    /// The user that this process acts as; who else owns a file of a vault can change it.
    pub user: u32,
}

/// Reads a vault; none where there is no such directory.
///
/// # Errors
/// When it is no directory, cannot be read, or holds more than a vault can: 4 MiB a file, 32 MiB, 4096 files.
pub fn vault_dir(path: &Utf8Path) -> Result<Option<VaultDir>, LoadError> {
    let limits = Limits { files: 4096, depth: 3, keep: 4 << 20, kept: 32 << 20, file: 4 << 20, digested: &[] };
    match tree(path, limits) {
        Ok(tree) => Ok(Some(VaultDir { path: path.to_owned(), tree, user: rustix::process::geteuid().as_raw() })),
        Err(LoadError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Certificates and keys in a directory: its regular files by name, those that end in `.crt`, `.pem` or `.key` with their
/// bytes, others without. Symlinks and directories are left out.
///
/// # Errors
/// When it is no directory, one of them cannot be read or is larger than 256 KiB, or there are more than 4096 files.
pub fn certificates(path: &Utf8Path) -> Result<BTreeMap<String, Vec<u8>>, LoadError> {
    const MAX_FILES: usize = 4096;
    let mut found = BTreeMap::new();
    for entry in path.read_dir_utf8().map_err(|error| LoadError::of(path, error))?.flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        if found.len() == MAX_FILES {
            return Err(LoadError::TooManyFiles { path: path.to_owned(), limit: MAX_FILES });
        }
        let wanted = matches!(entry.path().extension(), Some("crt" | "pem" | "key"));
        let content = if wanted { bytes(entry.path(), 256 << 10)? } else { Vec::new() };
        found.insert(entry.file_name().to_owned(), content);
    }
    Ok(found)
}

/// What lies in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// A regular file of this size.
    File(u64),
    /// A directory.
    Directory,
    /// A symbolic link, a device, or a name that is not UTF-8.
    Other,
}

/// What lies in this directory, by name; nothing where it is missing. No link is followed.
///
/// # Errors
/// When it is no directory, cannot be read, or holds more than 100,000 files.
pub fn listing(path: &Utf8Path) -> Result<BTreeMap<String, Listed>, LoadError> {
    const MAX_FILES: usize = 100_000;
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(LoadError::of(path, error)),
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(|error| LoadError::of(path, error))?;
        if found.len() == MAX_FILES {
            return Err(LoadError::TooManyFiles { path: path.to_owned(), limit: MAX_FILES });
        }
        let status = entry.metadata().map_err(|error| LoadError::of(path, error))?;
        let (name, listed) = match entry.file_name().into_string() {
            Ok(name) if status.is_file() => (name, Listed::File(status.len())),
            Ok(name) if status.is_dir() => (name, Listed::Directory),
            Ok(name) => (name, Listed::Other),
            Err(name) => (name.to_string_lossy().into_owned(), Listed::Other),
        };
        found.insert(name, listed);
    }
    Ok(found)
}

/// The names of the directories in this one, sorted; none where it is missing. Names that are not UTF-8 are left out.
///
/// # Errors
/// When it is no directory or cannot be read.
pub fn directories(path: &Utf8Path) -> Result<Vec<String>, LoadError> {
    let entries = match path.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(LoadError::of(path, error)),
    };
    let directories = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<String> = directories.map(|entry| entry.file_name().to_owned()).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests;

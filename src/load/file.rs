//! Single files.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FileType, Mode, OFlags};
use sha2::{Digest as _, Sha256};

use super::{LoadError, Watch};
use crate::bundle::ContentSource;
use crate::names::Digest256;

/// Reads a UTF-8 file of at most `max` bytes. A byte order mark and CRLF line ends stay as they are.
///
/// # Errors
/// As [`bytes`], and when it is not UTF-8.
pub fn text(path: &Utf8Path, max: u64) -> Result<String, LoadError> {
    String::from_utf8(bytes(path, max)?)
        .map_err(|error| LoadError::NotUtf8 { path: path.to_owned(), offset: error.utf8_error().valid_up_to() })
}

/// Reads a regular file of at most `max` bytes; a symlink to one is followed.
///
/// # Errors
/// When it is missing, no regular file, larger, or unreadable. A FIFO is refused without waiting for a writer.
pub fn bytes(path: &Utf8Path, max: u64) -> Result<Vec<u8>, LoadError> {
    let file = open(path)?;
    whole(file, path, max)
}

/// Reads the first bytes of a regular file; says how many there are.
///
/// # Errors
/// As [`bytes`], but for its size.
pub fn prefix(path: &Utf8Path, into: &mut [u8]) -> Result<usize, LoadError> {
    let mut file = open(path)?.take(into.len() as u64);
    let mut read = 0;
    while let Some(rest) = into.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(LoadError::of(path, error)),
        }
    }
    Ok(read)
}

/// The digest of a regular file of any size.
///
/// # Errors
/// As [`bytes`], but for its size.
pub fn digest(path: &Utf8Path, watch: Watch<'_>) -> Result<Digest256, LoadError> {
    let mut file = open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Digest256::from_bytes(digest.finalize().into())),
            Ok(count) => {
                digest.update(buffer.get(..count).unwrap_or_default());
                watch(count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(LoadError::of(path, error)),
        }
    }
}

/// Size of a regular file; a symlink to one is followed.
///
/// # Errors
/// When it is missing or no regular file.
pub fn size(path: &Utf8Path) -> Result<u64, LoadError> {
    Ok(open(path)?.metadata().map_err(|error| LoadError::of(path, error))?.len())
}

/// Permission bits of a regular file; a symlink to one is followed.
///
/// # Errors
/// As [`size`].
pub fn mode(path: &Utf8Path) -> Result<u32, LoadError> {
    let status = rustix::fs::fstat(open(path)?).map_err(|error| LoadError::of(path, error))?;
    Ok(status.st_mode & 0o7777)
}

/// The path from the root, without links.
///
/// # Errors
/// When there is nothing of that name, or its name is not UTF-8.
pub fn canonical(path: &Utf8Path) -> Result<Utf8PathBuf, LoadError> {
    path.canonicalize_utf8().map_err(|error| LoadError::of(path, error))
}

/// Opens a regular file without ever waiting.
pub(super) fn open(path: &Utf8Path) -> Result<File, LoadError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path.as_std_path(), flags, Mode::empty()).map_err(|e| LoadError::of(path, e))?;
    regular(fd, path)
}

/// The file behind a descriptor when it is a regular one.
pub(super) fn regular(fd: OwnedFd, path: &Utf8Path) -> Result<File, LoadError> {
    let status = rustix::fs::fstat(&fd).map_err(|e| LoadError::of(path, e))?;
    match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => Ok(File::from(fd)),
        FileType::Directory => Err(LoadError::Directory { path: path.to_owned() }),
        _ => Err(LoadError::Special { path: path.to_owned() }),
    }
}

/// Everything in a file, when that is at most `max` bytes.
pub(super) fn whole(file: File, path: &Utf8Path, max: u64) -> Result<Vec<u8>, LoadError> {
    let mut bytes = Vec::new();
    // The size of the status is not trusted: the file may grow, and files of /proc say 0.
    let read = file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| LoadError::of(path, e))?;
    if read as u64 > max {
        return Err(LoadError::TooLarge { path: path.to_owned(), limit: max });
    }
    Ok(bytes)
}

/// The content of files on this machine, for trees that refer to them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl ContentSource for Disk {
    fn open(&self, path: &Utf8Path) -> io::Result<Box<dyn Read>> {
        match open(path) {
            Ok(file) => Ok(Box::new(file)),
            Err(LoadError::Machine { source, .. }) => Err(source),
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    }
}

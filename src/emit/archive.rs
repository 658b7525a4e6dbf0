//! One archive as a file, or as parts.

use std::io::{self, Read, Write as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::lock::Lock;
use super::parts::{self, Parts};
use super::staging::remove_files;
use super::{EmitError, prepare, sync_directory};
use crate::bundle::Closing;
use crate::bundle::archive::{self, Archive, ArchiveError};
use crate::load;

/// An archive that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Where: the file, or the list of its parts.
    pub path: Utf8PathBuf,
    /// How large it is, parts together.
    pub size: u64,
    /// In how many parts; none where it is one file.
    pub parts: Option<usize>,
    /// Its manifest and digests.
    pub closing: Closing,
}

/// An archive that was written beside its place.
#[derive(Debug)]
pub(super) struct StagedArchive {
    parts: Parts,
    closing: Closing,
    name: String,
    split: bool,
}

impl StagedArchive {
    /// Writes it to files whose names begin so, mode 0600 because it holds private keys.
    pub fn write(
        archive: &Archive<'_>,
        out_dir: &Utf8Path,
        prefix: &str,
        name: &str,
        split: Option<u64>,
    ) -> Result<Self, EmitError> {
        let path = out_dir.join(name);
        free(&path, archive.root.as_str())?;
        if split.is_some() {
            free_list(out_dir, name)?;
        }
        let mut parts = Parts::new(out_dir.join(prefix), split);
        let closing = archive.write(&mut parts).map_err(|error| match error {
            ArchiveError::Content { path, why } => EmitError::Content { path: path.as_str().into(), why },
            ArchiveError::Seal(error) => EmitError::Seal(error),
            ArchiveError::Unsigned => parts.failed(&path, io::Error::other("the digests cannot be signed")),
            ArchiveError::Write(error) => parts.failed(&path, error),
        })?;
        parts.close(name).map_err(|error| parts.failed(&path, error))?;
        Ok(Self { parts, closing, name: name.to_owned(), split: split.is_some() })
    }

    /// The file, or the list of the parts.
    pub fn path(&self, out_dir: &Utf8Path) -> Utf8PathBuf {
        if self.split { parts::list(out_dir, &self.name) } else { out_dir.join(&self.name) }
    }

    /// Puts it into its place. An older one in parts, or in one file where these are parts, stays until [`clear`](Self::clear).
    pub fn place(&self, out_dir: &Utf8Path) -> Result<(), EmitError> {
        if self.split {
            self.parts.place_parts(out_dir, &self.name)
        } else {
            self.parts.place_whole(&out_dir.join(&self.name))
        }
    }

    /// Takes away an older one of the other kind.
    pub fn clear(&self, out_dir: &Utf8Path) -> Result<(), EmitError> {
        let whole = out_dir.join(&self.name);
        if !self.split {
            return parts::remove_parts(out_dir, &self.name);
        }
        if whole.is_file() {
            std::fs::remove_file(&whole).map_err(|error| EmitError::machine("remove", &whole, error))?;
        }
        Ok(())
    }

    /// What was written, for whoever has put it into its place.
    pub fn done(self, out_dir: &Utf8Path) -> Archived {
        let parts = self.split.then(|| self.parts.count());
        Archived { path: self.path(out_dir), size: self.parts.size(), parts, closing: self.closing }
    }
}

/// An archive that was split anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The list of its parts.
    pub list: Utf8PathBuf,
    /// How large it is, parts together.
    pub size: u64,
    /// In how many parts.
    pub parts: usize,
}

/// Splits an archive, read from its first byte to its last: to `<out_dir>/<name>.part-001` and so on, each smaller than the limit, and
/// `<name>.sha256` with their digests for `sha256sum -c`, in place of an older archive's parts of that name. What is in one file stays.
/// A kill may leave parts of both, and no list: that is removed first and comes last.
///
/// # Errors
/// When another run is at it, it cannot be read, there would be more than 999 parts, or the machine fails; nothing of the new ones is
/// then left.
pub fn split(from: &mut dyn Read, out_dir: &Utf8Path, name: &str, limit: u64) -> Result<Split, EmitError> {
    prepare(out_dir)?;
    let _lock = Lock::of_output(out_dir, name)?;
    let prefix = format!(".cfy-seed.{name}.split");
    // Of a killed run; the lock says that nobody is at it.
    remove_files(out_dir, |file| file.starts_with(&prefix))?;
    free_list(out_dir, name)?;
    let mut parts = Parts::new(out_dir.join(&prefix), Some(limit));
    copy(from, &mut parts, &out_dir.join(name))?;
    parts.close(name).map_err(|error| parts.failed(&out_dir.join(name), error))?;
    parts.place_parts(out_dir, name)?;
    sync_directory(out_dir)?;
    Ok(Split { list: parts::list(out_dir, name), size: parts.size(), parts: parts.count() })
}

fn copy(from: &mut dyn Read, parts: &mut Parts, path: &Utf8Path) -> Result<(), EmitError> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                let written = parts.write_all(buffer.get(..count).unwrap_or_default());
                written.map_err(|error| parts.failed(path, error))?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(EmitError::Content { path: path.to_owned(), why: error.to_string() }),
        }
    }
}

/// Whether an archive can go there: there is nothing of that name, or one of ours with that directory in it.
fn free(path: &Utf8Path, root: &str) -> Result<(), EmitError> {
    let status = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(EmitError::machine("look at", path, error)),
        Ok(status) if status.is_dir() => return Err(EmitError::InTheWay { path: path.to_owned() }),
        Ok(status) => status,
    };
    let mut head = [0; archive::BEGINNING];
    match load::prefix(path, &mut head) {
        Ok(count) if status.is_file() && archive::is_ours(head.get(..count).unwrap_or_default(), root) => Ok(()),
        Err(error) if error.is_machine_failure() => {
            Err(EmitError::machine("look at", path, io::Error::other(error.to_string())))
        }
        _ => Err(EmitError::Exists { path: path.to_owned() }),
    }
}

/// Whether a list of parts can go there: there is nothing of that name, or such a list.
fn free_list(out_dir: &Utf8Path, name: &str) -> Result<(), EmitError> {
    let path = parts::list(out_dir, name);
    let free = std::fs::symlink_metadata(&path).is_err() || parts::is_list(&path, name);
    if free { Ok(()) } else { Err(EmitError::Exists { path }) }
}

//! A directory that must be new, published whole.

use std::io::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::lock::Lock;
use super::staging::{self, Staging, create_file};
use super::{EmitError, sync_directory};
use crate::names::FileMode;

/// A directory in the making, mode 0700; nothing is left of it when it is dropped unpublished. What a kill leaves beside the
/// target (`.cfy-seed.<name>.staging.…`) is removed when the same target is made again.
#[derive(Debug)]
pub struct NewDirectory {
    target: Utf8PathBuf,
    above: Utf8PathBuf,
    staging: Staging,
    _lock: Lock,
}

impl NewDirectory {
    /// Begins it beside its target. The directory above must be there.
    ///
    /// # Errors
    /// [`EmitError::Exists`] when anything has that name, or the machine fails.
    pub fn begin(target: &Utf8Path) -> Result<Self, EmitError> {
        let (Some(name), false) = (target.file_name(), std::fs::symlink_metadata(target).is_ok()) else {
            return Err(EmitError::Exists { path: target.to_owned() });
        };
        let above = target.parent().filter(|above| !above.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
        let lock = Lock::of_output(above, name)?;
        staging::clear(above, name, target)?;
        let staging = Staging::new(above, name)?;
        Ok(Self { target: target.to_owned(), above: above.to_owned(), staging, _lock: lock })
    }

    /// Where it is until it is published.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        self.staging.path()
    }

    /// Writes a file into it, and syncs it.
    ///
    /// # Errors
    /// When the machine fails.
    pub fn file(&self, name: &str, mode: FileMode, bytes: &[u8]) -> Result<(), EmitError> {
        let path = self.path().join(name);
        let fill =
            |file: &mut std::fs::File| file.write_all(bytes).map_err(|e| EmitError::machine("write", &path, e));
        create_file(&path, mode, fill)?.sync_all().map_err(|e| EmitError::machine("sync", &path, e))
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// [`EmitError::Exists`] when something came there meanwhile, or the machine fails.
    pub fn publish(self) -> Result<Utf8PathBuf, EmitError> {
        sync_directory(self.path())?;
        let (from, to) = (self.path().as_std_path(), self.target.as_std_path());
        let moved = match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Without that step: NFS, some FUSE. A directory is put over nothing but an empty directory.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => rustix::fs::rename(from, to),
            other => other,
        };
        match moved {
            Ok(()) => {}
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {
                return Err(EmitError::Exists { path: self.target.clone() });
            }
            Err(error) => return Err(EmitError::machine("create", &self.target, error)),
        }
        sync_directory(&self.above)?;
        Ok(self.target.clone())
    }
}

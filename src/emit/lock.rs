//! One writer at a time.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use super::EmitError;
use super::stop::Unfinished;

/// A `flock` held until it is dropped. It ends with its process, however that ends.
#[derive(Debug)]
pub(super) struct Lock {
    /// Keeps the lock; closing it gives it back.
    file: File,
    /// The lock file, removed with the lock; none where a directory is locked.
    remove: Option<Utf8PathBuf>,
    /// What is locked is about to be half-written: dropped last, when that has been removed.
    _unfinished: Option<Unfinished>,
}

impl Lock {
    /// Locks the output of one cluster. Other clusters can be built into the same directory at the same time.
    pub fn of_output(out_dir: &Utf8Path, cluster: &str) -> Result<Self, EmitError> {
        let path = out_dir.join(format!(".cfy-seed.{cluster}.lock"));
        let failed = |error: std::io::Error| EmitError::machine("lock", &path, error);
        let unfinished = Unfinished::begin();
        loop {
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
                .open(&path)
                .map_err(failed)?;
            take(&file, &out_dir.join(cluster), &path)?;
            // The one who had the lock removes the file; then this is a lock on nothing and has to be taken anew.
            let ours = file.metadata().map_err(failed)?;
            let there = std::fs::symlink_metadata(&path);
            if there.is_ok_and(|there| there.dev() == ours.dev() && there.ino() == ours.ino()) {
                return Ok(Self { file, remove: Some(path), _unfinished: Some(unfinished) });
            }
        }
    }

    /// Locks a directory itself.
    pub fn of_directory(path: &Utf8Path) -> Result<Self, EmitError> {
        let file = File::open(path).map_err(|e| EmitError::machine("lock", path, e))?;
        take(&file, path, path)?;
        Ok(Self { file, remove: None, _unfinished: None })
    }

    /// The locked file or directory.
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(path) = &self.remove {
            // Before the lock goes: afterwards it could be another's. A file that stays does no harm.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn take(file: &File, what: &Utf8Path, path: &Utf8Path) -> Result<(), EmitError> {
    loop {
        return match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(()),
            Err(Errno::WOULDBLOCK) => Err(EmitError::Locked { path: what.to_owned() }),
            Err(Errno::INTR) => continue,
            Err(error) => Err(EmitError::machine("lock", path, error)),
        };
    }
}

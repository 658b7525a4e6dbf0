//! The files of a vault, one by one: a vault is added to, never rebuilt.

use std::io::Write as _;

use camino::{Utf8Path, Utf8PathBuf};

use super::lock::Lock;
use super::staging::{create_directory, create_file, remove_files};
use super::stop::Unfinished;
use super::{EmitError, sync_directory};
use crate::names::{FileMode, TreePath};

/// The name of a file that is being written; what a killed run left of them is removed by the next one.
pub(super) fn temporary(name: &str) -> String {
    format!(".cfy-seed.{name}.tmp")
}

/// Whether a file has the name of one that is being written.
pub(super) fn is_temporary(name: &str) -> bool {
    name.strip_prefix(".cfy-seed.").is_some_and(|rest| rest.strip_suffix(".tmp").is_some())
}

/// The right to write to a vault, held by one process at a time and given back when dropped.
#[derive(Debug)]
pub struct VaultLock {
    path: Utf8PathBuf,
    lock: Lock,
}

impl VaultLock {
    /// Locks the vault in this directory; makes the directory where there is none: mode 0700, with a `.gitignore`
    /// that keeps everything in it out of git. The directory above must be there.
    ///
    /// # Errors
    /// When another run has the lock, there is a file in the place, or the machine fails.
    pub fn acquire(path: &Utf8Path) -> Result<Self, EmitError> {
        match std::fs::metadata(path) {
            Ok(status) if status.is_dir() => {}
            Ok(_) => return Err(EmitError::OutputNotADirectory { path: path.to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // Somebody may have been faster; then the lock decides.
                if let Err(error) = create_directory(path)
                    && !path.is_dir()
                {
                    return Err(error);
                }
                if let Some(above) = path.parent() {
                    sync_directory(if above.as_str().is_empty() { Utf8Path::new(".") } else { above })?;
                }
            }
            Err(error) => return Err(EmitError::machine("look at", path, error)),
        }
        let this = Self { path: path.to_owned(), lock: Lock::of_directory(path)? };
        this.clear()?;
        if std::fs::symlink_metadata(path.join(".gitignore")).is_err() {
            replace(path, ".gitignore", FileMode::SECRET, b"*\n")?;
            this.sync()?;
        }
        Ok(this)
    }

    /// The vault's directory.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Removes what killed runs left of half-written files.
    fn clear(&self) -> Result<(), EmitError> {
        remove_files(&self.path, is_temporary)?;
        let failed = |error: std::io::Error| EmitError::machine("list", &self.path, error);
        for entry in self.path.read_dir_utf8().map_err(failed)?.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove_files(entry.path(), is_temporary)?;
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), EmitError> {
        self.lock.file().sync_all().map_err(|e| EmitError::machine("sync", &self.path, e))
    }
}

/// Writes files of a vault in the order given, each whole or not at all, mode 0600, in directories of mode 0700.
///
/// A kill or a power cut leaves every file old or new, and no later file without the earlier ones. After the return
/// all of them survive a power cut.
///
/// # Errors
/// When the machine fails; files before the one that failed are then in place.
pub fn vault<'f>(
    lock: &VaultLock,
    files: impl IntoIterator<Item = (&'f TreePath, &'f [u8])>,
) -> Result<(), EmitError> {
    let _unfinished = Unfinished::begin();
    for (path, bytes) in files {
        let mut directory = lock.path.clone();
        let (above, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
        for part in above.split('/').filter(|part| !part.is_empty()) {
            directory.push(part);
            match std::fs::symlink_metadata(&directory) {
                Ok(status) if status.is_dir() => {}
                // A symlink too: it would lead the keys out of the vault.
                Ok(_) => return Err(EmitError::OutputNotADirectory { path: directory }),
                Err(_) => {
                    create_directory(&directory)?;
                    sync_directory(directory.parent().unwrap_or(&lock.path))?;
                }
            }
        }
        replace(&directory, name, FileMode::SECRET, bytes)?;
        sync_directory(&directory)?;
    }
    Ok(())
}

/// Writes requests for a CA outside into a directory, over those of an earlier run, each file whole, mode 0644: nothing of
/// them is secret. A directory that is not there is made, mode 0700, because keys may come back into it.
///
/// # Errors
/// When there is a file in the directory's place, or the machine fails; files before the one that failed are then in place.
pub fn requests<'f>(
    directory: &Utf8Path,
    files: impl IntoIterator<Item = (&'f str, &'f [u8])>,
) -> Result<(), EmitError> {
    match std::fs::metadata(directory) {
        Ok(status) if status.is_dir() => {}
        Ok(_) => return Err(EmitError::OutputNotADirectory { path: directory.to_owned() }),
        Err(_) => create_directory(directory)?,
    }
    for (name, bytes) in files {
        // What a killed run left; the name is ours alone.
        let _ = std::fs::remove_file(directory.join(temporary(name)));
        replace(directory, name, FileMode::PUBLIC, bytes)?;
    }
    sync_directory(directory)
}

/// Writes one file beside its place, syncs it, and puts it there.
pub(super) fn replace(directory: &Utf8Path, name: &str, mode: FileMode, bytes: &[u8]) -> Result<(), EmitError> {
    let target = directory.join(name);
    let beside = directory.join(temporary(name));
    let written =
        create_file(&beside, mode, |file| file.write_all(bytes).map_err(|e| EmitError::machine("write", &target, e)));
    let synced = written.and_then(|file| file.sync_all().map_err(|e| EmitError::machine("sync", &target, e)));
    let placed =
        synced.and_then(|()| std::fs::rename(&beside, &target).map_err(|e| EmitError::machine("write", &target, e)));
    if placed.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    placed
}

//! The files of a payload: added one by one, each whole or not at all.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::lock::Lock;
use super::staging::remove_files;
use super::stop::{Unfinished, go_on};
use super::vault::{is_temporary, replace, temporary};
use super::{EmitError, sync_directory};
use crate::names::{FileMode, TreePath};

/// Nothing in a payload is secret, and web servers shall be able to read it.
const DIRECTORY: u32 = 0o755;

/// The right to write to a payload, held by one process at a time and given back when dropped.
#[derive(Debug)]
pub struct PayloadDirectory {
    path: Utf8PathBuf,
    _lock: Lock,
    _unfinished: Unfinished,
}

impl PayloadDirectory {
    /// Locks the payload in this directory; makes the directory where there is none. What a killed run left of files is
    /// removed.
    ///
    /// # Errors
    /// When another run has the lock, something else is in the place, or the machine fails.
    pub fn acquire(path: &Utf8Path) -> Result<Self, EmitError> {
        let unfinished = Unfinished::begin();
        create(path)?;
        let this = Self { path: path.to_owned(), _lock: Lock::of_directory(path)?, _unfinished: unfinished };
        for directory in ["packages", "keys"].map(|name| path.join(name)) {
            create(&directory)?;
            remove_files(&directory, is_temporary)?;
        }
        remove_files(path, is_temporary)?;
        if std::fs::symlink_metadata(path.join(".gitignore")).is_err() {
            // The lock file belongs into git, and packages of gigabytes do not.
            replace(path, ".gitignore", FileMode::PUBLIC, b"/packages/\n")?;
        }
        Ok(this)
    }

    /// Begins a file whose name is not known yet.
    ///
    /// # Errors
    /// When the machine fails.
    pub fn incoming(&self, number: usize) -> Result<Incoming, EmitError> {
        let path = self.path.join("packages").join(temporary(&number.to_string()));
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = created.map_err(|error| EmitError::machine("create", &path, error))?;
        Ok(Incoming { path, file: Some(BufWriter::with_capacity(1 << 18, file)) })
    }

    /// Puts a file in its place, over an older one.
    ///
    /// # Errors
    /// When the machine fails; there is then no such file, or the older one.
    pub fn publish(&self, incoming: Incoming, to: &TreePath) -> Result<(), EmitError> {
        let target = self.path.join(to.as_str());
        incoming.place(&target)?;
        sync_directory(target.parent().unwrap_or(&self.path))
    }

    /// Writes a small file, over an older one.
    ///
    /// # Errors
    /// When the machine fails; the older one is then still there.
    pub fn write(&self, to: &TreePath, bytes: &[u8]) -> Result<(), EmitError> {
        let target = self.path.join(to.as_str());
        let directory = target.parent().unwrap_or(&self.path);
        replace(directory, to.file_name(), FileMode::PUBLIC, bytes)?;
        sync_directory(directory)
    }
}

/// A file that is being written, and goes away when it is dropped.
#[derive(Debug)]
pub struct Incoming {
    path: Utf8PathBuf,
    file: Option<BufWriter<File>>,
}

impl Incoming {
    fn place(mut self, target: &Utf8Path) -> Result<(), EmitError> {
        let failed = |error: io::Error| EmitError::machine("write", target, error);
        let Some(writer) = self.file.take() else { return Err(failed(io::Error::other("written already"))) };
        let placed = writer.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| {
            file.set_permissions(Permissions::from_mode(FileMode::PUBLIC.bits()))?;
            file.sync_all()?;
            std::fs::rename(&self.path, target)
        });
        if placed.is_err() {
            let _ = std::fs::remove_file(&self.path);
        }
        placed.map_err(failed)
    }

    /// The error of a write that failed, with its path.
    #[must_use]
    pub fn failed(&self, error: io::Error) -> EmitError {
        EmitError::machine("write", &self.path, error)
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        go_on()?;
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // What stays is removed by the next run.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn create(path: &Utf8Path) -> Result<(), EmitError> {
    match std::fs::metadata(path) {
        Ok(status) if status.is_dir() => Ok(()),
        Ok(_) => Err(EmitError::OutputNotADirectory { path: path.to_owned() }),
        Err(_) => {
            let created = DirBuilder::new().mode(DIRECTORY).create(path);
            let created = created.and_then(|()| std::fs::set_permissions(path, Permissions::from_mode(DIRECTORY)));
            created.map_err(|error| EmitError::machine("create", path, error))
        }
    }
}

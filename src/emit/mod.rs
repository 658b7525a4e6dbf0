//! The only writer of the disk.
//!
//! In: a [`SealedTree`], an image, or files of a vault or a payload. Out: the same on the disk, whole or not at all. May not: decide content.

#![allow(clippy::disallowed_methods, reason = "the one door through which the disk is written")]

mod archive;
mod error;
mod image;
mod lock;
mod new_directory;
mod output;
mod parts;
mod payload;
mod staging;
mod stop;
mod vault;

use std::os::unix::fs::DirBuilderExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

pub use archive::{Archived, Split, split};
pub use error::EmitError;
pub use image::image;
pub use new_directory::NewDirectory;
pub use output::{Delivered, Output};
pub use payload::{Incoming, PayloadDirectory};
pub use stop::stopped_by;
pub use vault::{VaultLock, requests, vault};

use crate::bundle::manifest::{self, Manifest};
use crate::bundle::{ContentSource, MANIFEST, SealedTree};
use crate::load;
use crate::names::FileMode;
use staging::Staging;

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The tree, `<out>/<cluster>`.
    pub path: Utf8PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
    /// Files, the manifest and `SHA256SUMS` included.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Whether an older tree was replaced.
    pub replaced: bool,
}

/// Writes the tree to `<out_dir>/<cluster>`, in place of what an earlier build left there.
///
/// The new tree is written and synced beside the old one, mode 0700, and then takes its place in one step
/// (`RENAME_EXCHANGE`). A kill or a power cut leaves the old tree or the new one, whole; on a file system without
/// that step (`EINVAL`: NFS, some FUSE) there is a moment between two renames in which the place is empty, and the next
/// build repairs it. After the return the new tree survives a power cut. What a kill leaves behind (a directory
/// `.cfy-seed.<cluster>.…`) is removed by the next build.
///
/// # Errors
/// When something foreign is in the place, another build is at it, or the machine fails; the old tree is then
/// untouched and nothing of the new one is left.
pub fn publish(sealed: &SealedTree, out_dir: &Utf8Path, source: &dyn ContentSource) -> Result<Published, EmitError> {
    let mut output = Output::acquire(out_dir, sealed.cluster())?;
    output.tree(sealed, source)?;
    Ok(output.publish()?.tree)
}

/// Writes a file that must not be there yet: whole, mode 0644.
///
/// # Errors
/// [`EmitError::Exists`] when anything has that name, a dangling symlink too; else when the machine fails, and then
/// nothing is left of it.
pub fn new_file(path: &Utf8Path, bytes: &[u8]) -> Result<(), EmitError> {
    use std::io::Write as _;
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(EmitError::Exists { path: path.to_owned() });
    }
    let fill = |file: &mut std::fs::File| file.write_all(bytes).map_err(|e| EmitError::machine("write", path, e));
    let mut begun = false;
    let written = staging::create_file(path, FileMode::PUBLIC, |file| {
        begun = true;
        fill(file)
    });
    let synced = written.and_then(|file| file.sync_all().map_err(|e| EmitError::machine("sync", path, e)));
    if synced.is_err() && begun {
        let _ = std::fs::remove_file(path);
    }
    synced
}

/// Makes sure that there is an output directory. Bundles hold private keys; a directory that we made for them must not end in
/// somebody's repository.
fn prepare(out_dir: &Utf8Path) -> Result<(), EmitError> {
    if !make_directory(out_dir)? {
        return Ok(());
    }
    let ignored = out_dir.join(".gitignore");
    let written = new_file(&ignored, b"*\n!.gitignore\n");
    // A build that met the same empty place at the same time wrote the same.
    if ignored.is_file() {
        return Ok(());
    }
    // The next run would take what is there for the user's own. Where somebody has put something into it, it stays.
    let _ = std::fs::remove_dir(out_dir);
    written
}

/// Makes a directory with those above it, so that others cannot exchange what will be in it, whatever the umask is. Says whether it
/// was not there before.
fn make_directory(path: &Utf8Path) -> Result<bool, EmitError> {
    match std::fs::metadata(path) {
        Ok(status) if status.is_dir() => Ok(false),
        Ok(_) => Err(EmitError::OutputNotADirectory { path: path.to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            Err(EmitError::OutputNotADirectory { path: path.to_owned() })
        }
        Err(_) if std::fs::symlink_metadata(path).is_ok() => Err(EmitError::DanglingLink { path: path.to_owned() }),
        Err(_) => {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o755).create(path);
            made.map(|()| true).map_err(|error| EmitError::machine("create", path, error))
        }
    }
}

/// Whether there is a tree of ours; an error when there is anything else.
fn is_ours(target: &Utf8Path) -> Result<bool, EmitError> {
    let path = target.to_owned();
    match std::fs::symlink_metadata(target) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(EmitError::machine("look at", target, error)),
        Ok(status) if status.is_symlink() => return Err(EmitError::TargetIsSymlink { path }),
        Ok(status) if !status.is_dir() => return Err(EmitError::TargetNotADirectory { path }),
        Ok(_) => {}
    }
    let file = target.join(MANIFEST);
    // A link to somebody's manifest does not make the directory ours.
    let regular = std::fs::symlink_metadata(&file).is_ok_and(|status| status.is_file());
    if regular && load::bytes(&file, manifest::MAX_BYTES).is_ok_and(|bytes| Manifest::is_ours(&bytes)) {
        Ok(true)
    } else {
        Err(EmitError::Foreign { path })
    }
}

/// Puts the staged tree in its place; the old one is in the staging directory's place afterwards.
fn exchange(
    staging: &Staging,
    target: &Utf8Path,
    out_dir: &Utf8Path,
    cluster: &str,
    replaced: bool,
) -> Result<(), EmitError> {
    let failed = |error: Errno| EmitError::machine("put the new tree at", target, error);
    let flags = if replaced { RenameFlags::EXCHANGE } else { RenameFlags::NOREPLACE };
    let (from, to) = (staging.path().as_std_path(), target.as_std_path());
    match rustix::fs::renameat_with(CWD, from, CWD, to, flags) {
        Ok(()) => return Ok(()),
        Err(Errno::EXIST) => return Err(EmitError::Foreign { path: target.to_owned() }),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
        Err(error) => return Err(failed(error)),
    }
    if !replaced {
        return rustix::fs::rename(from, to).map_err(failed);
    }
    aside(from, to, &staging::aside(out_dir, cluster)).map_err(failed)
}

/// Two renames where one is not to be had.
fn aside(from: &std::path::Path, to: &std::path::Path, aside: &Utf8Path) -> Result<(), Errno> {
    rustix::fs::rename(to, aside.as_std_path())?;
    if let Err(error) = rustix::fs::rename(from, to) {
        rustix::fs::rename(aside.as_std_path(), to)?;
        return Err(error);
    }
    // As after an exchange: the old tree is where the new one was staged, to be removed with it.
    rustix::fs::rename(aside.as_std_path(), from)
}

fn sync_directory(path: &Utf8Path) -> Result<(), EmitError> {
    std::fs::File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|e| EmitError::machine("sync", path, e))
}

#[cfg(test)]
mod tests;

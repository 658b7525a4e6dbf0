//! One archive as a file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};

use super::lock::Lock;
use super::{EmitError, prepare, sync_directory};
use crate::bundle::Closing;
use crate::bundle::archive::{Archive, ArchiveError};

/// An archive that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Where.
    pub path: Utf8PathBuf,
    /// How large it is.
    pub size: u64,
    /// Its manifest and digests.
    pub closing: Closing,
}

/// Writes an archive to `<out_dir>/<name>`, over an older one, mode 0600 because it holds private keys. A kill or a power cut
/// leaves the older one, whole, or the new one; what was begun has a name with a dot before it, and the next run removes it.
///
/// # Errors
/// When another build is at it, a file changed while it was read, or the machine fails; nothing of the new one is then left.
pub fn archive(archive: &Archive<'_>, out_dir: &Utf8Path, name: &str) -> Result<Archived, EmitError> {
    prepare(out_dir)?;
    let cluster = archive.sealed.cluster().as_str();
    let _lock = Lock::of_output(out_dir, cluster)?;
    let path = out_dir.join(name);
    if path.is_dir() {
        return Err(EmitError::InTheWay { path });
    }
    let temporary = out_dir.join(format!(".cfy-seed.{cluster}.archive"));
    // Of a killed run; the lock says that nobody is at it.
    let _ = std::fs::remove_file(&temporary);
    let written = write(archive, &temporary, &path);
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    let (closing, size) = written?;
    sync_directory(out_dir)?;
    Ok(Archived { path, size, closing })
}

fn write(archive: &Archive<'_>, temporary: &Utf8Path, path: &Utf8Path) -> Result<(Closing, u64), EmitError> {
    let failed = |error: io::Error| EmitError::machine("write", path, error);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary).map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 18, file);
    let closing = archive.write(&mut out).map_err(|error| match error {
        ArchiveError::Content { path, why } => EmitError::Content { path, why },
        ArchiveError::Seal(error) => EmitError::Seal(error),
        ArchiveError::Unsigned => failed(io::Error::other("the digests cannot be signed")),
        ArchiveError::Write(error) => failed(error),
    })?;
    let file: File = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    std::fs::rename(temporary, path).map_err(failed)?;
    Ok((closing, size))
}

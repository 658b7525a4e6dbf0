//! The image of a payload as a file.

use camino::{Utf8Path, Utf8PathBuf};

use super::lock::Lock;
use super::staging::{create_file, digested};
use super::{EmitError, make_directory, sync_directory};
use crate::bundle::ContentSource;
use crate::bundle::iso9660::{self, Image};
use crate::load::{self, LoadError};
use crate::names::{Digest256, FileMode};

/// Writes an image to a file, mode 0644, in place of an older one of ours that carries this label; makes the directory where there is
/// none. A kill or a power cut leaves the older one, whole, or the new one; what was begun has a name with a dot before it, and the next
/// run removes it. Gives the image's digest.
///
/// # Errors
/// When something else has that name, another run is at it, a file changed while it was read, or the machine fails; nothing of the
/// new one is then left.
pub fn image(
    image: &Image,
    label: &str,
    path: &Utf8Path,
    source: &dyn ContentSource,
) -> Result<Digest256, EmitError> {
    let name = path.file_name().ok_or_else(|| EmitError::InTheWay { path: path.to_owned() })?;
    let directory = path.parent().filter(|parent| !parent.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    make_directory(directory)?;
    let _lock = Lock::of_output(directory, name)?;
    is_ours(path, label)?;
    let staged = StagedImage::write(image, &directory.join(format!(".cfy-seed.{name}.image")), path, source)?;
    staged.place(path)?;
    sync_directory(directory)?;
    Ok(staged.digest())
}

/// An image that was written beside its place; it goes away when it is dropped before it is there.
#[derive(Debug)]
pub(super) struct StagedImage {
    temporary: Temporary,
    digest: Digest256,
}

impl StagedImage {
    /// Writes it to `temporary`. `path` is what messages call it.
    pub fn write(
        image: &Image,
        temporary: &Utf8Path,
        path: &Utf8Path,
        source: &dyn ContentSource,
    ) -> Result<Self, EmitError> {
        // Of a killed run; the caller's lock says that nobody is at it.
        remove(temporary)?;
        let temporary = Temporary(temporary.to_owned());
        let failed = |error: std::io::Error| EmitError::machine("write", path, error);
        let mut digest = None;
        let file = create_file(&temporary.0, FileMode::PUBLIC, |file| {
            let written = digested(file, |out| image.write(out, source)).map_err(|error| error.of(path, path))?;
            digest = Some(written);
            Ok(())
        })?;
        file.sync_all().map_err(failed)?;
        let digest = digest.ok_or_else(|| failed(std::io::Error::other("it was not written")))?;
        Ok(Self { temporary, digest })
    }

    /// Puts it into its place.
    pub fn place(&self, path: &Utf8Path) -> Result<(), EmitError> {
        std::fs::rename(&self.temporary.0, path).map_err(|error| EmitError::placing(path, error))
    }

    /// Its digest.
    pub fn digest(&self) -> Digest256 {
        self.digest
    }
}

/// A file that goes away when it is dropped, where it still has this name.
#[derive(Debug)]
struct Temporary(Utf8PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed, the next run removes.
        let _ = remove(&self.0);
    }
}

/// Whether there is an image of ours that carries this label; not where there is nothing of that name.
///
/// # Errors
/// When something else has that name, or the machine fails.
pub(super) fn is_ours(path: &Utf8Path, label: &str) -> Result<bool, EmitError> {
    let status = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(EmitError::machine("look at", path, error)),
        Ok(status) => status,
    };
    let mut head = vec![0; iso9660::BEGINNING];
    match load::prefix(path, &mut head) {
        Ok(_) if status.is_file() && iso9660::is_ours(&head, label) => Ok(true),
        Ok(_) | Err(LoadError::Directory { .. } | LoadError::Special { .. } | LoadError::Missing { .. }) => {
            Err(EmitError::Exists { path: path.to_owned() })
        }
        Err(error) => Err(EmitError::machine("look at", path, std::io::Error::other(error.to_string()))),
    }
}

fn remove(path: &Utf8Path) -> Result<(), EmitError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(EmitError::machine("remove", path, error)),
        _ => Ok(()),
    }
}

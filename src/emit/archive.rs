//! One archive as a file, or as parts.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use super::lock::Lock;
use super::stop::go_on;
use super::{EmitError, prepare, sync_directory};
use crate::bundle::archive::{Archive, ArchiveError};
use crate::bundle::{Closing, sum_line};
use crate::names::Digest256;

/// Numbers of three digits, so that the order of names is that of parts.
const MAX_PARTS: usize = 999;
/// What stands between the archive's name and a part's number.
const PART: &str = ".part-";
/// What follows the archive's name in that of the list of parts.
const LIST: &str = ".sha256";

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

/// Writes an archive to `<out_dir>/<name>`, over an older one, mode 0600 because it holds private keys. A kill or a power cut
/// leaves the older one, whole, or the new one; what was begun has a name with a dot before it, and the next run removes it.
///
/// With a limit it goes to `<name>.part-001` and so on, each smaller than that, and `<name>.sha256` with their digests for
/// `sha256sum -c`. A kill may then leave parts of both, and no list: that is removed first and written last.
///
/// # Errors
/// When another build is at it, a file changed while it was read, there would be more than 999 parts, or the machine fails;
/// nothing of the new one is then left.
pub fn archive(
    archive: &Archive<'_>,
    out_dir: &Utf8Path,
    name: &str,
    split: Option<u64>,
) -> Result<Archived, EmitError> {
    prepare(out_dir)?;
    let cluster = archive.sealed.cluster().as_str();
    let _lock = Lock::of_output(out_dir, cluster)?;
    let path = out_dir.join(name);
    if path.is_dir() {
        return Err(EmitError::InTheWay { path });
    }
    // A cluster's name has no dot, so no other cluster's names begin like this.
    let prefix = format!(".cfy-seed.{cluster}.archive");
    let (closing, parts) = begun(out_dir, &prefix, split, |parts| write(archive, parts, &path))?;
    let size = parts.size();
    let path = parts.publish(out_dir, name)?;
    sync_directory(out_dir)?;
    Ok(Archived { path: path.0, size, parts: path.1, closing })
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

/// Splits an archive, read from its first byte to its last, as [`archive`] does: to `<out_dir>/<name>.part-001` and so on, in place of
/// an older archive's parts of that name. What is in one file stays.
///
/// # Errors
/// As [`archive`], and when it cannot be read.
pub fn split(from: &mut dyn Read, out_dir: &Utf8Path, name: &str, limit: u64) -> Result<Split, EmitError> {
    prepare(out_dir)?;
    let _lock = Lock::of_output(out_dir, name)?;
    let prefix = format!(".cfy-seed.{name}.split");
    let path = out_dir.join(name);
    let parts = begun(out_dir, &prefix, Some(limit), |parts| copy(from, parts, &path))?;
    let (size, count) = (parts.size(), parts.done.len());
    let list = parts.publish_parts(out_dir, name)?;
    sync_directory(out_dir)?;
    Ok(Split { list, size, parts: count })
}

/// Writes to files whose names begin so; what a killed run left of them goes first, and all of them where this one fails. The
/// caller's lock says that nobody else is at it.
fn begun<T>(
    out_dir: &Utf8Path,
    prefix: &str,
    split: Option<u64>,
    write: impl FnOnce(Parts) -> Result<T, EmitError>,
) -> Result<T, EmitError> {
    remove(out_dir, prefix)?;
    let written = write(Parts::new(out_dir.join(prefix), split));
    if written.is_err() {
        remove(out_dir, prefix)?;
    }
    written
}

fn copy(from: &mut dyn Read, mut parts: Parts, path: &Utf8Path) -> Result<Parts, EmitError> {
    let failed = |error: io::Error| EmitError::machine("write", path, error);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                if let Err(error) = parts.write_all(buffer.get(..count).unwrap_or_default()) {
                    let too_many = EmitError::TooManyParts { path: path.to_owned(), limit: MAX_PARTS };
                    return Err(if parts.too_many { too_many } else { failed(error) });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(EmitError::Content { path: path.to_owned(), why: error.to_string() }),
        }
    }
    parts.end().map_err(failed)?;
    Ok(parts)
}

fn write(archive: &Archive<'_>, mut parts: Parts, path: &Utf8Path) -> Result<(Closing, Parts), EmitError> {
    let failed = |error: io::Error| EmitError::machine("write", path, error);
    let closing = archive.write(&mut parts).map_err(|error| match error {
        ArchiveError::Content { path, why } => EmitError::Content { path: path.as_str().into(), why },
        ArchiveError::Seal(error) => EmitError::Seal(error),
        ArchiveError::Unsigned => failed(io::Error::other("the digests cannot be signed")),
        ArchiveError::Write(_) if parts.too_many => {
            EmitError::TooManyParts { path: path.to_owned(), limit: MAX_PARTS }
        }
        ArchiveError::Write(error) => failed(error),
    })?;
    parts.end().map_err(failed)?;
    Ok((closing, parts))
}

/// Removes the files whose names begin so.
fn remove(directory: &Utf8Path, prefix: &str) -> Result<(), EmitError> {
    let failed = |error: io::Error| EmitError::machine("list", directory, error);
    for entry in directory.read_dir_utf8().map_err(failed)?.flatten() {
        if entry.file_name().starts_with(prefix) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            std::fs::remove_file(entry.path()).map_err(|e| EmitError::machine("remove", entry.path(), e))?;
        }
    }
    Ok(())
}

/// A part that was written.
struct Part {
    temporary: Utf8PathBuf,
    size: u64,
    sha256: Option<Digest256>,
}

/// Writes to one file, or to one after the other.
struct Parts {
    temporary: Utf8PathBuf,
    /// The most bytes of a part.
    most: Option<u64>,
    now: Option<(BufWriter<File>, Part, Sha256)>,
    done: Vec<Part>,
    too_many: bool,
}

impl Parts {
    fn new(temporary: Utf8PathBuf, split: Option<u64>) -> Self {
        // Smaller than the limit and not as large: FAT32 takes files of less than 4 GiB.
        let most = split.map(|limit| limit.saturating_sub(1).max(1));
        Self { temporary, most, now: None, done: Vec::new(), too_many: false }
    }

    /// The bytes of all of them.
    fn size(&self) -> u64 {
        self.done.iter().map(|part| part.size).sum()
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.done.len() == MAX_PARTS {
            self.too_many = true;
            return Err(io::Error::other("too many parts"));
        }
        let temporary = Utf8PathBuf::from(format!("{}.{}", self.temporary, self.done.len() + 1));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let part = Part { temporary, size: 0, sha256: None };
        self.now = Some((BufWriter::with_capacity(1 << 18, file), part, Sha256::new()));
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if let Some((out, mut part, digest)) = self.now.take() {
            out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            part.sha256 = self.most.map(|_| Digest256::from_bytes(digest.finalize().into()));
            self.done.push(part);
        }
        Ok(())
    }

    /// Puts the files into their places, and takes away those of an older archive of this name.
    fn publish(self, out_dir: &Utf8Path, name: &str) -> Result<(Utf8PathBuf, Option<usize>), EmitError> {
        let whole = out_dir.join(name);
        if self.most.is_none() {
            for part in &self.done {
                rename(&part.temporary, &whole)?;
            }
            remove(out_dir, &format!("{name}{LIST}"))?;
            remove(out_dir, &format!("{name}{PART}"))?;
            return Ok((whole, None));
        }
        let parts = self.done.len();
        let list = self.publish_parts(out_dir, name)?;
        if whole.is_file() {
            std::fs::remove_file(&whole).map_err(|error| EmitError::machine("remove", &whole, error))?;
        }
        Ok((list, Some(parts)))
    }

    /// Puts the parts into their places, in the place of older ones, and writes their list.
    fn publish_parts(self, out_dir: &Utf8Path, name: &str) -> Result<Utf8PathBuf, EmitError> {
        let list = out_dir.join(format!("{name}{LIST}"));
        remove(out_dir, &format!("{name}{LIST}"))?;
        remove(out_dir, &format!("{name}{PART}"))?;
        let mut sums = String::new();
        for (number, part) in self.done.iter().enumerate() {
            let place = format!("{name}{PART}{:03}", number + 1);
            rename(&part.temporary, &out_dir.join(&place))?;
            sums.extend(part.sha256.map(|digest| sum_line(&place, digest)));
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&list);
        let written = file.as_mut().map_err(|error| io::Error::from(error.kind())).and_then(|file| {
            file.write_all(sums.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| EmitError::machine("write", &list, error))?;
        Ok(list)
    }
}

fn rename(from: &Utf8Path, to: &Utf8Path) -> Result<(), EmitError> {
    std::fs::rename(from, to).map_err(|error| EmitError::machine("write", to, error))
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        go_on()?;
        if let (Some(most), Some((_, part, _))) = (self.most, &self.now)
            && part.size == most
        {
            self.end()?;
        }
        if self.now.is_none() {
            self.begin()?;
        }
        let Some((out, part, digest)) = &mut self.now else { return Ok(0) };
        let room = self.most.map_or(bytes.len() as u64, |most| most - part.size);
        let taken = bytes.get(..usize::try_from(room).unwrap_or(usize::MAX)).unwrap_or(bytes);
        out.write_all(taken)?;
        if self.most.is_some() {
            digest.update(taken);
        }
        part.size += taken.len() as u64;
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.now.as_mut().map_or(Ok(()), |(out, _, _)| out.flush())
    }
}

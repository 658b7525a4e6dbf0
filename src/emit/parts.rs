//! The bytes of an archive on their way into one file, or into parts.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use super::EmitError;
use super::staging::remove_files;
use super::stop::go_on;
use crate::bundle::sum_line;
use crate::load;
use crate::names::Digest256;

/// Numbers of three digits, so that the order of names is that of parts.
pub(super) const MAX_PARTS: usize = 999;
/// What stands between the archive's name and a part's number.
const PART: &str = ".part-";
/// What follows the archive's name in that of the list of parts.
const LIST: &str = ".sha256";
/// The list of as many parts as there can be has less.
const MAX_LIST: u64 = 1 << 20;

/// Where the list of an archive's parts goes.
pub(super) fn list(out_dir: &Utf8Path, name: &str) -> Utf8PathBuf {
    out_dir.join(format!("{name}{LIST}"))
}

/// Whether a file has the name of a part of this archive, as they are written here. `….part-001.gpg` is somebody's own.
fn is_part(file: &str, archive: &str) -> bool {
    let number = file.strip_prefix(archive).and_then(|rest| rest.strip_prefix(PART));
    number.is_some_and(|number| number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether the list of parts in this place is one that was written here: one with the digest of the whole archive has the same name
/// where somebody made it with `sha256sum`.
pub(super) fn is_list(path: &Utf8Path, archive: &str) -> bool {
    let regular = std::fs::symlink_metadata(path).is_ok_and(|status| status.is_file());
    let is_ours = |line: &str| {
        let (digest, name) = line.split_once("  ").unwrap_or_default();
        digest.parse::<Digest256>().is_ok() && is_part(name, archive)
    };
    let text = if regular { load::text(path, MAX_LIST).unwrap_or_default() } else { String::new() };
    !text.is_empty() && text.lines().all(is_ours)
}

/// Takes away the parts of an archive and their list.
pub(super) fn remove_parts(out_dir: &Utf8Path, name: &str) -> Result<(), EmitError> {
    remove_list(out_dir, name)?;
    remove_files(out_dir, |file| is_part(file, name))
}

fn remove_list(out_dir: &Utf8Path, name: &str) -> Result<(), EmitError> {
    let list = list(out_dir, name);
    if is_list(&list, name) {
        std::fs::remove_file(&list).map_err(|error| EmitError::machine("remove", &list, error))?;
    }
    Ok(())
}

/// A part that was written.
#[derive(Debug)]
struct Part {
    temporary: Utf8PathBuf,
    size: u64,
    sha256: Option<Digest256>,
}

/// Writes to one file, or to one after the other, beside their places. What is not put there goes away when it is dropped.
#[derive(Debug)]
pub(super) struct Parts {
    temporary: Utf8PathBuf,
    /// The most bytes of a part.
    most: Option<u64>,
    now: Option<(BufWriter<File>, Part, Sha256)>,
    done: Vec<Part>,
    /// The list of parts.
    list: Option<Utf8PathBuf>,
    too_many: bool,
}

impl Parts {
    /// The names of its files begin with that of `temporary`, until they are in their places.
    pub fn new(temporary: Utf8PathBuf, split: Option<u64>) -> Self {
        // Smaller than the limit and not as large: FAT32 takes files of less than 4 GiB.
        let most = split.map(|limit| limit.saturating_sub(1).max(1));
        Self { temporary, most, now: None, done: Vec::new(), list: None, too_many: false }
    }

    /// The bytes of all of them.
    pub fn size(&self) -> u64 {
        self.done.iter().map(|part| part.size).sum()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.done.len()
    }

    /// Why it does not go on: more parts than there can be, or the machine.
    pub fn failed(&self, path: &Utf8Path, error: io::Error) -> EmitError {
        if self.too_many {
            EmitError::TooManyParts { path: path.to_owned(), limit: MAX_PARTS }
        } else {
            EmitError::machine("write", path, error)
        }
    }

    fn create(path: &Utf8Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.done.len() == MAX_PARTS {
            self.too_many = true;
            return Err(io::Error::other("too many parts"));
        }
        let temporary = Utf8PathBuf::from(format!("{}.{}", self.temporary, self.done.len() + 1));
        let file = Self::create(&temporary)?;
        let part = Part { temporary, size: 0, sha256: None };
        self.now = Some((BufWriter::with_capacity(1 << 18, file), part, Sha256::new()));
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if let Some((out, mut part, digest)) = self.now.take() {
            part.sha256 = self.most.map(|_| Digest256::from_bytes(digest.finalize().into()));
            // Among those that go away, should the rest fail.
            self.done.push(part);
            out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        }
        Ok(())
    }

    /// Ends the last one, and writes their list where they are parts of the archive of this name.
    pub fn close(&mut self, name: &str) -> io::Result<()> {
        self.end()?;
        if self.most.is_some() {
            let sums: String = (self.done.iter().enumerate())
                .filter_map(|(at, part)| Some(sum_line(&place(name, at), part.sha256?)))
                .collect();
            let list = Utf8PathBuf::from(format!("{}.list", self.temporary));
            let mut file = Self::create(&list)?;
            self.list = Some(list);
            file.write_all(sums.as_bytes())?;
            file.sync_all()?;
        }
        Ok(())
    }

    /// Puts the one file into its place.
    pub fn place_whole(&self, whole: &Utf8Path) -> Result<(), EmitError> {
        self.done.iter().try_for_each(|part| rename(&part.temporary, whole))
    }

    /// Puts the parts into their places, in the place of older ones; their list goes first and comes last.
    pub fn place_parts(&self, out_dir: &Utf8Path, name: &str) -> Result<(), EmitError> {
        remove_list(out_dir, name)?;
        let mut new = BTreeSet::new();
        for (at, part) in self.done.iter().enumerate() {
            let place = place(name, at);
            rename(&part.temporary, &out_dir.join(&place))?;
            new.insert(place);
        }
        remove_files(out_dir, |file| is_part(file, name) && !new.contains(file))?;
        self.list.iter().try_for_each(|from| rename(from, &list(out_dir, name)))
    }
}

fn place(name: &str, at: usize) -> String {
    format!("{name}{PART}{:03}", at + 1)
}

fn rename(from: &Utf8Path, to: &Utf8Path) -> Result<(), EmitError> {
    std::fs::rename(from, to).map_err(|error| EmitError::placing(to, error))
}

impl Drop for Parts {
    fn drop(&mut self) {
        // What cannot be removed, the next run removes.
        let begun = self.now.take().map(|(_, part, _)| part.temporary);
        let done = self.done.iter().map(|part| &part.temporary);
        for path in done.chain(&begun).chain(&self.list) {
            let _ = std::fs::remove_file(path);
        }
    }
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

//! A payload as it lies on the disk.

use std::collections::BTreeMap;

use camino::Utf8Path;

use crate::bundle::ContentSource as _;
use crate::diag::{Code, Diagnostic, Report};
use crate::load::{self, Disk, Listed, LoadError};
use crate::names::Digest256;
use crate::payload::lock::{IMAGE, KEYS, LOCK, MAX_LOCK, PACKAGES};
use crate::payload::{FileUse, Installed, Lock, PublicKeys, Rpm, RpmError, inventory, read_header, read_rpm};
use crate::project::side_by_side;

/// A list of an image with 1,000 packages has 15 MiB.
pub(super) const MAX_IMAGE: u64 = 256 << 20;
/// A distribution's file of keys has some KiB.
pub(super) const MAX_KEY: u64 = 1 << 20;

/// A payload that was read.
#[derive(Debug, Default)]
pub struct Payload {
    /// Whether there is a directory of that name.
    pub exists: bool,
    /// Its lock file.
    pub lock: Lock,
    /// Its packages by path, those that are whole.
    pub packages: BTreeMap<String, Rpm>,
    /// The keys that packages may be signed with.
    pub keys: Option<PublicKeys>,
    /// What the image has, where that is known.
    pub image: Option<Vec<Installed>>,
    /// What is wrong with the files.
    pub report: Report,
}

/// How far packages are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// From the first byte to the last.
    Whole,
    /// Up to the payload, where the size is that of the lock file: for who reads them again and compares them with the digest in
    /// the lock file, which is that of bytes that were whole when they were added.
    Headers,
}

/// Reads a payload: every file of it.
///
/// # Errors
/// When a directory or a file cannot be read.
pub fn read_payload(
    directory: &Utf8Path,
    depth: Depth,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Payload, LoadError> {
    let (mut here, report) = contents(directory)?;
    let mut payload = Payload { exists: directory.is_dir(), report, ..Payload::default() };
    payload.read_lock(directory)?;
    // The rest needs no lock file: what lies there is looked at in any case.
    let mut keys = Vec::new();
    for path in here.iter().filter(|(path, _)| path.starts_with("keys/")).map(|(path, _)| path) {
        let bytes = load::bytes(&directory.join(path), MAX_KEY)?;
        match PublicKeys::parse(&bytes) {
            Ok(read) => keys.push(read),
            Err(error) => payload.report.push(key_finding(path, &error.to_string())),
        }
        payload.compare(path, bytes.len() as u64, Digest256::of(&bytes));
    }
    payload.keys = PublicKeys::together(keys);
    if here.contains_key(IMAGE) {
        let text = load::text(&directory.join(IMAGE), MAX_IMAGE)?;
        payload.compare(IMAGE, text.len() as u64, Digest256::of(text.as_bytes()));
        match inventory(&text) {
            Ok(image) => payload.image = Some(image),
            Err(error) => payload.report.push(image_finding(IMAGE, &error.to_string())),
        }
    }
    here.retain(|path, _| path.starts_with("packages/"));
    payload.read_packages(directory, &here.into_iter().collect::<Vec<_>>(), depth, progress)?;
    Ok(payload)
}

/// The keys of a payload, and what is wrong with their files.
pub(super) fn read_keys(directory: &Utf8Path) -> Result<(Option<PublicKeys>, Report), LoadError> {
    let (files, mut report) = contents(directory)?;
    let mut keys = Vec::new();
    for path in files.into_keys().filter(|path| path.starts_with("keys/")) {
        match PublicKeys::parse(&load::bytes(&directory.join(&path), MAX_KEY)?) {
            Ok(read) => keys.push(read),
            Err(error) => report.push(key_finding(&path, &error.to_string())),
        }
    }
    Ok((PublicKeys::together(keys), report))
}

pub(super) fn key_finding(file: &str, why: &str) -> Diagnostic {
    Diagnostic::error(Code::PayloadKeyUnusable, format!("{file} {why}"))
        .help("take the public key that your vendor publishes, mostly named RPM-GPG-KEY-…")
}

pub(super) fn image_finding(file: &str, why: &str) -> Diagnostic {
    Diagnostic::error(Code::ImageListUnreadable, format!("{file} is no list of an image: {why}"))
        .help("make it with the command in docs/payload.md")
}

/// Whether it is a name that counts: temporary files of another run, and what editors and people leave, do not.
fn counts(name: &str) -> bool {
    !name.starts_with('.')
}

/// The files that count, by path, with their sizes; and what stands where files and directories belong and is none: links, devices. A
/// payload that came from others could lead anywhere by one, and what is copied out of it would not have it.
fn contents(directory: &Utf8Path) -> Result<(BTreeMap<String, u64>, Report), LoadError> {
    let (mut files, mut strange) = (BTreeMap::new(), Vec::new());
    let mut sort = |path: String, listed: &Listed| match listed {
        Listed::File(size) => {
            files.insert(path, *size);
        }
        _ => strange.push((path, "file")),
    };
    let top = load::listing(directory)?;
    let mut linked = Vec::new();
    for part in [PACKAGES, KEYS] {
        match top.get(part) {
            None => {}
            Some(Listed::Directory) => {
                let inside = load::listing(&directory.join(part))?.into_iter().filter(|(name, _)| counts(name));
                inside.for_each(|(name, listed)| sort(format!("{part}/{name}"), &listed));
            }
            Some(_) => linked.push((part.to_owned(), "directory")),
        }
    }
    let alone = [IMAGE, LOCK].into_iter().filter_map(|name| Some((name, top.get(name)?)));
    alone.for_each(|(name, listed)| sort(name.to_owned(), listed));
    files.remove(LOCK);
    let finding = |(path, what): (String, &str)| {
        let message = format!("{path} is no {what} of its own: it is a link or something else");
        let help = format!("put the {what} itself in its place, or remove it");
        Diagnostic::error(Code::PayloadFileForeign, message).help(help)
    };
    Ok((files, strange.into_iter().chain(linked).map(finding).collect()))
}

/// What is in a payload and must not be, where files are to be put into it.
pub(super) fn strangers(directory: &Utf8Path) -> Result<Report, LoadError> {
    Ok(contents(directory)?.1)
}

impl Payload {
    fn read_lock(&mut self, directory: &Utf8Path) -> Result<(), LoadError> {
        let bytes = match load::bytes(&directory.join(LOCK), MAX_LOCK) {
            Ok(bytes) => bytes,
            Err(LoadError::Missing { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        match Lock::parse(&bytes) {
            Ok(lock) => self.lock = lock,
            Err(why) => {
                let finding = Diagnostic::error(Code::PayloadLockUnreadable, format!("{LOCK} cannot be used: {why}"));
                self.report
                    .push(finding.help("take it from version control again, or remove it and add the files anew"));
            }
        }
        Ok(())
    }

    fn read_packages(
        &mut self,
        directory: &Utf8Path,
        packages: &[(String, u64)],
        depth: Depth,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<(), LoadError> {
        let keys = self.keys.take();
        let total = packages.len();
        let mut results = Vec::new();
        let read = |_, (path, size): &(String, u64)| {
            let open = || Disk.open(&directory.join(path)).map_err(RpmError::Machine);
            let locked = self.lock.get(path).filter(|locked| depth == Depth::Headers && locked.size == *size);
            if let Some(locked) = locked
                && let Some(rpm) = read_header(open()?, keys.as_ref(), locked.size, locked.sha256)?
            {
                return Ok(rpm);
            }
            read_rpm(open()?, keys.as_ref())
        };
        side_by_side(packages, read, |at, result| {
            results.push(result);
            progress(at + 1, total);
        });
        self.keys = keys;
        for ((path, _), result) in packages.iter().zip(results) {
            match result {
                Ok(rpm) => {
                    self.compare(path, rpm.digests.size, rpm.digests.sha256);
                    self.packages.insert(path.clone(), rpm);
                }
                Err(RpmError::Machine(source)) => {
                    return Err(LoadError::Machine { path: directory.join(path), source });
                }
                Err(error) => self.report.extend(error.diagnostic(path).into_iter().collect()),
            }
        }
        let missing = self.lock.files.iter().filter(|file| !directory.join(file.path.as_str()).is_file());
        let missing: Vec<Diagnostic> = missing
            .map(|file| {
                let message = format!("{} is in {LOCK} and not there: it was {}", file.path, file.what);
                let help =
                    format!("bring it again (it came from {}), or run `payload add` to forget it", file.origin);
                Diagnostic::error(Code::PayloadFileMissing, message).help(help)
            })
            .collect();
        missing.into_iter().for_each(|finding| self.report.push(finding));
        Ok(())
    }

    /// Compares a file with what the lock file says of it.
    fn compare(&mut self, path: &str, size: u64, sha256: Digest256) {
        let Some(locked) = self.lock.get(path) else {
            let message = format!("{path} is not in {LOCK}: nobody said where it is from");
            let help = "add it with `cfy-seed payload add`, or remove it";
            self.report.push(Diagnostic::error(Code::PayloadFileForeign, message).help(help));
            return;
        };
        if (locked.size, locked.sha256) != (size, sha256) {
            let message = format!(
                "{path} is not what was added: {size} bytes with SHA-256 {sha256}, and it had {} and {}",
                locked.size, locked.sha256
            );
            let help = format!("bring it again (it came from {}), or remove and add it", locked.origin);
            self.report.push(Diagnostic::error(Code::PayloadFileDiffers, message).help(help));
        }
    }

    /// How many files there are of this use.
    #[must_use]
    pub fn count(&self, used_as: FileUse) -> usize {
        self.lock.files.iter().filter(|file| file.used_as == used_as).count()
    }
}

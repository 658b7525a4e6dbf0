//! Files into a payload.

use std::io::{self, Read, Write as _};

use camino::Utf8Path;

use crate::bundle::ContentSource as _;
use crate::diag::{Code, Diagnostic, Report};
use crate::emit::{Incoming, PayloadDirectory};
use crate::load::{self, Disk, LoadError};
use crate::names::{Digest256, TreePath};
use crate::payload::lock::{IMAGE, KEYS, LOCK, MAX_LOCK, PACKAGES};
use crate::payload::{FileUse, Lock, LockedFile, PublicKeys, RpmError, inventory, read_rpm};
use crate::project::BuildError;

use super::state::{MAX_IMAGE, MAX_KEY, image_finding, key_finding, strangers};

/// What was added.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Files that are new, in words.
    pub new: Vec<String>,
    /// Files that were there already.
    pub same: usize,
    /// Files that the lock file knew and that are gone: it does not know them any more.
    pub forgotten: Vec<String>,
}

/// A file that is ready to be put in its place.
enum Ready {
    Package(Incoming),
    Small(Vec<u8>),
}

/// Copies packages, keys and the list of an image into a payload, and notes what they are and where they are from. What a
/// file is its content says. All of them, or none where one is not good.
///
/// # Errors
/// Everything that is wrong with the files; or the machine fails.
pub fn add_to_payload(
    directory: &Utf8Path,
    files: &[impl AsRef<Utf8Path>],
    origin: Option<&str>,
    progress: &dyn Fn(usize, usize),
) -> Result<Added, BuildError> {
    let strange = strangers(directory)?;
    if strange.has_errors() {
        return Err(BuildError::Refused(strange));
    }
    let payload = PayloadDirectory::acquire(directory)?;
    let mut lock = read_lock(directory)?;
    let (mut report, mut ready) = (Report::default(), Vec::new());
    for (number, file) in files.iter().map(AsRef::as_ref).enumerate() {
        progress(number, files.len());
        match one(&payload, file, number, origin.unwrap_or(file.as_str())) {
            Ok(one) => ready.push(one),
            Err(BuildError::Refused(findings)) => report.extend(findings),
            Err(error) => return Err(error),
        }
    }
    for (locked, _) in &ready {
        let there = lock.get(locked.path.as_str()).filter(|_| directory.join(locked.path.as_str()).is_file());
        if there.is_some_and(|there| there.sha256 != locked.sha256 && locked.used_as == FileUse::Package) {
            let message =
                format!("{} is in the payload with other bytes: {} was built twice", locked.path, locked.what);
            let help = "remove the one that you do not want, and add the other one";
            report.push(Diagnostic::error(Code::PayloadNameTaken, message).help(help));
        }
    }
    if report.has_errors() {
        return Err(BuildError::Refused(report));
    }
    let mut added = Added::default();
    let gone = |file: &LockedFile| !directory.join(file.path.as_str()).is_file();
    added.forgotten = lock.files.iter().filter(|file| gone(file)).map(|file| file.path.to_string()).collect();
    lock.files.retain(|file| !gone(file));
    for (locked, ready) in ready {
        if lock.get(locked.path.as_str()).is_some_and(|there| there.sha256 == locked.sha256) {
            added.same += 1;
            continue;
        }
        match ready {
            Ready::Package(incoming) => payload.publish(incoming, &locked.path)?,
            Ready::Small(bytes) => payload.write(&locked.path, &bytes)?,
        }
        added.new.push(format!("{}: {}", locked.path, locked.what));
        lock.put(locked);
    }
    // Last: a file that the lock does not know is found by `check`, one that it knows and that is not there hurts more.
    let json =
        lock.to_json().map_err(|error| LoadError::Machine { path: LOCK.into(), source: io::Error::other(error) })?;
    payload.write(&path(LOCK)?, &json)?;
    Ok(added)
}

fn path(text: &str) -> Result<TreePath, BuildError> {
    let refused = |error: crate::names::InvalidName| Diagnostic::error(Code::NotAnRpm, format!("{text}: {error}"));
    text.parse().map_err(|error| BuildError::Refused(refused(error).into()))
}

/// The lock file of a payload; an empty one where there is none yet.
pub(super) fn read_lock(directory: &Utf8Path) -> Result<Lock, BuildError> {
    match load::bytes(&directory.join(LOCK), MAX_LOCK) {
        Ok(bytes) => Lock::parse(&bytes).map_err(|why| {
            let finding = Diagnostic::error(Code::PayloadLockUnreadable, format!("{LOCK} cannot be used: {why}"));
            let help = "take it from version control again, or remove it and add the files anew";
            BuildError::Refused(finding.help(help).into())
        }),
        Err(LoadError::Missing { .. }) => Ok(Lock::default()),
        Err(error) => Err(error.into()),
    }
}

fn one(
    payload: &PayloadDirectory,
    file: &Utf8Path,
    number: usize,
    origin: &str,
) -> Result<(LockedFile, Ready), BuildError> {
    let refused = |finding: Diagnostic| BuildError::Refused(finding.into());
    // Small files whole: a list of an image is the largest of them.
    let mut first = [0; 64];
    let count = load::prefix(file, &mut first).map_err(|error| match error.diagnostic() {
        Some(finding) => refused(finding),
        None => error.into(),
    })?;
    let first = first.get(..count).unwrap_or_default();
    let locked = |place: String, used_as, what: String, bytes: &[u8]| {
        Ok::<_, BuildError>(LockedFile {
            path: path(&place)?,
            used_as,
            what,
            size: bytes.len() as u64,
            sha256: Digest256::of(bytes),
            origin: origin.to_owned(),
        })
    };
    if first.starts_with(b"package\t") {
        let text = load::text(file, MAX_IMAGE)?;
        let image = inventory(&text).map_err(|error| refused(image_finding(file.as_str(), &error.to_string())))?;
        let what = format!("{} packages of the image", image.len());
        let file = locked(IMAGE.to_owned(), FileUse::Image, what, text.as_bytes())?;
        return Ok((file, Ready::Small(text.into_bytes())));
    }
    if first.starts_with(b"\xed\xab\xee\xdb") {
        return package(payload, file, number, origin);
    }
    let bytes = load::bytes(file, MAX_KEY).ok();
    let keys = bytes.map(|bytes| PublicKeys::parse(&bytes));
    match keys {
        Some(Ok(keys)) => {
            let id = keys.ids().into_iter().next().unwrap_or_default();
            let what =
                format!("{} ({})", keys.owners().first().map_or("a key", String::as_str), keys.ids().join(", "));
            let armour = keys.to_armour();
            let file = locked(format!("{KEYS}/RPM-GPG-KEY-{id}"), FileUse::Key, what, armour.as_bytes())?;
            Ok((file, Ready::Small(armour.into_bytes())))
        }
        Some(Err(error)) if error != crate::payload::KeyError::NotAKey => {
            Err(refused(key_finding(file.as_str(), &error.to_string())))
        }
        _ => Err(refused(
            RpmError::NotAnRpm
                .diagnostic(file.as_str())
                .unwrap_or_else(|| Diagnostic::error(Code::NotAnRpm, file.to_string())),
        )),
    }
}

/// Reads a package and writes it at the same time: it may be gigabytes.
fn package(
    payload: &PayloadDirectory,
    file: &Utf8Path,
    number: usize,
    origin: &str,
) -> Result<(LockedFile, Ready), BuildError> {
    let machine = |source| BuildError::Load(LoadError::Machine { path: file.to_owned(), source });
    let mut copy = Copy { from: Disk.open(file).map_err(machine)?, to: payload.incoming(number)?, failed: None };
    let read = read_rpm(&mut copy, None);
    if let Some(error) = copy.failed {
        return Err(copy.to.failed(error).into());
    }
    let rpm = read.map_err(|error| match error.diagnostic(file.as_str()) {
        Some(finding) => BuildError::Refused(finding.into()),
        None => machine(io::Error::other(error.to_string())),
    })?;
    let nevra = &rpm.nevra;
    // As in every repository: without the epoch.
    let place = format!("{PACKAGES}/{}-{}-{}.{}.rpm", nevra.name, nevra.version, nevra.release, nevra.arch);
    let locked = LockedFile {
        path: path(&place)?,
        used_as: FileUse::Package,
        what: nevra.to_string(),
        size: rpm.digests.size,
        sha256: rpm.digests.sha256,
        origin: origin.to_owned(),
    };
    Ok((locked, Ready::Package(copy.to)))
}

/// Writes what is read.
struct Copy {
    from: Box<dyn Read>,
    to: Incoming,
    failed: Option<io::Error>,
}

impl Read for Copy {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        if let Err(error) = self.to.write_all(into.get(..count).unwrap_or_default()) {
            let told = io::Error::from(error.kind());
            self.failed = Some(error);
            return Err(told);
        }
        Ok(count)
    }
}

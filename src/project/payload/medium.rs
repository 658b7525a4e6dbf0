//! A medium of a payload that came in a box: an ISO 9660 image that hosts find by its label.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use time::OffsetDateTime;

use crate::bundle::iso9660::{Image, IsoError, Volume};
use crate::bundle::{Content, ContentSource, Entry, MANIFEST, SIGNATURE, SUMS, Tree};
use crate::diag::{Code, Diagnostic, Report};
use crate::emit::{self, EmitError};
use crate::load::{self, Disk, LoadError};
use crate::names::{Digest256, FileMode, TreePath};
use crate::payload::lock::LOCK;
use crate::project::BuildError;
use crate::project::offline::PUBLIC_KEY;
use crate::project::places::lies_in;
use crate::render;
use crate::verify;

/// The volume label by which hosts find a payload.
pub const MEDIUM_LABEL: &str = render::PAYLOAD_LABEL;
/// The index of the repository, whose revision is every date of a payload.
const INDEX: &str = "repodata/repomd.xml";
/// The digests of some hundred thousand files have less.
const MAX_SUMS: u64 = 32 << 20;
/// A signature, a public key, the index of a repository: some KiB.
const MAX_SMALL: u64 = 64 << 10;

/// What whoever has nothing but the box can do about a file that is not what was signed.
const COPY_AGAIN: &str = "copy the payload again, out of the box; if it is the same there, bring the box again";

/// An image that was written.
#[derive(Debug)]
pub struct Medium {
    /// Where.
    pub path: Utf8PathBuf,
    /// How large it is.
    pub size: u64,
    /// Its files.
    pub files: usize,
    /// SHA-256 of the image.
    pub sha256: Digest256,
    /// SHA-256 of the public half of the key that signed the payload, as DER.
    pub fingerprint: Digest256,
}

/// Makes a medium of an unpacked box, or of the payload in one. Nothing but the box is needed: each file is compared with the signed
/// digests while it is copied, and what they do not name is left out. `key` is the key that must have signed them, where it is known;
/// `out` is the image, or else it goes beside the box. The same payload gives the same bytes.
///
/// # Errors
/// Where the payload is not signed, a file is missing or another one, or the image cannot be written: then there is none.
pub fn payload_medium(
    from: &Utf8Path,
    key: Option<&[u8]>,
    out: Option<&Utf8Path>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Medium, BuildError> {
    let root = payload_root(from).map_err(refused)?;
    let sums = load::bytes(&root.join(SUMS), MAX_SUMS)?;
    let signature = load::bytes(&root.join(SIGNATURE), MAX_SMALL)?;
    let public = load::bytes(&root.join(PUBLIC_KEY), MAX_SMALL)?;
    let out = place(&root, out)?;
    let fingerprint = verify::signed(&sums, &signature, &public, key).map_err(refused)?;
    let listed = verify::signed_files(&sums).map_err(refused)?;
    let mut tree = listed_files(&root, &listed)?;
    for (name, bytes) in [(SUMS, sums), (SIGNATURE, signature), (PUBLIC_KEY, public)] {
        tree.add(name, FileMode::PUBLIC, bytes)?;
    }
    let write = |image: &Image, source: &dyn ContentSource| emit::image(image, MEDIUM_LABEL, &out, source);
    let written = write_image(&tree, revision(&root, &listed)?, progress, write);
    let (size, sha256) = written.map_err(|error| match error {
        // Whoever has only the box cannot build again.
        BuildError::Emit(error @ EmitError::Content { .. }) => {
            refused(Diagnostic::error(Code::ContentChanged, error.to_string()).help(COPY_AGAIN))
        }
        other => other,
    })?;
    Ok(Medium { path: out, size, files: tree.len(), sha256, fingerprint })
}

fn refused(finding: Diagnostic) -> BuildError {
    BuildError::Refused(finding.into())
}

/// The payload that is meant: in a box, or this directory itself.
fn payload_root(from: &Utf8Path) -> Result<Utf8PathBuf, Diagnostic> {
    if from.is_file() {
        let message = format!("{from} is a file, and a medium is made of a directory");
        let help = "unpack the box first (`cat` joins its parts, `tar -xzpf` unpacks it), and name `payload/` in it";
        return Err(Diagnostic::error(Code::UnreadableInput, message).help(help));
    }
    let inside = from.join("payload");
    let root = if inside.join(SUMS).is_file() { inside } else { from.to_owned() };
    if root.join(LOCK).is_file() && !root.join(SUMS).is_file() {
        let message = format!("{root} is the payload of a project, and not signed as that in a box is");
        let help = "`cfy-seed build --offline --payload-iso` makes a box and a medium of it";
        return Err(Diagnostic::error(Code::MediumUnfit, message).help(help));
    }
    Ok(root)
}

/// Where the image goes: not into the payload, nor into the box around it, where it would be foreign to `verify`.
fn place(root: &Utf8Path, named: Option<&Utf8Path>) -> Result<Utf8PathBuf, BuildError> {
    let payload = load::canonical(root)?;
    let in_box = payload.parent().filter(|above| above.join(SUMS).is_file() && above.join(MANIFEST).is_file());
    let whole = in_box.unwrap_or(&payload);
    let beside = whole.parent().unwrap_or(whole).join("payload.iso");
    let out = named.map_or_else(|| beside.clone(), Utf8Path::to_owned);
    if lies_in(&out, whole) {
        let message = format!("the image would be in what it is made of: {out} lies in {whole}");
        let help = format!("name another place, such as `--out {beside}`");
        return Err(refused(Diagnostic::error(Code::OutputInside, message).help(help)));
    }
    Ok(out)
}

/// Lays the image of a signed payload out, and hands it on to be written. Gives its size, and what that gave.
pub(in crate::project) fn write_image<T>(
    tree: &Tree,
    time: OffsetDateTime,
    progress: &(dyn Fn(u64, u64) + Sync),
    write: impl FnOnce(&Image, &dyn ContentSource) -> Result<T, EmitError>,
) -> Result<(u64, T), BuildError> {
    let volume = Volume { label: MEDIUM_LABEL, time, directories: FileMode::PROGRAM, digested: true };
    let image = Image::of(volume, tree).map_err(|error| unfit(&error))?;
    let size = image.len();
    let source = Counted { passed: AtomicU64::new(0), progress: &|passed| progress(passed.min(size), size) };
    Ok((size, write(&image, &source)?))
}

fn unfit(error: &IsoError) -> BuildError {
    let message = format!("the payload cannot be on an ISO 9660 image: {error}");
    let help = "attach a disk with that label instead, with the payload's files at its root";
    BuildError::Refused(Diagnostic::error(Code::MediumUnfit, message).help(help).into())
}

/// The files of the list, as references; all that are not there are said at once.
fn listed_files(root: &Utf8Path, listed: &BTreeMap<TreePath, Digest256>) -> Result<Tree, BuildError> {
    let (mut tree, mut report) = (Tree::default(), Report::default());
    for (name, sha256) in listed {
        let path = root.join(name.as_str());
        match load::size(&path) {
            Ok(size) => {
                let content = Content::File { path, size, sha256: Some(*sha256) };
                tree.insert(name.clone(), Entry { mode: FileMode::PUBLIC, content })?;
            }
            Err(LoadError::Missing { .. }) => {
                let finding = Diagnostic::error(Code::BundleFileMissing, format!("{path} is missing"));
                report.push(finding.help(COPY_AGAIN));
            }
            Err(error) => match error.diagnostic() {
                Some(finding) => report.push(finding),
                None => return Err(error.into()),
            },
        }
    }
    if report.has_errors() { Err(BuildError::Refused(report)) } else { Ok(tree) }
}

/// The time that every date of the payload has: the revision of its repository.
fn revision(root: &Utf8Path, listed: &BTreeMap<TreePath, Digest256>) -> Result<OffsetDateTime, BuildError> {
    let path = root.join(INDEX);
    let bytes = load::bytes(&path, MAX_SMALL)?;
    let digest = Digest256::of(&bytes);
    if listed.iter().any(|(name, listed)| name.as_str() == INDEX && *listed != digest) {
        let message = format!("{path} has the SHA-256 {digest}, and not the one in {SUMS}");
        let finding = Diagnostic::error(Code::BundleFileDiffers, message);
        return Err(BuildError::Refused(finding.help(COPY_AGAIN).into()));
    }
    let text = String::from_utf8_lossy(&bytes);
    let seconds = text.split_once("<revision>").and_then(|(_, rest)| rest.split_once("</revision>"));
    let seconds = seconds.and_then(|(seconds, _)| seconds.parse().ok());
    let time = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.ok_or_else(|| {
        let message = format!("{path} has no revision, which every date of the image would be");
        let finding = Diagnostic::error(Code::MediumUnfit, message).help("name a payload out of a box of cfy-seed");
        BuildError::Refused(finding.into())
    })
}

/// Says how many bytes have been read.
struct Counted<'p> {
    passed: AtomicU64,
    progress: &'p (dyn Fn(u64) + Sync),
}

impl ContentSource for Counted<'_> {
    fn open(&self, path: &Utf8Path) -> std::io::Result<Box<dyn std::io::Read + '_>> {
        Ok(Box::new(Counting { inner: Disk.open(path)?, of: self }))
    }
}

struct Counting<'c> {
    inner: Box<dyn std::io::Read>,
    of: &'c Counted<'c>,
}

impl std::io::Read for Counting<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(into)?;
        let before = self.of.passed.fetch_add(count as u64, Ordering::Relaxed);
        (self.of.progress)(before + count as u64);
        Ok(count)
    }
}

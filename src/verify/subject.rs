//! Whatever is named: a built tree, a box or its parts, a payload, an image.

use std::cell::Cell;
use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;

use super::evidence::{FileRecord, file_records, part_records};
use super::recognise::{self, Kind};
use super::sums::{PUBLIC_KEY, SIGNATURE};
use super::{Verified, built_tree, check_parts, medium, parts, remedy, seed_image, signature, user_data_file};
use crate::diag::{Code, Diagnostic, Report};
use crate::load::{self, Limits, LoadError, LoadedTree, Unpacked, Watch};
use crate::names::Digest256;
use crate::profile::Profiles;

/// No seed image is larger.
const MAX_SEED_IMAGE: u64 = 256 << 20;
/// What every built tree has.
const MANIFEST: &str = "manifest.json";
const HOSTS: &str = "hosts";
/// A list of 999 parts has less.
const MAX_LIST: u64 = 1 << 20;
/// Where `payload add` puts what it took.
const LOCK: &str = "payload.lock";

/// What was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A directory that `build` wrote.
    BuiltTree,
    /// A box, unpacked.
    BoxDirectory,
    /// A box.
    Box,
    /// A box in parts, by the list of them.
    BoxParts,
    /// One part of a box, and nothing else.
    BoxPart,
    /// The payload of a box, as a directory.
    Payload,
    /// The payload of a box, as an ISO image.
    PayloadImage,
    /// The seed image of a host.
    SeedImage,
    /// The user-data of a host, for one target or by itself.
    UserData,
    /// Nothing that is known, or its beginning is damaged.
    Unrecognised,
}

/// What is to be verified, and by which key and time.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Where it is.
    pub path: &'a Utf8Path,
    /// The public key that must have signed it, where it is known.
    pub key: Option<&'a [u8]>,
    /// When certificates must be valid.
    pub at: OffsetDateTime,
    /// What targets take.
    pub profiles: &'a Profiles,
    /// Is told how many bytes of how many have been read; the number is 0 where it is not known.
    pub progress: &'a dyn Fn(u64, u64),
    /// Is told the digest of all bytes of a box, where somebody reads them again and wants to see the same.
    pub whole: Option<&'a Cell<Option<Digest256>>>,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What was found.
#[derive(Debug)]
pub struct Verification {
    /// What it is.
    pub subject: Subject,
    /// The findings.
    pub report: Report,
    /// Hosts whose bundles were checked.
    pub hosts: usize,
    /// What could be compared with nothing.
    pub not_compared: Vec<String>,
    /// Every file in it, good or bad.
    pub files: Vec<FileRecord>,
    /// Every part that was looked at.
    pub parts: Vec<FileRecord>,
    /// Who signed it: the fingerprint of a key, or nobody. None where a signature is neither there nor due.
    pub signature: Option<Option<Digest256>>,
}

/// Verifies whatever is there. What is wrong with it is in the report, as far as it can be read.
///
/// # Errors
/// When there is nothing, or the machine cannot read it.
pub fn subject(request: Request<'_>) -> Result<Verification, LoadError> {
    let path = request.path;
    let passed = Cell::new(0);
    let total = Cell::new(0);
    let watch = |count: u64| {
        passed.set(passed.get() + count);
        (request.progress)(passed.get(), total.get());
    };
    match load::tree_watched(path, Limits::BUNDLE, &watch) {
        Err(LoadError::NotADirectory { .. }) => {}
        other => {
            let mut verification = directory(request, &other?);
            remedy::fit(&mut verification.report, verification.subject);
            return Ok(verification);
        }
    }
    let mut verification = if path.extension() == Some("sha256") {
        of_parts(request, path, None, (&watch, &total))?
    } else if let Some(list) = list_of(path) {
        of_parts(request, &list, path.file_name(), (&watch, &total))?
    } else {
        total.set(load::size(path)?);
        file(request, &watch)?
    };
    let what = match verification.subject {
        Subject::SeedImage => Some("a seed image by itself"),
        Subject::UserData => Some("user-data by itself"),
        Subject::BoxPart => Some("one part of a box"),
        _ => None,
    };
    if let Some(what) = what.filter(|_| request.key.is_some()) {
        verification.refuse_key(path.file_name().unwrap_or_default(), what);
    }
    remedy::fit(&mut verification.report, verification.subject);
    Ok(verification)
}

/// One file that is no part, and no list of parts.
fn file(request: Request<'_>, watch: Watch<'_>) -> Result<Verification, LoadError> {
    let path = request.path;
    let name = path.file_name().unwrap_or("the file");
    let size = load::size(path)?;
    let mut beginning = vec![0; recognise::BEGINNING];
    let read = load::prefix(path, &mut beginning)?;
    beginning.truncate(read);
    let mut verification = match recognise::kind(name, &beginning) {
        Kind::Archive => archive(request, &[path.to_owned()], Subject::Box, watch)?,
        Kind::PayloadImage => return image(request, &beginning, size, watch),
        Kind::SeedImage => {
            let verified = seed_image(name, &load::bytes(path, MAX_SEED_IMAGE)?, request.at);
            Verification::of(Subject::SeedImage, verified)
        }
        Kind::UserData => {
            let verified = user_data_file(name, &load::bytes(path, MAX_SEED_IMAGE)?, request.profiles, request.at);
            Verification::of(Subject::UserData, verified)
        }
        Kind::Nothing => {
            return Ok(Verification::found(Subject::Unrecognised, recognise::nothing(name, size).into()));
        }
    };
    verification.report.extend(exposed(&[path.to_owned()])?);
    Ok(verification)
}

/// Whether others may read files that hold private keys. A warning: media without modes of their own (FAT) have those of their mount.
fn exposed(paths: &[Utf8PathBuf]) -> Result<Report, LoadError> {
    let mut exposed = Vec::new();
    for path in paths {
        let mode = load::mode(path)?;
        if mode & 0o077 != 0 {
            exposed.push((path.file_name().unwrap_or_default().escape_debug(), mode));
        }
    }
    let Some((first, mode)) = exposed.first() else { return Ok(Report::default()) };
    let others = match exposed.len() {
        1 => String::new(),
        more => format!(" (and {} more)", more - 1),
    };
    let message = format!("{first} has the mode {mode:04o}{others}: others may read the private keys in it");
    let help = "run `chmod go= FILE`; a medium without modes of its own (FAT) has those of its mount: let nobody else reach it";
    Ok(Diagnostic::warning(Code::BundleMode, message).help(help).into())
}

impl Verification {
    fn of(subject: Subject, Verified { report, hosts, not_compared }: Verified) -> Self {
        Self { subject, report, hosts, not_compared, files: Vec::new(), parts: Vec::new(), signature: None }
    }

    /// One without hosts.
    fn found(subject: Subject, report: Report) -> Self {
        Self::of(subject, Verified { report, hosts: 0, not_compared: Vec::new() })
    }

    /// One that could not be read.
    fn unread(subject: Subject, error: &LoadError) -> Option<Self> {
        Some(Self::found(subject, error.diagnostic()?.into()))
    }

    fn take_signature(&mut self, tree: &LoadedTree, key: Option<&[u8]>) {
        let signed = signature(tree, key);
        self.signature = Some(signed.as_ref().ok().copied());
        self.report.extend(signed.err().into_iter().collect());
    }

    /// A key that was given vouches for nothing where there is no signature: to pass over it would seem to say that it does.
    fn refuse_key(&mut self, name: &str, what: &str) {
        let message = format!(
            "{}: {what} carries no signature, so the key that was given says nothing of it",
            name.escape_debug()
        );
        let help = "verify the box or the unpacked box that it is from with `--key`; or this file without";
        self.report.push(Diagnostic::error(Code::BoxSignature, message).help(help));
        self.signature = Some(None);
    }
}

fn directory(request: Request<'_>, tree: &LoadedTree) -> Verification {
    if medium::is_payload(tree) {
        return payload(request, tree, Subject::Payload);
    }
    if let Some(found) = not_built(tree) {
        return Verification::found(Subject::Unrecognised, found.into());
    }
    let signed = tree.files.contains_key(PUBLIC_KEY) || tree.files.contains_key(SIGNATURE);
    let subject = if signed { Subject::BoxDirectory } else { Subject::BuiltTree };
    let mut verification = Verification::of(subject, built_tree(tree, request.profiles, request.at));
    if signed || request.key.is_some() {
        verification.take_signature(tree, request.key);
    }
    verification.files = file_records(tree);
    verification
}

/// The finding that a directory is not the tree of a cluster at all.
fn not_built(tree: &LoadedTree) -> Option<Diagnostic> {
    if tree.files.contains_key(MANIFEST) || tree.directories.contains_key(HOSTS) {
        return None;
    }
    let (message, help) = if tree.files.contains_key(LOCK) {
        let message = "this is the payload of a project, which nobody has signed yet, and not a built tree";
        let help = "run `cfy-seed payload check` in the project; `build --offline` puts it into a box, which can be verified";
        (message, help)
    } else {
        let message = "there is neither manifest.json nor hosts/: this is not a built tree";
        (message, "name a built tree, such as `out/prod`, or an unpacked box")
    };
    Some(Diagnostic::error(Code::ManifestUnreadable, message).help(help))
}

fn payload(request: Request<'_>, tree: &LoadedTree, subject: Subject) -> Verification {
    let mut verification = Verification::found(subject, medium::payload(tree));
    verification.take_signature(tree, request.key);
    verification.files = file_records(tree);
    verification
}

fn archive(
    request: Request<'_>,
    parts: &[Utf8PathBuf],
    subject: Subject,
    watch: Watch<'_>,
) -> Result<Verification, LoadError> {
    let unpacked = load::archive(request.path, parts, Limits::BUNDLE, watch, request.whole);
    let Unpacked { tree, damage } = match unpacked {
        Ok(unpacked) => unpacked,
        Err(error) => return Verification::unread(subject, &error).ok_or(error),
    };
    let mut verification = Verification::of(subject, built_tree(&tree, request.profiles, request.at));
    verification.report.extend(super::tree::exact_modes(&tree));
    verification.report.extend(damage.iter().filter_map(LoadError::diagnostic).collect());
    verification.take_signature(&tree, request.key);
    verification.files = file_records(&tree);
    Ok(verification)
}

fn image(request: Request<'_>, beginning: &[u8], size: u64, watch: Watch<'_>) -> Result<Verification, LoadError> {
    let name = request.path.file_name().unwrap_or("the image");
    let found = |finding: Diagnostic| Verification::found(Subject::PayloadImage, finding.into());
    let mut head = vec![0; medium::medium_head(beginning).unwrap_or_default()];
    let read = load::prefix(request.path, &mut head)?;
    head.truncate(read);
    let layout = match medium::medium_layout(name, &head, size) {
        Ok(layout) => layout,
        Err(finding) => return Ok(found(finding)),
    };
    watch(layout.head);
    let Unpacked { tree, damage } = match load::image(request.path, &layout, Limits::PAYLOAD, watch) {
        Ok(unpacked) => unpacked,
        Err(error) => return error.diagnostic().map(found).ok_or(error),
    };
    let mut verification = payload(request, &tree, Subject::PayloadImage);
    verification.report.extend(damage.iter().filter_map(LoadError::diagnostic).collect());
    Ok(verification)
}

/// The list that a part of a box stands in, by its name.
fn list_of(path: &Utf8Path) -> Option<Utf8PathBuf> {
    let (name, number) = path.file_name()?.rsplit_once(".part-")?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| path.with_file_name(format!("{name}.sha256")))
}

/// The parts of a box by their list, and then what is in them; or one of them, alone.
fn of_parts(
    request: Request<'_>,
    list: &Utf8Path,
    only: Option<&str>,
    (watch, total): (Watch<'_>, &Cell<u64>),
) -> Result<Verification, LoadError> {
    let subject = if only.is_some() { Subject::BoxPart } else { Subject::BoxParts };
    let finding = |report: Report| Verification::found(subject, report);
    let listed = match parts(&load::bytes(list, MAX_LIST)?) {
        Ok(listed) => listed,
        Err(found) => return Ok(finding(found.into())),
    };
    let names: Vec<&String> = listed.keys().filter(|name| only.is_none_or(|only| only == *name)).collect();
    if names.is_empty() {
        let message = format!("{} does not list this part", list.file_name().unwrap_or_default());
        let help = "bring the list that was written with the part";
        return Ok(finding(Diagnostic::error(Code::BoxPart, message).help(help).into()));
    }
    let sizes = names.iter().filter_map(|name| load::size(&list.with_file_name(name)).ok()).sum::<u64>();
    // Each part by itself, and then all of them together.
    total.set(if only.is_some() { sizes } else { 2 * sizes });
    let mut found = BTreeMap::new();
    for name in names {
        let part = list.with_file_name(name);
        let digest = match load::digest(&part, watch) {
            Ok(digest) => Some((load::size(&part)?, digest)),
            Err(LoadError::Missing { .. }) => None,
            Err(error) => return Err(error),
        };
        found.insert(name.clone(), digest);
    }
    let digests = found.iter().map(|(name, found)| (name.clone(), found.map(|(_, digest)| digest))).collect();
    let report = check_parts(&listed, &digests);
    let records = part_records(&listed, &found);
    let mut verification = if only.is_some() || report.has_errors() {
        finding(report)
    } else {
        let parts: Vec<_> = listed.keys().map(|name| list.with_file_name(name)).collect();
        archive(request, &parts, subject, watch)?
    };
    verification.parts = records;
    match only {
        Some(_) => verification.not_compared.push("the other parts, and what is in the box".to_owned()),
        None => verification.report.extend(joined_too(list, &listed)),
    }
    let there: Vec<_> =
        found.into_iter().filter_map(|(name, found)| found.map(|_| list.with_file_name(name))).collect();
    verification.report.extend(exposed(&there)?);
    Ok(verification)
}

/// Files that are in no list, and that `cat NAME.part-*` would join with those that are.
fn joined_too(list: &Utf8Path, listed: &BTreeMap<String, Digest256>) -> Report {
    let name = listed.keys().find_map(|name| name.rsplit_once(".part-")).map_or("", |(name, _)| name);
    let prefix = format!("{name}.part-");
    let directory = list.parent().filter(|parent| !parent.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    // Who may not list the directory cannot join by a pattern either.
    let beside = load::listing(directory).unwrap_or_default();
    let foreign = beside.keys().filter(|other| other.starts_with(&prefix) && !listed.contains_key(*other));
    let finding = |other: &String| {
        let (shown, name) = (other.escape_debug(), name.escape_debug());
        let message = format!("{shown} is not in the list, and `cat {name}.part-*` would join it to the box");
        Diagnostic::error(Code::BoxPart, message).help("move it away, or bring the list that is for all of them")
    };
    foreign.map(finding).collect()
}

//! A built tree, `<out>/<cluster>`, against its own manifest.

use std::collections::{BTreeMap, BTreeSet};

use super::remedy::FOREIGN;
use super::sums::{self, SIGNATURE, SUMS};
use super::{SEED_FILES, seed};
use crate::bundle::manifest::{Manifest, ManifestFile, ManifestHost};
use crate::diag::{Code, Diagnostic, Report};
use crate::load::{LoadedFile, LoadedTree, OtherKind};
use crate::names::{Digest256, FileMode, TreePath};

const MANIFEST: &str = "manifest.json";
const SEED: &str = "seed.iso";

/// What was found in a tree, and what others need to look further.
#[derive(Debug)]
pub struct BundleCheck<'t> {
    /// The findings.
    pub report: Report,
    /// The manifest, when there is one that can be read.
    pub manifest: Option<Manifest>,
    tree: &'t LoadedTree,
}

/// One host's directory.
#[derive(Debug)]
pub struct HostTree<'c> {
    /// What the manifest says of the host.
    pub facts: &'c ManifestHost,
    /// The files that are there, by their path below `hosts/<name>/`; also those that the manifest does not list.
    pub files: BTreeMap<&'c str, &'c LoadedFile>,
}

impl<'c> HostTree<'c> {
    /// The bytes of one of its files; none where it is missing or too large to be kept.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<&'c [u8]> {
        self.files.get(name)?.bytes.as_deref()
    }
}

impl BundleCheck<'_> {
    /// The hosts of the manifest, in its order; none where it cannot be read.
    pub fn hosts(&self) -> impl Iterator<Item = HostTree<'_>> {
        self.manifest.iter().flat_map(|manifest| &manifest.hosts).map(|facts| host_tree(facts, self.tree))
    }
}

/// Checks a built tree: every file listed and nothing else, sizes, digests, modes, `SHA256SUMS`, seed images.
#[must_use]
pub fn bundle(tree: &LoadedTree) -> BundleCheck<'_> {
    let mut report = Report::default();
    for (path, kind) in &tree.others {
        let what = match kind {
            OtherKind::Symlink => "is a symbolic link",
            OtherKind::Special => "is a device, a FIFO or a socket",
            OtherKind::NotUtf8Name => "has a name that is not UTF-8",
        };
        report.push(finding(Code::BundleSpecialFile, path, what).help("remove it"));
    }
    let manifest = match read_manifest(tree) {
        Ok(manifest) => Some(manifest),
        Err(why) => {
            let help = "name a built tree, such as `out/prod`; or build again";
            report.push(Diagnostic::error(Code::ManifestUnreadable, why).help(help));
            None
        }
    };
    check_modes(tree, &mut report);
    check_sums(tree, &mut report);
    if let Some(manifest) = &manifest {
        check_consistent(manifest, &mut report);
        check_files(manifest, tree, &mut report);
        for host in &manifest.hosts {
            check_host(&host_tree(host, tree), &mut report);
        }
    }
    BundleCheck { report, manifest, tree }
}

fn finding(code: Code, path: &str, what: &str) -> Diagnostic {
    // Names come from a directory that anybody may have filled: nothing of them may steer a terminal.
    Diagnostic::error(code, format!("{} {what}", path.escape_debug()))
}

fn host_tree<'c>(facts: &'c ManifestHost, tree: &'c LoadedTree) -> HostTree<'c> {
    let prefix = format!("hosts/{}/", facts.name);
    let files = tree.files.range(prefix.clone()..);
    let files = files.map_while(|(path, file)| Some((path.strip_prefix(&prefix)?, file))).collect();
    HostTree { facts, files }
}

fn read_manifest(tree: &LoadedTree) -> Result<Manifest, String> {
    let file = tree.files.get(MANIFEST).ok_or("there is no manifest.json: this is not a built tree")?;
    let bytes = file.bytes.as_deref().ok_or("manifest.json is too large to be one of ours")?;
    Manifest::parse(bytes)
        .map_err(|error| format!("manifest.json cannot be read: {}", error.to_string().escape_debug()))
}

/// Nothing twice, and hosts list exactly the files below their own directory.
fn check_consistent(manifest: &Manifest, report: &mut Report) {
    let mut paths = BTreeSet::new();
    for file in &manifest.files {
        let path = file.path.as_str();
        if !paths.insert(path) {
            report.push(finding(Code::ManifestContradicts, path, "stands in manifest.json twice"));
        }
        if path == MANIFEST || path == SUMS {
            report.push(finding(Code::ManifestContradicts, path, "cannot stand in manifest.json"));
        }
    }
    let mut hosts = BTreeSet::new();
    for host in &manifest.hosts {
        let name = host.name.as_str();
        if !hosts.insert(name) {
            report.push(finding(Code::ManifestContradicts, name, "is a host twice in manifest.json"));
        }
        let prefix = format!("hosts/{name}/");
        let listed: BTreeSet<&str> = host.files.iter().map(TreePath::as_str).collect();
        let own = paths.range(prefix.as_str()..).take_while(|path| path.starts_with(&prefix));
        let own: BTreeSet<&str> = own.copied().collect();
        if listed != own {
            let what = "does not have the same files twice in manifest.json";
            report.push(finding(Code::ManifestContradicts, name, what).help("build again"));
        }
    }
}

fn check_files(manifest: &Manifest, tree: &LoadedTree, report: &mut Report) {
    let listed: BTreeMap<&str, &ManifestFile> =
        manifest.files.iter().map(|file| (file.path.as_str(), file)).collect();
    for (path, wanted) in &listed {
        let Some(file) = tree.files.get(*path) else {
            report.push(
                finding(Code::BundleFileMissing, path, "is missing").help("copy the tree again, or build again"),
            );
            continue;
        };
        if file.size != wanted.size {
            let what = format!("has {} bytes and not {}", file.size, wanted.size);
            report.push(finding(Code::BundleFileDiffers, path, &what).help("build again"));
        } else if file.sha256 != wanted.sha256 {
            let what = format!("has the SHA-256 {} and not {}", file.sha256, wanted.sha256);
            report.push(finding(Code::BundleFileDiffers, path, &what).help("build again"));
        }
        // Too much below `hosts/` is said by `check_modes` already.
        let mode = file.attributes.mode;
        if !(is_within(mode, wanted.mode) || is_secret(path) && mode & !0o600 != 0) {
            report.push(wrong_mode(path, mode, &format!("and not {}", wanted.mode)));
        }
    }
    for path in tree.files.keys().map(String::as_str) {
        if path != MANIFEST && path != SUMS && path != SIGNATURE && !listed.contains_key(path) {
            let what = "is not in manifest.json";
            report.push(finding(Code::BundleFileForeign, path, what).help(FOREIGN));
        }
    }
    for path in tree.directories.keys() {
        let inside = format!("{path}/");
        if !listed.range(inside.as_str()..).next().is_some_and(|(file, _)| file.starts_with(&inside)) {
            let what = "is a directory without a file of manifest.json";
            report.push(finding(Code::BundleFileForeign, path, what).help(FOREIGN));
        }
    }
}

fn wrong_mode(path: &str, mode: u32, wanted: &str) -> Diagnostic {
    finding(Code::BundleMode, path, &format!("has the mode {mode:04o} {wanted}"))
        .help("run `chmod -R go= DIR` if it came by a copy; who could read it may have its secrets")
}

/// Whether an honest copy can have this mode: a umask, and the `chmod` that the help names, take bits of others away.
fn is_within(mode: u32, wanted: FileMode) -> bool {
    mode & !wanted.bits() == 0 && mode & 0o700 == wanted.bits() & 0o700
}

/// What [`bundle`] lets a copy have, and an archive has not: there, modes are as they were written.
pub(super) fn exact_modes(tree: &LoadedTree) -> Report {
    let mut report = Report::default();
    let Ok(manifest) = read_manifest(tree) else { return report };
    let mut check = |path: &str, wanted: FileMode, told: fn(u32, FileMode) -> bool| {
        let mode = tree.files.get(path).map(|file| file.attributes.mode);
        if let Some(mode) = mode.filter(|mode| *mode != wanted.bits() && !told(*mode, wanted)) {
            report.push(wrong_mode(path, mode, &format!("and not {wanted}")));
        }
    };
    for file in &manifest.files {
        check(file.path.as_str(), file.mode, |mode, wanted| !is_within(mode, wanted));
    }
    for path in [MANIFEST, SUMS, SIGNATURE] {
        check(path, FileMode::SECRET, |mode, _| mode & !0o644 != 0);
    }
    report
}

fn is_secret(path: &str) -> bool {
    path == "hosts" || path.starts_with("hosts/")
}

/// What lies below `hosts/` holds secrets, whatever the manifest says; and nobody but its owner changes a tree.
fn check_modes(tree: &LoadedTree, report: &mut Report) {
    let others = tree.directories.iter().filter(|(path, _)| !is_secret(path));
    for (path, attributes) in [(".", tree.attributes)].into_iter().chain(others.map(|(p, a)| (p.as_str(), *a))) {
        if attributes.mode & !0o755 != 0 {
            report.push(wrong_mode(path, attributes.mode, "where at most 0755 is right"));
        }
    }
    for (path, attributes) in tree.directories.iter().filter(|(path, _)| is_secret(path)) {
        if attributes.mode & !0o700 != 0 {
            report.push(wrong_mode(path, attributes.mode, "where at most 0700 is right"));
        }
    }
    for (path, file) in tree.files.iter().filter(|(path, _)| is_secret(path)) {
        if file.attributes.mode & !0o600 != 0 {
            report.push(wrong_mode(path, file.attributes.mode, "where at most 0600 is right"));
        }
    }
    for path in [MANIFEST, SUMS, SIGNATURE] {
        if let Some(file) = tree.files.get(path).filter(|file| file.attributes.mode & !0o644 != 0) {
            report.push(wrong_mode(path, file.attributes.mode, "where at most 0644 is right"));
        }
    }
}

fn check_sums(tree: &LoadedTree, report: &mut Report) {
    let wrong = |what: &str| finding(Code::SumsDiffer, SUMS, what).help("copy the tree again, or build again");
    let Some(file) = tree.files.get(SUMS) else {
        report.push(wrong("is missing"));
        return;
    };
    let Some(bytes) = &file.bytes else {
        report.push(wrong("is too large to be one of ours"));
        return;
    };
    let listed: BTreeMap<String, Digest256> = match sums::parse(bytes) {
        Ok(listed) => listed,
        Err(line) => {
            report.push(wrong(&format!("is not of sha256sum in line {line}")));
            return;
        }
    };
    for (path, digest) in &listed {
        let shown = path.escape_debug();
        match tree.files.get(path) {
            None => report.push(wrong(&format!("lists {shown}, which is not there"))),
            Some(file) if file.sha256 != *digest => report.push(wrong(&format!("has another digest for {shown}"))),
            Some(_) => {}
        }
    }
    for path in tree.files.keys().filter(|path| *path != SUMS && *path != SIGNATURE && !listed.contains_key(*path)) {
        report.push(wrong(&format!("does not list {}", path.escape_debug())));
    }
}

fn check_host(host: &HostTree<'_>, report: &mut Report) {
    let path = |name: &str| format!("hosts/{}/{name}", host.facts.name);
    for name in SEED_FILES.iter().chain(&[SEED]) {
        if !host.files.contains_key(name) {
            let what = "is missing: the host would boot without it";
            report.push(finding(Code::HostIncomplete, &path(name), what).help("build again"));
        }
    }
    let Some(image) = host.files.get(SEED) else { return };
    let Some(bytes) = &image.bytes else {
        report.push(finding(Code::SeedUnreadable, &path(SEED), "is too large to be a seed image"));
        return;
    };
    let (found, files) = seed::seed(&path(SEED), bytes);
    report.extend(found);
    for name in SEED_FILES {
        if let (Some(inside), Some(beside)) = (files.get(name), host.bytes(name))
            && inside.as_slice() != beside
        {
            let why = format!("its {name} is not the {name} beside it");
            report.push(seed::differs(&path(SEED), &why));
        }
    }
}

#[cfg(test)]
mod tests;

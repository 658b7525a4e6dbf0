//! The repository that hosts install from: the payload, with what dnf and yum read first.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use camino::Utf8Path;
use time::OffsetDateTime;

use crate::bundle::{self, Content, Entry, SIGNATURE, SUMS, SealError, Tree};
use crate::load::LoadError;
use crate::names::{ClusterName, Digest256, FileMode};
use crate::payload::lock::LOCK;
use crate::payload::{FileUse, Materials, Rpm, SBOM, repodata, sbom};
use crate::plan::Plan;
use crate::project::BuildError;
use crate::project::offline::PUBLIC_KEY;
use crate::vault::SigningKey;

use super::Payload;

/// The file for `/etc/yum.repos.d`.
const REPO_FILE: &str = "cfy-seed.repo";

/// The repository as a tree: packages and keys as references to the files of the payload, metadata as bytes. `time` is every date
/// in it, and `base` is where hosts have it.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn repository(
    payload: &Payload,
    directory: &Utf8Path,
    plan: &Plan,
    base: &str,
    time: OffsetDateTime,
) -> Result<Tree, BuildError> {
    let mut tree = Tree::default();
    for file in payload.lock.files.iter().filter(|file| file.used_as != FileUse::Image) {
        let path = directory.join(file.path.as_str());
        let content = Content::File { path, size: file.size, sha256: Some(file.sha256) };
        tree.insert(file.path.clone(), Entry { mode: FileMode::PUBLIC, content })?;
    }
    let packages: Vec<(&str, &Rpm)> = payload.packages.iter().map(|(path, rpm)| (path.as_str(), rpm)).collect();
    // Memory alone can fail here.
    let failed = |source: io::Error| BuildError::Load(LoadError::Machine { path: directory.to_owned(), source });
    for (path, bytes) in repodata(&packages, time.unix_timestamp()).map_err(failed)? {
        tree.add(&path, FileMode::PUBLIC, bytes)?;
    }
    let lock = payload.lock.to_json().map_err(|error| failed(io::Error::other(error)))?;
    tree.add(LOCK, FileMode::PUBLIC, lock)?;
    tree.add(SBOM, FileMode::PUBLIC, bill(payload, plan, time, None)?)?;
    tree.add(REPO_FILE, FileMode::PUBLIC, repo_file(payload, &plan.cluster, base).into_bytes())?;
    Ok(tree)
}

/// The bill of materials of a payload, and of the program where that comes with it.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub(in crate::project) fn bill(
    payload: &Payload,
    plan: &Plan,
    time: OffsetDateTime,
    program: Option<Digest256>,
) -> Result<Vec<u8>, BuildError> {
    let digests: BTreeMap<&str, Digest256> =
        payload.lock.files.iter().map(|file| (file.path.as_str(), file.sha256)).collect();
    // A package that the lock file does not have is refused before.
    let packages = payload.packages.iter();
    let packages: Vec<(&Rpm, Digest256)> =
        packages.filter_map(|(path, rpm)| Some((rpm, *digests.get(path.as_str())?))).collect();
    let (name, version) = (plan.cluster.as_str(), plan.version.to_string());
    Ok(sbom(&Materials { name, version: &version, time, program, packages: &packages }).map_err(SealError::Json)?)
}

/// Closes a repository, so that whoever has it without the box can check it: the digests of all files, the signature over them, and
/// the key to check it with.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub(in crate::project) fn sign(repository: &mut Tree, key: &SigningKey) -> Result<(), BuildError> {
    let sums = bundle::sums(repository)?;
    let signature = key.sign(sums.as_bytes()).ok_or(BuildError::Unsigned)?;
    repository.add(SUMS, FileMode::PUBLIC, sums)?;
    repository.add(SIGNATURE, FileMode::PUBLIC, signature)?;
    Ok(repository.add(PUBLIC_KEY, FileMode::PUBLIC, key.public_pem())?)
}

/// With a key, packages are checked by it. `module_hotfixes` because a plain repository has no modules, and dnf of EL 8 would hide
/// its packages behind those of the image's own repositories; yum of EL 7 does not know it and goes on.
fn repo_file(payload: &Payload, cluster: &ClusterName, base: &str) -> String {
    let keys = payload.lock.files.iter().filter(|file| file.used_as == FileUse::Key);
    let keys: Vec<String> = keys.map(|file| format!("file://{base}/{}", file.path)).collect();
    let mut text = format!(
        "[cfy-seed]\nname=Packages of cluster {cluster}\nbaseurl=file://{base}\nenabled=1\ngpgcheck={}\n",
        u8::from(!keys.is_empty())
    );
    if !keys.is_empty() {
        // Writing to a `String` cannot fail. Several keys stand below each other, indented.
        let _ = writeln!(text, "gpgkey={}", keys.join("\n       "));
    }
    text.push_str("module_hotfixes=1\n");
    text
}

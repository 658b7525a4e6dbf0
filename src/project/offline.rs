//! The box: everything that a cluster without a network needs, in one archive.

use camino::{Utf8Path, Utf8PathBuf};

use crate::bundle::archive::Archive;
use crate::bundle::{Content, Entry, seal};
use crate::emit::{self, Archived, VaultLock};
use crate::handoff;
use crate::load::{self, Disk};
use crate::names::{Digest256, FileMode, TreePath};
use crate::payload::SBOM;
use crate::plan::Plan;
use crate::render::{PAYLOAD, RenderError};
use crate::vault::{SigningKey, Vault, VaultBytes};
use crate::world::World;

use super::build::{Assembled, BuildError, Built, Destination};
use super::payload::{Depth, Medium, bill, check_payload, read_payload, repository, sign, write_medium};
use super::runbook::{README, RUNBOOK, readme, runbook};
use super::{Project, SharedProgress};

/// The public half of the key that signs, in the box and in its payload.
pub const PUBLIC_KEY: &str = "box-key.pem";
/// The program itself, in the box.
const PROGRAM: &str = "cfy-seed";

/// What a box is made of beside the spec and the vault.
#[derive(Debug, Clone)]
pub struct BoxParts {
    /// The payload's directory.
    pub payload: Utf8PathBuf,
    /// The program that goes into it.
    pub program: Utf8PathBuf,
    /// Parts smaller than this, where it is to be split.
    pub split: Option<u64>,
    /// Whether the payload is to be beside it as an image too.
    pub medium: bool,
}

/// A box that was written.
#[derive(Debug)]
pub struct Boxed {
    /// The bundles, as by a build without a box.
    pub built: Built,
    /// The box.
    pub archived: Archived,
    /// SHA-256 of the public half of the key that signed it, as DER.
    pub fingerprint: Digest256,
    /// The payload's image.
    pub medium: Option<Medium>,
}

impl Project {
    /// Builds as [`build`](Self::build), and writes the box beside the tree: bundles, payload as a repository, this program, and what
    /// it takes to check all of it. A payload with which hosts would stop is refused before anything is written.
    ///
    /// # Errors
    /// As [`build`](Self::build), and everything that is wrong with the payload.
    pub fn build_box(
        &self,
        plan: &Plan,
        to: &Destination,
        parts: &BoxParts,
        world: &dyn World,
        keys: SharedProgress<'_>,
        bytes: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Boxed, BuildError> {
        let payload = read_payload(&parts.payload, Depth::Headers, &|_, _| ())?;
        let checked = check_payload(&payload, plan);
        if checked.report.has_errors() {
            return Err(BuildError::Refused(checked.report));
        }
        self.check_packing(plan)?;
        let (vault, mut changes) = self.complete_vault(plan, &to.vault, world, keys)?;
        changes.report.extend(checked.report);
        let key = signing_key(&vault, plan, &to.vault)?;
        let Assembled { mut tree, facts, sizes } = self.assemble(plan, &vault)?;
        let report = self.fitting(plan, &sizes)?;
        let published = emit::publish(&seal(tree.clone(), facts.clone())?, &to.out, &Disk)?;

        let mut repository = repository(&payload, &parts.payload, plan, PAYLOAD, vault.created())?;
        sign(&mut repository, &key)?;
        tree.mount(&path("payload")?, repository.clone())?;
        tree.add(PUBLIC_KEY, FileMode::PUBLIC, key.public_pem())?;
        let size = load::size(&parts.program)?;
        let program = load::digest(&parts.program, &|_| ())?;
        let content = Content::File { path: parts.program.clone(), size, sha256: Some(program) };
        tree.insert(path(PROGRAM)?, Entry { mode: FileMode::PROGRAM, content })?;
        tree.add(README, FileMode::PUBLIC, readme(plan))?;
        tree.add(RUNBOOK, FileMode::PUBLIC, runbook(plan))?;
        tree.add(SBOM, FileMode::PUBLIC, bill(&payload, plan, vault.created(), Some(program))?)?;
        let sealed = seal(tree, facts)?;
        let total = sealed.tree().iter().map(|(_, entry)| entry.content.len()).sum();
        let root = path(&format!("{}-{}", plan.cluster, plan.version))?;
        let archive = Archive {
            sealed: &sealed,
            root: &root,
            time: vault.created().unix_timestamp().try_into().unwrap_or_default(),
            source: &Disk,
            sign: &|bytes| key.sign(bytes),
            progress: &|passed| bytes(passed.min(total), total),
        };
        let archived = emit::archive(&archive, &to.out, &format!("{root}.tar.gz"), parts.split)?;
        let fingerprint = key.fingerprint();
        let medium = parts.medium.then(|| {
            let out = to.out.join(handoff::payload_medium(plan));
            write_medium(&repository, vault.created(), fingerprint, &out, bytes)
        });
        Ok(Boxed {
            built: Built { published, changes, sizes, report },
            archived,
            fingerprint,
            medium: medium.transpose()?,
        })
    }
}

fn path(text: &str) -> Result<TreePath, BuildError> {
    Ok(text.parse().map_err(RenderError::Path)?)
}

/// The key that signs; a new one is in the vault before anything is signed with it.
fn signing_key(vault: &Vault, plan: &Plan, directory: &Utf8Path) -> Result<SigningKey, BuildError> {
    let key = SigningKey::of(vault, plan.identity.key)?;
    if let Some((path, bytes)) = key.write() {
        let lock = VaultLock::acquire(directory)?;
        emit::vault(&lock, [(path, VaultBytes::expose(bytes))])?;
    }
    Ok(key)
}

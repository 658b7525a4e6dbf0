//! The box: everything that a cluster without a network needs, in one archive.

use camino::{Utf8Path, Utf8PathBuf};
use time::OffsetDateTime;

use crate::bundle::archive::Archive;
use crate::bundle::iso9660::Image;
use crate::bundle::{Content, ContentSource, Entry, SealedTree, Tree, seal};
use crate::emit::{self, Archived, Delivered, Output, VaultLock};
use crate::handoff;
use crate::load::{self, Disk};
use crate::names::{Digest256, FileMode, TreePath};
use crate::payload::SBOM;
use crate::plan::Plan;
use crate::render::{PAYLOAD, RenderError};
use crate::vault::{SigningKey, Vault, VaultBytes};
use crate::world::World;

use super::build::{Assembled, BuildError, Built, Destination};
use super::payload::{Depth, MEDIUM_LABEL, Medium, bill, check_payload, read_payload, repository, sign, write_image};
use super::places::apart;
use super::program::not_static;
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
    /// The image of an older payload that was taken away.
    pub removed: Option<Utf8PathBuf>,
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
        apart(to, &parts.payload, plan)?;
        let payload = read_payload(&parts.payload, Depth::Headers, &|_, _| ())?;
        let mut found = check_payload(&payload, plan).report;
        found.extend(not_static(&parts.program)?.into_iter().collect());
        if self.strict {
            found.make_strict();
        }
        if found.has_errors() {
            return Err(BuildError::Refused(found));
        }
        self.check_packing(plan)?;
        let (vault, mut changes) = self.complete_vault(plan, &to.vault, world, keys)?;
        changes.report.extend(found);
        let key = signing_key(&vault, plan, &to.vault)?;
        let Assembled { mut tree, facts, sizes } = self.assemble(plan, &vault)?;
        let report = self.fitting(plan, &sizes)?;
        let hosts = seal(tree.clone(), facts.clone())?;
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
        let image = handoff::payload_medium(plan);
        let contents = Contents { hosts, all: seal(tree, facts)?, repository, image, created: vault.created() };
        let (delivered, medium) = contents.write(&to.out, parts, &path(&box_root(plan))?, &key, bytes)?;
        Ok(Boxed {
            built: Built { published: delivered.tree, changes, sizes, report },
            archived: delivered.archive.ok_or(BuildError::Unsigned)?,
            fingerprint: key.fingerprint(),
            medium,
            removed: delivered.removed,
        })
    }
}

/// What a box, its payload's image and everything in them is called by.
pub(super) fn box_root(plan: &Plan) -> String {
    format!("{}-{}", plan.cluster, plan.version)
}

/// What is written at once.
struct Contents {
    /// The tree beside the box.
    hosts: SealedTree,
    /// The box.
    all: SealedTree,
    /// Its payload.
    repository: Tree,
    /// The name of the payload's image.
    image: String,
    /// The vault's time, which is every date.
    created: OffsetDateTime,
}

impl Contents {
    /// Writes tree, box and, where that is asked for, the payload's image beside their places, and then puts them there: until all of
    /// them are whole, nothing of an older build changes. An older image goes where there is no new one, for its payload is another.
    fn write(
        &self,
        out: &Utf8Path,
        parts: &BoxParts,
        root: &TreePath,
        key: &SigningKey,
        bytes: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<(Delivered, Option<Medium>), BuildError> {
        let image = &self.image;
        let mut output = Output::acquire(out, self.all.cluster())?;
        // Before gigabytes are written for nothing.
        let older = output.has_medium(image, MEDIUM_LABEL);
        if parts.medium {
            older?;
        } else if older.is_ok_and(|older| older) {
            output.without_medium(image);
        }
        output.tree(&self.hosts, &Disk)?;
        let total = self.all.tree().iter().map(|(_, entry)| entry.content.len()).sum();
        let archive = Archive {
            sealed: &self.all,
            root,
            time: self.created.unix_timestamp().try_into().unwrap_or_default(),
            source: &Disk,
            sign: &|bytes| key.sign(bytes),
            progress: &|passed| bytes(passed.min(total), total),
        };
        output.archive(&archive, &format!("{root}.tar.gz"), parts.split)?;
        let mut size = 0;
        if parts.medium {
            let write = |medium: &Image, source: &dyn ContentSource| output.medium(medium, image, source);
            (size, ()) = write_image(&self.repository, self.created, bytes, write)?;
        }
        let delivered = output.publish()?;
        let (files, fingerprint) = (self.repository.len(), key.fingerprint());
        let medium =
            delivered.medium.map(|sha256| Medium { path: out.join(image), size, files, sha256, fingerprint });
        Ok((delivered, medium))
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

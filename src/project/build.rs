//! From a project to files on the disk.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::bundle::{HostFacts, ManifestFacts, SealError, SealedTree, Tree, TreeError, seal};
use crate::diag::Report;
use crate::emit::{self, EmitError, Published, VaultLock};
use crate::handoff::{self, HandoffError};
use crate::load::{Disk, LoadError};
use crate::names::{Credential, RoleKind, Secret, TreePath};
use crate::plan::{AttachmentKind, HostPlan, PackageSource, Plan, RepoSource, RpmSource};
use crate::render::{self, Client, HostFiles, HostView, RenderError};
use crate::vault::{self, Changes, Vault, VaultError};
use crate::world::World;

use super::budget::refused;
use super::delivery::deliver;
use super::footprint::{Footprint, measure};
use super::outdated::outdated;
use super::places::apart;
use super::vault::{VaultReadError, open};
use super::{Project, side_by_side};

/// Where a build goes.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The tree is `<out>/<cluster>`.
    pub out: Utf8PathBuf,
    /// The vault's directory.
    pub vault: Utf8PathBuf,
}

/// What a build did.
#[derive(Debug)]
pub struct Built {
    /// The tree.
    pub published: Published,
    /// What happened to the vault.
    pub changes: Changes,
    /// How large user-data is on each target.
    pub sizes: Footprint,
    /// What is nearly too large.
    pub report: Report,
}

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Something that the user can mend.
    #[error("nothing was built")]
    Refused(Report),
    /// A file or directory could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The output or the vault could not be written.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The vault could not be completed.
    #[error(transparent)]
    Vault(VaultError),
    /// A bug.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A bug.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A bug.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A bug.
    #[error(transparent)]
    Handoff(#[from] HandoffError),
    /// A profile in the binary is wrong: a bug.
    #[error("{0}")]
    Profile(String),
    /// Digests cannot be signed: a bug.
    #[error("the digests cannot be signed")]
    Unsigned,
    /// A certificate that the plan asks for is not in the vault: a bug.
    #[error("the vault has nothing for {0}")]
    NotInVault(String),
}

impl From<VaultReadError> for BuildError {
    fn from(error: VaultReadError) -> Self {
        match error {
            VaultReadError::Refused(report) => Self::Refused(report),
            VaultReadError::Load(error) => Self::Load(error),
        }
    }
}

impl From<VaultError> for BuildError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Refused(report) => Self::Refused(report),
            other => Self::Vault(other),
        }
    }
}

impl Project {
    /// Builds: completes the vault, renders every host, and publishes the tree.
    ///
    /// # Errors
    /// When the vault or the output is in the way, or the machine fails. The old tree is then untouched; the vault may
    /// be complete already, which harms nothing.
    pub fn build(
        &self,
        plan: &Plan,
        to: &Destination,
        world: &dyn World,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Built, BuildError> {
        apart(to, &self.payload_directory(None, plan), plan)?;
        self.check_packing(plan)?;
        let (vault, changes) = self.complete_vault(plan, &to.vault, world, progress)?;
        let (sealed, sizes) = self.seal(plan, &vault)?;
        let mut report = self.fitting(plan, &sizes)?;
        let published = emit::publish(&sealed, &to.out, &Disk)?;
        report.extend(outdated(&to.out, plan, &published).into_iter().collect());
        Ok(Built { published, changes, sizes, report })
    }

    /// Refuses a pack that some target does not take.
    pub(super) fn check_packing(&self, plan: &Plan) -> Result<(), BuildError> {
        let report = refused(plan, self.packing, self.target);
        if report.has_errors() { Err(BuildError::Refused(report)) } else { Ok(()) }
    }

    /// What is nearly too large for its target.
    ///
    /// # Errors
    /// Where something is too large.
    pub(super) fn fitting(&self, plan: &Plan, sizes: &Footprint) -> Result<Report, BuildError> {
        let report = self.judge(plan, sizes);
        if report.has_errors() { Err(BuildError::Refused(report)) } else { Ok(report) }
    }

    pub(super) fn complete_vault(
        &self,
        plan: &Plan,
        directory: &Utf8Path,
        world: &dyn World,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<(Vault, Changes), BuildError> {
        let lock = VaultLock::acquire(directory)?;
        let opened = open(directory, plan, self.ca.as_ref())?;
        let (mut vault, changes) = vault::ensure(opened, &plan.identity, &self.supplied, world, progress)?;
        if plan.uses_payload() {
            vault.ensure_signing_key(plan.identity.key)?;
        }
        emit::vault(&lock, vault.writes().iter().map(|(path, bytes)| (path, bytes.expose())))?;
        Ok((vault, changes))
    }

    /// The tree of a plan and a vault, and the sizes in it: a pure function of both and of the attachments.
    ///
    /// # Errors
    /// Where a target does not take the pack that is asked for; else only where cfy-seed itself is wrong.
    pub fn seal(&self, plan: &Plan, vault: &Vault) -> Result<(SealedTree, Footprint), BuildError> {
        let Assembled { tree, facts, sizes } = self.assemble(plan, vault)?;
        Ok((seal(tree, facts)?, sizes))
    }

    /// As [`seal`](Self::seal), for whoever has more to put beside it.
    pub(super) fn assemble(&self, plan: &Plan, vault: &Vault) -> Result<Assembled, BuildError> {
        self.check_packing(plan)?;
        let (mut tree, mut hosts, mut sizes) = (Tree::default(), Vec::new(), Vec::new());
        let trust = Trust::of(plan, vault)?;
        let work = |host: &HostPlan| deliver(&view(self, plan, host, vault, &trust)?, self.packing);
        let mut deliveries = Vec::new();
        side_by_side(&plan.hosts, |_, host| work(host), |_, delivery| deliveries.push(delivery));
        for (host, delivery) in plan.hosts.iter().zip(deliveries) {
            let delivery = delivery?;
            let path: TreePath = format!("hosts/{}", host.name).parse().map_err(RenderError::Path)?;
            tree.mount(&path, handoff::nocloud(&delivery.files, vault.created())?)?;
            let name = format!("cfy-{}-{}", plan.cluster, host.name);
            let targets = delivery.targets.iter().map(|(delivery, _)| delivery);
            tree.mount(&path, handoff::deliveries(&name, &delivery.files, targets)?)?;
            sizes.push(measure(host, delivery, true));
            hosts.push(HostFacts {
                name: host.name.clone(),
                fqdn: host.fqdn.clone(),
                instance_id: render::instance_id(plan, &host.name),
                roles: host.role_names().into_iter().map(str::to_owned).collect(),
            });
        }
        tree.merge(handoff::beside(plan, plan.target_names())?)?;
        let facts = ManifestFacts {
            cluster: plan.cluster.clone(),
            cfy_seed_version: env!("CARGO_PKG_VERSION").to_owned(),
            generation: plan.generation,
            created: vault.created(),
            hosts,
        };
        Ok(Assembled { tree, facts, sizes: Footprint { exact: true, hosts: sizes } })
    }
}

/// Everything of a plan and a vault, not sealed yet.
pub(super) struct Assembled {
    pub(super) tree: Tree,
    pub(super) facts: ManifestFacts,
    pub(super) sizes: Footprint,
}

/// The files of every host, in the plan's order.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn render_all(project: &Project, plan: &Plan, vault: &Vault) -> Result<Vec<HostFiles>, BuildError> {
    let trust = Trust::of(plan, vault)?;
    plan.hosts.iter().map(|host| Ok(render::render(&view(project, plan, host, vault, &trust)?)?)).collect()
}

/// What all hosts of a cluster check others by.
pub(super) struct Trust {
    ca: String,
    box_key: Option<String>,
}

impl Trust {
    pub(super) fn of(plan: &Plan, vault: &Vault) -> Result<Self, BuildError> {
        let box_key = vault.signing_public_pem().filter(|_| plan.uses_payload());
        if plan.uses_payload() && box_key.is_none() {
            return Err(BuildError::NotInVault("payloads".to_owned()));
        }
        Ok(Self { ca: vault.ca_certificate_pem(), box_key })
    }
}

/// What one host may know: this is where other hosts' keys and other roles' secrets stay behind.
pub(super) fn view<'a>(
    project: &'a Project,
    plan: &'a Plan,
    host: &'a HostPlan,
    vault: &'a Vault,
    trust: &'a Trust,
) -> Result<HostView<'a>, BuildError> {
    let pair = vault.host(&host.name).ok_or_else(|| BuildError::NotInVault(host.name.to_string()))?;
    let mut clients = Vec::new();
    if host.has(RoleKind::Manager) {
        for common_name in &plan.identity.clients {
            let client = vault.client(common_name).ok_or_else(|| BuildError::NotInVault(common_name.clone()))?;
            clients.push(Client { common_name, certificate: client.certificate_pem(), key: client.key_pem() });
        }
    }
    let mut credentials: BTreeMap<_, &Secret> = BTreeMap::new();
    for name in known_credentials(plan, host) {
        let secret = vault.credential(name).ok_or_else(|| BuildError::NotInVault(name.as_str().to_owned()))?;
        credentials.insert(name, secret);
    }
    Ok(HostView {
        plan,
        host,
        target: &plan.seed,
        ca: &trust.ca,
        box_key: trust.box_key.as_deref().filter(|_| plan.fetches_payload(host)),
        certificate: pair.certificate_pem(),
        key: pair.key_pem(),
        clients,
        credentials,
        attachments: attachments(project, plan, host),
        templates: &project.templates,
        overrides: project.overrides_of(host),
    })
}

/// The credentials that a host's roles name in their configs.
pub(super) fn known_credentials(plan: &Plan, host: &HostPlan) -> impl Iterator<Item = Credential> {
    host.roles.iter().flat_map(|role| plan.credentials_of(role.kind))
}

/// The files that a host's roles need: the licence on the host that uploads it, keys where packages are installed, CAs of
/// services elsewhere on managers.
pub(super) fn attachments<'a>(
    project: &'a Project,
    plan: &Plan,
    host: &HostPlan,
) -> BTreeMap<AttachmentKind, &'a str> {
    let signed = |source: &RepoSource| source.signed;
    let wanted = [
        (AttachmentKind::License, plan.license && host.uploads_license()),
        (AttachmentKind::LdapCa, plan.ldap.is_some() && host.manages()),
        (
            AttachmentKind::OsRepoKey,
            match &plan.packages {
                PackageSource::Repo(source) => signed(source),
                PackageSource::Image | PackageSource::SystemRepos | PackageSource::Payload => false,
            },
        ),
        (AttachmentKind::PayloadKeys, plan.fetches_payload(host)),
        (
            AttachmentKind::CloudifyRepoKey,
            host.installs_cloudify() && matches!(&plan.rpm, RpmSource::Repo(source) if signed(source)),
        ),
    ];
    let external = [
        (AttachmentKind::ExternalDatabaseCa, plan.external.database.is_some()),
        (AttachmentKind::ExternalBrokerCa, plan.external.broker.is_some()),
    ];
    let external = external.map(|(kind, given)| (kind, given && host.has(RoleKind::Manager)));
    let kinds = wanted.into_iter().chain(external).filter(|(_, wanted)| *wanted).map(|(kind, _)| kind);
    let extra = plan.files.iter().filter(|file| file.roles.iter().any(|role| host.has(*role))).map(|file| file.kind);
    kinds.chain(extra).filter_map(|kind| Some((kind, project.attachment(kind)?))).collect()
}

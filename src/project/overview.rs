//! What a build would do, as facts for people and machines. Holds no secret.

use camino::Utf8Path;
use serde::Serialize;

use crate::bundle::manifest::{self, Manifest};
use crate::diag::{Code, Report, Severity, Sources, Span};
use crate::handoff;
use crate::load;
use crate::names::{Digest256, Encoding, Pack};
use crate::plan::ports::{self, PortRule};
use crate::plan::{External, ExternalBroker, HostPlan, PackageSource, Plan, RolePlan, RpmSource};
use crate::profile::{Size as Machine, Target};
use crate::vault::{self, Action, Vault};
use crate::world::World;

use super::budget::{Budget, refused};
use super::build::BuildError;
use super::footprint::{Footprint, HostFootprint, footprint};
use super::waiting::{Peer, waits_on, words};
use super::{Destination, Project, VaultState, vault_state};

/// What a build would do.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// Always `cfy-seed/plan/v1`.
    pub schema: &'static str,
    /// The cluster's name.
    pub cluster: String,
    /// Its shape, where it has a name.
    pub shape: Option<&'static str>,
    /// Cloudify's version.
    pub version: String,
    /// The contract that speaks for it.
    pub contract: String,
    /// The hosts' operating system.
    pub platform: String,
    /// Rebuilds of it that a setting lets through.
    pub let_through: Vec<String>,
    /// Where the bundles will be used.
    pub targets: Vec<TargetOverview>,
    /// Where the installer comes from, in words.
    pub rpm: String,
    /// Where the operating system's packages come from, in words.
    pub os_packages: String,
    /// Services that no host installs, in words.
    pub external: Vec<String>,
    /// The hosts, in the order of the spec.
    pub hosts: Vec<HostOverview>,
    /// The directories beside the hosts' bundles: hand-offs of the targets.
    pub beside: Vec<String>,
    /// Who must reach what over the network.
    pub ports: Vec<PortRule>,
    /// Certificates and credentials that a build would make, a line each.
    pub to_issue: Vec<String>,
    /// Certificates that are there, with their last day.
    pub certificates: Vec<CertificateOverview>,
    /// Whether sizes are exact, or those of a complete vault's usual content.
    pub sizes_exact: bool,
    /// What was found in the spec and in the vault, the worst first.
    pub findings: Vec<Finding>,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Its code.
    pub code: Code,
    /// What it is.
    pub message: String,
    /// Where, as `file:line:column`; empty where no text is to blame.
    pub place: String,
    /// What to do; may be empty.
    pub help: String,
}

/// One target.
#[derive(Debug, Serialize)]
pub struct TargetOverview {
    /// Its name in specs.
    pub target: String,
    /// Its name for people.
    pub title: String,
    /// What the platform calls the place of user-data.
    pub field: String,
    /// The largest user-data that it takes.
    pub limit: u64,
    /// What that counts, in words.
    pub counts: String,
    /// The encodings that its datasource takes off with this operating system.
    pub decodes: Vec<Encoding>,
    /// The packs to choose from with this operating system, the best first.
    pub packs: Vec<Pack>,
    /// Whether cloud-init is switched off after READY, because the seed may be detached.
    pub pin: bool,
    /// What people must know who use it.
    pub quirks: Vec<String>,
    /// What nobody has confirmed.
    pub unconfirmed: Vec<String>,
}

/// A certificate that is there.
#[derive(Debug, Serialize)]
pub struct CertificateOverview {
    /// Whom it names.
    pub subject: String,
    /// Its last day, `YYYY-MM-DD`, UTC.
    pub not_after: String,
    /// SHA-256 of its DER bytes.
    pub sha256: String,
}

/// One host.
#[derive(Debug, Serialize)]
pub struct HostOverview {
    /// Short name.
    pub name: String,
    /// Name with domain.
    pub fqdn: String,
    /// Address inside the cluster.
    pub private_ip: String,
    /// Where it is reached from outside.
    pub public_ip: String,
    /// Its roles, in the order of installation.
    pub roles: Vec<RoleOverview>,
    /// Why it will refuse to start, a line each.
    pub refuses: Vec<String>,
    /// How large its machine should be.
    pub machine: Machine,
    /// How large its user-data is.
    pub size: Size,
    /// The same as each target takes it, against the target's limit.
    pub budgets: Vec<Budget>,
    /// Against the last build: `new`, `changed`, `same`, or `unknown` before keys are made.
    pub since_last_build: &'static str,
    /// The files of its bundle.
    pub files: Vec<String>,
}

/// One role of a host.
#[derive(Debug, Serialize)]
pub struct RoleOverview {
    /// Its name.
    pub role: &'static str,
    /// The host's place in the order of this role, from 1.
    pub index: usize,
    /// What the host waits for before it installs this role, a line each; empty where it starts at once.
    pub waits_for: Vec<String>,
    /// Whom it waits for by that, each once.
    pub waits_on: Vec<Peer>,
}

/// How large user-data is.
#[derive(Debug, Serialize)]
pub struct Size {
    /// Bytes as they are.
    pub bytes: usize,
    /// Bytes after gzip.
    pub gzipped: Option<usize>,
    /// The largest files in it, with their bytes.
    pub largest: Vec<(String, usize)>,
}

impl Project {
    /// The vault of a plan where nothing is missing in it: what a build would use as it is.
    pub(super) fn complete_vault_if_any(&self, plan: &Plan, state: VaultState, world: &dyn World) -> Option<Vault> {
        if !state.changes.is_empty() || state.opened.is_none() {
            return None;
        }
        vault::ensure(state.opened, &plan.identity, &self.supplied, world, &|_, _| {}).ok().map(|(vault, _)| vault)
    }
}

/// Looks at everything and changes nothing. The report of the vault goes into `project.report`.
///
/// # Errors
/// When the vault is damaged, foreign or exposed, or cannot be read.
pub fn overview(
    project: &mut Project,
    plan: &Plan,
    places: &Destination,
    world: &dyn World,
) -> Result<Overview, BuildError> {
    let state = vault_state(project, &places.vault, plan, world.now())?;
    project.report.extend(state.changes.report.clone());
    let to_issue = state.changes.to_string().lines().map(str::to_owned).collect();
    let certificates = state.opened.as_ref().map(crate::vault::Opened::facts).unwrap_or_default();
    let certificates = certificates
        .into_iter()
        .map(|(subject, facts)| CertificateOverview {
            subject: subject.to_string(),
            not_after: facts.not_after.date().to_string(),
            sha256: facts.sha256.to_string(),
        })
        .collect();
    let issued: Vec<String> = state
        .changes
        .certificates
        .iter()
        .filter(|(_, action)| matches!(action, Action::Issued | Action::Reissued(_)))
        .map(|(subject, _)| subject.to_string())
        .collect();
    let vault = project.complete_vault_if_any(plan, state, world);
    project.report.extend(refused(plan, project.packing, project.target));
    let sizes = footprint(project, plan, vault.as_ref(), project.packing)?;
    project.report.extend(project.judge(plan, &sizes));
    let last = last_build(&places.out.join(plan.cluster.as_str()));
    Ok(Overview {
        schema: "cfy-seed/plan/v1",
        cluster: plan.cluster.to_string(),
        shape: plan.shape,
        version: plan.version.to_string(),
        contract: plan.contract.contract.clone(),
        platform: plan.platform.platform.clone(),
        let_through: plan.platform.let_through.clone(),
        targets: plan.targets.iter().map(|target| target_overview(target, plan)).collect(),
        rpm: rpm(&plan.rpm),
        os_packages: packages(&plan.packages),
        external: external(&plan.external),
        hosts: hosts(plan, &sizes, last.as_ref(), &issued),
        beside: beside(plan)?,
        ports: ports::matrix(plan),
        to_issue,
        certificates,
        sizes_exact: sizes.exact,
        findings: findings(&project.report, &project.sources),
    })
}

fn target_overview(target: &Target, plan: &Plan) -> TargetOverview {
    let cloud_init = plan.platform.cloud_init;
    TargetOverview {
        target: target.target.clone(),
        title: target.title.clone(),
        field: target.field.clone(),
        limit: target.limit.bytes,
        counts: target.limit.in_words(),
        decodes: Encoding::ALL.into_iter().filter(|encoding| target.decodes(*encoding, cloud_init)).collect(),
        packs: target.packs(cloud_init).collect(),
        pin: target.pin,
        quirks: target.quirks.clone(),
        unconfirmed: target.unconfirmed.clone(),
    }
}

/// The directories of the hand-offs: each has a page.
fn beside(plan: &Plan) -> Result<Vec<String>, BuildError> {
    let tree = handoff::beside(plan, plan.target_names())?;
    let directories = tree.iter().filter_map(|(path, _)| path.as_str().strip_suffix("/README.md"));
    Ok(directories.map(str::to_owned).collect())
}

/// What was found, the worst first.
fn findings(report: &Report, sources: &Sources) -> Vec<Finding> {
    let place = |span: Span| {
        let (line, column) = sources.line_column(span)?;
        Some(format!("{}:{line}:{column}", sources.get(span.source)?.name))
    };
    let mut findings: Vec<Finding> = report
        .sorted()
        .into_iter()
        .map(|found| Finding {
            severity: found.severity,
            code: found.code,
            message: found.message.clone(),
            place: found.labels.first().and_then(|label| place(label.span)).unwrap_or_default(),
            help: found.help.clone().unwrap_or_default(),
        })
        .collect();
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// The manifest of the last build, where there is one of ours.
fn last_build(tree: &Utf8Path) -> Option<Manifest> {
    let bytes = load::bytes(&tree.join(crate::bundle::MANIFEST), manifest::MAX_BYTES).ok()?;
    Manifest::parse(&bytes).ok()
}

fn hosts(plan: &Plan, sizes: &Footprint, last: Option<&Manifest>, issued: &[String]) -> Vec<HostOverview> {
    plan.hosts
        .iter()
        .zip(&sizes.hosts)
        .map(|(host, size)| {
            let old = last.and_then(|manifest| user_data_digest(manifest, host));
            let fresh = issued.contains(&format!("host {}", host.name));
            HostOverview {
                name: host.name.to_string(),
                fqdn: host.fqdn.clone(),
                private_ip: host.ip.to_string(),
                public_ip: host.public.to_string(),
                roles: host.roles.iter().map(|role| role_overview(role, plan)).collect(),
                refuses: host.refusals.iter().map(|r| format!("{}: {}", r.code, r.cause)).collect(),
                machine: host.size,
                size: Size {
                    bytes: size.user_data,
                    gzipped: size.gzipped,
                    largest: size.largest.iter().map(|(path, bytes)| (path.to_string(), *bytes)).collect(),
                },
                budgets: size.budgets.clone(),
                since_last_build: compare(old, size, fresh),
                files: size.files.iter().map(|file| format!("hosts/{}/{file}", host.name)).collect(),
            }
        })
        .collect()
}

fn role_overview(role: &RolePlan, plan: &Plan) -> RoleOverview {
    let waits_on = waits_on(role, plan);
    RoleOverview { role: role.kind.as_str(), index: role.index, waits_for: waits(role, plan), waits_on }
}

/// What a host waits for before it installs this role, in words.
pub(super) fn waits(role: &RolePlan, plan: &Plan) -> Vec<String> {
    role.gate.iter().map(|probe| words(probe, plan)).collect()
}

fn user_data_digest(manifest: &Manifest, host: &HostPlan) -> Option<Digest256> {
    let path = format!("hosts/{}/user-data", host.name);
    manifest.files.iter().find(|file| file.path.as_str() == path).map(|file| file.sha256)
}

fn compare(old: Option<Digest256>, size: &HostFootprint, fresh: bool) -> &'static str {
    match (old, size.digest) {
        (None, _) => "new",
        (Some(_), None) if fresh => "changed",
        (Some(_), None) => "unknown",
        (Some(old), Some(new)) if old == new => "same",
        (Some(_), Some(_)) => "changed",
    }
}

fn rpm(source: &RpmSource) -> String {
    match source {
        RpmSource::Url { url, sha256: Some(_) } => format!("{}, checked by its digest", url.shown()),
        RpmSource::Url { url, sha256: None } => format!("{}, without a digest", url.shown()),
        RpmSource::Repo(repo) => format!("repository {}{}", repo.baseurl.shown(), signature(repo.signed)),
        RpmSource::Payload => "in the payload".into(),
        RpmSource::Preinstalled => "in the image".into(),
    }
}

fn packages(source: &PackageSource) -> String {
    match source {
        PackageSource::Image => "in the image".into(),
        PackageSource::SystemRepos => "the image's own repositories".into(),
        PackageSource::Payload => "in the payload".into(),
        PackageSource::Repo(repo) => format!("repository {}{}", repo.baseurl.shown(), signature(repo.signed)),
    }
}

fn external(external: &External) -> Vec<String> {
    let database = external.database.iter().map(|database| format!("database at {}", database.address()));
    let members = |broker: &ExternalBroker| {
        broker.members.iter().map(|member| member.address.to_string()).collect::<Vec<_>>().join(", ")
    };
    let broker = external.broker.iter().map(|broker| format!("broker at {}", members(broker)));
    database.chain(broker).collect()
}

const fn signature(signed: bool) -> &'static str {
    if signed { ", signatures checked" } else { ", signatures not checked" }
}

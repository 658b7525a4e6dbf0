//! A cluster's spec file with what belongs to it: the files it names, its vault, its output. And several of them at once.
//!
//! In: paths. Out: a [`Project`], and what can be done with it: look, preview, build. May not: print, or ask the user.

mod authority;
mod budget;
mod build;
mod delivery;
mod expiry;
mod footprint;
mod import;
mod offline;
mod outdated;
mod overview;
mod own;
mod payload;
mod pki;
mod places;
mod program;
mod runbook;
mod several;
mod stand_in;
mod vault;
mod waiting;

pub use crate::handoff::Packing;
pub use authority::passphrase;
pub use budget::{Alternative, Budget};
pub use build::{BuildError, Built, Destination, render_all};
pub use expiry::{CertificateRow, CertificateState, CertificateTable, certificate_table};
pub use footprint::{Footprint, HostFootprint, footprint};
pub use import::{ImportOutcome, ImportRequest, ImportedCluster, import_cluster};
pub use offline::{BoxParts, Boxed};
pub use overview::{
    CertificateOverview, Finding, HostOverview, Overview, RoleOverview, Size, TargetOverview, overview,
};
pub use own::OwnDirectories;
pub use payload::{
    Added, Checked, Depth, MEDIUM_LABEL, Medium, Payload, PayloadOverview, Wanted, WantedOverview, Whereabouts,
    add_to_payload, check_payload, payload_medium, payload_overview, read_payload, repository, split_box, wanted,
};
pub use pki::ImportedCertificates;
pub use several::{clashes, side_by_side};
pub use vault::{VaultReadError, VaultState, vault_credentials, vault_state};
pub use waiting::Peer;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use time::OffsetDateTime;

use crate::diag::{Code, Diagnostic, Report, Sources, Span};
use crate::load::{self, LoadError};
use crate::names::{Credential, Secret};
use crate::plan::{self, Attachment, AttachmentKind, Attachments, HostOverrides, HostPlan, Overrides, Plan};
use crate::profile::{BadProfile, SHAPES};
use crate::render::Templates;
use crate::spec::{self, Spec};
use crate::vault::SuppliedCa;
use crate::yaml::MAX_TEXT;

/// Where a spec is looked for when none is named.
pub const DEFAULT_SPEC: &str = "cluster.yaml";
/// Files that a spec names are licences and keys: a few KiB.
const MAX_ATTACHMENT: u64 = 256 << 10;

/// Is told how much of some work is done, from several threads.
pub type SharedProgress<'p> = &'p (dyn Fn(usize, usize) + Sync);

/// A spec that was read and resolved.
#[derive(Debug, Default)]
pub struct Project {
    /// The texts that the report points into.
    pub sources: Sources,
    /// Everything that was found.
    pub report: Report,
    /// What will be built; only where there is no error.
    pub plan: Option<Plan>,
    /// Where the spec names the cluster.
    pub name: Option<Span>,
    /// Where the spec says that the installer comes from the payload.
    installer: Option<Span>,
    /// Where the spec names the targets.
    pub target: Option<Span>,
    /// How user-data is packed for them.
    pub packing: Packing,
    /// The directory that paths in the spec are relative to.
    pub directory: Utf8PathBuf,
    /// The files that the spec names.
    pub attachments: Attachments,
    /// The credentials that the spec gives.
    pub supplied: BTreeMap<Credential, Secret>,
    /// What configs are rendered from.
    pub templates: Templates,
    /// What the spec adds to what hosts get.
    pub overrides: Overrides,
    /// Whether warnings are errors.
    strict: bool,
    /// The CA that the spec names, if it names one and that is good.
    ca: Option<SuppliedCa>,
}

impl Project {
    /// Reads and resolves a spec with what is embedded. `None` stands for `cluster.yaml` here, or else the embedded example.
    ///
    /// What is wrong with the spec is in the report; a spec that cannot be read is such a finding too. The CA that a spec
    /// names must be valid at the given time.
    ///
    /// # Errors
    /// When a profile in the binary is wrong: a bug.
    pub fn open(path: Option<&Utf8Path>, now: OffsetDateTime) -> Result<Self, BadProfile> {
        Self::open_with(path, &OwnDirectories::default(), now)
    }

    /// As [`open`](Self::open), with profiles and templates of the operator's own. What is wrong with those is in the
    /// report.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: Option<&Utf8Path>, own: &OwnDirectories, now: OffsetDateTime) -> Result<Self, BadProfile> {
        let mut project = Self::default();
        let profiles = own.profiles(&mut project.sources, &mut project.report)?;
        let templates = own.read_templates(&mut project.sources, &mut project.report);
        project.templates = own::templates(&templates, &mut project.report);
        let Some((name, text)) = project.text(path) else { return Ok(project) };
        let parsed = spec::parse(&name, &text, &mut project.sources);
        project.report.extend(parsed.report);
        if let Some(spec) = &parsed.spec {
            project.name = spec.name.span();
            project.target = spec.target.span();
            project.read_attachments(spec);
            project.read_authority(spec, now);
            let resolved = plan::resolve(spec, parsed.place, &profiles, &project.attachments);
            project.report.extend(resolved.report);
            resolved.authorities.iter().for_each(|authority| authority.check_dates(now, &mut project.report));
            project.overrides = resolved.overrides;
            let rpm = spec.cloudify.get().and_then(|cloudify| cloudify.rpm.get());
            project.installer = rpm.and_then(|rpm| rpm.payload.span());
            if let Some(plan) = resolved.plan.as_ref().filter(|plan| plan.uses_payload()) {
                let payload = project.payload_directory(None, plan);
                project.take_payload_keys(&payload);
            }
            project.plan = resolved.plan.filter(|_| !project.report.has_errors());
            let supplied = plan::credential::supplied(spec).into_iter();
            project.supplied = supplied.filter_map(|(name, field)| Some((name, field.get()?.clone()))).collect();
        }
        if let Some(plan) = project.plan.take_if(|_| *own != OwnDirectories::default()) {
            project.report.extend(own::rehearse(&project, &plan, &templates));
            project.plan = Some(plan).filter(|_| !project.report.has_errors());
        }
        Ok(project)
    }

    /// Takes warnings for errors.
    pub fn make_strict(&mut self) {
        self.strict = true;
        self.report.make_strict();
        if self.report.has_errors() {
            self.plan = None;
        }
    }

    /// The spec's name and text.
    fn text(&mut self, path: Option<&Utf8Path>) -> Option<(String, String)> {
        let named = path.unwrap_or(Utf8Path::new(DEFAULT_SPEC));
        match load::text(named, MAX_TEXT as u64) {
            Ok(text) => {
                self.directory = named.parent().map(Utf8Path::to_owned).unwrap_or_default();
                Some((named.to_string(), text))
            }
            Err(LoadError::Missing { .. }) if path.is_none() => {
                let message = "no spec is named and there is no cluster.yaml here: the embedded example is used";
                let warning = Diagnostic::warning(Code::ExampleSpecUsed, message);
                self.report.push(warning.help("`cfy-seed init` writes it to cluster.yaml, for you to edit"));
                Some(("example".to_owned(), SHAPES[0].spec.to_owned()))
            }
            Err(error) => {
                self.report.push(own::unreadable(&error));
                None
            }
        }
    }

    fn read_attachments(&mut self, spec: &Spec) {
        for (kind, path, _) in plan::attachments(spec) {
            let attachment = match load::bytes(&self.directory.join(&path), MAX_ATTACHMENT) {
                Ok(bytes) => Attachment::Bytes(bytes),
                Err(LoadError::Missing { .. }) => Attachment::Missing,
                Err(error) => Attachment::Unreadable(format!("cannot be used: {error}")),
            };
            self.attachments.insert(kind, attachment);
        }
    }

    /// The text of a file that the spec names, where it is there and text.
    #[must_use]
    pub fn attachment(&self, kind: AttachmentKind) -> Option<&str> {
        match self.attachments.get(&kind) {
            Some(Attachment::Bytes(bytes)) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    fn overrides_of(&self, host: &HostPlan) -> HostOverrides {
        self.overrides.get(&host.name).cloned().unwrap_or_default()
    }

    /// The vault's directory: as named, or beside the spec.
    #[must_use]
    pub fn vault_directory(&self, named: Option<&Utf8Path>, plan: &Plan) -> Utf8PathBuf {
        named.map_or_else(|| self.directory.join(format!("{}.vault", plan.cluster)), Utf8Path::to_owned)
    }
}

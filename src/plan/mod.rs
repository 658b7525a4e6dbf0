//! What WILL BE BUILT.
//!
//! In: a [`Spec`](crate::spec::Spec), the profiles, and what is known of the files the spec names. Out: a closed
//! [`Plan`], in which no `Option` means a default, and a report. May not: hold secrets, bytes or templates.

pub mod attachment;
mod certificate;
pub mod external;
pub mod gate;
mod host;
pub mod identity;
mod ldap;
mod overrides;
pub mod ports;
mod resolve;
mod rule;
mod source;

pub use attachment::{Attachment, AttachmentKind, Attachments, ExtraFile, attachments};
pub use external::{External, ExternalBroker, ExternalDatabase, ExternalMember};
pub use host::{FurtherNetwork, HostPlan, Link, Member, Members, Recovery, Refusal, RolePlan};
pub use identity::{HostCertificate, Identity};
pub use ldap::Ldap;
pub use overrides::{HostOverrides, Overrides};
pub use resolve::{Resolved, resolve};
pub use rule::authority::Authority;
pub use rule::credential;
pub use source::{FirstBootSource, PackageSource, RepoSource, RpmSource};

use crate::names::{
    CloudifyVersion, ClusterName, Credential, DomainName, HostAddress, HostName, PublicAddress, RoleKind, Seconds,
    SshPublicKey, TimeZone, UserName, WebUrl,
};
use crate::profile::{Contract, Platform, Target};

/// Everything about a build but its secrets and bytes.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The cluster.
    pub cluster: ClusterName,
    /// Cloudify's version.
    pub version: CloudifyVersion,
    /// What that version accepts and needs.
    pub contract: Contract,
    /// The hosts' operating system.
    pub platform: Platform,
    /// Where the bundles will be used, each once.
    pub targets: Vec<Target>,
    /// What the directory and the image that every host gets are made for.
    pub seed: Target,
    /// The shape that the host list has, if it is one that has a name.
    pub shape: Option<&'static str>,
    /// Part of every instance-id.
    pub generation: u32,
    /// The hosts, in the spec's order.
    pub hosts: Vec<HostPlan>,
    /// Who has which role, in order of installation.
    pub members: Members,
    /// What no host installs.
    pub external: External,
    /// The balancer before the managers, ours or another.
    pub balancer: Option<PublicAddress>,
    /// Where the operating system's packages come from.
    pub packages: PackageSource,
    /// Where the installer comes from.
    pub rpm: RpmSource,
    /// The web server that has the payload, if one has it.
    pub payload_url: Option<WebUrl>,
    /// Where the first boot's own files come from.
    pub first_boot: FirstBootSource,
    /// A user to create; without one the image's own user gets the keys.
    pub user: Option<UserName>,
    /// Keys that may log in.
    pub ssh_keys: Vec<SshPublicKey>,
    /// The hosts' domain, if they have one.
    pub domain: Option<DomainName>,
    /// Name servers.
    pub dns: Vec<HostAddress>,
    /// Time servers.
    pub ntp: Vec<PublicAddress>,
    /// Proxy for downloads.
    pub proxy: Option<WebUrl>,
    /// Time zone, where it is not the image's.
    pub timezone: Option<TimeZone>,
    /// Time between two looks at a peer.
    pub poll: Seconds,
    /// When waiting becomes stalled.
    pub stall_after: Seconds,
    /// What the vault must hold.
    pub identity: Identity,
    /// Files of the operator's own.
    pub files: Vec<ExtraFile>,
    /// Keys, dotted, that configs may have although no contract knows them.
    pub config_allow: Vec<String>,
    /// Whether a licence is to be uploaded by the first manager.
    pub license: bool,
    /// The directory that managers ask who may log in, if there is one.
    pub ldap: Option<Ldap>,
}

impl Plan {
    /// The host of this name.
    #[must_use]
    pub fn host(&self, name: &HostName) -> Option<&HostPlan> {
        self.hosts.iter().find(|host| &host.name == name)
    }

    /// The names of its targets, in the order of the spec.
    pub fn target_names(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(|target| target.target.as_str())
    }

    /// Whether a host may take something from the payload.
    #[must_use]
    pub fn fetches_payload(&self, host: &HostPlan) -> bool {
        self.packages == PackageSource::Payload && !host.packages.is_empty()
            || self.rpm == RpmSource::Payload && host.installs_cloudify()
    }

    /// Whether any host may.
    #[must_use]
    pub fn uses_payload(&self) -> bool {
        self.hosts.iter().any(|host| self.fetches_payload(host))
    }

    /// Whether hosts boot from an image that was made for them, by `packer/` of the build.
    #[must_use]
    pub fn baked(&self) -> bool {
        self.rpm == RpmSource::Preinstalled || self.first_boot == FirstBootSource::Image
    }

    /// The credentials that the config of a role names. A single database has neither etcd nor Patroni, and a directory in
    /// which users look themselves up has no login.
    pub fn credentials_of(&self, kind: RoleKind) -> impl Iterator<Item = Credential> {
        let single = kind == RoleKind::Database && self.members.databases.len() == 1;
        let all = self.contract.roles.get(&kind).map_or(&[][..], |role| role.credentials.as_slice());
        let looks_up = self.ldap.as_ref().is_some_and(|ldap| ldap.username.is_some());
        let unused = move |credential: &Credential| {
            single && credential.is_of_database_cluster() || *credential == Credential::LdapPassword && !looks_up
        };
        all.iter().copied().filter(move |credential| !unused(credential))
    }
}

#[cfg(test)]
mod tests;

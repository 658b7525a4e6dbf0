//! The types of `cfy-seed/v1`. Their documentation is what `cfy-seed schema` and `docs/spec.md` print.
//!
//! Externally tagged enums only, no `flatten`, no `untagged`: others lose the places of their values.

mod elsewhere;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::names::{
    CloudifyVersion, ClusterName, Digest256, DomainName, FileMode, GuestPath, HostAddress, HostName, InterfaceName,
    MacAddress, NetworkName, PublicAddress, RoleKind, RsaSize, Seconds, Secret, SshPublicKey, TimeZone, UserName,
    WebUrl,
};
use crate::yaml::{Field, Mapping};

pub use elsewhere::{External, ExternalBroker, ExternalDatabase, ExternalMember, Ldap};

/// A Cloudify Manager cluster, and the machines it is to be installed on.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "cfy-seed cluster spec", extend("required" = ["apiVersion", "name", "cloudify", "hosts"]))]
pub struct Spec {
    /// The version of this file's format: `cfy-seed/v1`.
    #[serde(rename = "apiVersion")]
    pub api_version: Field<ApiVersion>,
    /// The cluster's name: one lower-case DNS label. Bundles, vault and instance-ids carry it.
    pub name: Field<ClusterName>,
    /// Which Cloudify is installed, and from where.
    pub cloudify: Field<Cloudify>,
    /// The operating system family of all hosts. `el8`, with Cloudify 6.4 and later: RHEL and CentOS 8 are supported by the
    /// vendor; Rocky, Alma and Oracle 8 are let through by a setting of Cloudify's installer. `el7`: RHEL and CentOS 7.6 or
    /// later. Default: `el8` where the version has it, else `el7`.
    pub os: Field<String>,
    /// Where the packages come from that Cloudify needs of the operating system. Default: `{from: image}`.
    pub os_packages: Field<OsPackages>,
    /// Where hosts find the payload beside the places where they always look. Default: nowhere else.
    pub payload: Field<Payload>,
    /// Where the bundles will be used: one or several of `nocloud`, `libvirt`, `proxmox`, `virtualbox`, `hyperv`, `vsphere`,
    /// `openstack`, `cloudstack`, `kubevirt`, `aws`, `azure`, `gcp`, `oci`, `digitalocean`, `hetzner` and `alibaba`, such as
    /// `[nocloud, aws]`. Every host gets a seed ISO and directory, and user-data as each of them takes it. Default: `[nocloud]`.
    pub target: Field<Vec<Field<String>>>,
    /// Who may log in.
    pub access: Field<Access>,
    /// What all hosts share on the network.
    pub network: Field<Network>,
    /// The hosts' time zone, such as `Europe/Berlin`. Default: what the image has.
    pub timezone: Field<TimeZone>,
    /// How patient the hosts are with each other.
    pub first_boot: Field<FirstBoot>,
    /// The machines. Their order is the order of installation inside a role.
    pub hosts: Field<Vec<Field<Host>>>,
    /// Services that are there already and are not installed.
    pub external: Field<External>,
    /// Files of yours that hosts get before anything is installed on them. Default: none.
    pub files: Field<Vec<Field<ExtraFile>>>,
    /// Settings of Cloudify that this file has no key for, laid over the configs of these roles. Default: none.
    pub config: Field<ByRole>,
    /// Keys, dotted, that `config` may have although cfy-seed does not know them, such as `[new_section.key]`; `*`
    /// stands for any one name, and what is below a key is allowed with it. Default: none.
    pub config_allow: Field<Vec<Field<String>>>,
    /// Your own cloud-config, added to the user-data of the hosts with these roles. Default: none.
    pub cloud_init: Field<ByRole>,
    /// Certificates.
    pub pki: Field<Pki>,
    /// Credentials that you choose yourself. What is not given is generated once, into the vault.
    pub credentials: Field<Credentials>,
    /// The directory that managers ask who may log in; Cloudify 5.1 to 6.2. Later versions are told after their
    /// installation, with `cfy ldap`. Default: none.
    pub ldap: Field<Ldap>,
    /// Raise it to make rebuilt hosts run their first boot again. Default: `1`.
    #[schemars(range(min = 1, max = 999_999))]
    pub generation: Field<u32>,
}

/// Versions of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The only version so far.
    #[serde(rename = "cfy-seed/v1")]
    V1,
}

/// Which Cloudify is installed, and from where.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["version", "rpm"]))]
pub struct Cloudify {
    /// The version, in quotes: `"7.0.4"`.
    pub version: Field<CloudifyVersion>,
    /// `premium` or `community`. Clusters of managers need premium. Default: `premium`.
    pub edition: Field<Edition>,
    /// The licence file, relative to this file. The first manager uploads it; in a premium cluster without one it stops in
    /// PREFLIGHT. Default: none.
    pub license: Field<String>,
    /// Where the RPM `cloudify-manager-install` comes from: one of `url` with `sha256`, `repo`, `payload`,
    /// or `preinstalled`.
    pub rpm: Field<Rpm>,
}

/// Cloudify's editions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Edition {
    /// With clustering of managers; needs a licence.
    Premium,
    /// Without.
    Community,
}

/// Where the RPM comes from.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rpm {
    /// Hosts download the RPM from here; goes with `sha256`. Default: none.
    pub url: Field<WebUrl>,
    /// SHA-256 of the RPM, 64 hexadecimal digits; hosts install nothing that differs. Default: none.
    pub sha256: Field<Digest256>,
    /// A yum repository that has the RPM. Default: none.
    pub repo: Field<Repo>,
    /// `true`: hosts take the RPM from the payload, which `cfy-seed payload add` put it into. Default: `false`.
    pub payload: Field<bool>,
    /// `true`: the image has the RPM installed. Default: `false`.
    pub preinstalled: Field<bool>,
}

/// A yum repository.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["baseurl"]))]
pub struct Repo {
    /// Where its `repodata` directory is.
    pub baseurl: Field<WebUrl>,
    /// The public key that its packages are signed with: a file, relative to this file. It travels in the bundle.
    /// Without it packages are installed unchecked, with a warning. Default: none.
    pub gpgkey: Field<String>,
}

/// Where the packages come from that Cloudify needs of the operating system.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["from"]))]
pub struct OsPackages {
    /// `image`: they are there, hosts only check. `system-repos`: hosts install them from the repositories that the image
    /// has configured. `{repo: {baseurl: …, gpgkey: …}}`: from this repository alone. `payload`: from the signed payload,
    /// which hosts find on a medium labelled CFYPAYLOAD, at `/media/cfypayload`, at `payload.url`, or in their image.
    pub from: Field<PackagesFrom>,
}

/// Sources of the operating system's packages.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PackagesFrom {
    /// They are in the image.
    Image,
    /// From the repositories that the image has configured.
    SystemRepos,
    /// From the payload.
    Payload,
    /// From this repository alone.
    Repo(Repo),
}

/// Where hosts find the payload beside the places where they always look.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Payload {
    /// A directory on a web server that has what the directory `payload` of the box has. Default: none.
    pub url: Field<WebUrl>,
}

/// Who may log in.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// A user that is created on every host, with sudo and without password. Default: the image's own user.
    pub user: Field<UserName>,
    /// Public keys that may log in as that user. Default: none.
    pub ssh_authorized_keys: Field<Vec<Field<SshPublicKey>>>,
}

/// What all hosts share on the network.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Domain of the hosts: `db-1` becomes `db-1.example.com`. Default: none.
    pub domain: Field<DomainName>,
    /// Addresses of name servers. Default: none.
    pub dns: Field<Vec<Field<HostAddress>>>,
    /// Addresses or names of time servers. Default: what the image has.
    pub ntp: Field<Vec<Field<PublicAddress>>>,
    /// HTTP proxy for downloads of RPMs and packages. Default: none.
    pub proxy: Field<WebUrl>,
    /// `true`: hosts ask DHCP, which must give each one its `private_ip`. `false`: addresses are written into the hosts.
    /// Default: `false`.
    pub dhcp: Field<bool>,
    /// Length of the network prefix, 8 to 30. Default: `24`.
    #[schemars(range(min = 8, max = 30))]
    pub prefix: Field<u8>,
    /// The gateway to everywhere else; without one, hosts reach their own network only. Default: none.
    pub gateway: Field<HostAddress>,
    /// Name of the interface that carries `private_ip`. Default: `eth0`.
    pub interface: Field<InterfaceName>,
    /// A balancer before the managers that is not one of the hosts.
    pub load_balancer: Field<LoadBalancer>,
}

/// A balancer before the managers that is not one of the hosts.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["address"]))]
pub struct LoadBalancer {
    /// Its address or DNS name; the managers' certificates name it.
    pub address: Field<PublicAddress>,
}

/// How patient the hosts are with each other.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FirstBoot {
    /// Time between two looks at a peer, 2s to 60s. Default: `10s`.
    pub poll: Field<Seconds>,
    /// A host that has waited so long says aloud that it is stalled, and goes on waiting; 1m to 7 days.
    /// Default: `60m`.
    pub stall_after: Field<Seconds>,
    /// `true`: the image has `cfy-firstboot` with its units and its library, baked by the template in `packer/` of a build
    /// of this release, and user-data leaves them out. Default: `false`.
    pub preinstalled: Field<bool>,
}

/// One machine.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name", "roles", "private_ip"]))]
pub struct Host {
    /// Its short name: one lower-case DNS label.
    pub name: Field<HostName>,
    /// What it runs: `database`, `broker`, `manager`, several of these, or `load_balancer`. A lone host with the first
    /// three is an all-in-one; several hosts that share roles install them role by role.
    pub roles: Field<Vec<Field<Role>>>,
    /// Its address inside the cluster. It must be on one of its interfaces: a floating address is not.
    pub private_ip: Field<HostAddress>,
    /// Where it is reached from outside: an address or a DNS name. Default: `private_ip`.
    pub public_ip: Field<PublicAddress>,
    /// MAC address of the card that carries `private_ip`, in quotes. Default: the interface is found by its name.
    pub mac: Field<MacAddress>,
    /// As in `network`, for this host. Default: what `network` says.
    pub dhcp: Field<bool>,
    /// As in `network`, for this host. Default: what `network` says.
    #[schemars(range(min = 8, max = 30))]
    pub prefix: Field<u8>,
    /// As in `network`, for this host. Default: what `network` says.
    pub gateway: Field<HostAddress>,
    /// As in `network`, for this host. Default: what `network` says.
    pub interface: Field<InterfaceName>,
    /// Further networks. Default: none.
    pub networks: Field<Vec<Field<HostNetwork>>>,
    /// As `config` above, for this host; it goes over what is said there. Default: none.
    pub config: Field<ByRole>,
    /// Cloud-config for this host alone; it goes over what is said above. Default: none.
    pub cloud_init: Field<Mapping>,
}

/// Mappings for all roles and for single ones; the more particular one goes over the others.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ByRole {
    /// For every role that has such keys. Default: none.
    pub all: Field<Mapping>,
    /// For databases. Default: none.
    pub database: Field<Mapping>,
    /// For brokers. Default: none.
    pub broker: Field<Mapping>,
    /// For managers. Default: none.
    pub manager: Field<Mapping>,
    /// For the host of an all-in-one. Default: none.
    pub all_in_one: Field<Mapping>,
    /// For the balancer: cloud-config only. Default: none.
    pub load_balancer: Field<Mapping>,
}

impl ByRole {
    /// What is said for a role alone.
    #[must_use]
    pub const fn of(&self, kind: RoleKind) -> &Field<Mapping> {
        match kind {
            RoleKind::Database => &self.database,
            RoleKind::Broker => &self.broker,
            RoleKind::Manager => &self.manager,
            RoleKind::AllInOne => &self.all_in_one,
            RoleKind::LoadBalancer => &self.load_balancer,
        }
    }
}

/// A network of a host beside the one of `private_ip`. Its name reaches Cloudify: agents choose a manager's and a
/// broker's address by it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name", "ip", "interface"]))]
pub struct HostNetwork {
    /// Its name, the same on all hosts: one lower-case label, neither `default` nor `external`.
    pub name: Field<NetworkName>,
    /// The host's address in it; the host's certificate names it.
    pub ip: Field<HostAddress>,
    /// Name of the interface that carries the address.
    pub interface: Field<InterfaceName>,
    /// MAC address of the card, in quotes. Default: the interface is found by its name.
    pub mac: Field<MacAddress>,
    /// `true`: DHCP gives the address. Default: `false`.
    pub dhcp: Field<bool>,
    /// Length of the network prefix, 8 to 30. Default: `24`.
    #[schemars(range(min = 8, max = 30))]
    pub prefix: Field<u8>,
}

/// What a host runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// PostgreSQL with Patroni and etcd.
    Database,
    /// RabbitMQ.
    Broker,
    /// Cloudify Manager.
    Manager,
    /// HAProxy before the managers.
    LoadBalancer,
}

impl Role {
    /// The word as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Broker => "broker",
            Self::Manager => "manager",
            Self::LoadBalancer => "load_balancer",
        }
    }
}

/// A file of yours on the hosts.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["from", "path"]))]
pub struct ExtraFile {
    /// The file, relative to this file: text of at most 256 KiB without private keys. It travels in the bundle.
    pub from: Field<String>,
    /// Where it is put: an absolute path. It belongs to root, and missing directories above it are made.
    pub path: Field<GuestPath>,
    /// Its permissions: four octal digits, in quotes. Default: `"0600"`.
    pub mode: Field<FileMode>,
    /// The roles whose hosts get it. Default: `[manager]`.
    pub roles: Field<Vec<Field<Role>>>,
}

/// Certificates.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pki {
    /// Type and size of all keys: `rsa-2048`, `rsa-3072` or `rsa-4096`. Cloudify takes no other type. Default: `rsa-2048`.
    pub key: Field<RsaSize>,
    /// A CA of yours that signs all certificates, in place of one that is generated into the vault.
    pub ca: Field<SuppliedCa>,
    /// Validity of the generated CA in days, at most 36500. Default: `3650`.
    #[schemars(range(min = 1, max = 36500))]
    pub ca_days: Field<u32>,
    /// Validity of all other certificates in days; none outlives its CA. Certificates that are there stay as they are: a
    /// new value is for those that are issued later. Default: `3650`.
    #[schemars(range(min = 1, max = 36500))]
    pub leaf_days: Field<u32>,
}

/// A CA of yours. It must be self-signed, RSA of at least 2048 bits, and allowed to sign certificates.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["cert"]))]
pub struct SuppliedCa {
    /// Its certificate: a PEM file, relative to this file.
    pub cert: Field<String>,
    /// Its private key: a PEM file, relative to this file. It is used and copied nowhere; where nothing is to be issued,
    /// it may be left out. Default: none.
    pub key: Field<String>,
    /// A file whose first line is the passphrase of `key`, relative to this file. Default: none; `build` asks for it, or
    /// reads it from `--ca-passphrase-file`.
    pub passphrase_file: Field<String>,
}

/// Credentials. Letters and digits are always safe; some parts of Cloudify break on other characters.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Credentials {
    /// Password of Cloudify's user `admin`. Default: generated.
    pub admin_password: Field<Secret>,
    /// Password of PostgreSQL's superuser `postgres`. An external database's must be given. Default: generated.
    pub postgres_password: Field<Secret>,
    /// Password of Cloudify's database user. Default: generated.
    pub cloudify_db_password: Field<Secret>,
    /// Token that etcd's members share. Default: generated.
    pub etcd_cluster_token: Field<Secret>,
    /// Password of etcd's user `root`. Default: generated.
    pub etcd_root_password: Field<Secret>,
    /// Password of etcd's user `patroni`. Default: generated.
    pub etcd_patroni_password: Field<Secret>,
    /// Password of Patroni's REST API. Default: generated.
    pub patroni_rest_password: Field<Secret>,
    /// Password of PostgreSQL's replication user. Default: generated.
    pub replicator_password: Field<Secret>,
    /// Password of PostgreSQL's monitoring user. Default: generated.
    pub db_monitoring_password: Field<Secret>,
    /// Password of RabbitMQ's user `cloudify`. An external broker's must be given. Default: generated.
    pub rabbitmq_password: Field<Secret>,
    /// Erlang cookie that the brokers share. Default: generated.
    pub erlang_cookie: Field<Secret>,
    /// Password of the monitoring endpoint on port 8009. Default: generated.
    pub prometheus_password: Field<Secret>,
}

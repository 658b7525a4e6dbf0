//! Operating systems and targets.

use serde::Deserialize;

use crate::names::InterfaceName;

/// An operating system of the hosts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// Its name in specs, such as `el8`.
    pub platform: String,
    /// Its name for people.
    pub title: String,
    /// `VERSION_ID` of os-release up to the dot.
    pub major: String,
    /// Least minor release by `/etc/redhat-release`; os-release of some systems does not tell.
    pub minor: u8,
    /// `ID`s of os-release that the vendor supports.
    pub supported: Vec<String>,
    /// `ID`s that a setting lets through.
    pub let_through: Vec<String>,
    /// That setting: the value of `validations.supported_distros`.
    pub supported_distros: Vec<String>,
    /// Version of network-config that its cloud-init renders rightly.
    pub network_config: u8,
    /// Name of the first network interface.
    pub interface: InterfaceName,
}

/// Where bundles are used.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its name in specs, such as `nocloud`.
    pub target: String,
    /// Its name for people.
    pub title: String,
    /// Largest user-data, in the unit of `counts`.
    pub limit_bytes: u64,
    /// What the limit counts.
    pub counts: String,
    /// Whether cloud-init is pinned after READY, because the seed may be detached.
    pub pin: bool,
    /// What a READY host says of the copies of its secrets that it cannot remove, and what to do about them. One line.
    pub out_of_reach: String,
}

//! Operating systems.

use serde::Deserialize;

use crate::names::{CloudInitRelease, InterfaceName};

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
    /// The oldest release of cloud-init that its images ship and that targets are judged by.
    pub cloud_init: CloudInitRelease,
    /// Name of the first network interface.
    pub interface: InterfaceName,
}

//! What is known of Cloudify's versions, of operating systems, of targets and of cluster shapes, as data.
//!
//! In: `profiles/*.yaml`, embedded in the binary. Out: [`Profiles`]. May not: know a user's data.

mod contract;
mod platform;
mod shape;

pub use contract::{Contract, Feature, Features, KeyRule, KeyType, Needs, Port, Probe, RoleContract};
pub use platform::{Platform, Target};
pub use shape::{SHAPES, Shape};

use crate::diag::{Diagnostic, Report, Sources};
use crate::names::CloudifyVersion;
use crate::yaml::{self, decode};

/// The files of each kind, by their path in the repository.
const CONTRACTS: &[(&str, &str)] =
    &[("profiles/contracts/cloudify-7.0.yaml", include_str!("../../profiles/contracts/cloudify-7.0.yaml"))];
const PLATFORMS: &[(&str, &str)] =
    &[("profiles/platforms/el8.yaml", include_str!("../../profiles/platforms/el8.yaml"))];
const TARGETS: &[(&str, &str)] =
    &[("profiles/platforms/nocloud.yaml", include_str!("../../profiles/platforms/nocloud.yaml"))];

/// Everything that is known.
#[derive(Debug, Clone)]
pub struct Profiles {
    contracts: Vec<Contract>,
    platforms: Vec<Platform>,
    targets: Vec<Target>,
}

/// A profile does not fit its type. Where it is one in the binary, that is a bug of cfy-seed.
#[derive(Debug, thiserror::Error)]
#[error("a profile is wrong:\n{0}")]
pub struct BadProfile(String);

impl Profiles {
    /// Reads the embedded profiles.
    ///
    /// # Errors
    /// When one of them does not fit its type, which is a bug.
    pub fn embedded() -> Result<Self, BadProfile> {
        Ok(Self { contracts: read_all(CONTRACTS)?, platforms: read_all(PLATFORMS)?, targets: read_all(TARGETS)? })
    }

    /// The contract that speaks for a version.
    #[must_use]
    pub fn contract(&self, version: CloudifyVersion) -> Option<&Contract> {
        let line = format!("{}.{}", version.major, version.minor);
        self.contracts.iter().find(|contract| contract.versions.contains(&line))
    }

    /// The versions that some contract speaks for, such as `7.0`.
    pub fn versions(&self) -> impl Iterator<Item = &str> {
        self.contracts.iter().flat_map(|contract| contract.versions.iter().map(String::as_str))
    }

    /// The operating system of this name.
    #[must_use]
    pub fn platform(&self, name: &str) -> Option<&Platform> {
        self.platforms.iter().find(|platform| platform.platform == name)
    }

    /// The names of all operating systems.
    pub fn platform_names(&self) -> impl Iterator<Item = &str> {
        self.platforms.iter().map(|platform| platform.platform.as_str())
    }

    /// The target of this name.
    #[must_use]
    pub fn target(&self, name: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.target == name)
    }

    /// The names of all targets.
    pub fn target_names(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(|target| target.target.as_str())
    }
}

impl Contract {
    /// Reads a contract file. `name` is what messages call it.
    ///
    /// # Errors
    /// Everything about it that does not fit the type, as text with places.
    pub fn parse(name: &str, text: &str) -> Result<Self, BadProfile> {
        read(name, text)
    }
}

fn read_all<T: for<'de> serde::Deserialize<'de>>(files: &[(&str, &str)]) -> Result<Vec<T>, BadProfile> {
    files.iter().map(|(name, text)| read(name, text)).collect()
}

fn read<T: for<'de> serde::Deserialize<'de>>(name: &str, text: &str) -> Result<T, BadProfile> {
    let mut sources = Sources::default();
    let id = sources.add(name, text);
    let (node, found) = yaml::parse(text, id);
    let mut report: Report = found.into_iter().collect::<Vec<Diagnostic>>().into_iter().collect();
    if let Some(node) = node.filter(|_| !report.has_errors()) {
        let decoded = decode::decode::<T>(&node);
        report.extend(decoded.report);
        if let Some(value) = decoded.value.filter(|_| !report.has_errors()) {
            return Ok(value);
        }
    }
    Err(BadProfile(crate::diag::render(&report, &sources, crate::diag::Style::default())))
}

#[cfg(test)]
mod tests {
    use super::Profiles;

    #[test]
    fn the_embedded_profiles_fit_their_types() {
        let profiles = Profiles::embedded().unwrap_or_else(|error| panic!("{error}"));
        let contract = profiles.contract("7.0.4".parse().expect("a version")).expect("a contract");
        for platform in &contract.platforms {
            assert!(profiles.platform(platform).is_some(), "{platform}");
            assert!(contract.packages.contains_key(platform), "{platform}");
        }
        assert!(profiles.contract("5.0.5".parse().expect("a version")).is_none());
        assert!(profiles.target("nocloud").is_some());
    }
}

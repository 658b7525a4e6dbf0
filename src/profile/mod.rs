//! What is known of Cloudify's versions, of operating systems, of targets and of cluster shapes, as data.
//!
//! In: `profiles/*.yaml`, embedded in the binary. Out: [`Profiles`]. May not: know a user's data.

mod contract;
pub mod extend;
mod platform;
mod shape;

pub use contract::{
    Contract, Feature, Features, KeyRule, KeyType, Needs, Port, Probe, RoleContract, Setting, covers,
};
pub use platform::{Platform, Target};
pub use shape::{SHAPES, Shape};

use crate::diag::{Report, Sources};
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

/// A profile in the binary does not fit its type: a bug of cfy-seed.
#[derive(Debug, thiserror::Error)]
#[error("an embedded profile is wrong:\n{0}")]
pub struct BadProfile(String);

impl Profiles {
    /// Reads the embedded profiles.
    ///
    /// # Errors
    /// When one of them does not fit its type, which is a bug.
    pub fn embedded() -> Result<Self, BadProfile> {
        Ok(Self {
            contracts: read("contract", CONTRACTS)?,
            platforms: read("platform", PLATFORMS)?,
            targets: read("target", TARGETS)?,
        })
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

/// Reads the files of one kind, each laid over the one that it extends. `key` is the key that holds a file's name.
fn read<T: for<'de> serde::Deserialize<'de>>(key: &str, files: &[(&str, &str)]) -> Result<Vec<T>, BadProfile> {
    let (mut sources, mut report) = (Sources::default(), Report::default());
    let mut nodes = Vec::with_capacity(files.len());
    for (name, text) in files {
        let (node, found) = yaml::parse(text, sources.add(*name, *text));
        found.into_iter().for_each(|diagnostic| report.push(diagnostic));
        nodes.extend(node);
    }
    let mut values = Vec::with_capacity(nodes.len());
    for node in extend::extend(key, &nodes, &mut report) {
        let decoded = decode::decode::<T>(&node);
        report.extend(decoded.report);
        values.extend(decoded.value);
    }
    if report.has_errors() {
        return Err(BadProfile(crate::diag::render(&report, &sources, crate::diag::Style::default())));
    }
    Ok(values)
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

//! What is known of Cloudify's versions, of operating systems, of targets and of cluster shapes, as data.
//!
//! In: `profiles/*.yaml`, embedded in the binary. Out: [`Profiles`]. May not: know a user's data.

mod contract;
pub mod extend;
mod platform;
mod reference;
mod shape;
mod target;

pub use contract::{
    Contract, Feature, Features, KeyRule, KeyType, Login, Needs, Port, PortUser, Probe, RoleContract, Setting, Size,
    covers,
};
pub use platform::Platform;
pub use reference::reference;
pub use shape::{SHAPES, Shape};
pub use target::{Beside, Companion, EncodingKey, Evidence, Limit, Source, Target, Unit};

use std::sync::LazyLock;

use crate::diag::{Code, Diagnostic, Report, SourceId, Sources, Span};
use crate::names::CloudifyVersion;
use crate::yaml::{self, Node, decode};

/// The files of each kind, by their path in the repository.
const CONTRACTS: &[(&str, &str)] = &[
    ("profiles/contracts/cloudify-5.1.yaml", include_str!("../../profiles/contracts/cloudify-5.1.yaml")),
    ("profiles/contracts/cloudify-5.2.yaml", include_str!("../../profiles/contracts/cloudify-5.2.yaml")),
    ("profiles/contracts/cloudify-6.0.yaml", include_str!("../../profiles/contracts/cloudify-6.0.yaml")),
    ("profiles/contracts/cloudify-6.3.yaml", include_str!("../../profiles/contracts/cloudify-6.3.yaml")),
    ("profiles/contracts/cloudify-6.4.yaml", include_str!("../../profiles/contracts/cloudify-6.4.yaml")),
    ("profiles/contracts/cloudify-7.0.yaml", include_str!("../../profiles/contracts/cloudify-7.0.yaml")),
];
const PLATFORMS: &[(&str, &str)] = &[
    ("profiles/platforms/el7.yaml", include_str!("../../profiles/platforms/el7.yaml")),
    ("profiles/platforms/el8.yaml", include_str!("../../profiles/platforms/el8.yaml")),
];
const TARGETS: &[(&str, &str)] = &[
    ("profiles/platforms/nocloud.yaml", include_str!("../../profiles/platforms/nocloud.yaml")),
    ("profiles/platforms/libvirt.yaml", include_str!("../../profiles/platforms/libvirt.yaml")),
    ("profiles/platforms/proxmox.yaml", include_str!("../../profiles/platforms/proxmox.yaml")),
    ("profiles/platforms/virtualbox.yaml", include_str!("../../profiles/platforms/virtualbox.yaml")),
    ("profiles/platforms/hyperv.yaml", include_str!("../../profiles/platforms/hyperv.yaml")),
    ("profiles/platforms/vsphere.yaml", include_str!("../../profiles/platforms/vsphere.yaml")),
    ("profiles/platforms/openstack.yaml", include_str!("../../profiles/platforms/openstack.yaml")),
    ("profiles/platforms/cloudstack.yaml", include_str!("../../profiles/platforms/cloudstack.yaml")),
    ("profiles/platforms/kubevirt.yaml", include_str!("../../profiles/platforms/kubevirt.yaml")),
    ("profiles/platforms/aws.yaml", include_str!("../../profiles/platforms/aws.yaml")),
    ("profiles/platforms/azure.yaml", include_str!("../../profiles/platforms/azure.yaml")),
    ("profiles/platforms/gcp.yaml", include_str!("../../profiles/platforms/gcp.yaml")),
    ("profiles/platforms/oci.yaml", include_str!("../../profiles/platforms/oci.yaml")),
    ("profiles/platforms/digitalocean.yaml", include_str!("../../profiles/platforms/digitalocean.yaml")),
    ("profiles/platforms/hetzner.yaml", include_str!("../../profiles/platforms/hetzner.yaml")),
    ("profiles/platforms/alibaba.yaml", include_str!("../../profiles/platforms/alibaba.yaml")),
];

/// Everything that is known.
#[derive(Debug, Clone)]
pub struct Profiles {
    contracts: Vec<Contract>,
    platforms: Vec<Platform>,
    targets: Vec<Target>,
}

/// A profile does not fit its type. Where it is one in the binary, that is a bug of cfy-seed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("a profile is wrong:\n{0}")]
pub struct BadProfile(String);

/// A file of the operator's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Its path below the directory that was named, such as `contracts/cloudify-7.1.yaml`.
    pub path: String,
    /// Where its text is.
    pub source: SourceId,
    /// Its text.
    pub text: String,
}

impl Profiles {
    /// Reads the embedded profiles.
    ///
    /// # Errors
    /// When one of them does not fit its type, which is a bug.
    pub fn embedded() -> Result<Self, BadProfile> {
        // Read once for all specs of a run: reading takes longer than a spec does.
        static EMBEDDED: LazyLock<Result<Profiles, BadProfile>> = LazyLock::new(|| {
            let (mut sources, mut report) = (Sources::default(), Report::default());
            let profiles = Profiles::with(&[], &mut sources, &mut report);
            if report.has_errors() {
                return Err(BadProfile(crate::diag::render(&report, &sources, crate::diag::Style::default())));
            }
            Ok(profiles)
        });
        EMBEDDED.clone()
    }

    /// Reads the operator's own profiles and the embedded ones behind them: an own one goes before an embedded one of
    /// its name, and before one that speaks for the same version.
    pub fn with(own: &[OwnFile], sources: &mut Sources, report: &mut Report) -> Self {
        let (mut contracts, mut platforms, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        for file in own {
            let Some(node) = parse(&file.text, file.source, report) else { continue };
            match file.path.split('/').next() {
                Some("contracts") => contracts.push(node),
                Some("platforms") if node.get("target").is_some() => targets.push(node),
                Some("platforms") => platforms.push(node),
                _ => {}
            }
        }
        for (list, embedded) in [(&mut contracts, CONTRACTS), (&mut platforms, PLATFORMS), (&mut targets, TARGETS)] {
            list.extend(embedded.iter().filter_map(|(name, text)| parse(text, sources.add(*name, *text), report)));
        }
        let platforms: Vec<(Platform, Span)> = read("platform", &platforms, report);
        let contracts: Vec<(Contract, Span)> = read("contract", &contracts, report);
        for (contract, span) in &contracts {
            for lack in contract.lacks(|name| platforms.iter().any(|(platform, _)| platform.platform == name)) {
                let message = format!("the contract `{}`: {lack}", contract.contract.escape_debug());
                let wrong = Diagnostic::error(Code::ProfileNotWhole, message).at(*span, "in this file");
                report.push(wrong.help("`extends: cloudify-7.0` takes over what a file does not say"));
            }
        }
        let targets: Vec<(Target, Span)> = read("target", &targets, report);
        for (target, span) in &targets {
            for lack in target.lacks() {
                let message = format!("the target `{}`: {lack}", target.target.escape_debug());
                let wrong = Diagnostic::error(Code::ProfileNotWhole, message).at(*span, "in this file");
                report.push(wrong.help("`extends: nocloud`, or another target, takes over what a file does not say"));
            }
        }
        Self { contracts: values(contracts), platforms: values(platforms), targets: values(targets) }
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

    /// The versions that some contract speaks for and that run on this operating system.
    pub fn versions_on<'p>(&'p self, platform: &'p str) -> impl Iterator<Item = &'p str> {
        let contracts =
            self.contracts.iter().filter(move |contract| contract.platforms.iter().any(|p| p == platform));
        contracts.flat_map(|contract| contract.versions.iter().map(String::as_str))
    }

    /// The operating system of this name.
    #[must_use]
    pub fn platform(&self, name: &str) -> Option<&Platform> {
        self.platforms.iter().find(|platform| platform.platform == name)
    }

    /// All operating systems.
    #[must_use]
    pub fn platforms(&self) -> &[Platform] {
        &self.platforms
    }

    /// The target of this name.
    #[must_use]
    pub fn target(&self, name: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.target == name)
    }

    /// All targets.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }
}

fn parse(text: &str, source: SourceId, report: &mut Report) -> Option<Node> {
    let (node, found) = yaml::parse(text, source);
    report.extend(found.into_iter().collect());
    node
}

/// Reads the files of one kind, each laid over the one that it extends. `key` is the key that holds a file's name; of
/// files with one name the first counts.
fn read<T: for<'de> serde::Deserialize<'de>>(key: &str, files: &[Node], report: &mut Report) -> Vec<(T, Span)> {
    let mut seen = Vec::new();
    let mut values = Vec::with_capacity(files.len());
    for node in extend::extend(key, files, report) {
        let name = node.get(key).map(|name| name.kind.clone());
        if name.is_some() && seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let decoded = decode::decode::<T>(&node);
        report.extend(decoded.report);
        values.extend(decoded.value.map(|value| (value, node.span)));
    }
    values
}

fn values<T>(all: Vec<(T, Span)>) -> Vec<T> {
    all.into_iter().map(|(value, _)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::{OwnFile, Profiles};
    use crate::diag::{Report, Sources};

    #[test]
    fn the_embedded_profiles_fit_their_types_and_each_other() {
        let profiles = Profiles::embedded().unwrap_or_else(|error| panic!("{error}"));
        let mut versions: Vec<&str> = profiles.versions().collect();
        versions.dedup();
        assert_eq!(versions, ["5.1", "5.2", "6.0", "6.1", "6.2", "6.3", "6.4", "7.0"]);
        for contract in &profiles.contracts {
            assert!(!contract.platforms.is_empty(), "{}: the first one is the default", contract.contract);
            for platform in &contract.platforms {
                assert!(profiles.platform(platform).is_some(), "{platform}");
                assert!(contract.packages.contains_key(platform), "{}: {platform}", contract.contract);
            }
        }
        assert!(profiles.contract("5.0.5".parse().expect("a version")).is_none());
        assert!(profiles.target("nocloud").is_some());
    }

    /// Hosts that boot from a seed image all boot from the same one: what it says after READY holds on each of them.
    #[test]
    fn targets_that_take_a_seed_image_only_say_what_it_says() {
        let profiles = Profiles::embedded().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(profiles.targets.len(), 16);
        let seed = profiles.target("nocloud").expect("the seed");
        for target in profiles.targets().iter().filter(|target| target.is_seed_medium()) {
            assert_eq!((target.pin, &target.out_of_reach), (seed.pin, &seed.out_of_reach), "{}", target.target);
        }
        for platform in profiles.platforms() {
            for target in profiles.targets() {
                let packs = target.packs(platform.cloud_init).count();
                assert!(packs > 0, "{} could not be built for {}", target.target, platform.platform);
            }
        }
    }

    /// A feature that all versions have is no condition: templates would be better off without it.
    #[test]
    fn every_feature_tells_versions_apart() {
        let profiles = Profiles::embedded().unwrap_or_else(|error| panic!("{error}"));
        for feature in profiles.contracts.iter().flat_map(|contract| contract.features.all().keys()) {
            let with = profiles.contracts.iter().filter(|contract| contract.features.has(*feature)).count();
            assert!(with > 0 && with < profiles.contracts.len(), "{feature:?}");
        }
    }

    /// A mistake is told where it stands, in the file that makes it and not in the one that it extends.
    #[test]
    fn a_bad_contract_is_told_in_its_own_file() {
        for (text, wanted) in [
            ("contract: new\nextends: cloudify-7.0\nfeatures: {teleport: true}\n", "new.yaml:3:12"),
            ("contract: new\nextends: cloudify-7.0\nneeds: {disk_mb: much}\n", "new.yaml:3:18"),
            ("contract: new\nextends: cloudify-7.0\npackages: ~\n", "the key `packages` is missing"),
            ("contract: new\nextends: cloudify-7.0\nversion: [\"8.0\"]\n", "did you mean `versions`?"),
            ("contract: new\nextends: cloudfy-7.0\n", "did you mean `cloudify-7.0`?"),
            ("contract: new\nroles: [\n", "new.yaml"),
            ("target: new\nextends: aws\ndecodes: [\"plain\"]\n", "`packs` has `gzip`, and `decodes` has not `gzip`"),
            ("target: new\nextends: aws\npacks: []\n", "`packs` is empty"),
            ("target: new\nextends: aws\nout_of_reach: \"a\\tb\"\n", "`out_of_reach` is not one line of text"),
            ("target: ../new\nextends: aws\n", "`target` is no word"),
            ("target: new\nextends: aws\nlimit: {counts: \"kilobytes\"}\n", "new.yaml:3:17"),
        ] {
            let (mut sources, mut report) = (Sources::default(), Report::default());
            let source = sources.add("new.yaml", text);
            let directory = if text.starts_with("target") { "platforms" } else { "contracts" };
            let own = OwnFile { path: format!("{directory}/new.yaml"), text: text.into(), source };
            Profiles::with(&[own], &mut sources, &mut report);
            let shown = crate::diag::render(&report, &sources, crate::diag::Style::default());
            assert!(report.has_errors() && shown.contains(wanted) && !shown.contains("profiles/"), "{shown}");
        }
    }
}

//! What a payload must have, and has.

use serde::Serialize;

use crate::payload::closure::{Question, closure};
use crate::payload::{FileUse, Relation, Rpm, rpm_of};
use crate::plan::{PackageSource, Plan, RpmSource};

use super::{Payload, Wanted, wanted};

/// What a payload must have, and has.
#[derive(Debug, Serialize)]
pub struct PayloadOverview {
    /// Always `cfy-seed/payload-plan/v1`.
    pub schema: &'static str,
    /// The cluster's name.
    pub cluster: String,
    /// The payload's directory.
    pub directory: String,
    /// Packages in it.
    pub packages: usize,
    /// Files with keys in it.
    pub keys: usize,
    /// Bytes of all of it.
    pub bytes: u64,
    /// How many packages the image has, where that is known.
    pub image: Option<usize>,
    /// What hosts want.
    pub wanted: Vec<WantedOverview>,
}

/// A package that hosts want.
#[derive(Debug, Serialize)]
pub struct WantedOverview {
    /// Name, or name and version.
    pub package: String,
    /// Which hosts, in words.
    pub hosts: String,
    /// Where it is.
    pub found: Whereabouts,
    /// The package that is it.
    pub by: Option<String>,
}

/// Where a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whereabouts {
    /// In the image.
    Image,
    /// In the payload.
    Payload,
    /// In neither, and hosts get it in another way: by download, from a repository, or the image is trusted to have it.
    Elsewhere,
    /// In neither.
    Missing,
    /// Not in the payload; it is not known what the image has.
    Unknown,
}

/// Says what a payload must have, and has.
#[must_use]
pub fn payload_overview(payload: &Payload, directory: &str, plan: &Plan) -> PayloadOverview {
    let rpms: Vec<&Rpm> = payload.packages.values().collect();
    let mut rows = Vec::new();
    for Wanted { hosts, packages } in wanted(plan) {
        for package in packages {
            let (found, by) = find(payload, &rpms, plan, &package);
            rows.push(WantedOverview { package: package.to_string(), hosts: hosts.clone(), found, by });
        }
    }
    PayloadOverview {
        schema: "cfy-seed/payload-plan/v1",
        cluster: plan.cluster.to_string(),
        directory: directory.to_owned(),
        packages: rpms.len(),
        keys: payload.count(FileUse::Key),
        bytes: payload.lock.files.iter().map(|file| file.size).sum(),
        image: payload.image.as_ref().map(Vec::len),
        wanted: rows,
    }
}

fn find(payload: &Payload, rpms: &[&Rpm], plan: &Plan, package: &Relation) -> (Whereabouts, Option<String>) {
    let wanted = [(String::new(), package.clone())];
    let image = payload.image.as_deref().unwrap_or_default();
    let rpm = rpm_of(&plan.platform.major);
    let answer = closure(&Question { image, payload: rpms, wanted: &wanted, rpm });
    let met = !answer.unmet.iter().any(|unmet| unmet.who.is_empty());
    // The package itself is among those that it brings.
    let provides = |at: &usize| {
        rpms.get(*at).filter(|rpm| {
            rpm.nevra.name == package.name || rpm.provides.iter().any(|provided| provided.name == package.name)
        })
    };
    let by = answer.installed.iter().find_map(provides).map(|rpm| rpm.nevra.to_string());
    let installer = package.name == plan.contract.package;
    let elsewhere = if installer {
        matches!(plan.rpm, RpmSource::Url { .. } | RpmSource::Repo(_))
    } else {
        plan.packages != PackageSource::Payload
    };
    let found = match (met, answer.installed.is_empty()) {
        (true, true) => Whereabouts::Image,
        (true, false) => Whereabouts::Payload,
        (false, _) if elsewhere => Whereabouts::Elsewhere,
        (false, _) if payload.image.is_none() => Whereabouts::Unknown,
        (false, _) => Whereabouts::Missing,
    };
    (found, by.filter(|_| met))
}

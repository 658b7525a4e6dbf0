//! How large each host's user-data is, or will be.

use crate::bundle::gzip::gzip;
use crate::handoff::{HandoffError, Packing, SEED_FILES};
use crate::names::{Digest256, GuestPath, HostName};
use crate::plan::{HostPlan, Plan};
use crate::vault::Vault;

use super::budget::Budget;
use super::build::{BuildError, Trust, view};
use super::delivery::{HostDelivery, deliver};
use super::stand_in::StandIn;
use super::{Project, side_by_side};

/// How many of the largest files are named.
const LARGEST: usize = 3;

/// The sizes of all hosts.
#[derive(Debug)]
pub struct Footprint {
    /// Whether these are the bytes that a build would write. Without a complete vault, keys and certificates are
    /// stand-ins of the usual size.
    pub exact: bool,
    /// One for each host, in the plan's order.
    pub hosts: Vec<HostFootprint>,
}

/// The sizes of one host.
#[derive(Debug)]
pub struct HostFootprint {
    /// The host.
    pub host: HostName,
    /// Bytes of user-data.
    pub user_data: usize,
    /// Bytes of it after gzip, where that was measured.
    pub gzipped: Option<usize>,
    /// Digest of user-data, where it is exact.
    pub digest: Option<Digest256>,
    /// The largest files in it, with their bytes.
    pub largest: Vec<(GuestPath, usize)>,
    /// Whether Cloudify's installer is installed on it.
    pub installs: bool,
    /// Against the limit of each target.
    pub budgets: Vec<Budget>,
    /// The files of its directory.
    pub files: Vec<String>,
}

/// Measures every host.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn footprint(
    project: &Project,
    plan: &Plan,
    vault: Option<&Vault>,
    packing: Packing,
) -> Result<Footprint, BuildError> {
    let material = StandIn::new(plan);
    // The key that payloads are signed with is made by a build.
    let vault = vault.filter(|vault| !plan.uses_payload() || vault.signing_public_pem().is_some());
    let complete = vault.map(|vault| Ok::<_, BuildError>((vault, Trust::of(plan, vault)?))).transpose()?;
    let size = |host: &HostPlan| {
        let view = match &complete {
            Some((vault, trust)) => view(project, plan, host, vault, trust)?,
            None => material.view(project, plan, host),
        };
        let delivery = deliver(&view, packing)?;
        let gzipped = gzip(delivery.files.user_data.expose().as_bytes()).map_err(HandoffError::from)?.len();
        Ok(HostFootprint { gzipped: Some(gzipped), ..measure(host, delivery, complete.is_some()) })
    };
    let mut hosts = Vec::new();
    side_by_side(&plan.hosts, |_, host| size(host), |_, host| hosts.push(host));
    let hosts = hosts.into_iter().collect::<Result<_, BuildError>>()?;
    Ok(Footprint { exact: complete.is_some(), hosts })
}

/// The size of one host's files.
pub(super) fn measure(host: &HostPlan, HostDelivery { files, targets }: HostDelivery, exact: bool) -> HostFootprint {
    let bytes = files.user_data.expose().as_bytes();
    let mut largest = files.contributors;
    largest.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    largest.truncate(LARGEST);
    let all = targets.iter().map(|(delivery, _)| delivery).filter(|delivery| delivery.packed.file.is_some());
    let further = all.flat_map(|delivery| {
        let companion = delivery.companion.as_ref().map(|(_, file)| file.clone());
        std::iter::once(delivery.file.clone()).chain(companion)
    });
    HostFootprint {
        host: host.name.clone(),
        user_data: bytes.len(),
        gzipped: None,
        digest: exact.then(|| Digest256::of(bytes)),
        largest,
        files: SEED_FILES.iter().map(|file| (*file).to_owned()).chain(further).collect(),
        installs: host.installs_cloudify(),
        budgets: targets.iter().map(|(delivery, packs)| Budget::new(delivery, packs)).collect(),
    }
}

//! How large each host's user-data is, or will be.

use std::collections::BTreeMap;

use base64::Engine as _;

use crate::bundle::gzip::gzip;
use crate::handoff::{HandoffError, Packing, SEED_FILES};
use crate::names::{Credential, Digest256, GuestPath, HostName, RoleKind, RsaSize, Secret};
use crate::plan::{HostPlan, Plan};
use crate::render::{Client, HostView};
use crate::vault::Vault;

use super::budget::Budget;
use super::build::{BuildError, Trust, attachments, known_credentials, view};
use super::delivery::{HostDelivery, deliver};
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
    let material = StandIn::new(plan.identity.key);
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

/// Keys and certificates of the usual size, as hard to compress as real ones.
struct StandIn {
    certificate: String,
    key: Secret,
    public_key: String,
    credential: Secret,
}

impl StandIn {
    fn new(size: RsaSize) -> Self {
        // Bytes of DER: PKCS#1 keys, leaves with a dozen names, public keys.
        let (key, certificate, public) = match size {
            RsaSize::Rsa2048 => (1192, 1000, 294),
            RsaSize::Rsa3072 => (1770, 1256, 422),
            RsaSize::Rsa4096 => (2350, 1512, 550),
        };
        Self {
            certificate: pem("CERTIFICATE", certificate),
            key: Secret::new(pem("RSA PRIVATE KEY", key)),
            public_key: pem("PUBLIC KEY", public),
            credential: Secret::new("S".repeat(32)),
        }
    }

    fn view<'a>(&'a self, project: &'a Project, plan: &'a Plan, host: &'a HostPlan) -> HostView<'a> {
        let client = |name: &'a String| Client { common_name: name, certificate: &self.certificate, key: &self.key };
        let clients = plan.identity.clients.iter().filter(|_| host.has(RoleKind::Manager)).map(client).collect();
        let credentials: BTreeMap<Credential, &Secret> =
            known_credentials(plan, host).map(|name| (name, &self.credential)).collect();
        HostView {
            plan,
            host,
            target: &plan.seed,
            ca: &self.certificate,
            box_key: plan.fetches_payload(host).then_some(&self.public_key),
            certificate: &self.certificate,
            key: &self.key,
            clients,
            credentials,
            attachments: attachments(project, plan, host),
            templates: &project.templates,
            overrides: project.overrides_of(host),
        }
    }
}

fn pem(label: &str, length: usize) -> String {
    let mut bytes = Vec::with_capacity(length + 64);
    let mut digest = Digest256::of(label.as_bytes()).to_string();
    while bytes.len() < length {
        digest = Digest256::of(digest.as_bytes()).to_string();
        // Pairs of hexadecimal digits are bytes again.
        bytes.extend(
            digest
                .as_bytes()
                .chunks(2)
                .filter_map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())),
        );
    }
    bytes.truncate(length);
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

//! How large each host's user-data is, or will be.

use std::collections::BTreeMap;

use base64::Engine as _;

use crate::bundle::gzip::gzip;
use crate::handoff::{HandoffError, Packing, SEED_FILES};
use crate::names::{Credential, Digest256, GuestPath, HostName, RoleKind, RsaSize, Secret};
use crate::plan::{HostPlan, Identity, Plan};
use crate::render::{Client, HostView};
use crate::vault::Vault;

use super::budget::Budget;
use super::build::{BuildError, attachments, known_credentials, view};
use super::delivery::{HostDelivery, deliver};
use super::{Project, side_by_side};

/// How many of the largest files are named.
const LARGEST: usize = 3;

/// Bytes of a certificate that are neither modulus nor signature, after gzip.
const CERTIFICATE: usize = 150;
/// Hexadecimal digits as hard to compress as the 32 letters and digits of a credential: nearly six bits each.
const CREDENTIAL: usize = 48;

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
    let material = StandIn::new(&plan.identity);
    let ca = vault.map_or_else(|| material.ca.clone(), Vault::ca_certificate_pem);
    let size = |host: &HostPlan| {
        let view = match vault {
            Some(vault) => view(project, plan, host, vault, &ca)?,
            None => material.view(project, plan, host),
        };
        let delivery = deliver(&view, packing)?;
        let gzipped = gzip(delivery.files.user_data.expose().as_bytes()).map_err(HandoffError::from)?.len();
        Ok(HostFootprint { gzipped: Some(gzipped), ..measure(host, delivery, vault.is_some()) })
    };
    let mut hosts = Vec::new();
    side_by_side(&plan.hosts, |_, host| size(host), |_, host| hosts.push(host));
    let hosts = hosts.into_iter().collect::<Result<_, BuildError>>()?;
    Ok(Footprint { exact: vault.is_some(), hosts })
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
    ca: String,
    host: (String, Secret),
    clients: Vec<(String, Secret)>,
    credentials: BTreeMap<Credential, Secret>,
}

impl StandIn {
    fn new(identity: &Identity) -> Self {
        let modulus = match identity.key {
            RsaSize::Rsa2048 => 256,
            RsaSize::Rsa3072 => 384,
            RsaSize::Rsa4096 => 512,
        };
        // Of a pair travel two primes and an inverse of half the modulus each, and of its certificate what is not the
        // modulus (docs/adr/0016). Beside the signature that is names and numbers, much of it alike in all of them.
        let pair = |name: &str| {
            let key = Secret::new(pem("RSA PRIVATE KEY", name, modulus * 3 / 2));
            (pem("CERTIFICATE", name, modulus + CERTIFICATE), key)
        };
        let credential = |name: &Credential| {
            let mut text: String = Digest256::of(name.as_str().as_bytes()).to_string();
            text.truncate(CREDENTIAL);
            (*name, Secret::new(text))
        };
        Self {
            ca: pem("CERTIFICATE", "ca", 2 * modulus + CERTIFICATE),
            host: pair("host"),
            clients: identity.clients.iter().map(|name| pair(name)).collect(),
            credentials: Credential::ALL.iter().map(credential).collect(),
        }
    }

    fn view<'a>(&'a self, project: &'a Project, plan: &'a Plan, host: &'a HostPlan) -> HostView<'a> {
        let names = plan.identity.clients.iter().zip(&self.clients).filter(|_| host.has(RoleKind::Manager));
        let clients = names.map(|(common_name, (certificate, key))| Client { common_name, certificate, key });
        let known = known_credentials(plan, host);
        HostView {
            plan,
            host,
            target: &plan.seed,
            ca: &self.ca,
            certificate: &self.host.0,
            key: &self.host.1,
            clients: clients.collect(),
            credentials: known.filter_map(|name| Some((name, self.credentials.get(&name)?))).collect(),
            attachments: attachments(project, plan, host),
            templates: &project.templates,
            overrides: project.overrides_of(host),
        }
    }
}

fn pem(label: &str, name: &str, length: usize) -> String {
    let mut bytes = Vec::with_capacity(length + 64);
    let mut digest = Digest256::of(format!("{label} {name}").as_bytes()).to_string();
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

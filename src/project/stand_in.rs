//! Keys, certificates and credentials of the usual size, for estimates before there is a vault.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::names::{Credential, Digest256, RoleKind, RsaSize, Secret};
use crate::plan::{HostPlan, Plan};
use crate::render::{Client, HostView, stand_in_key};

use super::Project;
use super::build::{attachments, known_credentials};

/// What deflate finds no match for in a certificate beside its modulus and its signature: serial number, key identifier,
/// and what of its names is not that of the others. A dozen names of a host are more than any shape has.
const SERIAL: usize = 20;
const HOST_NAMES: usize = 120;
const CLIENT_NAMES: usize = 40;
/// What all certificates of a cluster have: issuer, dates, algorithms, extensions.
const ALIKE: usize = 200;
/// What a public key has around its modulus.
const PUBLIC_KEY: usize = 38;
/// The alphabet of generated credentials.
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// As hard to compress as real ones, and never easier.
pub(super) struct StandIn {
    ca: String,
    public_key: String,
    host: Pair,
    clients: Vec<(String, Pair)>,
    credentials: BTreeMap<Credential, Secret>,
}

struct Pair {
    certificate: String,
    key: Secret,
}

impl StandIn {
    /// Those of a plan. All hosts get the same pair: each is measured by itself.
    pub(super) fn new(plan: &Plan) -> Self {
        let size = match plan.identity.key {
            RsaSize::Rsa2048 => 256,
            RsaSize::Rsa3072 => 384,
            RsaSize::Rsa4096 => 512,
        };
        let names = plan.hosts.iter().flat_map(|host| known_credentials(plan, host));
        let letter = |byte: u8| char::from(*LETTERS.get(usize::from(byte) % LETTERS.len()).unwrap_or(&b'S'));
        let word =
            |name: Credential| Secret::new(noise(name.as_str(), 32).into_iter().map(letter).collect::<String>());
        Self {
            ca: certificate("ca", &noise("ca modulus", size), CLIENT_NAMES),
            public_key: pem("PUBLIC KEY", &noise("box", size + PUBLIC_KEY)),
            host: Pair::new("host", size, HOST_NAMES),
            clients: plan
                .identity
                .clients
                .iter()
                .map(|name| (name.clone(), Pair::new(name, size, CLIENT_NAMES)))
                .collect(),
            credentials: names.map(|name| (name, word(name))).collect(),
        }
    }

    /// One host with them.
    pub(super) fn view<'a>(&'a self, project: &'a Project, plan: &'a Plan, host: &'a HostPlan) -> HostView<'a> {
        let client = |(name, pair): &'a (String, Pair)| Client {
            common_name: name,
            certificate: &pair.certificate,
            key: &pair.key,
        };
        let clients = self.clients.iter().filter(|_| host.has(RoleKind::Manager)).map(client).collect();
        let known = known_credentials(plan, host);
        HostView {
            plan,
            host,
            target: &plan.seed,
            ca: &self.ca,
            box_key: plan.fetches_payload(host).then_some(&self.public_key),
            certificate: &self.host.certificate,
            key: &self.host.key,
            clients,
            credentials: known.filter_map(|name| Some((name, self.credentials.get(&name)?))).collect(),
            attachments: attachments(project, plan, host),
            templates: &project.templates,
            overrides: project.overrides_of(host),
        }
    }
}

impl Pair {
    fn new(name: &str, size: usize, names: usize) -> Self {
        let part = |what: &str| noise(&format!("{name} {what}"), size / 2);
        let (key, modulus) = stand_in_key(&part("p"), &part("q"));
        Self { certificate: certificate(name, &modulus, names), key: Secret::new(pem("RSA PRIVATE KEY", &key)) }
    }
}

fn certificate(name: &str, modulus: &[u8], names: usize) -> String {
    let own = |what: &str, length| noise(&format!("{name} {what}"), length);
    let der = [
        own("serial", SERIAL),
        noise("alike", ALIKE / 2),
        modulus.to_vec(),
        own("names", names),
        noise("extensions", ALIKE / 2),
        own("identifier", SERIAL),
        own("signature", modulus.len()),
    ];
    pem("CERTIFICATE", &der.concat())
}

/// Bytes that nothing compresses, the same for the same label.
fn noise(label: &str, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    let mut digest = Digest256::of(label.as_bytes());
    while bytes.len() < length {
        bytes.extend_from_slice(digest.as_bytes());
        digest = Digest256::of(digest.as_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

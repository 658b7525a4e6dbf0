//! One host's user-data, decoded: does the seed hold together, and do certificates, keys and configs fit each other?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

use super::pki::{BundledPair, BundledPki, Dates, Purpose, check_authorities, examine};
use super::unpack::unpack;
use super::user_data::gunzip;
use crate::diag::{Code, Diagnostic, Report, SourceId};
use crate::names::Digest256;
use crate::profile::Platform;
use crate::yaml::{self, Node, NodeKind};

const HEADER: &str = "#cloud-config\n";
const SECRET: &str = "/var/lib/cfy-seed/secret/";
const DRIVER: &str = "/usr/local/sbin/cfy-firstboot";
/// Where files of the seed are, by the beginning of their paths.
const SEED: [&str; 3] = [DRIVER, "/etc/systemd/system/cfy-", "/var/lib/cfy-seed/"];
const STAGED: &str = "/var/lib/cfy-seed/secret/files/";
const KEPT: &str = "/etc/cloudify/cfy-seed/";
const DIGESTS: &str = "/var/lib/cfy-seed/secret/seed.sha256";
/// How many digits of a digest stand in that list.
const DIGITS: usize = 6;
const PLAN: &str = "/var/lib/cfy-seed/secret/plan";
const PKI: &str = "/var/lib/cfy-seed/secret/pki";

/// Bytes of all files of one user-data, as they stand there and decoded: an alias of YAML repeats what it names without limit.
/// The seeds of a nine-node cluster have 70 KiB; a text of 4 MiB, the most that is read, has 8 MiB with nothing packed in it.
const MAX_FILES: u64 = 16 << 20;

/// What cloud-init would write on a host.
pub struct HostBundle {
    name: String,
    /// Those that it makes of `pki` too.
    files: BTreeMap<String, String>,
    pki: Vec<u8>,
    /// The other keys of its cloud-config, each as YAML.
    rest: BTreeMap<String, String>,
}

impl std::fmt::Debug for HostBundle {
    /// Without the contents: they are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HostBundle({}, {} files)", self.name, self.files.len())
    }
}

/// Under which addresses and names the configs of a cluster speak to each host.
#[derive(Debug, Default)]
pub struct Addresses(BTreeMap<String, (BTreeSet<IpAddr>, BTreeSet<String>)>);

impl HostBundle {
    /// Decodes user-data as cloud-init does; what is wrong with it, and the files where there are any.
    #[must_use]
    pub fn read(name: &str, user_data: &[u8]) -> (Report, Option<Self>) {
        let refuse = |why: &str| {
            let message = format!("`{name}`: user-data {why}");
            (Diagnostic::error(Code::UserDataUnreadable, message).help("build again").into(), None)
        };
        let Ok(text) = std::str::from_utf8(user_data) else { return refuse("is not text") };
        if !text.starts_with(HEADER) {
            return refuse("does not start with `#cloud-config`");
        }
        let (node, found) = yaml::parse(text, SourceId::default());
        let (Some(node), true) = (node, found.is_empty()) else { return refuse("is not YAML") };
        let Some(NodeKind::List(items)) = node.get("write_files").map(|list| &list.kind) else {
            return refuse("has no `write_files`");
        };
        let (mut files, mut pki) = (BTreeMap::new(), Vec::new());
        let mut report = Report::default();
        let mut left = MAX_FILES;
        for item in items {
            let Some(path) = text_of(item, "path") else {
                return refuse("has an entry of `write_files` without a path");
            };
            // To cloud-init, a file without content is an empty one.
            let written = text_of(item, "content").unwrap_or_default();
            let content = match content_of(text_of(item, "encoding"), written, &mut left) {
                Ok(content) => content,
                Err(why) => return refuse(&format!("has `{}`, which {why}", path.escape_debug())),
            };
            let secret = path.starts_with(SECRET);
            if secret && text_of(item, "permissions") != Some("0600") {
                report.push(mode_finding(name, path));
            }
            if path == PKI {
                pki = content;
            } else {
                let Ok(text) = String::from_utf8(content) else {
                    return refuse(&format!("has `{}`, which is not text", path.escape_debug()));
                };
                files.insert(path.to_owned(), text);
            }
        }
        match unpack(files.get(PLAN).map_or("", String::as_str), &pki) {
            Ok(made) => files.extend(made.into_iter().map(|(name, pem)| (format!("{STAGED}{name}"), pem))),
            Err(why) => return refuse(&format!("has certificates and keys of which {why}")),
        }
        let rest = match &node.kind {
            NodeKind::Map(entries) => entries.iter().filter(|(key, _)| key.text != "write_files"),
            _ => return refuse("is no mapping"),
        };
        let rest = rest.filter_map(|(key, value)| Some((key.text.clone(), yaml::to_text(value).ok()?))).collect();
        let bundle = Self { name: name.to_owned(), files, pki, rest };
        report.extend(bundle.check_digests());
        (report, Some(bundle))
    }

    /// The driver refuses a seed whose digest list does not fit: every other file must be in it, and fit.
    fn check_digests(&self) -> Report {
        let wrong = |what: String| {
            let message = format!("`{}`: {what}", self.name);
            Diagnostic::error(Code::SeedDigestsDiffer, message).help("build again")
        };
        let Some(list) = self.files.get(DIGESTS) else {
            return wrong("user-data has no digest list".into()).into();
        };
        let mut listed: BTreeMap<&str, &str> =
            list.lines().filter_map(|line| line.split_once("  ")).map(|(digest, path)| (path, digest)).collect();
        let mut report = Report::default();
        // The driver is in the seed, or the plan says what the image must have.
        if !self.files.contains_key(DRIVER) && self.records("image").next().is_none() {
            report.push(wrong(format!("it brings no `{DRIVER}` and does not name the image's")));
        }
        let files = self.files.iter().map(|(path, text)| (path.as_str(), text.as_bytes()));
        let files = files.filter(|(path, _)| *path != DIGESTS).chain([(PKI, self.pki.as_slice())]);
        for (path, content) in files {
            let digest = Digest256::of(content).to_string();
            // Files that the operator's own cloud-config writes are no part of the seed.
            let seed = SEED.iter().any(|place| path.starts_with(place));
            let found = listed.remove(path);
            if found != digest.get(..DIGITS) && (seed || found.is_some()) {
                report.push(wrong(format!("the digest list does not fit `{}`", path.escape_debug())));
            }
        }
        listed
            .keys()
            .for_each(|path| report.push(wrong(format!("`{}` is listed and not there", path.escape_debug()))));
        report
    }

    /// Bytes of its files and of what else it has.
    pub(super) fn size(&self) -> usize {
        let texts = self.files.iter().chain(&self.rest);
        texts.map(|(name, text)| name.len() + text.len()).sum::<usize>() + self.pki.len()
    }

    /// Whether it is for this operating system, by what its driver wants to find there.
    pub(super) fn is_for(&self, platform: &Platform) -> bool {
        let ids = || platform.supported.iter().chain(&platform.let_through).map(String::as_str);
        self.records("need").any(|fields| match fields[..] {
            ["os", wanted, major, ..] => major == platform.major && wanted.split(',').eq(ids()),
            _ => false,
        })
    }

    /// The first file or key in which it differs from another one, but for what a host tells after READY.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let same = |path: &String, text: &str, other: &str| match path.as_str() {
            // The digest of the plan is in it; each list was held against its own files already.
            DIGESTS => true,
            PLAN => without_scrub(text).eq(without_scrub(other)),
            _ => text == other,
        };
        let paths: BTreeSet<&String> = self.files.keys().chain(other.files.keys()).collect();
        let differs = paths.into_iter().find(|path| match (self.files.get(*path), other.files.get(*path)) {
            (Some(one), Some(two)) => !same(path, one, two),
            _ => true,
        });
        let keys =
            || self.rest.keys().chain(other.rest.keys()).find(|key| self.rest.get(*key) != other.rest.get(*key));
        differs.or_else(keys).map(|name| format!("`{}`", name.escape_debug()))
    }

    fn staged(&self, name: &str) -> Option<&str> {
        self.files.get(&format!("{STAGED}{name}")).map(String::as_str)
    }

    /// The role configs, as YAML trees.
    #[allow(clippy::case_sensitive_file_extension_comparisons, reason = "Linux paths")]
    fn configs(&self) -> impl Iterator<Item = Node> {
        self.files
            .iter()
            .filter(|(path, _)| {
                path.starts_with(STAGED) && path.ends_with(".yaml") && !path.ends_with("license.yaml")
            })
            .filter_map(|(_, text)| yaml::parse(text, SourceId::default()).0)
    }

    /// Checks certificates and keys against the CA and against the addresses that any config of the cluster uses.
    pub(super) fn check(&self, addresses: &Addresses, at: OffsetDateTime, dates: &mut Dates) -> Report {
        let (Some(ca), Some(certificate), Some(key)) =
            (self.staged("ca.crt"), self.staged("host.crt"), self.staged("host.key"))
        else {
            let message = format!("`{}`: the bundle lacks the CA's certificate, its own, or its key", self.name);
            return Diagnostic::error(Code::HostIncomplete, message).help("build again").into();
        };
        let own = self.own_name().unwrap_or(&self.name);
        let empty = (BTreeSet::new(), BTreeSet::new());
        let (ips, names) = addresses.0.get(own).unwrap_or(&empty);
        let (ips, names): (Vec<IpAddr>, Vec<&str>) =
            (ips.iter().copied().collect(), names.iter().map(String::as_str).collect());
        let host = BundledPair {
            name: own,
            purpose: Purpose::Host,
            certificate: certificate.as_bytes(),
            key: key.as_bytes(),
            addresses: &ips,
            dns: &names,
        };
        let mut pairs = vec![host];
        pairs.extend(self.clients());
        let files: Vec<(&str, &[u8])> = self.files.iter().map(|(p, text)| (p.as_str(), text.as_bytes())).collect();
        let bundled = BundledPki { host: &self.name, ca: ca.as_bytes(), pairs: &pairs, files: &files, at };
        let mut report = examine(&bundled, dates);
        report.extend(self.check_named_files(at, dates));
        report
    }

    /// Every file of ours that a config names is installed by the driver, and what is trusted is a CA. A host that stops in
    /// PREFLIGHT anyway may lack what it stops for.
    fn check_named_files(&self, at: OffsetDateTime, dates: &mut Dates) -> Report {
        let mut report = Report::default();
        if self.records("refuse").next().is_some() {
            return report;
        }
        let mut named = BTreeSet::new();
        self.configs().for_each(|config| collect_paths(&config, &mut named));
        for (key, path) in named {
            let installed = self.records("file").find(|fields| fields.get(1) == Some(&path.as_str()));
            let content = installed.and_then(|fields| self.staged(fields.first()?));
            match content {
                None => {
                    let message =
                        format!("`{}`: a config names `{}`, which is not there", self.name, path.escape_debug());
                    report.push(Diagnostic::error(Code::HostIncomplete, message).help("build again"));
                }
                Some(pem) if matches!(key.as_str(), "ca_path" | "ca_cert_path") => {
                    report.extend(check_authorities(&self.name, &path, pem.as_bytes(), at, dates));
                }
                Some(_) => {}
            }
        }
        report
    }

    /// What one of its files holds.
    pub(super) fn file(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether a file is one of ours: in the digest list, or that list.
    pub(super) fn lists(&self, path: &str) -> bool {
        let list = self.file(DIGESTS).unwrap_or_default();
        path == DIGESTS || list.lines().any(|line| line.split_once("  ").is_some_and(|(_, listed)| listed == path))
    }

    /// The records of this kind in the driver's plan, without the kind.
    pub(super) fn records<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = Vec<&'s str>> {
        let plan = self.files.get(PLAN).map_or("", String::as_str);
        plan.lines().filter_map(move |line| Some(line.strip_prefix(kind)?.strip_prefix('\t')?.split('\t').collect()))
    }

    fn clients(&self) -> impl Iterator<Item = BundledPair<'_>> {
        self.files.iter().filter_map(|(path, certificate)| {
            let name = path.strip_prefix(STAGED)?.strip_suffix(".crt").filter(|n| !matches!(*n, "ca" | "host"))?;
            let key = self.staged(&format!("{name}.key"))?;
            Some(BundledPair {
                name,
                purpose: Purpose::Client,
                certificate: certificate.as_bytes(),
                key: key.as_bytes(),
                addresses: &[],
                dns: &[],
            })
        })
    }

    /// The name by which the host knows itself: the record `host` of the driver's plan.
    fn own_name(&self) -> Option<&str> {
        self.records("host").find_map(|fields| fields.first().copied())
    }
}

impl Addresses {
    /// Collects from a host's configs: its own addresses, and those under which it speaks to others.
    pub(super) fn collect(&mut self, host: &HostBundle) {
        let own = host.own_name().unwrap_or(&host.name);
        for config in host.configs() {
            for key in ["private_ip", "public_ip", "hostname"] {
                self.add(own, config.get("manager").and_then(|manager| text_of(manager, key)));
            }
            for address in texts(config.get("networks")) {
                self.add(own, Some(address));
            }
            let nodes = config.get("postgresql_server").and_then(|s| s.get("cluster")).and_then(|c| c.get("nodes"));
            for (name, node) in entries(nodes) {
                self.add(name, text_of(node, "ip"));
            }
            // The members of an external broker are not hosts of this tree.
            let rabbitmq = config.get("rabbitmq").filter(|rabbitmq| rabbitmq.get("is_external").is_none());
            for (name, member) in entries(rabbitmq.and_then(|rabbitmq| rabbitmq.get("cluster_members"))) {
                texts(member.get("networks")).for_each(|address| self.add(name, Some(address)));
            }
        }
    }

    fn add(&mut self, host: &str, address: Option<&str>) {
        let Some(address) = address.filter(|text| !text.is_empty()) else { return };
        let (ips, names) = self.0.entry(host.to_owned()).or_default();
        match address.parse() {
            Ok(ip) => {
                ips.insert(ip);
            }
            Err(_) => {
                names.insert(address.to_owned());
            }
        }
    }
}

/// What hosts of one tree must agree on, collected host by host: all of them together may be more than memory has.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    pub addresses: Addresses,
    /// The first host and the CA that it trusts: all trust one.
    ca: Option<(String, Digest256)>,
    pub report: Report,
}

impl Agreement {
    pub(super) fn collect(&mut self, host: &HostBundle) {
        self.addresses.collect(host);
        let Some(ca) = host.staged("ca.crt").map(|ca| Digest256::of(ca.as_bytes())) else { return };
        let (first, one) = self.ca.get_or_insert_with(|| (host.name.clone(), ca));
        if *one != ca {
            let message = format!("`{}` and `{first}` trust different CAs", host.name);
            self.report.push(Diagnostic::error(Code::BundledChain, message).help("the tree was mixed; build again"));
        }
    }
}

/// Content of `write_files` in one of cloud-init's encodings (`cc_write_files`). What it has is taken off what is left.
fn content_of(encoding: Option<&str>, content: &str, left: &mut u64) -> Result<Vec<u8>, String> {
    let much = || "is more than the files of user-data can be together".to_owned();
    *left = left.checked_sub(content.len() as u64).ok_or_else(much)?;
    let decoded = decoded(encoding, content, *left)?;
    *left = left.checked_sub(decoded.len() as u64).ok_or_else(much)?;
    Ok(decoded)
}

fn decoded(encoding: Option<&str>, content: &str, most: u64) -> Result<Vec<u8>, String> {
    let bytes = || STANDARD.decode(content).map_err(|_| "is not in base64".to_owned());
    match encoding {
        None | Some("text/plain") => Ok(content.as_bytes().to_vec()),
        Some("gz+base64" | "gzip+base64" | "gz+b64" | "gzip+b64") => gunzip(&bytes()?, most),
        Some("b64" | "base64") => bytes(),
        Some(other) => Err(format!("is in the encoding `{}`", other.escape_debug())),
    }
}

fn without_scrub(plan: &str) -> impl Iterator<Item = &str> {
    plan.lines().filter(|line| !line.starts_with("scrub\t"))
}

fn mode_finding(host: &str, path: &str) -> Diagnostic {
    let message = format!("`{host}`: user-data gives `{}` a mode other than 0600", path.escape_debug());
    Diagnostic::error(Code::BundleMode, message).help("build again")
}

fn text_of<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    match &node.get(key)?.kind {
        NodeKind::Text(text) => Some(text),
        _ => None,
    }
}

/// The files of ours that a config names, each with its last key.
fn collect_paths(node: &Node, found: &mut BTreeSet<(String, String)>) {
    for (key, value) in entries(Some(node)) {
        match &value.kind {
            NodeKind::Text(path) if path.starts_with(KEPT) => {
                found.insert((key.to_owned(), path.clone()));
            }
            _ => collect_paths(value, found),
        }
    }
}

fn entries(node: Option<&Node>) -> impl Iterator<Item = (&str, &Node)> {
    let map = match node.map(|node| &node.kind) {
        Some(NodeKind::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    map.iter().map(|(key, value)| (key.text.as_str(), value))
}

fn texts(node: Option<&Node>) -> impl Iterator<Item = &str> {
    entries(node).filter_map(|(_, value)| match &value.kind {
        NodeKind::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use std::collections::BTreeMap;

    use super::{HostBundle, SECRET, STAGED};

    fn codes(plan: &str, ca: Option<&str>) -> Vec<String> {
        let config = "rabbitmq: {is_external: true, ca_path: /etc/cloudify/cfy-seed/rabbitmq-ca.crt}\n";
        let mut files = vec![(format!("{SECRET}plan"), plan), (format!("{STAGED}manager.yaml"), config)];
        files.extend(ca.map(|pem| (format!("{STAGED}rabbitmq-ca.crt"), pem)));
        let files = files.into_iter().map(|(path, text)| (path, text.to_owned())).collect();
        let bundle = HostBundle { name: "manager-1".into(), files, pki: Vec::new(), rest: BTreeMap::new() };
        let at = datetime!(2026-01-01 00:00:00 UTC);
        let mut dates = super::Dates::default();
        let mut report = bundle.check_named_files(at, &mut dates);
        report.extend(dates.findings(at));
        report.iter().map(|found| found.code.to_string()).collect()
    }

    #[test]
    fn what_a_config_names_is_there_and_fit_to_be_trusted() {
        let plan = "file\trabbitmq-ca.crt\t/etc/cloudify/cfy-seed/rabbitmq-ca.crt\t0600\n";
        let good = include_str!("../../tests/bad-specs/service-ca.pem");
        assert!(codes(plan, Some(good)).is_empty());
        assert_eq!(codes(plan, None), ["CFY-B018"]);
        assert_eq!(codes("", Some(good)), ["CFY-B018"]);
        assert_eq!(codes(plan, Some(include_str!("../../tests/bad-specs/leaf.pem"))), ["CFY-B051"]);
        assert_eq!(codes(plan, Some(include_str!("../../tests/bad-specs/ec-ca.pem"))), ["CFY-B051"]);
        assert_eq!(codes(plan, Some(include_str!("../../tests/bad-specs/expired-ca.pem"))), ["CFY-B052"]);
        assert_eq!(codes(plan, Some("no PEM")), ["CFY-B050"]);
        assert!(codes("refuse\tCFY-P041\tcause\tfix\n", None).is_empty());
    }
}

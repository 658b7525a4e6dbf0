//! What is fuzzed: one function for each kind of bytes that come from outside. Each must come back, whatever it is given,
//! and asserts what holds of every answer. `fuzz_targets/` gives them to libFuzzer, `tests/suite/seeds.rs` runs them over
//! the seeds.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::Utf8PathBuf;
use cfy_seed::bundle::MANIFEST;
use cfy_seed::bundle::gzip::Stored;
use cfy_seed::bundle::manifest::Manifest;
use cfy_seed::diag::{self, Code, Report, Sources, Style};
use cfy_seed::import::{self, Choices, Loaded};
use cfy_seed::load::{self, Attributes, Limits, LoadedFile, LoadedTree, Unpacked};
use cfy_seed::names::{Credential, Digest256, RsaSize, Secret, TreePath};
use cfy_seed::payload::{self, PublicKeys, Relation, Requirement};
use cfy_seed::plan::{self, HostCertificate, Identity};
use cfy_seed::profile::{OwnFile, Profiles};
use cfy_seed::project::{Packing, Project, footprint};
use cfy_seed::vault::{self, Permissions, SuppliedCa, VaultBytes, VaultFiles};
use cfy_seed::verify::pki::{BundledPair, BundledPki, Purpose, check_pki};
use cfy_seed::{spec, verify};
use md5::{Digest as _, Md5};
use time::OffsetDateTime;
use time::macros::datetime;

/// Within the validity of the seeds' certificates.
const NOW: OffsetDateTime = datetime!(2026-06-01 00:00 UTC);

/// A `cluster.yaml`: read, resolved, its findings shown; where it is good, every host is rendered.
pub fn spec(data: &[u8]) {
    static PROFILES: OnceLock<Profiles> = OnceLock::new();
    let Ok(text) = std::str::from_utf8(data) else { return };
    let profiles = PROFILES.get_or_init(|| Profiles::embedded().expect("profiles"));
    let mut project = Project::default();
    let parsed = spec::parse("cluster.yaml", text, &mut project.sources);
    project.report.extend(parsed.report);
    assert!(parsed.spec.is_some() || project.report.has_errors(), "no spec and no error");
    if let Some(spec) = parsed.spec {
        let resolved = plan::resolve(&spec, parsed.place, profiles, &project.attachments);
        project.report.extend(resolved.report);
        project.overrides = resolved.overrides;
        assert!(resolved.plan.is_some() || project.report.has_errors(), "no plan and no error");
        if let Some(plan) = resolved.plan.filter(|_| !project.report.has_errors()) {
            footprint(&project, &plan, None, Packing::Auto).expect("a plan without errors renders");
        }
    }
    shown(&project.report, &project.sources);
}

/// A file of the vendor's cluster manager, and below a line `%` a config of its own of every machine: read, translated, and what
/// came out is a spec with the machines' names and nothing else in it.
pub fn import(data: &[u8]) {
    static PROFILES: OnceLock<Profiles> = OnceLock::new();
    let Ok(text) = std::str::from_utf8(data) else { return };
    let profiles = PROFILES.get_or_init(|| Profiles::embedded().expect("profiles"));
    let (text, config) = text.split_once("\n%\n").unwrap_or((text, ""));
    let (mut sources, mut report) = (Sources::default(), Report::default());
    let read = import::read("cfy_cluster_config.yaml", text, &mut sources);
    report.extend(read.report);
    assert!(read.vendor.is_some() || report.has_errors(), "no file and no error");
    if let Some(vendor) = read.vendor {
        let loaded = || Loaded::Bytes(VaultBytes::new(config.as_bytes().to_vec()));
        let files = vendor.files().into_iter().map(|named| (named.usage, (named, loaded()))).collect();
        let choices = Choices {
            name: "fuzzed".parse().expect("a name"),
            version: None,
            file: "cfy_cluster_config.yaml".into(),
            directory: "/srv".into(),
        };
        let done = import::translate(&vendor, &files, &choices, profiles, (&mut sources, &mut report));
        if !report.has_errors() {
            let parsed = spec::parse("cluster.yaml", done.draft.text(), &mut sources);
            let spec = parsed.spec.expect("what is written can be read");
            assert!(
                parsed.report.iter().all(|found| found.code != Code::YamlSyntax && found.code != Code::UnknownKey)
            );
            let hosts = spec.hosts.get().map_or(0, Vec::len);
            assert_eq!(hosts, done.machines.len(), "{}", done.draft.text());
            report.extend(parsed.report);
        }
    }
    shown(&report, &sources);
}

/// Every finding can be shown, to people and to machines.
fn shown(report: &Report, sources: &Sources) {
    let _ = diag::render(report, sources, Style::default());
    let _ = diag::json(report, sources);
}

/// Certificates and keys. Either DER, which stands everywhere a PEM file is read; or, with NUL between them, CA
/// certificate, its key, host certificate, its key, `vault.yaml` and `secrets.yaml`.
pub fn certificate(data: &[u8]) {
    let pem = |label: &str| format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(data));
    if data.first() == Some(&0x30) {
        let (certificate, key) = (pem("CERTIFICATE"), pem("RSA PRIVATE KEY"));
        let (certificate, key) = (certificate.as_bytes(), key.as_bytes());
        files(&[certificate, key, certificate, key]);
        files(&[certificate, pem("PRIVATE KEY").as_bytes()]);
    } else {
        files(&data.splitn(6, |byte| *byte == 0).collect::<Vec<_>>());
    }
}

fn files(parts: &[&[u8]]) {
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    let (key, passphrase) = (VaultBytes::new(part(1).to_vec()), Secret::new("passphrase"));
    let (ca, found) = SuppliedCa::read(Some(("ca.crt", part(0))), Some(("ca.key", &key)), Some(&passphrase), NOW);
    said(&found.into_iter().map(|(_, diagnostic)| diagnostic).collect(), parts);
    if let Some(ca) = ca {
        vault::adopt(None, &ca).expect("an empty vault takes every good CA");
    }
    let own = |mode| Permissions { mode, owner: 1000 };
    let names = ["ca.crt", "ca.key", "hosts/cloudify.crt", "hosts/cloudify.key", "vault.yaml", "secrets.yaml"];
    let file = |(name, bytes): (&str, &&[u8])| (path(name), (VaultBytes::new(bytes.to_vec()), own(0o600)));
    let vault = VaultFiles {
        directory: "single.vault".to_owned(),
        permissions: own(0o700),
        reader: 1000,
        directories: BTreeMap::from([(path("hosts"), own(0o700))]),
        files: names.into_iter().zip(parts).map(file).collect(),
    };
    match vault::open(vault, &identity()) {
        Ok(opened) => {
            let changes = vault::preview(Some(&opened), &identity(), &BTreeMap::new(), NOW);
            shown(&changes.report, &Sources::default());
        }
        Err(report) => {
            assert!(report.has_errors(), "refused without an error");
            said(&report, parts);
        }
    }
    let addresses = &["10.0.0.31".parse().expect("an address")];
    let pair = BundledPair {
        name: "cloudify",
        purpose: Purpose::Host,
        certificate: part(2),
        key: part(3),
        addresses,
        dns: &["cloudify"],
    };
    let bundled =
        BundledPki { host: "cloudify", ca: part(0), pairs: &[pair], files: &[("ca.crt", part(0))], at: NOW };
    shown(&check_pki(&bundled), &Sources::default());
}

/// What is said shows no line of a key or of the secrets.
fn said(report: &Report, parts: &[&[u8]]) {
    let text = diag::render(report, &Sources::default(), Style::default());
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    let public = [0, 2, 4].map(|at| String::from_utf8_lossy(part(at)));
    let secret = [1, 3, 5].map(part);
    let lines = secret.iter().flat_map(|part| part.split(|byte| *byte == b'\n')).filter(|line| line.len() >= 32);
    // What our own messages say may stand in a file too, and is not what keys are made of.
    let of_a_key = |line: &&str| line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    for line in lines.filter_map(|line| std::str::from_utf8(line).ok()).filter(of_a_key) {
        assert!(!text.contains(line) || public.iter().any(|part| part.contains(line)), "{text}");
    }
}

fn path(text: &str) -> TreePath {
    text.parse().expect("a path")
}

/// What the fixture all-in-one asks of its vault.
fn identity() -> Identity {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let host = HostCertificate {
        host: "cloudify".parse().expect("a name"),
        common_name: "cloudify".to_owned(),
        dns: texts(&["cloudify", "10.0.0.31", "localhost", "127.0.0.1"]),
        ips: ["10.0.0.31", "127.0.0.1"].iter().map(|ip| ip.parse().expect("an address")).collect(),
    };
    Identity {
        cluster: "single".parse().expect("a name"),
        key: RsaSize::Rsa2048,
        ca_days: 3650,
        leaf_days: 3650,
        hosts: vec![host],
        clients: Vec::new(),
        credentials: Credential::ALL.to_vec(),
    }
}

/// A seed image from its first descriptor on; the 32 KiB before that no reader looks at are added here.
pub fn image(data: &[u8]) {
    let mut image = vec![0; 16 * 2048];
    image.extend_from_slice(data);
    let verified = verify::seed_image("seed.iso", &image, NOW);
    shown(&verified.report, &Sources::default());
}

/// What is in a box, below gzip: headers and files of tar. What is taken fits into what was given, and each file lies in a directory.
pub fn archive(data: &[u8]) {
    let mut packed = Stored::new(Vec::new()).expect("memory");
    packed.write_all(data).expect("memory");
    let name = format!("cfy-seed-fuzz-{}-{:?}", std::process::id(), std::thread::current().id());
    let path = Utf8PathBuf::from_path_buf(std::env::temp_dir().join(name)).expect("UTF-8");
    std::fs::write(&path, packed.finish().expect("memory")).expect("a temporary file");
    let read = load::archive(&path, &[&path], Limits::BUNDLE, &|_| (), None);
    std::fs::remove_file(&path).expect("it was there");
    match read {
        Ok(Unpacked { tree, damage }) => {
            assert!(tree.files.len() + tree.directories.len() < data.len() / 512, "more files than headers");
            let sizes: u64 = tree.files.values().map(|file| file.size).sum();
            assert!(sizes < data.len() as u64, "more bytes than there are");
            for (above, _) in tree.files.keys().filter_map(|path| path.rsplit_once('/')) {
                assert!(tree.directories.contains_key(above), "a file without its directory");
            }
            let whole = data.len().is_multiple_of(512) && data.ends_with(&[0; 1024]);
            assert!(damage.is_some() || whole, "good without its end");
        }
        Err(error) => assert!(error.diagnostic().is_some() && !error.is_machine_failure(), "{error}"),
    }
}

/// User-data of a host for one target, in any encoding.
pub fn user_data(data: &[u8]) {
    static PROFILES: OnceLock<Profiles> = OnceLock::new();
    let profiles = PROFILES.get_or_init(|| Profiles::embedded().expect("profiles"));
    let verified = verify::user_data_file("user-data.libvirt", data, profiles, NOW);
    // What it lacks to be a host's of ours is an error, whatever else it is.
    assert!(verified.report.has_errors(), "good without a certificate");
    shown(&verified.report, &Sources::default());
    let (report, bundle) = verify::HostBundle::read("host", data);
    assert!(bundle.is_some() || report.has_errors(), "no bundle and no error");
}

/// A `manifest.json`, alone and at the top of a tree that has nothing else.
pub fn manifest(data: &[u8]) {
    let ours = Manifest::is_ours(data);
    if let Ok(manifest) = Manifest::parse(data) {
        assert!(ours, "read, and not ours");
        let again = manifest.to_json().expect("JSON");
        assert_eq!(Manifest::parse(&again), Ok(manifest), "it does not read what it writes");
    }
    let attributes = Attributes { mode: 0o600, owner: 1000 };
    let file =
        LoadedFile { attributes, size: data.len() as u64, sha256: Digest256::of(data), bytes: Some(data.to_vec()) };
    let tree = LoadedTree {
        attributes: Attributes { mode: 0o700, owner: 1000 },
        directories: BTreeMap::new(),
        files: BTreeMap::from([(MANIFEST.to_owned(), file)]),
        others: BTreeMap::new(),
    };
    let verified = verify::built_tree(&tree, &Profiles::embedded().expect("profiles"), NOW);
    assert!(verified.report.has_errors(), "a tree without SHA256SUMS is good");
    shown(&verified.report, &Sources::default());
}

/// A package; or its header and payload, around which a lead and a signature header with a good digest are put; or a key; or
/// the list of an image, or a rich dependency.
pub fn rpm(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = payload::inventory(text);
        let relation = |name: String| Relation { name, version: None, before_scripts: false };
        if let Ok(read) = Requirement::of(&relation(text.to_owned())) {
            // A plain relation in parentheses is written without them, and then is the name of one.
            let written = read.to_string();
            if written.starts_with('(') {
                assert_eq!(Requirement::of(&relation(written)), Ok(read), "it does not read what it writes");
            }
        }
    }
    let keys = PublicKeys::parse(data);
    if let Ok(keys) = &keys {
        assert!(!keys.ids().is_empty(), "keys without a key");
    }
    let judged = |bytes: &[u8], keys: Option<&PublicKeys>| match payload::read_rpm(bytes, keys) {
        Ok(rpm) => {
            assert_eq!(rpm.digests.size, bytes.len() as u64, "read in part");
            assert!(!rpm.nevra.name.contains('/'), "a name with a directory");
            for (_, file) in rpm.files.iter() {
                assert!(file.name.len() < bytes.len(), "a name longer than the file");
            }
        }
        Err(error) => assert!(error.diagnostic("x.rpm").is_some() && !error.is_machine_failure(), "{error}"),
    };
    judged(data, keys.as_ref().ok());
    let mut whole = vec![0; 96];
    whole[..8].copy_from_slice(&[0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0]);
    whole.extend([0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 16]);
    // RPMSIGTAG_MD5, 16 bytes.
    whole.extend([1004, 7, 0, 16].iter().flat_map(|number: &u32| number.to_be_bytes()));
    whole.extend(Md5::digest(data));
    whole.extend(data);
    judged(&whole, None);
}

/// A contract of the operator's own: alone, or laid over one that it extends.
pub fn contract(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (mut sources, mut report) = (Sources::default(), Report::default());
    let source = sources.add("contract.yaml", text);
    let own = OwnFile { path: "contracts/contract.yaml".into(), source, text: text.into() };
    Profiles::with(&[own], &mut sources, &mut report);
    shown(&report, &sources);
}

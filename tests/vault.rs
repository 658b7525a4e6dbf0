//! The vault from outside: what it issues, keeps and refuses.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stand outside the house"
)]

#[path = "support/nine_node.rs"]
mod nine_node;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use cfy_seed::diag::{Code, Report, Severity};
use cfy_seed::names::{Credential, RsaSize, Secret};
use cfy_seed::plan::Identity;
use cfy_seed::vault::{
    Action, Changes, Incoming, Opened, Subject, SuppliedCa, Vault, VaultBytes, VaultError, VaultFiles, adopt, ensure,
    import, open, preview, request,
};
use cfy_seed::world::{FixedWorld, RealWorld, World as _};
use nine_node::{bytes, fresh, host, identity, issue, on_disk, put, reopen, small, take};
use time::macros::datetime;

fn codes(report: &Report) -> Vec<Code> {
    report.iter().map(|found| found.code).collect()
}

/// The codes of a vault after somebody tampered with it; nothing secret may be in the report.
fn refused(vault: &Vault, identity: &Identity, tamper: impl FnOnce(&mut VaultFiles)) -> Vec<Code> {
    let mut files = on_disk(vault);
    tamper(&mut files);
    let report = open(files, identity).expect_err("a refusal");
    let shown = format!("{report:?}");
    assert!(!shown.contains("BEGIN") && !shown.contains("MII"), "{shown}");
    let admin = vault.credential(Credential::AdminPassword).expect("a password");
    assert!(!shown.contains(admin.expose()));
    codes(&report)
}

fn content(vault: &Vault) -> BTreeMap<String, Vec<u8>> {
    vault.files().into_iter().map(|(path, bytes)| (path.to_string(), bytes.expose().to_vec())).collect()
}

#[test]
fn a_second_run_keeps_every_byte_and_makes_no_key() {
    let identity = small();
    let (first, changes) = fresh(&identity);
    assert_eq!((changes.issued(), changes.generated.len()), (3, 12));

    let opened = reopen(&first, &identity);
    assert!(opened.warnings().is_empty());
    assert_eq!(opened.facts(), first.facts());
    let years_later = FixedWorld::new(datetime!(2029-06-01 12:00 UTC), 7);
    let made = AtomicUsize::new(0);
    let count = |_, _| {
        made.fetch_add(1, Ordering::Relaxed);
    };
    let (second, changes) = ensure(Some(opened), &identity, &BTreeMap::new(), &years_later, &count).expect("a vault");
    assert!(changes.is_empty() && changes.report.is_empty() && changes.to_string().is_empty(), "{changes:?}");
    assert_eq!(made.into_inner(), 0);
    assert!(second.writes().is_empty());
    assert_eq!(content(&second), content(&first));
    assert_eq!(second.created(), datetime!(2026-01-01 00:00 UTC));
    let (one, two) = (first.host(&identity.hosts[0].host), second.host(&identity.hosts[0].host));
    let (one, two) = (one.expect("a pair"), two.expect("a pair"));
    assert_eq!((one.certificate_pem(), one.key_pem()), (two.certificate_pem(), two.key_pem()));
    for name in Credential::ALL {
        assert_eq!(first.credential(*name), second.credential(*name));
    }
}

/// What names the whole comes first: wherever a first build is killed, the next one goes on with what is there.
#[test]
fn a_first_build_cut_between_any_two_files_goes_on() {
    let identity = small();
    let (whole, _) = fresh(&identity);
    let none = VaultFiles { files: BTreeMap::new(), ..on_disk(&whole) };
    assert_eq!(whole.writes().len(), 9);
    for cut in 0..whole.writes().len() {
        let mut files = none.clone();
        for (path, bytes) in &whole.writes()[..cut] {
            put(&mut files, path.as_str(), bytes.expose());
        }
        let opened = open(files.clone(), &identity).unwrap_or_else(|report| panic!("{cut} files: {report:?}"));
        let (again, _) = issue(Some(opened), &identity, &FixedWorld::new(datetime!(2026-01-02 00:00 UTC), 3));
        let now = content(&again);
        assert_eq!(now.len(), whole.writes().len(), "after {cut} files");
        for (path, (bytes, _)) in files.files {
            assert!(now[path.as_str()] == bytes.expose(), "{path} was replaced after {cut} files");
        }
        open(on_disk(&again), &identity).expect("a whole vault");
    }
}

#[test]
fn the_same_keys_give_the_same_certificates() {
    let identity = small();
    let (vault, _) = fresh(&identity);
    let mut files = on_disk(&vault);
    let crts = ["hosts/db-1.crt", "clients/postgres.crt"].map(|path| take(&mut files, path));
    let opened = open(files, &identity).expect("a vault without leaves");
    let (again, changes) = issue(Some(opened), &identity, &FixedWorld::new(datetime!(2028-02-29 23:59:59 UTC), 9));
    assert_eq!(changes.certificates[1].1, Action::Reissued("it was missing".to_owned()));
    assert_eq!(["hosts/db-1.crt", "clients/postgres.crt"].map(|path| bytes(&on_disk(&again), path)), crts);
}

#[test]
fn the_first_dates_derive_from_the_creation() {
    let identity = Identity { leaf_days: 365, ..small() };
    let (vault, _) = fresh(&identity);
    let facts = vault.facts();
    let ends: Vec<_> = facts.iter().map(|(_, facts)| (facts.not_before, facts.not_after)).collect();
    let from = datetime!(2025-12-31 00:00 UTC);
    let leaf = (from, datetime!(2027-01-01 00:00 UTC));
    assert_eq!(ends, [(from, datetime!(2035-12-30 00:00 UTC)), leaf, leaf]);
    assert!(facts[0].1.common_name.starts_with("example CA "), "{:?}", facts[0].1);
    assert!(facts.iter().all(|(_, facts)| facts.serial.len() == 40 && facts.serial.as_bytes()[0] < b'8'));

    // Years later the leaf has expired: it is issued anew, still for its key, and is not born expired.
    let opened = reopen(&vault, &identity);
    let now = datetime!(2029-03-01 00:00 UTC);
    let (later, changes) = issue(Some(opened), &identity, &FixedWorld::new(now, 1));
    assert_eq!(changes.certificates[0], (Subject::Ca, Action::Kept));
    assert_eq!(changes.certificates[1].1, Action::Reissued("it expired on 2027-01-01".to_owned()));
    let facts = &later.facts()[1].1;
    assert!(facts.not_before < now && facts.not_after > now + time::Duration::days(182), "{facts:?}");
    let pair = |vault: &Vault| vault.client("postgres").expect("a pair").key_pem().clone();
    assert_eq!(pair(&later), pair(&vault));
}

#[test]
fn what_ends_soon_is_said() {
    let identity = Identity { leaf_days: 365, ..small() };
    let (vault, _) = fresh(&identity);
    let nothing = BTreeMap::new();
    let at = |now| preview(Some(&reopen(&vault, &identity)), &identity, &nothing, now);
    let soon = at(datetime!(2026-12-15 00:00 UTC));
    assert_eq!(codes(&soon.report), [Code::LeafExpiring, Code::LeafExpiring]);
    assert!(soon.is_empty() && !soon.report.has_errors());
    let behind = at(datetime!(2020-01-01 00:00 UTC));
    assert_eq!(codes(&behind.report), [Code::CaValidity]);
    assert_eq!(behind.report.count(Severity::Warning), 1);
    let over = at(datetime!(2036-01-01 00:00 UTC));
    assert_eq!((codes(&over.report), over.report.has_errors()), (vec![Code::CaValidity], true));
    let late = FixedWorld::new(datetime!(2036-01-01 00:00 UTC), 0);
    let error = ensure(Some(reopen(&vault, &identity)), &identity, &nothing, &late, &|_, _| ());
    assert!(matches!(error, Err(VaultError::Refused(_))));
}

#[test]
fn a_new_address_issues_that_certificate_anew_with_its_key() {
    let mut identity = small();
    identity.hosts.push(host("db-2", [10, 0, 0, 12]));
    let (before, _) = fresh(&identity);
    identity.hosts[0] = host("db-1", [10, 9, 9, 9]);
    let (after, changes) = issue(Some(reopen(&before, &identity)), &identity, &FixedWorld::default());
    let why = "new names: 10.9.9.9, IP:10.9.9.9; names gone: 10.0.0.11, IP:10.0.0.11";
    assert_eq!(changes.certificates[1].1, Action::Reissued(why.to_owned()));
    assert!(changes.certificates[2..].iter().all(|(_, action)| *action == Action::Kept));
    assert!(changes.to_string().starts_with("host db-1: certificate issued anew for its key: new names"));
    let written: Vec<&str> = after.writes().iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(written, ["hosts/db-1.crt"]);
    let (old, new) = (&before.facts()[1].1, &after.facts()[1].1);
    assert_ne!(old.serial, new.serial);
    assert_eq!((old.not_before, old.not_after), (new.not_before, new.not_after));
    let db_1 = &identity.hosts[0].host;
    assert_eq!(before.host(db_1).expect("a pair").key_pem(), after.host(db_1).expect("a pair").key_pem());
}

#[test]
fn a_host_that_left_keeps_its_files_and_may_come_back() {
    let both = Identity { hosts: vec![host("db-1", [10, 0, 0, 11]), host("db-2", [10, 0, 0, 12])], ..small() };
    let (before, _) = fresh(&both);
    let one = Identity { hosts: both.hosts[..1].to_vec(), clients: Vec::new(), ..both.clone() };
    let (after, changes) = issue(Some(reopen(&before, &one)), &one, &FixedWorld::default());
    assert!(changes.is_empty());
    assert_eq!(codes(&changes.report), [Code::LeafUnused]);
    assert!(!changes.report.has_errors());
    assert_eq!(after.unused().len(), 4);
    assert!(after.host(&both.hosts[1].host).is_none() && after.client("postgres").is_none());
    assert_eq!(content(&after), content(&before));
    assert!(issue(Some(reopen(&after, &both)), &both, &FixedWorld::default()).1.is_empty());
}

#[test]
fn keys_of_another_size_stay() {
    let (before, _) = fresh(&small());
    let mut larger = Identity { key: RsaSize::Rsa3072, ..small() };
    larger.hosts.push(host("db-2", [10, 0, 0, 12]));
    let (after, changes) = issue(Some(reopen(&before, &larger)), &larger, &FixedWorld::default());
    assert_eq!(codes(&changes.report), [Code::KeySizeKept]);
    let sizes: Vec<usize> = after.facts().iter().map(|(_, facts)| facts.key_bits).collect();
    assert_eq!(sizes, [2048, 2048, 3072, 2048]);
}

#[test]
fn damage_is_found_and_named() {
    let identity = small();
    let (vault, _) = fresh(&identity);
    let (other, _) = fresh(&identity);
    let other = on_disk(&other);
    let cut = |path: &'static str| {
        refused(&vault, &identity, |files| {
            let whole = take(files, path);
            put(files, path, &whole[..whole.len() / 2]);
        })
    };
    for path in ["ca.crt", "ca.key", "hosts/db-1.crt", "hosts/db-1.key", "clients/postgres.crt", "vault.yaml"] {
        assert_eq!(cut(path), [Code::VaultDamaged], "{path}");
    }
    assert_eq!(cut("secrets.yaml"), [Code::VaultDamaged]);
    let swap = |path: &'static str| refused(&vault, &identity, |files| put(files, path, &bytes(&other, path)));
    assert_eq!(swap("hosts/db-1.key"), [Code::KeyOfAnotherCertificate]);
    assert_eq!(swap("hosts/db-1.crt"), [Code::KeyOfAnotherCertificate]);
    assert_eq!(swap("ca.key"), [Code::KeyOfAnotherCertificate]);
    // The CA's certificate and, with it, the signature of both leaves and the key beside it.
    assert_eq!(
        swap("ca.crt"),
        [Code::CaChanged, Code::KeyOfAnotherCertificate, Code::LeafOfAnotherCa, Code::LeafOfAnotherCa]
    );
    let pair = refused(&vault, &identity, |files| {
        for path in ["hosts/db-1.crt", "hosts/db-1.key"] {
            put(files, path, &bytes(&other, path));
        }
    });
    assert_eq!(pair, [Code::LeafOfAnotherCa]);
    let gone = |path: &'static str| refused(&vault, &identity, |files| drop(take(files, path)));
    assert_eq!(gone("hosts/db-1.key"), [Code::VaultDamaged]);
    assert_eq!(gone("secrets.yaml"), [Code::VaultDamaged]);
    assert_eq!(gone("vault.yaml"), [Code::VaultDamaged]);
    assert_eq!(gone("ca.crt"), [Code::CaMissing]);
}

#[test]
fn no_ca_is_made_in_place_of_a_lost_one() {
    let mut identity = small();
    let (vault, _) = fresh(&identity);
    let without_key = |identity: &Identity| {
        let mut files = on_disk(&vault);
        drop(take(&mut files, "ca.key"));
        open(files, identity).expect("fine while nothing is to be issued")
    };
    let (same, changes) = issue(Some(without_key(&identity)), &identity, &FixedWorld::default());
    assert!(changes.is_empty() && same.writes().is_empty());
    identity.hosts.push(host("db-2", [10, 0, 0, 12]));
    let error = ensure(Some(without_key(&identity)), &identity, &BTreeMap::new(), &RealWorld, &|_, _| ());
    let Err(VaultError::Refused(report)) = error else { panic!("{error:?}") };
    assert_eq!(codes(&report), [Code::CaMissing]);
}

#[test]
fn another_cluster_a_newer_version_and_open_doors_are_refused() {
    let identity = small();
    let (vault, _) = fresh(&identity);
    let prod = Identity { cluster: "prod".parse().expect("a name"), ..identity.clone() };
    assert_eq!(refused(&vault, &prod, |_| ()), [Code::VaultOfAnotherCluster]);
    let newer = refused(&vault, &identity, |files| {
        let text = String::from_utf8(take(files, "vault.yaml")).expect("text");
        put(files, "vault.yaml", text.replace("vault/v1", "vault/v2").as_bytes());
    });
    assert_eq!(newer, [Code::VaultNewer]);

    let mode = |path: &str, mode: u32| {
        let mut files = on_disk(&vault);
        match (path, files.directories.get_mut(&path.parse().expect("a path"))) {
            (".", _) => files.permissions.mode = mode,
            (_, Some(directory)) => directory.mode = mode,
            _ => files.files.get_mut(&path.parse().expect("a path")).expect("a file").1.mode = mode,
        }
        files
    };
    for (path, bits) in [("hosts/db-1.key", 0o644), ("ca.key", 0o640), ("secrets.yaml", 0o604), ("hosts", 0o755)] {
        let report = open(mode(path, bits), &identity).expect_err(path);
        assert_eq!(codes(&report), [Code::VaultExposed], "{path}");
        let help = report.iter().next().and_then(|found| found.help.clone()).expect("help");
        assert_eq!(help, "chmod -R u=rwX,go= 'example.vault'");
    }
    assert!(open(mode("ca.crt", 0o644), &identity).is_ok(), "a certificate is no secret");
    assert_eq!(codes(&open(mode("ca.crt", 0o666), &identity).expect_err("writable")), [Code::VaultExposed]);
    let mut root = on_disk(&vault);
    root.permissions.mode = 0o750;
    root.reader = 0;
    assert_eq!(codes(&open(root, &identity).expect_err("open")), [Code::VaultExposed, Code::VaultOwner]);
}

#[test]
fn strangers_are_left_alone_and_said() {
    let identity = small();
    let (vault, _) = fresh(&identity);
    let mut files = on_disk(&vault);
    put(&mut files, "notes.txt", b"my notes");
    put(&mut files, ".lock", b"");
    let opened = open(files, &identity).expect("a vault");
    assert_eq!(codes(opened.warnings()), [Code::VaultForeignFile]);
    let (after, changes) = issue(Some(opened), &identity, &FixedWorld::default());
    assert_eq!(codes(&changes.report), [Code::VaultForeignFile]);
    assert!(content(&after).contains_key("notes.txt"));
}

#[test]
fn supplied_credentials_win_and_are_not_stored() {
    let identity = small();
    let supplied = BTreeMap::from([(Credential::AdminPassword, Secret::new("Correct-Horse-1"))]);
    let world = FixedWorld::default();
    let (vault, changes) = ensure(None, &identity, &supplied, &world, &|_, _| ()).expect("a vault");
    assert_eq!(vault.credential(Credential::AdminPassword), supplied.get(&Credential::AdminPassword));
    assert_eq!(changes.generated.len(), 11);
    let text = String::from_utf8(bytes(&on_disk(&vault), "secrets.yaml")).expect("text");
    assert!(!text.contains("Correct") && !text.contains("admin_password"));
    let bad = BTreeMap::from([(Credential::CloudifyDbPassword, Secret::new("it's me"))]);
    let Err(VaultError::Refused(report)) = ensure(None, &identity, &bad, &world, &|_, _| ()) else {
        panic!("refused")
    };
    assert_eq!(codes(&report), [Code::CredentialUnfit]);
    assert!(!format!("{report:?}").contains("it's me"));
}

#[test]
fn a_supplied_ca_signs_and_its_key_stays_outside() {
    let identity = small();
    let (theirs, _) = fresh(&identity);
    let (crt, key) = (bytes(&on_disk(&theirs), "ca.crt"), bytes(&on_disk(&theirs), "ca.key"));
    let key = VaultBytes::new(key);
    let ca = |crt: &[u8], key| {
        let (ca, found) = SuppliedCa::read(Some(("corp.crt", crt)), key, None, datetime!(2026-06-01 00:00 UTC));
        let codes: Vec<Code> = found.into_iter().map(|(_, found)| found.code).collect();
        if codes.is_empty() { Ok(ca.expect("a CA")) } else { Err(codes) }
    };
    let signing = ca(&crt, Some(("corp.key", &key))).expect("a CA");
    let opened = adopt(None, &signing).expect("a CA");
    let (vault, changes) = issue(Some(opened), &identity, &FixedWorld::default());
    assert_eq!(changes.certificates[0], (Subject::Ca, Action::Supplied));
    assert!(!content(&vault).contains_key("ca.key"));
    assert_eq!(vault.ca_certificate_pem().as_bytes(), crt);

    let silent = ca(&crt, None).expect("a CA");
    let opened = adopt(Some(reopen(&vault, &identity)), &silent).expect("the same CA");
    assert!(issue(Some(opened), &identity, &FixedWorld::default()).1.is_empty());
    let (another, _) = fresh(&small());
    let another = bytes(&on_disk(&another), "ca.crt");
    let other = ca(&another, None).expect("a CA");
    let report = adopt(Some(reopen(&vault, &identity)), &other).expect_err("another CA");
    assert_eq!(codes(&report), [Code::CaChanged]);
    let refused = |crt: &[u8], key| ca(crt, key).map(drop).expect_err("a refusal");
    assert_eq!(refused(&another, Some(("corp.key", &key))), [Code::KeyOfAnotherCertificate]);
    assert_eq!(refused(&bytes(&on_disk(&vault), "hosts/db-1.crt"), None), [Code::CaUnfit]);
    assert_eq!(refused(&[crt.as_slice(), &another].concat(), None), [Code::CaUnfit]);
    let shown = format!("{signing:?}");
    assert!(!shown.contains("PRIVATE"), "{shown}");
}

/// Whatever happens to a file of a CA on its way: it is refused, and nothing panics.
#[test]
fn a_ca_with_any_letter_changed_is_refused() {
    let (theirs, _) = fresh(&small());
    let (crt, key) = (bytes(&on_disk(&theirs), "ca.crt"), bytes(&on_disk(&theirs), "ca.key"));
    let now = datetime!(2026-06-01 00:00 UTC);
    let whole = VaultBytes::new(key.clone());
    for at in (0..crt.len()).step_by(7).filter(|at| crt[*at] != b'\n') {
        let mut broken = crt.clone();
        broken[at] = if broken[at] == b'B' { b'C' } else { b'B' };
        let (_, found) = SuppliedCa::read(Some(("ca.crt", &broken)), Some(("ca.key", &whole)), None, now);
        assert!(!found.is_empty(), "letter {at}");
    }
    for cut in (0..key.len() - 1).step_by(31) {
        let half = VaultBytes::new(key[..cut].to_vec());
        let (_, found) = SuppliedCa::read(Some(("ca.crt", &crt)), Some(("ca.key", &half)), None, now);
        assert_eq!(found.len(), 1, "{cut} letters");
        assert!(!format!("{found:?}").contains("MII"));
    }
}

/// What an outside CA's people send back, made by a vault that plays them.
fn incoming(theirs: &Vault) -> Incoming {
    let all = on_disk(theirs);
    let named = [
        ("ca.crt", "ca.crt"),
        ("db-1.crt", "hosts/db-1.crt"),
        ("db-1.key", "hosts/db-1.key"),
        ("client-postgres.crt", "clients/postgres.crt"),
        ("client-postgres.key", "clients/postgres.key"),
    ];
    let files = named.map(|(name, path)| (name.to_owned(), VaultBytes::new(bytes(&all, path))));
    Incoming { directory: "brought".to_owned(), files: files.into(), called: BTreeMap::new() }
}

fn imported(opened: Option<Opened>, identity: &Identity, incoming: &Incoming) -> (Vault, Changes) {
    let world = FixedWorld::new(datetime!(2026-06-01 00:00 UTC), 5);
    let came = import(opened, identity, incoming, world.now()).expect("good certificates");
    assert!(came.warnings.is_empty());
    issue(Some(came.opened), identity, &world)
}

/// Wherever an import is killed, it can be run again, and no build makes a CA of its own in between.
#[test]
fn an_import_cut_between_any_two_files_goes_on() {
    let identity = small();
    let (theirs, _) = fresh(&identity);
    let incoming = incoming(&theirs);
    let (whole, changes) = imported(None, &identity, &incoming);
    assert_eq!(changes.issued(), 0);
    assert!(!content(&whole).contains_key("ca.key"));
    let none = VaultFiles { files: BTreeMap::new(), ..on_disk(&whole) };
    for cut in 0..whole.writes().len() {
        let mut files = none.clone();
        for (path, bytes) in &whole.writes()[..cut] {
            put(&mut files, path.as_str(), bytes.expose());
        }
        let open = || open(files.clone(), &identity).unwrap_or_else(|report| panic!("{cut} files: {report:?}"));
        if files.files.contains_key(&"ca.crt".parse().expect("a path")) {
            let error = ensure(Some(open()), &identity, &BTreeMap::new(), &RealWorld, &|_, _| ());
            assert!(matches!(error, Err(VaultError::Refused(_))), "a CA was made after {cut} files");
        }
        let (again, _) = imported(Some(open()), &identity, &incoming);
        let mut now = content(&again);
        let mut wanted = content(&whole);
        // Credentials are generated anew where they were not written yet; the record says when.
        if cut < 4 {
            for path in ["secrets.yaml", "vault.yaml"] {
                now.remove(path);
                wanted.remove(path);
            }
        }
        assert!(now == wanted, "after {cut} files");
    }
}

#[test]
fn requests_wait_and_are_the_same_every_time() {
    let identity = small();
    let world = FixedWorld::default();
    let first = request(None, &identity, &world, &|_, _| ()).expect("requests");
    assert_eq!((first.requests, first.keys), (2, 2));
    let names: Vec<&str> = first.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["db-1.csr", "client-postgres.csr", "extensions.cnf", "signing-sheet.txt"]);
    assert!(first.files.iter().all(|(_, text)| !text.contains("PRIVATE")));
    let order: Vec<&str> = first.writes().iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(order, [".gitignore", "vault.yaml", "hosts/db-1.key", "clients/postgres.key"]);

    let mut files = VaultFiles { files: BTreeMap::new(), ..on_disk(&fresh(&identity).0) };
    for (path, bytes) in first.writes() {
        put(&mut files, path.as_str(), bytes.expose());
    }
    let opened = || open(files.clone(), &identity).expect("a vault that waits");
    let again = request(Some(opened()), &identity, &world, &|_, _| ()).expect("requests");
    assert_eq!((&again.files, again.keys, again.writes().len()), (&first.files, 0, 0));
    let Err(VaultError::Refused(report)) =
        ensure(Some(opened()), &identity, &BTreeMap::new(), &RealWorld, &|_, _| ())
    else {
        panic!("a CA was made")
    };
    assert_eq!(codes(&report), [Code::CertificatesAwaited]);

    let clash =
        Identity { hosts: vec![host("ca", [10, 0, 0, 1]), host("client-postgres", [10, 0, 0, 2])], ..identity };
    let Err(VaultError::Refused(report)) = request(None, &clash, &world, &|_, _| ()) else { panic!("a clash") };
    assert_eq!(codes(&report), [Code::RequestNamesClash; 2]);
}

#[test]
fn nothing_prints_a_secret() {
    let identity = small();
    let (vault, changes) = fresh(&identity);
    let opened = reopen(&vault, &identity);
    let shown = format!("{vault:?} {opened:?} {changes:?} {:?}", on_disk(&vault));
    assert!(!shown.contains("PRIVATE") && !shown.contains("schema"));
    for name in &identity.credentials {
        assert!(!shown.contains(vault.credential(*name).expect("a credential").expose()));
    }
    assert_eq!(format!("{:?}", VaultBytes::new(vec![1])), "[redacted]");
}

#[test]
fn twenty_hosts_at_once() {
    let hosts = (0..20).map(|n| host(&format!("db-{n}"), [10, 0, 1, n]));
    let identity = Identity { hosts: hosts.collect(), ..identity() };
    let seen = AtomicUsize::new(0);
    let progress = |done, total| {
        assert_eq!(total, 23);
        seen.fetch_max(done, Ordering::Relaxed);
    };
    let (vault, _) = ensure(None, &identity, &BTreeMap::new(), &RealWorld, &progress).expect("a vault");
    assert_eq!(seen.into_inner(), 23);
    let keys: std::collections::BTreeSet<_> = vault.facts().into_iter().map(|(_, facts)| facts.sha256).collect();
    assert_eq!(keys.len(), 23);
    let start = Instant::now();
    let (again, changes) = issue(Some(reopen(&vault, &identity)), &identity, &RealWorld);
    println!("a complete vault of 20 hosts: {:?}", start.elapsed());
    assert!(changes.is_empty() && again.writes().is_empty());
}

//! What openssl, and our own independent reader, say about certificates that the vault issued.

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

use std::path::Path;
use std::process::Command;

use cfy_seed::diag::Code;
use cfy_seed::plan::Identity;
use cfy_seed::vault::{Subject, SuppliedCa, VaultBytes, adopt, open};
use cfy_seed::verify::pki::{BundledPair, BundledPki, Purpose, check_pki};
use nine_node::{bytes, fresh, host, identity, on_disk, small, whole};
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-06-01 00:00 UTC);

/// Whether openssl is here. In CI it must be.
fn has_openssl() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    assert!(found || std::env::var_os("CI").is_none(), "openssl is missing, and this is CI");
    if !found {
        eprintln!("SKIPPED: openssl is missing; nothing outside this program has looked at the certificates");
    }
    found
}

/// Standard output of openssl, which must succeed.
fn openssl(directory: &Path, line: &str) -> String {
    let output = Command::new("openssl").args(line.split(' ')).current_dir(directory).output().expect("openssl runs");
    assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn openssl_accepts_the_nine_node_vault() {
    if !has_openssl() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    for (name, (content, _)) in &whole().files {
        let file = path.join(name.as_str());
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        std::fs::write(file, content.expose()).expect("a file");
    }
    let at = NOW.unix_timestamp();
    let identity = identity();
    for wanted in &identity.hosts {
        let file = format!("hosts/{}", wanted.host);
        for purpose in ["sslserver", "sslclient"] {
            openssl(path, &format!("verify -attime {at} -x509_strict -CAfile ca.crt -purpose {purpose} {file}.crt"));
        }
        for ip in &wanted.ips {
            openssl(path, &format!("verify -attime {at} -CAfile ca.crt -verify_ip {ip} {file}.crt"));
        }
        // The same address as a DNS name too, as libpq before 15 compares it.
        for name in &wanted.dns {
            openssl(path, &format!("verify -attime {at} -CAfile ca.crt -verify_hostname {name} {file}.crt"));
        }
        assert!(openssl(path, &format!("rsa -in {file}.key -check -noout")).contains("RSA key ok"));
        let modulus = |kind: &str, end: &str| openssl(path, &format!("{kind} -in {file}.{end} -noout -modulus"));
        assert_eq!(modulus("x509", "crt"), modulus("rsa", "key"));
    }
    for client in &identity.clients {
        let file = format!("clients/{client}.crt");
        openssl(path, &format!("verify -attime {at} -x509_strict -CAfile ca.crt -purpose sslclient {file}"));
        let refused = format!("verify -attime {at} -CAfile ca.crt -purpose sslserver {file}");
        let output =
            Command::new("openssl").args(refused.split(' ')).current_dir(path).output().expect("openssl runs");
        assert!(!output.status.success(), "a client's certificate must not serve");
        assert_eq!(
            openssl(path, &format!("x509 -in {file} -noout -subject -nameopt RFC2253")),
            format!("subject=CN={client}\n")
        );
    }
    openssl(path, &format!("verify -attime {at} -x509_strict -CAfile ca.crt ca.crt"));
    fields(path);
}

/// The text that openssl prints of a host's and the CA's certificate.
fn fields(path: &Path) {
    let text = openssl(path, "x509 -in hosts/db-1.crt -noout -text");
    for part in [
        "Version: 3 (0x2)",
        "Signature Algorithm: sha256WithRSAEncryption",
        "Not Before: Dec 31 00:00:00 2025 GMT",
        "Not After : Dec 30 00:00:00 2035 GMT",
        "Subject: CN = db-1",
        "Public-Key: (2048 bit)",
        "X509v3 Authority Key Identifier",
        "X509v3 Subject Key Identifier",
        "CA:FALSE",
        "Digital Signature, Key Encipherment",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "DNS:db-1, DNS:10.0.0.11, DNS:localhost, DNS:127.0.0.1, IP Address:10.0.0.11, IP Address:127.0.0.1",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let text = openssl(path, "x509 -in ca.crt -noout -text");
    for part in
        ["CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "X509v3 Subject Key Identifier", "CN = example CA "]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let serial = openssl(path, "x509 -in hosts/db-1.crt -noout -serial");
    let facts = open(whole(), &identity()).expect("a vault").facts();
    let db_1 = facts.iter().find(|(who, _)| *who == Subject::Host("db-1".parse().expect("a name"))).expect("db-1");
    assert_eq!(serial.trim().to_lowercase(), format!("serial={}", db_1.1.serial));
}

#[test]
fn cas_that_openssl_made_are_judged() {
    if !has_openssl() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let make = |name: &str, key: &str, subject: &str, more: &str| {
        let line = format!(
            "req -x509 -newkey {key} -nodes -keyout {name}.key -out {name}.crt -days 3650 -subj {subject} -config /dev/null{more}"
        );
        let mut arguments: Vec<&str> = line.split(' ').collect();
        // An empty configuration has no name section, and openssl wants one.
        std::fs::write(path.join("req.cnf"), "[req]\ndistinguished_name=dn\n[dn]\n").expect("a file");
        arguments.iter_mut().filter(|word| **word == "/dev/null").for_each(|word| *word = "req.cnf");
        let output = Command::new("openssl").args(arguments).current_dir(path).output().expect("openssl runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read = |end: &str| std::fs::read(path.join(format!("{name}.{end}"))).expect("a file");
        let key = VaultBytes::new(read("key"));
        let now = OffsetDateTime::now_utc();
        let (ca, found) = SuppliedCa::read(Some(("corp.crt", &read("crt"))), Some(("corp.key", &key)), None, now);
        let codes: Vec<Code> = found.into_iter().map(|(_, found)| found.code).collect();
        if codes.is_empty() { Ok(adopt(None, &ca.expect("a CA")).expect("no other")) } else { Err(codes) }
    };
    let ca = " -addext basicConstraints=critical,CA:TRUE";
    let good = make("good", "rsa:2048", "/O=Corp/CN=Root", ca).expect("a CA with a PKCS#8 key");
    let (vault, _) = nine_node::issue(Some(good), &small(), &cfy_seed::world::RealWorld);
    std::fs::write(path.join("db-1.crt"), vault.host(&small().hosts[0].host).expect("a pair").certificate_pem())
        .expect("a file");
    openssl(path, "verify -CAfile good.crt -purpose sslserver -verify_ip 10.0.0.11 db-1.crt");

    let refused = |result: Result<_, Vec<Code>>| result.map(|_: cfy_seed::vault::Opened| ()).expect_err("a refusal");
    assert_eq!(
        refused(make("ec", "ec -pkeyopt ec_paramgen_curve:P-256", "/CN=EC", ca)),
        [Code::CaUnfit, Code::KeyUnfit]
    );
    assert_eq!(refused(make("small", "rsa:1024", "/CN=Small", ca)), [Code::CaUnfit, Code::KeyUnfit]);
    let no_ca = " -addext basicConstraints=critical,CA:FALSE";
    assert_eq!(refused(make("leaf", "rsa:2048", "/CN=Leaf", no_ca)), [Code::CaUnfit]);
    let no_sign = format!("{ca} -addext keyUsage=digitalSignature");
    assert_eq!(refused(make("nosign", "rsa:2048", "/CN=NoSign", &no_sign)), [Code::CaUnfit]);
    assert_eq!(refused(make("twice", "rsa:2048", "/DC=corp/DC=example/CN=Root", ca)), [Code::CaUnfit]);
}

/// What the independent reader finds in a bundle after somebody changed it.
fn found(change: impl FnOnce(&mut BundledPki<'_>, &mut BundledPair<'_>), identity: &Identity) -> Vec<Code> {
    let (vault, _) = fresh(identity);
    let pair = vault.host(&identity.hosts[0].host).expect("a pair");
    let ca = vault.ca_certificate_pem();
    let addresses = [identity.hosts[0].ips[0]];
    let mut bundled = BundledPair {
        name: "db-1",
        purpose: Purpose::Host,
        certificate: pair.certificate_pem().as_bytes(),
        key: pair.key_pem().expose().as_bytes(),
        addresses: &addresses,
        dns: &["db-1"],
    };
    let mut bundle = BundledPki { host: "db-1", ca: ca.as_bytes(), pairs: &[], files: &[], at: NOW };
    change(&mut bundle, &mut bundled);
    let pairs = [bundled];
    bundle.pairs = &pairs;
    check_pki(&bundle).iter().map(|found| found.code).collect()
}

#[test]
fn the_independent_reader_finds_what_was_changed() {
    let identity = small();
    let other = on_disk(&fresh(&identity).0);
    // Leaked, so that they outlive every bundle that they are put into.
    let leaked = |path: &str| -> &'static [u8] { bytes(&other, path).leak() };
    let (other_ca, other_crt, other_key) = (leaked("ca.crt"), leaked("hosts/db-1.crt"), leaked("hosts/db-1.key"));
    assert_eq!(found(|_, _| (), &identity), []);
    assert_eq!(found(|bundle, _| bundle.ca = other_ca, &identity), [Code::BundledChain]);
    assert_eq!(found(|bundle, _| bundle.ca = b"nothing", &identity), [Code::BundledCertificateUnreadable]);
    assert_eq!(found(|bundle, _| bundle.at = datetime!(2040-01-01 00:00 UTC), &identity), [Code::BundledValidity]);
    assert_eq!(found(|_, pair| pair.key = other_key, &identity), [Code::BundledKey, Code::BundledForeignKey]);
    let address: &'static [_] = host("x", [10, 0, 0, 99]).ips.leak();
    assert_eq!(found(|_, pair| pair.addresses = &address[..1], &identity), [Code::BundledNames; 2]);
    assert_eq!(found(|_, pair| pair.dns = &["db-2"], &identity), [Code::BundledNames]);
    let files: &'static [(&str, &[u8])] = vec![("user-data", other_key)].leak();
    assert_eq!(found(|bundle, _| bundle.files = files, &identity), [Code::BundledForeignKey]);
    let mixed = found(|_, pair| pair.certificate = other_crt, &identity);
    assert!(mixed.contains(&Code::BundledChain) && mixed.contains(&Code::BundledKey), "{mixed:?}");
    // A client's certificate where a host's should be.
    let (vault, _) = fresh(&identity);
    let client = vault.client("postgres").expect("a pair");
    let ca = vault.ca_certificate_pem();
    let ca_key = bytes(&on_disk(&vault), "ca.key");
    let pair = BundledPair {
        name: "postgres",
        purpose: Purpose::Host,
        certificate: client.certificate_pem().as_bytes(),
        key: client.key_pem().expose().as_bytes(),
        addresses: &[],
        dns: &[],
    };
    let files: &[(&str, &[u8])] = &[("user-data", &ca_key)];
    let bundle = BundledPki { host: "db-1", ca: ca.as_bytes(), pairs: &[pair], files, at: NOW };
    let codes: Vec<Code> = check_pki(&bundle).iter().map(|found| found.code).collect();
    assert_eq!(codes, [Code::BundledUsage, Code::BundledCaKey]);
}

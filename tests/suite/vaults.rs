//! Vaults that are not what they should be, as a person meets them. Nothing is built then, and nothing is changed.

use std::fs;

use crate::support::{Output, Scratch, cfy_seed, files, mode};

/// Builds and plans from a fixture that was tampered with; both refuse with this code and touch nothing.
fn refused(code: &str, tamper: impl FnOnce(&Scratch)) -> Output {
    let scratch = Scratch::fixture("all-in-one");
    tamper(&scratch);
    let before = files(scratch.path().as_std_path());
    cfy_seed(scratch.path()).args(&["plan", "--vault", "vault"]).exits(1);
    let output = cfy_seed(scratch.path()).args(&["build", "--vault", "vault"]).exits(1);
    assert!(output.stderr.contains(&format!("error[{code}]")), "{code}: {}", output.stderr);
    assert!(output.stderr.contains("help: "), "{code} does not say what to do: {}", output.stderr);
    assert!(!output.stderr.contains("PRIVATE KEY--"), "{}", output.stderr);
    let mut after = files(scratch.path().as_std_path());
    after.retain(|(path, _)| !path.ends_with("lock") && !path.ends_with(".gitignore"));
    assert!(after == before, "{code}: files changed");
    output
}

#[test]
fn of_another_cluster() {
    refused("CFY-V001", |scratch| {
        let spec = fs::read_to_string(scratch.spec()).expect("a spec");
        scratch.write("cluster.yaml", spec.replace("name: single", "name: other"));
    });
}

#[test]
fn damaged() {
    for (file, text) in [
        ("vault.yaml", ""),
        ("vault.yaml", "schema: ["),
        ("secrets.yaml", "nonsense\n"),
        ("ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ("hosts/cloudify.crt", "half of it"),
        ("hosts/cloudify.key", "\0"),
    ] {
        refused("CFY-V002", |scratch| fs::write(scratch.join("vault").join(file), text).expect("a file"));
    }
}

#[test]
fn of_a_newer_version() {
    refused("CFY-V003", |scratch| {
        let path = scratch.join("vault/vault.yaml");
        let text = fs::read_to_string(&path).expect("a file");
        fs::write(path, text.replace("vault/v1", "vault/v2")).expect("a file");
    });
}

#[test]
fn readable_by_others() {
    for (path, bits) in
        [("vault", 0o750), ("vault/ca.key", 0o640), ("vault/hosts", 0o701), ("vault/secrets.yaml", 0o604)]
    {
        refused("CFY-V004", |scratch| fs::set_permissions(scratch.join(path), mode(bits)).expect("a mode"));
    }
}

#[test]
fn with_a_key_of_another_certificate() {
    refused("CFY-V005", |scratch| {
        fs::copy(scratch.join("vault/ca.key"), scratch.join("vault/hosts/cloudify.key")).expect("a key");
    });
}

#[test]
fn without_its_ca() {
    refused("CFY-V009", |scratch| fs::remove_file(scratch.join("vault/ca.crt")).expect("a file"));
    refused("CFY-V009", |scratch| {
        fs::remove_file(scratch.join("vault/ca.key")).expect("a file");
        fs::remove_file(scratch.join("vault/hosts/cloudify.crt")).expect("a file");
        fs::remove_file(scratch.join("vault/hosts/cloudify.key")).expect("a file");
    });
}

/// A CA key that is kept elsewhere: fine as long as nothing is to be issued.
#[test]
fn without_a_ca_key_that_nobody_needs() {
    let scratch = Scratch::fixture("all-in-one");
    fs::remove_file(scratch.join("vault/ca.key")).expect("a file");
    cfy_seed(scratch.path()).args(&["build", "--vault", "vault"]).exits(0);
}

#[test]
fn with_the_ca_of_another_vault() {
    let other = Scratch::fixture("nine-node");
    refused("CFY-V015", |scratch| {
        for file in ["ca.crt", "ca.key"] {
            fs::copy(other.join("vault").join(file), scratch.join("vault").join(file)).expect("a file");
        }
    });
}

#[test]
fn that_is_a_file() {
    let scratch = Scratch::fixture("all-in-one");
    fs::remove_dir_all(scratch.join("vault")).expect("a vault");
    scratch.write("vault", "mine");
    let output = cfy_seed(scratch.path()).args(&["build", "--vault", "vault"]).run();
    assert!(matches!(output.code, Some(1 | 2)), "{}", output.all());
    assert_eq!(fs::read_to_string(scratch.join("vault")).expect("a file"), "mine");
}

#[test]
fn lost_pieces_that_can_be_made_anew_are() {
    let scratch = Scratch::fixture("all-in-one");
    for file in ["hosts/cloudify.crt", "hosts/cloudify.key"] {
        fs::remove_file(scratch.join("vault").join(file)).expect("a file");
    }
    cfy_seed(scratch.path()).args(&["build", "--vault", "vault"]).exits(0).says("host cloudify: key and certificate");
}

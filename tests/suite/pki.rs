//! Certificates that somebody else signs, as a person meets them: a CA of one's own, and a CA outside.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Output, Scratch, cfy_seed, files, root};

/// A single host whose spec names this CA; the files of `tests/bad-specs/pki` are beside it.
fn with_ca(ca: &str) -> Scratch {
    let scratch = Scratch::new();
    let spec = fs::read_to_string(root().join("tests/fixtures/all-in-one/cluster.yaml")).expect("a spec");
    scratch.write("cluster.yaml", format!("{spec}\npki: {{ca: {ca}}}\n"));
    for (name, bytes) in files(&root().join("tests/bad-specs/pki")) {
        scratch.write(&format!("pki/{name}"), bytes);
    }
    scratch
}

fn build(scratch: &Scratch, more: &[&str]) -> Output {
    cfy_seed(scratch.path()).args(&["build"]).args(more).run()
}

/// Nothing of the CA's key is in what was written, and nothing of a passphrase in what was said.
fn clean(scratch: &Scratch, output: &Output) {
    cfy_seed(scratch.path()).args(&["verify"]).exits(0);
    assert!(!scratch.join("single.vault/ca.key").exists());
    let key = fs::read_to_string(scratch.join("pki/ca.key")).expect("a key");
    let line = key.lines().nth(5).expect("a line");
    for place in ["out", "single.vault"] {
        for (name, bytes) in files(scratch.join(place).as_std_path()) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(line) && !text.contains("TOPSECRET"), "{place}/{name}");
        }
    }
    assert!(!output.all().contains("TOPSECRET") && !output.all().contains("PRIVATE KEY--"), "{}", output.all());
}

#[test]
fn a_ca_of_ones_own_signs() {
    let scratch = with_ca("{cert: pki/ca.crt, key: pki/ca.key}");
    let output = build(&scratch, &[]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    clean(&scratch, &output);
    let ca = fs::read_to_string(scratch.join("pki/ca.crt")).expect("a certificate");
    assert_eq!(fs::read_to_string(scratch.join("single.vault/ca.crt")).expect("a certificate"), ca);
    // Nothing is to be issued: the key may go, and the spec may forget it.
    let before = files(scratch.join("out").as_std_path());
    fs::remove_file(scratch.join("pki/ca.key")).expect("a key");
    let spec = fs::read_to_string(scratch.spec()).expect("a spec").replace(", key: pki/ca.key", "");
    scratch.write("cluster.yaml", &spec);
    assert_eq!(build(&scratch, &[]).code, Some(0));
    assert!(files(scratch.join("out").as_std_path()) == before);
    // A new address needs it again.
    scratch.write("cluster.yaml", spec.replace("private_ip: 10.0.0.31", "private_ip: 10.0.0.32"));
    let output = build(&scratch, &[]);
    assert_eq!(output.code, Some(1));
    output.says("error[CFY-V009]").says("it does not name 10.0.0.32").says("pki.ca.key");
}

#[test]
fn another_ca_than_the_vaults_is_refused() {
    let scratch = with_ca("{cert: pki/ca.crt, key: pki/ca.key}");
    assert_eq!(build(&scratch, &["--vault", "own"]).code, Some(0));
    let text = fs::read_to_string(scratch.spec()).expect("a spec");
    scratch.write("cluster.yaml", text.split("\npki:").next().expect("a spec"));
    assert_eq!(build(&scratch, &[]).code, Some(0));
    scratch.write("cluster.yaml", text);
    let output = build(&scratch, &[]);
    assert_eq!(output.code, Some(1));
    output.says("error[CFY-V015]");
}

#[test]
fn a_passphrase_opens_the_key_and_is_not_on_the_command_line() {
    for key in ["locked", "scrypt"] {
        let scratch = with_ca(&format!("{{cert: pki/ca.crt, key: pki/{key}.key}}"));
        let output = build(&scratch, &[]);
        assert_eq!(output.code, Some(1));
        output.says("error[CFY-V019]").says("--ca-passphrase-file");
        let output = build(&scratch, &["--ca-passphrase-file", "pki/wrong-passphrase"]);
        assert_eq!(output.code, Some(1));
        assert!(!output.all().contains("TOPSECRET"), "{}", output.all());
        output.says("error[CFY-V020]");
        assert!(!scratch.join("single.vault/vault.yaml").exists());

        let output = build(&scratch, &["--ca-passphrase-file", "pki/passphrase"]);
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        clean(&scratch, &output);
        // Nothing is to be issued any more: nobody is asked.
        assert_eq!(build(&scratch, &[]).code, Some(0));
    }
    let scratch = with_ca("{cert: pki/ca.crt, key: pki/locked.key, passphrase_file: pki/passphrase}");
    let output = build(&scratch, &[]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    clean(&scratch, &output);
}

#[test]
fn a_passphrase_comes_from_stdin() {
    let scratch = with_ca("{cert: pki/ca.crt, key: pki/locked.key}");
    let mut program = cfy_seed(scratch.path()).args(&["build", "--ca-passphrase-file", "-"]).0;
    let mut child =
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    child.stdin.take().expect("stdin").write_all(b"TOPSECRET passphrase\r\n").expect("written");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(scratch.join("single.vault/ca.crt").exists());
}

//! Certificates that somebody else signs, as a person meets them: a CA of one's own, and a CA outside.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Output, Scratch, cfy_seed, files, modes, root};

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

#[test]
fn a_plan_needs_no_passphrase() {
    let scratch = with_ca("{cert: pki/ca.crt, key: pki/locked.key}");
    let output = cfy_seed(scratch.path()).args(&["plan"]).exits(0);
    assert!(output.stdout.contains("host cloudify: key and certificate issued"), "{}", output.stdout);
    output.says("note[CFY-V019]");
    assert!(!scratch.join("single.vault").exists());
}

/// Requests say nothing secret and may be read by all; keys may not. What is in the way is not touched.
#[test]
fn requests_go_where_they_should() {
    let scratch = with_ca("{cert: pki/ca.crt}");
    let csr = |out: &str| cfy_seed(scratch.path()).args(&["pki", "csr", "--out", out]).run();
    scratch.write("file", "mine");
    let output = csr("file");
    assert_eq!(output.code, Some(1));
    output.says("error[CFY-B002]");
    assert_eq!(fs::read_to_string(scratch.join("file")).expect("a file"), "mine");
    assert_eq!(csr("requests").code, Some(0));
    let modes_of = |name: &str| modes(scratch.join(name).as_std_path());
    assert!(modes_of("requests").iter().all(|(name, mode)| *mode == if name == "." { 0o700 } else { 0o644 }));
    assert!(
        modes_of("single.vault/hosts").iter().all(|(name, mode)| *mode == if name == "." { 0o700 } else { 0o600 })
    );
    assert_eq!(csr("nowhere/requests").code, Some(2), "the directory above is not there");
    // The CA is known; what it has signed is not here yet, and no key of it is.
    let output = build(&scratch, &[]);
    assert_eq!(output.code, Some(1));
    output.says("error[CFY-V009]").says("pki csr");
}

#[test]
fn imports_that_cannot_be_read_change_nothing() {
    let scratch = with_ca("{cert: pki/ca.crt}");
    let import = |from: &str| cfy_seed(scratch.path()).args(&["pki", "import", from]).exits(1);
    scratch.write("file", "mine");
    fs::create_dir(scratch.join("empty")).expect("a directory");
    scratch.write("large/ca.crt", vec![b'x'; 300 << 10]);
    import("nowhere").says("error[CFY-S009]");
    import("file").says("error[CFY-S009]");
    import("large").says("error[CFY-S009]");
    import("empty").says("error[CFY-V022]: host cloudify has no key");
    assert!(!scratch.join("single.vault/vault.yaml").exists());
}

#[test]
fn a_check_tells_what_is_missing() {
    let scratch = Scratch::fixture("all-in-one");
    let check = |more: &[&str]| cfy_seed(scratch.path()).args(&["pki", "check"]).args(more).run();
    let output = check(&["--vault", "nowhere"]);
    assert_eq!(output.code, Some(1));
    output.says("there is no vault at nowhere");
    assert_eq!(check(&["--vault", "vault", "--within", "1d"]).code, Some(0));
    assert_eq!(check(&["--vault", "vault", "--within", "36500d"]).code, Some(1));
    for wrong in ["30", "d", "-1d", "+3d", "1y", "36501d", "99999999999d"] {
        assert_eq!(check(&[&format!("--within={wrong}")]).code, Some(64), "{wrong}");
    }
    let spec = fs::read_to_string(scratch.spec()).expect("a spec");
    scratch.write("cluster.yaml", spec.replace("10.0.0.31", "10.0.0.32"));
    let output = check(&["cluster.yaml", "--vault", "vault"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.contains("new names: 10.0.0.32"), "{}", output.stdout);
    scratch.write("cluster.yaml", spec.replace("name: cloudify,", "name: other,"));
    let output = check(&["cluster.yaml", "--vault", "vault"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.contains("host other  -"), "{}", output.stdout);
}

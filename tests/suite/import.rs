//! `cfy-seed import`: the vendor's file as a person has it, and what becomes of it.
//!
//! `CFY_BLESS=1 cargo test --test suite import` writes `tests/golden/import` anew, and fails: look at the difference.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Output, Scratch, cfy_seed, files, modes, root};

/// The fixtures with a licence, and the CAs that they name.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    for (name, bytes) in files(&root().join("tests/fixtures/import")) {
        scratch.write(&name, bytes);
    }
    let ca = fs::read(root().join("tests/fixtures/external-db/database-ca.pem")).expect("a CA");
    scratch.write("rds-ca.pem", &ca);
    scratch.write("corp-ca.pem", &ca);
    scratch.write("license.yaml", "license: test\n");
    scratch
}

fn import(scratch: &Scratch, file: &str) -> Output {
    cfy_seed(scratch.path()).args(&["import", &format!("{file}.yaml"), "--name", "moved", "--out", "new"]).run()
}

/// Imports a fixture, compares its spec with the accepted one, and sees it checked, built and verified. Nothing secret of
/// it is said.
fn accepted(scratch: &Scratch, file: &str) -> Output {
    let output = import(scratch, file);
    assert_eq!(output.code, Some(0), "{file}: {}", output.stderr);
    assert!(!output.all().contains("TOPSECRET"), "{file}: {}", output.all());
    let spec = fs::read_to_string(scratch.join("new/cluster.yaml")).expect("a spec");
    golden(&format!("{file}.yaml"), &spec);
    let checked = cfy_seed(scratch.path()).args(&["check", "new/cluster.yaml"]).exits(0);
    let built = cfy_seed(scratch.path()).args(&["build", "new/cluster.yaml"]).exits(0);
    assert!(!checked.all().contains("TOPSECRET") && !built.all().contains("TOPSECRET"));
    cfy_seed(scratch.path()).args(&["verify"]).exits(0);
    output
}

fn golden(name: &str, found: &str) {
    let path = root().join("tests/golden/import").join(name);
    if std::env::var_os("CFY_BLESS").is_some() && fs::read_to_string(&path).ok().as_deref() != Some(found) {
        assert!(std::env::var_os("CI").is_none(), "nothing is accepted where nobody looks");
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, found).expect("a file");
        panic!("{name} written: look at the difference, then run without CFY_BLESS");
    }
    assert_eq!(found, fs::read_to_string(&path).unwrap_or_default(), "{name} (CFY_BLESS=1 accepts it)");
}

/// The codes and messages that a run said, without their places.
fn said(output: &Output, code: &str) -> Vec<String> {
    let lines = output.stderr.lines().filter(|line| line.contains(&format!("[{code}]: ")));
    lines.map(str::to_owned).collect()
}

/// What a plan says of each host: roles with their places, addresses.
fn hosts(scratch: &Scratch) -> BTreeMap<String, Value> {
    let output = cfy_seed(scratch.path()).args(&["plan", "new/cluster.yaml", "--format", "json"]).exits(0);
    let plan: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let hosts = plan["hosts"].as_array().expect("hosts").clone();
    hosts.into_iter().map(|host| (host["name"].as_str().expect("a name").to_owned(), host)).collect()
}

fn credential(scratch: &Scratch, name: &str) -> String {
    let output =
        cfy_seed(scratch.path()).args(&["credentials", name, "--pipe", "--spec", "new/cluster.yaml"]).exits(0);
    output.stdout.trim_end().to_owned()
}

#[test]
fn nine_machines_become_nine_hosts_in_the_order_of_their_numbers() {
    let scratch = scratch();
    let output = accepted(&scratch, "nine-nodes");
    let places = hosts(&scratch);
    assert_eq!(places.len(), 9);
    for (name, role, index) in
        [("postgresql-2", "database", 2), ("rabbitmq-3", "broker", 3), ("cfy-mgr-2", "manager", 2)]
    {
        let roles = &places[name]["roles"];
        assert_eq!((roles[0]["role"].as_str(), roles[0]["index"].as_u64()), (Some(role), Some(index)), "{name}");
    }
    assert_eq!(places["cfy-mgr-1"]["public_ip"], "192.0.2.31");
    assert_eq!(places["cfy-mgr-1"]["fqdn"], "cfy-mgr-1.example.com");
    // The balancer is in the managers' certificates.
    let certificate = fs::read(scratch.join("new/moved.vault/hosts/cfy-mgr-1.crt")).expect("a certificate");
    let (_, pem) = x509_parser::pem::parse_x509_pem(&certificate).expect("PEM");
    let names = format!("{:?}", pem.parse_x509().expect("DER").subject_alternative_name());
    assert!(names.contains("192.0.2.10"), "{names}");
    assert_eq!(said(&output, "CFY-S041").len(), 1, "{}", output.stderr);
    output.says("nobody logs in to install").says("--> nine-nodes.yaml:2:1");
}

#[test]
fn credentials_go_to_the_vault_and_nowhere_else() {
    let scratch = scratch();
    let output = accepted(&scratch, "three-nodes-credentials");
    for (name, value) in [
        ("admin_password", "TOPSECRET-admin"),
        ("postgres_password", "TOPSECRET-postgres"),
        ("etcd_cluster_token", "TOPSECRET-token"),
        ("etcd_root_password", "TOPSECRET-etcd-root"),
        ("etcd_patroni_password", "TOPSECRET-etcd-patroni"),
        ("patroni_rest_password", "TOPSECRET-rest"),
        ("replicator_password", "TOPSECRET-replicator"),
        ("db_monitoring_password", "TOPSECRET-monitoring"),
        ("rabbitmq_password", "TOPSECRET-rabbit"),
        ("erlang_cookie", "TOPSECRETcookie"),
        ("prometheus_password", "TOPSECRET-prometheus"),
    ] {
        assert_eq!(credential(&scratch, name), value);
    }
    for (name, bytes) in files(scratch.join("new").as_std_path()) {
        let secret = String::from_utf8_lossy(&bytes).contains("TOPSECRET");
        assert_eq!(secret, name == "moved.vault/secrets.yaml", "{name}");
    }
    for (name, mode) in modes(scratch.join("new").as_std_path()) {
        let open = ["cluster.yaml", "license.yaml"].contains(&name.as_str()) || name.ends_with(".gitignore");
        assert!(mode & 0o077 == 0 || open, "{name} has {mode:o}");
    }
    // Four users lose their names, and the login is explained away.
    assert_eq!(said(&output, "CFY-S041").len(), 5, "{}", output.stderr);
    assert_eq!(hosts(&scratch)["node-2"]["roles"].as_array().expect("roles").len(), 3);
}

#[test]
fn six_machines_use_the_database_that_is_there() {
    let scratch = scratch();
    let output = accepted(&scratch, "six-nodes-external-db");
    output.says("[CFY-S044]").says("licence/cloudify.yaml does not exist").says("[CFY-S045]");
    assert_eq!(hosts(&scratch).len(), 6);
    assert_eq!(credential(&scratch, "cloudify_db_password"), "TOPSECRET-cloudify");
    // The only secret that a spec must have: the spec is for its owner only.
    let mode =
        |name: &str| modes(scratch.join("new").as_std_path()).into_iter().find(|(n, _)| n == name).map(|(_, m)| m);
    assert_eq!(mode("cluster.yaml"), Some(0o600));
    let ca = fs::read(scratch.join("rds-ca.pem")).expect("a CA");
    assert_eq!(fs::read(scratch.join("new/database-ca.pem")).expect("a CA"), ca);
}

#[test]
fn a_directory_goes_along_where_the_version_takes_it() {
    let scratch = scratch();
    accepted(&scratch, "ldap-5.2");
    fs::remove_dir_all(scratch.join("new")).expect("removed");
    let later = fs::read_to_string(scratch.join("ldap-5.2.yaml")).expect("a file").replace("5.2.1", "6.4.2");
    scratch.write("later.yaml", later);
    let output = import(&scratch, "later");
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let spec = fs::read_to_string(scratch.join("new/cluster.yaml")).expect("a spec");
    assert!(!spec.contains("ldap") && !spec.contains("TOPSECRET"), "{spec}");
    output.says("takes no LDAP at its installation").says("--> later.yaml:7:3").says("cfy ldap");
}

#[test]
fn configs_of_their_own_become_settings() {
    let scratch = scratch();
    let output = accepted(&scratch, "own-configs");
    assert_eq!(credential(&scratch, "rabbitmq_password"), "TOPSECRET-rabbit");
    assert_eq!(credential(&scratch, "erlang_cookie"), "TOPSECRETcookie");
    output
        .says("`no_such_section.key` is no setting")
        .says("--> configs/manager-2.yaml:11:19")
        .says("the installer is a file");
    let user_data = fs::read_to_string(scratch.join("out/moved/hosts/manager-2/user-data")).expect("user-data");
    assert!(user_data.contains("max_worker") && !user_data.contains("no_such_section"));
    // Two configs that contradict each other have no place in one cluster.
    let text = fs::read_to_string(scratch.join("configs/manager-2.yaml")).expect("a config");
    scratch.write("configs/manager-2.yaml", text.replace("TOPSECRET-rabbit", "TOPSECRET-hare"));
    fs::remove_dir_all(scratch.join("new")).expect("removed");
    let output = import(&scratch, "own-configs");
    assert_eq!(output.code, Some(1));
    assert!(!output.all().contains("TOPSECRET") && !scratch.join("new").exists());
    output.says("two values for `rabbitmq_password`");
}

/// Certificates that do for the hosts of `own-certificates.yaml`, as another CA's people would have made them.
fn with_certificates() -> Scratch {
    let scratch = scratch();
    let file = fs::read_to_string(scratch.join("own-certificates.yaml")).expect("a file");
    scratch.write("without.yaml", file.replace("ca_cert_path: 'certs/ca.pem'", "ca_cert_path: ''"));
    cfy_seed(scratch.path())
        .args(&["import", "without.yaml", "--name", "old"])
        .exits(0)
        .says("without `ca_cert_path`");
    cfy_seed(scratch.path()).args(&["build", "old/cluster.yaml"]).exits(0);
    let from = |name: &str| fs::read(scratch.join("old/old.vault").join(name)).expect("a file");
    scratch.write("certs/ca.pem", from("ca.crt"));
    scratch.write("certs/ca.key", from("ca.key"));
    for n in 1..=3 {
        scratch.write(&format!("certs/node-{n}.crt"), from(&format!("hosts/cfy-{n}.crt")));
        scratch.write(&format!("certs/node-{n}.key"), from(&format!("hosts/cfy-{n}.key")));
    }
    fs::remove_dir_all(scratch.join("out")).expect("removed");
    scratch
}

#[test]
fn certificates_that_do_are_taken_into_the_vault() {
    let scratch = with_certificates();
    let output = accepted(&scratch, "own-certificates").says("1 credential and 3 certificates in its vault");
    for n in 1..=3 {
        for kind in ["crt", "key"] {
            let kept = fs::read(scratch.join(&format!("new/moved.vault/hosts/cfy-{n}.{kind}"))).expect("a file");
            let given = fs::read(scratch.join(&format!("certs/node-{n}.{kind}"))).expect("a file");
            assert_eq!(kept, given, "node {n}");
        }
    }
    assert!(!scratch.join("new/moved.vault/ca.key").exists());
    assert_eq!(credential(&scratch, "admin_password"), "TOPSECRET-admin");
    drop(output);
}

#[test]
fn a_ca_with_its_key_signs_anew() {
    let scratch = with_certificates();
    let text = fs::read_to_string(scratch.join("own-certificates.yaml")).expect("a file");
    scratch.write("with-key.yaml", text.replace("existing_vms", "ca_key_path: certs/ca.key\nexisting_vms"));
    let output = import(&scratch, "with-key");
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    cfy_seed(scratch.path()).args(&["build", "new/cluster.yaml"]).exits(0);
    let same = |name: &str| fs::read(scratch.join("new/moved.vault").join(name)).expect("a file");
    assert_eq!(same("ca.crt"), fs::read(scratch.join("certs/ca.pem")).expect("a CA"));
    let key = fs::read_to_string(scratch.join("certs/ca.key")).expect("a key");
    let line = key.lines().nth(3).expect("a line");
    for (name, bytes) in files(scratch.join("new").as_std_path()) {
        assert!(!String::from_utf8_lossy(&bytes).contains(line), "the CA's key is in {name}");
    }
}

#[test]
fn certificates_that_lack_something_stop_nothing_and_wrong_ones_do() {
    let scratch = with_certificates();
    let text = fs::read_to_string(scratch.join("own-certificates.yaml")).expect("a file");
    let pki = root().join("tests/bad-specs/pki");
    let with = |name: &str, text: &str| {
        let _ = fs::remove_dir_all(scratch.join("new"));
        scratch.write("changed.yaml", text);
        let output = import(&scratch, "changed");
        assert!(!output.all().contains("PRIVATE KEY--"), "{name}: {}", output.all());
        output
    };
    // An address that the certificate does not name; and 7.0, which wants client certificates that the file cannot name.
    for (what, from, to) in [("address", "192.0.2.2,", "192.0.2.9,"), ("version", "6.4.2", "7.0.4")] {
        let output = with(what, &text.replace(from, to));
        assert_eq!(output.code, Some(0), "{what}: {}", output.stderr);
        assert!(!scratch.join("new/moved.vault/hosts").exists(), "{what}: some were taken");
        let all = output.all();
        assert!(all.contains("no certificate was carried over") && all.contains("pki csr"), "{what}: {all}");
        cfy_seed(scratch.path()).args(&["build", "new/cluster.yaml"]).exits(0);
        fs::remove_dir_all(scratch.join("out")).expect("removed");
    }
    for (file, code) in
        [("locked.key", "CFY-V010"), ("other.key", "CFY-V005"), ("ec.key", "CFY-V010"), ("empty.pem", "CFY-V018")]
    {
        scratch.write("certs/wrong.key", fs::read(pki.join(file)).expect("a key"));
        let output = with(file, &text.replace("certs/node-2.key", "certs/wrong.key"));
        assert_eq!(output.code, Some(1), "{file}: {}", output.stderr);
        assert!(!scratch.join("new").exists(), "{file}: something was written");
        output.says(&format!("[{code}]")).says("certs/wrong.key").says("--> changed.yaml:9:");
    }
    let output = with("swapped", &text.replace("certs/node-2.key", "certs/node-3.key"));
    assert_eq!(output.code, Some(1));
    output.says("[CFY-V005]");
    let output = with("another CA", &text.replace("certs/ca.pem", "rds-ca.pem"));
    assert_eq!(output.code, Some(1));
    output.says("[CFY-V008]").says("--> changed.yaml:8:");
    let output = with("missing", &text.replace("certs/node-1.crt", "certs/none.crt"));
    assert_eq!(output.code, Some(1));
    output.says("[CFY-S044]").says("certs/none.crt does not exist");
}

#[test]
fn nothing_is_written_over_and_nothing_is_half_written() {
    let scratch = scratch();
    fs::create_dir(scratch.join("new")).expect("a directory");
    let output = import(&scratch, "nine-nodes");
    assert_eq!(output.code, Some(1));
    output.says("[CFY-B002]").says("new is there already");
    fs::remove_dir(scratch.join("new")).expect("removed");
    std::os::unix::fs::symlink("nowhere", scratch.join("new")).expect("a link");
    assert_eq!(import(&scratch, "nine-nodes").code, Some(1));
    fs::remove_file(scratch.join("new")).expect("removed");
    // What the check of the result finds is said where the vendor's file has it, and leaves nothing.
    let text = fs::read_to_string(scratch.join("nine-nodes.yaml")).expect("a file");
    scratch.write("twice.yaml", text.replace("10.11.0.32", "10.11.0.31"));
    let before = files(scratch.path().as_std_path()).len();
    let output = import(&scratch, "twice");
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    output.says("[CFY-P005]").says("--> twice.yaml:29:").says("nothing was written");
    scratch.write("old.yaml", text.replace("6.4.2", "5.0.5"));
    assert_eq!(import(&scratch, "old").says("[CFY-P001]").says("--> old.yaml:6:").code, Some(1));
    assert_eq!(files(scratch.path().as_std_path()).len(), before + 1);
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let left =
        fs::read_dir(scratch.path()).expect("a directory").flatten().filter(|entry| hidden(&entry.path())).count();
    assert_eq!(left, 0, "something of a staging directory is left");
}

#[test]
fn everything_wrong_is_said_in_one_pass() {
    let scratch = scratch();
    let output = import(&scratch, "wrong");
    assert_eq!(output.code, Some(1));
    golden("wrong.stderr", &output.stderr);
    assert!(!scratch.join("new").exists() && !output.all().contains("TOPSECRET"), "{}", output.all());
}

/// What the tool's own `generate-config` writes and nobody has filled in, or not wholly.
#[test]
fn a_machine_that_is_not_filled_in_is_told() {
    let scratch = scratch();
    let text = fs::read_to_string(scratch.join("nine-nodes.yaml")).expect("a file");
    scratch.write("partly.yaml", text.replace("10.11.0.12", "").replace("10.11.0.33", ""));
    let output = import(&scratch, "partly");
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert_eq!(
        said(&output, "CFY-S004"),
        ["error[CFY-S004]: `manager-3` has no `private_ip`", "error[CFY-S004]: `postgresql-2` has no `private_ip`"]
    );
    let blank = unfilled(&text);
    scratch.write("blank.yaml", blank);
    let output = import(&scratch, "blank");
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert_eq!(said(&output, "CFY-S004").len(), 10, "nine machines and the installer: {}", output.stderr);
}

/// Every value of the file but numbers and booleans made `''`.
fn unfilled(text: &str) -> String {
    let mut parts = text.split('\'');
    let mut blank = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        blank.push('\'');
        blank.push_str(if at % 2 == 0 { "" } else { part });
    }
    blank
}

#[test]
fn what_nobody_looks_at_is_said() {
    let scratch = scratch();
    let file = "manager_rpm_path: http://m.example.com/cloudify-manager-install-7.0.4-ga.el8.x86_64.rpm\n\
        ca_key_path: ca.key\nldap: {domain: example.com}\nexisting_vms:\n  \
        a: {private_ip: 10.0.0.1, config_path: one.yaml}\n  \
        b: {private_ip: 10.0.0.2, config_path: {manger_config_path: two.yaml}}\n  \
        c: {private_ip: 10.0.0.3, key_path: c.key, colour: red}\n";
    scratch.write("ca.key", "no key\n");
    scratch.write("odd.yaml", file);
    let output = import(&scratch, "odd");
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let messages = said(&output, "CFY-S041").join("\n");
    for part in [
        "ca_key_path",
        "`ldap` without `server`",
        "names a file for each role",
        "names no config",
        "colour",
        "without `ca_cert_path` is not used",
    ] {
        assert!(messages.contains(part), "{part}: {messages}");
    }
    assert_eq!(said(&output, "CFY-S041").len(), 6, "{messages}");
}

#[test]
fn hostile_files_are_told_and_harm_nothing() {
    let scratch = scratch();
    let bomb: String =
        (1..12).map(|n| format!("a{n}: &a{n} [{}]\n", format!("*a{}, ", n - 1).repeat(9) + "x")).collect();
    let odd =
        |value: &str| format!("existing_vms: {value}\nmanager_rpm_path: cloudify-manager-install-7.0.4-ga.el8.rpm\n");
    for text in [
        String::new(),
        "[".repeat(60_000),
        format!("a0: &a0 x\n{bomb}existing_vms: *a11\n"),
        "existing_vms: {a: &a {b: *a}}\n".to_owned(),
        "!!python/object/apply:os.system [touch /pwned]\n".to_owned(),
        "just text\n".to_owned(),
        "- a\n- b\n".to_owned(),
        odd("[]"),
        odd("{}"),
        odd("3"),
        odd("{? [a] : b}"),
        odd("{node-1: {private_ip: ../../etc}, node-2: [], node-3: ~}"),
        odd("{'manager-1\\n  evil': {private_ip: 10.0.0.1, hostname: \"x\\n- y: {\"}}"),
        odd("{manager-1: {private_ip: 10.0.0.1, config_path: {manager_config_path: []}}}"),
        odd("{manager-1: {private_ip: 10.0.0.1, config_path: /dev/zero}}"),
        format!(
            "ca_cert_path: /etc\n{}",
            odd("{node-1: {private_ip: 10.0.0.1, cert_path: /dev/tty, key_path: /proc/self/mem}}")
        ),
        format!("cloudify_license_path: /dev/zero\n{}", odd("{manager-1: {private_ip: 10.0.0.1}}")),
        "existing_vms: {m: {ssh_password: TOPSECRET\n".to_owned(),
        "credentials: {manager: {admin_password: TOPSECRET\n".to_owned(),
    ] {
        scratch.write("hostile.yaml", &text);
        let output = import(&scratch, "hostile");
        assert_eq!(output.code, Some(1), "{text:.60}: {}", output.all());
        assert!(
            output.stderr.contains("error[CFY-") && !output.stderr.contains("panicked"),
            "{text:.60}: {}",
            output.stderr
        );
        assert!(!output.all().contains("TOPSECRET"), "{}", output.all());
        assert!(!scratch.join("new").exists(), "{text:.60}");
    }
    scratch.write("hostile.yaml", b"\xff\xfe\x00");
    assert_eq!(import(&scratch, "hostile").code, Some(1));
    assert_eq!(import(&scratch, "none").code, Some(1));
}

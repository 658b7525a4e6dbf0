//! `config` and `cloud_init`: who gets what, merged how, and that it is what was written.

use serde_json::json;

use crate::support::{Bundle, Host, Scratch, cfy_seed, files};

/// The nine nodes with these lines, and this behind db-2's address.
fn nine(lines: &str, of_db_2: &str) -> Bundle {
    let scratch = Scratch::fixture("nine-node");
    let spec = std::fs::read_to_string(scratch.spec()).expect("a spec");
    let host = "private_ip: 10.0.0.12";
    assert!(spec.contains(host));
    scratch.write("cluster.yaml", format!("{}{lines}", spec.replace(host, &format!("{host}{of_db_2}"))));
    Bundle::build(scratch)
}

fn config(bundle: &Bundle, host: &str, role: &str, pointer: &str) -> serde_json::Value {
    bundle.host(host).role(role).pointer(pointer).cloned().unwrap_or_default()
}

#[test]
fn settings_are_laid_over_by_cluster_role_and_host() {
    let bundle = nine(
        "config:
  all:
    validations: {skip_validations: true, supported_distros: [rhel], minimum_required_total_physical_memory_in_mb: 1000}
    restservice: {gunicorn: {worker_count: 4, note: 'yes'}}
  database: {validations: {minimum_required_total_physical_memory_in_mb: 2000}}
  manager: {restservice: {gunicorn: {worker_count: 8}}, new: {key: [1, 'a', null, true]}}
config_allow: [new.*]
",
        ", config: {database: {validations: {minimum_required_total_physical_memory_in_mb: 3000}}}",
    );
    let memory = "/validations/minimum_required_total_physical_memory_in_mb";
    for (host, role, wanted) in [
        ("db-1", "database", 2000),
        ("db-2", "database", 3000),
        ("broker-1", "broker", 1000),
        ("manager-3", "manager", 1000),
    ] {
        assert_eq!(config(&bundle, host, role, memory), wanted, "{host}");
        assert_eq!(config(&bundle, host, role, "/validations/supported_distros"), json!(["rhel"]), "lists replace");
        assert_eq!(config(&bundle, host, role, "/validations/skip_validations"), true, "{host}");
    }
    assert_eq!(
        config(&bundle, "manager-1", "manager", "/restservice"),
        json!({"gunicorn": {"worker_count": 8, "note": "yes"}})
    );
    assert_eq!(config(&bundle, "manager-1", "manager", "/new/key"), json!([1, "a", null, true]));
    assert!(config(&bundle, "broker-1", "broker", "/restservice").is_null(), "brokers have no such key");
    assert!(config(&bundle, "broker-1", "broker", "/new").is_null(), "said for managers only");
    verified(&bundle);
}

/// What may be a secret is in that role's config and nowhere else.
#[test]
fn a_secret_setting_ends_in_its_config_alone() {
    let secret = "Hidden0Setting1Word";
    let bundle = nine(&format!("config: {{manager: {{restservice: {{api_token: {secret}}}}}}}\n"), "");
    for (name, host) in &bundle.hosts {
        for (path, (mode, content)) in &host.files {
            let is_config = path.ends_with("/secret/files/manager.yaml");
            assert_eq!(content.contains(secret), is_config, "{name}: {path}");
            assert!(!is_config || mode == "0600", "{mode}");
        }
        assert!(!host.config.to_string().contains(secret), "{name}");
    }
    for (path, bytes) in files(bundle.tree.as_std_path()) {
        let holds = String::from_utf8_lossy(&bytes).contains(secret);
        assert!(!holds || path.starts_with("hosts/manager-"), "{path}");
    }
    let said = cfy_seed(bundle.scratch.path()).args(&["plan", "--vault", "vault"]).exits(0);
    assert!(!said.all().contains(secret));
}

/// Every key that a template writes is cfy-seed's own to answer for, but those that people may have other wishes for.
#[test]
fn what_templates_write_is_not_for_config_to_set() {
    const SETTABLE: [&[&str]; 2] = [&["sanity", "skip_sanity"], &["validations", "supported_distros"]];
    let profiles = cfy_seed::profile::Profiles::embedded().expect("sound profiles");
    for version in profiles.versions() {
        let contract = profiles.contract(format!("{version}.0").parse().expect("a version")).expect("a contract");
        for key in contract.roles.values().flat_map(|role| role.keys.keys()) {
            let path: Vec<&str> = key.split('.').collect();
            assert!(contract.ours(&path).is_some() != SETTABLE.contains(&path.as_slice()), "{version}: {key}");
        }
    }
}

fn paths(host: &Host) -> Vec<&str> {
    host.config["write_files"].as_array().expect("files").iter().filter_map(|file| file["path"].as_str()).collect()
}

#[test]
fn cloud_config_follows_ours() {
    let bundle = nine(
        "cloud_init:
  all:
    runcmd: [[echo, all]]
    write_files: [{path: /etc/all, content: 'yes', permissions: '0644'}]
    bootcmd: [echo boot]
    growpart: {mode: 'off', devices: [/]}
    disable_root: false
  database: {runcmd: [echo database], growpart: {devices: [/, /data]}, users: [{name: dba}]}
",
        ", cloud_init: {runcmd: [echo host], write_files: [{path: /etc/host}]}",
    );
    let (db, broker) = (bundle.host("db-2"), bundle.host("broker-1"));
    let runcmd = db.config["runcmd"].as_array().expect("commands");
    assert_eq!(runcmd[2][0], "systemctl", "ours come first");
    assert_eq!(runcmd[3..], [json!(["echo", "all"]), json!("echo database"), json!("echo host")]);
    assert_eq!(broker.config["runcmd"].as_array().expect("commands").len(), 4);
    assert_eq!(paths(db)[paths(db).len() - 2..], ["/etc/all", "/etc/host"]);
    assert_eq!(db.text("/etc/all"), "yes");
    assert_eq!(db.config["growpart"], json!({"mode": "off", "devices": ["/", "/", "/data"]}));
    assert_eq!(db.config["bootcmd"].as_array().expect("commands").last(), Some(&json!("echo boot")));
    assert_eq!(db.config["disable_root"], false);
    let users = db.config["users"].as_array().expect("users");
    assert_eq!(users.last(), Some(&json!({"name": "dba"})));
    assert_eq!(users.first(), Some(&json!("default")), "the image's own user is made all the same");
    verified(&bundle);
}

fn verified(bundle: &Bundle) {
    cfy_seed(bundle.scratch.path()).args(&["verify", bundle.tree.as_str()]).exits(0);
}

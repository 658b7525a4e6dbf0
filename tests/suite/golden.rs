//! Every byte that hosts get, from fixed vaults, against what was accepted before (`tests/golden`).
//!
//! `CFY_BLESS=1 cargo test --test suite golden` writes them anew, and fails: look at the difference before you commit
//! it. What comes from the vault or is the same static file on every host is a reference, not a copy.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::{Bundle, Host, PKI, Scratch, files, root};

#[test]
fn nine_nodes_and_a_balancer_are_what_was_accepted() {
    compare("nine-node", Bundle::nine_node());
}

#[test]
fn an_all_in_one_is_what_was_accepted() {
    compare("all-in-one", Bundle::all_in_one());
}

#[test]
fn three_nodes_are_what_was_accepted() {
    compare("three-node", Bundle::three_node());
}

#[test]
fn an_external_database_is_what_was_accepted() {
    compare("external-db", &Bundle::build(Scratch::fixture("external-db")));
}

#[test]
fn external_services_are_what_was_accepted() {
    compare("external-both", &Bundle::build(Scratch::fixture("external-both")));
}

/// Makes a fixture's vault where there is none.
#[test]
#[ignore = "makes what is committed"]
fn make_the_fixture_vaults() {
    for shape in ["nine-node", "three-node", "all-in-one", "external-db", "external-both"] {
        let home = root().join("tests/fixtures").join(shape).join("vault");
        if home.exists() {
            continue;
        }
        let bundle = Bundle::build(Scratch::fixture(shape));
        for (name, bytes) in files(bundle.scratch.join("vault").as_std_path()) {
            let to = home.join(name);
            fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
            fs::write(to, bytes).expect("a file");
        }
        // The one that a vault brings along keeps everything out of git.
        fs::remove_file(home.join(".gitignore")).expect("its own .gitignore");
    }
}

fn compare(shape: &str, bundle: &Bundle) {
    let home = root().join("tests/golden").join(shape);
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    let references = references(bundle);
    for (name, host) in &bundle.hosts {
        for (path, text) in decoded(bundle, host, &references) {
            wanted.insert(format!("{name}/{path}"), text);
        }
    }
    if std::env::var_os("CFY_BLESS").is_some() {
        assert!(std::env::var_os("CI").is_none(), "nothing is accepted where nobody looks");
        let _ = fs::remove_dir_all(&home);
        for (path, text) in &wanted {
            let to = home.join(path);
            fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
            fs::write(to, text).expect("a file");
        }
        panic!("{} files of {shape} written: look at the difference, then run without CFY_BLESS", wanted.len());
    }
    let accepted: BTreeMap<String, String> =
        files(&home).into_iter().map(|(path, bytes)| (path, String::from_utf8(bytes).expect("UTF-8"))).collect();
    let names = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&wanted), names(&accepted), "files of {shape}");
    for (path, text) in &wanted {
        assert_eq!(text, &accepted[path], "{shape}/{path} (CFY_BLESS=1 accepts it)");
    }
}

/// Contents that are not copied, and what stands for them.
fn references(bundle: &Bundle) -> BTreeMap<Vec<u8>, String> {
    let vault = files(bundle.scratch.join("vault").as_std_path());
    let pems = vault.into_iter().filter(|(name, _)| name.ends_with(".crt") || name.ends_with(".key"));
    pems.map(|(name, bytes)| (bytes, format!("the fixture's vault/{name}\n"))).collect()
}

/// A host's directory, user-data taken apart.
fn decoded(bundle: &Bundle, host: &Host, references: &BTreeMap<Vec<u8>, String>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for name in ["meta-data", "network-config", "vendor-data"] {
        let path = bundle.tree.join("hosts").join(&host.name).join(name);
        all.insert(name.to_owned(), fs::read_to_string(path).expect("text"));
    }
    let mut config = serde_json::to_string_pretty(&sorted(&host.config)).expect("JSON");
    config.push('\n');
    all.insert("user-data.json".to_owned(), config);
    for (path, (_, content)) in &host.files {
        let text = match (references.get(content.as_bytes()), static_file(path)) {
            (Some(reference), _) => reference.clone(),
            (None, Some(template)) => format!("{template} without comments\n"),
            (None, None) if path.ends_with("/seed.sha256") => digests(content),
            (None, None) if path == PKI => "what the certificates and keys in secret/files are made of\n".to_owned(),
            (None, None) => content.clone(),
        };
        all.insert(format!("files{path}"), text);
    }
    all
}

/// The same with sorted keys: whether serde_json keeps their order depends on what else is built with it.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let entries: BTreeMap<&String, Value> = entries.iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.into_iter().map(|(key, value)| (key.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// Where a file comes from that is the same on every host; other tests look at it.
fn static_file(path: &str) -> Option<String> {
    let name = path.rsplit('/').next().filter(|name| name.starts_with("cfy-") || *name == "unpack")?;
    Some(format!("templates/guest/{name}"))
}

/// The digest list, without the digests of static files.
fn digests(list: &str) -> String {
    let lines = list.lines().map(|line| {
        let (digest, path) = line.split_once("  ").expect("a digest and a path");
        let digest = if static_file(path).is_some() { "static" } else { digest };
        format!("{digest}  {path}\n")
    });
    lines.collect()
}

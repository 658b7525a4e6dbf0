//! The bill of materials in a box and in its payload, against the schema of CycloneDX, and its crates against Cargo's answer.
//!
//! `CFY_BLESS=1 cargo test --test suite sbom` writes the list of crates anew, and fails: look at the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use jsonschema::Registry;
use serde_json::Value;

use crate::boxes::{built, run, unpacked};
use crate::support::root;

fn schema(name: &str) -> Value {
    let path = root().join("tests/schemas/cyclonedx").join(format!("{name}.SNAPSHOT.schema.json"));
    serde_json::from_slice(&fs::read(path).expect("a schema")).expect("JSON")
}

/// What the schema finds.
fn wrong(bill: &Value) -> Vec<String> {
    let base = "http://cyclonedx.org/schema";
    let registry = Registry::new()
        .add(format!("{base}/spdx.SNAPSHOT.schema.json"), schema("spdx"))
        .and_then(|registry| registry.add(format!("{base}/jsf-0.82.SNAPSHOT.schema.json"), schema("jsf-0.82")))
        .and_then(|registry| registry.prepare())
        .expect("schemas");
    let validator = jsonschema::options()
        .with_registry(&registry)
        .should_validate_formats(true)
        .build(&schema("bom-1.5"))
        .expect("a schema");
    validator.iter_errors(bill).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_bills_of_materials_obey_cyclonedx_and_name_what_is_there() {
    let into = unpacked(built());
    let place = into.join("single-7.0.4");
    let bills = ["sbom.cdx.json", "payload/sbom.cdx.json"]
        .map(|name| -> Value { serde_json::from_slice(&fs::read(place.join(name)).expect("a bill")).expect("JSON") });
    for bill in &bills {
        assert_eq!(wrong(bill), Vec::<String>::new());
        let mut bad = bill.clone();
        bad["components"][0]["type"] = "rpm".into();
        bad["serialNumber"] = "1".into();
        assert_eq!(wrong(&bad).len(), 2, "the schema finds what is wrong");
    }
    let [of_box, of_payload] = bills;
    assert_ne!(of_box["serialNumber"], of_payload["serialNumber"]);
    let manifest: Value =
        serde_json::from_slice(&fs::read(place.join("manifest.json")).expect("bytes")).expect("JSON");
    assert_eq!(of_box["metadata"]["timestamp"], manifest["created"]);
    // Every package and the program, each with the digest that sha256sum finds.
    let sums = run(&place, "sh", &["-c", "sha256sum cfy-seed payload/packages/*"]);
    let components = of_box["components"].as_array().expect("components");
    assert_eq!(components.len(), sums.lines().count());
    for component in components {
        let digest = component["hashes"][0]["content"].as_str().expect("a digest");
        let line = sums.lines().find(|line| line.starts_with(digest)).expect("a file with this digest");
        let name = component["name"].as_str().expect("a name");
        assert!(line.contains(name), "{name}: {line}");
    }
    // The program is made of what its own list names: see the next test.
    let crates = components[0]["components"].as_array().expect("crates");
    assert_eq!(crates.len(), LINKED.lines().count());
    let rcgen = crates.iter().find(|one| one["name"] == "rcgen").expect("rcgen");
    assert_eq!(rcgen["licenses"][0]["expression"], "MIT OR Apache-2.0");
    assert!(rcgen["purl"].as_str().expect("a package URL").starts_with("pkg:cargo/rcgen@0."), "{rcgen}");
    let purls: Vec<&str> = of_payload["components"]
        .as_array()
        .expect("components")
        .iter()
        .filter_map(|one| one["purl"].as_str())
        .collect();
    assert_eq!(purls, ["pkg:rpm/libpq@13.5-1.el8?arch=x86_64", "pkg:rpm/libpq-common@13.5-1.el8?arch=x86_64"]);
    assert_eq!(of_payload["components"][0]["licenses"][0]["license"]["name"], "MIT");
}

const LINKED: &str = include_str!("../../src/payload/sbom/crates.tsv");

/// `name version` of each crate with its checksum, from Cargo.lock.
fn checksums() -> BTreeMap<String, String> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let field = |package: &str, name: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(&format!("{name} = \"")))?;
        Some(line.trim_end_matches('"').to_owned())
    };
    let of = |package| {
        let name = format!("{} {}", field(package, "name")?, field(package, "version")?);
        Some((name, field(package, "checksum")?))
    };
    lock.split("[[package]]").filter_map(of).collect()
}

/// What is linked into the program on the platform that is released: a line for each crate, as in the list.
fn linked() -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal", "--target", "x86_64-unknown-linux-gnu"])
        .args(["--prefix", "none", "--format", "{p}\t{l}"])
        .current_dir(root())
        .output()
        .expect("cargo tree");
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let checksums = checksums();
    let mut lines = BTreeSet::new();
    for line in told.lines() {
        let (package, license) = line.trim_end_matches(" (*)").split_once('\t').expect("two fields");
        let mut words = package.split(' ');
        let name = words.next().expect("a name");
        let version = words.next().and_then(|word| word.strip_prefix('v')).expect("a version");
        // The program itself has none.
        if let Some(checksum) = checksums.get(&format!("{name} {version}")) {
            // Old manifests say "or" with a stroke.
            lines.insert(format!("{name}\t{version}\t{checksum}\t{}\n", license.replace('/', " OR ")));
        }
    }
    lines.into_iter().collect()
}

#[test]
fn the_list_of_crates_is_what_cargo_links() {
    let found = linked();
    assert!(found.lines().count() > 100, "{found}");
    if std::env::var_os("CFY_BLESS").is_some() && found != LINKED {
        assert!(std::env::var_os("CI").is_none(), "nothing is accepted where nobody looks");
        fs::write(root().join("src/payload/sbom/crates.tsv"), &found).expect("the list");
        panic!("the list of crates is written: look at the difference, then run without CFY_BLESS");
    }
    assert!(
        found == LINKED,
        "src/payload/sbom/crates.tsv is not what Cargo links: CFY_BLESS=1 cargo test --test suite sbom"
    );
}

//! The bill of materials in a box and in its payload, against the schema of CycloneDX.

use std::fs;

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
    let purls: Vec<&str> = of_payload["components"]
        .as_array()
        .expect("components")
        .iter()
        .filter_map(|one| one["purl"].as_str())
        .collect();
    assert_eq!(purls, ["pkg:rpm/libpq@13.5-1.el8?arch=x86_64", "pkg:rpm/libpq-common@13.5-1.el8?arch=x86_64"]);
    assert_eq!(of_payload["components"][0]["licenses"][0]["license"]["name"], "MIT");
}

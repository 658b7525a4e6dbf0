//! `verify --evidence`: what a security officer keeps.

use std::fs;

use serde_json::Value;

use crate::boxes::{BOX, built, run, unpacked};
use crate::support::{Scratch, cfy_seed, root};

/// Verifies, and gives the evidence; it is of the published schema.
pub fn evidence(scratch: &Scratch, path: &str, code: i32) -> Value {
    let name = "report.json";
    let before = time::OffsetDateTime::now_utc();
    let output = cfy_seed(scratch.path()).args(&["verify", path, "--evidence", name]).run();
    assert_eq!(output.code, Some(code), "{}", output.all());
    let report: Value = serde_json::from_slice(&fs::read(scratch.join(name)).expect("a report")).expect("JSON");
    fs::remove_file(scratch.join(name)).expect("removed");
    let schema = fs::read(root().join("docs/evidence.schema.json")).expect("a schema");
    let schema: Value = serde_json::from_slice(&schema).expect("JSON");
    let wrong: Vec<String> = jsonschema::validator_for(&schema)
        .expect("a schema")
        .iter_errors(&report)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let format = &time::format_description::well_known::Rfc3339;
    let at = time::OffsetDateTime::parse(report["time"].as_str().expect("a time"), format).expect("a time");
    assert!((at - before).abs() < time::Duration::minutes(10), "{at}");
    assert_eq!(report["tool"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["path"], path);
    assert_eq!(report["verdict"], if code == 0 { "good" } else { "bad" });
    report
}

/// The files with this verdict.
fn with<'r>(report: &'r Value, rows: &str, verdict: &str) -> Vec<&'r str> {
    let rows = report[rows].as_array().expect("rows");
    rows.iter().filter(|row| row["verdict"] == verdict).map(|row| row["path"].as_str().expect("a path")).collect()
}

#[test]
fn evidence_names_every_file_of_a_box_good_or_bad() {
    let into = unpacked(built());
    let name = "single-7.0.4.tar.gz";
    fs::copy(built().join(BOX), into.join(name)).expect("a copy");
    let report = evidence(&into, name, 0);
    assert_eq!((report["subject"].as_str(), report["signature"]["verdict"].as_str()), (Some("box"), Some("good")));
    let sum = run(into.path(), "sha256sum", &[name]);
    assert_eq!(report["sha256"], sum[..64]);
    let der = "openssl pkey -pubin -in single-7.0.4/box-key.pem -outform der | sha256sum";
    if crate::support::have(&["openssl"]) {
        assert_eq!(report["signature"]["fingerprint"], run(into.path(), "sh", &["-c", der])[..64]);
    }
    assert_eq!(report["signature"]["key"], "inside");
    // What sha256sum says of each file.
    let listed = fs::read_to_string(into.join("single-7.0.4/SHA256SUMS")).expect("sums");
    let good = with(&report, "files", "good");
    assert_eq!(good.len(), listed.lines().count());
    for row in report["files"].as_array().expect("rows").iter().filter(|row| row["verdict"] == "good") {
        let line =
            format!("{}  {}", row["actual"].as_str().expect("a digest"), row["path"].as_str().expect("a path"));
        assert!(listed.lines().any(|listed| listed == line) && row["expected"] == row["actual"], "{line}");
    }
    assert_eq!(with(&report, "files", "closing"), ["SHA256SUMS", "SHA256SUMS.sig"]);
    // Unpacked, and then changed in three ways.
    let report = evidence(&into, "single-7.0.4", 0);
    assert_eq!((report["subject"].as_str(), &report["sha256"]), (Some("box-directory"), &Value::Null));
    let root = into.join("single-7.0.4");
    fs::write(root.join("README.txt"), "other").expect("written");
    fs::remove_file(root.join("payload/cfy-seed.repo")).expect("removed");
    fs::write(root.join("payload/packages/extra.rpm"), "extra").expect("written");
    let report = evidence(&into, "single-7.0.4", 1);
    assert_eq!(with(&report, "files", "differs"), ["README.txt"]);
    assert_eq!(with(&report, "files", "missing"), ["payload/cfy-seed.repo"]);
    assert_eq!(with(&report, "files", "unlisted"), ["payload/packages/extra.rpm"]);
    let codes: Vec<&str> =
        report["findings"].as_array().expect("findings").iter().filter_map(|found| found["code"].as_str()).collect();
    assert!(["CFY-B012", "CFY-B013", "CFY-B014"].iter().all(|code| codes.contains(code)), "{codes:?}");
    // A box that ends too early has evidence too.
    let bytes = fs::read(into.join(name)).expect("bytes");
    fs::write(into.join(name), &bytes[..bytes.len() / 2]).expect("written");
    let report = evidence(&into, name, 1);
    assert_eq!(report["findings"][0]["code"], "CFY-B024");
    // It is never written over something, and what cannot be read has none.
    into.write("mine.json", "mine");
    cfy_seed(into.path()).args(&["verify", "single-7.0.4", "--evidence", "mine.json"]).exits(1).says("CFY-B002");
    cfy_seed(into.path()).args(&["verify", "nowhere", "--evidence", "new.json"]).exits(1);
    assert!(!into.join("new.json").exists() && fs::read(into.join("mine.json")).expect("mine") == b"mine");
}

#[test]
fn evidence_names_the_part_that_is_bad() {
    let into = unpacked(built());
    let bytes = fs::read(built().join(BOX)).expect("bytes");
    let mut list = String::new();
    for (number, piece) in bytes.chunks(bytes.len() / 2).enumerate() {
        let name = format!("a.tar.gz.part-{:03}", number + 1);
        fs::write(into.join(&name), piece).expect("written");
        list += &run(into.path(), "sha256sum", &[&name]);
    }
    into.write("a.tar.gz.sha256", &list);
    let report = evidence(&into, "a.tar.gz.sha256", 0);
    assert_eq!(report["subject"], "box-parts");
    assert_eq!(with(&report, "parts", "good").len(), list.lines().count());
    assert!(with(&report, "files", "good").contains(&"README.txt"));
    fs::write(into.join("a.tar.gz.part-002"), "x").expect("written");
    let report = evidence(&into, "a.tar.gz.sha256", 1);
    assert_eq!(with(&report, "parts", "differs"), ["a.tar.gz.part-002"]);
    let report = evidence(&into, "a.tar.gz.part-001", 0);
    assert_eq!((report["subject"].as_str(), with(&report, "parts", "good").len()), (Some("box-part"), 1));
    fs::remove_file(into.join("a.tar.gz.part-001")).expect("removed");
    let report = evidence(&into, "a.tar.gz.sha256", 1);
    assert_eq!(with(&report, "parts", "missing"), ["a.tar.gz.part-001"]);
}

#[test]
fn evidence_is_made_of_payloads_trees_and_images() {
    let into = unpacked(built());
    cfy_seed(into.path()).args(&["payload", "iso", "single-7.0.4", "--out", "p.iso"]).exits(0);
    let payload = evidence(&into, "single-7.0.4/payload", 0);
    let image = evidence(&into, "p.iso", 0);
    assert_eq!((payload["subject"].as_str(), image["subject"].as_str()), (Some("payload"), Some("payload-image")));
    assert_eq!(payload["files"], image["files"]);
    assert_eq!(with(&image, "files", "closing"), ["SHA256SUMS", "SHA256SUMS.sig", "box-key.pem"]);
    let mut bytes = fs::read(into.join("p.iso")).expect("bytes");
    let at = bytes.windows(9).position(|window| window == b"gpgcheck=").expect("the .repo file");
    bytes[at] ^= 1;
    fs::write(into.join("p.iso"), &bytes).expect("written");
    assert_eq!(with(&evidence(&into, "p.iso", 1), "files", "differs"), ["cfy-seed.repo"]);
    let seed = evidence(&into, "single-7.0.4/hosts/cloudify/seed.iso", 0);
    assert_eq!((seed["subject"].as_str(), &seed["signature"]), (Some("seed-image"), &Value::Null));
    let tree = built().join("out/single");
    let tree = evidence(&into, tree.as_str(), 0);
    assert_eq!((tree["subject"].as_str(), &tree["signature"]), (Some("built-tree"), &Value::Null));
}

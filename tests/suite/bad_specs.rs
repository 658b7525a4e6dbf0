//! One spec for each mistake that a spec can have (`tests/bad-specs`), with the exact message beside it.
//!
//! `CFY_BLESS=1 cargo test --test suite bad_specs` writes the messages anew, and fails: read them before you commit them.

use std::collections::BTreeSet;
use std::fs;

use camino::Utf8Path;
use serde_json::Value;

use crate::support::{Output, cfy_seed, root};

/// Codes that no content of a spec can cause: `inputs` tests those of files, `import` those of the vendor's, the room of profiles those of profiles.
const NOT_BY_CONTENT: &[&str] = &[
    "CFY-S009", "CFY-S011", "CFY-S012", "CFY-S013", "CFY-S014", "CFY-S040", "CFY-S041", "CFY-S042", "CFY-S043",
    "CFY-S044", "CFY-S045", "CFY-P030",
];

fn directory() -> camino::Utf8PathBuf {
    Utf8Path::from_path(root()).expect("UTF-8").join("tests/bad-specs")
}

fn specs() -> Vec<String> {
    let entries = fs::read_dir(directory()).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<String> = names.filter(|name| name.starts_with("CFY-") && name.ends_with(".yaml")).collect();
    names.sort();
    names
}

fn check(name: &str, more: &[&str]) -> Output {
    cfy_seed(&directory()).args(&["check", name]).args(more).run()
}

#[test]
fn every_mistake_is_told_as_it_was_accepted() {
    let bless = std::env::var_os("CFY_BLESS").is_some();
    let mut written = 0;
    for name in specs() {
        let output = check(&name, &[]);
        let said = output.all();
        let beside = directory().join(name.replace(".yaml", ".stderr"));
        if bless && fs::read_to_string(&beside).ok().as_ref() != Some(&said) {
            fs::write(&beside, &said).expect("a file");
            written += 1;
        }
        assert_eq!(said, fs::read_to_string(&beside).unwrap_or_default(), "{name} (CFY_BLESS=1 accepts it)");
        assert!(said.contains(&format!("[{}]", &name[..8])), "{name} does not cause its code: {said}");
        assert_eq!(output.code, Some(i32::from(said.contains("error["))), "{name}");
        assert!(!said.contains("TOPSECRET"), "{name} shows a secret: {said}");
        assert!(output.stdout.is_empty(), "{name}: text for people goes to stderr");
    }
    assert_eq!(written, 0, "{written} messages written: read them, then run without CFY_BLESS");
}

#[test]
fn every_code_of_spec_and_plan_has_a_spec() {
    let have: BTreeSet<String> = specs().iter().map(|name| name[..8].to_owned()).collect();
    let all = cfy_seed::diag::Code::ALL.iter().map(|code| code.as_str());
    let lacking: Vec<&str> = all
        .filter(|code| code.starts_with("CFY-S") || code.starts_with("CFY-P"))
        .filter(|code| !NOT_BY_CONTENT.contains(code) && !have.contains(*code))
        .collect();
    assert!(lacking.is_empty(), "no spec in tests/bad-specs for {lacking:?}");
}

/// What `--format json` says is what the text says, and every place is one in the file.
#[test]
fn json_says_the_same_with_places() {
    for name in specs() {
        let text = check(&name, &[]).all();
        let output = check(&name, &["--format", "json"]);
        assert!(output.stderr.is_empty(), "{name}: {}", output.stderr);
        let report: Value = serde_json::from_str(&output.stdout).expect("JSON");
        assert_eq!(report["schema"], "cfy-seed/report/v1", "{name}");
        let bytes = fs::read(directory().join(&name)).expect("a spec");
        let mut errors = 0;
        for found in report["diagnostics"].as_array().expect("a list") {
            let (code, severity) =
                (found["code"].as_str().expect("a code"), found["severity"].as_str().expect("one"));
            errors += u64::from(severity == "error");
            let message = found["message"].as_str().expect("a message");
            assert!(
                text.contains(&format!("{severity}[{code}]: {message}")),
                "{name}: {severity}[{code}]: {message}"
            );
            for place in found["places"].as_array().expect("places") {
                place_is_right(&name, place, &bytes);
            }
        }
        assert_eq!(report["errors"].as_u64(), Some(errors), "{name}");
        assert_eq!(output.code, Some(i32::from(errors > 0)), "{name}");
    }
}

/// Line and column are counted from 1, in characters; bytes are offsets in the file.
fn place_is_right(name: &str, place: &Value, bytes: &[u8]) {
    let number = |key: &str| usize::try_from(place[key].as_u64().expect(key)).expect("a number");
    let (start, end) = (number("byte_start"), number("byte_end"));
    assert!(start <= end && end <= bytes.len(), "{name}: {place}");
    assert_eq!(place["file"], name, "{name}");
    let before = String::from_utf8_lossy(&bytes[..start]).into_owned();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().expect("a line").chars().count() + 1;
    assert_eq!((number("line"), number("column")), (line, column), "{name}: {place}");
}

/// Rules judge values: each finding of theirs that is about a value has a place.
#[test]
fn findings_of_rules_have_places() {
    // About the cluster as a whole, or about what is not there.
    let without = ["CFY-P021", "CFY-P023"];
    for name in specs() {
        let report: Value = serde_json::from_str(&check(&name, &["--format", "json"]).stdout).expect("JSON");
        for found in report["diagnostics"].as_array().expect("a list") {
            let code = found["code"].as_str().expect("a code");
            let placed = found["places"].as_array().is_some_and(|places| !places.is_empty());
            assert!(placed || without.contains(&code) || code == "CFY-S008", "{name}: {found}");
        }
    }
}

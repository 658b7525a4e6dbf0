//! The walls of DESIGN §3: which room may import which, and how large a file may be.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stand outside the house"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each room and the rooms it may import, in data-flow order. What is not named here is not allowed.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("names", &[]),
    ("diag", &[]),
    ("yaml", &["names", "diag"]),
    ("console", &[]),
    ("world", &["names"]),
    ("spec", &["names", "diag", "yaml"]),
    ("profile", &["names", "diag", "yaml"]),
    ("plan", &["names", "diag", "yaml", "spec", "profile"]),
    ("vault", &["names", "diag", "yaml", "plan", "world"]),
    ("payload", &["names", "diag"]),
    ("import", &["names", "diag", "yaml", "profile", "plan", "vault"]),
    ("render", &["names", "diag", "yaml", "plan", "profile", "bundle"]),
    ("bundle", &["names", "diag"]),
    ("handoff", &["names", "yaml", "profile", "plan", "bundle", "render"]),
    ("load", &["names", "diag", "bundle"]),
    ("emit", &["names", "diag", "bundle", "load"]),
    ("verify", &["names", "diag", "yaml", "load", "profile", "plan", "bundle"]),
    (
        "project",
        &[
            "names", "diag", "yaml", "spec", "profile", "plan", "vault", "world", "payload", "import", "render",
            "bundle", "handoff", "load", "emit", "verify",
        ],
    ),
    ("page", &["diag", "plan", "project"]),
    (
        "cli",
        &[
            "names", "diag", "console", "spec", "profile", "plan", "world", "load", "emit", "verify", "project",
            "page",
        ],
    ),
];

/// Lines of a file; more is more than one wants to read in one go.
const MAX_LINES: usize = 450;

fn sources() -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.sort();
    found
}

fn room(path: &Path) -> Option<String> {
    let below = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).ok()?;
    let first = below.components().next()?.as_os_str().to_str()?;
    let name = first.trim_end_matches(".rs");
    (name != "lib" && name != "main").then(|| name.to_owned())
}

fn is_tests(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tests.rs")
}

/// The code without its tests, which stand last in a file and may use other rooms to make their material.
fn code(text: &str) -> &str {
    text.split("\n#[cfg(test)]").next().unwrap_or_default()
}

/// The rooms that a text names after `crate::`, in braces too.
fn imported(text: &str) -> Vec<String> {
    let word = |rest: &str| -> String { rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect() };
    let mut rooms = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => rooms.extend(list.split('}').next().unwrap_or_default().split(',').map(|w| word(w.trim()))),
            None => rooms.push(word(rest)),
        }
    }
    rooms
}

#[test]
fn rooms_import_only_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut broken = Vec::new();
    for path in sources() {
        let Some(room) = room(&path) else { continue };
        if is_tests(&path) {
            continue;
        }
        let Some(may) = allowed.get(room.as_str()) else {
            broken.push(format!("{room} is a room without a rule"));
            continue;
        };
        let text = std::fs::read_to_string(&path).expect("a text");
        for other in imported(code(&text)) {
            if other != room && allowed.contains_key(other.as_str()) && !may.contains(&other.as_str()) {
                broken.push(format!("{} imports {other}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// `verify` is worth nothing if it asks the code that it checks.
#[test]
fn verify_uses_no_writer() {
    for path in sources().iter().filter(|path| room(path).as_deref() == Some("verify") && !is_tests(path)) {
        let text = std::fs::read_to_string(path).expect("a text");
        for word in
            ["bundle::iso9660", "bundle::seal", "bundle::Tree", "crate::emit", "crate::vault", "crate::render"]
        {
            assert!(!code(&text).contains(word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn only_yaml_names_the_yaml_crate() {
    for path in sources().iter().filter(|path| room(path).as_deref() != Some("yaml")) {
        let text = std::fs::read_to_string(path).expect("a text");
        assert!(!text.contains("serde_yaml::"), "{}", path.display());
    }
}

#[test]
fn files_can_be_read_in_one_go() {
    for path in sources() {
        let lines = std::fs::read_to_string(&path).expect("a text").lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}

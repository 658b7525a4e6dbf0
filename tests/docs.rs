//! The documentation is true: generated pages are current, specs in it are accepted, transcripts come out as shown,
//! links lead somewhere.
//!
//! `CFY_BLESS=1 cargo test --test docs` writes the generated pages anew.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    reason = "a test reads and writes files and runs the binary"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README.md, what else lies beside it, and everything below docs/.
fn pages() -> Vec<(PathBuf, String)> {
    let mut pages = Vec::new();
    let mut directories = vec![root().join("docs")];
    let markdown = |path: &Path| path.extension().is_some_and(|extension| extension == "md");
    let mut found: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].iter().map(|name| root().join(name)).collect();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if markdown(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    for path in found {
        let text = std::fs::read_to_string(&path).expect("a page");
        pages.push((path, text));
    }
    pages
}

/// The fenced blocks of this language, each with the number of its first line.
fn blocks(text: &str, language: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String, bool)> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((number + 2, String::new(), info.trim() == language)),
            (Some(_), Some(_)) => {
                if let Some((first, block, true)) = open.take() {
                    blocks.push((first, block));
                }
            }
            (Some((_, block, _)), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn generated_pages_are_current() {
    let targets = cfy_seed::profile::reference().expect("sound profiles");
    for (name, wanted) in [
        ("docs/spec.md", cfy_seed::spec::reference()),
        ("docs/cluster.schema.json", cfy_seed::spec::json_schema()),
        ("docs/targets.md", targets),
        ("docs/evidence.schema.json", cfy_seed::verify::Evidence::json_schema()),
    ] {
        let path = root().join(name);
        if std::env::var_os("CFY_BLESS").is_some() {
            std::fs::write(&path, &wanted).expect("written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "{name} is not what the types say: CFY_BLESS=1 cargo test --test docs writes it");
    }
}

#[test]
fn the_schema_accepts_the_examples_and_refuses_what_lacks_a_key() {
    let schema: serde_json::Value = serde_json::from_str(&cfy_seed::spec::json_schema()).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let minimal = serde_json::json!({
        "apiVersion": "cfy-seed/v1", "name": "prod",
        "cloudify": {"version": "7.0.4", "rpm": {"preinstalled": true}},
        "hosts": [{"name": "one", "roles": ["database", "broker", "manager"], "private_ip": "10.0.0.1"}],
    });
    assert!(validator.is_valid(&minimal));
    for pointer in
        ["/apiVersion", "/name", "/cloudify", "/hosts", "/cloudify/version", "/cloudify/rpm", "/hosts/0/name"]
    {
        let mut lacking = minimal.clone();
        let (above, key) = pointer.rsplit_once('/').expect("a pointer");
        let parent = lacking.pointer_mut(above).and_then(serde_json::Value::as_object_mut).expect("a mapping");
        parent.remove(key);
        assert!(!validator.is_valid(&lacking), "{pointer} can be left out");
    }
}

#[test]
fn specs_in_the_docs_are_accepted() {
    let mut checked = 0;
    for (path, text) in pages() {
        for (line, block) in blocks(&text, "yaml") {
            if !block.starts_with("apiVersion:") {
                continue;
            }
            let scratch = tempfile::tempdir().expect("a directory");
            std::fs::write(scratch.path().join("cluster.yaml"), &block).expect("written");
            let output = Command::new(env!("CARGO_BIN_EXE_cfy-seed"))
                .args(["check", "cluster.yaml"])
                .current_dir(&scratch)
                .output()
                .expect("cfy-seed runs");
            let shown = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}:{line}\n{shown}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 0, "no spec in the docs");
}

/// Runs the lines with `$` of all `console` blocks of a page, one after the other in one directory, and compares what
/// follows them. A line `…` stands for any lines, `…` in a line for any text.
#[test]
fn transcripts_come_out_as_shown() {
    let binary = Path::new(env!("CARGO_BIN_EXE_cfy-seed"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().expect("a directory").display());
    let mut run = 0;
    for (page, text) in pages() {
        let scratch = tempfile::tempdir().expect("a directory");
        for (line, block) in blocks(&text, "console") {
            for step in block.split("\n$ ").map(|step| step.strip_prefix("$ ").unwrap_or(step)) {
                let (command, wanted) = step.split_once('\n').unwrap_or((step, ""));
                let output = Command::new("sh")
                    .args(["-c", &format!("umask 022; exec 2>&1; {command}")])
                    .current_dir(&scratch)
                    .env("PATH", &path)
                    .env("LC_ALL", "C.UTF-8")
                    .output()
                    .expect("sh runs");
                let found = String::from_utf8_lossy(&output.stdout);
                let wanted: Vec<&str> = wanted.lines().collect();
                let lines: Vec<&str> = found.lines().collect();
                assert!(matches(&wanted, &lines), "{}:{line}: `{command}` says:\n{found}", page.display());
                run += 1;
            }
        }
    }
    assert!(run > 0, "no transcript in the docs");
}

/// Whether the lines are as shown.
fn matches(wanted: &[&str], found: &[&str]) -> bool {
    match wanted {
        [] => found.iter().all(|line| line.is_empty()),
        ["…", rest @ ..] => (0..=found.len()).any(|skipped| matches(rest, &found[skipped..])),
        [line, rest @ ..] => match found {
            [first, others @ ..] => matches_line(line, first) && matches(rest, others),
            [] => wanted.iter().all(|line| line.is_empty()),
        },
    }
}

fn matches_line(wanted: &str, found: &str) -> bool {
    let mut parts = wanted.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = found.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        last = Some(part);
        rest = &rest[at + part.len()..];
    }
    match last {
        None => rest.trim_end().is_empty(),
        Some(part) => part.is_empty() || rest.is_empty() || found.ends_with(part),
    }
}

#[test]
fn links_lead_somewhere() {
    for (page, text) in pages() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || target.contains("://") {
                continue;
            }
            let directory = page.parent().expect("a directory");
            assert!(directory.join(file).exists(), "{}: the link {target} leads nowhere", page.display());
        }
    }
}

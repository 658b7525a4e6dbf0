//! The parts of a box that was split, by the list of their digests.

use std::collections::BTreeMap;

use super::sums;
use crate::diag::{Code, Diagnostic, Report};
use crate::names::Digest256;

/// The parts that a list names, in their order, with their digests.
///
/// # Errors
/// The finding: it is no such list.
pub fn parts(list: &[u8]) -> Result<BTreeMap<String, Digest256>, Diagnostic> {
    let wrong = |why: String| {
        Diagnostic::error(Code::BoxPart, format!("this is no list of the parts of a box: {why}"))
            .help("name the file `….tar.gz.sha256` that was written with the parts")
    };
    let found = sums::parse(list).map_err(|line| wrong(format!("line {line} is not one of sha256sum")))?;
    if found.is_empty() {
        return Err(wrong("it is empty".to_owned()));
    }
    // Nothing says what the list's own bytes should be: only the one form is taken that is written.
    let written: Vec<String> = found.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect();
    if written.concat().as_bytes() != list {
        return Err(wrong("it is not in the form that was written".to_owned()));
    }
    for (at, name) in found.keys().enumerate() {
        // Names lead to files beside the list and nowhere else.
        if name.contains('/') || !name.ends_with(&format!(".part-{:03}", at + 1)) {
            return Err(wrong(format!("`{}` is not the name of part {}", name.escape_debug(), at + 1)));
        }
    }
    Ok(found)
}

/// Compares parts with their list; a part that is not there has no digest.
#[must_use]
pub fn check_parts(listed: &BTreeMap<String, Digest256>, found: &BTreeMap<String, Option<Digest256>>) -> Report {
    let mut report = Report::default();
    for (name, digest) in found {
        let number = name.rsplit('-').next().unwrap_or_default().trim_start_matches('0');
        let what = match digest {
            None => "is missing",
            Some(digest) if listed.get(name) != Some(digest) => "is not what was written",
            Some(_) => continue,
        };
        let message = format!("{} {what}", name.escape_debug());
        report.push(Diagnostic::error(Code::BoxPart, message).help(format!("bring part {number} again")));
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_parts_and_nothing_else() {
        let digest = Digest256::of(b"x");
        let line = |name: &str| format!("{digest}  {name}\n");
        let good = line("a.tar.gz.part-001") + &line("a.tar.gz.part-002");
        assert_eq!(parts(good.as_bytes()).expect("a list").len(), 2);
        for bad in [
            String::new(),
            "x".to_owned(),
            line("../a.tar.gz.part-001"),
            line("/etc/shadow"),
            line("a.tar.gz.part-002"),
            line("a.tar.gz.part-001") + &line("a.tar.gz.part-003"),
            line("a.tar.gz.part-001").to_uppercase(),
            line("a.tar.gz.part-001").replace("  ", " *"),
        ] {
            assert_eq!(parts(bad.as_bytes()).expect_err(&bad).code, Code::BoxPart);
        }
    }
}

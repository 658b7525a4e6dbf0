//! Profile files that build on each other: `extends: cloudify-7.0` lays a file over the one that it names.
//!
//! Mappings merge, scalars and lists replace, `null` removes a key. So a new version of Cloudify is a short file that
//! says what differs.

use crate::diag::{Code, Diagnostic, Report, nearest};
use crate::yaml::{Node, NodeKind};

/// The key by which a file names the one that it builds on.
const EXTENDS: &str = "extends";

/// Lays every file over the one that it extends. `key` is the key that holds a file's name, such as `contract`; of
/// files with one name the first counts.
///
/// Gives the files in the order in which they came, without `extends`. A file that extends one that is not there, or in
/// a circle, is reported and left out.
#[must_use]
pub fn extend(key: &str, files: &[Node], report: &mut Report) -> Vec<Node> {
    let mut extended = Vec::with_capacity(files.len());
    for file in files {
        match lineage(key, files, file) {
            Ok(mut older) => {
                let mut merged = older.pop().cloned().unwrap_or_else(|| file.clone());
                while let Some(over) = older.pop() {
                    merged = merge(&merged, over, report);
                }
                extended.push(merged);
            }
            Err(wrong) => report.push(*wrong),
        }
    }
    for node in &mut extended {
        if let NodeKind::Map(entries) = &mut node.kind {
            entries.retain(|(key, _)| key.text != EXTENDS);
        }
    }
    extended
}

/// A file and those that it builds on, the oldest last.
fn lineage<'n>(key: &str, files: &'n [Node], file: &'n Node) -> Result<Vec<&'n Node>, Box<Diagnostic>> {
    let mut line = vec![file];
    let mut youngest = file;
    while let Some(parent) = youngest.get(EXTENDS) {
        let wrong = |message: String| Diagnostic::error(Code::ProfileExtends, message).at(parent.span, "");
        let NodeKind::Text(name) = &parent.kind else {
            return Err(Box::new(
                wrong("`extends` takes one name".into()).help("write the name of another file here"),
            ));
        };
        let Some(older) = files.iter().find(|other| text(other, key) == Some(name)) else {
            let message = format!("it extends `{}`, which is not there", name.escape_debug());
            let names: Vec<&str> = files.iter().filter_map(|other| text(other, key)).collect();
            let help = match nearest(name, names.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known are {}", names.join(", ")),
            };
            return Err(Box::new(wrong(message).help(help)));
        };
        if line.iter().any(|known| std::ptr::eq(*known, older)) {
            let message = format!("it extends `{}`, and so in the end itself", name.escape_debug());
            return Err(Box::new(wrong(message).help("one file of a family must stand for itself")));
        }
        line.push(older);
        youngest = older;
    }
    Ok(line)
}

fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    match &node.get(key)?.kind {
        NodeKind::Text(text) => Some(text),
        _ => None,
    }
}

/// Lays one tree over another: mappings merge, everything else replaces, `null` removes a key. A key to be removed that
/// is not there is reported: it is misspelt, or was removed further down already.
#[must_use]
pub fn merge(base: &Node, over: &Node, report: &mut Report) -> Node {
    let NodeKind::Map(changes) = &over.kind else { return over.clone() };
    let mut entries = match &base.kind {
        NodeKind::Map(entries) => entries.clone(),
        _ => Vec::new(),
    };
    for (key, value) in changes {
        let at = entries.iter().position(|(known, _)| known.text == key.text);
        match (at, &value.kind) {
            (Some(at), NodeKind::Null) => {
                entries.remove(at);
            }
            (None, NodeKind::Null) => {
                let message = format!("`{}` is removed, and is not there", key.text.escape_debug());
                let wrong = Diagnostic::error(Code::ProfileExtends, message).at(key.span, "nothing to remove");
                report.push(wrong.help("`null` removes a key of the file that is extended; give a value or no key"));
            }
            (Some(at), _) => entries[at].1 = merge(&entries[at].1, value, report),
            (None, _) => {
                let nothing = Node { span: value.span, kind: NodeKind::Map(Vec::new()) };
                entries.push((key.clone(), merge(&nothing, value, report)));
            }
        }
    }
    Node { span: over.span, kind: NodeKind::Map(entries) }
}

#[cfg(test)]
mod tests {
    use super::extend;
    use crate::diag::{Report, SourceId};
    use crate::yaml;

    /// What comes out, as text, and what is said.
    fn extended(files: &[&str]) -> (Vec<String>, Vec<String>) {
        let nodes: Vec<_> =
            files.iter().map(|text| yaml::parse(text, SourceId::default()).0.expect("a tree")).collect();
        let mut report = Report::default();
        let extended = extend("contract", &nodes, &mut report);
        let texts = extended.iter().map(|node| yaml::to_text(node).expect("text")).collect();
        (texts, report.iter().map(|found| found.message.clone()).collect())
    }

    #[test]
    fn mappings_merge_lists_and_scalars_replace_and_null_removes() {
        let young = "contract: b\nextends: a\nlist: [3]\nmap: {one: ~, two: {x: 9}, new: {v: 1}}\n";
        let old = "contract: a\nlist: [1, 2]\nmap: {one: 1, two: {x: 1, z: 2}}\nkept: k\n";
        let (texts, said) = extended(&[young, old]);
        assert_eq!(said, [""; 0]);
        let wanted = "contract: b\nlist:\n- 3\nmap:\n  two:\n    x: 9\n    z: 2\n  new:\n    v: 1\nkept: k\n";
        assert_eq!(texts[0].replace('\'', ""), wanted);
        assert!(texts[1].contains("kept") && !texts[0].contains("extends"));
    }

    #[test]
    fn a_family_of_three_takes_what_is_nearest() {
        let (texts, said) = extended(&[
            "contract: a\nv: 1\nw: 1\n",
            "contract: b\nextends: a\nv: 2\n",
            "contract: c\nextends: b\nw: 3\n",
        ]);
        assert_eq!(said, [""; 0]);
        assert!(texts[2].contains(": 2") && texts[2].contains(": 3"), "{}", texts[2]);
    }

    #[test]
    fn what_cannot_be_extended_is_said() {
        for (files, wanted) in [
            (vec!["contract: a\nextends: cloudfy\n"], "which is not there"),
            (vec!["contract: a\nextends: a\n"], "in the end itself"),
            (vec!["contract: a\nextends: b\n", "contract: b\nextends: a\n"], "in the end itself"),
            (vec!["contract: a\nextends: [b]\n"], "takes one name"),
            (vec!["contract: a\n", "contract: b\nextends: a\nmap: {gone: ~}\n"], "`gone` is removed"),
        ] {
            let (_, said) = extended(&files);
            assert!(said.iter().any(|text| text.contains(wanted)), "{said:?}");
        }
    }
}

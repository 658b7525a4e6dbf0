//! The keys of user-data but for the content of its files, which the digest list covers.

use super::{Comparison, Facts, guest};
use crate::diag::SourceId;
use crate::verify::HostBundle;
use crate::yaml::{self, Node, NodeKind};

const HEADER: &str = "#cloud-config\n";
const DRIVER: &str = "/usr/local/sbin/cfy-firstboot";
const SECRET: &str = "/var/lib/cfy-seed/secret/";
/// The keys of which something is compared; of the others nothing in user-data tells what they should be.
const COMPARED: [&str; 7] =
    ["hostname", "fqdn", "preserve_hostname", "manage_etc_hosts", "bootcmd", "write_files", "runcmd"];
/// Keys that are always there.
const ALWAYS: [&str; 2] = ["ssh_pwauth", "disable_root"];
/// Of an item of `write_files` that is ours.
const KEYS: [&str; 5] = ["path", "owner", "permissions", "encoding", "content"];

pub(super) fn compare(text: &str, bundle: &HostBundle, facts: &Facts<'_>, found: &mut Comparison<'_>) {
    // What is no mapping was refused before.
    let Some(root) = yaml::parse(text, SourceId::default()).0 else { return };
    let NodeKind::Map(entries) = &root.kind else { return };
    if yaml::to_text(&root).is_ok_and(|plain| text.strip_prefix(HEADER) != Some(&plain)) {
        found.differs("user-data is not in the form that cfy-seed writes");
    }
    let text = |text: &str| NodeKind::Text(text.to_owned());
    for (key, wanted) in [
        ("hostname", text(facts.host)),
        ("fqdn", text(facts.fqdn)),
        ("preserve_hostname", NodeKind::Bool(false)),
        ("manage_etc_hosts", NodeKind::Bool(false)),
    ] {
        if root.get(key).map(|node| &node.kind) != Some(&wanted) {
            found.differs(&format!("`{key}` of user-data is not what its plan makes it"));
        }
    }
    for key in ALWAYS.iter().filter(|key| root.get(key).is_none()) {
        found.differs(&format!("user-data has no `{key}`"));
    }
    let mut left: Vec<String> = entries
        .iter()
        .map(|(key, _)| key.text.as_str())
        .filter(|key| !COMPARED.contains(key))
        .map(|key| format!("`{}`", key.escape_debug()))
        .collect();
    for (key, wanted) in [("bootcmd", bootcmd()), ("runcmd", runcmd(facts))] {
        if commands(root.get(key), &wanted, key, found) {
            left.push(format!("your own entries of `{key}`"));
        }
    }
    if files(root.get("write_files"), bundle, found) {
        left.push("your own entries of `write_files`".to_owned());
    }
    if !left.is_empty() {
        found.left.push(format!("{} of user-data", left.join(", ")));
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn bootcmd() -> Vec<Vec<String>> {
    vec![words(&["sh", "-c", &guest::bootcmd()])]
}

fn runcmd(facts: &Facts<'_>) -> Vec<Vec<String>> {
    let check = guest::image_check();
    let check = ["sh", "-c", &check, "cfy-seed", facts.host, facts.cluster, facts.generation];
    let start = [
        words(&["systemctl", "daemon-reload"]),
        words(&["systemctl", "enable", "cfy-firstboot.service"]),
        words(&["systemctl", "start", "--no-block", "cfy-firstboot.service"]),
    ];
    facts.baked.then(|| words(&check)).into_iter().chain(start).collect()
}

/// Compares the entries that are ours, which stand first; says whether others follow.
fn commands(node: Option<&Node>, wanted: &[Vec<String>], key: &str, found: &mut Comparison<'_>) -> bool {
    let items = match node.map(|node| &node.kind) {
        Some(NodeKind::List(items)) => items.as_slice(),
        _ => &[],
    };
    let same = |(item, wanted): (&Node, &Vec<String>)| match &item.kind {
        NodeKind::List(words) => {
            words.iter().map(|word| &word.kind).eq(&wanted.iter().cloned().map(NodeKind::Text).collect::<Vec<_>>())
        }
        _ => false,
    };
    if items.len() < wanted.len() || !items.iter().zip(wanted).all(same) {
        found.differs(&format!("`{key}` of user-data does not begin with what cfy-seed writes there"));
    }
    items.len() > wanted.len()
}

/// Compares owner and mode of every file of ours, and what is the same on every host; says whether there are others.
fn files(node: Option<&Node>, bundle: &HostBundle, found: &mut Comparison<'_>) -> bool {
    let Some(NodeKind::List(items)) = node.map(|node| &node.kind) else { return false };
    let mut others = false;
    for item in items {
        let (NodeKind::Map(entries), Some(NodeKind::Text(path))) =
            (&item.kind, item.get("path").map(|node| &node.kind))
        else {
            continue;
        };
        if !bundle.lists(path) {
            others = true;
            continue;
        }
        let shown = path.escape_debug();
        let is = |key: &str, wanted: &str| matches!(item.get(key).map(|node| &node.kind), Some(NodeKind::Text(text)) if text == wanted);
        let mode = match path.as_str() {
            DRIVER => "0755",
            secret if secret.starts_with(SECRET) => "0600",
            _ => "0644",
        };
        if !is("owner", "root:root") || !is("permissions", mode) {
            found.differs(&format!("user-data does not give `{shown}` to root with the mode {mode}"));
        }
        if entries.iter().any(|(key, _)| !KEYS.contains(&key.text.as_str())) {
            found.differs(&format!("user-data says more of `{shown}` than cfy-seed does"));
        }
        if bundle.file(path).is_some_and(|content| guest::differs(path, content)) {
            found.differs(&format!("`{shown}` in user-data is not that of cfy-seed {}", env!("CARGO_PKG_VERSION")));
        }
    }
    others
}

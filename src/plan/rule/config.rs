//! `config`: settings of Cloudify, by the keys of its contract.

use crate::diag::{Code, Diagnostic, Report, Span, nearest};
use crate::names::RoleKind;
use crate::profile::{Contract, KeyType, covers};
use crate::yaml::{Key, Mapping, Node, NodeKind};

/// What keys there are.
pub struct Keys<'a> {
    /// Those of the version.
    pub contract: &'a Contract,
    /// Those that the spec allows although nobody knows them.
    pub allowed: &'a [String],
}

impl Keys<'_> {
    fn allows(&self, path: &[&str]) -> bool {
        self.allowed.iter().any(|pattern| covers(pattern, path))
    }

    fn has(&self, kind: RoleKind, path: &[&str]) -> bool {
        self.contract.key_type(kind, path).is_some() || self.allows(path)
    }

    fn kind(&self, kinds: &[RoleKind], path: &[&str]) -> Option<KeyType> {
        kinds.iter().find_map(|kind| self.contract.key_type(*kind, path))
    }
}

/// The part of a mapping that a role has keys for.
pub fn part(all: &Mapping, kind: RoleKind, keys: &Keys<'_>) -> Mapping {
    Mapping { entries: known(&all.entries, &mut Vec::new(), kind, keys) }
}

fn known<'a>(
    entries: &'a [(Key, Node)],
    path: &mut Vec<&'a str>,
    kind: RoleKind,
    keys: &Keys<'_>,
) -> Vec<(Key, Node)> {
    let mut kept = Vec::new();
    for (key, value) in entries {
        path.push(&key.text);
        match &value.kind {
            NodeKind::Map(below) if !below.is_empty() => {
                let below = known(below, path, kind, keys);
                if !below.is_empty() {
                    kept.push((key.clone(), Node { kind: NodeKind::Map(below), ..value.clone() }));
                }
            }
            _ if keys.has(kind, path) => kept.push((key.clone(), value.clone())),
            _ => {}
        }
        path.pop();
    }
    kept
}

/// Checks one mapping that is for these roles.
pub fn check(report: &mut Report, (block, span): (&Mapping, Span), kinds: &[RoleKind], keys: &Keys<'_>) {
    let kinds: Vec<RoleKind> = kinds.iter().copied().filter(|kind| kind.is_cloudify()).collect();
    if kinds.is_empty() {
        let message = "a balancer has no settings of Cloudify";
        let unused = Diagnostic::error(Code::OverrideUnused, message).at(span, "nobody gets this");
        report.push(unused.help("remove it; `--templates` can bring a haproxy.cfg of your own"));
        return;
    }
    Walk { report, kinds: &kinds, keys }.entries(&block.entries, &mut Vec::new());
}

struct Walk<'a> {
    report: &'a mut Report,
    kinds: &'a [RoleKind],
    keys: &'a Keys<'a>,
}

impl Walk<'_> {
    fn entries<'n>(&mut self, entries: &'n [(Key, Node)], path: &mut Vec<&'n str>) {
        for (key, value) in entries {
            path.push(&key.text);
            if let Some(instead) = self.keys.contract.ours(path) {
                let message = format!("`{}` is not for `config` to set", shown(path));
                let ours = Diagnostic::error(Code::ConfigOurs, message).at(key.span, "set by cfy-seed");
                self.report.push(ours.help(instead));
            } else if !self.keys.allows(path) {
                match &value.kind {
                    NodeKind::Map(below) if !below.is_empty() => self.entries(below, path),
                    _ => self.leaf(path, key, value),
                }
            }
            path.pop();
        }
    }

    fn leaf(&mut self, path: &[&str], key: &Key, value: &Node) {
        let kind = match self.keys.kind(self.kinds, path) {
            // Below a mapping that takes anything; the mapping itself must be one.
            Some(KeyType::Mapping) if path.split_last().is_some_and(|(_, up)| self.is_mapping(up)) => return,
            None if self.is_above_some_key(path) => Some(KeyType::Mapping),
            kind => kind,
        };
        match kind {
            None => self.unknown(path, key),
            Some(kind) if !kind.fits(&value.kind) => {
                let message = format!("`{}` is {}, not {}", shown(path), kind.in_words(), value.kind.in_words());
                let wrong = Diagnostic::error(Code::ConfigType, message).at(value.span, "");
                let quotes = kind == KeyType::String && !matches!(value.kind, NodeKind::List(_) | NodeKind::Map(_));
                self.report.push(wrong.help(if quotes {
                    "put it in quotes, so that it stays text".to_owned()
                } else {
                    format!("give it {}, or leave the key out for Cloudify's own default", kind.in_words())
                }));
            }
            Some(_) => {}
        }
    }

    fn is_mapping(&self, path: &[&str]) -> bool {
        self.keys.kind(self.kinds, path) == Some(KeyType::Mapping)
    }

    fn is_above_some_key(&self, path: &[&str]) -> bool {
        let keys = self.kinds.iter().flat_map(|kind| self.keys.contract.settable(*kind));
        let all = keys.chain(self.keys.contract.ours.keys().map(String::as_str));
        all.into_iter()
            .any(|known| known.split('.').zip(path).filter(|(k, p)| k == *p || *k == "*").count() == path.len())
    }

    fn unknown(&mut self, path: &[&str], key: &Key) {
        let written = path.join(".");
        let keys: Vec<&str> = self.kinds.iter().flat_map(|kind| self.keys.contract.settable(*kind)).collect();
        let others = self.keys.contract.roles.keys().find(|kind| self.keys.contract.key_type(**kind, path).is_some());
        let help = match (nearest(&written, keys), others) {
            (_, Some(kind)) => format!("it is a key of the role `{}`", kind.as_str()),
            (Some(meant), _) => format!("did you mean `{meant}`? `config_allow: [{}]` lets it through", shown(path)),
            (None, _) => format!("if Cloudify does have it, `config_allow: [{}]` lets it through", shown(path)),
        };
        let message = format!("Cloudify has no key `{}` here", shown(path));
        self.report.push(Diagnostic::error(Code::ConfigUnknown, message).at(key.span, "unknown").help(help));
    }
}

/// A key as it is told to people.
fn shown(path: &[&str]) -> String {
    path.join(".").escape_debug().to_string()
}

//! What a template rendered, against the contract's keys: Cloudify itself accepts any key in silence (cloudify.md
//! §1.1), so a misspelt one would install something else.

use crate::profile::{KeyType, RoleContract};
use crate::yaml::{Node, NodeKind};

use super::RenderError;

/// Checks a role's config.
pub fn check(role: &'static str, node: &Node, contract: Option<&RoleContract>) -> Result<(), RenderError> {
    let broken = |reason: String| RenderError::Contract { role, reason };
    let Some(contract) = contract else { return Err(broken("it has none".into())) };
    let mut leaves = Vec::new();
    collect(node, String::new(), &mut leaves);
    for (key, leaf) in &leaves {
        let Some(rule) = contract.keys.iter().find(|(pattern, _)| matches(pattern, key)).map(|(_, rule)| rule) else {
            return Err(broken(format!("unknown key {key}")));
        };
        let fits = match rule.kind {
            KeyType::String => matches!(&leaf.kind, NodeKind::Text(text) if !rule.required || !text.is_empty()),
            KeyType::Boolean => matches!(leaf.kind, NodeKind::Bool(_)),
            KeyType::List => matches!(leaf.kind, NodeKind::List(_)),
        };
        if !fits {
            return Err(broken(format!("{key} is not what it must be")));
        }
    }
    let there = |mapping: &str| leaves.iter().any(|(key, _)| key.starts_with(&format!("{mapping}.")));
    for (pattern, rule) in contract.keys.iter().filter(|(_, rule)| rule.required) {
        if rule.within.as_deref().is_none_or(there) && !leaves.iter().any(|(key, _)| matches(pattern, key)) {
            return Err(broken(format!("{pattern} is missing")));
        }
    }
    Ok(())
}

/// Every value that is not a mapping, with its dotted key.
fn collect<'a>(node: &'a Node, prefix: String, leaves: &mut Vec<(String, &'a Node)>) {
    match &node.kind {
        NodeKind::Map(entries) => {
            for (key, value) in entries {
                // A dot in a key would fall apart in a dotted path; member names are labels without dots.
                let path = if prefix.is_empty() { key.text.clone() } else { format!("{prefix}.{}", key.text) };
                collect(value, path, leaves);
            }
        }
        _ => leaves.push((prefix, node)),
    }
}

fn matches(pattern: &str, key: &str) -> bool {
    let (pattern, key): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), key.split('.').collect());
    pattern.len() == key.len() && pattern.iter().zip(&key).all(|(p, k)| *p == "*" || p == k)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_one_name() {
        assert!(matches("a.*.ip", "a.db-1.ip"));
        assert!(!matches("a.*.ip", "a.ip"));
        assert!(!matches("a.*.ip", "a.b.c.ip"));
        assert!(!matches("a", "b"));
    }
}

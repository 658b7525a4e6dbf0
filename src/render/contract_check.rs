//! What a template rendered, against the contract's keys: Cloudify itself accepts any key in silence (cloudify.md
//! §1.1), so a misspelt one would install something else.

use crate::names::RoleKind;
use crate::plan::Plan;
use crate::profile::{KeyType, covers};
use crate::yaml::{Node, NodeKind};

use super::RenderError;

/// Checks a role's config. What the spec allows explicitly may be anything.
pub fn check(plan: &Plan, role: RoleKind, name: &'static str, node: &Node) -> Result<(), RenderError> {
    let broken = |path: &[&str], reason: String| {
        let key = path.last().copied().unwrap_or_default().to_owned();
        RenderError::Contract { role: role.as_str(), name, key, reason }
    };
    let Some(contract) = plan.contract.roles.get(&role) else { return Err(broken(&[], "it has none".into())) };
    let mut leaves = Vec::new();
    collect(node, &mut Vec::new(), &mut leaves);
    for (path, leaf) in &leaves {
        let key = path.join(".");
        match plan.contract.key_type(role, path) {
            // What is in such a mapping is not known any further.
            Some(KeyType::Mapping) => {}
            Some(kind) if kind.fits(&leaf.kind) => {}
            Some(_) => return Err(broken(path, format!("{key} is not what it must be"))),
            None if plan.config_allow.iter().any(|pattern| covers(pattern, path)) => {}
            None => return Err(broken(path, format!("unknown key {key}"))),
        }
    }
    for (key, rule) in contract.keys.iter().filter(|(_, rule)| rule.required) {
        // Some sections are there or not; what such a section needs is needed only then.
        let applies = rule.within.as_deref().is_none_or(|within| leaves.iter().any(|(path, _)| covers(within, path)));
        let is_there = |(path, leaf): &(Vec<&str>, &Node)| {
            covers(key, path) && !matches!(&leaf.kind, NodeKind::Text(text) if text.is_empty())
        };
        if applies && !leaves.iter().any(is_there) {
            return Err(broken(&[], format!("{key} is missing or empty")));
        }
    }
    Ok(())
}

/// Every value that is not a mapping, with the names that lead to it.
fn collect<'a>(node: &'a Node, path: &mut Vec<&'a str>, leaves: &mut Vec<(Vec<&'a str>, &'a Node)>) {
    match &node.kind {
        NodeKind::Map(entries) => {
            for (key, value) in entries {
                path.push(&key.text);
                collect(value, path, leaves);
                path.pop();
            }
        }
        _ => leaves.push((path.clone(), node)),
    }
}

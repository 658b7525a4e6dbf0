//! Instructions for targets that have no tree of their own: commands for every host, which name its files.

use crate::bundle::Tree;
use crate::names::FileMode;
use crate::plan::Plan;

use super::{HandoffError, page};

/// The targets that have some.
const TARGETS: &[&str] = &[
    "alibaba",
    "azure",
    "cloudstack",
    "digitalocean",
    "gcp",
    "hetzner",
    "hyperv",
    "kubevirt",
    "nocloud",
    "oci",
    "virtualbox",
];

/// The instructions for a target, if it is one of these.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn tree(plan: &Plan, target: &str) -> Result<Option<Tree>, HandoffError> {
    if !TARGETS.contains(&target) {
        return Ok(None);
    }
    let mut tree = Tree::default();
    let facts = plan.targets.iter().find(|known| known.target == target);
    let page = page::render(plan, &format!("instructions/{target}.md"), facts)?;
    tree.add("README.md", FileMode::PUBLIC, page)?;
    if target == "kubevirt" {
        let name = "virtual-machines.yaml";
        tree.add(name, FileMode::PUBLIC, page::render(plan, &format!("instructions/{name}"), facts)?)?;
    }
    Ok(Some(tree))
}

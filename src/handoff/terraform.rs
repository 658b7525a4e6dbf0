//! Modules for Terraform and `OpenTofu`: HCL that is the same for every cluster, and the cluster as data beside it.

use crate::bundle::Tree;
use crate::names::FileMode;
use crate::plan::Plan;

use super::{HandoffError, cluster, page};

/// How deep a module lies in the tree: `terraform/<provider>`.
const DEPTH: usize = 2;

/// The files of one provider's module.
struct Module {
    readme: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// What the module needs of each host's bundle.
    bundle: &'static [(&'static str, &'static str)],
}

macro_rules! module {
    ($provider:literal, $bundle:expr) => {
        Module {
            readme: concat!("terraform/", $provider, "/README.md"),
            files: &[
                module!(file $provider, "versions.tf"),
                module!(file $provider, "variables.tf"),
                module!(file $provider, "main.tf"),
                module!(file $provider, "security.tf"),
                module!(file $provider, "outputs.tf"),
            ],
            bundle: $bundle,
        }
    };
    (file $provider:literal, $name:literal) => {
        ($name, include_str!(concat!("../../templates/handoff/terraform/", $provider, "/", $name)))
    };
}

const AWS: Module = module!("aws", &[("user_data", "user-data.aws")]);

/// The module for AWS.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn aws(plan: &Plan) -> Result<Tree, HandoffError> {
    tree(plan, &AWS)
}

fn tree(plan: &Plan, module: &Module) -> Result<Tree, HandoffError> {
    let mut tree = Tree::default();
    for (name, text) in module.files {
        tree.add(name, FileMode::PUBLIC, *text)?;
    }
    tree.add("cluster.json", FileMode::PUBLIC, cluster::data(plan, DEPTH, module.bundle)?)?;
    tree.add("README.md", FileMode::PUBLIC, page::render(plan, module.readme)?)?;
    Ok(tree)
}

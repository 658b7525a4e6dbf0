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
    ($provider:literal, [$($file:literal),+], $bundle:expr) => {
        Module {
            readme: concat!("terraform/", $provider, "/README.md"),
            files: &[$((
                concat!($file, ".tf"),
                include_str!(concat!("../../templates/handoff/terraform/", $provider, "/", $file, ".tf")),
            )),+],
            bundle: $bundle,
        }
    };
}

const AWS: Module =
    module!("aws", ["versions", "variables", "main", "security", "outputs"], &[("user_data", "user-data.aws")]);
const OPENSTACK: Module = module!(
    "openstack",
    ["versions", "variables", "main", "security", "outputs"],
    &[("user_data", "user-data.openstack")]
);
const VSPHERE: Module = module!(
    "vsphere",
    ["versions", "variables", "main", "outputs"],
    &[("user_data", "user-data.vsphere"), ("metadata", "meta-data.vsphere")]
);
const LIBVIRT: Module = module!("libvirt", ["versions", "variables", "main", "outputs"], &[("seed", "seed.iso")]);

/// The module for AWS.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn aws(plan: &Plan) -> Result<Tree, HandoffError> {
    tree(plan, &AWS)
}

/// The module for `OpenStack`.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn openstack(plan: &Plan) -> Result<Tree, HandoffError> {
    tree(plan, &OPENSTACK)
}

/// The module for vSphere.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn vsphere(plan: &Plan) -> Result<Tree, HandoffError> {
    tree(plan, &VSPHERE)
}

/// The module for libvirt.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn libvirt(plan: &Plan) -> Result<Tree, HandoffError> {
    tree(plan, &LIBVIRT)
}

fn tree(plan: &Plan, module: &Module) -> Result<Tree, HandoffError> {
    let mut tree = Tree::default();
    for (name, text) in module.files {
        tree.add(name, FileMode::PUBLIC, *text)?;
    }
    tree.add("cluster.json", FileMode::PUBLIC, cluster::data(plan, DEPTH, module.bundle)?)?;
    tree.add("README.md", FileMode::PUBLIC, page::render(plan, module.readme, None)?)?;
    Ok(tree)
}

//! What targets take: trees that hold or refer to a host's files.
//!
//! In: [`HostFiles`], and a [`Plan`] for what surrounds them. Out: [`Tree`]s. May not: run the tools that the trees are for, or
//! copy a secret: all but [`nocloud`] refer to the hosts' files by relative paths.
//!
//! Files that are the same for every cluster (HCL, scripts) are static and read the cluster as data beside them, so they are
//! checked once, as they are; pages for people are templates.

mod cluster;
mod companion;
mod delivery;
mod domain;
mod firewall;
mod hypervisor;
mod instructions;
mod pack;
mod packer;
mod page;
mod payload;
mod terraform;

pub use delivery::{Delivery, deliveries};
pub use pack::{Packed, Packing, choose, encode, in_field, on_seed};
pub use payload::medium as payload_medium;

use time::OffsetDateTime;

use crate::bundle::iso9660::{Image, IsoError};
use crate::bundle::{Content, Entry, Tree, TreeError};
use crate::names::{FileMode, InvalidName};
use crate::plan::Plan;
use crate::render::{HostFiles, RenderError};
use crate::yaml::NotSerialisable;

/// The volume label by which cloud-init finds a seed medium (DataSourceNoCloud, ds-identify).
pub const SEED_LABEL: &str = "CIDATA";
/// The seed image's name below a host's directory.
pub const SEED_IMAGE: &str = "seed.iso";
/// The files of a host's directory that are always there.
pub const SEED_FILES: [&str; 5] = ["user-data", "meta-data", "network-config", "vendor-data", SEED_IMAGE];

/// A tree cannot be made: a bug.
#[derive(Debug, thiserror::Error)]
pub enum HandoffError {
    /// A file twice.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// More than an image can hold.
    #[error(transparent)]
    Iso(#[from] IsoError),
    /// A name that its type refuses.
    #[error(transparent)]
    Path(#[from] InvalidName),
    /// A value that cannot be written as YAML.
    #[error(transparent)]
    Yaml(#[from] NotSerialisable),
    /// The compressor failed.
    #[error("user-data cannot be packed: {0}")]
    Pack(#[from] std::io::Error),
    /// Facts that are no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A file of the guest that cannot be made.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A page that its template does not render.
    #[error("the page {name}: {reason}")]
    Page {
        /// Its template.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Makes one tree.
type Maker = fn(&Plan) -> Result<Tree, HandoffError>;

/// Target, directory and maker of each tree. A target may have several.
const TREES: &[(&str, &str, Maker)] = &[
    ("aws", "terraform/aws", terraform::aws),
    ("libvirt", "terraform/libvirt", terraform::libvirt),
    ("openstack", "terraform/openstack", terraform::openstack),
    ("vsphere", "terraform/vsphere", terraform::vsphere),
    ("libvirt", "libvirt", hypervisor::libvirt),
    ("proxmox", "proxmox", hypervisor::proxmox),
    ("vsphere", "vsphere", hypervisor::vsphere),
];

/// What goes beside the hosts' bundles: the trees of these targets, and what every target has.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn beside<'t>(plan: &Plan, targets: impl IntoIterator<Item = &'t str>) -> Result<Tree, HandoffError> {
    let mut all = Tree::default();
    all.mount(&"firewall".parse()?, firewall::tree(plan)?)?;
    if plan.baked() {
        all.mount(&"packer".parse()?, packer::tree(plan)?)?;
    }
    for target in targets {
        for (_, directory, make) in TREES.iter().filter(|(of, ..)| *of == target) {
            all.mount(&directory.parse()?, make(plan)?)?;
        }
        if let Some(tree) = instructions::tree(plan, target)? {
            all.mount(&format!("instructions/{target}").parse()?, tree)?;
        }
    }
    Ok(all)
}

/// The NoCloud directory of one host, and a seed image with the same content. `time` is every date in the image.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn nocloud(files: &HostFiles, time: OffsetDateTime) -> Result<Tree, HandoffError> {
    let mut tree = Tree::default();
    tree.add("user-data", FileMode::SECRET, files.user_data.expose())?;
    tree.add("meta-data", FileMode::SECRET, files.meta_data.as_str())?;
    tree.add("network-config", FileMode::SECRET, files.network_config.as_str())?;
    tree.add("vendor-data", FileMode::SECRET, files.vendor_data.as_str())?;
    let image = Image::new(SEED_LABEL, &tree, time)?;
    let entry = Entry { mode: FileMode::SECRET, content: Content::Image(Box::new(image)) };
    tree.insert(SEED_IMAGE.parse()?, entry)?;
    Ok(tree)
}

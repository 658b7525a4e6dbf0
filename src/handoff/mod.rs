//! What targets take: trees that hold or refer to a host's files.
//!
//! In: [`HostFiles`]. Out: [`Tree`]s. May not: run the tools that the trees are for.

use time::OffsetDateTime;

use crate::bundle::iso9660::{Image, IsoError};
use crate::bundle::{Content, Entry, Tree, TreeError};
use crate::names::{FileMode, InvalidName};
use crate::render::HostFiles;

/// The volume label by which cloud-init finds a seed medium (DataSourceNoCloud, ds-identify).
pub const SEED_LABEL: &str = "CIDATA";

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
    tree.insert("seed.iso".parse()?, entry)?;
    Ok(tree)
}

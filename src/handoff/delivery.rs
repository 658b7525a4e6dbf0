//! The files of one host that a target takes.

use super::{HandoffError, Packed, SEED_IMAGE, companion};
use crate::bundle::Tree;
use crate::names::{FileMode, Pack};
use crate::profile::{Companion, Target};
use crate::render::HostFiles;

/// One host's user-data for one target, and under which name it lies below the host's directory.
#[derive(Debug)]
pub struct Delivery {
    /// The target.
    pub target: String,
    /// The file that the target takes: `user-data.<target>`, or the seed image.
    pub file: String,
    /// How user-data is packed in it.
    pub packed: Packed,
    /// The file that goes with it, below the host's directory too.
    pub companion: Option<(Companion, String)>,
}

impl Delivery {
    /// What a target takes of a host.
    #[must_use]
    pub fn new(target: &Target, packed: Packed) -> Self {
        let name = &target.target;
        let (file, companion) = match packed.pack {
            // The image has everything.
            Pack::Iso => (SEED_IMAGE.to_owned(), None),
            _ => (format!("user-data.{name}"), target.companion),
        };
        let companion = companion.map(|kind| match kind {
            Companion::Guestinfo => (kind, format!("meta-data.{name}")),
            Companion::Secret => (kind, format!("secret.{name}.yaml")),
        });
        Self { target: name.clone(), file, packed, companion }
    }
}

/// What the targets take of one host beside its NoCloud directory, and what goes with it where a platform has no other
/// place for it. `name` is what a platform may call what is the host's own.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn deliveries<'d>(
    name: &str,
    files: &HostFiles,
    all: impl IntoIterator<Item = &'d Delivery>,
) -> Result<Tree, HandoffError> {
    let mut tree = Tree::default();
    for Delivery { file, packed, companion, .. } in all {
        let Some(bytes) = &packed.file else { continue };
        tree.add(file, FileMode::SECRET, bytes.as_slice())?;
        let Some((kind, beside)) = companion else { continue };
        let content = match kind {
            Companion::Guestinfo => companion::guestinfo(files)?,
            Companion::Secret => companion::secret(name, files, bytes)?.into_bytes(),
        };
        tree.add(beside, FileMode::SECRET, content)?;
    }
    Ok(tree)
}

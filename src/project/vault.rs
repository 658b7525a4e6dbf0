//! A project's vault on the disk.

use std::collections::BTreeMap;

use camino::Utf8Path;
use time::OffsetDateTime;

use crate::diag::Report;
use crate::load::{self, LoadError};
use crate::names::{Credential, Secret, TreePath};
use crate::plan::Plan;
use crate::vault::{self, Changes, Opened, Permissions, SuppliedCa, VaultBytes, VaultFiles};

use super::Project;

/// What is in the vault and what a build would do to it.
#[derive(Debug)]
pub struct VaultState {
    /// What is there; `None` where there is no vault yet.
    pub opened: Option<Opened>,
    /// What a build would issue and generate.
    pub changes: Changes,
}

/// Why a vault could not be read.
#[derive(Debug, thiserror::Error)]
pub enum VaultReadError {
    /// Something that the user can mend.
    #[error("the vault cannot be used")]
    Refused(Report),
    /// The directory cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Reads a vault and says what a build would do to it; changes nothing.
///
/// # Errors
/// When it is damaged, foreign or exposed, or cannot be read.
pub fn vault_state(
    project: &Project,
    directory: &Utf8Path,
    plan: &Plan,
    now: OffsetDateTime,
) -> Result<VaultState, VaultReadError> {
    let opened = open(directory, plan, project.ca.as_ref())?;
    let changes = vault::preview(opened.as_ref(), &plan.identity, &project.supplied, now);
    Ok(VaultState { opened, changes })
}

/// The credentials that earlier builds generated; none where there is no vault.
///
/// # Errors
/// As [`vault_state`].
pub fn vault_credentials(directory: &Utf8Path, plan: &Plan) -> Result<BTreeMap<Credential, Secret>, VaultReadError> {
    Ok(open(directory, plan, None)?.map(|opened| opened.credentials().clone()).unwrap_or_default())
}

/// Reads a vault, and takes the CA into it that the spec names; `None` where there is neither.
pub(super) fn open(
    directory: &Utf8Path,
    plan: &Plan,
    ca: Option<&SuppliedCa>,
) -> Result<Option<Opened>, VaultReadError> {
    let found = load::vault_dir(directory)?;
    let opened = found.map(|found| vault::open(files(found), &plan.identity)).transpose();
    let opened = opened.map_err(VaultReadError::Refused)?;
    match ca {
        Some(ca) => vault::adopt(opened, ca).map(Some).map_err(VaultReadError::Refused),
        None => Ok(opened),
    }
}

/// What `load` read, as the vault room takes it.
pub(super) fn files(found: load::VaultDir) -> VaultFiles {
    let permissions = |attributes: load::Attributes| Permissions { mode: attributes.mode, owner: attributes.owner };
    let path = |text: &str| text.parse::<TreePath>().ok();
    let tree = found.tree;
    VaultFiles {
        directory: found.path.to_string(),
        permissions: permissions(tree.attributes),
        reader: found.user,
        directories: tree.directories.iter().filter_map(|(p, a)| Some((path(p)?, permissions(*a)))).collect(),
        files: tree
            .files
            .into_iter()
            .filter_map(|(p, file)| {
                let bytes = VaultBytes::new(file.bytes.unwrap_or_default());
                Some((path(&p)?, (bytes, permissions(file.attributes))))
            })
            .collect(),
    }
}

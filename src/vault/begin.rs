//! A vault before its first build: it has credentials that were chosen elsewhere, and nothing else.

use super::ensure::VaultError;
use super::files::{SECRETS, VaultBytes};
use super::open::Opened;
use super::writes::{Writes, bug};
use crate::names::TreePath;

/// The files of a vault that has these credentials. It is one whose first build was cut: the next build, or `pki csr`, makes
/// the rest.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn begin(opened: &Opened) -> Result<Vec<(TreePath, VaultBytes)>, VaultError> {
    let mut writes = Writes::default();
    let text = opened.secrets.to_text().map_err(|error| bug(SECRETS, &error))?;
    writes.add(SECRETS, VaultBytes::new(text.expose().as_bytes().to_vec()))?;
    Ok(writes.files)
}

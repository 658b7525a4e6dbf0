//! What goes into a vault, and in which order.

use super::certificate::Certificate;
use super::ensure::VaultError;
use super::files::{CA_CERTIFICATE, GITIGNORE, RECORD, VaultBytes};
use super::open::Opened;
use super::record::Record;
use crate::names::TreePath;

/// What is to be written, in the order in which a kill between two files does no harm: what names the whole before the
/// leaves, so that a vault without `vault.yaml` and without leaves is one whose first build was cut; each key before its
/// certificate, because the next run mends a key without a certificate and cannot mend the other way round.
#[derive(Default)]
pub(super) struct Writes {
    pub files: Vec<(TreePath, VaultBytes)>,
}

impl Writes {
    pub(super) fn add(&mut self, path: &str, bytes: VaultBytes) -> Result<(), VaultError> {
        self.files.push((tree_path(path)?, bytes));
        Ok(())
    }

    /// Adds what names the whole; the CA only where there is one yet.
    pub(super) fn finish(
        &mut self,
        opened: &Opened,
        record: &Record,
        ca: Option<&Certificate>,
    ) -> Result<(), VaultError> {
        if !opened.files.contains_key(&tree_path(GITIGNORE)?) {
            self.add(GITIGNORE, VaultBytes::new(b"*\n".to_vec()))?;
        }
        if let (Some(ca), false) = (ca, opened.files.contains_key(&tree_path(CA_CERTIFICATE)?)) {
            self.add(CA_CERTIFICATE, VaultBytes::new(ca.to_pem().into_bytes()))?;
        }
        if opened.record.as_ref() != Some(record) {
            let text = record.to_text().map_err(|error| bug(RECORD, &error))?;
            self.add(RECORD, VaultBytes::new(text.into_bytes()))?;
        }
        Ok(())
    }
}

pub(super) fn tree_path(path: &str) -> Result<TreePath, VaultError> {
    path.parse().map_err(|error| bug(path, &error))
}

pub(super) fn bug(what: &str, why: &dyn std::fmt::Display) -> VaultError {
    VaultError::Bug { what: what.to_owned(), why: why.to_string() }
}

//! The vendor's cluster-manager file, `cfy_cluster_config.yaml`, and what it is in our words.
//!
//! In: its text, and the content of the files it names. Out: a [`Draft`] of a spec that knows where each of its values was
//! written before, and credentials. May not: touch the disk, show a secret, or drop anything in silence.
//!
//! What the file means is what cloudify-cluster-manager does with it (`main.py` of 1.0 and 1.1, and its templates).

mod credential;
mod draft;
mod machine;
mod own_config;
mod services;
mod translate;
mod vendor;

pub use draft::Draft;
pub use machine::Machine;
pub use translate::{Beside, Choices, Files, Translation, translate};
pub use vendor::{FileUse, NamedFile, Read, Vendor, read};

/// What became of a file that the vendor's file names.
#[derive(Debug)]
pub enum Loaded {
    /// Its bytes, which may be secret.
    Bytes(crate::vault::VaultBytes),
    /// Its digest, where nobody needs its bytes.
    Digest(crate::names::Digest256),
    /// It cannot be used, and why.
    Unusable(String),
}

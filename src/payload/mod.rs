//! The packages of an offline cluster: what an RPM is, who signed it, and whether nothing is missing.
//!
//! In: readers, and a list of what an image has. Out: [`Rpm`] facts, [`PublicKeys`], a [`closure`], the metadata of a
//! repository, a bill of materials. May not: open paths itself, unpack a payload, or trust a size, a
//! count or a name that it was given.

pub mod closure;
mod error;
pub mod evr;
mod header;
mod inventory;
pub mod lock;
pub mod openpgp;
mod package;
mod read;
mod repodata;
mod rich;
mod rpmlib;
mod sbom;

pub use error::RpmError;
pub use inventory::{Installed, InventoryError, inventory};
pub use lock::{FileUse, Lock, LockedFile};
pub use openpgp::{KeyError, PublicKeys};
pub use package::{Change, Comparison, Digests, FileKind, Files, Nevra, Relation, Rpm, RpmFile, Signed};
pub use read::{read_header, read_rpm};
pub use repodata::repodata;
pub use rich::Requirement;
pub use rpmlib::rpm_of;
pub use sbom::{Materials, SBOM, sbom};

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

//! The packages of an offline cluster: what an RPM is, and who signed it.
//!
//! In: readers. Out: [`Rpm`] facts, and [`PublicKeys`]. May not: open paths itself, unpack a payload, or trust a size, a
//! count or a name that it was given.

mod error;
mod header;
pub mod openpgp;
mod package;
mod read;

pub use error::RpmError;
pub use openpgp::{KeyError, PublicKeys};
pub use package::{Change, Comparison, Digests, FileKind, Files, Nevra, Relation, Rpm, RpmFile, Signed};
pub use read::read_rpm;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

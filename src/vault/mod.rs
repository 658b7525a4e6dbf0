//! The identity of a cluster: its CA, the keys and certificates of its hosts and clients, and its credentials.
//!
//! In: the bytes of a vault directory from `load`, and what a plan needs, as an [`Identity`](crate::plan::Identity). Out:
//! a whole [`Vault`], what [`Changes`] were made, and the bytes that `emit` writes back. May not: touch the disk, show a
//! secret, or replace anything in silence.
//!
//! [`open`] reads and checks that the pieces fit each other; [`adopt`] takes a CA that the spec names; [`preview`] says
//! what is missing; [`ensure`] makes it. [`begin`] starts a vault with credentials from elsewhere. Where a CA outside signs, [`request`] makes keys and requests, and [`import`]
//! takes the certificates.

mod authority;
mod begin;
mod certificate;
mod change;
mod credential;
mod encrypted;
mod ensure;
mod files;
mod fit;
mod generate;
mod import;
mod issue;
mod key;
mod open;
mod pem;
mod record;
mod request;
mod sheet;
mod signing;
mod supplied;
#[allow(clippy::module_inception, reason = "the room's noun")]
mod vault;
mod writes;

pub use begin::begin;
pub use certificate::CertificateFacts;
pub use change::{Action, Changes, Subject};
pub use ensure::{VaultError, ensure, preview};
pub use files::{Permissions, VaultBytes, VaultFiles};
pub use import::{Imported, Incoming, import};
pub use key::NoKey;
pub use open::{Opened, identity_in, open};
pub use record::CaOrigin;
pub use request::{Requests, request};
pub use signing::SigningKey;
pub use supplied::{SuppliedCa, SuppliedFile, SuppliedFindings, adopt};
pub use vault::{Pair, Vault};

/// What these certificates say, the CA's first.
fn facts_of<'a>(
    ca: Option<&certificate::Certificate>,
    leaves: impl Iterator<Item = (&'a Subject, &'a certificate::Certificate)>,
) -> Vec<(Subject, CertificateFacts)> {
    let ca = ca.map(|ca| (Subject::Ca, ca.facts.clone()));
    ca.into_iter().chain(leaves.map(|(who, leaf)| (who.clone(), leaf.facts.clone()))).collect()
}

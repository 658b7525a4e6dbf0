//! As much of OpenPGP (RFC 4880) as signatures of RPMs need: RSA keys, and signatures over bytes with SHA-2.
//!
//! rpm of EL 7 and EL 8 reads RSA and DSA, and the vendors of both sign with RSA. The crates that do all of OpenPGP bring
//! the crate `rsa`, which has a timing side channel (RUSTSEC-2023-0071) and is banned in `deny.toml`. Like rpm, this asks
//! neither who vouches for a key nor when it ends: whoever gives a key trusts it.

mod armor;
mod key;
mod packet;
mod signature;

pub use key::{KeyError, PublicKeys};
pub(super) use signature::{Signature, Verification};

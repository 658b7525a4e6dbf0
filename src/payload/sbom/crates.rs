//! The crates that this program was built of.
//!
//! A file that is kept with the source and compared with Cargo's own answer by a test, because nothing can be asked when a box is
//! made. Cargo.lock alone would not do: it names crates of other systems, of the tests, and of features that are off.

/// A crate, as cargo names it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crate {
    pub name: &'static str,
    pub version: &'static str,
    /// SHA-256 of what the registry gives, in hexadecimal: the `checksum` of Cargo.lock.
    pub sha256: &'static str,
    /// SPDX expression.
    pub license: &'static str,
}

/// One crate a line, its fields between tabs.
const CRATES: &str = include_str!("crates.tsv");

/// All of them, by name and version.
pub(super) fn crates() -> impl Iterator<Item = Crate> {
    CRATES.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        Some(Crate { name: fields.next()?, version: fields.next()?, sha256: fields.next()?, license: fields.next()? })
    })
}

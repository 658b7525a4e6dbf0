//! Trees of files, and the formats that carry them.
//!
//! In: names, modes and bytes, or references to large content. Out: trees, the manifest, ISO 9660 images, gzip. May
//! not: touch the disk, know cloud-init or Cloudify. Large content is a reference; whoever writes a tree out brings
//! the [`ContentSource`] that opens it.

pub mod archive;
pub mod gzip;
pub mod iso9660;
pub mod manifest;
mod seal;
mod tree;

pub use seal::{
    Closing, HostFacts, MANIFEST, ManifestFacts, SIGNATURE, SUMS, SealError, SealedTree, seal, sum_line, sums,
};
pub use tree::{Content, ContentSource, Entry, Tree, TreeError};

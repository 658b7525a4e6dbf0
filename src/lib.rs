//! One `cluster.yaml` in, one self-installing cloud-init bundle per Cloudify host out.
//!
//! Data flows one way, and so do the rooms below:
//!
//! ```text
//! cluster.yaml ─load→ spec::parse → Spec ─plan::resolve(+profiles)→ Plan      | Report
//! vault dir    ─load→ vault::open ─vault::ensure(&Plan, World)→ Vault         | Report
//! Plan + Vault ─render (pure)→ HostFiles ─bundle (pure)→ Tree
//! vendor's file ─load→ import::read, translate → Draft of a spec, credentials | Report
//! RPMs         ─load→ payload::read_rpm → Rpm ─closure→ what is missing       | RpmError
//! Tree         ─seal→ SealedTree ─emit→ out/ ─load→ verify → Report
//! ```
//!
//! The walls between the rooms are held by `clippy.toml` and by `tests/architecture.rs`.

pub mod names;

pub mod diag;
pub mod yaml;

pub mod spec;

pub mod profile;

pub mod plan;

pub mod vault;
pub mod world;

pub mod payload;

pub mod import;

pub mod render;

pub mod bundle;

pub mod handoff;

pub mod load;

pub mod emit;

pub mod verify;

pub mod console;

pub mod project;

pub mod page;

pub mod cli;

//! Everything that is tested from outside, on what the library and the binary really make.
//!
//! One binary, because each one costs a link of the whole crate. `tests/run` is the command that runs it all.
#![allow(
    clippy::pedantic,
    clippy::expect_used,
    clippy::panic,
    missing_debug_implementations,
    missing_docs,
    reason = "a test may panic, and its names say what it is about"
)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "the walls are for the rooms: tests read, write and start what they want"
)]

mod support;

mod alone;
mod bad_specs;
mod blame;
mod boxes;
mod budget;
mod builds;
mod commands;
mod configs;
mod contracts;
mod corruption;
mod evidence;
mod externals;
mod facts;
mod faults;
mod golden;
mod handoffs;
mod hostile;
mod images;
mod import;
mod inputs;
mod many;
mod matrix;
mod media;
mod overrides;
mod own;
mod page;
mod payload;
mod pki;
mod properties;
mod sbom;
mod secrets;
mod seeds;
mod stops;
mod tampering;
mod targets;
mod vaults;

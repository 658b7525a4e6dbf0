//! `cfy-seed payload iso`

use crate::cli::args::PayloadIso;
use crate::cli::check::counted;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::verify::read_key;
use crate::project::{Medium, payload_medium};

pub fn run(request: &PayloadIso, output: &Output) -> Result<Exit, Failure> {
    let key = read_key(request.key.as_deref())?;
    let progress = output.progress("image");
    let bytes = |done, total| progress.bytes(done, total);
    let medium = payload_medium(&request.from, key.as_deref(), &request.out, &bytes)?;
    drop(progress);
    say_medium(&medium, output);
    let whose = if key.is_some() { "that was given" } else { "in it; compare its fingerprint" };
    output.say(&format!("signed with the key {whose}: SHA-256 {}", medium.fingerprint));
    Ok(Exit::Done)
}

/// What image was written.
pub fn say_medium(medium: &Medium, output: &Output) {
    let Medium { path, size, files, sha256, .. } = medium;
    let (files, size) = (counted(*files, "file"), super::bytes(*size));
    output.say(&format!("{path}: a payload medium, {files}, {size}, SHA-256 {sha256}"));
}

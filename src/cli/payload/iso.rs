//! `cfy-seed payload iso`

use crate::cli::args::PayloadIso;
use crate::cli::check::counted;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::verify::{read_key, signed_by};
use crate::project::{Medium, payload_medium};

pub fn run(request: &PayloadIso, output: &Output) -> Result<Exit, Failure> {
    let key = read_key(request.key.as_deref())?;
    let progress = output.progress("image");
    let bytes = |done, total| progress.bytes(done, total);
    let medium = payload_medium(&request.from, key.as_deref(), request.out.as_deref(), &bytes)?;
    drop(progress);
    say_medium(&medium, output);
    output.say(&signed_by(key.is_some(), &medium.fingerprint));
    Ok(Exit::Done)
}

/// What image was written.
pub fn say_medium(medium: &Medium, output: &Output) {
    let Medium { path, size, files, sha256, .. } = medium;
    let (files, size) = (counted(*files, "file"), super::bytes(*size));
    output.say(&format!("{path}: a payload medium, {files}, {size}, SHA-256 {sha256}"));
}

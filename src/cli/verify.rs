//! `cfy-seed verify`

use camino::{Utf8Path, Utf8PathBuf};
use time::format_description::well_known::Rfc3339;

use crate::diag::{self, Report, Sources};
use crate::emit::{self, EmitError};
use crate::load;
use crate::profile::Profiles;
use crate::project::OwnDirectories;
use crate::verify::{self, Circumstances, Evidence, Subject, Verification};
use crate::world::{RealWorld, World as _};

use super::args::{Format, Verify};
use super::check::counted;
use super::exit::{Exit, Failure};
use super::output::Output;

/// Where `build` puts its trees.
const OUT: &str = "out";
/// A public key has some hundred bytes.
const MAX_KEY: u64 = 64 << 10;

pub fn run(request: &Verify, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let Some(profiles) = read_profiles(own, output)? else { return Ok(Exit::BadInput) };
    let path = match &request.path {
        Some(path) => path.clone(),
        None => only_tree()?,
    };
    if let Some(evidence) = request.evidence.as_ref().filter(|evidence| evidence.exists()) {
        return Err(EmitError::Exists { path: evidence.clone() }.into());
    }
    let key = read_key(request.key.as_deref())?;
    let at = RealWorld.now();
    let progress = output.progress("verify");
    let bytes = |done, total| progress.bytes(done, total);
    let verification = verify::subject(verify::Request {
        path: &path,
        key: key.as_deref(),
        at,
        profiles: &profiles,
        progress: &bytes,
        whole: None,
    })?;
    if let Some(evidence) = &request.evidence {
        write_evidence(evidence, &path, &verification, key.is_some())?;
    }
    drop(progress);
    let sources = Sources::default();
    match request.format {
        Format::Json => output.data(&diag::json(&verification.report, &sources))?,
        Format::Text => output.report(&verification.report, &sources),
    }
    if verification.report.has_errors() {
        return Ok(Exit::BadInput);
    }
    say_good(&path, &verification, key.is_some(), output);
    Ok(Exit::Done)
}

fn say_good(path: &Utf8Path, verification: &Verification, key_given: bool, output: &Output) {
    let files = counted(verification.files.len(), "file");
    let left = verification.not_compared.join("; ");
    output.say(&match verification.subject {
        Subject::BoxPart => format!("{path}: as it was written; not compared: {left}"),
        Subject::SeedImage | Subject::UserData => format!(
            "{path}: {}, what can be compared fits together; not compared: {left}\n\
             verify the tree or the box that it is from to have every byte compared",
            super::check::hosts(1)
        ),
        Subject::Payload | Subject::PayloadImage => format!("{path}: a payload, {files}, everything as it was built"),
        _ => format!("{path}: {}, {files}, everything as it was built", super::check::hosts(verification.hosts)),
    });
    if let Some(fingerprint) = verification.signature.flatten() {
        output.say(&signed_by(key_given, &fingerprint));
    }
}

/// Whose key signed it.
pub fn signed_by(key_given: bool, fingerprint: &impl std::fmt::Display) -> String {
    let whose = if key_given { "that was given" } else { "in it; compare its fingerprint" };
    format!("signed with the key {whose}: SHA-256 {fingerprint}")
}

/// Writes the evidence, good or bad. The time is when all had been looked at.
fn write_evidence(to: &Utf8Path, path: &Utf8Path, found: &Verification, key_given: bool) -> Result<(), Failure> {
    let sha256 = if path.is_file() { Some(load::digest(path, &|_| ())?) } else { None };
    let time = RealWorld.now().replace_nanosecond(0).map_err(|error| Failure::Bug(error.to_string()))?;
    let time = time.format(&Rfc3339).map_err(|error| Failure::Bug(error.to_string()))?;
    let circumstances = Circumstances { time: &time, path: path.as_str(), sha256, key_given };
    let json = Evidence::of(found, circumstances).to_json().map_err(|error| Failure::Bug(error.to_string()))?;
    Ok(emit::new_file(to, json.as_bytes())?)
}

/// The profiles by which targets are judged; nothing where the operator's own are wrong, which is said.
pub fn read_profiles(own: &OwnDirectories, output: &Output) -> Result<Option<Profiles>, Failure> {
    let (mut sources, mut report) = (Sources::default(), Report::default());
    let profiles = own.profiles(&mut sources, &mut report)?;
    output.report(&report, &sources);
    Ok(Some(profiles).filter(|_| !report.has_errors()))
}

/// The public key that a user names. What is none is a mistake on the command line, and says nothing of what is to be verified.
pub fn read_key(path: Option<&Utf8Path>) -> Result<Option<Vec<u8>>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let key = load::bytes(path, MAX_KEY)?;
    match verify::why_no_public_key(&key) {
        None => Ok(Some(key)),
        Some(why) => Err(Failure::Usage(format!(
            "--key {path}: {why}; an RSA public key in PEM is wanted (`-----BEGIN PUBLIC KEY-----`), such as the box-key.pem of a box"
        ))),
    }
}

/// The only tree below `out`.
fn only_tree() -> Result<Utf8PathBuf, Failure> {
    let out = Utf8Path::new(OUT);
    let trees = load::directories(out)?;
    match trees.as_slice() {
        [only] => Ok(out.join(only)),
        [] => Err(Failure::Usage("nothing is built below out; name a built tree or a seed image".into())),
        several => Err(Failure::Usage(format!("several trees below out ({}); name one", several.join(", ")))),
    }
}

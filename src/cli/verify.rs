//! `cfy-seed verify`

use camino::{Utf8Path, Utf8PathBuf};

use crate::diag::{self, Sources};
use crate::load::{self, Limits};
use crate::verify::{self, Verified};
use crate::world::{RealWorld, World as _};

use super::args::{Format, Verify};
use super::exit::{Exit, Failure};
use super::output::Output;

/// Where `build` puts its trees.
const OUT: &str = "out";
/// No seed image is larger; a box will be read in another way.
const MAX_IMAGE: u64 = 256 << 20;

pub fn run(request: &Verify, output: &Output) -> Result<Exit, Failure> {
    let path = match &request.path {
        Some(path) => path.clone(),
        None => only_tree()?,
    };
    let now = RealWorld.now();
    let verified = match load::tree(&path, Limits::BUNDLE) {
        Ok(tree) => verify::built_tree(&tree, now),
        Err(load::LoadError::NotADirectory { .. }) => image(&path, now)?,
        Err(error) => return Err(error.into()),
    };
    let sources = Sources::default();
    match request.format {
        Format::Json => output.data(&diag::json(&verified.report, &sources))?,
        Format::Text => output.report(&verified.report, &sources),
    }
    if verified.report.has_errors() {
        return Ok(Exit::BadInput);
    }
    let Verified { hosts, files, .. } = verified;
    output.say(&format!("{path}: {}, {files} files, everything as it was built", super::check::hosts(hosts)));
    Ok(Exit::Done)
}

fn image(path: &Utf8Path, now: time::OffsetDateTime) -> Result<Verified, Failure> {
    let bytes = load::bytes(path, MAX_IMAGE)?;
    Ok(verify::seed_image(path.file_name().unwrap_or("the image"), &bytes, now))
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

//! `cfy-seed payload split`

use crate::cli::args::PayloadSplit;
use crate::cli::check::counted;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::verify::{read_key, read_profiles};
use crate::project::{OwnDirectories, split_box};
use crate::verify::Request;
use crate::world::{RealWorld, World as _};

pub fn run(request: &PayloadSplit, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let Some(profiles) = read_profiles(own, output)? else { return Ok(Exit::BadInput) };
    let key = read_key(request.key.as_deref())?;
    let progress = output.progress("split");
    let bytes = |done, total| progress.bytes(done, total);
    let subject = Request {
        path: &request.from,
        key: key.as_deref(),
        at: RealWorld.now(),
        profiles: &profiles,
        progress: &bytes,
        whole: None,
    };
    let split = split_box(subject, request.split, &request.out)?;
    drop(progress);
    let parts = counted(split.parts, "part");
    output.say(&format!("{}: {} in {parts}; they hold private keys", split.list, super::bytes(split.size)));
    Ok(Exit::Done)
}

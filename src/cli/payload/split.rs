//! `cfy-seed payload split`

use crate::cli::args::PayloadSplit;
use crate::cli::check::counted;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::verify::read_key;
use crate::project::split_box;
use crate::verify::Request;
use crate::world::{RealWorld, World as _};

pub fn run(request: &PayloadSplit, output: &Output) -> Result<Exit, Failure> {
    let key = read_key(request.key.as_deref())?;
    let progress = output.progress("split");
    let bytes = |done, total| progress.bytes(done, total);
    let subject = Request { path: &request.from, key: key.as_deref(), at: RealWorld.now(), progress: &bytes };
    let split = split_box(subject, request.split, &request.out)?;
    drop(progress);
    let parts = counted(split.parts, "part");
    output.say(&format!("{}: {} in {parts}; they hold private keys", split.list, super::bytes(split.size)));
    Ok(Exit::Done)
}

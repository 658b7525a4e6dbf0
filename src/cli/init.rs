//! `cfy-seed init`

use crate::emit;
use crate::profile::Shape;

use super::args::Init;
use super::exit::{Exit, Failure};
use super::output::Output;

pub fn run(request: &Init, output: &Output) -> Result<Exit, Failure> {
    let shape = Shape::named(&request.shape).ok_or_else(|| Failure::Usage("no such shape".into()))?;
    match emit::new_file(&request.file, shape.spec.as_bytes()) {
        Ok(()) => {
            output
                .say(&format!("{} written ({}). Edit it, then run `cfy-seed check {0}`.", request.file, shape.name));
            Ok(Exit::Done)
        }
        Err(error) => Err(error.into()),
    }
}

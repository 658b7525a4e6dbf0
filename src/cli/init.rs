//! `cfy-seed init`

use crate::diag::{Report, Sources};
use crate::emit;
use crate::profile::{OwnFile, SHAPES, Shape};
use crate::project::OwnDirectories;
use crate::spec;

use super::args::Init;
use super::exit::{Exit, Failure};
use super::output::Output;

pub fn run(request: &Init, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let (mut sources, mut report) = (Sources::default(), Report::default());
    let mine = own.read_profiles(&mut sources, &mut report);
    let path = format!("shapes/{}.yaml", request.shape);
    let text = match mine.iter().find(|file| file.path == path) {
        Some(file) => {
            report.extend(spec::parse(file.path.as_str(), &file.text, &mut sources).report);
            file.text.as_str()
        }
        None => Shape::named(&request.shape).ok_or_else(|| no_such_shape(&request.shape, &mine))?.spec,
    };
    output.report(&report, &sources);
    if report.has_errors() {
        return Ok(Exit::BadInput);
    }
    emit::new_file(&request.file, text.as_bytes())?;
    output.say(&format!("{} written ({}). Edit it, then run `cfy-seed check {0}`.", request.file, request.shape));
    Ok(Exit::Done)
}

fn no_such_shape(name: &str, mine: &[OwnFile]) -> Failure {
    let own = mine.iter().filter_map(|file| file.path.strip_prefix("shapes/")?.strip_suffix(".yaml"));
    let names: Vec<&str> = SHAPES.iter().map(|shape| shape.name).chain(own).collect();
    Failure::Usage(format!("no shape `{}`; there are {}", name.escape_debug(), names.join(", ")))
}

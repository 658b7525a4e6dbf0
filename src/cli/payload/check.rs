//! `cfy-seed payload check`

use crate::cli::args::{Format, PayloadReport};
use crate::cli::check::{counted, open_and_report};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::diag;
use crate::project::{Depth, OwnDirectories, check_payload, read_payload};

pub fn run(request: &PayloadReport, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let (project, plan) = open_and_report(&request.spec, own, output)?;
    let Some(plan) = plan else { return Ok(Exit::BadInput) };
    let directory = project.payload_directory(request.payload.as_deref(), &plan);
    let progress = output.progress("packages");
    let payload = read_payload(&directory, Depth::Whole, &|done, total| progress.step(done, total))?;
    drop(progress);
    let mut checked = check_payload(&payload, &plan);
    if request.spec.strict {
        checked.report.make_strict();
    }
    match request.format {
        Format::Json => output.data(&diag::json(&checked.report, &project.sources))?,
        Format::Text => output.report(&checked.report, &project.sources),
    }
    if checked.report.has_errors() {
        return Ok(Exit::BadInput);
    }
    let proven = if checked.proven { ", and nothing is missing" } else { "" };
    let packages = counted(payload.packages.len(), "package");
    output.say(&format!("{directory}: {packages}, {} installed by hosts{proven}", checked.installed));
    Ok(Exit::Done)
}

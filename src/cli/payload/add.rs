//! `cfy-seed payload add`

use crate::cli::args::{PayloadAdd, SpecArgs};
use crate::cli::check::{counted, open_and_report};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::project::{OwnDirectories, add_to_payload};

pub fn run(request: &PayloadAdd, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let directory = match &request.payload {
        Some(directory) => directory.clone(),
        None => {
            let spec = SpecArgs { spec: request.spec.clone(), strict: false };
            let (project, plan) = open_and_report(&spec, own, output)?;
            let Some(plan) = plan else { return Ok(Exit::BadInput) };
            project.payload_directory(None, &plan)
        }
    };
    let progress = output.progress("files");
    let step = |done, total| progress.step(done, total);
    let added = add_to_payload(&directory, &request.files, request.origin.as_deref(), &step)?;
    drop(progress);
    for file in &added.new {
        output.say(&format!("added {file}"));
    }
    for file in &added.forgotten {
        output.say(&format!("forgotten {file}: it is not there any more"));
    }
    let same = if added.same == 0 { String::new() } else { format!(", {} already there", added.same) };
    output.say(&format!("{directory}: {} added{same}", counted(added.new.len(), "file")));
    Ok(Exit::Done)
}

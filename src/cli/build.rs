//! `cfy-seed build`

use crate::project::{Destination, OwnDirectories};
use crate::world::RealWorld;

use super::args::Build;
use super::check::{hosts, open_and_report};
use super::exit::{Exit, Failure};
use super::output::Output;

pub fn run(request: &Build, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let (project, plan) = open_and_report(&request.spec, own, output)?;
    let Some(plan) = plan else { return Ok(Exit::BadInput) };
    let vault = project.vault_directory(request.vault.as_deref(), &plan);
    let destination = Destination { out: request.out.clone(), vault };
    let progress = output.progress("keys");
    let built = project.build(&plan, &destination, &RealWorld, &|done, total| progress.step(done, total))?;
    drop(progress);
    output.report(&built.changes.report, &project.sources);
    let changes = built.changes.to_string();
    if !changes.is_empty() {
        output.say(&changes);
    }
    let published = built.published;
    output.say(&format!(
        "{}: {}, {} files, {} KiB in {}; vault {}",
        plan.cluster,
        hosts(plan.hosts.len()),
        published.files,
        published.bytes.div_ceil(1024),
        published.path,
        destination.vault,
    ));
    Ok(Exit::Done)
}

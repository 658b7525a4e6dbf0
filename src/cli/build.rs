//! `cfy-seed build`

use crate::project::{Built, Destination, Project, clashes, side_by_side};
use crate::world::RealWorld;

use super::args::Build;
use super::check::{hosts, open_all};
use super::exit::{Exit, Failure};
use super::output::Output;

pub fn run(request: &Build, output: &Output) -> Result<Exit, Failure> {
    let several = request.specs.specs.len() > 1;
    if several && request.vault.is_some() {
        let why = "`--vault` names the vault of one cluster; with several specs each has its own, beside its spec";
        return Err(Failure::Usage(why.into()));
    }
    let projects = open_all(&request.specs)?;
    let (clashes, sources) = clashes(&projects);
    if clashes.has_errors() {
        projects.iter().for_each(|project| output.report(&project.report, &project.sources));
        output.report(&clashes, &sources);
        output.say("nothing was built");
        return Ok(Exit::BadInput);
    }
    let progress = output.progress(if several { "clusters" } else { "keys" });
    let keys = |done: usize, total: usize| {
        if !several {
            progress.step(done, total);
        }
    };
    let (mut worst, mut built) = (Exit::Done, 0);
    let tell = |at: usize, result: Option<Result<(Built, Destination), Failure>>| {
        progress.clear();
        let project: &Project = &projects[at];
        output.report(&project.report, &project.sources);
        let exit = match result {
            None => Exit::BadInput,
            Some(Err(failure)) => failure.report(output),
            Some(Ok((built, destination))) => {
                say_built(project, &built, &destination, output);
                Exit::Done
            }
        };
        worst = worst.max(exit);
        built += usize::from(exit == Exit::Done);
        if several {
            if exit != Exit::Done {
                output.say(&format!("{}: not built", request.specs.specs[at]));
            }
            progress.step(at + 1, projects.len());
        }
    };
    side_by_side(&projects, |_, project| build(project, request, &keys), tell);
    drop(progress);
    if several {
        output.say(&format!("{built} built, {} not", projects.len() - built));
    }
    Ok(worst)
}

/// Builds one cluster; nothing where its spec has errors.
fn build(
    project: &Project,
    request: &Build,
    keys: &(dyn Fn(usize, usize) + Sync),
) -> Option<Result<(Built, Destination), Failure>> {
    let plan = project.plan.as_ref()?;
    let vault = project.vault_directory(request.vault.as_deref(), plan);
    let destination = Destination { out: request.out.clone(), vault };
    let built = project.build(plan, &destination, &RealWorld, keys);
    Some(built.map(|built| (built, destination)).map_err(Failure::from))
}

fn say_built(project: &Project, built: &Built, destination: &Destination, output: &Output) {
    output.report(&built.changes.report, &project.sources);
    let changes = built.changes.to_string();
    if !changes.is_empty() {
        output.say(&changes);
    }
    let published = &built.published;
    output.say(&format!(
        "{}: {}, {} files, {} KiB in {}; vault {}",
        published.manifest.cluster,
        hosts(published.manifest.hosts.len()),
        published.files,
        published.bytes.div_ceil(1024),
        published.path,
        destination.vault,
    ));
}

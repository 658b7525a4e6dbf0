//! `cfy-seed build`

use crate::names::Secret;
use crate::project::{Built, Destination, OwnDirectories, Project, clashes, side_by_side, vault_state};
use crate::world::{RealWorld, World as _};

use super::args::Build;
use super::check::{hosts, open_all};
use super::exit::{Exit, Failure};
use super::output::Output;
use super::passphrase;

pub fn run(request: &Build, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let several = request.specs.specs.len() > 1;
    if several && request.vault.is_some() {
        let why = "`--vault` names the vault of one cluster; with several specs each has its own, beside its spec";
        return Err(Failure::Usage(why.into()));
    }
    if several && request.payload.is_some() {
        let why =
            "`--payload` names the payload of one cluster; with several specs each has its own, beside its spec";
        return Err(Failure::Usage(why.into()));
    }
    let mut projects = open_all(&request.specs, own)?;
    let (clashes, sources) = clashes(&projects);
    if clashes.has_errors() {
        projects.iter().for_each(|project| output.report(&project.report, &project.sources));
        output.report(&clashes, &sources);
        output.say("nothing was built");
        return Ok(Exit::BadInput);
    }
    let mut locked = unlock_all(&mut projects, request, output)?;
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
        let exit = match locked[at].take().map(Err).or(result) {
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
    let built = if request.offline {
        let payload = project.payload_directory(request.payload.as_deref(), plan);
        project.build_offline(plan, &destination, &payload, &RealWorld, keys)
    } else {
        project.build(plan, &destination, &RealWorld, keys)
    };
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

/// Opens the keys of CAs, one after the other because a person may be asked. Gives for each project why it stays locked;
/// such a one has no plan any more.
fn unlock_all(projects: &mut [Project], request: &Build, output: &Output) -> Result<Vec<Option<Failure>>, Failure> {
    let file = request.ca_passphrase_file.as_deref().filter(|_| projects.iter().any(Project::is_ca_locked));
    let given = file.map(passphrase::from_file).transpose()?;
    let unlock = |project: &mut Project| {
        let failure = unlock_ca(project, request, given.as_ref(), output).err()?;
        project.plan = None;
        Some(failure)
    };
    Ok(projects.iter_mut().map(unlock).collect())
}

/// Opens the CA's key, where it is encrypted and a passphrase is given, or a person can be asked and it is needed.
fn unlock_ca(project: &mut Project, request: &Build, given: Option<&Secret>, output: &Output) -> Result<(), Failure> {
    let Some(plan) = project.plan.as_ref().filter(|_| project.is_ca_locked()) else { return Ok(()) };
    if let Some(given) = given {
        return project.unlock_ca(given).map_err(|found| Failure::Findings(found.into()));
    }
    let vault = project.vault_directory(request.vault.as_deref(), plan);
    if vault_state(project, &vault, plan, RealWorld.now())?.changes.issued() > 0 {
        passphrase::ask(output, |answer| project.unlock_ca(answer))?;
    }
    Ok(())
}

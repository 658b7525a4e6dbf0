//! `cfy-seed build`

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use crate::emit::Archived;
use crate::names::{Digest256, HostName, Pack, Secret};
use crate::plan::Plan;
use crate::project::{
    BoxParts, Boxed, Budget, Built, Destination, Footprint, Medium, OwnDirectories, Project, clashes, side_by_side,
    vault_state,
};
use crate::world::{RealWorld, World as _};

use super::args::Build;
use super::check::{hosts, open_all};
use super::exit::{Exit, Failure};
use super::output::Output;
use super::passphrase;

pub fn run(request: &Build, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let several = request.specs.specs.len() > 1;
    of_one_cluster(request, several)?;
    let mut projects = open_all(&request.specs, own)?;
    projects.iter_mut().for_each(|project| project.judge_payload(request.payload.as_deref()));
    projects.iter_mut().for_each(|project| project.packing = request.pack.into());
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
    let tell = |at: usize, result: Option<Result<Done, Failure>>| {
        progress.clear();
        let project: &Project = &projects[at];
        output.report(&project.report, &project.sources);
        let exit = match locked[at].take().map(Err).or(result) {
            None => Exit::BadInput,
            Some(Err(failure)) => failure.report_in(output, &project.sources),
            Some(Ok(done)) => {
                say_built(project, &done, output);
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
    let box_progress = output.progress("box");
    let bytes = |done: u64, total: u64| {
        if !several {
            progress.clear();
            box_progress.bytes(done, total);
        }
    };
    side_by_side(&projects, |_, project| build(project, request, &keys, &bytes), tell);
    drop(box_progress);
    drop(progress);
    if several {
        output.say(&format!("{built} built, {} not", projects.len() - built));
    }
    Ok(worst)
}

/// Refuses what can be said of one cluster only.
fn of_one_cluster(request: &Build, several: bool) -> Result<(), Failure> {
    if several && request.vault.is_some() {
        let why = "`--vault` names the vault of one cluster; with several specs each has its own, beside its spec";
        return Err(Failure::Usage(why.into()));
    }
    if several && request.payload.is_some() {
        let why =
            "`--payload` names the payload of one cluster; with several specs each has its own, beside its spec";
        return Err(Failure::Usage(why.into()));
    }
    Ok(())
}

/// This very program, whatever became of its file since it was started (proc(5)).
const PROGRAM: &str = "/proc/self/exe";

/// What was built of one cluster.
struct Done {
    built: Built,
    destination: Destination,
    /// What there is beside the bundles.
    boxed: Option<Beside>,
}

/// A box, the fingerprint of the key that signed it, the payload's image, and an older one that was taken away.
struct Beside {
    archived: Archived,
    fingerprint: Digest256,
    medium: Option<Medium>,
    removed: Option<Utf8PathBuf>,
}

/// Builds one cluster; nothing where its spec has errors.
fn build(
    project: &Project,
    request: &Build,
    keys: &(dyn Fn(usize, usize) + Sync),
    bytes: &(dyn Fn(u64, u64) + Sync),
) -> Option<Result<Done, Failure>> {
    let plan = project.plan.as_ref()?;
    let vault = project.vault_directory(request.vault.as_deref(), plan);
    let destination = Destination { out: request.out.clone(), vault };
    if !request.offline {
        let built = project.build(plan, &destination, &RealWorld, keys);
        return Some(built.map(|built| Done { built, destination, boxed: None }).map_err(Failure::from));
    }
    let payload = project.payload_directory(request.payload.as_deref(), plan);
    let parts = BoxParts { payload, program: PROGRAM.into(), split: request.split, medium: request.payload_iso };
    let boxed = project.build_box(plan, &destination, &parts, &RealWorld, keys, bytes);
    let done = boxed.map(|Boxed { built, archived, fingerprint, medium, removed }| Done {
        built,
        destination,
        boxed: Some(Beside { archived, fingerprint, medium, removed }),
    });
    Some(done.map_err(Failure::from))
}

fn say_built(project: &Project, done: &Done, output: &Output) {
    let Done { built, destination, boxed } = done;
    output.report(&built.changes.report, &project.sources);
    output.report(&built.report, &project.sources);
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
    for line in chosen(&built.sizes, project.plan.as_ref()) {
        output.say(&line);
    }
    if let Some(Beside { archived: Archived { path, size, parts, .. }, fingerprint, medium, removed }) = boxed {
        let parts = parts.map_or_else(String::new, |parts| format!(" in {}", super::check::counted(parts, "part")));
        output.say(&format!(
            "{path}: {}{parts}; it holds private keys\nsigned with the key whose fingerprint is SHA-256 {fingerprint}",
            super::payload::bytes(*size)
        ));
        medium.iter().for_each(|medium| super::payload::say_medium(medium, output));
        if let Some(removed) = removed {
            output.say(&format!("{removed}: removed, it was of an older build; `--payload-iso` makes it anew"));
        }
    }
}

/// Which pack each target got that has a field for user-data, and its fullest host.
fn chosen(sizes: &Footprint, plan: Option<&Plan>) -> Vec<String> {
    let targets = plan.map_or(&[][..], |plan| &plan.targets);
    let media: Vec<&str> = targets.iter().filter(|t| t.is_seed_medium()).map(|t| t.target.as_str()).collect();
    let mut fullest: BTreeMap<(&str, Pack), (&HostName, &Budget, usize)> = BTreeMap::new();
    for host in &sizes.hosts {
        for budget in host.budgets.iter().filter(|budget| !media.contains(&budget.target.as_str())) {
            let best = fullest.entry((&budget.target, budget.pack)).or_insert((&host.host, budget, 0));
            best.2 += 1;
            if budget.used > best.1.used {
                (best.0, best.1) = (&host.host, budget);
            }
        }
    }
    let line = |((target, pack), (host, budget, count)): ((&str, Pack), (&HostName, &Budget, usize))| {
        let Budget { used, limit, counts, file, .. } = budget;
        let (unit, hosts) = (counts.in_words(), hosts(count));
        format!("{target}: {pack}, {hosts}, the fullest is {host} with {used} of {limit} {unit}: {file}")
    };
    fullest.into_iter().map(line).collect()
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

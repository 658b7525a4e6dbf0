//! `cfy-seed build`

use camino::Utf8Path;

use crate::plan::Plan;
use crate::project::{Destination, OwnDirectories, Project, vault_state};
use crate::world::{RealWorld, World as _};

use super::args::Build;
use super::check::{hosts, open_and_report};
use super::exit::{Exit, Failure};
use super::output::Output;
use super::passphrase;

pub fn run(request: &Build, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let (mut project, plan) = open_and_report(&request.spec, own, output)?;
    let Some(plan) = plan else { return Ok(Exit::BadInput) };
    let vault = project.vault_directory(request.vault.as_deref(), &plan);
    unlock_ca(&mut project, &plan, &vault, request.ca_passphrase_file.as_deref(), output)?;
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

/// Opens the CA's key, where it is encrypted and a passphrase is given, or a person can be asked and it is needed.
fn unlock_ca(
    project: &mut Project,
    plan: &Plan,
    vault: &Utf8Path,
    file: Option<&Utf8Path>,
    output: &Output,
) -> Result<(), Failure> {
    if !project.is_ca_locked() {
        return Ok(());
    }
    if let Some(file) = file {
        let given = passphrase::from_file(file)?;
        return project.unlock_ca(&given).map_err(|found| Failure::Findings(found.into()));
    }
    if vault_state(project, vault, plan, RealWorld.now())?.changes.issued() > 0 {
        passphrase::ask(output, |answer| project.unlock_ca(answer))?;
    }
    Ok(())
}

//! `cfy-seed pki csr`

use crate::cli::args::PkiCsr;
use crate::cli::check::{counted, open_and_report};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::world::RealWorld;

pub fn run(request: &PkiCsr, output: &Output) -> Result<Exit, Failure> {
    let (project, plan) = open_and_report(&request.spec, output)?;
    let Some(plan) = plan else { return Ok(Exit::BadInput) };
    let vault = project.vault_directory(request.vault.as_deref(), &plan);
    let progress = output.progress("keys");
    let step = |done, total| progress.step(done, total);
    let made = project.request_certificates(&plan, &vault, &request.out, &RealWorld, &step)?;
    drop(progress);
    output.report(&made.warnings, &project.sources);
    output.say(&format!(
        "{}: {} in {}, {} made in {vault}\nhave what signing-sheet.txt lists signed, then run `cfy-seed pki import DIR`",
        plan.cluster,
        counted(made.requests, "request"),
        request.out,
        counted(made.keys, "key"),
    ));
    Ok(Exit::Done)
}

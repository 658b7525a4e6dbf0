//! `cfy-seed pki import`

use crate::cli::args::{PkiImport, SpecArgs};
use crate::cli::check::{counted, open_and_report};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::world::RealWorld;

pub fn run(request: &PkiImport, output: &Output) -> Result<Exit, Failure> {
    let spec = SpecArgs { spec: request.spec.clone(), strict: false };
    let (project, plan) = open_and_report(&spec, output)?;
    let Some(plan) = plan else { return Ok(Exit::BadInput) };
    let vault = project.vault_directory(request.vault.as_deref(), &plan);
    let done = project.import_certificates(&plan, &vault, &request.from, &RealWorld)?;
    output.report(&done.changes.report, &project.sources);
    let changes = done.changes.to_string();
    if !changes.is_empty() {
        output.say(&changes);
    }
    output.say(&format!(
        "{}: {} and {} imported; vault {vault}",
        plan.cluster,
        counted(done.certificates, "certificate"),
        counted(done.keys, "key"),
    ));
    Ok(Exit::Done)
}

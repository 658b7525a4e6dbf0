//! `cfy-seed pki check`

use std::fmt::Write as _;

use crate::cli::args::{Format, PkiCheck, SpecArgs};
use crate::cli::check::open_and_report;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::project::{CertificateState, CertificateTable, certificate_table};
use crate::world::{RealWorld, World as _};

pub fn run(request: &PkiCheck, output: &Output) -> Result<Exit, Failure> {
    let now = RealWorld.now();
    let (table, report) = match (&request.spec, &request.vault) {
        (None, Some(vault)) => certificate_table(vault, None, request.within, now)?,
        (spec, vault) => {
            let spec = SpecArgs { spec: spec.clone(), strict: false };
            let (project, plan) = open_and_report(&spec, output)?;
            let Some(plan) = plan else { return Ok(Exit::BadInput) };
            let vault = project.vault_directory(vault.as_deref(), &plan);
            certificate_table(&vault, Some(&plan), request.within, now)?
        }
    };
    output.report(&report, &crate::diag::Sources::default());
    match request.format {
        Format::Text => output.data(&text(&table))?,
        Format::Json => {
            let json = serde_json::to_string_pretty(&table).map_err(|error| Failure::Bug(error.to_string()))?;
            output.data(&format!("{json}\n"))?;
        }
    }
    Ok(if table.good { Exit::Done } else { Exit::BadInput })
}

/// The list for people, a line each. Writing to a `String` cannot fail.
fn text(table: &CertificateTable) -> String {
    let width = table.certificates.iter().map(|row| row.subject.chars().count()).max().unwrap_or_default();
    let mut out = String::new();
    for row in &table.certificates {
        let until = row.not_after.as_deref().unwrap_or("-");
        let days = row.days_left.map_or_else(|| "-".to_owned(), |days| format!("{days} days"));
        let verdict = if row.state == CertificateState::Good { "good" } else { &row.why };
        let _ = writeln!(out, "{:width$}  {until:10}  {days:>11}  {verdict}", row.subject);
    }
    out
}

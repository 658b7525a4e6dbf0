//! `cfy-seed payload plan`

use std::fmt::Write as _;

use crate::cli::args::{Format, PayloadReport};
use crate::cli::check::{counted, open_and_report};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::project::{Depth, OwnDirectories, PayloadOverview, Whereabouts, payload_overview, read_payload};

pub fn run(request: &PayloadReport, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let (project, plan) = open_and_report(&request.spec, own, output)?;
    let Some(plan) = plan else { return Ok(Exit::BadInput) };
    let directory = project.payload_directory(request.payload.as_deref(), &plan);
    let progress = output.progress("packages");
    let payload = read_payload(&directory, Depth::Whole, &|done, total| progress.step(done, total))?;
    drop(progress);
    output.report(&payload.report, &project.sources);
    let overview = payload_overview(&payload, directory.as_str(), &plan);
    match request.format {
        Format::Text => output.data(&text(&overview))?,
        Format::Json => {
            let json = serde_json::to_string_pretty(&overview).map_err(|error| Failure::Bug(error.to_string()))?;
            output.data(&format!("{json}\n"))?;
        }
    }
    Ok(if payload.report.has_errors() { Exit::BadInput } else { Exit::Done })
}

/// The plan for people. Writing to a `String` cannot fail.
fn text(plan: &PayloadOverview) -> String {
    let mut out = String::new();
    let image = plan.image.map_or_else(|| "not known".to_owned(), |count| counted(count, "package"));
    let (packages, keys) = (counted(plan.packages, "package"), counted(plan.keys, "key"));
    let _ = writeln!(out, "{}: {}", plan.cluster, plan.directory);
    let _ = writeln!(out, "  payload  {packages}, {keys}, {}", super::bytes(plan.bytes));
    let _ = writeln!(out, "  image    {image}");
    let width = plan.wanted.iter().map(|row| row.package.chars().count()).max().unwrap_or_default();
    let mut hosts = "";
    for row in &plan.wanted {
        if row.hosts != hosts {
            let _ = writeln!(out, "\nFor {}:", row.hosts);
            hosts = &row.hosts;
        }
        let found = match row.found {
            Whereabouts::Image => "in the image",
            Whereabouts::Payload => "in the payload",
            Whereabouts::Elsewhere => "not from the payload",
            Whereabouts::Missing => "MISSING",
            Whereabouts::Unknown => "not in the payload",
        };
        let by = row.by.as_ref().map_or_else(String::new, |by| format!(": {by}"));
        let _ = writeln!(out, "  {:width$}  {found}{by}", row.package);
    }
    out
}

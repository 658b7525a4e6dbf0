//! `cfy-seed check`

use camino::Utf8Path;

use crate::diag::{self, Severity};
use crate::plan::Plan;
use crate::project::{OwnDirectories, Project};
use crate::world::{RealWorld, World as _};

use super::args::{Check, Format, SpecArgs};
use super::exit::{Exit, Failure};
use super::output::Output;

/// Opens a project as the arguments say, without judging it.
pub fn open(spec: Option<&Utf8Path>, strict: bool, own: &OwnDirectories) -> Result<Project, Failure> {
    let mut project = Project::open_with(spec, own, RealWorld.now())?;
    if strict {
        project.report.make_strict();
        if project.report.has_errors() {
            project.plan = None;
        }
    }
    Ok(project)
}

/// Opens a project and says what was found; its plan, or nothing where there are errors.
pub fn open_and_report(
    spec: &SpecArgs,
    own: &OwnDirectories,
    output: &Output,
) -> Result<(Project, Option<Plan>), Failure> {
    let mut project = open(spec.spec.as_deref(), spec.strict, own)?;
    output.report(&project.report, &project.sources);
    let plan = project.plan.take();
    Ok((project, plan))
}

/// So many hosts, in words.
pub fn hosts(count: usize) -> String {
    counted(count, "host")
}

/// So many of something, in words.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

pub fn run(request: &Check, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let project = open(request.spec.spec.as_deref(), request.spec.strict, own)?;
    match request.format {
        Format::Json => output.data(&diag::json(&project.report, &project.sources))?,
        Format::Text => output.report(&project.report, &project.sources),
    }
    let Some(plan) = &project.plan else { return Ok(Exit::BadInput) };
    if request.format == Format::Text {
        let warnings = project.report.count(Severity::Warning);
        let verdict = if warnings == 0 { "good" } else { "good, with warnings" };
        output.say(&format!("{}: {}, {verdict}", plan.cluster, hosts(plan.hosts.len())));
    }
    Ok(Exit::Done)
}

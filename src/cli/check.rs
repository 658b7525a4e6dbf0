//! `cfy-seed check`

use camino::Utf8Path;

use crate::diag::{self, Severity};
use crate::plan::Plan;
use crate::project::{OwnDirectories, Project, clashes, side_by_side};
use crate::world::{RealWorld, World as _};

use super::args::{Check, Format, SpecArgs, SpecsArgs};
use super::exit::{Exit, Failure};
use super::output::Output;

/// Opens a project as the arguments say, without judging it.
pub fn open(spec: Option<&Utf8Path>, strict: bool, own: &OwnDirectories) -> Result<Project, Failure> {
    let mut project = Project::open_with(spec, own, RealWorld.now())?;
    if strict {
        project.make_strict();
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

/// Opens all projects that are named, in their order, or the one that is meant where none is.
pub fn open_all(named: &SpecsArgs, own: &OwnDirectories) -> Result<Vec<Project>, Failure> {
    let mut specs: Vec<Option<&Utf8Path>> = named.specs.iter().map(|spec| Some(spec.as_path())).collect();
    if specs.is_empty() {
        specs.push(None);
    }
    let mut projects = Vec::with_capacity(specs.len());
    side_by_side(&specs, |_, spec| open(*spec, named.strict, own), |_, project| projects.push(project));
    projects.into_iter().collect()
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
    let mut projects = open_all(&request.specs, own)?;
    projects.iter_mut().for_each(|project| project.judge_payload(None));
    for project in &mut projects {
        project.judge_sizes(&RealWorld)?;
    }
    let say = |text: &str| {
        if request.format == Format::Text {
            output.say(text);
        }
    };
    let show = |report, sources| match request.format {
        Format::Json => output.data(&diag::json(report, sources)),
        Format::Text => {
            output.report(report, sources);
            Ok(())
        }
    };
    for (at, project) in projects.iter().enumerate() {
        show(&project.report, &project.sources)?;
        match &project.plan {
            Some(plan) => {
                let warnings = project.report.count(Severity::Warning);
                let verdict = if warnings == 0 { "good" } else { "good, with warnings" };
                say(&format!("{}: {}, {verdict}", plan.cluster, hosts(plan.hosts.len())));
            }
            None if projects.len() > 1 => say(&format!("{}: not good", request.specs.specs[at])),
            None => {}
        }
    }
    let (clashes, sources) = clashes(&projects);
    if clashes.has_errors() {
        show(&clashes, &sources)?;
    }
    let good = projects.iter().filter(|project| project.plan.is_some()).count();
    if projects.len() > 1 {
        say(&format!("{good} good, {} not", projects.len() - good));
    }
    Ok(if good == projects.len() && !clashes.has_errors() { Exit::Done } else { Exit::BadInput })
}

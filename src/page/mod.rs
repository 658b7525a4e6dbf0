//! A plan as one page: for the one who decides, for the screen, and for paper.
//!
//! In: an [`Overview`]. Out: HTML that stands alone: style and pictures are in it, no script is, and it refers to nothing
//! outside. May not: touch the disk, know the time, or see a secret.

mod budget;
mod canvas;
mod finding;
mod order;
mod topology;

use std::sync::LazyLock;

use serde::Serialize;
use tera::{Context, Tera};

use crate::project::Overview;

const TEMPLATE: &str = "plan.html";

/// The template, parsed once. It ends in `.html`, so Tera escapes every value in it.
static ENGINE: LazyLock<Result<Tera, String>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    tera.add_raw_template(TEMPLATE, include_str!("../../templates/page/plan.html")).map_err(|e| e.to_string())?;
    Ok(tera)
});

/// The page does not come about: a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the page cannot be made: {0}")]
pub struct PageError(String);

#[derive(Serialize)]
struct PageContext<'a> {
    plan: &'a Overview,
    /// `yes`, `with warnings` or `no`.
    verdict: &'static str,
    findings: Vec<finding::Shown<'a>>,
    roles: Vec<RoleCount>,
    /// Why every host will stop: said once.
    refused_by_all: Vec<&'a str>,
    topology: topology::Topology,
    order: order::Order,
    budgets: Vec<budget::TargetBudgets>,
    ports: Vec<PortRow>,
    version: &'static str,
}

/// How many hosts have a role.
#[derive(Serialize)]
struct RoleCount {
    role: &'static str,
    name: &'static str,
    hosts: usize,
}

#[derive(Serialize)]
struct PortRow {
    role: &'static str,
    name: &'static str,
    port: u16,
    from: String,
    why: String,
}

/// The page of a plan.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn plan(overview: &Overview) -> Result<String, PageError> {
    let engine = ENGINE.as_ref().map_err(|why| PageError(why.clone()))?;
    let context = Context::from_serialize(&context(overview)).map_err(|error| PageError(error.to_string()))?;
    engine.render(TEMPLATE, &context).map_err(|error| PageError(error.to_string()))
}

fn context(overview: &Overview) -> PageContext<'_> {
    use crate::diag::Severity;
    let worst = overview.findings.iter().map(|finding| finding.severity).min();
    let roles = canvas::ROLES.iter().map(|(role, name)| RoleCount {
        role,
        name,
        hosts: overview.hosts.iter().filter(|host| host.roles.iter().any(|r| r.role == *role)).count(),
    });
    let ports = overview.ports.iter().map(|rule| PortRow {
        role: rule.to.as_str(),
        name: canvas::title(rule.to.as_str()),
        port: rule.port,
        from: rule.askers(|source| canvas::title(source.as_str())),
        why: rule.why.clone(),
    });
    PageContext {
        plan: overview,
        verdict: match worst {
            Some(Severity::Error) => "no",
            Some(Severity::Warning) => "with warnings",
            Some(Severity::Note) | None => "yes",
        },
        findings: finding::shown(&overview.findings),
        refused_by_all: refused_by_all(overview),
        roles: roles.filter(|count| count.hosts > 0).collect(),
        topology: topology::topology(overview),
        order: order::order(overview),
        budgets: budget::by_target(overview),
        ports: ports.collect(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

/// What all hosts, where there are several, refuse to start with.
fn refused_by_all(overview: &Overview) -> Vec<&str> {
    let [first, others @ ..] = overview.hosts.as_slice() else { return Vec::new() };
    let all = |line: &&String| !others.is_empty() && others.iter().all(|host| host.refuses.contains(line));
    first.refuses.iter().filter(all).map(String::as_str).collect()
}

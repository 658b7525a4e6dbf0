//! `cfy-seed plan`

use std::fmt::Write as _;

use crate::page;
use crate::plan::ports::Source;
use crate::profile::Size;
use crate::project::{Budget, Destination, Overview, OwnDirectories, overview};
use crate::world::RealWorld;

use super::args::{Plan, PlanFormat};
use super::check::open;
use super::exit::{Exit, Failure};
use super::output::Output;

pub fn run(request: &Plan, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let mut project = open(request.spec.spec.as_deref(), request.spec.strict, own)?;
    project.judge_payload(None);
    let Some(plan) = project.plan.take() else {
        output.report(&project.report, &project.sources);
        return Ok(Exit::BadInput);
    };
    project.packing = request.pack.into();
    let vault = project.vault_directory(request.vault.as_deref(), &plan);
    let places = Destination { out: request.out.clone(), vault };
    let overview = overview(&mut project, &plan, &places, &RealWorld)?;
    output.report(&project.report, &project.sources);
    match request.format {
        PlanFormat::Text => output.data(&text(&overview))?,
        PlanFormat::Html => output.data(&page::plan(&overview).map_err(|error| Failure::Bug(error.to_string()))?)?,
        PlanFormat::Json => {
            let json = serde_json::to_string_pretty(&overview).map_err(|error| Failure::Bug(error.to_string()))?;
            output.data(&format!("{json}\n"))?;
        }
    }
    Ok(if project.report.has_errors() { Exit::BadInput } else { Exit::Done })
}

/// One host's user-data on one target.
fn budget_line(budget: &Budget, about: &str) -> String {
    let Budget { target, file, pack, used, limit, headroom, .. } = budget;
    let (unit, percent) = (budget.counts.in_words(), budget.percent());
    let room =
        if *headroom < 0 { format!("{} TOO MANY", headroom.unsigned_abs()) } else { format!("{headroom} left") };
    format!("{target}: {pack}, {about}{used} of {limit} {unit} ({percent} %), {room}: {file}")
}

/// What the hosts need around them.
fn surroundings(plan: &Overview, out: &mut String) {
    out.push_str("\nPorts (TCP):\n");
    for rule in &plan.ports {
        let from = rule.askers(Source::as_str);
        let _ = writeln!(out, "  {:<13} {:>5}  from {from}: {}", rule.to.as_str(), rule.port, rule.why);
    }
    let _ = writeln!(out, "\nBeside the bundles: {}", plan.beside.join(" "));
}

/// The plan for people. Writing to a `String` cannot fail.
fn text(plan: &Overview) -> String {
    let mut out = String::new();
    let shape = plan.shape.map_or_else(String::new, |shape| format!(", {shape}"));
    let _ = writeln!(out, "{}: Cloudify {} on {}{shape}", plan.cluster, plan.version, plan.platform);
    let _ = writeln!(out, "  installer      {}", plan.rpm);
    let _ = writeln!(out, "  prerequisites  {}", plan.os_packages);
    for service in &plan.external {
        let _ = writeln!(out, "  not installed  {service}");
    }
    for target in &plan.targets {
        let _ = writeln!(
            out,
            "  target         {}: {}, {} {} in {}",
            target.target, target.title, target.limit, target.counts, target.field
        );
        for line in &target.unconfirmed {
            let _ = writeln!(out, "                 not confirmed: {line}");
        }
    }
    if !plan.let_through.is_empty() {
        let _ = writeln!(out, "  also let through: {} (not supported by the vendor)", plan.let_through.join(", "));
    }
    let about = if plan.sizes_exact { "" } else { "about " };
    let _ = writeln!(out, "\nHosts:");
    for host in &plan.hosts {
        let public = if host.public_ip == host.private_ip { String::new() } else { format!(" ({})", host.public_ip) };
        let roles: Vec<String> = host.roles.iter().map(|role| format!("{} {}", role.role, role.index)).collect();
        let _ = writeln!(
            out,
            "  {:<14} {}{public}  {}  {about}{} bytes of user-data{}  {}",
            host.name,
            host.private_ip,
            roles.join(", "),
            host.size.bytes,
            host.size.gzipped.map_or_else(String::new, |bytes| format!(" ({bytes} gzipped)")),
            host.since_last_build,
        );
        for budget in &host.budgets {
            let _ = writeln!(out, "      {}", budget_line(budget, about));
        }
        let largest: Vec<String> = host.size.largest.iter().map(|(path, bytes)| format!("{path} {bytes}")).collect();
        let _ = writeln!(out, "      largest: {}", largest.join(", "));
        for role in &host.roles {
            let who = if host.roles.len() > 1 { format!("{} ", role.role) } else { String::new() };
            if role.waits_for.is_empty() {
                let _ = writeln!(out, "      {who}starts at once");
            }
            for line in &role.waits_for {
                let _ = writeln!(out, "      {who}waits for {line}");
            }
        }
        let Size { vcpus, memory_mb, disk_gb } = host.machine;
        let _ = writeln!(out, "      machine: {vcpus} vCPUs, {memory_mb} MiB, {disk_gb} GiB disk");
        for line in &host.refuses {
            let _ = writeln!(out, "      WILL STOP in PREFLIGHT: {line}");
        }
        let _ = writeln!(out, "      files: {}", host.files.join(" "));
    }
    surroundings(plan, &mut out);
    let changed: Vec<&str> =
        plan.hosts.iter().filter(|h| h.since_last_build == "changed").map(|h| h.name.as_str()).collect();
    if !changed.is_empty() {
        let _ = writeln!(
            out,
            "\nChanged since the last build: {}. Running hosts do not read a new bundle; rebuild them, or raise\n\
             `generation` where the first boot must run again.",
            changed.join(", ")
        );
    }
    if plan.to_issue.is_empty() {
        out.push_str("\nThe vault is complete.\n");
    } else {
        out.push_str("\nTo be made in the vault:\n");
        for line in &plan.to_issue {
            let _ = writeln!(out, "  {line}");
        }
    }
    for certificate in &plan.certificates {
        let _ = writeln!(out, "  {} valid to {}", certificate.subject, certificate.not_after);
    }
    out
}

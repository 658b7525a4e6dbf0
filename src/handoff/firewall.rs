//! The port matrix for firewalls that are none of the hosts' own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::bundle::Tree;
use crate::names::{FileMode, RoleKind};
use crate::plan::Plan;
use crate::plan::ports::{self, Source};

use super::{HandoffError, page};

/// A table for people, the same as `ports.csv` with a line for every pair of addresses, and a service of firewalld for each
/// role that listens.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn tree(plan: &Plan) -> Result<Tree, HandoffError> {
    let mut tree = Tree::default();
    tree.add("README.md", FileMode::PUBLIC, page::render(plan, "firewall/README.md", None)?)?;
    tree.add("ports.csv", FileMode::PUBLIC, csv(plan))?;
    for (to, ports) in by_role(plan) {
        let name = format!("firewalld/cfy-{}-{}.xml", plan.cluster, to.as_str());
        tree.add(&name, FileMode::PUBLIC, service(plan, to, &ports))?;
    }
    Ok(tree)
}

fn by_role(plan: &Plan) -> BTreeMap<RoleKind, BTreeSet<u16>> {
    let mut roles: BTreeMap<RoleKind, BTreeSet<u16>> = BTreeMap::new();
    for rule in ports::matrix(plan) {
        roles.entry(rule.to).or_default().insert(rule.port);
    }
    roles
}

/// As firewalld.service(5) has it. Names and numbers only, so nothing needs an escape.
fn service(plan: &Plan, to: RoleKind, ports: &BTreeSet<u16>) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<service>\n");
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "  <short>Cloudify {} of {}</short>", to.as_str(), plan.cluster);
    for port in ports {
        let _ = writeln!(text, "  <port port=\"{port}\" protocol=\"tcp\"/>");
    }
    text + "</service>\n"
}

/// As RFC 4180 has it; only the contract's words could need quotes.
fn csv(plan: &Plan) -> String {
    let mut text = String::from("from,from_address,to,to_address,protocol,port,why\r\n");
    for rule in ports::matrix(plan) {
        let why = format!("\"{}\"", rule.why.replace('"', "\"\""));
        for (from, source) in rule.from.iter().flat_map(|source| ends(plan, *source)) {
            for host in plan.hosts.iter().filter(|host| host.has(rule.to) && host.name.as_str() != from) {
                // Writing to a `String` cannot fail.
                let _ = write!(text, "{from},{source},{},{},tcp,{},{why}\r\n", host.name, host.ip, rule.port);
            }
        }
    }
    text
}

/// Names and addresses of who connects; nobody here knows where agents and users are.
fn ends(plan: &Plan, source: Source) -> Vec<(String, String)> {
    match source {
        Source::Role(kind) => {
            let hosts = plan.hosts.iter().filter(|host| host.has(kind));
            hosts.map(|host| (host.name.to_string(), host.ip.to_string())).collect()
        }
        outside => vec![(outside.as_str().to_owned(), String::new())],
    }
}

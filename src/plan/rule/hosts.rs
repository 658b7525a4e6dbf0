//! Names, addresses and roles of the host list.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Report, Span};
use crate::names::RoleKind;
use crate::spec::{Edition, Host, Role, Spec, require};
use crate::yaml::Field;

use super::{external, further_network, same};

/// The name by which every host means itself.
const LOCALHOST: &str = "localhost";

/// Cloudify allows at most so many managers.
const MAX_MANAGERS: usize = 10;

/// Everybody waits for many others, so what hosts are told grows with the square of their number: a plan of this many takes 90 MB
/// of memory. No cluster of Cloudify comes near.
const MAX_HOSTS: usize = 1000;

/// Whether there are more hosts than are planned.
pub fn too_many(report: &mut Report, hosts: &[(&Host, Span)]) -> bool {
    let Some((_, span)) = hosts.get(MAX_HOSTS) else { return false };
    let message = format!("{} hosts, and cfy-seed takes {MAX_HOSTS} in one cluster", hosts.len());
    let wrong = Diagnostic::error(Code::TooManyHosts, message).at(*span, "one too many");
    report.push(wrong.help("describe another cluster in a file of its own"));
    true
}

/// What each host must say, and what no two hosts may share.
pub fn identity(report: &mut Report, hosts: &[(&Host, Span)]) {
    for (host, span) in hosts {
        require(report, &host.name, "name", "name: db-1", *span);
        require(report, &host.roles, "roles", "roles: [database]", *span);
        require(report, &host.private_ip, "private_ip", "private_ip: 10.0.0.11", *span);
    }
    unique(report, Code::DuplicateHostName, "name", hosts.iter().map(|(h, _)| &h.name), "rename one of the two");
    let help = "give each host its own address";
    let ips =
        hosts.iter().flat_map(|(h, _)| std::iter::once(&h.private_ip).chain(further_network::of(h).map(|n| &n.ip)));
    unique(report, Code::DuplicateAddress, "address", ips, help);
    let cards = hosts.iter().flat_map(|(h, _)| std::iter::once(&h.mac).chain(further_network::of(h).map(|n| &n.mac)));
    unique(report, Code::DuplicateAddress, "card", cards, "give each host its own card");
    look_alikes(report, hosts);
    for (_, span) in hosts.iter().filter_map(|(h, _)| h.name.spanned()).filter(|(name, _)| name.as_str() == LOCALHOST)
    {
        let taken = Diagnostic::error(Code::ReservedHostName, format!("no host can be named `{LOCALHOST}`"));
        let help = "choose another name: on every host this one is the loopback address (RFC 6761 section 6.3)";
        report.push(taken.at(span, "").help(help));
    }
}

fn unique<'a, T: std::fmt::Display + Ord + 'a>(
    report: &mut Report,
    code: Code,
    what: &str,
    fields: impl Iterator<Item = &'a Field<T>>,
    help: &str,
) {
    let mut seen: BTreeMap<&T, Span> = BTreeMap::new();
    for (value, span) in fields.filter_map(Field::spanned) {
        match seen.get(value) {
            Some(first) => same(report, code, format!("the {what} {value} is given twice"), *first, span, help),
            None => {
                seen.insert(value, span);
            }
        }
    }
}

/// `db-1` and `db-l`, `node0` and `nodeo`, `db-1` and `db1`: one of them was probably meant to be the other.
fn look_alikes(report: &mut Report, hosts: &[(&Host, Span)]) {
    let fold = |name: &str| name.replace('-', "").replace('l', "1").replace('o', "0");
    let mut seen: BTreeMap<String, (&str, Span)> = BTreeMap::new();
    for (name, span) in hosts.iter().filter_map(|(h, _)| h.name.spanned()) {
        match seen.get(&fold(name.as_str())) {
            Some((other, first)) if *other != name.as_str() => {
                let message = format!("`{name}` and `{other}` are easily mistaken for each other");
                let alike = Diagnostic::warning(Code::LookAlikeNames, message);
                report.push(alike.at(span, "this one").at(*first, "and this one").help("rename one of the two"));
            }
            Some(_) => {}
            None => {
                seen.insert(fold(name.as_str()), (name.as_str(), span));
            }
        }
    }
}

/// What is installed on a host, in the order of installation: the roles as written, or all three from one config where
/// no other host has a role of Cloudify (`alone`).
pub fn kinds(report: &mut Report, host: &Host, alone: bool) -> Vec<(RoleKind, Span)> {
    let Some((fields, list)) = host.roles.spanned() else { return Vec::new() };
    let roles: Vec<(Role, Span)> = fields.iter().filter_map(Field::spanned).map(|(r, s)| (*r, s)).collect();
    if roles.len() < fields.len() {
        // With a word that nobody knows, nothing can be said of the others.
        return Vec::new();
    }
    for (at, (role, span)) in roles.iter().enumerate() {
        if let Some((_, first)) = roles[..at].iter().find(|(earlier, _)| earlier == role) {
            let message = format!("the role `{}` twice on one host", role.as_str());
            same(report, Code::RolesOnHost, message, *first, *span, "remove one of the two");
        }
    }
    if roles.is_empty() {
        let empty = Diagnostic::error(Code::RolesOnHost, "a host without a role").at(list, "empty");
        report.push(empty.help("give it `database`, `broker`, `manager` or `load_balancer`"));
    }
    let mut kinds: Vec<(RoleKind, Span)> = roles.iter().map(|(role, span)| (kind(*role), *span)).collect();
    if let Some(at) = kinds.iter().position(|(kind, _)| !kind.is_cloudify()).filter(|_| roles.len() > 1) {
        let (_, balancer) = kinds.remove(at);
        let message = "a balancer shares its host with other roles";
        let wrong = Diagnostic::error(Code::RolesOnHost, message).at(balancer, "");
        report.push(wrong.help("give it a host of its own: both would listen on port 8009"));
    }
    kinds.sort_by_key(|(kind, _)| *kind);
    kinds.dedup_by_key(|(kind, _)| *kind);
    let all = [RoleKind::Database, RoleKind::Broker, RoleKind::Manager];
    if alone && kinds.iter().map(|(kind, _)| *kind).eq(all) {
        return vec![(RoleKind::AllInOne, list)];
    }
    kinds
}

/// What a role of the spec is on a host that does not have them all.
pub const fn kind(role: Role) -> RoleKind {
    match role {
        Role::Database => RoleKind::Database,
        Role::Broker => RoleKind::Broker,
        Role::Manager => RoleKind::Manager,
        Role::LoadBalancer => RoleKind::LoadBalancer,
    }
}

/// The roles of a host, as far as they can be read.
pub fn roles(host: &Host) -> impl Iterator<Item = Role> {
    host.roles.get().into_iter().flatten().filter_map(Field::get).copied()
}

/// Whether something of Cloudify is installed on it, as far as its roles can be read.
pub fn is_cloudify(host: &Host) -> bool {
    roles(host).any(|role| kind(role).is_cloudify())
}

/// Whether these hosts are a cluster.
pub fn counts(report: &mut Report, spec: &Spec, list: Span, kinds: &[(RoleKind, Span)]) {
    let of = |kind| kinds.iter().filter(|(k, _)| *k == kind).map(|(_, span)| *span).collect::<Vec<Span>>();
    if let Some(span) = of(RoleKind::LoadBalancer).get(1) {
        let several = Diagnostic::error(Code::SeveralBalancers, "more than one balancer").at(*span, "the second one");
        report.push(several.help("keep one; a pair that shares an address is not set up by cfy-seed"));
    }
    let ours = of(RoleKind::LoadBalancer);
    if let (Some(span), Some(other)) = (ours.first(), spec.network.get().and_then(|n| n.load_balancer.span())) {
        let several = Diagnostic::error(Code::SeveralBalancers, "a balancer among the hosts and another one");
        report.push(several.at(other, "this one").at(*span, "and this host").help("keep one of the two"));
    }
    ours_and_external(report, spec, kinds);
    if !of(RoleKind::AllInOne).is_empty() {
        return;
    }
    cluster(report, spec, list, &of(RoleKind::Database), &of(RoleKind::Broker), &of(RoleKind::Manager));
}

/// A service is among the hosts or somewhere else, not both.
fn ours_and_external(report: &mut Report, spec: &Spec, kinds: &[(RoleKind, Span)]) {
    for role in [RoleKind::Database, RoleKind::Broker].into_iter().filter(|role| external::is_given(spec, *role)) {
        let ours = kinds.iter().find(|(kind, _)| *kind == role || *kind == RoleKind::AllInOne);
        if let Some((_, span)) = ours {
            let elsewhere = external::place(spec, role);
            let role = role.as_str();
            let message = format!("`external.{role}` is given, and a host has the role `{role}`");
            let wrong = Diagnostic::error(Code::ExternalAndOurs, message).at(*span, "installed here");
            report.push(wrong.at_opt(elsewhere, "and said to be here").help("keep one of the two"));
        }
    }
}

fn cluster(report: &mut Report, spec: &Spec, list: Span, databases: &[Span], brokers: &[Span], managers: &[Span]) {
    let counts = [
        (databases.len(), RoleKind::Database),
        (brokers.len(), RoleKind::Broker),
        (managers.len(), RoleKind::Manager),
    ];
    for (count, role) in counts {
        if count == 0 && !external::is_given(spec, role) {
            let role = role.as_str();
            let message = format!("no host has the role `{role}`");
            let missing = Diagnostic::error(Code::RoleMissing, message).at(list, "in this list");
            report.push(missing.help(format!("give at least one host `roles: [{role}]`")));
        }
    }
    match databases {
        [only] => {
            let message = "one database is no cluster: nothing takes over when it is lost";
            let single = Diagnostic::warning(Code::SingleDatabase, message).at(*only, "the only one");
            report.push(single.help("take three, or an external database"));
        }
        [_, second] => {
            let message = "two databases stop writing as soon as one of them is gone";
            let wrong = Diagnostic::error(Code::DatabaseCount, message).at(*second, "");
            report.push(wrong.help("take three (or five), or a single one"));
        }
        [.., last] if databases.len().is_multiple_of(2) => {
            let message =
                format!("{} databases survive no more losses than {}", databases.len(), databases.len() - 1);
            let even = Diagnostic::warning(Code::EvenDatabases, message).at(*last, "the last one");
            report.push(even.help("remove one, or add one"));
        }
        _ => {}
    }
    let edition = spec.cloudify.get().and_then(|c| c.edition.spanned());
    if let (Some(second), Some((Edition::Community, span))) = (managers.get(1), edition) {
        let message = "several managers need the premium edition";
        let wrong = Diagnostic::error(Code::ManagerCount, message).at(*second, "the second manager");
        report.push(wrong.at(span, "community").help("keep one manager, or take the premium edition"));
    }
    if let Some(eleventh) = managers.get(MAX_MANAGERS) {
        let message = format!("{} managers, and Cloudify allows {MAX_MANAGERS}", managers.len());
        let wrong = Diagnostic::error(Code::ManagerCount, message).at(*eleventh, "one too many");
        report.push(wrong.help("remove some"));
    }
}

//! Which machines there are, what they are called, and what they run.

use crate::diag::{Code, Diagnostic, Report, Span};
use crate::names::{DomainName, RoleKind};

use super::vendor::{Vendor, Vm};

/// With so many machines each has every role (`install` of the tool).
const COMPACT: usize = 3;

/// A machine in our words.
#[derive(Debug, Clone)]
pub struct Machine<'a> {
    /// Its place among those of the vendor's file.
    pub at: usize,
    /// Its key there, and where that stands.
    pub key: (&'a str, Span),
    /// Its short name, and where it was taken from.
    pub name: (String, Span),
    /// What it runs.
    pub roles: Vec<RoleKind>,
    /// What is written of it.
    pub(super) vm: &'a Vm,
}

impl Vendor {
    pub(super) fn is_compact(&self) -> bool {
        self.vms.len() == COMPACT
    }

    /// The only role of a machine, by the first word of its key; none where machines share all roles.
    pub(super) fn role_of(&self, at: usize) -> Option<RoleKind> {
        let (key, _) = self.vms.get(at).filter(|_| !self.is_compact())?;
        match key.text.split('-').next() {
            Some("postgresql") => Some(RoleKind::Database),
            Some("rabbitmq") => Some(RoleKind::Broker),
            Some("manager") => Some(RoleKind::Manager),
            _ => None,
        }
    }

    /// The machines in the order in which they are installed: role by role and by their numbers; where they share all roles,
    /// by their keys.
    pub(super) fn machines(&self, report: &mut Report) -> Vec<Machine<'_>> {
        let mut machines: Vec<Machine<'_>> = Vec::new();
        for (at, (key, vm)) in self.vms.iter().enumerate() {
            let external = !self.external_db_configuration.is_absent();
            let roles = match (self.is_compact(), self.role_of(at)) {
                (true, _) if external => vec![RoleKind::Broker, RoleKind::Manager],
                (true, _) => vec![RoleKind::Database, RoleKind::Broker, RoleKind::Manager],
                (false, Some(role)) => vec![role],
                (false, None) => {
                    report.push(of_no_role(&key.text, key.span));
                    continue;
                }
            };
            let name = vm.hostname.spanned().map_or_else(
                || (key.text.to_ascii_lowercase(), key.span),
                |(name, span)| (label(name, &key.text), span),
            );
            machines.push(Machine { at, key: (&key.text, key.span), name, roles, vm });
        }
        machines.sort_by(|a, b| (&a.roles, number(a), a.key.0).cmp(&(&b.roles, number(b), b.key.0)));
        machines
    }

    /// The domain that all host names with one have; said where they differ.
    pub(super) fn domain(&self, report: &mut Report) -> Option<(DomainName, Span)> {
        let mut found: Option<(&str, Span)> = None;
        for (name, span) in self.vms.iter().filter_map(|(_, vm)| vm.hostname.spanned()) {
            let Some((_, domain)) = name.split_once('.').filter(|_| !is_address(name)) else { continue };
            match found {
                Some((first, first_span)) if !first.eq_ignore_ascii_case(domain) => {
                    let message = format!("hosts of two domains, `{}` and `{}`", shown(first), shown(domain));
                    let differ = Diagnostic::warning(Code::VendorNotCarried, message);
                    let differ = differ.at(span, "another domain").at(first_span, "than this one");
                    report.push(differ.help(
                        "a cluster has one domain, `network.domain`: hosts were given their short names alone",
                    ));
                    return None;
                }
                Some(_) => {}
                None => found = Some((domain, span)),
            }
        }
        let (domain, span) = found?;
        domain.to_ascii_lowercase().parse().ok().map(|domain| (domain, span))
    }
}

/// The first label of a host's name, in lower case; the key where it has none.
fn label(hostname: &str, key: &str) -> String {
    let name = if is_address(hostname) { key } else { hostname.split('.').next().unwrap_or(key) };
    name.to_ascii_lowercase()
}

fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

fn number(machine: &Machine<'_>) -> u64 {
    let digits = machine.key.0.rsplit('-').next().unwrap_or_default();
    digits.parse().unwrap_or(u64::MAX)
}

fn shown(text: &str) -> std::str::EscapeDebug<'_> {
    text.escape_debug()
}

fn of_no_role(key: &str, span: Span) -> Diagnostic {
    let message = format!("`{}` does not say what the machine runs", shown(key));
    Diagnostic::error(Code::VendorMachines, message).at(span, "no role").help(
        "machines are called `postgresql-1`, `rabbitmq-1`, `manager-1` and so on; exactly three share all roles, \
         whatever they are called",
    )
}

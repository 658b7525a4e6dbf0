//! The networks of hosts beside the one of `private_ip`.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;

use crate::diag::{Code, Diagnostic, Report, Span};
use crate::names::{HostName, NetworkName};
use crate::plan::{FurtherNetwork, Link};
use crate::spec::{Host, HostNetwork, Role, require};
use crate::yaml::Field;

use super::hosts::roles;
use super::network::edges;
use super::{in_range, same};

fn fields(host: &Host) -> impl Iterator<Item = &Field<HostNetwork>> {
    host.networks.get().into_iter().flatten()
}

/// The further networks of a host, as far as they can be read.
pub fn of(host: &Host) -> impl Iterator<Item = &HostNetwork> {
    fields(host).filter_map(Field::get)
}

/// The further networks of a host, which is reached by its first card.
pub fn resolve(report: &mut Report, host: &Host, first: &Link) -> Vec<FurtherNetwork> {
    let mut found: Vec<(FurtherNetwork, Span)> = Vec::new();
    for (network, place) in fields(host).filter_map(Field::spanned) {
        require(report, &network.name, "name", "name: agents", place);
        require(report, &network.ip, "ip", "ip: 192.168.0.11", place);
        require(report, &network.interface, "interface", "interface: eth1", place);
        let prefix = in_range(report, Code::PrefixOutOfRange, &network.prefix, "prefix", 8..=30, 24);
        if let Some((ip, span)) = network.ip.spanned()
            && let Ok(net) = Ipv4Net::new(ip.ip(), prefix)
        {
            edges(report, *ip, span, net);
        }
        let (Some((name, span)), Some(ip), Some((interface, card))) =
            (network.name.spanned(), network.ip.get(), network.interface.spanned())
        else {
            continue;
        };
        if let Some((_, earlier)) = found.iter().find(|(other, _)| other.name == *name) {
            let help = "name each network once on a host";
            same(report, Code::FurtherNetwork, format!("the network `{name}` is given twice"), *earlier, span, help);
        }
        if first.interface == *interface || found.iter().any(|(other, _)| other.link.interface == *interface) {
            let message = format!("the interface `{interface}` carries another address of this host already");
            let wrong = Diagnostic::error(Code::FurtherNetwork, message).at(card, "");
            report.push(wrong.help("give each network of a host its own interface"));
        }
        let (mac, dhcp) = (network.mac.get().cloned(), network.dhcp.get().copied().unwrap_or(false));
        let link = Link { interface: interface.clone(), mac, dhcp, prefix, gateway: None };
        found.push((FurtherNetwork { name: name.clone(), ip: *ip, link }, span));
    }
    found.into_iter().map(|(network, _)| network).collect()
}

/// A network of a name is one network, and agents in it need every manager and every broker.
pub fn check(report: &mut Report, hosts: &[(&Host, Span)]) {
    let mut known: BTreeMap<&NetworkName, (Ipv4Net, Span)> = BTreeMap::new();
    for network in hosts.iter().flat_map(|(host, _)| of(host)) {
        let (Some(name), Some((ip, span))) = (network.name.get(), network.ip.spanned()) else { continue };
        let Ok(net) = Ipv4Net::new(ip.ip(), network.prefix.get().copied().unwrap_or(24)) else { continue };
        let (first, place) = *known.entry(name).or_insert((net, span));
        if first.trunc() != net.trunc() {
            let message = format!("{ip} is outside {}, the network `{name}` of another host", first.trunc());
            let wrong = Diagnostic::error(Code::AddressOutsideNetwork, message).at(span, "this one");
            report.push(wrong.at(place, "and that one").help("correct it or `prefix`, or name the networks apart"));
        }
    }
    for (name, (_, place)) in known {
        everywhere(report, hosts, name, place);
    }
}

/// Says which managers and brokers are not in a network.
fn everywhere(report: &mut Report, hosts: &[(&Host, Span)], name: &NetworkName, place: Span) {
    let lacks = |host: &Host| !of(host).any(|network| network.name.get() == Some(name));
    let serves = |host: &Host| roles(host).any(|role| matches!(role, Role::Broker | Role::Manager));
    let without: Vec<&str> = hosts
        .iter()
        .filter(|(host, _)| serves(host) && lacks(host))
        .filter_map(|(host, _)| host.name.get().map(HostName::as_str))
        .collect();
    if !without.is_empty() {
        let message = format!("the network `{name}` is not on {}", without.join(", "));
        let partly = Diagnostic::warning(Code::NetworkIncomplete, message).at(place, "here it is");
        report.push(partly.help("agents in a network need every manager and every broker there"));
    }
}

//! Addresses that can reach each other.

use ipnet::Ipv4Net;

use crate::diag::{Code, Diagnostic, Report, Span};
use crate::names::HostAddress;
use crate::plan::Link;
use crate::profile::Platform;
use crate::spec::{Host, Network, Spec};

use super::in_range;

/// The network card of a host: its own keys, then the cluster's, then the platform's.
pub fn link(report: &mut Report, host: &Host, spec: &Spec, platform: &Platform) -> Link {
    let empty = Network::default();
    let shared = spec.network.get().unwrap_or(&empty);
    let default = in_range(report, Code::PrefixOutOfRange, &shared.prefix, "prefix", 8..=30, 24);
    let prefix = in_range(report, Code::PrefixOutOfRange, &host.prefix, "prefix", 8..=30, default);
    let gateway = host.gateway.spanned().or_else(|| shared.gateway.spanned());
    let link = Link {
        interface: host.interface.get().or_else(|| shared.interface.get()).unwrap_or(&platform.interface).clone(),
        mac: host.mac.get().cloned(),
        dhcp: host.dhcp.get().or_else(|| shared.dhcp.get()).copied().unwrap_or(false),
        prefix,
        gateway: gateway.map(|(ip, _)| *ip),
    };
    if let Some((ip, span)) = host.private_ip.spanned()
        && let Ok(net) = Ipv4Net::new(ip.ip(), prefix)
    {
        edges(report, *ip, span, net);
        if let Some((gateway, gateway_span)) = gateway {
            reaches(report, (*ip, span), (*gateway, gateway_span), net);
        }
    }
    link
}

pub(super) fn edges(report: &mut Report, ip: HostAddress, span: Span, net: Ipv4Net) {
    let what = match ip.ip() {
        first if first == net.network() => "the network's own address",
        last if last == net.broadcast() => "the network's broadcast address",
        _ => return,
    };
    let message = format!("{ip} is {what} in {}", net.trunc());
    let wrong = Diagnostic::error(Code::AddressOutsideNetwork, message).at(span, "no host can have it");
    report.push(wrong.help("choose another address, or correct `prefix`"));
}

fn reaches(report: &mut Report, ip: (HostAddress, Span), gateway: (HostAddress, Span), net: Ipv4Net) {
    if ip.0 == gateway.0 {
        let message = format!("{} is the host's own address and its gateway", ip.0);
        let wrong = Diagnostic::error(Code::AddressOutsideNetwork, message);
        report.push(wrong.at(gateway.1, "gateway").at(ip.1, "host").help("correct one of the two"));
    } else if !net.contains(&gateway.0.ip()) {
        let message = format!("the gateway {} is outside {}", gateway.0, net.trunc());
        let wrong = Diagnostic::error(Code::AddressOutsideNetwork, message);
        report.push(wrong.at(gateway.1, "cannot be reached").at(ip.1, "from here").help("correct it, or `prefix`"));
    }
}

/// Every host must reach every other: in one network, or through a gateway.
pub fn reachable(report: &mut Report, hosts: &[(HostAddress, Span, Link)]) {
    let Some((first, first_span, first_link)) = hosts.first() else { return };
    let Ok(net) = Ipv4Net::new(first.ip(), first_link.prefix) else { return };
    for (ip, span, link) in &hosts[1..] {
        let routed = link.gateway.is_some() && first_link.gateway.is_some();
        if !net.contains(&ip.ip()) && !routed && !link.dhcp {
            let message = format!("{ip} is outside {}, the network of the first host", net.trunc());
            let wrong = Diagnostic::error(Code::AddressOutsideNetwork, message);
            let wrong = wrong.at(*span, "no way to it").at(*first_span, "from here");
            report.push(wrong.help("correct the address or `prefix`, or give both hosts a `gateway`"));
        }
    }
}

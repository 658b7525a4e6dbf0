//! Which names stand in whose certificate (DESIGN §5, cloudify.md §6.2).

use std::net::{IpAddr, Ipv4Addr};

use crate::names::{PublicAddress, RoleKind};

use super::{HostCertificate, HostPlan};

/// The certificate of one host: every address as IP and as DNS name, because libpq before 15 looks at DNS names only
/// while Go, Python and etcd want addresses.
pub fn of_host(host: &HostPlan, balancer: &[PublicAddress]) -> HostCertificate {
    let mut names = Names::default();
    names.address(host.ip.ip());
    names.dns(host.name.as_str());
    names.dns(&host.fqdn);
    names.public(&host.public);
    host.networks.iter().for_each(|network| names.address(network.ip.ip()));
    if host.has(RoleKind::Manager) || host.has(RoleKind::AllInOne) {
        balancer.iter().for_each(|address| names.public(address));
    }
    names.dns("localhost");
    names.address(Ipv4Addr::LOCALHOST);
    HostCertificate { host: host.name.clone(), common_name: host.name.to_string(), dns: names.dns, ips: names.ips }
}

#[derive(Default)]
struct Names {
    dns: Vec<String>,
    ips: Vec<IpAddr>,
}

impl Names {
    fn dns(&mut self, name: &str) {
        if !self.dns.iter().any(|known| known == name) {
            self.dns.push(name.to_owned());
        }
    }

    fn address(&mut self, ip: Ipv4Addr) {
        if !self.ips.contains(&IpAddr::V4(ip)) {
            self.ips.push(IpAddr::V4(ip));
        }
        self.dns(&ip.to_string());
    }

    fn public(&mut self, address: &PublicAddress) {
        match address {
            PublicAddress::Ip(ip) => self.address(ip.ip()),
            PublicAddress::Name(name) => self.dns(name.as_str()),
        }
    }
}

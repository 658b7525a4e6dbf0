//! network-config, version 1: rendered rightly by every cloud-init from 19.4 on, without the deprecation that makes
//! newer ones end with status 2 (el-hosts.md).

use serde::Serialize;

use crate::plan::Link;

use super::{HostView, RenderError};

#[derive(Serialize)]
struct NetworkConfig {
    version: u8,
    config: Vec<Item>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Item {
    Physical {
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        mac_address: Option<String>,
        subnets: Vec<Subnet>,
    },
    Nameserver {
        address: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        search: Vec<String>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Subnet {
    Dhcp4,
    Static {
        address: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        gateway: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        dns_nameservers: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        dns_search: Vec<String>,
    },
}

/// The network of one host. Never empty: an empty file stops the boot of some versions (P21).
pub fn network_config(view: &HostView<'_>) -> Result<String, RenderError> {
    let (plan, link) = (view.plan, &view.host.link);
    let dns: Vec<String> = plan.dns.iter().map(ToString::to_string).collect();
    let search: Vec<String> = plan.domain.iter().map(ToString::to_string).collect();
    let mut trailing = None;
    let subnet = if link.dhcp {
        if !dns.is_empty() {
            trailing = Some(Item::Nameserver { address: dns, search });
        }
        Subnet::Dhcp4
    } else {
        Subnet::Static {
            address: format!("{}/{}", view.host.ip, link.prefix),
            gateway: link.gateway.map(|gateway| gateway.to_string()),
            dns_nameservers: dns,
            dns_search: search,
        }
    };
    let further = view.host.networks.iter().map(|network| {
        let address = format!("{}/{}", network.ip, network.link.prefix);
        let fixed = Subnet::Static { address, gateway: None, dns_nameservers: Vec::new(), dns_search: Vec::new() };
        physical(&network.link, if network.link.dhcp { Subnet::Dhcp4 } else { fixed })
    });
    let config = std::iter::once(physical(link, subnet)).chain(further).chain(trailing).collect();
    Ok(crate::yaml::to_text(&NetworkConfig { version: 1, config })?)
}

fn physical(link: &Link, subnet: Subnet) -> Item {
    Item::Physical {
        name: link.interface.to_string(),
        mac_address: link.mac.as_ref().map(ToString::to_string),
        subnets: vec![subnet],
    }
}

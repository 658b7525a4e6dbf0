//! network-config, of which the plan knows the host's address and nothing else.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{Comparison, Facts};
use crate::diag::SourceId;
use crate::yaml::{self, Node, NodeKind};

pub(super) fn compare(bytes: &[u8], facts: &Facts<'_>, found: &mut Comparison<'_>) {
    let node =
        std::str::from_utf8(bytes).ok().and_then(|text| Some((text, yaml::parse(text, SourceId::default()).0?)));
    let Some((text, node)) = node else {
        found.differs("its network-config is not YAML");
        return;
    };
    if yaml::to_text(&node).is_ok_and(|plain| plain != text) {
        found.differs("its network-config is not in the form that cfy-seed writes");
    }
    let mut left = Vec::new();
    match read(&node, facts, &mut left) {
        Ok(()) => found.left.push(format!("{} of network-config", left.join(", "))),
        Err(why) => found.differs(&format!("its network-config {why}")),
    }
}

fn read(node: &Node, facts: &Facts<'_>, left: &mut Vec<&'static str>) -> Result<(), String> {
    only(node, &["version", "config"])?;
    if node.get("version").map(|version| &version.kind) != Some(&NodeKind::Int(1)) {
        return Err("is not of version 1".to_owned());
    }
    let (first, further) = list(node, "config")?.split_first().ok_or("names no interface")?;
    left.push(if interface(first, Some(facts))? { "DHCP instead of an address" } else { "prefix length" });
    left.push("interface");
    for (key, what) in [("mac_address", "MAC address")] {
        if first.get(key).is_some() {
            left.push(what);
        }
    }
    let subnet = list(first, "subnets")?.first();
    for (key, what) in [("gateway", "gateway"), ("dns_nameservers", "name servers"), ("dns_search", "search domains")]
    {
        if subnet.is_some_and(|subnet| subnet.get(key).is_some()) {
            left.push(what);
        }
    }
    for item in further {
        if text(item, "type") == Some("nameserver") {
            only(item, &["type", "address", "search"])?;
            servers(item, "address")?;
            left.push("name servers");
        } else {
            interface(item, None)?;
            left.push("further networks");
        }
    }
    left.dedup();
    Ok(())
}

/// One interface; says whether it gets its address by DHCP. The host's own must have the host's address.
fn interface(item: &Node, own: Option<&Facts<'_>>) -> Result<bool, String> {
    only(item, &["type", "name", "mac_address", "subnets"])?;
    if text(item, "type") != Some("physical") || text(item, "name").is_none_or(str::is_empty) {
        return Err("has an interface without a name, or of another type than `physical`".to_owned());
    }
    let mac = |mac: &str| {
        let pairs: Vec<&str> = mac.split(':').collect();
        pairs.len() == 6 && pairs.iter().all(|pair| pair.len() == 2 && u8::from_str_radix(pair, 16).is_ok())
    };
    if item.get("mac_address").is_some() && !text(item, "mac_address").is_some_and(mac) {
        return Err("has a MAC address that is none".to_owned());
    }
    let [subnet] = list(item, "subnets")? else {
        return Err("has an interface of several subnets, or of none".to_owned());
    };
    match text(subnet, "type") {
        Some("dhcp4") => only(subnet, &["type"]).map(|()| true),
        Some("static") => fixed(subnet, own).map(|()| false),
        _ => Err("has a subnet that is neither `static` nor `dhcp4`".to_owned()),
    }
}

fn fixed(subnet: &Node, own: Option<&Facts<'_>>) -> Result<(), String> {
    only(subnet, &["type", "address", "gateway", "dns_nameservers", "dns_search"])?;
    let said = text(subnet, "address").unwrap_or_default();
    let net: Ipv4Net =
        said.parse().map_err(|_| format!("has the address `{}`, which is none", said.escape_debug()))?;
    if let Some(facts) = own.filter(|facts| net.addr().to_string() != facts.ip) {
        return Err(format!("has the address {}, and the plan in user-data {}", net.addr(), facts.ip));
    }
    if subnet.get("gateway").is_some() {
        let gateway = text(subnet, "gateway").and_then(|text| text.parse::<Ipv4Addr>().ok());
        // `check` lets no other pass (CFY-P006).
        if !gateway.is_some_and(|gateway| net.contains(&gateway) && gateway != net.addr()) {
            return Err(format!("has a gateway that is no other address of {}", net.trunc()));
        }
    }
    if subnet.get("dns_nameservers").is_some() {
        servers(subnet, "dns_nameservers")?;
    }
    Ok(())
}

fn servers(node: &Node, key: &str) -> Result<(), String> {
    let address = |node: &Node| matches!(&node.kind, NodeKind::Text(text) if text.parse::<Ipv4Addr>().is_ok());
    if list(node, key)?.iter().all(address) { Ok(()) } else { Err("has a name server that is no address".to_owned()) }
}

fn only(node: &Node, keys: &[&str]) -> Result<(), String> {
    match &node.kind {
        NodeKind::Map(entries) => match entries.iter().find(|(key, _)| !keys.contains(&key.text.as_str())) {
            Some((key, _)) => Err(format!("has a `{}` that cfy-seed does not write", key.text.escape_debug())),
            None => Ok(()),
        },
        _ => Err("is not of the form that cfy-seed writes".to_owned()),
    }
}

fn list<'n>(node: &'n Node, key: &str) -> Result<&'n [Node], String> {
    match node.get(key).map(|node| &node.kind) {
        Some(NodeKind::List(items)) => Ok(items),
        _ => Err(format!("has no list `{key}`")),
    }
}

fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    match &node.get(key)?.kind {
        NodeKind::Text(text) => Some(text),
        _ => None,
    }
}

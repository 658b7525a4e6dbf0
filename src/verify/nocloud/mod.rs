//! A seed image or user-data by itself: does what stands beside the files of `write_files` fit the plan that travels among them?
//!
//! A built tree has digests of all of it, and a box a signature of those. A file by itself has neither. What follows from the plan is
//! compared with it, what is the same on every host with the text of this version, and what nothing in it tells is named, so that
//! nobody takes it for compared.

mod cloud_config;
mod guest;
mod network_config;

use std::collections::BTreeMap;

use super::HostBundle;
use crate::diag::{Code, Diagnostic, Report, SourceId};
use crate::yaml::{self, NodeKind};

/// Valid, and nothing in it.
const VENDOR_DATA: &[u8] = b"#cloud-config\n{}\n";

/// What was found, and what could not be.
#[derive(Debug)]
pub(super) struct Comparison<'n> {
    name: &'n str,
    /// The findings.
    pub report: Report,
    /// What nothing in the file tells, so that it was compared with nothing.
    pub left: Vec<String>,
}

impl<'n> Comparison<'n> {
    /// Of what messages call so.
    pub(super) fn of(name: &'n str) -> Self {
        Self { name, report: Report::default(), left: Vec::new() }
    }

    fn differs(&mut self, what: &str) {
        let message = format!("{}: {what}", self.name.escape_debug());
        let help = "take it again out of the box or tree that it is from; where another version of cfy-seed built it, verify it with that one";
        self.report.push(Diagnostic::error(Code::SeedDiffers, message).help(help));
    }

    /// Compares user-data with its own plan, and tells who the host is by that.
    pub(super) fn user_data<'b>(&mut self, text: &[u8], bundle: &'b HostBundle) -> Option<Facts<'b>> {
        let facts = Facts::of(bundle);
        match (&facts, std::str::from_utf8(text)) {
            (Some(facts), Ok(text)) => cloud_config::compare(text, bundle, facts, self),
            _ => self.differs("the plan in it does not say which host of which cluster it is for"),
        }
        facts
    }

    /// Compares what lies beside user-data in a seed image with the host that user-data is for.
    pub(super) fn beside(&mut self, files: &BTreeMap<String, Vec<u8>>, facts: &Facts<'_>) {
        let file = |name: &str| files.get(name).map(Vec::as_slice);
        if let Some(bytes) = file("meta-data") {
            self.meta_data(bytes, facts);
        }
        if let Some(bytes) = file("network-config") {
            network_config::compare(bytes, facts, self);
        }
        if file("vendor-data").is_some_and(|bytes| bytes != VENDOR_DATA) {
            self.differs("its vendor-data is not the empty one of cfy-seed");
        }
    }

    /// Every byte of it follows from the plan.
    fn meta_data(&mut self, bytes: &[u8], facts: &Facts<'_>) {
        let id = format!("cfy-{}-{}-g{}", facts.cluster, facts.host, facts.generation);
        let wanted = BTreeMap::from([("instance-id", id.as_str()), ("local-hostname", facts.fqdn)]);
        if yaml::to_text(&wanted).is_ok_and(|text| text.as_bytes() == bytes) {
            return;
        }
        let node = std::str::from_utf8(bytes).ok().and_then(|text| yaml::parse(text, SourceId::default()).0);
        let said = |key: &str| match node.as_ref().and_then(|node| Some(&node.get(key)?.kind)) {
            Some(NodeKind::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let wrong = wanted.iter().find(|(key, wanted)| said(key).as_deref() != Some(**wanted));
        self.differs(&match wrong {
            Some((key, wanted)) => {
                let said = said(key).map_or_else(|| "nothing".to_owned(), |said| said.escape_debug().to_string());
                format!("its meta-data says {said} as `{key}`, and the plan in user-data makes that {wanted}")
            }
            None => "its meta-data has more in it than cfy-seed writes, or another form".to_owned(),
        });
    }
}

/// Who a host is, by the plan in its user-data.
#[derive(Debug)]
pub(super) struct Facts<'b> {
    cluster: &'b str,
    host: &'b str,
    ip: &'b str,
    fqdn: &'b str,
    generation: &'b str,
    /// Whether its image has the driver, and user-data not.
    baked: bool,
}

impl<'b> Facts<'b> {
    fn of(bundle: &'b HostBundle) -> Option<Self> {
        let first = |kind: &'static str| bundle.records(kind).next();
        let (cluster, generation) = (*first("cluster")?.first()?, *first("generation")?.first()?);
        let [host, ip] = *first("host")?.as_slice() else { return None };
        let fqdn = bundle.records("member").find_map(|fields| match fields[..] {
            [at, fqdn, name] if name == host && at == ip => Some(fqdn),
            _ => None,
        })?;
        Some(Self { cluster, host, ip, fqdn, generation, baked: first("image").is_some() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Comparison, Facts, VENDOR_DATA};

    const META_DATA: &str = "instance-id: 'cfy-prod-db-1-g2'\nlocal-hostname: 'db-1.example.com'\n";
    const NETWORK_CONFIG: &str = "version: 1
config:
- type: 'physical'
  name: 'eth0'
  mac_address: '52:54:00:12:34:56'
  subnets:
  - type: 'static'
    address: '10.0.0.11/24'
    gateway: '10.0.0.1'
    dns_nameservers:
    - '10.0.0.2'
    dns_search:
    - 'example.com'
- type: 'physical'
  name: 'eth1'
  subnets:
  - type: 'dhcp4'
";

    fn compared(changed: &str, bytes: Vec<u8>) -> Comparison<'static> {
        let mut files: BTreeMap<String, Vec<u8>> = [
            ("meta-data", META_DATA.as_bytes()),
            ("network-config", NETWORK_CONFIG.as_bytes()),
            ("vendor-data", VENDOR_DATA),
        ]
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
        .collect();
        files.insert(changed.to_owned(), bytes);
        let facts = Facts {
            cluster: "prod",
            host: "db-1",
            ip: "10.0.0.11",
            fqdn: "db-1.example.com",
            generation: "2",
            baked: false,
        };
        let mut compared = Comparison::of("seed.iso");
        compared.beside(&files, &facts);
        compared
    }

    #[test]
    fn what_follows_from_the_plan_is_compared_to_the_bit() {
        assert!(compared("meta-data", META_DATA.into()).report.is_empty());
        for (name, good) in [("meta-data", META_DATA.as_bytes()), ("vendor-data", VENDOR_DATA)] {
            for bit in 0..good.len() * 8 {
                let mut bytes = good.to_vec();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(compared(name, bytes).report.has_errors(), "bit {bit} of {name}");
            }
        }
    }

    /// Of network-config, only values that are named as not compared can change unseen.
    #[test]
    fn what_is_not_compared_is_named() {
        let good = compared("network-config", NETWORK_CONFIG.into());
        assert!(good.report.is_empty(), "{:?}", good.report);
        let named = good.left.join("; ");
        let mut unseen = 0;
        for bit in 0..NETWORK_CONFIG.len() * 8 {
            let mut bytes = NETWORK_CONFIG.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if compared("network-config", bytes).report.has_errors() {
                continue;
            }
            unseen += 1;
            let line = NETWORK_CONFIG[..=bit / 8].lines().count() - 1;
            let what = match line {
                3 => "interface",
                4 => "MAC address",
                7 => "prefix length",
                8 => "gateway",
                10 => "name servers",
                12 => "search domains",
                14 => "further networks",
                _ => panic!("bit {bit} in line {line}"),
            };
            assert!(named.contains(what), "{what}: {named}");
        }
        assert!(unseen < 300, "{unseen} of {}", NETWORK_CONFIG.len() * 8);
    }
}

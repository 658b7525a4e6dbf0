//! The bill of materials: what is in a box or a payload, as CycloneDX 1.5 in JSON.
//!
//! Packages are named by package URLs of the type `rpm` (purl specification, types/rpm-definition). Their licences are the words of
//! their headers, which are no SPDX expressions in EL 7 and EL 8. What packages were made of is not known here, and not said; of
//! cfy-seed's program it is: its crates are components of its component.

mod crates;

use std::fmt::Write as _;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use self::crates::{Crate, crates};
use super::{Nevra, Rpm};
use crate::names::Digest256;

/// Its name, by which tools know the format.
pub const SBOM: &str = "sbom.cdx.json";

/// What is to be listed.
#[derive(Debug, Clone, Copy)]
pub struct Materials<'a> {
    /// What it is the bill of: a cluster's name.
    pub name: &'a str,
    /// And its version of Cloudify.
    pub version: &'a str,
    /// When, so that the same materials give the same bill.
    pub time: OffsetDateTime,
    /// The digest of cfy-seed's program, where that is in it.
    pub program: Option<Digest256>,
    /// The packages, with the digests of their files.
    pub packages: &'a [(&'a Rpm, Digest256)],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bill<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata<'a>,
    components: Vec<Component<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    timestamp: String,
    tools: Tools<'a>,
    component: Component<'a>,
}

#[derive(Serialize)]
struct Tools<'a> {
    components: [Component<'a>; 1],
}

#[derive(Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bom_ref: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    publisher: &'a str,
    name: &'a str,
    version: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenseChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component<'a>>,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum LicenseChoice<'a> {
    License(License<'a>),
    Expression(&'a str),
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum License<'a> {
    Id(&'static str),
    Name(&'a str),
}

/// The bill as JSON for people too. The serial number derives from what is listed.
///
/// # Errors
/// When the time has no RFC 3339 form.
pub fn sbom(materials: &Materials<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let time = materials.time.to_offset(time::UtcOffset::UTC);
    let timestamp = time.format(&Rfc3339).map_err(serde::ser::Error::custom)?;
    let mut components: Vec<Component<'_>> = Vec::new();
    components.extend(materials.program.map(|sha256| Component {
        hashes: vec![hash(sha256.to_string())],
        components: crates().map(linked).collect(),
        ..program("component-cfy-seed")
    }));
    components.extend(materials.packages.iter().map(|(rpm, sha256)| package(rpm, *sha256)));
    let of = Component {
        kind: "application",
        bom_ref: Some(format!("cluster-{}", materials.name)),
        name: materials.name,
        version: materials.version.to_owned(),
        ..Component::default()
    };
    let mut bill = Bill {
        schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.5",
        serial_number: String::new(),
        version: 1,
        metadata: Metadata { timestamp, tools: Tools { components: [program("tool-cfy-seed")] }, component: of },
        components,
    };
    bill.serial_number = serial(&Digest256::of(&serde_json::to_vec(&bill)?));
    let mut bytes = serde_json::to_vec_pretty(&bill)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A UUID of version 8, which leaves its bits to whoever makes it (RFC 9562 §5.8).
fn serial(digest: &Digest256) -> String {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = "urn:uuid:".to_owned();
    for (at, byte) in bytes.iter().enumerate() {
        let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{dash}{byte:02x}");
    }
    text
}

fn hash(content: String) -> Hash {
    Hash { alg: "SHA-256", content }
}

fn program(reference: &str) -> Component<'static> {
    Component {
        kind: "application",
        bom_ref: Some(reference.to_owned()),
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        licenses: vec![LicenseChoice::License(License::Id(env!("CARGO_PKG_LICENSE")))],
        ..Component::default()
    }
}

fn linked(of: Crate) -> Component<'static> {
    let purl = format!("pkg:cargo/{}@{}", encoded(of.name), encoded(of.version));
    Component {
        kind: "library",
        bom_ref: Some(purl.clone()),
        name: of.name,
        version: of.version.to_owned(),
        hashes: vec![hash(of.sha256.to_owned())],
        licenses: vec![LicenseChoice::Expression(of.license)],
        purl: Some(purl),
        ..Component::default()
    }
}

fn package(rpm: &Rpm, sha256: Digest256) -> Component<'_> {
    let purl = purl(&rpm.nevra);
    let license = LicenseChoice::License(License::Name(&rpm.license));
    Component {
        kind: "library",
        bom_ref: Some(purl.clone()),
        publisher: &rpm.vendor,
        name: &rpm.nevra.name,
        version: format!("{}-{}", rpm.nevra.version, rpm.nevra.release),
        description: &rpm.summary,
        hashes: vec![hash(sha256.to_string())],
        licenses: if rpm.license.is_empty() { Vec::new() } else { vec![license] },
        purl: Some(purl),
        ..Component::default()
    }
}

/// The package URL: without a namespace, because a header does not say which distribution it is of.
fn purl(nevra: &Nevra) -> String {
    let (name, version) = (encoded(&nevra.name), encoded(&format!("{}-{}", nevra.version, nevra.release)));
    let epoch = if nevra.epoch == 0 { String::new() } else { format!("&epoch={}", nevra.epoch) };
    format!("pkg:rpm/{name}@{version}?arch={}{epoch}", encoded(&nevra.arch))
}

/// Percent-encoded, but for what the purl specification leaves as it is.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_are_those_of_the_specification() {
        let nevra = Nevra {
            name: "libstdc++".to_owned(),
            epoch: 0,
            version: "8.5^git1".to_owned(),
            release: "18.el8".to_owned(),
            arch: "x86_64".to_owned(),
        };
        assert_eq!(purl(&nevra), "pkg:rpm/libstdc%2B%2B@8.5%5Egit1-18.el8?arch=x86_64");
        let nevra = Nevra { name: "openssl".to_owned(), epoch: 1, version: "1.1.1k".to_owned(), ..nevra };
        assert_eq!(purl(&nevra), "pkg:rpm/openssl@1.1.1k-18.el8?arch=x86_64&epoch=1");
    }

    #[test]
    fn a_serial_number_is_a_uuid() {
        assert_eq!(serial(&Digest256::from_bytes([0xff; 32])), "urn:uuid:ffffffff-ffff-8fff-bfff-ffffffffffff");
    }
}

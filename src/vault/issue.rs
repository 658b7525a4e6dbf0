//! Certificates as they are issued: the CA and its leaves (RFC 5280, cloudify.md §6).

use std::collections::BTreeSet;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyUsagePurpose, PublicKeyData as _, SanType, SerialNumber,
};
use time::{Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::certificate::{Certificate, Usages};
use super::change::Subject;
use super::key::PrivateKey;
use crate::names::{ClusterName, Digest256};
use crate::plan::{HostCertificate, Identity};

/// How far back a validity begins, for hosts whose clocks are not set yet: the vendor's own figure (cloudify.md §6.5).
const BACK: Duration = Duration::days(1);

/// Longest cluster name that fits into the CA's common name beside the digest: RFC 5280 §A.1 allows 64 characters.
const MAX_CLUSTER: usize = 64 - " CA 00000000".len();

/// What host certificates allow: etcd's peers show each other one and the same certificate as server and as client
/// (cloudify.md §6.3).
pub(super) const HOST: Usages = Usages {
    ca: false,
    sign_certificates: false,
    digital_signature: true,
    key_encipherment: true,
    server: true,
    client: true,
};

/// What client certificates allow.
pub(super) const CLIENT: Usages = Usages { server: false, ..HOST };

/// What the CA allows itself.
const CA: Usages = Usages { ca: true, sign_certificates: true, ..CLIENT };

/// What a leaf shall say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    pub common_name: String,
    pub dns: Vec<String>,
    pub ips: Vec<std::net::IpAddr>,
    pub usages: Usages,
}

impl Leaf {
    /// The certificates of all hosts and clients that an identity names, hosts first, in its order.
    pub(super) fn all_of(identity: &Identity) -> impl Iterator<Item = (Subject, Self)> {
        let hosts = identity.hosts.iter().map(|host| (Subject::Host(host.host.clone()), Self::host(host)));
        let clients = identity.clients.iter().map(|client| (Subject::Client(client.clone()), Self::client(client)));
        hosts.chain(clients)
    }

    /// The certificate of a host.
    pub(super) fn host(wanted: &HostCertificate) -> Self {
        Self {
            common_name: wanted.common_name.clone(),
            dns: wanted.dns.clone(),
            ips: wanted.ips.clone(),
            usages: HOST,
        }
    }

    /// The certificate of a client of PostgreSQL, known by its common name alone (cloudify.md §6.2).
    pub(super) fn client(common_name: &str) -> Self {
        Self { common_name: common_name.to_owned(), dns: Vec::new(), ips: Vec::new(), usages: CLIENT }
    }
}

/// From when to when, both UTC and in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
}

impl Validity {
    /// Of the CA: from a day before the vault was made until the given days after.
    pub(super) fn of_ca(created: OffsetDateTime, days: u32) -> Self {
        Self {
            not_before: created.saturating_sub(BACK),
            not_after: created.saturating_add(Duration::days(days.into())),
        }
    }

    /// Of a leaf.
    ///
    /// It counts from the vault's creation, so that the same keys give the same certificates on any day. A leaf that is
    /// issued when half of that time or more has passed would be born old or dead; then it counts from the last whole
    /// multiple of half the leaf's days. So the clock chooses among a few fixed validities and never appears in one:
    /// two builds of the same spec within the same half of a leaf's life give the same bytes. No leaf outlives its CA
    /// or begins before it.
    pub(super) fn of_leaf(created: OffsetDateTime, days: u32, now: OffsetDateTime, ca: Self) -> Self {
        let life = Duration::days(days.into());
        let step = Duration::days(i64::from(days / 2).max(1));
        let passed = ((now - created).whole_seconds() / step.whole_seconds()).max(0);
        let steps = i32::try_from(passed).unwrap_or(i32::MAX);
        let base = created.saturating_add(step.checked_mul(steps).unwrap_or(Duration::MAX));
        Self {
            not_before: base.saturating_sub(BACK).max(ca.not_before),
            not_after: base.saturating_add(life).min(ca.not_after),
        }
    }
}

/// Issues the self-signed CA of a cluster.
///
/// Its common name ends in eight digits of its key's digest: two vaults of one cluster then have issuers of different
/// names, and a mix of them is reported as "unknown issuer" instead of as a bad signature.
///
/// # Errors
/// What rcgen refuses, which is a bug.
pub(super) fn authority(
    cluster: &ClusterName,
    key: &PrivateKey,
    validity: Validity,
) -> Result<Certificate, IssueError> {
    let name: String = cluster.as_str().chars().take(MAX_CLUSTER).collect();
    let digest = key.public_digest().to_string();
    let subject = Leaf { common_name: format!("{name} CA {}", &digest[..8]), usages: CA, ..Leaf::client("") };
    let mut params = parameters(key, &subject, validity);
    // No intermediate: Cloudify looks at the first certificate of the CA file only (cloudify.md §6.3).
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let issued = params.self_signed(key)?;
    Certificate::from_der(issued.der().clone()).map_err(|_| IssueError::Unreadable)
}

/// Issues a leaf and verifies it by an independent implementation.
///
/// # Errors
/// What rcgen refuses or the verifier does not accept.
pub(super) fn leaf(
    wanted: &Leaf,
    key: &PrivateKey,
    validity: Validity,
    ca: &Certificate,
    ca_key: &PrivateKey,
) -> Result<Certificate, IssueError> {
    let mut params = parameters(key, wanted, validity);
    describe(&mut params, wanted)?;
    params.use_authority_key_identifier_extension = true;
    let issuer = Issuer::from_ca_cert_der(&ca.der, ca_key)?;
    let signed = params.signed_by(key, &issuer)?;
    let issued = Certificate::from_der(signed.der().clone()).map_err(|_| IssueError::Unreadable)?;
    let says_what_was_wanted = issued.usages == wanted.usages
        && issued.facts.dns.iter().eq(&wanted.dns.iter().cloned().collect::<BTreeSet<_>>())
        && issued.facts.ips.iter().eq(&wanted.ips.iter().copied().collect::<BTreeSet<_>>());
    if !says_what_was_wanted || !issued.belongs_to(key) {
        return Err(IssueError::Unreadable);
    }
    issued.verify_leaf(ca, validity.not_before).map_err(|error| IssueError::NotAccepted(error.to_string()))?;
    Ok(issued)
}

/// A request to a CA outside, as PEM text (PKCS#10, RFC 2986): subject, names and usages as [`leaf`] would write them. The
/// same key and leaf give the same request.
///
/// # Errors
/// What rcgen refuses.
pub(super) fn request(wanted: &Leaf, key: &PrivateKey) -> Result<String, IssueError> {
    let mut params = subject(wanted);
    describe(&mut params, wanted)?;
    let request = params.serialize_request(key)?;
    Ok(super::pem::text("CERTIFICATE REQUEST", request.der()))
}

/// Whether rcgen can write this CA's subject again as the issuer of a leaf: it reads the usual kinds of text, keeps one
/// value for each attribute and one attribute for each step of the name.
pub(super) fn can_name_issuer(ca: &Certificate) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(&ca.der) else { return false };
    let mut seen = BTreeSet::new();
    let one_each = parsed.subject().iter_rdn().all(|step| {
        let mut attributes = step.iter().map(|attribute| attribute.attr_type().as_bytes());
        attributes.next().is_some_and(|oid| seen.insert(oid)) && attributes.next().is_none()
    });
    one_each && Issuer::from_ca_cert_der(&ca.der, Nobody).is_ok()
}

/// Stands where rcgen wants a key to read the name of its owner.
struct Nobody;

impl rcgen::PublicKeyData for Nobody {
    fn der_bytes(&self) -> &[u8] {
        &[]
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for Nobody {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Err(rcgen::Error::RemoteKeyError)
    }
}

/// Why no certificate came out.
#[derive(Debug, thiserror::Error)]
pub(super) enum IssueError {
    #[error("the certificate could not be made: {0}")]
    Refused(#[from] rcgen::Error),
    #[error("the certificate that was made does not say what it should")]
    Unreadable,
    #[error("the certificate that was made is not accepted by the independent verifier: {0}")]
    NotAccepted(String),
}

/// Nothing but a common name.
fn subject(what: &Leaf) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, what.common_name.as_str());
    params
}

/// Adds what a leaf is for: names and usages.
fn describe(params: &mut CertificateParams, leaf: &Leaf) -> Result<(), rcgen::Error> {
    for name in &leaf.dns {
        params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into()?));
    }
    params.subject_alt_names.extend(leaf.ips.iter().copied().map(SanType::IpAddress));
    // Writes CA:FALSE and the SKI; `NoCa` would leave both out.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    if leaf.usages.server {
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    }
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
    Ok(())
}

fn parameters(key: &PrivateKey, what: &Leaf, validity: Validity) -> CertificateParams {
    let mut params = subject(what);
    params.not_before = validity.not_before;
    params.not_after = validity.not_after;
    params.serial_number = Some(serial(key, what, validity));
    params
}

/// A serial number of 20 octets, positive (RFC 5280 §4.1.2.2), from everything that tells this certificate from another
/// one of the same CA: its key, subject, names, usages and dates. No counter to keep, and the same certificate again
/// has the same number.
fn serial(key: &PrivateKey, what: &Leaf, validity: Validity) -> SerialNumber {
    let ips: Vec<String> = what.ips.iter().map(ToString::to_string).collect();
    let text = format!(
        "cfy-seed serial 1\nkey {}\nname {}\ndns {}\nip {}\nca {} server {}\nfrom {} to {}\n",
        Digest256::of(&key.subject_public_key_info()),
        what.common_name,
        what.dns.join(" "),
        ips.join(" "),
        what.usages.ca,
        what.usages.server,
        validity.not_before.unix_timestamp(),
        validity.not_after.unix_timestamp(),
    );
    let digest = Digest256::of(text.as_bytes());
    let mut octets = digest.as_bytes()[..20].to_vec();
    octets[0] = octets[0] & 0x7f | 0x40;
    SerialNumber::from(octets)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use time::{Duration, OffsetDateTime};

    use super::Validity;

    const CREATED: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

    fn leaf(days: u32, after: Duration) -> Validity {
        Validity::of_leaf(CREATED, days, CREATED + after, Validity::of_ca(CREATED, 3650))
    }

    #[test]
    fn a_leaf_counts_from_the_creation_until_half_its_life() {
        let first = leaf(3650, Duration::ZERO);
        assert_eq!(first.not_before, datetime!(2025-12-31 00:00 UTC));
        assert_eq!(first.not_after, datetime!(2035-12-30 00:00 UTC));
        assert_eq!(leaf(3650, Duration::days(1824)), first);
        assert_eq!(leaf(3650, Duration::days(-10)), first, "a clock that is behind changes nothing");
        assert_eq!(leaf(3650, Duration::days(1825)).not_after, first.not_after, "no leaf outlives its CA");
    }

    #[test]
    fn a_leaf_is_never_born_old() {
        for after in [0, 100, 181, 182, 183, 365, 1000, 3000] {
            let now = CREATED + Duration::days(after);
            let validity = leaf(365, Duration::days(after));
            assert!(validity.not_before <= now && validity.not_after >= now + Duration::days(182), "{after}");
        }
        assert!(leaf(1, Duration::days(20)).not_after > CREATED + Duration::days(20));
        assert_eq!(leaf(u32::MAX, Duration::days(3)).not_after, datetime!(2035-12-30 00:00 UTC));
        assert_eq!(leaf(0, Duration::days(3)).not_before, datetime!(2026-01-03 00:00 UTC));
    }
}

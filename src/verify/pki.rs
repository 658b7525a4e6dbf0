//! Certificates and keys of a built tree, read again by other code than wrote them.
//!
//! In: the bytes of one host's bundle. Out: findings. May not: call `vault`.

mod dates;

use std::net::IpAddr;

use rustls_pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use time::OffsetDateTime;
use webpki::aws_lc_rs::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use crate::diag::{Code, Diagnostic, Report};

pub(super) use dates::Dates;
use dates::within;

const SIGNATURES: &[&dyn SignatureVerificationAlgorithm] =
    &[RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512];

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A host's: it serves, and etcd's peers show it to each other as clients (cloudify.md §6.3).
    Host,
    /// A client's of the database.
    Client,
}

/// A certificate and its key as they stand in a bundle.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub struct BundledPair<'a> {
    /// What messages call it, such as `db-1`.
    pub name: &'a str,
    /// What it is used for.
    pub purpose: Purpose,
    /// The certificate, PEM.
    pub certificate: &'a [u8],
    /// The key, PEM.
    pub key: &'a [u8],
    /// The addresses under which the configurations of the cluster speak to this host; none for a client.
    pub addresses: &'a [IpAddr],
    /// The names under which they do.
    pub dns: &'a [&'a str],
}

/// Everything in one host's bundle that has to do with certificates.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub struct BundledPki<'a> {
    /// The host.
    pub host: &'a str,
    /// The CA's certificate, PEM.
    pub ca: &'a [u8],
    /// The host's pair and those of its clients.
    pub pairs: &'a [BundledPair<'a>],
    /// Every file of the bundle with its name: no private key but those of `pairs` may stand in any of them.
    pub files: &'a [(&'a str, &'a [u8])],
    /// When the certificates must be valid.
    pub at: OffsetDateTime,
}

/// Checks one host's certificates and keys: path to the CA, dates, names, usages, keys, RSA only, and that no other
/// private key is in the bundle, the CA's least of all. The report shows nothing of a key.
#[must_use]
pub fn check_pki(bundle: &BundledPki<'_>) -> Report {
    let mut dates = Dates::default();
    let mut report = examine(bundle, &mut dates);
    report.extend(dates.findings(bundle.at));
    report
}

/// As [`check_pki`], with what is not valid by the clock left to whoever looks at several hosts.
pub(super) fn examine(bundle: &BundledPki<'_>, dates: &mut Dates) -> Report {
    let mut report = Report::default();
    let host = bundle.host;
    let ca = certificate_der(bundle.ca);
    let ca = ca.as_ref().and_then(|der| Some((der, X509Certificate::from_der(der).ok()?.1)));
    let Some((ca_der, ca)) = ca else {
        report.push(error(
            Code::BundledCertificateUnreadable,
            format!("`{host}`: the CA's certificate cannot be read"),
        ));
        return report;
    };
    if !ca.is_ca() || rsa_key(&ca).is_none() {
        let message = format!("`{host}`: what stands as the CA's certificate is no RSA certificate with CA:TRUE");
        report.push(error(Code::BundledChain, message));
    }
    dates.note("the CA's certificate".to_owned(), &ca, bundle.at);
    let mut allowed = Vec::new();
    for pair in bundle.pairs {
        match certificate_der(pair.certificate) {
            Some(der) => {
                if let Ok((_, parsed)) = X509Certificate::from_der(&der) {
                    dates.note(format!("`{host}`: the certificate of `{}`", pair.name), &parsed, bundle.at);
                }
                allowed.extend(check_pair(host, pair, ca_der, &der, bundle.at, &mut report));
            }
            None => report.push(error(
                Code::BundledCertificateUnreadable,
                format!("`{host}`: the certificate of `{}` cannot be read", pair.name),
            )),
        }
    }
    let ca_key = rsa_key(&ca);
    let keys = bundle.pairs.iter().map(|pair| (pair.name, pair.key)).chain(bundle.files.iter().copied());
    for (name, bytes) in keys {
        check_no_other_key(host, name, bytes, ca_key.as_deref(), &allowed, &mut report);
    }
    report
}

/// Checks a file of CAs that a host trusts, as that of an external service: only certificates of RSA CAs, valid now.
pub(super) fn check_authorities(
    host: &str,
    file: &str,
    bytes: &[u8],
    at: OffsetDateTime,
    dates: &mut Dates,
) -> Report {
    let mut report = Report::default();
    let who = format!("`{host}`: `{}`", file.escape_debug());
    let mut found = false;
    for pem in Pem::iter_from_buffer(bytes).flatten().filter(|pem| pem.label == "CERTIFICATE") {
        let Ok((_, ca)) = X509Certificate::from_der(&pem.contents) else { continue };
        found = true;
        if !ca.is_ca() || rsa_key(&ca).is_none() {
            let message = format!("{who} has a certificate that is no RSA certificate with CA:TRUE");
            report.push(error(Code::BundledChain, message));
        } else {
            dates.note(format!("{who}, a CA's certificate"), &ca, at);
        }
    }
    if !found {
        report
            .push(error(Code::BundledCertificateUnreadable, format!("{who} holds no certificate that can be read")));
    }
    report
}

/// Checks one pair; gives the public key that its certificate names.
fn check_pair(
    host: &str,
    pair: &BundledPair<'_>,
    ca: &CertificateDer<'_>,
    der: &CertificateDer<'_>,
    at: OffsetDateTime,
    report: &mut Report,
) -> Option<Vec<u8>> {
    let who = format!("`{host}`: the certificate of `{}`", pair.name);
    let Ok((_, parsed)) = X509Certificate::from_der(der) else {
        report.push(error(Code::BundledCertificateUnreadable, format!("{who} cannot be read")));
        return None;
    };
    let public = rsa_key(&parsed);
    if public.is_none() {
        report.push(error(Code::BundledKey, format!("{who} has a key that is not RSA")));
    }
    if parsed.is_ca() {
        report.push(error(Code::BundledChain, format!("{who} is a CA")));
    }
    let within = X509Certificate::from_der(ca).map_or(at, |(_, ca)| within(at, &[&ca, &parsed]));
    check_path(&who, pair, ca, der, within, report);
    check_names(&who, pair, &parsed, der, report);
    let own = Pem::iter_from_buffer(pair.key).flatten().find_map(|pem| public_of(&pem.label, &pem.contents));
    if own.is_none() || own != public {
        report.push(error(Code::BundledKey, format!("{who} does not belong to the key beside it")));
    }
    public
}

fn check_path(
    who: &str,
    pair: &BundledPair<'_>,
    ca: &CertificateDer<'_>,
    der: &CertificateDer<'_>,
    at: OffsetDateTime,
    report: &mut Report,
) {
    let usages = match pair.purpose {
        Purpose::Host => vec![KeyUsage::server_auth(), KeyUsage::client_auth()],
        Purpose::Client => vec![KeyUsage::client_auth()],
    };
    let seconds = std::time::Duration::from_secs(u64::try_from(at.unix_timestamp()).unwrap_or(0));
    let at = UnixTime::since_unix_epoch(seconds);
    for usage in usages {
        let result = EndEntityCert::try_from(der).and_then(|leaf| {
            let anchor = webpki::anchor_from_trusted_cert(ca)?;
            leaf.verify_for_usage(SIGNATURES, &[anchor], &[], at, usage, None, None).map(drop)
        });
        let Err(why) = result else { continue };
        let code = match why {
            webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => Code::BundledValidity,
            webpki::Error::RequiredEkuNotFoundContext(_) => Code::BundledUsage,
            _ => Code::BundledChain,
        };
        report.push(error(code, format!("{who} is refused by a verifier: {why}")));
    }
}

/// Every address must be there as IP, for Go, Python and curl, and as DNS name, for libpq before 15 (cloudify.md §6.2).
fn check_names(
    who: &str,
    pair: &BundledPair<'_>,
    parsed: &X509Certificate<'_>,
    der: &CertificateDer<'_>,
    report: &mut Report,
) {
    let names = parsed.subject_alternative_name().ok().flatten();
    let dns: Vec<&str> = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        })
        .collect();
    let Ok(leaf) = EndEntityCert::try_from(der) else { return };
    for address in pair.addresses {
        if leaf.verify_is_valid_for_subject_name(&ServerName::IpAddress((*address).into())).is_err() {
            report.push(error(Code::BundledNames, format!("{who} does not name {address} as IP address")));
        }
        if !dns.contains(&address.to_string().as_str()) {
            report.push(error(Code::BundledNames, format!("{who} does not name {address} as DNS name")));
        }
    }
    for name in pair.dns.iter().filter(|name| !dns.contains(name)) {
        report.push(error(Code::BundledNames, format!("{who} does not name `{name}`")));
    }
}

fn check_no_other_key(
    host: &str,
    file: &str,
    bytes: &[u8],
    ca: Option<&[u8]>,
    allowed: &[Vec<u8>],
    report: &mut Report,
) {
    for pem in Pem::iter_from_buffer(bytes).flatten().filter(|pem| pem.label.ends_with("PRIVATE KEY")) {
        let public = public_of(&pem.label, &pem.contents);
        if public.is_some() && public.as_deref() == ca {
            let message = format!("`{host}`: `{file}` holds the CA's private key");
            report.push(error(Code::BundledCaKey, message));
        } else if !public.is_some_and(|public| allowed.contains(&public)) {
            let message = format!("`{host}`: `{file}` holds a private key that is not this host's");
            report.push(error(Code::BundledForeignKey, message));
        }
    }
}

fn certificate_der(pem: &[u8]) -> Option<CertificateDer<'static>> {
    let pem = Pem::iter_from_buffer(pem).flatten().find(|pem| pem.label == "CERTIFICATE")?;
    Some(CertificateDer::from(pem.contents))
}

/// DER `RSAPublicKey` of a certificate; nothing where its key is not RSA.
fn rsa_key(parsed: &X509Certificate<'_>) -> Option<Vec<u8>> {
    match parsed.public_key().parsed() {
        Ok(PublicKey::RSA(_)) => Some(parsed.public_key().subject_public_key.data.to_vec()),
        _ => None,
    }
}

/// DER `RSAPublicKey` of a private key in either form; nothing where it is not RSA or damaged.
fn public_of(label: &str, der: &[u8]) -> Option<Vec<u8>> {
    use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
    let pair = match label {
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(der),
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(der),
        _ => return None,
    };
    Some(pair.ok()?.public_key().as_ref().to_vec())
}

fn error(code: Code, message: String) -> Diagnostic {
    Diagnostic::error(code, message).help("build again from the vault; if it stays so, this is a bug of cfy-seed")
}

//! Certificates as they are read: what they say, and whether it holds.

use std::collections::BTreeSet;
use std::net::IpAddr;

use rustls_pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use time::OffsetDateTime;
use webpki::aws_lc_rs::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use super::key::PrivateKey;
use super::pem::{self, PemError};
use crate::names::Digest256;

pub(super) const LABEL: &str = "CERTIFICATE";

/// The signatures that Cloudify's validator can check: RSA with PKCS#1 v1.5 (cloudify.md §6.3).
const SIGNATURES: &[&dyn SignatureVerificationAlgorithm] =
    &[RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512];

/// What a certificate says, for people and for `plan`. Nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Subject common name; the first, if there are several.
    pub common_name: String,
    /// DNS alternative names.
    pub dns: BTreeSet<String>,
    /// IP alternative names.
    pub ips: BTreeSet<IpAddr>,
    /// Serial number, lower-case hexadecimal digits as `openssl x509 -serial` prints them but for the case.
    pub serial: String,
    /// First second of validity, UTC.
    pub not_before: OffsetDateTime,
    /// Last second of validity, UTC.
    pub not_after: OffsetDateTime,
    /// Length of the RSA modulus in bits; 0 where the key is not RSA.
    pub key_bits: usize,
    /// SHA-256 of the DER bytes, as `openssl x509 -fingerprint -sha256` prints it but for the colons.
    pub sha256: Digest256,
}

/// What a certificate allows its holder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is one bit of X.509")]
pub(super) struct Usages {
    pub ca: bool,
    /// Key usage `keyCertSign`, or no key usage at all (RFC 5280 §4.2.1.3).
    pub sign_certificates: bool,
    pub digital_signature: bool,
    pub key_encipherment: bool,
    pub server: bool,
    pub client: bool,
}

/// A certificate that was read or issued.
#[derive(Debug, Clone)]
pub(super) struct Certificate {
    pub der: CertificateDer<'static>,
    pub facts: CertificateFacts,
    /// What it says it is for.
    pub usages: Usages,
    /// What it allows: everything where it says nothing (RFC 5280 §4.2.1.3 and §4.2.1.12).
    pub allows: Usages,
    /// DER `RSAPublicKey`; nothing where the key is not RSA.
    pub public_key: Option<Vec<u8>>,
    /// Whether alternative names of other kinds than DNS and IP are there.
    pub other_names: bool,
}

/// Why a file holds no usable certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CertificateError {
    #[error("{0}")]
    Pem(#[from] PemError),
    #[error("it holds no certificate but a different kind of PEM block")]
    OtherBlock,
    #[error("it holds {0} certificates, and one is wanted")]
    Several(usize),
    #[error("its certificate is damaged")]
    Damaged,
}

impl Certificate {
    /// Reads the one certificate of a PEM file.
    ///
    /// # Errors
    /// When there is none, more than one, or a damaged one.
    pub(super) fn from_pem(bytes: &[u8]) -> Result<Self, CertificateError> {
        let mut all = Self::all_from_pem(bytes)?;
        match (all.pop(), all.len()) {
            (None, _) => Err(CertificateError::OtherBlock),
            (Some(certificate), 0) => Ok(certificate),
            (Some(_), others) => Err(CertificateError::Several(others + 1)),
        }
    }

    /// Reads every certificate of a PEM file; blocks of other kinds are skipped.
    ///
    /// # Errors
    /// When the file or one of the certificates is damaged.
    pub(super) fn all_from_pem(bytes: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let mut blocks = pem::blocks(bytes)?;
        blocks.retain(|block| block.label == LABEL);
        blocks.iter().map(|block| Self::from_der(CertificateDer::from(block.der.to_vec()))).collect()
    }

    /// Reads DER bytes.
    ///
    /// # Errors
    /// When they are no certificate of X.509 version 3, or more follows it.
    pub(super) fn from_der(der: CertificateDer<'static>) -> Result<Self, CertificateError> {
        let (rest, parsed) = X509Certificate::from_der(&der).map_err(|_| CertificateError::Damaged)?;
        if !rest.is_empty() {
            return Err(CertificateError::Damaged);
        }
        let (dns, ips, other_names) = alternative_names(&parsed)?;
        let rsa = match parsed.public_key().parsed() {
            Ok(PublicKey::RSA(rsa)) => Some(rsa.key_size()),
            _ => None,
        };
        let facts = CertificateFacts {
            common_name: common_name(&parsed),
            dns,
            ips,
            serial: hexadecimal(parsed.raw_serial()),
            not_before: parsed.validity().not_before.to_datetime(),
            not_after: parsed.validity().not_after.to_datetime(),
            key_bits: rsa.unwrap_or(0),
            sha256: Digest256::of(&der),
        };
        let (usages, allows) = usages(&parsed)?;
        let public_key = rsa.map(|_| parsed.public_key().subject_public_key.data.to_vec());
        Ok(Self { der, facts, usages, allows, public_key, other_names })
    }

    /// The certificate as PEM text.
    pub(super) fn to_pem(&self) -> String {
        pem::text(LABEL, &self.der)
    }

    /// Whether this is the certificate of that key, by comparing the public keys.
    pub(super) fn belongs_to(&self, key: &PrivateKey) -> bool {
        self.public_key.as_deref() == Some(key.public_der())
    }

    /// Whether it names itself as its issuer, whoever signed it.
    pub(super) fn is_self_issued(&self) -> bool {
        X509Certificate::from_der(&self.der).is_ok_and(|(_, this)| this.issuer() == this.subject())
    }

    /// Whether that certificate's subject and key signed this one, whatever either of them allows and whenever it was.
    pub(super) fn is_signed_by(&self, issuer: &Self) -> bool {
        let (Ok((_, this)), Ok((_, that))) =
            (X509Certificate::from_der(&self.der), X509Certificate::from_der(&issuer.der))
        else {
            return false;
        };
        let Ok(signer) = EndEntityCert::try_from(&issuer.der) else { return false };
        let (text, signature) = (this.tbs_certificate.as_ref(), &this.signature_value.data);
        this.issuer().as_raw() == that.subject().as_raw()
            && SIGNATURES.iter().any(|alg| signer.verify_signature(*alg, text, signature).is_ok())
    }

    /// Verifies a leaf as a peer would, by an implementation that shares no code with the issuing one: the path to the
    /// CA, the dates at the given time, the extended key usages and the names. A DNS name that is an address is left
    /// out: no verifier of ours looks for one, only libpq does (cloudify.md §6.2).
    ///
    /// # Errors
    /// What does not hold.
    pub(super) fn verify_leaf(&self, ca: &Self, at: OffsetDateTime) -> Result<(), LeafUnfit> {
        self.verify_path(ca, at)?;
        let leaf = EndEntityCert::try_from(&self.der)?;
        for ip in &self.facts.ips {
            leaf.verify_is_valid_for_subject_name(&ServerName::IpAddress((*ip).into()))?;
        }
        for name in self.facts.dns.iter().filter(|name| name.parse::<IpAddr>().is_err()) {
            let name = ServerName::try_from(name.as_str()).map_err(|_| LeafUnfit::Name(name.clone()))?;
            leaf.verify_is_valid_for_subject_name(&name)?;
        }
        Ok(())
    }

    /// Verifies a leaf as [`Certificate::verify_leaf`] does, but for its names.
    ///
    /// # Errors
    /// What does not hold.
    pub(super) fn verify_path(&self, ca: &Self, at: OffsetDateTime) -> Result<(), webpki::Error> {
        let anchor = webpki::anchor_from_trusted_cert(&ca.der)?;
        let leaf = EndEntityCert::try_from(&self.der)?;
        let seconds = u64::try_from(at.unix_timestamp()).unwrap_or(0);
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let usages = [(self.usages.server, KeyUsage::server_auth()), (self.usages.client, KeyUsage::client_auth())];
        for (_, usage) in usages.into_iter().filter(|(wanted, _)| *wanted) {
            leaf.verify_for_usage(SIGNATURES, std::slice::from_ref(&anchor), &[], at, usage, None, None)?;
        }
        Ok(())
    }
}

/// Why a leaf is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LeafUnfit {
    #[error("{0}")]
    Path(#[from] webpki::Error),
    #[error("`{0}` is not a DNS name")]
    Name(String),
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        text.extend([digit(byte >> 4), digit(byte & 15)]);
        text
    })
}

fn common_name(parsed: &X509Certificate<'_>) -> String {
    let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    name.unwrap_or_default().to_owned()
}

type AlternativeNames = (BTreeSet<String>, BTreeSet<IpAddr>, bool);

fn alternative_names(parsed: &X509Certificate<'_>) -> Result<AlternativeNames, CertificateError> {
    let (mut dns, mut ips, mut other) = (BTreeSet::new(), BTreeSet::new(), false);
    let names = parsed.subject_alternative_name().map_err(|_| CertificateError::Damaged)?;
    for name in names.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::DNSName(name) => {
                dns.insert((*name).to_owned());
            }
            GeneralName::IPAddress(octets) => match address(octets) {
                Some(ip) => {
                    ips.insert(ip);
                }
                None => other = true,
            },
            _ => other = true,
        }
    }
    Ok((dns, ips, other))
}

/// An address of 4 or 16 octets in network order (RFC 5280 §4.2.1.6).
fn address(octets: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(octets).map(IpAddr::from).or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

/// What a certificate says it is for, and what it allows.
fn usages(parsed: &X509Certificate<'_>) -> Result<(Usages, Usages), CertificateError> {
    let damaged = |_| CertificateError::Damaged;
    let key_usage = parsed.key_usage().map_err(damaged)?.map(|extension| extension.value);
    let extended = parsed.extended_key_usage().map_err(damaged)?.map(|extension| extension.value);
    let says = Usages {
        ca: parsed.basic_constraints().map_err(damaged)?.is_some_and(|extension| extension.value.ca),
        sign_certificates: key_usage.is_none_or(x509_parser::extensions::KeyUsage::key_cert_sign),
        digital_signature: key_usage.is_some_and(x509_parser::extensions::KeyUsage::digital_signature),
        key_encipherment: key_usage.is_some_and(x509_parser::extensions::KeyUsage::key_encipherment),
        server: extended.is_some_and(|usage| usage.server_auth),
        client: extended.is_some_and(|usage| usage.client_auth),
    };
    let allows = Usages {
        digital_signature: key_usage.is_none() || says.digital_signature,
        key_encipherment: key_usage.is_none() || says.key_encipherment,
        server: extended.is_none() || says.server,
        client: extended.is_none() || says.client,
        ..says
    };
    Ok((says, allows))
}

//! The CA as it is found or supplied: whether it can be one for Cloudify.

use time::{Duration, OffsetDateTime};

use super::certificate::{Certificate, CertificateError};
use super::key::{KeyError, PrivateKey};
use super::record::damaged;
use crate::diag::{Code, Diagnostic, Report};

/// A CA's end is announced this early: every host must be rebuilt before it.
const CA_NOTICE: Duration = Duration::days(90);

/// Smallest RSA key: what webpki, OpenSSL's default level and NSS accept.
const MIN_BITS: usize = 2048;

/// What is said of a file that holds nothing usable: the file, and why.
pub(super) type Unusable = fn(&str, &str) -> Diagnostic;

/// Reads a CA's certificate and checks everything about it but its dates.
///
/// # Errors
/// What `unusable` makes of a file that is no certificate, or [`Code::CaUnfit`].
pub(super) fn certificate(bytes: &[u8], file: &str, unusable: Unusable) -> Result<Certificate, Diagnostic> {
    let unfit = |why: &str| Diagnostic::error(Code::CaUnfit, format!("`{file}` cannot be the CA: {why}"));
    let ca = Certificate::from_pem(bytes).map_err(|error| match error {
        CertificateError::Several(_) => unfit(&error.to_string()).help(which_of_several(bytes)),
        other => unusable(file, &other.to_string()),
    })?;
    if ca.public_key.is_none() {
        return Err(unfit("its key is not RSA, and Cloudify works with nothing else")
            .help("make an RSA CA for Cloudify, or leave `pki.ca` out to have one generated"));
    }
    if ca.facts.key_bits < MIN_BITS {
        let why = format!("its key has {} bits, and {MIN_BITS} are the least", ca.facts.key_bits);
        return Err(unfit(&why).help("make a CA with a longer RSA key"));
    }
    if !ca.usages.ca {
        return Err(unfit("its basic constraints do not say CA:TRUE")
            .help("this is the certificate of a host or client; name the certificate of the CA"));
    }
    if !ca.usages.sign_certificates {
        return Err(unfit("its key usage does not allow it to sign certificates (keyCertSign)")
            .help("make a CA that allows it, or one without a key usage"));
    }
    if !ca.is_self_issued() {
        return Err(unfit("it is not self-signed").help(
            "an intermediate CA does not work: OpenSSL on the hosts would look for its issuer; give the root",
        ));
    }
    if !ca.is_signed_by(&ca) {
        return Err(unfit("its signature is not RSA with PKCS#1 v1.5 and SHA-256, SHA-384 or SHA-512")
            .help("Cloudify checks no other kind; have it signed again, `openssl req -x509 -sha256` does"));
    }
    Ok(ca)
}

/// Checks that this CA can sign here, and not only elsewhere.
///
/// # Errors
/// [`Code::CaUnfit`].
pub(super) fn can_sign(ca: &Certificate, file: &str) -> Result<(), Diagnostic> {
    if super::issue::can_name_issuer(ca) {
        return Ok(());
    }
    let message =
        format!("`{file}` cannot sign here: its subject is of a form that cannot be written again as an issuer");
    Err(Diagnostic::error(Code::CaUnfit, message).help(
        "leave its key out and have requests signed where it is: `cfy-seed pki csr`; or give a CA whose subject names each \
         attribute once, as UTF-8 or plain text",
    ))
}

/// What to do with a file that holds a chain.
fn which_of_several(bytes: &[u8]) -> String {
    let all = Certificate::all_from_pem(bytes).unwrap_or_default();
    let own = all.iter().position(|one| one.is_signed_by(one));
    let which = match own {
        Some(at) => format!("the self-signed one is certificate {} of {}: give that one alone", at + 1, all.len()),
        None => "none of them is self-signed: give the root CA alone".to_owned(),
    };
    format!("Cloudify takes the first certificate alone, and it must sign all hosts; {which}, where you have its key")
}

/// Reads a CA's key of the vault, which must be the one of its certificate.
///
/// # Errors
/// [`Code::VaultDamaged`], [`Code::KeyUnfit`] or [`Code::KeyOfAnotherCertificate`].
pub(super) fn key(bytes: &[u8], file: &str, ca: &Certificate, ca_file: &str) -> Result<PrivateKey, Diagnostic> {
    let key = private_key(bytes, file)?;
    if ca.belongs_to(&key) {
        return Ok(key);
    }
    let message = format!("`{file}` is not the key of the certificate in `{ca_file}`");
    Err(Diagnostic::error(Code::KeyOfAnotherCertificate, message).help("put the key back that belongs to the CA"))
}

/// Reads any private key of the vault.
///
/// # Errors
/// [`Code::VaultDamaged`] or [`Code::KeyUnfit`].
pub(super) fn private_key(bytes: &[u8], file: &str) -> Result<PrivateKey, Diagnostic> {
    use super::pem::PemError;
    PrivateKey::from_pem(bytes, None).map_err(|error| match error {
        KeyError::Pem(PemError::Traditional) | KeyError::Locked | KeyError::NotRsa => {
            Diagnostic::error(Code::KeyUnfit, format!("`{file}` cannot be used: {error}"))
                .help("give an RSA key of at least 2048 bits without a passphrase")
        }
        other => damaged(file, &other.to_string()),
    })
}

/// Judges the dates of the vault's CA.
pub(super) fn check_validity(ca: &Certificate, now: OffsetDateTime, report: &mut Report) {
    let (from, until) = (ca.facts.not_before, ca.facts.not_after);
    let name = &ca.facts.common_name;
    if now > until {
        report.push(expired(ca));
    } else if until - now < CA_NOTICE {
        let message =
            format!("the CA `{name}` expires on {}, and with it every certificate of the cluster", until.date());
        report.push(Diagnostic::warning(Code::CaValidity, message).help("plan the rebuild of all hosts"));
    } else if now < from {
        let message = format!("the CA `{name}` is valid from {} on, and it is {} here", from.date(), now.date());
        report.push(Diagnostic::warning(Code::CaValidity, message).help("look at the clock of this machine"));
    }
}

/// A CA that nobody trusts any more.
pub(super) fn expired(ca: &Certificate) -> Diagnostic {
    let message = format!("the CA `{}` expired on {}", ca.facts.common_name, ca.facts.not_after.date());
    Diagnostic::error(Code::CaValidity, message).help(
        "no host trusts what it signs any more; a new CA means new bundles for all hosts: see `cfy-seed explain CFY-V007`",
    )
}

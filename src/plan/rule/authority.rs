//! CAs of services that are not ours: whether managers could trust what they sign.

use time::{Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use crate::diag::{Code, Diagnostic, Report, Span};

/// A CA's end is announced this early.
const NOTICE: Duration = Duration::days(90);

/// A CA of an external service, for whoever knows what time it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Where the spec names its file.
    pub place: Span,
    /// Its common name, printable.
    pub name: String,
    /// First second of validity, UTC.
    pub not_before: OffsetDateTime,
    /// Last second of validity, UTC.
    pub not_after: OffsetDateTime,
}

impl Authority {
    /// Judges its dates.
    pub fn check_dates(&self, now: OffsetDateTime, report: &mut Report) {
        let (from, until) = (self.not_before.date(), self.not_after.date());
        let found = if now > self.not_after {
            let message = format!("the CA `{}` expired on {until}", self.name);
            Diagnostic::error(Code::ExternalCa, message).help("get the service's current CA from whoever runs it")
        } else if now < self.not_before {
            let message = format!("the CA `{}` is valid from {from} on, and it is {} here", self.name, now.date());
            Diagnostic::warning(Code::ExternalCa, message).help("look at the clock of this machine")
        } else if self.not_after - now < NOTICE {
            let message = format!("the CA `{}` expires on {until}", self.name);
            Diagnostic::warning(Code::ExternalCa, message).help("ask whoever runs the service for its next CA")
        } else {
            return;
        };
        report.push(found.at(self.place, "in this file"));
    }
}

/// The CAs in a PEM file; `place` is where the spec names it.
///
/// # Errors
/// What is wrong, as the end of a sentence about the file, and what to do.
pub fn read(bytes: &[u8], place: Span) -> Result<Vec<Authority>, (String, &'static str)> {
    let other = "give the CA's certificate alone, as PEM; whoever runs the service has it";
    match std::str::from_utf8(bytes) {
        Err(_) => {
            let convert = "give it as PEM: `openssl x509 -inform DER -in FILE -out ca.pem` converts a DER file";
            return Err(("is not text".into(), convert));
        }
        Ok(text) if text.trim().is_empty() => return Err(("is empty".into(), other)),
        Ok(_) => {}
    }
    let mut found = Vec::new();
    for pem in Pem::iter_from_buffer(bytes) {
        let pem = pem.map_err(|_| ("has a PEM block that is damaged or cut off".to_owned(), "copy it again"))?;
        if pem.label.ends_with("PRIVATE KEY") {
            return Err(("holds a private key, which must not travel to any host".into(), other));
        }
        if pem.label != "CERTIFICATE" {
            return Err((format!("holds a PEM block `{}`", pem.label.escape_debug()), other));
        }
        found.push(certificate(&pem.contents, found.len() + 1, place)?);
    }
    if found.is_empty() { Err(("holds no PEM certificate".into(), other)) } else { Ok(found) }
}

fn certificate(der: &[u8], number: usize, place: Span) -> Result<Authority, (String, &'static str)> {
    let Ok((_, parsed)) = X509Certificate::from_der(der) else {
        return Err((format!("has a certificate that cannot be read, number {number}"), "copy it again"));
    };
    let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok()).unwrap_or_default();
    let name = name.escape_debug().to_string();
    if !matches!(parsed.public_key().parsed(), Ok(PublicKey::RSA(_))) {
        let why = format!("has a certificate whose key is not RSA: `{name}`, number {number}");
        // Managed services hand out several roots at once, some of them with elliptic curves (cloudify.md §6.3).
        return Err((why, "Cloudify works with RSA only: keep the one RSA certificate that signed the service's"));
    }
    if !parsed.is_ca() {
        let why = format!("has a certificate that is no CA's: `{name}`, number {number}");
        return Err((why, "give the certificate of the CA that signed it, not the service's own"));
    }
    let validity = parsed.validity();
    let (not_before, not_after) = (validity.not_before.to_datetime(), validity.not_after.to_datetime());
    Ok(Authority { place, name, not_before, not_after })
}

//! Certificates: a CA from outside, and validities.

use crate::diag::{Code, Diagnostic, Report};
use crate::spec::{Pki, Spec, require};
use crate::yaml::Field;

use super::in_range;

/// Checks what the spec says about its CA, and gives the validity of CA and leaves in days.
pub fn certificates(report: &mut Report, spec: &Spec) -> (u32, u32) {
    let empty = Pki::default();
    let pki = spec.pki.get().unwrap_or(&empty);
    supplied(report, pki);
    // RFC 5280 §4.1.2.5 writes years of four digits; a century is far beyond any cluster and safe everywhere.
    let ca = in_range(report, Code::CertificateDays, &pki.ca_days, "ca_days", 1..=36_500, 3650);
    let leaf = in_range(report, Code::CertificateDays, &pki.leaf_days, "leaf_days", 1..=36_500, 3650);
    if leaf > ca && matches!(pki.ca, Field::Absent) {
        let message = format!("certificates of {leaf} days would outlive their CA of {ca} days");
        let wrong = Diagnostic::error(Code::CertificateDays, message);
        let wrong = wrong.at_opt(pki.leaf_days.span(), "longer than the CA").at_opt(pki.ca_days.span(), "the CA");
        report.push(wrong.help("lower `leaf_days` or raise `ca_days`"));
    }
    (ca, leaf)
}

/// What belongs together where a CA is named; its files are judged by those who can read certificates.
fn supplied(report: &mut Report, pki: &Pki) {
    let Some((ca, span)) = pki.ca.spanned() else { return };
    require(report, &ca.cert, "cert", "cert: ca.crt", span);
    if let (Some(passphrase), Field::Absent) = (ca.passphrase_file.span(), &ca.key) {
        let message = "a passphrase is given, and no key that it would open";
        let wrong = Diagnostic::error(Code::PassphraseWithoutKey, message).at(passphrase, "opens nothing");
        report.push(wrong.help("name the CA's key as `pki.ca.key`, or leave the passphrase out"));
    }
    if let Some(days) = pki.ca_days.span() {
        let message = "`ca_days` is for a CA that cfy-seed makes, and this one is yours";
        let wrong = Diagnostic::warning(Code::CaDaysUnused, message).at(days, "changes nothing");
        report.push(wrong.help("leave it out: the CA's own certificate says how long it is valid"));
    }
}

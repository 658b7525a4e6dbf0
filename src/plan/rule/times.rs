//! Time spans, validities, counters.

use crate::diag::{Code, Diagnostic, Report};
use crate::names::Seconds;
use crate::spec::{FirstBoot, Pki, Spec};

use super::in_range;

/// Poll interval and the time after which waiting is called stalled.
pub fn first_boot(report: &mut Report, spec: &Spec) -> (Seconds, Seconds) {
    let empty = FirstBoot::default();
    let given = spec.first_boot.get().unwrap_or(&empty);
    let code = Code::TimeOutOfRange;
    let poll = in_range(report, code, &given.poll, "poll", Seconds::new(2)..=Seconds::new(60), Seconds::new(10));
    let stall = Seconds::new(60)..=Seconds::new(7 * 24 * 3600);
    let stall = in_range(report, code, &given.stall_after, "stall_after", stall, Seconds::new(3600));
    (poll, stall)
}

/// Validity of CA and leaves in days.
pub fn certificates(report: &mut Report, spec: &Spec) -> (u32, u32) {
    let empty = Pki::default();
    let pki = spec.pki.get().unwrap_or(&empty);
    // RFC 5280 §4.1.2.5 writes years of four digits; a century is far beyond any cluster and safe everywhere.
    let ca = in_range(report, Code::CertificateDays, &pki.ca_days, "ca_days", 1..=36_500, 3650);
    let leaf = in_range(report, Code::CertificateDays, &pki.leaf_days, "leaf_days", 1..=36_500, 3650);
    if leaf > ca {
        let message = format!("certificates of {leaf} days would outlive their CA of {ca} days");
        let wrong = Diagnostic::error(Code::CertificateDays, message);
        let wrong = wrong.at_opt(pki.leaf_days.span(), "longer than the CA").at_opt(pki.ca_days.span(), "the CA");
        report.push(wrong.help("lower `leaf_days` or raise `ca_days`"));
    }
    (ca, leaf)
}

/// The generation, from 1.
pub fn generation(report: &mut Report, spec: &Spec) -> u32 {
    in_range(report, Code::GenerationOutOfRange, &spec.generation, "generation", 1..=999_999, 1)
}

//! What is not valid by the clock of this machine. A wrong clock makes all of a tree so at once, and then nothing is wrong with the tree.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;

use crate::diag::{Code, Diagnostic, Report};

/// Certificates outside their validity, each once, with its first and last moment.
#[derive(Debug, Default)]
pub(in crate::verify) struct Dates {
    early: BTreeMap<String, (OffsetDateTime, OffsetDateTime)>,
    late: BTreeMap<String, (OffsetDateTime, OffsetDateTime)>,
}

fn validity(certificate: &X509Certificate<'_>) -> (OffsetDateTime, OffsetDateTime) {
    let validity = certificate.validity();
    (validity.not_before.to_datetime(), validity.not_after.to_datetime())
}

/// The time nearest to the clock at which all of these are valid, so that their signatures and usages can be judged whatever that says;
/// where there is none, the first moment of the last of them.
pub(super) fn within(at: OffsetDateTime, certificates: &[&X509Certificate<'_>]) -> OffsetDateTime {
    let begin = certificates.iter().map(|one| validity(one).0).max().unwrap_or(at);
    let end = certificates.iter().map(|one| validity(one).1).min().unwrap_or(at);
    at.min(end).max(begin)
}

impl Dates {
    /// Looks at a certificate; `who` is what messages call it.
    pub(super) fn note(&mut self, who: String, certificate: &X509Certificate<'_>, at: OffsetDateTime) {
        let (begin, end) = validity(certificate);
        if at < begin {
            self.early.insert(who, (begin, end));
        } else if at > end {
            self.late.insert(who, (begin, end));
        }
    }

    /// One finding for all that are too early, and one for all that are too late.
    pub(in crate::verify) fn findings(&self, at: OffsetDateTime) -> Report {
        let mut report = Report::default();
        let clock = format!("by the clock of this machine it is {}, and", at.date());
        let set = "look at the clock of this machine (`date -u`) and set it right; where it is right, that of the machine was ahead on which \
                   they were issued";
        let mut add = |text: String, help: &str| {
            report.push(Diagnostic::error(Code::BundledValidity, text).help(help));
        };
        // The last to begin says from when on all are valid, the first to end until when they were.
        if let Some((who, (begin, end))) = self.early.iter().max_by_key(|(_, (begin, _))| *begin) {
            let count = counted(self.early.len());
            add(format!("{clock} {count} not valid yet: {who} is from {} to {}", begin.date(), end.date()), set);
        }
        if let Some((who, (begin, end))) = self.late.iter().min_by_key(|(_, (_, end))| *end) {
            let count = counted(self.late.len());
            let help = "look at the clock of this machine (`date -u`); where it is right, have it built anew: an expired certificate of a host is \
                        issued again";
            add(
                format!("{clock} {count} not valid any more: {who} was from {} to {}", begin.date(), end.date()),
                help,
            );
        }
        report
    }
}

fn counted(count: usize) -> String {
    if count == 1 { "1 certificate is".to_owned() } else { format!("{count} certificates are") }
}

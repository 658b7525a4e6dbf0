//! What belongs together and what does not, by family. Every rule points at the value that breaks it.

pub mod authority;
pub mod cloud_init;
pub mod cloudify;
pub mod config;
pub mod credential;
pub mod external;
pub mod extra_file;
pub mod further_network;
pub mod hosts;
pub mod ldap;
pub mod network;
pub mod overrides;
pub mod payload;
pub mod pki;
pub mod platform;
pub mod target;
pub mod times;

use crate::diag::{Code, Diagnostic, Report, Span};
use crate::yaml::Field;

/// The value in range, the default where there is none, and a report where it is out of range.
fn in_range<T: PartialOrd + Copy + std::fmt::Display>(
    report: &mut Report,
    code: Code,
    field: &Field<T>,
    key: &str,
    range: std::ops::RangeInclusive<T>,
    default: T,
) -> T {
    match field.spanned() {
        Some((value, _)) if range.contains(value) => *value,
        Some((value, span)) => {
            let (low, high) = (range.start(), range.end());
            let wrong = Diagnostic::error(code, format!("`{key}` is {value}, and must be {low} to {high}"));
            report.push(wrong.at(span, "out of range").help(format!("the default is {default}")));
            default
        }
        None => default,
    }
}

/// Reports two places that hold the same thing.
fn same(report: &mut Report, code: Code, message: String, first: Span, second: Span, help: &str) {
    report.push(Diagnostic::error(code, message).at(second, "again here").at(first, "first here").help(help));
}

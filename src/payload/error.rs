//! Why a file is not taken for an RPM that is whole.

use std::io;

use crate::diag::{Code, Diagnostic};

/// Why a file is not taken for an RPM that is whole.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum RpmError {
    /// Something else, perhaps the web page of a proxy.
    #[error("it does not begin like an RPM")]
    NotAnRpm,
    /// A source package: hosts cannot install it.
    #[error("it is a source package, which hosts cannot install")]
    Source,
    /// It ends too early.
    #[error("it ends inside its {0}: the copy is not complete")]
    CutOff(&'static str),
    /// More bytes than it says of itself.
    #[error("it has {found} bytes of header and payload or more, and says of itself that they are {stated}")]
    WrongSize { stated: u64, found: u64 },
    /// Contradicts itself in a way that no tool which makes RPMs does.
    #[error("its {part} makes no sense: {why}")]
    Malformed { part: &'static str, why: String },
    /// Larger than is read.
    #[error("its {part} has {found} {unit}, and at most {limit} are read")]
    TooMuch { part: &'static str, unit: &'static str, found: u64, limit: u64 },
    /// A digest is another one.
    #[error("the {digest} of its {part} is {found}, and the package says {stated}")]
    Digest { digest: &'static str, part: &'static str, stated: String, found: String },
    /// Nothing says what the bytes should be.
    #[error("nothing in it says what its {0} should be: it has no digest of a kind that is known here")]
    NoDigest(&'static str),
    /// The machine failed.
    #[error("it cannot be read: {0}")]
    Machine(#[source] io::Error),
}

impl RpmError {
    /// Whether the machine failed (exit code 2) and not an input (exit code 1).
    #[must_use]
    pub const fn is_machine_failure(&self) -> bool {
        matches!(self, Self::Machine(_))
    }

    /// The finding about the file of this name; none where the machine failed.
    #[must_use]
    pub fn diagnostic(&self, file: &str) -> Option<Diagnostic> {
        let (code, help) = match self {
            Self::Machine(_) => return None,
            Self::NotAnRpm => {
                (Code::NotAnRpm, "look at its first lines: downloads often end as a page with an error")
            }
            Self::Source => (Code::NotAnRpm, "take the package that was built from it, such as `….x86_64.rpm`"),
            Self::CutOff(_) | Self::WrongSize { .. } => (Code::RpmDamaged, "copy or download it again"),
            Self::Malformed { .. } | Self::TooMuch { .. } => {
                (Code::RpmDamaged, "take it from its vendor again; if that one is the same, do not use it")
            }
            Self::Digest { .. } => {
                (Code::RpmDamaged, "copy or download it again, and trust it only if it is then whole")
            }
            Self::NoDigest(_) => {
                (Code::RpmDamaged, "it is older than EL 7, or a tool cfy-seed does not know made it")
            }
        };
        Some(Diagnostic::error(code, format!("{file}: {self}")).help(help))
    }
}

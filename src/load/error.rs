//! Why something could not be read.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::diag::{Code, Diagnostic};

/// Why something could not be read. Every case names the path.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "`path` is the path in every variant")]
pub enum LoadError {
    /// There is nothing of that name.
    #[error("{path} does not exist")]
    Missing { path: Utf8PathBuf },
    /// A file is wanted and this is a directory.
    #[error("{path} is a directory, not a file")]
    Directory { path: Utf8PathBuf },
    /// A directory is wanted and this is something else.
    #[error("{path} is not a directory")]
    NotADirectory { path: Utf8PathBuf },
    /// A device, FIFO or socket.
    #[error("{path} is a device, a FIFO or a socket, not a file")]
    Special { path: Utf8PathBuf },
    /// More bytes than are read.
    #[error("{path} is larger than {limit} bytes, the most that is read")]
    TooLarge { path: Utf8PathBuf, limit: u64 },
    /// Not UTF-8.
    #[error("{path} is not UTF-8: byte {offset} is none of it")]
    NotUtf8 {
        path: Utf8PathBuf,
        /// The first byte that is wrong, from 0.
        offset: usize,
    },
    /// The permissions forbid it.
    #[error("{path} may not be read: its permissions forbid it")]
    Denied { path: Utf8PathBuf },
    /// More files than are read.
    #[error("{path} holds more than {limit} files, the most that is read")]
    TooManyFiles { path: Utf8PathBuf, limit: usize },
    /// Deeper than is read.
    #[error("{path} lies deeper than {limit} levels, the most that is read")]
    TooDeep { path: Utf8PathBuf, limit: usize },
    /// An archive that is damaged, or none of ours.
    #[error("{path} is no archive of cfy-seed, or damaged {why}")]
    Archive {
        path: Utf8PathBuf,
        /// Where and what.
        why: String,
    },
    /// An image of a payload that is damaged.
    #[error("{path} is damaged {why}")]
    Image {
        path: Utf8PathBuf,
        /// Where and what.
        why: String,
    },
    /// The machine failed.
    #[error("{path} cannot be read: {source}")]
    Machine { path: Utf8PathBuf, source: io::Error },
}

impl LoadError {
    /// The error of this path.
    pub(super) fn of(path: &Utf8Path, error: impl Into<io::Error>) -> Self {
        let path = path.to_owned();
        let error = error.into();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::PermissionDenied => Self::Denied { path },
            io::ErrorKind::NotADirectory => Self::NotADirectory { path },
            io::ErrorKind::IsADirectory => Self::Directory { path },
            // A socket, or a device without a driver.
            _ if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => Self::Special { path },
            _ => Self::Machine { path, source: error },
        }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        match self {
            Self::Missing { path }
            | Self::Directory { path }
            | Self::NotADirectory { path }
            | Self::Special { path }
            | Self::TooLarge { path, .. }
            | Self::NotUtf8 { path, .. }
            | Self::Denied { path }
            | Self::TooManyFiles { path, .. }
            | Self::TooDeep { path, .. }
            | Self::Archive { path, .. }
            | Self::Image { path, .. }
            | Self::Machine { path, .. } => path,
        }
    }

    /// Whether the machine failed (exit code 2) and not an input (exit code 1).
    #[must_use]
    pub fn is_machine_failure(&self) -> bool {
        matches!(self, Self::Machine { .. })
    }

    /// The finding for the user; none where the machine failed.
    #[must_use]
    pub fn diagnostic(&self) -> Option<Diagnostic> {
        let code = match self {
            Self::Machine { .. } => return None,
            Self::NotUtf8 { .. } => Code::NotText,
            Self::Archive { .. } => Code::BoxDamaged,
            Self::Image { .. } => Code::MediumDamaged,
            _ => Code::UnreadableInput,
        };
        let help = match self {
            Self::Missing { .. } => {
                "check the path; where a spec names it, a relative one starts at the directory of the spec"
            }
            Self::Directory { .. } | Self::Special { .. } => "name a regular file",
            Self::NotADirectory { .. } => "name a directory",
            Self::TooLarge { .. } | Self::TooManyFiles { .. } | Self::TooDeep { .. } => "is this the right path?",
            Self::NotUtf8 { .. } => "save it as UTF-8",
            Self::Archive { .. } => {
                "bring it again; where it was joined from parts, join them in the order of their numbers"
            }
            Self::Image { .. } => "copy it again, or make it again with `cfy-seed payload iso`",
            Self::Denied { .. } => "run as a user who may read it, or change its permissions",
            Self::Machine { .. } => return None,
        };
        Some(Diagnostic::error(code, self.to_string()).help(help))
    }
}

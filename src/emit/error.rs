//! Why something could not be written.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::bundle::SealError;
use crate::diag::{Code, Diagnostic};

/// Why something could not be written. Every case names the path; nothing was changed there, but in [`Halfway`](EmitError::Halfway).
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "`path` is the path in every variant")]
pub enum EmitError {
    /// The output's place holds something that cfy-seed did not make.
    #[error("{path} is there already and was not made by cfy-seed: it has no manifest.json of ours")]
    Foreign { path: Utf8PathBuf },
    /// A file that must be new is there already.
    #[error("{path} is there already")]
    Exists { path: Utf8PathBuf },
    /// The output's place is a symlink.
    #[error("{path} is a symbolic link, and the output must be a directory")]
    TargetIsSymlink { path: Utf8PathBuf },
    /// The output's place is a file.
    #[error("{path} is a file, and the output must be a directory")]
    TargetNotADirectory { path: Utf8PathBuf },
    /// A directory has the name of a file that is to be written.
    #[error("{path} is a directory, and a file of that name is to be written")]
    InTheWay { path: Utf8PathBuf },
    /// A limit so small that there would be too many parts.
    #[error("{path} would be more than {limit} parts")]
    TooManyParts { path: Utf8PathBuf, limit: usize },
    /// The output directory, or the vault's, is no directory.
    #[error("{path} is not a directory")]
    OutputNotADirectory { path: Utf8PathBuf },
    /// The output directory is a symlink to something that is not there.
    #[error("{path} is a symbolic link, and what it leads to is not there")]
    DanglingLink { path: Utf8PathBuf },
    /// Another process holds the lock.
    #[error("another cfy-seed is writing to {path} at this moment")]
    Locked { path: Utf8PathBuf },
    /// A file that the tree refers to cannot be read, or has another size or digest than it says.
    #[error("the content of {path} cannot be taken over: {why}")]
    Content {
        path: Utf8PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The tree cannot be closed: a bug.
    #[error("the tree cannot be sealed: {0}")]
    Seal(#[from] SealError),
    /// Somebody asked to stop; what was begun is removed.
    #[error("stopped by a signal")]
    Stopped,
    /// The machine failed when some of the output was in its place already and some was not.
    #[error("{source}; {new} of this build, and {old}")]
    Halfway {
        /// What is new, in words.
        new: String,
        /// What is as it was, in words.
        old: String,
        source: Box<EmitError>,
    },
    /// The machine failed: disk full, read-only, not permitted.
    #[error("cannot {action} {path}: {source}")]
    Machine {
        /// What was to be done, such as `create`.
        action: &'static str,
        path: Utf8PathBuf,
        source: io::Error,
    },
}

impl EmitError {
    pub(super) fn machine(action: &'static str, path: &Utf8Path, source: impl Into<io::Error>) -> Self {
        // What fails then fails because of it.
        if super::stopped_by().is_some() {
            return Self::Stopped;
        }
        Self::Machine { action, path: path.to_owned(), source: source.into() }
    }

    /// The error of a last step. A signal that came meanwhile is no reason for it: nothing waits for one there.
    pub(super) fn placing(path: &Utf8Path, source: impl Into<io::Error>) -> Self {
        Self::Machine { action: "write", path: path.to_owned(), source: source.into() }
    }

    /// The error that came when these places had what is new, and those had not.
    pub(super) fn halfway(source: Self, new: &[Utf8PathBuf], old: &[Utf8PathBuf]) -> Self {
        let names = |paths: &[Utf8PathBuf]| paths.iter().map(|path| path.as_str()).collect::<Vec<_>>().join(" and ");
        let are = |paths: &[Utf8PathBuf]| if paths.len() == 1 { "is" } else { "are" };
        let new = format!("{} {}", names(new), are(new));
        let old = match old {
            [] => "what is older and left over beside may still be there".to_owned(),
            [list, ..] if list.as_str().ends_with(".sha256") => {
                format!("{} {} not: of the parts some may be new", names(old), are(old))
            }
            old => format!("{} {} as before", names(old), are(old)),
        };
        Self::Halfway { new, old, source: Box::new(source) }
    }

    /// Whether the machine failed (exit code 2). [`EmitError::Seal`] is a bug (70); the rest is the user's (1).
    #[must_use]
    pub fn is_machine_failure(&self) -> bool {
        matches!(self, Self::Machine { .. } | Self::Halfway { .. })
    }

    /// The finding for the user; none where the machine failed, or we did.
    #[must_use]
    pub fn diagnostic(&self) -> Option<Diagnostic> {
        let (code, help) = match self {
            Self::Foreign { .. } => (Code::ForeignOutput, "move it away, or choose another place with `--out`"),
            Self::Exists { .. } => (Code::OutputInTheWay, "give another path, or remove it first"),
            Self::TargetIsSymlink { .. }
            | Self::TargetNotADirectory { .. }
            | Self::InTheWay { .. }
            | Self::OutputNotADirectory { .. } => {
                (Code::OutputInTheWay, "remove or rename it, or choose another place")
            }
            Self::DanglingLink { .. } => (
                Code::OutputInTheWay,
                "make the directory that it leads to, remove the link, or choose another place",
            ),
            Self::TooManyParts { .. } => (Code::TooManyParts, "split into larger parts"),
            Self::Locked { .. } => (Code::RunInProgress, "wait until it has ended, then run again"),
            Self::Content { .. } => (Code::ContentChanged, "leave the file alone while building, and build again"),
            Self::Seal(_) | Self::Stopped | Self::Halfway { .. } | Self::Machine { .. } => return None,
        };
        Some(Diagnostic::error(code, self.to_string()).help(help))
    }
}

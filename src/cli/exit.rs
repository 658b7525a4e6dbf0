//! Exit codes, and failures on their way to one.

use std::io;
use std::process::ExitCode;

use crate::diag::{Report, Sources};
use crate::emit::EmitError;
use crate::load::LoadError;
use crate::profile::BadProfile;
use crate::project::{BuildError, VaultReadError};

use super::output::Output;

/// How a run ended (DESIGN §2), from good to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done.
    Done,
    /// An input is bad, or `verify` found something.
    BadInput,
    /// The machine failed.
    Machine,
    /// Stopped by a signal; the process ends by it, which shells show as 128 and its number.
    Stopped,
    /// The command line is wrong (`EX_USAGE` of sysexits.h).
    Usage,
    /// A bug of cfy-seed (`EX_SOFTWARE`).
    Bug,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::BadInput => 1,
            Exit::Machine => 2,
            Exit::Stopped => 130,
            Exit::Usage => 64,
            Exit::Bug => 70,
        })
    }
}

/// Why a command did not do what it should.
#[derive(Debug)]
pub enum Failure {
    /// Findings that the user can mend.
    Findings(Report),
    /// The machine failed; what to say.
    Machine(String),
    /// The command line asks for what cannot be; what to say.
    Usage(String),
    /// A bug; what to say.
    Bug(String),
    /// Somebody asked to stop.
    Stopped,
    /// Whoever read our output has gone: no failure of ours.
    ReaderGone,
}

impl Failure {
    /// Says it, and gives the exit code.
    pub fn report(self, output: &Output) -> Exit {
        self.report_in(output, &Sources::default())
    }

    /// As [`report`](Self::report), with the texts that findings may point into.
    pub fn report_in(self, output: &Output, sources: &Sources) -> Exit {
        match self {
            Self::Findings(report) => {
                output.report(&report, sources);
                Exit::BadInput
            }
            Self::Machine(text) => {
                output.say(&format!("error: {text}"));
                Exit::Machine
            }
            Self::Usage(text) => {
                output.say(&format!("error: {text}\n\nFor more information, try '--help'."));
                Exit::Usage
            }
            Self::Bug(text) => {
                output.say(&format!("bug in cfy-seed {}: {text}", env!("CARGO_PKG_VERSION")));
                Exit::Bug
            }
            Self::Stopped => {
                output.say("stopped: what was begun is removed, and what was there before is as it was");
                Exit::Stopped
            }
            Self::ReaderGone => Exit::Done,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Machine(format!("cannot write the output: {error}")),
        }
    }
}

impl From<BadProfile> for Failure {
    fn from(error: BadProfile) -> Self {
        Self::Bug(error.to_string())
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error.diagnostic() {
            Some(diagnostic) => Self::Findings(diagnostic.into()),
            None => Self::Machine(error.to_string()),
        }
    }
}

impl From<EmitError> for Failure {
    fn from(error: EmitError) -> Self {
        match error.diagnostic() {
            None if matches!(error, EmitError::Stopped) => Self::Stopped,
            Some(diagnostic) => Self::Findings(diagnostic.into()),
            None if error.is_machine_failure() => Self::Machine(error.to_string()),
            None => Self::Bug(error.to_string()),
        }
    }
}

impl From<VaultReadError> for Failure {
    fn from(error: VaultReadError) -> Self {
        match error {
            VaultReadError::Refused(report) => Self::Findings(report),
            VaultReadError::Load(error) => error.into(),
        }
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Refused(report) => Self::Findings(report),
            BuildError::Load(error) => error.into(),
            BuildError::Emit(error) => error.into(),
            BuildError::Vault(error) => Self::Machine(error.to_string()),
            other => Self::Bug(other.to_string()),
        }
    }
}

//! The passphrase of a CA's key: from a file, from stdin, or from the person at the terminal. Never from argv.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use camino::Utf8Path;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::diag::{Code, Diagnostic};
use crate::names::Secret;
use crate::project::passphrase;

use super::exit::Failure;
use super::output::Output;

/// A passphrase is a line.
const MAX_LINE: u64 = 4 << 10;

/// How often a person may try.
const TRIES: u32 = 3;

/// The passphrase in the file that the command line names; `-` is stdin.
///
/// # Errors
/// When it cannot be read, or is no text.
pub fn from_file(file: &Utf8Path) -> Result<Secret, Failure> {
    if file == "-" {
        line().map_err(|error| Failure::Machine(format!("cannot read stdin: {error}")))
    } else {
        Ok(passphrase(file)?)
    }
}

/// Asks until a passphrase fits, three times at most; nothing where there is no terminal to ask on.
///
/// # Errors
/// When none fits, or the terminal cannot be read.
pub fn ask(output: &Output, mut fits: impl FnMut(&Secret) -> Result<(), Diagnostic>) -> Result<(), Failure> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Ok(());
    }
    for left in (0..TRIES).rev() {
        output.ask("passphrase of the CA's key: ");
        let answer = unseen(line).map_err(|error| Failure::Machine(format!("cannot read the terminal: {error}")));
        // The line end that was typed was not shown.
        output.say("");
        match fits(&answer?) {
            Ok(()) => break,
            Err(found) if found.code == Code::WrongPassphrase && left > 0 => output.say(&found.message),
            Err(found) => return Err(Failure::Findings(found.into())),
        }
    }
    Ok(())
}

/// A line of stdin without its line end.
fn line() -> io::Result<Secret> {
    let mut text = String::with_capacity(usize::try_from(MAX_LINE).unwrap_or_default());
    let read = io::stdin().lock().take(MAX_LINE).read_line(&mut text);
    // Moved and not copied: the secret's own memory is wiped.
    let text = Secret::new(text);
    read?;
    Ok(Secret::new(text.expose().lines().next().unwrap_or_default()))
}

/// Does it while the terminal shows nothing of what is typed.
fn unseen<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let done = work();
    tcsetattr(&stdin, OptionalActions::Now, &before)?;
    done
}

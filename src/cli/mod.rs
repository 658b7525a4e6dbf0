//! The command line: arguments to requests, reports to text. One file per command.
//!
//! In: argv. Out: text, and an exit code. May not: hold logic, or be imported.

mod args;
mod build;
mod check;
mod credentials;
mod exit;
mod explain;
mod import;
mod init;
mod meta;
mod output;
mod passphrase;
mod payload;
mod pki;
mod plan;
mod status;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use crate::emit;

use args::{Cli, Command};
use exit::Exit;
use output::Output;

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come this way too, and are no mistake.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            return code.into();
        }
    };
    let output = Output::new();
    let own = cli.own.into();
    let result = match cli.command {
        Command::Init(request) => init::run(&request, &own, &output),
        Command::Import(request) => import::run(&request, &own, &output),
        Command::Check(request) => check::run(&request, &own, &output),
        Command::Plan(request) => plan::run(&request, &own, &output),
        Command::Build(request) => build::run(&request, &own, &output),
        Command::Verify(request) => verify::run(&request, &own, &output),
        Command::Status(request) => status::run(&request, &output),
        Command::Credentials(request) => credentials::run(&request, &own, &output),
        Command::Payload(request) => payload::run(&request, &own, &output),
        Command::Pki(request) => pki::run(&request, &own, &output),
        Command::Explain(request) => explain::run(&request, &output),
        Command::Schema => meta::schema(&output),
        Command::Completions(request) => meta::completions(&request, &output),
        Command::Man => meta::man(&output),
    };
    let exit = result.unwrap_or_else(|failure| failure.report(&output));
    if let Some(signal) = emit::stopped_by().filter(|_| exit == Exit::Stopped) {
        // A shell that started us in a loop shall see that a signal ended us, and end it.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    exit.into()
}

//! The binary, run as a person or a script would.

use std::process::{Command, Stdio};

use camino::Utf8Path;

/// The binary in this directory.
pub fn cfy_seed(directory: &Utf8Path) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cfy-seed"));
    command.current_dir(directory).stdin(Stdio::null()).env_remove("NO_COLOR");
    Program(command)
}

pub struct Program(pub Command);

/// What a run left.
#[derive(Debug)]
pub struct Output {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.0.args(arguments);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    pub fn run(mut self) -> Output {
        let output = self.0.output().expect("the binary runs");
        Output {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Runs it, and takes any other exit code for a failure of the test.
    pub fn exits(self, code: i32) -> Output {
        let output = self.run();
        assert_eq!(output.code, Some(code), "stdout: {}\nstderr: {}", output.stdout, output.stderr);
        output
    }
}

impl Output {
    pub fn says(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "{part:?} is not in: {}", self.stderr);
        self
    }

    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

//! Text for people to stderr, data to stdout.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::diag::{self, Report, Sources, Style};

/// Shorter work shows no progress.
const QUIET: Duration = Duration::from_secs(1);

/// Where text goes and how it looks.
#[derive(Debug)]
pub struct Output {
    style: Style,
    interactive: bool,
}

impl Output {
    /// Looks at what stderr is. `NO_COLOR` (any value but the empty one) and a stderr that is no terminal mean no colour.
    #[allow(clippy::disallowed_methods, reason = "the look of messages is the one thing the environment decides")]
    pub fn new() -> Self {
        let interactive = io::stderr().is_terminal();
        let colourless = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { style: Style { colour: interactive && !colourless && !dumb, ..Style::default() }, interactive }
    }

    /// Whether stdout is a terminal.
    pub fn stdout_is_terminal() -> bool {
        io::stdout().is_terminal()
    }

    /// Lines for people, with what a terminal would obey made visible. A stderr that cannot be written to is nobody's concern.
    #[allow(clippy::unused_self, reason = "one door for all text")]
    pub fn say(&self, text: &str) {
        let _ = writeln!(io::stderr(), "{}", diag::printable(text.trim_end()));
    }

    /// A question, without a line end.
    #[allow(clippy::unused_self, reason = "one door for all text")]
    pub fn ask(&self, text: &str) {
        let _ = write!(io::stderr(), "{text}");
    }

    /// A report for people.
    pub fn report(&self, report: &Report, sources: &Sources) {
        if !report.is_empty() {
            // Its colours are ours.
            let _ = writeln!(io::stderr(), "{}", diag::render(report, sources, self.style).trim_end());
        }
    }

    /// Data, as it is.
    ///
    /// # Errors
    /// When stdout cannot be written to.
    #[allow(clippy::unused_self, reason = "one door for all text")]
    pub fn data(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// A progress line for work of so many steps, shown on a terminal once the work has lasted a second.
    pub fn progress(&self, what: &'static str) -> Progress {
        Progress {
            what,
            since: Instant::now(),
            shown: AtomicBool::new(false),
            interactive: self.interactive,
            begun: OnceLock::new(),
            mebibytes: AtomicU64::new(0),
        }
    }
}

/// A line that is overwritten until it is cleared or dropped.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    since: Instant,
    shown: AtomicBool,
    interactive: bool,
    /// When the first bytes passed.
    begun: OnceLock<Instant>,
    /// How far the bytes were when they were last shown.
    mebibytes: AtomicU64,
}

impl Progress {
    /// Shows how many bytes have passed, how fast, and how long it will take where the total is known and not 0.
    pub fn bytes(&self, done: u64, total: u64) {
        let begun = self.begun.get_or_init(Instant::now);
        let mebibytes = done >> 20;
        if !self.interactive
            || begun.elapsed() < QUIET
            || self.mebibytes.swap(mebibytes, Ordering::Relaxed) == mebibytes
        {
            return;
        }
        self.shown.store(true, Ordering::Relaxed);
        let seconds = begun.elapsed().as_secs().max(1);
        let rate = (mebibytes / seconds).max(1);
        let line = match (total >> 20).checked_sub(mebibytes).filter(|_| total > 0) {
            Some(left) => format!("{mebibytes}/{} MiB, {rate} MiB/s, {} s left", total >> 20, left / rate),
            None => format!("{mebibytes} MiB, {rate} MiB/s"),
        };
        let _ = write!(io::stderr(), "\r{} {line} \x1b[K", self.what);
    }

    /// Shows how far the work is.
    pub fn step(&self, done: usize, total: usize) {
        const WIDTH: usize = 30;
        if !self.interactive || self.since.elapsed() < QUIET || total == 0 {
            return;
        }
        self.shown.store(true, Ordering::Relaxed);
        let filled = WIDTH * done / total;
        let bar = format!("{}{}", "#".repeat(filled), "-".repeat(WIDTH - filled));
        let _ = write!(io::stderr(), "\r{} [{bar}] {done}/{total} ", self.what);
    }

    /// Takes the line away, before something else is said.
    pub fn clear(&self) {
        if self.shown.swap(false, Ordering::Relaxed) {
            // Erases the line (ECMA-48 EL).
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

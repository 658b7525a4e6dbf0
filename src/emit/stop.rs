//! Signals that ask to stop. While something is half-written it is removed first; otherwise they end the process as ever.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// What the handlers look at and set.
struct Signals {
    /// The signal that came; 0 for none.
    asked: Arc<AtomicUsize>,
    /// Whether nothing is half-written.
    idle: Arc<AtomicBool>,
    /// How many works are.
    unfinished: Mutex<usize>,
}

static SIGNALS: LazyLock<Signals> = LazyLock::new(|| {
    let (asked, idle) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
    let again = Arc::new(AtomicBool::new(false));
    for (signal, number) in [(SIGHUP, 1), (SIGINT, 2), (SIGTERM, 15)] {
        if signal == SIGHUP && is_ignored(signal) {
            continue;
        }
        // They run in this order. A second signal ends the process at once: a disk that hangs must not hold it.
        // Where the system takes no handler, a signal does what it did before.
        let _ = flag::register_conditional_default(signal, Arc::clone(&idle))
            .and_then(|_| flag::register_conditional_default(signal, Arc::clone(&again)))
            .and_then(|_| flag::register(signal, Arc::clone(&again)))
            .and_then(|_| flag::register_usize(signal, Arc::clone(&asked), number));
    }
    Signals { asked, idle, unfinished: Mutex::new(0) }
});

/// Whether this process was started with a signal ignored (proc(5), `SigIgn`): `nohup` asks so for a terminal that closes. Where nobody
/// can tell, it was not.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (signal - 1) & 1 == 1
}

/// Work that leaves something half-written until it is dropped.
#[derive(Debug)]
pub(super) struct Unfinished(());

impl Unfinished {
    pub fn begin() -> Self {
        count(|unfinished| unfinished + 1);
        Self(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        count(|unfinished| unfinished.saturating_sub(1));
    }
}

fn count(change: impl FnOnce(usize) -> usize) {
    let mut unfinished = SIGNALS.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
    *unfinished = change(*unfinished);
    SIGNALS.idle.store(*unfinished == 0, Ordering::SeqCst);
}

/// The number of the signal that asked to stop while something was half-written.
#[must_use]
pub fn stopped_by() -> Option<i32> {
    let signal = SIGNALS.asked.load(Ordering::SeqCst);
    i32::try_from(signal).ok().filter(|signal| *signal != 0)
}

/// Fails once somebody has asked to stop.
pub(super) fn go_on() -> io::Result<()> {
    match stopped_by() {
        Some(_) => Err(io::Error::other("stopped by a signal")),
        None => Ok(()),
    }
}

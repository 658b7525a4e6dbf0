//! `cfy-seed status`

use std::fmt::Write as _;

use crate::console::{State, Told};
use crate::load;

use super::args::{Format, Status};
use super::exit::{Exit, Failure};
use super::output::Output;

/// A console log of weeks is a few MiB.
const MAX_LOG: u64 = 64 << 20;

pub fn run(request: &Status, output: &Output) -> Result<Exit, Failure> {
    let mut told = Told::default();
    for path in &request.console {
        told.read(&String::from_utf8_lossy(&load::bytes(path, MAX_LOG)?));
    }
    match request.format {
        Format::Json => {
            let json = serde_json::to_string_pretty(&told).map_err(|error| Failure::Bug(error.to_string()))?;
            output.data(&format!("{json}\n"))?;
        }
        Format::Text => output.data(&text(&told))?,
    }
    if told.too_many {
        output.say("more hosts speak in these logs than a cluster has: the later ones are left out");
    }
    if told.hosts.is_empty() {
        output.say("no host of a cluster speaks in these logs");
    }
    Ok(match told.worst() {
        Some(State::Ready | State::Running | State::Waiting) => Exit::Done,
        Some(State::Stalled | State::Failed) | None => Exit::BadInput,
    })
}

/// The table for people, and below it where all the waiting ends. Writing to a `String` cannot fail.
fn text(told: &Told) -> String {
    let mut out = String::new();
    let state = |state: State| format!("{state:?}").to_uppercase();
    let name = told.hosts.keys().map(String::len).max().unwrap_or(0);
    let phase = told.hosts.values().map(|host| host.phase.len()).max().unwrap_or(0);
    for host in told.hosts.values() {
        let said = state(host.state);
        let _ = writeln!(out, "{:name$}  {said:7}  {:phase$}  {}  {}", host.host, host.phase, host.time, host.text);
    }
    for (cause, waiting) in told.causes() {
        let what = told.hosts.get(cause).map_or_else(|| "in no log".to_owned(), |host| state(host.state));
        let who: Vec<&str> = waiting.into_iter().collect();
        if !who.is_empty() {
            let _ = writeln!(out, "\n{cause} ({what}) is what these wait for: {}", who.join(", "));
        }
    }
    out
}

//! `cfy-seed payload`

mod add;
mod check;
mod iso;
mod plan;
mod split;

pub use iso::say_medium;

use crate::project::OwnDirectories;

use super::args::Payload;
use super::exit::{Exit, Failure};
use super::output::Output;

pub fn run(request: &Payload, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    match request {
        Payload::Plan(request) => plan::run(request, own, output),
        Payload::Add(request) => add::run(request, own, output),
        Payload::Check(request) => check::run(request, own, output),
        Payload::Iso(request) => iso::run(request, output),
        Payload::Split(request) => split::run(request, own, output),
    }
}

/// So many bytes, as people say it.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let power = (count.checked_ilog2().unwrap_or(0) / 10).min(4);
    match power.checked_sub(1).and_then(|power| UNITS.get(power as usize)) {
        None => format!("{count} bytes"),
        Some(unit) => {
            let tenths = (u128::from(count) * 10) >> (10 * power);
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_said_as_people_do() {
        for (count, said) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1_500_000, "1.4 MiB"),
            (4 << 30, "4.0 GiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(super::bytes(count), said);
        }
    }
}

//! Time spans and counters.

use crate::diag::{Code, Report};
use crate::names::Seconds;
use crate::plan::FirstBootSource;
use crate::spec::{FirstBoot, Spec};

use super::in_range;

/// Poll interval and the time after which waiting is called stalled.
pub fn first_boot(report: &mut Report, spec: &Spec) -> (Seconds, Seconds) {
    let empty = FirstBoot::default();
    let given = spec.first_boot.get().unwrap_or(&empty);
    let code = Code::TimeOutOfRange;
    let poll = in_range(report, code, &given.poll, "poll", Seconds::new(2)..=Seconds::new(60), Seconds::new(10));
    let stall = Seconds::new(60)..=Seconds::new(7 * 24 * 3600);
    let stall = in_range(report, code, &given.stall_after, "stall_after", stall, Seconds::new(3600));
    (poll, stall)
}

/// Whether the image is said to have the first boot's own files.
pub fn first_boot_source(spec: &Spec) -> FirstBootSource {
    match spec.first_boot.get().and_then(|given| given.preinstalled.get()) {
        Some(true) => FirstBootSource::Image,
        _ => FirstBootSource::Seed,
    }
}

/// The generation, from 1.
pub fn generation(report: &mut Report, spec: &Spec) -> u32 {
    in_range(report, Code::GenerationOutOfRange, &spec.generation, "generation", 1..=999_999, 1)
}

//! User-data against limits, as bars.

use serde::Serialize;

use crate::project::{Budget, Overview};

/// From so many percent on a bar warns, as `check` does.
const NEARLY: u64 = 90;

/// The bars of one target.
#[derive(Debug, Serialize)]
pub(super) struct TargetBudgets {
    pub title: String,
    pub target: String,
    pub limit: String,
    pub counts: String,
    pub quirks: Vec<String>,
    pub unconfirmed: Vec<String>,
    pub bars: Vec<Bar>,
}

#[derive(Debug, Serialize)]
pub(super) struct Bar {
    pub host: String,
    pub pack: String,
    pub used: String,
    pub left: String,
    pub percent: u64,
    /// How long the bar is, in percent.
    pub width: u64,
    /// `fits`, `nearly` or `over`.
    pub state: &'static str,
}

pub(super) fn by_target(overview: &Overview) -> Vec<TargetBudgets> {
    let of = |target: &str| -> Vec<Bar> {
        let budgets = overview.hosts.iter().flat_map(|host| host.budgets.iter().map(move |budget| (host, budget)));
        budgets.filter(|(_, budget)| budget.target == target).map(|(host, budget)| bar(&host.name, budget)).collect()
    };
    let targets = overview.targets.iter().map(|target| TargetBudgets {
        title: target.title.clone(),
        target: target.target.clone(),
        limit: grouped(target.limit),
        counts: target.counts.clone(),
        quirks: target.quirks.clone(),
        unconfirmed: target.unconfirmed.clone(),
        bars: of(&target.target),
    });
    targets.collect()
}

fn bar(host: &str, budget: &Budget) -> Bar {
    let percent = budget.percent();
    let left = match budget.headroom {
        over if over < 0 => format!("{} too many", grouped(over.unsigned_abs())),
        room => format!("{} left", grouped(room.unsigned_abs())),
    };
    Bar {
        host: host.to_owned(),
        pack: budget.pack.to_string(),
        used: grouped(budget.used),
        left,
        percent,
        width: percent.clamp(1, 100),
        state: match percent {
            _ if budget.headroom < 0 => "over",
            percent if percent >= NEARLY => "nearly",
            _ => "fits",
        },
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            ["7", "16\u{202f}384", "1\u{202f}048\u{202f}576"],
            [7, 16_384, 1_048_576].map(grouped).each_ref().map(String::as_str)
        );
    }
}

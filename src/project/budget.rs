//! User-data against what targets take.

use serde::Serialize;

use crate::diag::{Code, Diagnostic, Report, Span};
use crate::handoff::{Delivery, Packed, Packing};
use crate::names::{Pack, RsaSize};
use crate::plan::{Attachment, FirstBootSource, Plan, RpmSource};
use crate::profile::{Target, Unit};
use crate::world::World;

use super::build::BuildError;
use super::footprint::{Footprint, HostFootprint, footprint};
use super::{Project, vault_state};

/// An estimate can be so much too small or too large, in percent: keys and certificates vary by a few bytes each.
const ESTIMATE_PERCENT: u64 = 2;

/// With so many bytes in the files that a spec names, a seed image still has room for sure: rendering all hosts to find that out
/// would take longer than everything else that `check` does.
const SURELY: usize = 512 << 10;

/// One host's user-data on one target.
#[derive(Debug, Clone, Serialize)]
pub struct Budget {
    /// The target.
    pub target: String,
    /// The file for it, below the host's directory.
    pub file: String,
    /// How user-data is packed in it.
    pub pack: Pack,
    /// How much of the limit is used.
    pub used: u64,
    /// The limit.
    pub limit: u64,
    /// What both count.
    pub counts: Unit,
    /// What is left; less than nothing where it does not fit.
    pub headroom: i64,
    /// What the other packs of the target would use.
    pub others: Vec<Alternative>,
}

/// Another pack.
#[derive(Debug, Clone, Serialize)]
pub struct Alternative {
    /// Which.
    pub pack: Pack,
    /// What it would use.
    pub used: u64,
    /// Of that much.
    pub limit: u64,
}

impl Budget {
    pub(super) fn new(delivery: &Delivery, packs: &[Packed]) -> Self {
        let Delivery { target, file, packed, .. } = delivery;
        let others = packs.iter().filter(|other| other.pack != packed.pack);
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            target: target.clone(),
            file: file.clone(),
            pack: packed.pack,
            used: packed.used,
            limit: packed.limit,
            counts: packed.counts,
            headroom: signed(packed.limit).saturating_sub(signed(packed.used)),
            others: others.map(|o| Alternative { pack: o.pack, used: o.used, limit: o.limit }).collect(),
        }
    }

    /// How much of the limit is used, in percent.
    #[must_use]
    pub const fn percent(&self) -> u64 {
        let limit = if self.limit == 0 { 1 } else { self.limit };
        self.used.saturating_mul(100) / limit
    }

    const fn packed(&self) -> Packed {
        Packed { pack: self.pack, file: None, used: self.used, limit: self.limit, counts: self.counts }
    }

    /// Whether even what an estimate may err by does not matter.
    const fn is_over_for_certain(&self, exact: bool) -> bool {
        let margin = if exact { 0 } else { self.limit / 100 * ESTIMATE_PERCENT };
        self.used > self.limit.saturating_add(margin)
    }
}

impl Project {
    /// Judges what a build would write against what the targets take. With the vault beside the spec, where that is complete;
    /// else by an estimate, also where it cannot be used: that is told by who needs it.
    ///
    /// # Errors
    /// Only where cfy-seed itself is wrong.
    pub fn judge_sizes(&mut self, world: &dyn World) -> Result<(), BuildError> {
        let small = self.attachments_bytes() < SURELY;
        let surely = |plan: &Plan| small && plan.targets.iter().all(Target::is_seed_medium);
        let Some(plan) = self.plan.take_if(|plan| !surely(plan)) else { return Ok(()) };
        let directory = self.vault_directory(None, &plan);
        let state = vault_state(self, &directory, &plan, world.now()).ok();
        let vault = state.and_then(|state| self.complete_vault_if_any(&plan, state, world));
        let sizes = footprint(self, &plan, vault.as_ref(), self.packing)?;
        self.report.extend(self.judge(&plan, &sizes));
        self.plan = Some(plan).filter(|_| !self.report.has_errors());
        Ok(())
    }

    /// Hosts whose user-data does not fit, and those where it nearly does not.
    pub(super) fn judge(&self, plan: &Plan, sizes: &Footprint) -> Report {
        let mut report = judge(plan, sizes, self.target);
        if self.strict {
            report.make_strict();
        }
        report
    }

    fn attachments_bytes(&self) -> usize {
        let size = |attachment: &Attachment| match attachment {
            Attachment::Bytes(bytes) => bytes.len(),
            Attachment::Missing | Attachment::Unreadable(_) => 0,
        };
        self.attachments.values().map(size).sum()
    }
}

/// The targets of a plan that do not take the pack that is asked for. `place` is where the spec names targets.
#[must_use]
pub fn refused(plan: &Plan, packing: Packing, place: Option<Span>) -> Report {
    let mut report = Report::default();
    let Packing::Only(asked) = packing else { return report };
    let cloud_init = plan.platform.cloud_init;
    for target in &plan.targets {
        let packs: Vec<Pack> = target.packs(cloud_init).collect();
        if packs.contains(&asked) {
            continue;
        }
        let message = format!("{} does not take the pack `{asked}`{}", target.title, why(target, asked, plan));
        let names: Vec<String> = packs.iter().map(|pack| format!("`--pack {pack}`")).collect();
        let help = format!("leave `--pack` out, or take {}", names.join(" or "));
        report.push(Diagnostic::error(Code::PackNotTaken, message).at_opt(place, "").help(help));
    }
    report
}

fn why(target: &Target, asked: Pack, plan: &Plan) -> String {
    let (os, cloud_init) = (&plan.platform.platform, plan.platform.cloud_init);
    match asked.encoding() {
        Some(_) if target.is_seed_medium() => ": hosts boot from the seed image".into(),
        Some(_) if !target.is_known_to(cloud_init) => {
            format!(" with {os}: its cloud-init {cloud_init} has no datasource {}", target.datasource)
        }
        Some(encoding) if target.decodes.contains(&encoding) && !target.decodes(encoding, cloud_init) => {
            format!(" with {os}: its cloud-init {cloud_init} would run nothing")
        }
        Some(encoding) if !target.decodes.contains(&encoding) => ": cloud-init would run nothing there".into(),
        _ => String::new(),
    }
}

/// As [`Project::judge`]. `place` is where the spec names targets.
fn judge(plan: &Plan, sizes: &Footprint, place: Option<Span>) -> Report {
    let mut report = Report::default();
    for host in &sizes.hosts {
        for budget in &host.budgets {
            let Budget { target, pack, used, limit, counts, headroom, .. } = budget;
            let about = if sizes.exact { "" } else { "about " };
            let unit = counts.in_words();
            let what = format!("user-data of {} for {target}, packed as {pack}, has {about}{used} {unit}", host.host);
            let packed = budget.packed();
            if !packed.is_near() {
                continue;
            }
            let found = if budget.is_over_for_certain(sizes.exact) {
                let message = format!("{what}: {} more than the {limit} that are taken", headroom.unsigned_abs());
                Diagnostic::error(Code::OverLimit, message)
            } else if packed.fits() {
                let message = format!("{what}, {} % of the {limit} that are taken", budget.percent());
                Diagnostic::warning(Code::NearLimit, message)
            } else {
                let message =
                    format!("{what}, and {limit} are taken: whether it fits is known once the vault has its keys");
                Diagnostic::warning(Code::NearLimit, message)
            };
            report.push(found.at_opt(place, "").help(advice(plan, host, budget)));
        }
    }
    report
}

/// What would make it smaller, as far as this plan goes.
fn advice(plan: &Plan, host: &HostFootprint, budget: &Budget) -> String {
    let mut ways = Vec::new();
    let fits =
        |other: &&Alternative| other.used <= other.limit && (other.used < budget.used || other.pack == Pack::Iso);
    if let Some(other) = budget.others.iter().filter(fits).min_by_key(|other| (other.pack == Pack::Iso, other.used)) {
        let size =
            if other.pack == Pack::Iso { String::new() } else { format!(" ({} of {})", other.used, other.limit) };
        ways.push(format!("`--pack {}`{size}", other.pack));
    }
    if plan.identity.key != RsaSize::Rsa2048 {
        ways.push("shorter keys: `pki: {key: rsa-2048}` and a new vault".into());
    }
    if plan.first_boot == FirstBootSource::Seed {
        ways.push(
            "an image with the first boot in it, nearly 10 KB less after gzip: `first_boot: {preinstalled: true}`"
                .into(),
        );
    }
    if !matches!(plan.rpm, RpmSource::Preinstalled) && host.installs {
        ways.push("an image with the RPM in it: `rpm: {preinstalled: true}`".into());
    }
    let largest: Vec<String> = host.largest.iter().map(|(path, size)| format!("{path} ({size} bytes)")).collect();
    ways.push(format!("less in the largest files: {}", largest.join(", ")));
    ways.join("; ")
}

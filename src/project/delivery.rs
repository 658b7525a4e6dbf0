//! What one host is given: its NoCloud directory, and its user-data as each target takes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::bundle::gzip::{dense, gzip};
use crate::handoff::{self, Delivery, Material, Packed, Packing};
use crate::names::{Pack, Secret};
use crate::plan::Plan;
use crate::profile::{Beside, Target};
use crate::render::{self, HostFiles, HostView};

use super::build::BuildError;

/// Where so little is taken, and as text only, files are worth a long search for their shortest form.
const SMALL: u64 = 32 << 10;

/// One host's files, and in which pack each target takes its user-data.
pub struct HostDelivery {
    /// The NoCloud directory.
    pub files: HostFiles,
    /// For each target of the plan, in its order: what is taken, and every pack that could be.
    pub targets: Vec<(Delivery, Vec<Packed>)>,
}

/// Renders and packs one host's files. A target that does not take the pack that is asked for is left out: the report of
/// [`refused`] says so.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn deliver(view: &HostView<'_>, packing: Packing) -> Result<HostDelivery, BuildError> {
    let plan = view.plan;
    let mut view = view.clone();
    view.target = &plan.seed;
    let files = render::render(&view)?;
    let mut targets = Vec::new();
    for target in &plan.targets {
        let packs = if target.is_seed_medium() {
            packs(target, plan, &files, (&files.user_data, &files.user_data))?
        } else {
            view.target = target;
            // What a host says after READY differs between targets.
            let decides = target.limit.bytes <= SMALL && target.packs.first() == Some(&Pack::Inner);
            let gzip = if decides { dense } else { gzip };
            let pack_file = |content: &str| gzip(content.as_bytes()).ok().map(|packed| STANDARD.encode(packed));
            let (plain, inner) = render::user_data(&view, &pack_file)?;
            packs(target, plan, &files, (&plain, &inner))?
        };
        if let Some(packed) = handoff::choose(packs.clone(), packing) {
            targets.push((Delivery::new(target, packed), packs));
        }
    }
    Ok(HostDelivery { files, targets })
}

fn packs(
    target: &Target,
    plan: &Plan,
    files: &HostFiles,
    (plain, inner): (&Secret, &Secret),
) -> Result<Vec<Packed>, BuildError> {
    let material = Material { plain, inner, beside: beside(target, plan, files) };
    let packs = handoff::packs(target, &plan.seed, plan.platform.cloud_init, &material);
    Ok(packs.map_err(handoff::HandoffError::from)?)
}

/// What a platform counts beside user-data.
fn beside(target: &Target, plan: &Plan, files: &HostFiles) -> u64 {
    let counted = target.limit.beside.iter().map(|one| match one {
        // Keys and values of metadata both count: `user_data`, and `ssh_authorized_keys` with a line for each key.
        Beside::SshKeys => {
            let keys: usize = plan.ssh_keys.iter().map(|key| key.to_string().len() + 1).sum();
            "user_data".len() + "ssh_authorized_keys".len() + keys
        }
        Beside::NetworkConfig => files.network_config.len(),
    });
    counted.sum::<usize>() as u64
}

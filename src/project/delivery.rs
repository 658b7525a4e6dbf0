//! What one host is given: its NoCloud directory, and its user-data as each target takes it.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::bundle::gzip::{dense, gzip};
use crate::handoff::{self, Delivery, HandoffError, Packed, Packing};
use crate::names::Pack;
use crate::plan::Plan;
use crate::profile::{Beside, Target};
use crate::render::{self, HostFiles, HostView};

use super::build::BuildError;

/// One host's files, and in which pack each target takes its user-data.
pub struct HostDelivery {
    /// The NoCloud directory.
    pub files: HostFiles,
    /// For each target of the plan, in its order: what is taken, and every pack that could be.
    pub targets: Vec<(Delivery, Vec<Packed>)>,
}

/// Renders and packs one host's files. A target that does not take the pack that is asked for is left out: the report of
/// [`refused`](super::budget::refused) says so.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn deliver(view: &HostView<'_>, packing: Packing) -> Result<HostDelivery, BuildError> {
    let plan = view.plan;
    let files = render::render(&HostView { target: &plan.seed, ..view.clone() })?;
    let mut targets = Vec::new();
    for target in &plan.targets {
        let packs = packs(&HostView { target, ..view.clone() }, &files)?;
        if let Some(packed) = handoff::choose(&packs, packing) {
            targets.push((Delivery::new(target, packed.clone()), packs));
        }
    }
    Ok(HostDelivery { files, targets })
}

/// User-data for one target in every pack that it takes, the best first.
fn packs(view: &HostView<'_>, files: &HostFiles) -> Result<Vec<Packed>, BuildError> {
    let (plan, target) = (view.plan, view.target);
    let beside = beside(target, plan, files);
    // What a host says after READY differs between targets; on a seed image it is the seed's.
    let plain = if target.is_seed_medium() { files.user_data.clone() } else { render::user_data(view, &|_| None)? };
    let inner = |gzip: Gzip| {
        let text = render::user_data(view, &|content| pack_file(content, gzip))?;
        Ok::<_, BuildError>(handoff::in_field(Pack::Inner, &text, target, beside).map_err(HandoffError::from)?)
    };
    let packed = |pack| match pack {
        Pack::Iso => Ok(handoff::on_seed(&files.user_data, &plan.seed)),
        Pack::Inner => {
            let usual = inner(gzip)?;
            if usual.is_near() { inner(dense) } else { Ok(usual) }
        }
        _ => Ok(handoff::in_field(pack, &plain, target, beside).map_err(HandoffError::from)?),
    };
    target.packs(plan.platform.cloud_init).map(packed).collect()
}

/// One of two compressors, a fast and a dense one.
type Gzip = fn(&[u8]) -> io::Result<Vec<u8>>;

/// gzip and base64, as `encoding: gz+b64` of cloud-init takes it off.
fn pack_file(content: &str, gzip: Gzip) -> Option<String> {
    gzip(content.as_bytes()).ok().map(|packed| STANDARD.encode(packed))
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

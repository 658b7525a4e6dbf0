//! What hand-offs say of the payload, where hosts install from it.

use serde::Serialize;

use crate::names::WebUrl;
use crate::plan::{HostPlan, Plan};
use crate::render::{PAYLOAD, PAYLOAD_LABEL, PAYLOAD_OF_IMAGE};

/// The name of the medium, beside the tree and beside the box that is unpacked: pages name it by the same relative path in both.
#[must_use]
pub fn medium(plan: &Plan) -> String {
    format!("{}-{}.payload.iso", plan.cluster, plan.version)
}

/// Whether a machine is to have the medium from the start: its host needs one, and the spec names no web server.
pub fn takes_medium(plan: &Plan, host: &HostPlan) -> bool {
    plan.payload_url.is_none() && plan.fetches_payload(host)
}

/// What templates see of it.
#[derive(Serialize)]
pub struct Payload<'a> {
    medium: String,
    label: &'static str,
    directory: &'static str,
    image: &'static str,
    /// The web server that the spec names.
    url: Option<&'a WebUrl>,
    /// The beginning of a sentence: which hosts install.
    who: String,
}

impl<'a> Payload<'a> {
    /// Nothing where no host takes anything from it.
    pub fn new(plan: &'a Plan) -> Option<Self> {
        let hosts = plan.hosts.iter().filter(|host| plan.fetches_payload(host));
        let names: Vec<&str> = hosts.map(|host| host.name.as_str()).collect();
        let who = match names.as_slice() {
            [] => return None,
            [one] => format!("The host {one} installs"),
            all if all.len() == plan.hosts.len() => "All hosts install".to_owned(),
            some => format!("The hosts {} install", some.join(", ")),
        };
        Some(Self {
            medium: medium(plan),
            label: PAYLOAD_LABEL,
            directory: PAYLOAD,
            image: PAYLOAD_OF_IMAGE,
            url: plan.payload_url.as_ref(),
            who,
        })
    }
}

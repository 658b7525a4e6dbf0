//! What one host may know.

use std::collections::BTreeMap;

use super::Templates;
use crate::names::{Credential, Secret};
use crate::plan::{AttachmentKind, HostOverrides, HostPlan, Plan};
use crate::profile::Target;

/// A client certificate with its key.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    /// Common name: the database user.
    pub common_name: &'a str,
    /// PEM.
    pub certificate: &'a str,
    /// PEM.
    pub key: &'a Secret,
}

/// One host's facts. It holds no other host's key and no credential of a role that the host does not have: whoever
/// makes one takes care of that, and `verify` checks it on what was built.
#[derive(Debug, Clone)]
pub struct HostView<'a> {
    /// What is the same for everybody; without secrets.
    pub plan: &'a Plan,
    /// The host.
    pub host: &'a HostPlan,
    /// Where the bundle will be used.
    pub target: &'a Target,
    /// The CA's certificate, PEM.
    pub ca: &'a str,
    /// The public half of the key that payloads are signed with, PEM; where the host may take something from one.
    pub box_key: Option<&'a str>,
    /// The host's certificate, PEM.
    pub certificate: &'a str,
    /// Its key, PEM.
    pub key: &'a Secret,
    /// Client certificates, on managers.
    pub clients: Vec<Client<'a>>,
    /// The credentials of its roles.
    pub credentials: BTreeMap<Credential, &'a Secret>,
    /// The files that its roles need.
    pub attachments: BTreeMap<AttachmentKind, &'a str>,
    /// What configs are rendered from.
    pub templates: &'a Templates,
    /// What the operator adds.
    pub overrides: HostOverrides,
}

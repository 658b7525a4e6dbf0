//! What the operator adds to what cfy-seed writes. It stands beside the plan, not in it: it may hold secrets.

use std::collections::BTreeMap;

use crate::names::{HostName, RoleKind};
use crate::yaml::Mapping;

/// Of every host that gets something.
pub type Overrides = BTreeMap<HostName, HostOverrides>;

/// What one host gets, merged from what is said for all hosts, for its roles and for itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostOverrides {
    /// Settings to lay over the configs of its roles.
    pub config: BTreeMap<RoleKind, Mapping>,
    /// Cloud-config to add to its user-data.
    pub cloud_init: Mapping,
}

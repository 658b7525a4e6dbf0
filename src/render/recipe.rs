//! What hosts do before an install that began once may begin again: static shell, beside the driver, on the hosts that
//! have the role. A host of another role does not carry it: user-data is short (platforms.md).

use crate::names::{Credential, RoleKind, Secret};
use crate::plan::{HostPlan, Recovery};
use crate::profile::Feature;

use super::HostView;
use super::guest::{CA, client_certificate, client_key};

/// The service file of libpq, below `secret/files`: how the recipe of a first manager becomes the superuser.
pub const PG_SERVICE: &str = "pg_service.conf";

const DATABASE: &str = include_str!("../../templates/guest/recover-database");
const BROKER: &str = include_str!("../../templates/guest/recover-broker");
const MANAGER_FIRST: &str = include_str!("../../templates/guest/recover-manager-first");

/// Every recipe, by name.
pub const ALL: [(&str, &str); 3] = [("broker", BROKER), ("database", DATABASE), ("manager-first", MANAGER_FIRST)];

/// The driver's word for it. The recipe of that name defines the function `recover_NAME`.
pub const fn recipe_name(recovery: &Recovery) -> &'static str {
    match recovery {
        Recovery::Rerun => "rerun",
        Recovery::Stop => "stop",
        Recovery::Database(_) => "database",
        Recovery::BrokerFirst(_) | Recovery::BrokerJoin(_) => "broker",
        Recovery::ManagerFirst(_) => "manager-first",
    }
}

/// The recipes of a host's roles, by name. `rerun` and `stop` need none.
pub fn recipes(host: &HostPlan) -> impl Iterator<Item = (&'static str, &'static str)> {
    host.roles.iter().filter_map(|role| {
        let text = match role.recovery {
            Recovery::Rerun | Recovery::Stop => return None,
            Recovery::Database(_) => DATABASE,
            Recovery::BrokerFirst(_) | Recovery::BrokerJoin(_) => BROKER,
            Recovery::ManagerFirst(_) => MANAGER_FIRST,
        };
        Some((recipe_name(&role.recovery), text))
    })
}

/// That service file, where a first manager reaches databases of ours over the network. The recipe adds the leader's
/// address: libpq before 10 cannot look for it.
pub fn pg_service(view: &HostView<'_>) -> Option<Secret> {
    let reaches = |recovery: &Recovery| matches!(recovery, Recovery::ManagerFirst(ips) if !ips.is_empty());
    view.host.roles.iter().find(|role| role.kind == RoleKind::Manager && reaches(&role.recovery))?;
    let password = view.credentials.get(&Credential::PostgresPassword)?;
    let features = &view.plan.contract.features;
    let name = if features.has(Feature::SuperuserClient) { "postgres" } else { "cloudify" };
    let client = if features.has(Feature::ClientVerification) {
        format!("sslcert={}\nsslkey={}\n", client_certificate(name), client_key(name))
    } else {
        String::new()
    };
    Some(Secret::new(format!(
        "[cfy-seed]\nuser=postgres\npassword={}\nsslmode=verify-full\nsslrootcert={CA}\nconnect_timeout=9\n{client}",
        password.expose()
    )))
}

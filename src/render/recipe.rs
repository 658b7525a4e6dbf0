//! Shell beside the driver: how a host fetches what it installs, and what it does before an install that began once may
//! begin again. Each host carries the recipes that it uses and no others: user-data is short (platforms.md).

use crate::names::{Credential, RoleKind, Secret};
use crate::plan::{HostPlan, PackageSource, Plan, Recovery, RpmSource};
use crate::profile::Feature;

use super::HostView;
use super::guest::{CA, client_certificate, client_key};

/// The service file of libpq, below `secret/files`: how the recipe of a first manager becomes the superuser.
pub const PG_SERVICE: &str = "pg_service.conf";

/// A recipe: static bash that the driver sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// The driver's word for it; it defines a function of that name behind `fetch_` or `recover_`.
    pub name: &'static str,
    /// Its text; none where the driver needs none for it.
    pub text: Option<&'static str>,
}

const fn recipe(name: &'static str, text: &'static str) -> Recipe {
    Recipe { name, text: Some(text) }
}

const PAYLOAD: Recipe = recipe("payload", include_str!("../../templates/guest/fetch-payload"));
const URL: Recipe = recipe("url", include_str!("../../templates/guest/fetch-url"));
const REPO: Recipe = recipe("repo", include_str!("../../templates/guest/fetch-repo"));
const DATABASE: Recipe = recipe("database", include_str!("../../templates/guest/recover-database"));
const BROKER: Recipe = recipe("broker", include_str!("../../templates/guest/recover-broker"));
const MANAGER_FIRST: Recipe = recipe("manager-first", include_str!("../../templates/guest/recover-manager-first"));

/// Every recipe with its kind, for an image that serves all roles and sources.
const ALL: [(&str, Recipe); 6] = [
    ("fetch", PAYLOAD),
    ("fetch", REPO),
    ("fetch", URL),
    ("recover", BROKER),
    ("recover", DATABASE),
    ("recover", MANAGER_FIRST),
];

/// How a role is recovered.
pub const fn recovery(recovery: &Recovery) -> Recipe {
    match recovery {
        Recovery::Rerun => Recipe { name: "rerun", text: None },
        Recovery::Stop => Recipe { name: "stop", text: None },
        Recovery::Database(_) => DATABASE,
        Recovery::BrokerFirst(_) | Recovery::BrokerJoin(_) => BROKER,
        Recovery::ManagerFirst(_) => MANAGER_FIRST,
    }
}

/// How a host fetches what it installs, in the order in which that is done.
pub fn fetching(plan: &Plan, host: &HostPlan) -> Vec<Recipe> {
    let rpm = host.installs_cloudify().then_some(&plan.rpm);
    let repository = matches!(plan.packages, PackageSource::Repo(_)) || matches!(rpm, Some(RpmSource::Repo(_)));
    let payload = plan.fetches_payload(host);
    let mut recipes = Vec::new();
    if payload {
        recipes.push(PAYLOAD);
    }
    // The payload's copy is a repository too.
    if repository || payload {
        recipes.push(REPO);
    }
    if matches!(rpm, Some(RpmSource::Url { .. })) {
        recipes.push(URL);
    }
    recipes
}

/// The files of a host's recipes: their names and texts.
pub fn recipes(plan: &Plan, host: &HostPlan) -> impl Iterator<Item = (String, &'static str)> {
    let fetching = fetching(plan, host).into_iter().map(|recipe| ("fetch", recipe));
    let recovering = host.roles.iter().map(|role| ("recover", recovery(&role.recovery)));
    fetching.chain(recovering).filter_map(file)
}

/// The files of all recipes.
pub fn all() -> impl Iterator<Item = (String, &'static str)> {
    ALL.into_iter().filter_map(file)
}

fn file((kind, recipe): (&str, Recipe)) -> Option<(String, &'static str)> {
    Some((format!("{kind}-{}", recipe.name), recipe.text?))
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

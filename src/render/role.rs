//! Role configs from templates.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;
use tera::{Context, Tera};

use crate::names::{RoleKind, Secret};
use crate::plan::{AttachmentKind, ExternalBroker, ExternalDatabase, Ldap, Member, RolePlan};
use crate::yaml;

use super::guest::{BROKER_CA, CA, CERTIFICATE, DATABASE_CA, KEY, LDAP_CA, LICENSE, client_certificate, client_key};
use super::{HostView, RenderError, contract_check};

const TEMPLATES: &[(RoleKind, &str, &str)] = &[
    (RoleKind::Database, "role/database.yaml", include_str!("../../templates/role/database.yaml")),
    (RoleKind::Broker, "role/broker.yaml", include_str!("../../templates/role/broker.yaml")),
    (RoleKind::Manager, "role/manager.yaml", include_str!("../../templates/role/manager.yaml")),
    (RoleKind::AllInOne, "role/all_in_one.yaml", include_str!("../../templates/role/all_in_one.yaml")),
    (RoleKind::LoadBalancer, "balancer/haproxy.cfg", include_str!("../../templates/balancer/haproxy.cfg")),
];

/// The templates, parsed once for all hosts; why, where one of them is wrong.
static ENGINE: LazyLock<Result<Tera, String>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    // JSON is YAML: strings quoted, lists and booleans as they are.
    tera.register_filter("yaml", |value: tera::Value, _: tera::Kwargs, _: &tera::State| {
        serde_json::to_string(&value).unwrap_or_default()
    });
    let templates = TEMPLATES.iter().map(|(_, name, text)| (*name, *text));
    tera.add_raw_templates(templates).map_err(|error| error.to_string())?;
    Ok(tera)
});

/// What templates see. No `Option`: Tera prints a missing value as nothing.
#[derive(Serialize)]
struct RoleContext<'a> {
    host: HostContext<'a>,
    index: usize,
    paths: Paths,
    databases: &'a [Member],
    brokers: &'a [Member],
    managers: &'a [Member],
    /// None or one.
    external_database: Vec<DatabaseContext<'a>>,
    /// None or one.
    external_broker: &'a [ExternalBroker],
    balancer: Vec<String>,
    license: bool,
    ldap: Vec<LdapContext<'a>>,
    credentials: BTreeMap<&'static str, &'a str>,
    features: BTreeMap<crate::profile::Feature, bool>,
    supported_distros: &'a [String],
    services: &'a [String],
}

#[derive(Serialize)]
struct HostContext<'a> {
    name: &'a str,
    private_ip: String,
    public_ip: String,
    networks: BTreeMap<&'a str, String>,
}

#[derive(Serialize)]
struct LdapContext<'a> {
    server: &'a str,
    domain: &'a str,
    is_active_directory: bool,
    encrypted: bool,
    username: &'a str,
    dn_extra: &'a str,
}

#[derive(Serialize)]
struct DatabaseContext<'a> {
    address: String,
    #[serde(flatten)]
    database: &'a ExternalDatabase,
}

#[derive(Serialize)]
struct Paths {
    ca: &'static str,
    database_ca: &'static str,
    broker_ca: &'static str,
    certificate: &'static str,
    key: &'static str,
    license: &'static str,
    ldap_ca: &'static str,
    client_certificate: String,
    client_key: String,
    superuser_certificate: String,
    superuser_key: String,
}

/// The config of one role as text: canonical YAML, or `haproxy.cfg`.
pub fn config(view: &HostView<'_>, role: &RolePlan) -> Result<Secret, RenderError> {
    let Some((_, name, _)) = TEMPLATES.iter().find(|(kind, ..)| *kind == role.kind) else {
        return Err(RenderError::Template { name: role.kind.as_str(), reason: "there is none".into() });
    };
    let wrong = |error: tera::Error| RenderError::Template { name, reason: error.to_string() };
    let tera = ENGINE.as_ref().map_err(|reason| RenderError::Template { name, reason: reason.clone() })?;
    let context = Context::from_serialize(&role_context(view, role)).map_err(wrong)?;
    let text = tera.render(name, &context).map_err(wrong)?;
    if role.kind == RoleKind::LoadBalancer {
        return Ok(Secret::new(text));
    }
    let (node, found) = yaml::parse(&text, crate::diag::SourceId::default());
    let node = match (node, found.first()) {
        (Some(node), None) => node,
        (_, problem) => {
            let reason = problem.map_or_else(String::new, |d| d.message.clone());
            return Err(RenderError::Template { name, reason });
        }
    };
    let contract = view.plan.contract.roles.get(&role.kind);
    contract_check::check(role.kind.as_str(), &node, contract)?;
    Ok(Secret::new(yaml::to_text(&node)?))
}

fn role_context<'a>(view: &HostView<'a>, role: &RolePlan) -> RoleContext<'a> {
    let plan = view.plan;
    RoleContext {
        host: HostContext {
            name: view.host.name.as_str(),
            private_ip: view.host.ip.to_string(),
            public_ip: view.host.public.to_string(),
            networks: view.host.networks.iter().map(|n| (n.name.as_str(), n.ip.to_string())).collect(),
        },
        index: role.index,
        paths: Paths {
            ca: CA,
            database_ca: DATABASE_CA,
            broker_ca: BROKER_CA,
            certificate: CERTIFICATE,
            key: KEY,
            license: LICENSE,
            ldap_ca: LDAP_CA,
            client_certificate: client_certificate("cloudify"),
            client_key: client_key("cloudify"),
            superuser_certificate: client_certificate("postgres"),
            superuser_key: client_key("postgres"),
        },
        databases: &plan.members.databases,
        brokers: &plan.members.brokers,
        managers: &plan.members.managers,
        external_database: plan.external.database.iter().map(database_context).collect(),
        external_broker: plan.external.broker.as_slice(),
        balancer: plan.balancer.iter().map(ToString::to_string).collect(),
        license: view.attachments.contains_key(&AttachmentKind::License),
        ldap: plan.ldap.iter().map(ldap_context).collect(),
        credentials: view.credentials.iter().map(|(name, secret)| (name.as_str(), secret.expose())).collect(),
        features: plan.contract.features.all().clone(),
        supported_distros: &plan.platform.supported_distros,
        services: plan.contract.roles.get(&role.kind).map_or(&[], |contract| contract.services.as_slice()),
    }
}

fn ldap_context(ldap: &Ldap) -> LdapContext<'_> {
    LdapContext {
        server: ldap.server.as_str(),
        domain: ldap.domain.as_str(),
        is_active_directory: ldap.is_active_directory,
        encrypted: ldap.server.is_encrypted(),
        username: ldap.username.as_deref().unwrap_or_default(),
        dn_extra: ldap.dn_extra.as_deref().unwrap_or_default(),
    }
}

fn database_context(database: &ExternalDatabase) -> DatabaseContext<'_> {
    DatabaseContext { address: database.address(), database }
}

//! What a cluster uses and cfy-seed does not install: databases and brokers of others, a directory.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::names::{BrokerUser, DatabaseName, DatabaseUser, DomainName, HostName, LdapUrl, PublicAddress, Secret};
use crate::yaml::Field;

/// Services that are there already and are not installed. No host then has their role.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct External {
    /// PostgreSQL 14 somewhere else, such as a managed service.
    pub database: Field<ExternalDatabase>,
    /// RabbitMQ somewhere else. From Cloudify 6.0 on.
    pub broker: Field<ExternalBroker>,
}

/// PostgreSQL somewhere else. Managers speak TLS with it; `credentials.postgres_password` is its superuser's.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["host", "ca"]))]
pub struct ExternalDatabase {
    /// Its address or DNS name; its certificate names it.
    pub host: Field<PublicAddress>,
    /// Its port. Default: `5432`.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Field<u16>,
    /// The certificate of the CA that signed its certificate: a PEM file, relative to this file. Managers get it.
    pub ca: Field<String>,
    /// A user that may create users and databases. Default: `postgres`.
    pub server_username: Field<DatabaseUser>,
    /// The database that this user connects to. Default: `postgres`.
    pub server_db_name: Field<DatabaseName>,
    /// The user that the first manager creates. Default: `cloudify`.
    pub cloudify_username: Field<DatabaseUser>,
    /// The database that the first manager creates. Default: `cloudify_db`.
    pub cloudify_db_name: Field<DatabaseName>,
    /// `true`: a single server of Azure, which wants `@server` behind every user's name. Default: `false`.
    pub azure: Field<bool>,
}

/// RabbitMQ somewhere else: AMQP over TLS on port 5671, the management API over TLS on port 15671.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["members", "ca"]))]
pub struct ExternalBroker {
    /// Its members, at least one.
    pub members: Field<Vec<Field<ExternalMember>>>,
    /// The certificate of the CA that signed their certificates: a PEM file, relative to this file. Managers get it.
    pub ca: Field<String>,
    /// An administrator; `credentials.rabbitmq_password` is its password. Default: `cloudify`.
    pub username: Field<BrokerUser>,
}

/// One member of an external broker.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name", "address"]))]
pub struct ExternalMember {
    /// The name that Cloudify lists it under: one lower-case DNS label.
    pub name: Field<HostName>,
    /// Its address or DNS name, for managers and agents; its certificate names it.
    pub address: Field<PublicAddress>,
}

/// The directory that managers ask who may log in.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["server", "domain", "is_active_directory"]))]
pub struct Ldap {
    /// Where it answers: `ldap://HOST:PORT`, or `ldaps://HOST:PORT` with `ca`.
    pub server: Field<LdapUrl>,
    /// Its domain.
    pub domain: Field<DomainName>,
    /// Whether it is Active Directory.
    pub is_active_directory: Field<bool>,
    /// The certificate of the CA that signed the server's, as PEM: a file, relative to this file. It travels to the
    /// managers. Default: none.
    pub ca: Field<String>,
    /// As whom managers look users up; goes with `password`. Default: none.
    pub username: Field<String>,
    /// That user's password. It travels to the managers and stands in no vault. Default: none.
    pub password: Field<Secret>,
    /// More parts of distinguished names. Default: none.
    pub dn_extra: Field<String>,
}

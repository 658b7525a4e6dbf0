//! Services that are there already: where managers find what no host installs.

use serde::Serialize;

use crate::names::{BrokerUser, DatabaseName, DatabaseUser, HostName, PublicAddress, RoleKind};

/// The port that `postgresql_client.host` means where it names none.
const POSTGRESQL: u16 = 5432;

/// What no host installs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct External {
    /// `PostgreSQL` somewhere else.
    pub database: Option<ExternalDatabase>,
    /// `RabbitMQ` somewhere else.
    pub broker: Option<ExternalBroker>,
}

/// `PostgreSQL` somewhere else (cloudify.md §1.2, `postgresql_client`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExternalDatabase {
    /// Address or DNS name.
    pub host: PublicAddress,
    /// TCP port.
    pub port: u16,
    /// Who creates user and databases.
    pub server_username: DatabaseUser,
    /// What that user connects to.
    pub server_db_name: DatabaseName,
    /// The user that the first manager creates.
    pub cloudify_username: DatabaseUser,
    /// The database that the first manager creates.
    pub cloudify_db_name: DatabaseName,
}

/// `RabbitMQ` somewhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExternalBroker {
    /// An administrator.
    pub username: BrokerUser,
    /// At least one.
    pub members: Vec<ExternalMember>,
}

/// One member of an external broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExternalMember {
    /// The name that Cloudify lists it under; not its Erlang name, which nobody here knows.
    pub name: HostName,
    /// Address or DNS name.
    pub address: PublicAddress,
}

impl External {
    /// Whether the hosts' roles lack this one because the service is somewhere else.
    #[must_use]
    pub const fn has(&self, kind: RoleKind) -> bool {
        match kind {
            RoleKind::Database => self.database.is_some(),
            RoleKind::Broker => self.broker.is_some(),
            _ => false,
        }
    }
}

impl ExternalDatabase {
    /// `postgresql_client.host`: with the port where it is not the usual one.
    #[must_use]
    pub fn address(&self) -> String {
        if self.port == POSTGRESQL { self.host.to_string() } else { format!("{}:{}", self.host, self.port) }
    }
}

//! The credentials of a cluster, by name.

/// A credential by the name it has in the spec, in the vault and in `cfy-seed credentials`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// `manager.security.admin_password`.
    AdminPassword,
    /// `postgresql_server.postgres_password`, the superuser's.
    PostgresPassword,
    /// `postgresql_client.cloudify_password`.
    CloudifyDbPassword,
    /// `postgresql_server.cluster.etcd.cluster_token`.
    EtcdClusterToken,
    /// `postgresql_server.cluster.etcd.root_password`.
    EtcdRootPassword,
    /// `postgresql_server.cluster.etcd.patroni_password`.
    EtcdPatroniPassword,
    /// `postgresql_server.cluster.patroni.rest_password`.
    PatroniRestPassword,
    /// `postgresql_server.cluster.postgres.replicator_password`.
    ReplicatorPassword,
    /// `postgresql_server.db_monitoring.password`.
    DbMonitoringPassword,
    /// `rabbitmq.password`.
    RabbitmqPassword,
    /// `rabbitmq.erlang_cookie`.
    ErlangCookie,
    /// `prometheus.credentials.password`.
    PrometheusPassword,
    /// `restservice.ldap.password`: never generated, the directory knows it already.
    LdapPassword,
}

impl Credential {
    /// Every credential, in the order in which they are listed to people.
    pub const ALL: &'static [Self] = &[
        Self::AdminPassword,
        Self::PostgresPassword,
        Self::CloudifyDbPassword,
        Self::EtcdClusterToken,
        Self::EtcdRootPassword,
        Self::EtcdPatroniPassword,
        Self::PatroniRestPassword,
        Self::ReplicatorPassword,
        Self::DbMonitoringPassword,
        Self::RabbitmqPassword,
        Self::ErlangCookie,
        Self::PrometheusPassword,
        Self::LdapPassword,
    ];

    /// Whether only databases that are a cluster know it: etcd's, Patroni's and that of replication.
    #[must_use]
    pub const fn is_of_database_cluster(self) -> bool {
        matches!(
            self,
            Self::EtcdClusterToken
                | Self::EtcdRootPassword
                | Self::EtcdPatroniPassword
                | Self::PatroniRestPassword
                | Self::ReplicatorPassword
        )
    }

    /// The name, such as `admin_password`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AdminPassword => "admin_password",
            Self::PostgresPassword => "postgres_password",
            Self::CloudifyDbPassword => "cloudify_db_password",
            Self::EtcdClusterToken => "etcd_cluster_token",
            Self::EtcdRootPassword => "etcd_root_password",
            Self::EtcdPatroniPassword => "etcd_patroni_password",
            Self::PatroniRestPassword => "patroni_rest_password",
            Self::ReplicatorPassword => "replicator_password",
            Self::DbMonitoringPassword => "db_monitoring_password",
            Self::RabbitmqPassword => "rabbitmq_password",
            Self::ErlangCookie => "erlang_cookie",
            Self::PrometheusPassword => "prometheus_password",
            Self::LdapPassword => "ldap_password",
        }
    }
}

//! Which probe guards which host: DESIGN §4 "Gates" as one readable table.
//!
//! N is the number of databases and q = N/2 + 1 their quorum. Everything here follows from what real services
//! answered (gates.md §1, §4).

use std::collections::BTreeMap;

use crate::names::{HostAddress, PublicAddress, RoleKind};
use crate::profile::{Contract, Login, RoleContract};

use super::external::{External, ExternalBroker};
use super::{Member, Members};

/// One thing to ask, as the guest's gate files have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// A port accepts.
    Tcp {
        /// The peer: one of the hosts, or an external service.
        host: PublicAddress,
        /// Its port.
        port: u16,
        /// How often in a row it must hold.
        hold: u32,
    },
    /// An address answers with this status, and its body matches.
    Http {
        /// Address.
        url: String,
        /// Expected status.
        status: u16,
        /// Extended regular expression, or anything.
        body: Option<String>,
        /// As whom, or without a login.
        login: Option<Login>,
        /// How often in a row it must hold.
        hold: u32,
    },
    /// Exactly one leader, a synchronous standby, and at least `need` streaming standbys.
    Database {
        /// Streaming standbys.
        need: usize,
        /// How often in a row it must hold.
        hold: u32,
        /// All databases.
        ips: Vec<HostAddress>,
    },
    /// Asked of one broker, these are all running members.
    Broker {
        /// Who is asked.
        ip: HostAddress,
        /// How often in a row it must hold.
        hold: u32,
        /// Who must be running.
        names: Vec<String>,
    },
    /// A systemd unit of this very host is active.
    Unit {
        /// Its name.
        name: String,
    },
}

/// etcd's quorum among so many members.
#[must_use]
pub const fn quorum(databases: usize) -> usize {
    databases / 2 + 1
}

/// What gates depend on.
#[derive(Debug, Clone, Copy)]
pub struct Cluster<'a> {
    members: &'a Members,
    external: &'a External,
    roles: &'a BTreeMap<RoleKind, RoleContract>,
}

impl<'a> Cluster<'a> {
    /// The hosts with their roles, what is somewhere else, and what is known of this version of Cloudify.
    #[must_use]
    pub const fn new(members: &'a Members, external: &'a External, contract: &'a Contract) -> Self {
        Self { members, external, roles: &contract.roles }
    }
}

/// What must hold before the `index`-th host (from 1) of a role is installed; nothing where the contract lacks the role.
#[must_use]
pub fn before(kind: RoleKind, index: usize, cluster: &Cluster<'_>) -> Option<Vec<Probe>> {
    let Cluster { members, external, roles } = *cluster;
    let contract = roles.get(&kind)?;
    let n = members.databases.len();
    Some(match kind {
        RoleKind::Database if index <= quorum(n) => {
            // Nothing else is open before quorum: 2379 accepts and never answers (gates.md §1).
            let earlier = members.databases.iter().take(index - 1);
            earlier.filter_map(|peer| named(contract, "etcd_peer", peer.ip, 1)).collect()
        }
        RoleKind::Database => {
            let mut probes = vec![Probe::Database { need: 1, hold: 2, ips: ips(&members.databases) }];
            for peer in members.databases.iter().take(index - 1) {
                probes.extend(named(contract, "etcd_health", peer.ip, 2));
            }
            // Asked of one: authentication is a fact of the cluster, not of a member.
            probes.extend(members.databases.first().and_then(|peer| named(contract, "etcd_auth", peer.ip, 1)));
            probes
        }
        RoleKind::Broker => {
            // Brokers need no database. On shared hosts they wait all the same: role by role over all hosts, as the
            // vendor installs them (cloudify.md §1.3), so that no restart of one role meets the birth of another.
            let shared = members.brokers.iter().any(|broker| members.databases.contains(broker));
            let mut probes = if shared { all_databases(cluster)? } else { Vec::new() };
            probes.extend(brokers_running(&members.brokers.iter().take(index - 1).collect::<Vec<_>>()));
            probes
        }
        RoleKind::Manager if index == 1 => {
            let mut probes = all_databases(cluster)?;
            probes.extend(brokers_running(&members.brokers.iter().collect::<Vec<_>>()));
            probes.extend(external.broker.iter().flat_map(external_broker));
            probes
        }
        RoleKind::Manager => {
            let earlier = members.managers.iter().take(index - 1);
            earlier.filter_map(|peer| named(contract, "ok", peer.ip, 3)).collect()
        }
        // The all-in-one has no peers; the balancer checks its servers itself.
        RoleKind::AllInOne | RoleKind::LoadBalancer => Vec::new(),
    })
}

/// What must hold on and around a host after its role was installed; nothing where the contract lacks the role.
#[must_use]
pub fn after(kind: RoleKind, index: usize, own: &Member, cluster: &Cluster<'_>) -> Option<Vec<Probe>> {
    let Cluster { members, roles, .. } = *cluster;
    let contract = roles.get(&kind)?;
    Some(match kind {
        RoleKind::Database if members.databases.len() == 1 => single_database(own, contract, 1),
        RoleKind::Database => {
            // The first ones become healthy only with the quorum; the last ones must have joined themselves.
            let need = index.max(quorum(members.databases.len())) - 1;
            let mut probes: Vec<Probe> =
                ["etcd_health", "etcd_auth"].iter().filter_map(|name| named(contract, name, own.ip, 1)).collect();
            probes.push(Probe::Database { need, hold: 1, ips: ips(&members.databases) });
            probes
        }
        RoleKind::Broker => {
            let names = members.brokers.iter().take(index).map(|m| m.name.to_string()).collect();
            vec![Probe::Broker { ip: own.ip, hold: 1, names }]
        }
        RoleKind::Manager | RoleKind::AllInOne => named(contract, "ok", own.ip, 2).into_iter().collect(),
        RoleKind::LoadBalancer => {
            let host = PublicAddress::Ip(own.ip);
            vec![Probe::Unit { name: "haproxy.service".into() }, Probe::Tcp { host, port: 443, hold: 1 }]
        }
    })
}

/// Every database has joined, the only one is up, or the external one can be reached. What is behind an external port
/// is not asked: its protocol is not HTTP, and Cloudify's installer logs in a moment later.
fn all_databases(cluster: &Cluster<'_>) -> Option<Vec<Probe>> {
    let databases = &cluster.members.databases;
    Some(match databases.as_slice() {
        [] => {
            let external = cluster.external.database.iter();
            external
                .map(|database| Probe::Tcp { host: database.host.clone(), port: database.port, hold: 2 })
                .collect()
        }
        [only] => single_database(only, cluster.roles.get(&RoleKind::Database)?, 2),
        _ => vec![Probe::Database { need: databases.len() - 1, hold: 2, ips: ips(databases) }],
    })
}

/// A single database has no Patroni to ask. PostgreSQL accepts, and Prometheus answers through nginx, which the installer
/// configures last (cloudify.md §3.1, gates.md §4).
fn single_database(own: &Member, contract: &RoleContract, hold: u32) -> Vec<Probe> {
    ["postgresql", "monitoring"].iter().filter_map(|name| named(contract, name, own.ip, hold)).collect()
}

/// Every member accepts AMQP, and its management API knows our user as an administrator, which the first manager needs to
/// make its virtual host and user. Not the probe of our own brokers: that one wants Erlang's node names, and how an
/// external broker calls its nodes is known to its owner only.
fn external_broker(broker: &ExternalBroker) -> impl Iterator<Item = Probe> {
    broker.members.iter().flat_map(|member| {
        let api = Probe::Http {
            url: format!("https://{}:15671/api/whoami", member.address),
            status: 200,
            body: Some("\"tags\":[^}]*administrator".into()),
            login: Some(Login::Broker),
            hold: 2,
        };
        [Probe::Tcp { host: member.address.clone(), port: 5671, hold: 2 }, api]
    })
}

/// Every one of these brokers, asked of every one of them, twice: a stopped peer shows as running for five seconds.
fn brokers_running(brokers: &[&Member]) -> Vec<Probe> {
    let names: Vec<String> = brokers.iter().map(|m| m.name.to_string()).collect();
    brokers.iter().map(|peer| Probe::Broker { ip: peer.ip, hold: 2, names: names.clone() }).collect()
}

fn ips(members: &[Member]) -> Vec<HostAddress> {
    members.iter().map(|member| member.ip).collect()
}

/// The contract's probe of this name, asked of a peer.
fn named(contract: &RoleContract, name: &str, ip: HostAddress, hold: u32) -> Option<Probe> {
    let probe = contract.probes.get(name)?;
    match (&probe.url, probe.port) {
        (Some(url), _) => Some(Probe::Http {
            url: url.replace("{ip}", &ip.to_string()),
            status: probe.status.unwrap_or(200),
            body: probe.body.clone(),
            login: probe.login,
            hold,
        }),
        (None, Some(port)) => Some(Probe::Tcp { host: PublicAddress::Ip(ip), port, hold }),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profiles;

    fn members(databases: u8, brokers: u8, managers: u8) -> Members {
        let row = |name: &str, count: u8, base: u8| {
            (1..=count)
                .map(|i| Member {
                    name: format!("{name}-{i}").parse().expect("a name"),
                    ip: format!("10.0.0.{}", base + i).parse().expect("an address"),
                    networks: std::collections::BTreeMap::new(),
                })
                .collect()
        };
        Members {
            databases: row("db", databases, 10),
            brokers: row("broker", brokers, 20),
            managers: row("manager", managers, 30),
            balancers: Vec::new(),
        }
    }

    fn gate(kind: RoleKind, index: usize, members: &Members) -> Vec<Probe> {
        let profiles = Profiles::embedded().expect("profiles");
        let contract = profiles.contract("7.0.4".parse().expect("a version")).expect("a contract");
        before(kind, index, &Cluster::new(members, &External::default(), contract)).expect("the role")
    }

    /// cloudify.md fact 6: a second database that waits for anything but 2380 waits for ever.
    #[test]
    fn databases_up_to_the_quorum_wait_for_2380_and_nothing_else() {
        for (n, q) in [(3, 2), (4, 3), (5, 3)] {
            let members = members(n, 0, 0);
            assert_eq!(gate(RoleKind::Database, 1, &members), []);
            for k in 2..=q {
                let probes = gate(RoleKind::Database, k, &members);
                assert_eq!(probes.len(), k - 1);
                assert!(probes.iter().all(|p| matches!(p, Probe::Tcp { port: 2380, .. })), "{probes:?}");
            }
            for k in q + 1..=usize::from(n) {
                let probes = gate(RoleKind::Database, k, &members);
                assert!(matches!(probes[0], Probe::Database { need: 1, hold: 2, .. }));
                let urls: Vec<&str> = probes
                    .iter()
                    .filter_map(|p| match p {
                        Probe::Http { url, .. } => Some(url.as_str()),
                        _ => None,
                    })
                    .collect();
                assert_eq!(urls.iter().filter(|u| u.ends_with(":2379/health")).count(), k - 1);
                assert_eq!(urls.iter().filter(|u| u.ends_with("/v2/auth/enable")).count(), 1);
            }
        }
    }

    /// cloudify.md fact 7: a join is tried once.
    #[test]
    fn brokers_join_one_by_one() {
        let members = members(3, 3, 3);
        assert_eq!(gate(RoleKind::Broker, 1, &members), []);
        let third = gate(RoleKind::Broker, 3, &members);
        let names = vec!["broker-1".to_owned(), "broker-2".to_owned()];
        assert_eq!(third.len(), 2);
        assert!(third.iter().all(|p| matches!(p, Probe::Broker { names: n, hold: 2, .. } if *n == names)));
    }

    /// cloudify.md §1.3 "Compact": role by role over all hosts.
    #[test]
    fn brokers_on_hosts_of_databases_wait_for_all_databases() {
        let mut members = members(3, 2, 1);
        members.brokers[1] = members.databases[2].clone();
        for index in [1, 2] {
            let probes = gate(RoleKind::Broker, index, &members);
            assert!(matches!(probes[0], Probe::Database { need: 2, hold: 2, .. }), "{probes:?}");
            assert_eq!(probes.len(), index);
        }
    }

    /// cloudify.md facts 8 and 9.
    #[test]
    fn the_first_manager_waits_for_everything_and_the_others_for_the_earlier_ones() {
        let members = members(3, 3, 3);
        let first = gate(RoleKind::Manager, 1, &members);
        assert!(matches!(first[0], Probe::Database { need: 2, hold: 2, .. }));
        assert_eq!(first.iter().filter(|p| matches!(p, Probe::Broker { names, .. } if names.len() == 3)).count(), 3);
        let third = gate(RoleKind::Manager, 3, &members);
        assert_eq!(third.len(), 2);
        assert!(
            third
                .iter()
                .all(|p| matches!(p, Probe::Http { status: 200, hold: 3, url, .. } if url.ends_with("/api/v3.1/ok")))
        );
    }
}

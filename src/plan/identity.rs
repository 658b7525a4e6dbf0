//! What the vault must hold for a plan: certificates and credentials by name, no secret among them.

use std::net::IpAddr;

use crate::names::{ClusterName, Credential, HostName, RsaSize};

/// The certificate of one host; it serves all of its roles (cloudify.md §6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCertificate {
    /// The host.
    pub host: HostName,
    /// Subject common name: the host's name.
    pub common_name: String,
    /// DNS alternative names, each once, in the order they are written. Addresses stand here too, as text.
    pub dns: Vec<String>,
    /// IP alternative names, each once.
    pub ips: Vec<IpAddr>,
}

/// What the vault must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Whose vault it is.
    pub cluster: ClusterName,
    /// Size of every key, the CA's included.
    pub key: RsaSize,
    /// Validity of the CA in days.
    pub ca_days: u32,
    /// Validity of a leaf in days; a leaf never outlives its CA.
    pub leaf_days: u32,
    /// One certificate for each host, in the spec's order.
    pub hosts: Vec<HostCertificate>,
    /// Common names of client certificates (`cloudify`, `postgres`); empty where client verification is off.
    pub clients: Vec<String>,
    /// The credentials that the roles of this plan need.
    pub credentials: Vec<Credential>,
}

//! The nine-node cluster `example` of DESIGN §2 as the vault sees it, and vaults as the disk would hold them.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::OnceLock;

use cfy_seed::names::{Credential, RsaSize, TreePath};
use cfy_seed::plan::{HostCertificate, Identity};
use cfy_seed::vault::{Changes, Opened, Permissions, Vault, VaultBytes, VaultFiles, ensure, open};
use cfy_seed::world::{FixedWorld, World};

/// Names by DESIGN §5, first rule: address as IP and DNS name, host name, and the seed's localhost.
pub fn host(name: &str, ip: [u8; 4]) -> HostCertificate {
    let ip = IpAddr::V4(Ipv4Addr::from(ip));
    HostCertificate {
        host: name.parse().expect("a host name"),
        common_name: name.to_owned(),
        dns: vec![name.to_owned(), ip.to_string(), "localhost".to_owned(), "127.0.0.1".to_owned()],
        ips: vec![ip, IpAddr::V4(Ipv4Addr::LOCALHOST)],
    }
}

pub fn identity() -> Identity {
    let rows = [("db", 10), ("broker", 20), ("manager", 30)];
    let hosts =
        rows.iter().flat_map(|(role, base)| (1..=3).map(move |n| host(&format!("{role}-{n}"), [10, 0, 0, base + n])));
    Identity {
        cluster: "example".parse().expect("a cluster name"),
        key: RsaSize::Rsa2048,
        ca_days: 3650,
        leaf_days: 3650,
        hosts: hosts.collect(),
        clients: vec!["cloudify".to_owned(), "postgres".to_owned()],
        // What a directory knows is never asked of the vault by itself.
        credentials: Credential::ALL.iter().copied().filter(|name| *name != Credential::LdapPassword).collect(),
    }
}

/// One database host and no clients: three keys fewer to wait for.
pub fn small() -> Identity {
    Identity { hosts: vec![host("db-1", [10, 0, 0, 11])], clients: vec!["postgres".to_owned()], ..identity() }
}

pub fn issue(opened: Option<Opened>, identity: &Identity, world: &dyn World) -> (Vault, Changes) {
    ensure(opened, identity, &BTreeMap::new(), world, &|_, _| ()).expect("a vault")
}

pub fn fresh(identity: &Identity) -> (Vault, Changes) {
    issue(None, identity, &FixedWorld::default())
}

/// As `emit` would have written it and `load` would read it.
pub fn on_disk(vault: &Vault) -> VaultFiles {
    let own = |mode| Permissions { mode, owner: 1000 };
    let files = vault.files().into_iter().map(|(path, bytes)| (path.clone(), (bytes.clone(), own(0o600))));
    let directories = ["hosts", "clients"].map(|name| (name.parse::<TreePath>().expect("a path"), own(0o700)));
    VaultFiles {
        directory: "example.vault".to_owned(),
        permissions: own(0o700),
        reader: 1000,
        directories: directories.into_iter().collect(),
        files: files.collect(),
    }
}

pub fn reopen(vault: &Vault, identity: &Identity) -> Opened {
    open(on_disk(vault), identity).expect("a sound vault")
}

pub fn put(files: &mut VaultFiles, path: &str, bytes: &[u8]) {
    let permissions = Permissions { mode: 0o600, owner: 1000 };
    files.files.insert(path.parse().expect("a path"), (VaultBytes::new(bytes.to_vec()), permissions));
}

pub fn take(files: &mut VaultFiles, path: &str) -> Vec<u8> {
    let path: TreePath = path.parse().expect("a path");
    files.files.remove(&path).expect("a file").0.expose().to_vec()
}

pub fn bytes(files: &VaultFiles, path: &str) -> Vec<u8> {
    let path: TreePath = path.parse().expect("a path");
    files.files[&path].0.expose().to_vec()
}

/// A whole vault of the nine-node cluster, made once for all tests of a binary.
pub fn whole() -> VaultFiles {
    static WHOLE: OnceLock<VaultFiles> = OnceLock::new();
    WHOLE.get_or_init(|| on_disk(&fresh(&identity()).0)).clone()
}

//! Whose certificates there are, and what happened or would happen to them.

use std::fmt;

use super::files::{CLIENTS, HOSTS};
use crate::diag::Report;
use crate::names::{Credential, HostName};
use crate::plan::Identity;

/// Whom a certificate names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The CA of the cluster.
    Ca,
    /// A host.
    Host(HostName),
    /// A client of PostgreSQL, by its common name.
    Client(String),
}

impl Subject {
    /// Everybody but the CA whom this identity names, hosts first, in its order.
    pub(super) fn all_of(identity: &Identity) -> Vec<Self> {
        let hosts = identity.hosts.iter().map(|host| Self::Host(host.host.clone()));
        hosts.chain(identity.clients.iter().map(|client| Self::Client(client.clone()))).collect()
    }

    /// What the files of a request and of its certificate are called, before the dot.
    pub(super) fn stem(&self) -> String {
        match self {
            Self::Ca => "ca".to_owned(),
            Self::Host(host) => host.to_string(),
            Self::Client(client) => format!("client-{client}"),
        }
    }

    /// Certificate and key inside the vault; nothing for the CA, whose files have fixed names.
    pub(super) fn files(&self) -> Option<[String; 2]> {
        let stem = match self {
            Self::Ca => return None,
            Self::Host(host) => format!("{HOSTS}/{host}"),
            Self::Client(client) => format!("{CLIENTS}/{client}"),
        };
        Some([format!("{stem}.crt"), format!("{stem}.key")])
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ca => f.write_str("CA"),
            Self::Host(host) => write!(f, "host {host}"),
            Self::Client(client) => write!(f, "client {client}"),
        }
    }
}

/// What happened to a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A key was made and a certificate issued.
    Issued,
    /// A new certificate was issued for the key that was there, for this reason.
    Reissued(String),
    /// Both stay.
    Kept,
    /// It is somebody else's: the spec names it, or it came in or is to come from outside.
    Supplied,
}

/// What a run of [`ensure`](super::ensure) did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Every certificate, the CA's first, hosts in the order of the spec.
    pub certificates: Vec<(Subject, Action)>,
    /// Credentials that were generated in this run.
    pub generated: Vec<Credential>,
    /// What there is to say about what stays: expiry, key sizes, files that nobody uses.
    pub report: Report,
}

impl Changes {
    /// Whether the vault stays as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.generated.is_empty() && self.issued() == 0
    }

    /// How many certificates are new.
    #[must_use]
    pub fn issued(&self) -> usize {
        let new = |action: &Action| matches!(action, Action::Issued | Action::Reissued(_));
        self.certificates.iter().filter(|(_, action)| new(action)).count()
    }
}

/// One line for each thing that is new.
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (subject, action) in &self.certificates {
            match action {
                Action::Issued => writeln!(f, "{subject}: key and certificate issued")?,
                Action::Reissued(why) => writeln!(f, "{subject}: certificate issued anew for its key: {why}")?,
                Action::Kept | Action::Supplied => {}
            }
        }
        self.generated.iter().try_for_each(|name| writeln!(f, "{}: generated", name.as_str()))
    }
}

//! Where packages come from.

use crate::names::{Digest256, WebUrl};

/// A yum repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoSource {
    /// Where its `repodata` is.
    pub baseurl: WebUrl,
    /// Whether the bundle carries the key that its packages are signed with.
    pub signed: bool,
}

/// Where the operating system's packages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageSource {
    /// They are in the image; hosts only check.
    Image,
    /// The repositories that the image has configured.
    SystemRepos,
    /// The payload, whose root is a yum repository.
    Payload,
    /// This repository alone.
    Repo(RepoSource),
}

/// Where the first boot's own script, units and library come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstBootSource {
    /// User-data brings them.
    Seed,
    /// The image has them, baked by the release that builds.
    Image,
}

/// Where the installer's RPM comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RpmSource {
    /// A file on a server. Without a digest the host refuses to go on.
    Url {
        /// Address of the file.
        url: WebUrl,
        /// What it must be.
        sha256: Option<Digest256>,
    },
    /// A repository.
    Repo(RepoSource),
    /// The payload.
    Payload,
    /// The image has it.
    Preinstalled,
}

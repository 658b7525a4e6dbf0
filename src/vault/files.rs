//! What the vault directory holds: bytes from `load`, bytes for `emit`, and who may read them.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretSlice};

use crate::diag::{Code, Diagnostic, Report};
use crate::names::TreePath;

/// `vault.yaml`: whose vault it is and since when.
pub(super) const RECORD: &str = "vault.yaml";
/// `ca.crt`: the CA's certificate.
pub(super) const CA_CERTIFICATE: &str = "ca.crt";
/// `ca.key`: the CA's key; not there where the CA was supplied.
pub(super) const CA_KEY: &str = "ca.key";
/// `secrets.yaml`: the generated credentials.
pub(super) const SECRETS: &str = "secrets.yaml";
/// `box.key`: the key that boxes are signed with; not there before the first of them.
pub(super) const SIGNING_KEY: &str = "box.key";
/// `.gitignore`: keeps the vault out of repositories.
pub(super) const GITIGNORE: &str = ".gitignore";
/// `.lock`: may be there while somebody builds.
const LOCK: &str = ".lock";
/// `hosts/`: one certificate and key for each host.
pub(super) const HOSTS: &str = "hosts";
/// `clients/`: one certificate and key for each client of PostgreSQL.
pub(super) const CLIENTS: &str = "clients";

/// The content of one file of the vault. Every one is treated as a secret: wiped when dropped, never printed.
#[derive(Clone)]
pub struct VaultBytes(SecretSlice<u8>);

impl VaultBytes {
    /// Wraps the bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(SecretSlice::from(bytes.into_boxed_slice()))
    }

    /// The bytes themselves. Every call is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for VaultBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// One file or directory as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// Permission bits, 0 to 0o7777.
    pub mode: u32,
    /// User id of the owner.
    pub owner: u32,
}

/// A vault directory as it was found.
#[derive(Debug, Clone)]
pub struct VaultFiles {
    /// Its path as the user knows it, for messages.
    pub directory: String,
    /// Who may enter it.
    pub permissions: Permissions,
    /// User id of this process.
    pub reader: u32,
    /// The directories below it.
    pub directories: BTreeMap<TreePath, Permissions>,
    /// The regular files in it and below it, with their permissions.
    pub files: BTreeMap<TreePath, (VaultBytes, Permissions)>,
}

impl VaultFiles {
    /// Finds what others may read or change. Keys, secrets and directories are for their owner only; a certificate may
    /// be read by all but written by its owner only.
    #[allow(clippy::case_sensitive_file_extension_comparisons, reason = "we made these names")]
    pub(super) fn check_permissions(&self, report: &mut Report) {
        let private = |path: &str| !matches!(path, GITIGNORE | LOCK | RECORD) && !path.ends_with(".crt");
        let files = self.files.iter().map(|(path, (_, p))| (path.as_str(), p.mode, private(path.as_str())));
        let directories = self.directories.iter().map(|(path, p)| (path.as_str(), p.mode, true));
        for (path, mode, private) in [("", self.permissions.mode, true)].into_iter().chain(directories).chain(files) {
            let forbidden = if private { 0o077 } else { 0o022 };
            if mode & forbidden == 0 {
                continue;
            }
            let place = if path.is_empty() { self.directory.clone() } else { format!("{}/{path}", self.directory) };
            let message = format!("`{place}` has mode {mode:04o}: others than its owner can get at it");
            let help = format!("chmod -R u=rwX,go= '{}'", self.directory);
            report.push(Diagnostic::error(Code::VaultExposed, message).help(help));
        }
        if self.permissions.owner != self.reader {
            let owner = self.permissions.owner;
            let message = format!("`{}` belongs to user {owner}, not to you (user {})", self.directory, self.reader);
            let help = "build as the user who owns the vault, or hand it over with chown -R";
            report.push(Diagnostic::warning(Code::VaultOwner, message).help(help));
        }
    }

    /// Whether nothing of a vault is in it yet.
    pub(super) fn is_blank(&self) -> bool {
        self.files.keys().all(|path| matches!(path.as_str(), GITIGNORE | LOCK))
    }

    /// Whether its first build was cut before `vault.yaml`, which is written before the first leaf.
    pub(super) fn is_begun(&self) -> bool {
        self.get(RECORD).is_none() && self.files.keys().all(|path| place(path) != Place::Leaf)
    }

    pub(super) fn get(&self, path: &str) -> Option<&VaultBytes> {
        let path: TreePath = path.parse().ok()?;
        self.files.get(&path).map(|(bytes, _)| bytes)
    }
}

/// Whose file this is by its place alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// One of the fixed names.
    Own,
    /// The certificate or key of a host or client.
    Leaf,
    /// Nothing that a vault holds.
    Foreign,
}

/// Whose file this is.
pub(super) fn place(path: &TreePath) -> Place {
    let path = path.as_str();
    if matches!(path, RECORD | CA_CERTIFICATE | CA_KEY | SECRETS | SIGNING_KEY | GITIGNORE | LOCK) {
        return Place::Own;
    }
    let file = [HOSTS, CLIENTS].iter().find_map(|directory| path.strip_prefix(directory)?.strip_prefix('/'));
    let stem = file.and_then(|file| file.strip_suffix(".crt").or_else(|| file.strip_suffix(".key")));
    stem.filter(|stem| !stem.contains('/')).map_or(Place::Foreign, |_| Place::Leaf)
}

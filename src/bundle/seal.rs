//! The last step of a tree: from here on nothing is added, and only `emit` can take it.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::manifest::{Manifest, ManifestFile, ManifestHost, SCHEMA};
use super::tree::{Content, Entry, Tree, TreeError};
use crate::names::{ClusterName, Digest256, FileMode, HostName, TreePath};

/// The manifest's path.
pub const MANIFEST: &str = "manifest.json";
/// The path of the digests that `sha256sum -c` reads.
pub const SUMS: &str = "SHA256SUMS";

/// The path of the signature over [`SUMS`], in archives: `openssl dgst -sha256 -verify` reads it.
pub const SIGNATURE: &str = "SHA256SUMS.sig";

/// What the manifest says beside the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFacts {
    /// The cluster's name.
    pub cluster: ClusterName,
    /// Version of cfy-seed.
    pub cfy_seed_version: String,
    /// The spec's `generation`.
    pub generation: u32,
    /// The vault's creation time.
    pub created: OffsetDateTime,
    /// The hosts in the spec's order.
    pub hosts: Vec<HostFacts>,
}

/// What the manifest says of a host beside its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// Its short name.
    pub name: HostName,
    /// Its full name.
    pub fqdn: String,
    /// Its cloud-init instance-id.
    pub instance_id: String,
    /// Its roles.
    pub roles: Vec<String>,
}

/// Why a tree cannot be sealed. Every case is a bug of ours or a date out of range.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The tree holds one of the files that sealing adds.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The creation time has no RFC 3339 form.
    #[error("the creation time cannot be written: {0}")]
    Date(#[from] time::error::Format),
    /// The manifest has no JSON form.
    #[error("the manifest cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    /// The digest of streamed content was not handed in.
    #[error("no digest for `{0}`")]
    Undigested(TreePath),
}

/// A complete tree. Its manifest and digests are made by [`SealedTree::close`] once the streamed content has been
/// read, so that large files are read once only.
#[derive(Debug, Clone)]
pub struct SealedTree {
    tree: Tree,
    facts: ManifestFacts,
    created: String,
    digests: BTreeMap<TreePath, Digest256>,
}

/// The two files that close a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The manifest that [`Closing::files`] begins with.
    pub manifest: Manifest,
    /// `manifest.json` and `SHA256SUMS`, with their bytes and mode 0600.
    pub files: [(TreePath, Entry); 2],
}

/// Seals a tree.
///
/// # Errors
/// When the tree holds a `manifest.json` or `SHA256SUMS` of its own, or the time cannot be written.
pub fn seal(tree: Tree, facts: ManifestFacts) -> Result<SealedTree, SealError> {
    for name in [MANIFEST, SUMS] {
        let path: TreePath = name.parse().map_err(TreeError::Path)?;
        if tree.get(&path).is_some() {
            return Err(TreeError::Duplicate(path).into());
        }
        if tree.directories().any(|directory| *directory == path) {
            return Err(TreeError::FileOverDirectory(path).into());
        }
    }
    let created = facts.created.to_offset(time::UtcOffset::UTC).format(&Rfc3339)?;
    let digest = |(path, entry): (&TreePath, &Entry)| match &entry.content {
        Content::Bytes(bytes) => Some((path.clone(), Digest256::of(bytes))),
        Content::File { .. } | Content::Image(_) => None,
    };
    let digests = tree.iter().filter_map(digest).collect();
    Ok(SealedTree { tree, facts, created, digests })
}

impl SealedTree {
    /// Whose tree it is.
    #[must_use]
    pub fn cluster(&self) -> &ClusterName {
        &self.facts.cluster
    }

    /// The files without the two that close the tree.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The digest of a file whose bytes are in memory.
    #[must_use]
    pub fn digest(&self, path: &TreePath) -> Option<Digest256> {
        self.digests.get(path).copied()
    }

    /// Makes the manifest and `SHA256SUMS`. `streamed` has the digests of what [`SealedTree::digest`] does not know.
    ///
    /// # Errors
    /// When a digest is missing.
    pub fn close(&self, streamed: &BTreeMap<TreePath, Digest256>) -> Result<Closing, SealError> {
        let mut files = Vec::with_capacity(self.tree.len());
        for (path, entry) in self.tree.iter() {
            let digest = self.digest(path).or_else(|| streamed.get(path).copied());
            let sha256 = digest.ok_or_else(|| SealError::Undigested(path.clone()))?;
            files.push(ManifestFile { path: path.clone(), size: entry.content.len(), sha256, mode: entry.mode });
        }
        let manifest = Manifest {
            schema: SCHEMA.to_owned(),
            cluster: self.facts.cluster.clone(),
            cfy_seed_version: self.facts.cfy_seed_version.clone(),
            generation: self.facts.generation,
            created: self.created.clone(),
            hosts: self.facts.hosts.iter().map(|host| of_host(host, &self.tree)).collect(),
            files,
        };
        let json = manifest.to_json()?;
        let path = |name: &str| name.parse::<TreePath>().map_err(TreeError::Path);
        let mut digests: BTreeMap<&str, Digest256> =
            manifest.files.iter().map(|file| (file.path.as_str(), file.sha256)).collect();
        digests.insert(MANIFEST, Digest256::of(&json));
        let sums: String = digests.into_iter().map(|(path, digest)| sum_line(path, digest)).collect();
        let secret = |bytes: Vec<u8>| Entry { mode: FileMode::SECRET, content: Content::Bytes(bytes) };
        let files = [(path(MANIFEST)?, secret(json)), (path(SUMS)?, secret(sums.into_bytes()))];
        Ok(Closing { manifest, files })
    }
}

fn of_host(host: &HostFacts, tree: &Tree) -> ManifestHost {
    let prefix = format!("hosts/{}/", host.name);
    ManifestHost {
        name: host.name.clone(),
        fqdn: host.fqdn.clone(),
        instance_id: host.instance_id.clone(),
        roles: host.roles.clone(),
        files: tree.iter().map(|(path, _)| path).filter(|p| p.as_str().starts_with(&prefix)).cloned().collect(),
    }
}

/// `SHA256SUMS` of a tree whose every digest is known before it is written: bytes in memory, and files with a pinned digest.
///
/// # Errors
/// When a digest is not known.
pub fn sums(tree: &Tree) -> Result<String, SealError> {
    let line = |(path, entry): (&TreePath, &Entry)| match &entry.content {
        Content::Bytes(bytes) => Ok(sum_line(path.as_str(), Digest256::of(bytes))),
        Content::File { sha256: Some(sha256), .. } => Ok(sum_line(path.as_str(), *sha256)),
        Content::File { sha256: None, .. } | Content::Image(_) => Err(SealError::Undigested(path.clone())),
    };
    tree.iter().map(line).collect()
}

/// One line of GNU `sha256sum`: a name with a backslash or a line end is escaped, and the line then starts with a
/// backslash (coreutils manual, "md5sum invocation").
#[must_use]
pub fn sum_line(path: &str, digest: Digest256) -> String {
    let escaped = path.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
    let mark = if escaped == path { "" } else { "\\" };
    format!("{mark}{digest}  {escaped}\n")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn facts() -> ManifestFacts {
        ManifestFacts {
            cluster: "prod".parse().expect("name"),
            cfy_seed_version: "0.1.0".to_owned(),
            generation: 1,
            created: datetime!(2026-01-02 05:04:05 +02:00),
            hosts: vec![HostFacts {
                name: "db-1".parse().expect("name"),
                fqdn: "db-1".to_owned(),
                instance_id: "cfy-prod-db-1-g1".to_owned(),
                roles: vec!["database".to_owned()],
            }],
        }
    }

    #[test]
    fn every_file_is_listed_in_both() {
        let mut tree = Tree::default();
        tree.add("hosts/db-1/user-data", FileMode::SECRET, "abc").expect("new");
        tree.add("hosts/db-10/user-data", FileMode::SECRET, "other host").expect("new");
        tree.add("odd\\name", FileMode::PUBLIC, "x").expect("new");
        let closing = seal(tree, facts()).expect("sealed").close(&BTreeMap::new()).expect("closed");
        assert_eq!(closing.manifest.created, "2026-01-02T03:04:05Z");
        assert_eq!(closing.manifest.hosts[0].files, ["hosts/db-1/user-data".parse().expect("path")]);
        assert_eq!(closing.manifest.files.len(), 3);
        let Content::Bytes(sums) = &closing.files[1].1.content else { panic!("bytes") };
        let sums = String::from_utf8(sums.clone()).expect("UTF-8");
        let names: Vec<&str> = sums.lines().map(|l| l.split_once("  ").expect("two words").1).collect();
        assert_eq!(names, ["hosts/db-1/user-data", "hosts/db-10/user-data", "manifest.json", "odd\\\\name"]);
        assert!(sums.lines().last().is_some_and(|l| l.starts_with('\\')));
    }

    #[test]
    fn streamed_content_must_be_digested_first() {
        let mut tree = Tree::default();
        let path: TreePath = "big".parse().expect("path");
        let content = Content::File { path: "/x".into(), size: 1, sha256: None };
        tree.insert(path.clone(), Entry { mode: FileMode::SECRET, content }).expect("new");
        let sealed = seal(tree, facts()).expect("sealed");
        assert!(matches!(sealed.close(&BTreeMap::new()), Err(SealError::Undigested(_))));
        assert!(sealed.close(&BTreeMap::from([(path, Digest256::of(b"x"))])).is_ok());
    }

    #[test]
    fn the_closing_files_are_nobody_elses() {
        for taken in [MANIFEST, SUMS, "SHA256SUMS/x"] {
            let mut tree = Tree::default();
            tree.add(taken, FileMode::SECRET, "").expect("new");
            assert!(matches!(seal(tree, facts()), Err(SealError::Tree(_))), "{taken}");
        }
    }
}

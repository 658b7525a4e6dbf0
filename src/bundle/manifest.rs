//! `manifest.json`: what a built tree holds and which cluster and hosts it is for.

use serde::{Deserialize, Serialize};

use crate::names::{ClusterName, Digest256, FileMode, HostName, TreePath};

/// The value of [`Manifest::schema`] that this version writes and reads.
pub const SCHEMA: &str = "cfy-seed/manifest/v1";

/// The most bytes of a manifest that are read: some hundred thousand files.
pub const MAX_BYTES: u64 = 64 << 20;

/// One built tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The cluster's name.
    pub cluster: ClusterName,
    /// Version of cfy-seed that built it.
    pub cfy_seed_version: String,
    /// The spec's `generation`; part of every instance-id.
    pub generation: u32,
    /// The vault's creation time in UTC, RFC 3339: the same at every build from the same vault.
    pub created: String,
    /// The hosts in the spec's order.
    pub hosts: Vec<ManifestHost>,
    /// Every file but `manifest.json` and `SHA256SUMS`, in the order of their paths.
    pub files: Vec<ManifestFile>,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestHost {
    /// Its short name; its files lie below `hosts/<name>/`.
    pub name: HostName,
    /// Its full name, the `local-hostname` of its meta-data.
    pub fqdn: String,
    /// Its cloud-init instance-id.
    pub instance_id: String,
    /// Its roles in Cloudify's words.
    pub roles: Vec<String>,
    /// Its files, in the order of their paths.
    pub files: Vec<TreePath>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Relative to the manifest.
    pub path: TreePath,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: Digest256,
    /// Permission bits, four octal digits.
    pub mode: FileMode,
}

/// Why a text is no manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or not of the manifest's types.
    #[error("{0}")]
    Syntax(String),
    /// JSON with a schema that is not [`SCHEMA`].
    #[error("its schema is `{0}` and not `{SCHEMA}`")]
    Schema(String),
}

impl Manifest {
    /// The manifest as JSON for people too: indented, with a final line end.
    ///
    /// # Errors
    /// None that these types can cause; the signature is serde's.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a manifest. The caller bounds the size by [`MAX_BYTES`].
    ///
    /// # Errors
    /// When it is not JSON, not of our schema, or lacks something.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        // The schema first: another version of cfy-seed may have other fields.
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let syntax = |error: serde_json::Error| ManifestError::Syntax(error.to_string());
        let head: Head = serde_json::from_slice(bytes).map_err(syntax)?;
        if head.schema != SCHEMA {
            return Err(ManifestError::Schema(head.schema));
        }
        serde_json::from_slice(bytes).map_err(syntax)
    }

    /// Whether this is a manifest of any version of cfy-seed: what makes a tree ours to replace.
    #[must_use]
    pub fn is_ours(bytes: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        serde_json::from_slice(bytes).is_ok_and(|head: Head| head.schema.starts_with("cfy-seed/manifest/v"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_reads_what_it_writes() {
        let manifest = Manifest {
            schema: SCHEMA.to_owned(),
            cluster: "prod".parse().expect("name"),
            cfy_seed_version: "0.1.0".to_owned(),
            generation: 1,
            created: "2026-01-02T03:04:05Z".to_owned(),
            hosts: vec![ManifestHost {
                name: "db-1".parse().expect("name"),
                fqdn: "db-1.example.com".to_owned(),
                instance_id: "cfy-prod-db-1-g1".to_owned(),
                roles: vec!["database".to_owned()],
                files: vec!["hosts/db-1/user-data".parse().expect("path")],
            }],
            files: vec![ManifestFile {
                path: "hosts/db-1/user-data".parse().expect("path"),
                size: 3,
                sha256: Digest256::of(b"abc"),
                mode: FileMode::SECRET,
            }],
        };
        let bytes = manifest.to_json().expect("JSON");
        assert_eq!(Manifest::parse(&bytes), Ok(manifest));
        assert!(Manifest::is_ours(&bytes));
        let later = br#"{"schema": "cfy-seed/manifest/v2", "new": 1}"#;
        assert!(matches!(Manifest::parse(later), Err(ManifestError::Schema(_))));
        assert!(Manifest::is_ours(later));
        for foreign in [&b""[..], b"{}", b"[]", b"null", br#"{"schema": "x"}"#, br#"{"schema": 1}"#] {
            assert!(Manifest::parse(foreign).is_err() && !Manifest::is_ours(foreign));
        }
    }
}

//! `payload.lock`: what a payload holds, and where each file of it is from.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::names::{Digest256, TreePath};

/// Its name in the payload's directory.
pub const LOCK: &str = "payload.lock";
/// The value of [`Lock::schema`] that this version writes and reads.
pub const SCHEMA: &str = "cfy-seed/payload/v1";
/// The most bytes of a lock file that are read: some ten thousand packages.
pub const MAX_LOCK: u64 = 16 << 20;
/// Where packages lie.
pub const PACKAGES: &str = "packages";
/// Where keys lie.
pub const KEYS: &str = "keys";
/// The list of what the image has.
pub const IMAGE: &str = "image.list";

/// A lock file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Every file, in the order of their paths.
    pub files: Vec<LockedFile>,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileUse {
    /// A package.
    Package,
    /// Public keys that packages are signed with.
    Key,
    /// The list of what the image has.
    Image,
}

/// A file of a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedFile {
    /// Relative to the lock file.
    pub path: TreePath,
    /// What it is for.
    #[serde(rename = "use")]
    pub used_as: FileUse,
    /// Which package it is, or whose keys they are, or how many packages the image has.
    pub what: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: Digest256,
    /// Where it was taken from, in the words of whoever added it.
    pub origin: String,
}

impl Default for Lock {
    fn default() -> Self {
        Self { schema: SCHEMA.to_owned(), files: Vec::new() }
    }
}

impl Lock {
    /// Reads a lock file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let lock: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if lock.schema != SCHEMA {
            return Err(format!("its schema is `{}` and not `{SCHEMA}`", lock.schema));
        }
        let mut seen = BTreeSet::new();
        for file in &lock.files {
            let path = file.path.as_str();
            let in_place = match (file.used_as, path.split_once('/')) {
                (FileUse::Package, Some((PACKAGES, name))) | (FileUse::Key, Some((KEYS, name))) => {
                    !name.contains('/')
                }
                (FileUse::Image, None) => path == IMAGE,
                _ => false,
            };
            if !in_place {
                return Err(format!("`{path}` is no place for a file of its kind"));
            }
            if !seen.insert(path) {
                return Err(format!("`{path}` is in it twice"));
            }
        }
        Ok(lock)
    }

    /// The lock file as JSON for people too: indented, in the order of the paths, with a final line end.
    ///
    /// # Errors
    /// None that these types can cause; the signature is serde's.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut sorted = self.clone();
        sorted.files.sort_by(|one, other| one.path.cmp(&other.path));
        let mut bytes = serde_json::to_vec_pretty(&sorted)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The file of this path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&LockedFile> {
        self.files.iter().find(|file| file.path.as_str() == path)
    }

    /// Puts a file in, over one of the same path.
    pub fn put(&mut self, file: LockedFile) {
        self.files.retain(|other| other.path != file.path);
        self.files.push(file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_reads_what_it_writes_and_nothing_else() {
        let file = |path: &str, used_as| LockedFile {
            path: path.parse().expect(path),
            used_as,
            what: "x".to_owned(),
            size: 1,
            sha256: Digest256::of(b"x"),
            origin: "a \"place\"".to_owned(),
        };
        let mut lock = Lock::default();
        lock.put(file("packages/b.rpm", FileUse::Package));
        lock.put(file("packages/a.rpm", FileUse::Package));
        lock.put(file("packages/b.rpm", FileUse::Package));
        lock.put(file("image.list", FileUse::Image));
        let bytes = lock.to_json().expect("JSON");
        let read = Lock::parse(&bytes).expect("a lock");
        assert_eq!(
            read.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(),
            ["image.list", "packages/a.rpm", "packages/b.rpm"]
        );
        let text = String::from_utf8(bytes).expect("text");
        for (from, to, expected) in [
            ("payload/v1", "payload/v2", "its schema"),
            ("packages/a.rpm", "packages/b.rpm", "twice"),
            ("packages/a.rpm", "keys/a.rpm", "no place"),
            ("packages/a.rpm", "packages/sub/a.rpm", "no place"),
            ("packages/a.rpm", "packages/../../a.rpm", "not allowed"),
            ("\"size\": 1", "\"size\": -1", "invalid value"),
        ] {
            let error = Lock::parse(text.replacen(from, to, 1).as_bytes()).expect_err(to);
            assert!(error.contains(expected), "{error}");
        }
    }
}

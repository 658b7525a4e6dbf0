//! What the tests share: fixtures, scratch directories, the binary, and bundles as a host would see them.

mod bundle;
pub mod packages;
mod program;
mod python;
#[path = "../../support/tools.rs"]
mod tools;

pub use bundle::{Bundle, Host, PKI};
pub use program::{Output, Program, cfy_seed};
pub use python::python;
pub use tools::have;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};

/// Where this crate is.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A directory that goes away.
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    pub fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.0.path()).expect("UTF-8")
    }

    pub fn join(&self, name: &str) -> Utf8PathBuf {
        self.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Utf8PathBuf {
        let path = self.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, text).expect("a file");
        path
    }

    /// A copy of a fixture with the modes that git does not keep. Its spec is `cluster.yaml`, its vault `vault`.
    pub fn fixture(shape: &str) -> Self {
        let scratch = Self::new();
        let from = root().join("tests/fixtures").join(shape);
        for (name, bytes) in files(&from) {
            fs::set_permissions(scratch.write(&name, bytes), mode(0o600)).expect("a mode");
        }
        for directory in ["vault", "vault/hosts", "vault/clients"].map(|name| scratch.join(name)) {
            if directory.exists() {
                fs::set_permissions(directory, mode(0o700)).expect("a mode");
            }
        }
        scratch
    }

    pub fn spec(&self) -> Utf8PathBuf {
        self.join("cluster.yaml")
    }
}

pub fn mode(bits: u32) -> fs::Permissions {
    fs::Permissions::from_mode(bits)
}

/// Every file below a directory by its path there, sorted.
pub fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    paths(directory)
        .into_iter()
        .filter(|path| path.is_file())
        .map(|path| (relative(directory, &path), fs::read(&path).expect("a file")))
        .collect()
}

/// Every file and directory below a directory with its permission bits, the directory itself as `.`.
pub fn modes(directory: &Path) -> Vec<(String, u32)> {
    let bits = |path: &Path| fs::symlink_metadata(path).expect("metadata").permissions().mode() & 0o7777;
    let mut all = vec![(".".to_owned(), bits(directory))];
    all.extend(paths(directory).into_iter().map(|path| (relative(directory, &path), bits(&path))));
    all
}

fn relative(directory: &Path, path: &Path) -> String {
    path.strip_prefix(directory).expect("below").to_str().expect("UTF-8").to_owned()
}

fn paths(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    for entry in entries {
        let path = entry.expect("an entry").path();
        let below = if path.is_dir() && !path.is_symlink() { paths(&path) } else { Vec::new() };
        found.push(path);
        found.extend(below);
    }
    found.sort();
    found
}

/// Whether this run does what takes longer.
pub fn long() -> bool {
    std::env::var_os("CFY_LONG").is_some()
}

/// What to do where something that a test needs is missing: fail where CI is set, say so otherwise.
pub fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{why}");
    println!("SKIPPED: {why}");
}

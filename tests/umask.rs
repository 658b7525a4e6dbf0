//! Modes of an emitted tree. Alone in its binary: the umask belongs to the whole process.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stand outside the house"
)]

use std::collections::BTreeMap;

use camino::Utf8Path;
use cfy_seed::bundle::{ManifestFacts, Tree, seal};
use cfy_seed::names::FileMode;
use cfy_seed::{emit, load};
use time::macros::datetime;

#[test]
fn modes_do_not_depend_on_the_umask() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let root = Utf8Path::from_path(directory.path()).expect("UTF-8");
    let mut seen = Vec::new();
    for umask in [0o000, 0o022, 0o077, 0o777] {
        let mut tree = Tree::default();
        tree.add("hosts/db-1/user-data", FileMode::SECRET, "x").expect("new");
        tree.add("packer/run.sh", FileMode::PROGRAM, "#!/bin/sh\n").expect("new");
        tree.add("packer/read.me", FileMode::PUBLIC, "x").expect("new");
        let facts = ManifestFacts {
            cluster: "prod".parse().expect("name"),
            cfy_seed_version: "0.1.0".to_owned(),
            generation: 1,
            created: datetime!(2026-01-02 03:04:05 UTC),
            hosts: Vec::new(),
        };
        let out = root.join(format!("{umask:o}"));
        std::fs::create_dir(&out).expect("create");
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
        let published = emit::publish(&seal(tree, facts).expect("sealed"), &out, &load::Disk);
        rustix::process::umask(before);
        let loaded = load::tree(&published.expect("published").path, load::Limits::BUNDLE).expect("readable");
        let mut modes: BTreeMap<String, u32> =
            loaded.files.into_iter().map(|(path, file)| (path, file.attributes.mode)).collect();
        modes.extend(loaded.directories.into_iter().map(|(path, attributes)| (path, attributes.mode)));
        modes.insert(".".to_owned(), loaded.attributes.mode);
        seen.push(modes);
    }
    let wanted = [
        (".", 0o700),
        ("SHA256SUMS", 0o600),
        ("hosts", 0o700),
        ("hosts/db-1", 0o700),
        ("hosts/db-1/user-data", 0o600),
        ("manifest.json", 0o600),
        ("packer", 0o700),
        ("packer/read.me", 0o644),
        ("packer/run.sh", 0o755),
    ];
    assert_eq!(seen[0], wanted.map(|(path, mode)| (path.to_owned(), mode)).into());
    assert!(seen.iter().all(|modes| *modes == seen[0]));
}

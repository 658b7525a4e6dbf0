//! A good tree has no findings, and each harm has its code.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stand outside the house"
)]

use std::os::unix::fs::{PermissionsExt as _, symlink};

use camino::{Utf8Path, Utf8PathBuf};
use time::macros::datetime;

use super::*;
use crate::bundle::iso9660::Image;
use crate::bundle::{Content, Entry, HostFacts, ManifestFacts, Tree, seal};
use crate::names::FileMode;
use crate::{emit, load};

fn seed_files(text: &str) -> Tree {
    let mut files = Tree::default();
    for name in SEED_FILES {
        files.add(name, FileMode::SECRET, format!("{name} {text}\n")).expect("new");
    }
    files
}

fn seed_image(label: &str, files: &Tree) -> Entry {
    let image = Image::new(label, files, datetime!(2026-01-01 00:00:00 UTC)).expect("fits");
    Entry { mode: FileMode::SECRET, content: Content::Image(Box::new(image)) }
}

/// A tree of two hosts on the disk.
fn built() -> (tempfile::TempDir, Utf8PathBuf) {
    let mut all = Tree::default();
    let mut hosts = Vec::new();
    for name in ["db-1", "db-10"] {
        let mut files = seed_files(name);
        files.insert("seed.iso".parse().expect("path"), seed_image("CIDATA", &files)).expect("new");
        all.mount(&format!("hosts/{name}").parse().expect("path"), files).expect("new");
        hosts.push(HostFacts {
            name: name.parse().expect("name"),
            fqdn: name.to_owned(),
            instance_id: format!("cfy-prod-{name}-g1"),
            roles: vec!["database".to_owned()],
        });
    }
    all.add("packer/run.sh", FileMode::PROGRAM, "#!/bin/sh\n").expect("new");
    all.add("packer/odd\\name", FileMode::PUBLIC, "x").expect("new");
    let facts = ManifestFacts {
        cluster: "prod".parse().expect("name"),
        cfy_seed_version: "0.1.0".to_owned(),
        generation: 1,
        created: datetime!(2026-01-01 00:00:00 UTC),
        hosts,
    };
    let directory = tempfile::tempdir().expect("temporary directory");
    let out = Utf8Path::from_path(directory.path()).expect("UTF-8");
    let published = emit::publish(&seal(all, facts).expect("sealed"), out, &load::Disk).expect("published");
    (directory, published.path)
}

fn codes(path: &Utf8Path) -> Vec<&'static str> {
    let tree = load::tree(path, load::Limits::BUNDLE).expect("readable");
    let mut codes: Vec<_> = bundle(&tree).report.iter().map(|found| found.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn a_good_tree_has_no_findings() {
    let (_keep, path) = built();
    let tree = load::tree(&path, load::Limits::BUNDLE).expect("readable");
    let check = bundle(&tree);
    assert!(check.report.is_empty(), "{:?}", check.report);
    let hosts: Vec<_> = check.hosts().map(|host| (host.facts.name.to_string(), host.files.len())).collect();
    assert_eq!(hosts, [("db-1".to_owned(), 5), ("db-10".to_owned(), 5)]);
    let host = check.hosts().next().expect("one");
    assert_eq!(host.bytes("user-data"), Some(&b"user-data db-1\n"[..]));
}

#[test]
fn each_harm_has_its_code() {
    type Harm = fn(&Utf8Path);
    fn write(path: &Utf8Path, bytes: impl AsRef<[u8]>) {
        std::fs::write(path, bytes).expect("write");
    }
    fn chmod(path: &Utf8Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
    }
    fn edit(path: &Utf8Path, from: &str, to: &str) {
        let text = std::fs::read_to_string(path).expect("read");
        assert!(text.contains(from), "{from}");
        write(path, text.replacen(from, to, 1));
    }
    fn image(path: &Utf8Path, label: &str, files: &Tree) {
        let mut bytes = Vec::new();
        seed_image(label, files).content.write(&mut bytes, &load::Disk).expect("memory");
        write(path, bytes);
    }
    let cases: [(&str, Harm, &[&str]); 19] = [
        ("no manifest", |p| std::fs::remove_file(p.join(MANIFEST)).expect("remove"), &["CFY-B010", "CFY-B017"]),
        ("cut manifest", |p| write(&p.join(MANIFEST), "{"), &["CFY-B010", "CFY-B017"]),
        ("other schema", |p| edit(&p.join(MANIFEST), "manifest/v1", "manifest/v9"), &["CFY-B010", "CFY-B017"]),
        ("host twice", |p| edit(&p.join(MANIFEST), "\"db-10\"", "\"db-1\""), &["CFY-B011", "CFY-B017"]),
        ("file gone", |p| std::fs::remove_file(p.join("packer/run.sh")).expect("remove"), &["CFY-B012", "CFY-B017"]),
        ("file too many", |p| write(&p.join("packer/x"), ""), &["CFY-B013", "CFY-B017"]),
        ("empty directory", |p| std::fs::create_dir(p.join("x")).expect("create"), &["CFY-B013"]),
        ("same size", |p| write(&p.join("packer/run.sh"), "#!/bin/zz\n"), &["CFY-B014", "CFY-B017"]),
        ("other size", |p| write(&p.join("packer/run.sh"), ""), &["CFY-B014", "CFY-B017"]),
        ("open file", |p| chmod(&p.join("hosts/db-1/user-data"), 0o640), &["CFY-B015"]),
        ("open directory", |p| chmod(&p.join("hosts/db-1"), 0o755), &["CFY-B015"]),
        ("not a program", |p| chmod(&p.join("packer/run.sh"), 0o644), &["CFY-B015"]),
        ("open manifest", |p| chmod(&p.join(MANIFEST), 0o666), &["CFY-B015"]),
        ("symlink", |p| symlink("/etc/passwd", p.join("packer/x")).expect("link"), &["CFY-B016"]),
        ("sums gone", |p| std::fs::remove_file(p.join(SUMS)).expect("remove"), &["CFY-B017"]),
        ("sums cut", |p| edit(&p.join(SUMS), "hosts/db-1/user-data\n", ""), &["CFY-B017"]),
        (
            "no network-config",
            |p| std::fs::remove_file(p.join("hosts/db-1/network-config")).expect("remove"),
            &["CFY-B012", "CFY-B017", "CFY-B018"],
        ),
        ("no image", |p| write(&p.join("hosts/db-1/seed.iso"), "x"), &["CFY-B014", "CFY-B017", "CFY-B020"]),
        (
            "other host's image",
            |p| image(&p.join("hosts/db-1/seed.iso"), "CIDATA", &seed_files("db-2")),
            &["CFY-B014", "CFY-B017", "CFY-B021"],
        ),
    ];
    for (what, harm, wanted) in cases {
        let (_keep, path) = built();
        harm(&path);
        assert_eq!(codes(&path), wanted, "{what}");
    }
}

#[test]
fn a_seed_image_is_checked_by_itself() {
    let found = |label: &str, files: &Tree| {
        let mut bytes = Vec::new();
        seed_image(label, files).content.write(&mut bytes, &load::Disk).expect("memory");
        let (report, files) = seed::seed("x.iso", &bytes);
        (report.iter().map(|found| (found.code.as_str(), found.message.clone())).collect::<Vec<_>>(), files)
    };
    let (report, files) = found("CIDATA", &seed_files("x"));
    assert!(report.is_empty(), "{report:?}");
    assert_eq!(files["meta-data"], b"meta-data x\n");
    let (report, _) = found("OTHER", &seed_files("x"));
    assert_eq!(report.len(), 1);
    assert!(report[0].0 == "CFY-B020" && report[0].1.contains("`OTHER`"));
    let mut more = seed_files("x");
    more.add("keys/ca.key", FileMode::PUBLIC, "x").expect("new");
    let (report, _) = found("CIDATA", &more);
    assert!(report.iter().all(|(code, _)| *code == "CFY-B021"));
    assert_eq!(report.len(), 5, "file and directory in both views, and the mode: {report:?}");
}

//! What is on the disk after `publish`, in good and bad cases. Killing a build is tested with the binary.

#![allow(clippy::disallowed_types, reason = "tests stand outside the house")]

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use time::macros::datetime;

use super::lock::Lock;
use super::*;
use crate::bundle::archive::Archive;
use crate::bundle::{Content, Entry, HostFacts, ManifestFacts, SUMS, Tree, seal};
use crate::names::{Digest256, FileMode, TreePath};

struct Zeros(u64);

impl ContentSource for Zeros {
    fn open(&self, _: &Utf8Path) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(io::repeat(0).take(self.0)))
    }
}

fn facts() -> ManifestFacts {
    ManifestFacts {
        cluster: "prod".parse().expect("name"),
        cfy_seed_version: "0.1.0".to_owned(),
        generation: 1,
        created: datetime!(2026-01-02 03:04:05 UTC),
        hosts: vec![HostFacts {
            name: "db-1".parse().expect("name"),
            fqdn: "db-1".to_owned(),
            instance_id: "cfy-prod-db-1-g1".to_owned(),
            roles: vec!["database".to_owned()],
        }],
    }
}

fn tree(text: &str) -> Tree {
    let mut tree = Tree::default();
    tree.add("hosts/db-1/user-data", FileMode::SECRET, text).expect("new");
    tree.add("packer/run.sh", FileMode::PROGRAM, "#!/bin/sh\n").expect("new");
    tree.add("packer/read.me", FileMode::PUBLIC, "x").expect("new");
    tree
}

fn sealed(text: &str) -> SealedTree {
    seal(tree(text), facts()).expect("sealed")
}

fn big(size: u64, sha256: Option<Digest256>) -> SealedTree {
    let mut tree = tree("with a payload");
    let content = Content::File { path: "/rpms/x.rpm".into(), size, sha256 };
    tree.insert("payload/x.rpm".parse().expect("path"), Entry { mode: FileMode::PUBLIC, content }).expect("new");
    seal(tree, facts()).expect("sealed")
}

struct Place {
    _directory: tempfile::TempDir,
    path: Utf8PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = Utf8PathBuf::from_path_buf(directory.path().to_owned()).expect("UTF-8");
        Self { _directory: directory, path }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.path.read_dir_utf8().expect("list").map(|e| e.expect("entry").file_name().to_owned()).collect();
        names.sort();
        names
    }

    fn publish(&self, sealed: &SealedTree) -> Result<Published, EmitError> {
        publish(sealed, &self.path, &Zeros(1 << 20))
    }
}

/// Path to mode of everything below.
fn modes(root: &Utf8Path) -> BTreeMap<String, u32> {
    let loaded = load::tree(root, load::Limits::BUNDLE).expect("readable");
    let files = loaded.files.into_iter().map(|(path, file)| (path, file.attributes.mode));
    let mut all: BTreeMap<String, u32> = files.collect();
    all.extend(loaded.directories.into_iter().map(|(path, attributes)| (path, attributes.mode)));
    all.insert(String::new(), loaded.attributes.mode);
    all
}

#[test]
fn a_build_takes_the_place_of_the_last_one_and_leaves_nothing_else() {
    let place = Place::new();
    std::fs::write(place.path.join("mine"), "kept").expect("write");
    let first = place.publish(&sealed("one")).expect("published");
    assert!(!first.replaced);
    let inode = std::fs::metadata(&first.path).expect("there").ino();
    std::fs::write(first.path.join("stray"), "").expect("write");
    let second = place.publish(&sealed("two")).expect("published");
    assert!(second.replaced && second.files == 5);
    assert_ne!(std::fs::metadata(&second.path).expect("there").ino(), inode);
    assert_eq!(std::fs::read_to_string(second.path.join("hosts/db-1/user-data")).expect("read"), "two");
    assert!(!second.path.join("stray").exists());
    assert_eq!(place.names(), ["mine", "prod"]);
    let sums =
        std::process::Command::new("sha256sum").args(["--quiet", "-c", SUMS]).current_dir(&second.path).status();
    assert!(sums.expect("coreutils").success());
}

#[test]
fn two_renames_do_as_well() {
    let place = Place::new();
    for name in ["old", "new"] {
        std::fs::create_dir(place.path.join(name)).expect("create");
        std::fs::write(place.path.join(name).join("file"), name).expect("write");
    }
    let (new, old) = (place.path.join("new"), place.path.join("old"));
    aside(new.as_std_path(), old.as_std_path(), &place.path.join("aside")).expect("renamed");
    assert_eq!(std::fs::read_to_string(old.join("file")).expect("read"), "new");
    assert_eq!(std::fs::read_to_string(new.join("file")).expect("read"), "old");
    // Killed between the two: the next build finds an empty place and the old tree aside.
    let place = Place::new();
    let kept = place.publish(&sealed("old")).expect("published").path;
    std::fs::rename(&kept, staging::aside(&place.path, "prod")).expect("rename");
    staging::clear(&place.path, "prod", &kept).expect("cleared");
    assert_eq!(place.names(), ["prod"]);
    assert!(place.publish(&sealed("new")).expect("published").replaced);
}

#[test]
fn what_is_not_ours_is_not_touched() {
    type Make = fn(&Utf8Path);
    let cases: [(&str, Make); 7] = [
        ("empty", |p| std::fs::create_dir(p).expect("create")),
        ("foreign", |p| {
            std::fs::create_dir(p).expect("create");
            std::fs::write(p.join(MANIFEST), r#"{"schema": "other/v1"}"#).expect("write");
        }),
        ("fifo", |p| {
            std::fs::create_dir(p).expect("create");
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            let kind = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(CWD, p.join(MANIFEST).as_std_path(), kind, mode, 0).expect("FIFO");
        }),
        ("linked manifest", |p| {
            std::fs::create_dir(p).expect("create");
            let real = p.with_file_name("elsewhere.json");
            std::fs::write(&real, r#"{"schema": "cfy-seed/manifest/v1"}"#).expect("write");
            symlink(real, p.join(MANIFEST)).expect("link");
        }),
        ("file", |p| std::fs::write(p, "x").expect("write")),
        ("symlink", |p| {
            let real = p.with_file_name("real");
            std::fs::create_dir(&real).expect("create");
            std::fs::write(real.join(MANIFEST), r#"{"schema": "cfy-seed/manifest/v1"}"#).expect("write");
            symlink(real, p).expect("link");
        }),
        ("dangling symlink", |p| symlink("/nowhere", p).expect("link")),
    ];
    for (what, make) in cases {
        let place = Place::new();
        make(&place.path.join("prod"));
        let before = place.names();
        let error = place.publish(&sealed("x")).expect_err(what);
        assert!(error.diagnostic().is_some() && !error.is_machine_failure(), "{what}: {error}");
        assert!(error.to_string().contains("/prod"), "{what}: {error}");
        assert_eq!(place.names(), before, "{what}");
    }
}

#[test]
fn one_build_at_a_time() {
    let place = Place::new();
    let lock = Lock::of_output(&place.path, "prod").expect("free");
    let error = place.publish(&sealed("x")).expect_err("locked");
    assert!(matches!(error, EmitError::Locked { .. }) && error.diagnostic().is_some());
    assert!(Lock::of_output(&place.path, "other").is_ok(), "another cluster has its own");
    drop(lock);
    place.publish(&sealed("x")).expect("free again");
    assert_eq!(place.names(), ["prod"]);
    // Many at once: each ends well or says that another is at it, and a whole tree stands in the end.
    let results: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| place.publish(&sealed("x")))).collect();
        runs.into_iter().map(|run| run.join().expect("no panic")).collect()
    });
    assert!(results.iter().all(|r| matches!(r, Ok(_) | Err(EmitError::Locked { .. }))), "{results:?}");
    assert!(results.iter().any(Result::is_ok));
    assert_eq!(place.names(), ["prod"]);
}

#[test]
fn leftovers_of_killed_builds_go() {
    let place = Place::new();
    for name in [".cfy-seed.prod.staging.abc", ".cfy-seed.other.staging.abc", ".cfy-seed.prod"] {
        std::fs::create_dir_all(place.path.join(name).join("hosts")).expect("create");
    }
    std::fs::write(place.path.join(".cfy-seed.prod.lock"), "").expect("write");
    symlink("/etc", place.path.join(".cfy-seed.prod.staging.link")).expect("link");
    place.publish(&sealed("x")).expect("published");
    assert_eq!(
        place.names(),
        [".cfy-seed.other.staging.abc", ".cfy-seed.prod", ".cfy-seed.prod.staging.link", "prod"]
    );
}

#[test]
fn large_content_is_streamed_and_held_to_its_word() {
    let place = Place::new();
    let old = place.publish(&sealed("old")).expect("published");
    let zeros = Digest256::of(&vec![0; 1 << 20]);
    let cases = [
        (big(1 << 19, None), "more"),
        (big(1 << 21, None), "only"),
        (big(1 << 20, Some(Digest256::of(b"other"))), "SHA-256"),
    ];
    for (sealed, part) in cases {
        let error = place.publish(&sealed).expect_err(part);
        assert!(
            matches!(&error, EmitError::Content { path, why } if path.as_str() == "payload/x.rpm" && why.contains(part))
        );
        assert!(error.diagnostic().is_some());
        assert_eq!(place.names(), ["prod"]);
        assert_eq!(std::fs::read_to_string(old.path.join("hosts/db-1/user-data")).expect("old tree"), "old");
    }
    let published = place.publish(&big(1 << 20, Some(zeros))).expect("published");
    let path: TreePath = "payload/x.rpm".parse().expect("path");
    let file = published.manifest.files.iter().find(|file| file.path == path).expect("listed");
    assert_eq!((file.size, file.sha256), (1 << 20, zeros));
}

#[test]
fn the_machine_s_failures_are_told_apart() {
    let place = Place::new();
    std::fs::write(place.path.join("file"), "").expect("write");
    for out in ["file", "file/below"] {
        let error = publish(&sealed("x"), &place.path.join(out), &Zeros(0)).expect_err(out);
        assert!(matches!(error, EmitError::OutputNotADirectory { .. }) && error.diagnostic().is_some());
    }
    // Nobody writes there, root neither.
    let error = publish(&sealed("x"), Utf8Path::new("/proc/self"), &Zeros(0)).expect_err("/proc");
    assert!(error.is_machine_failure() && error.diagnostic().is_none() && error.to_string().contains("/proc/self"));
    let error = publish(&sealed("x"), Utf8Path::new("/proc/none/such"), &Zeros(0)).expect_err("/proc");
    assert!(error.is_machine_failure() && error.to_string().contains("create"), "{error}");
    // Root may write everywhere else.
    if !rustix::process::geteuid().is_root() {
        std::fs::set_permissions(&place.path, std::fs::Permissions::from_mode(0o500)).expect("chmod");
        assert!(place.publish(&sealed("x")).expect_err("read-only").is_machine_failure());
        std::fs::set_permissions(&place.path, std::fs::Permissions::from_mode(0o700)).expect("chmod");
    }
}

#[test]
fn a_new_output_directory_is_made() {
    let place = Place::new();
    let published = publish(&sealed("x"), &place.path.join("a/b"), &Zeros(0)).expect("published");
    assert!(published.path.ends_with("a/b/prod") && published.path.join(SUMS).is_file());
}

#[test]
fn a_vault_is_written_file_by_file() {
    let place = Place::new();
    let path = place.path.join("prod.vault");
    let lock = VaultLock::acquire(&path).expect("new");
    assert!(matches!(VaultLock::acquire(&path), Err(EmitError::Locked { .. })));
    let file = |text: &str| -> TreePath { text.parse().expect(text) };
    let (key, host) = (file("ca.key"), file("hosts/db-1.key"));
    vault(&lock, [(&key, &b"one"[..]), (&host, b"two")]).expect("written");
    vault(&lock, [(&key, &b"three"[..])]).expect("replaced");
    std::fs::write(path.join("hosts/.cfy-seed.x.tmp"), "half").expect("write");
    drop(lock);
    let lock = VaultLock::acquire(&path).expect("free");
    let seen = modes(&path);
    let wanted = [("", 0o700), (".gitignore", 0o600), ("ca.key", 0o600), ("hosts", 0o700), ("hosts/db-1.key", 0o600)];
    assert_eq!(seen.iter().map(|(p, m)| (p.as_str(), *m)).collect::<Vec<_>>(), wanted);
    assert_eq!(std::fs::read(path.join("ca.key")).expect("read"), b"three");
    assert_eq!(std::fs::read(path.join(".gitignore")).expect("read"), b"*\n");
    symlink("/tmp", path.join("clients")).expect("link");
    let escaped = vault(&lock, [(&file("clients/x.key"), &b"key"[..])]);
    assert!(matches!(escaped, Err(EmitError::OutputNotADirectory { .. })));
    let loaded = load::vault_dir(&path).expect("readable").expect("there");
    assert_eq!(loaded.tree.others.len(), 1);
    assert_eq!(loaded.user, loaded.tree.attributes.owner);
    assert!(load::vault_dir(&place.path.join("none")).expect("no error").is_none());
}

/// The box of a sealed tree, as a build writes it beside that.
fn boxed(output: &mut Output, sealed: &SealedTree, split: Option<u64>) -> Result<(), EmitError> {
    let root = "prod-1".parse().expect("a path");
    let sign = |_: &[u8]| Some(b"signed".to_vec());
    let archive = Archive { sealed, root: &root, time: 0, source: &Zeros(0), sign: &sign, progress: &|_| () };
    output.archive(&archive, "prod-1.tar.gz", split)
}

fn staged(place: &Place, text: &str, split: Option<u64>) -> Output {
    let sealed = sealed(text);
    let mut output = Output::acquire(&place.path, sealed.cluster()).expect("free");
    output.tree(&sealed, &Zeros(0)).expect("staged");
    boxed(&mut output, &sealed, split).expect("staged");
    output
}

#[test]
fn tree_and_archive_come_into_their_places_together() {
    let place = Place::new();
    staged(&place, "old", None).publish().expect("published");
    let read = |name: &str| std::fs::read(place.path.join(name)).expect("there");
    let (old, data) = (read("prod-1.tar.gz"), "prod/hosts/db-1/user-data");
    for split in [None, Some(2000)] {
        let output = staged(&place, "new", split);
        assert_eq!((read("prod-1.tar.gz"), read(data)), (old.clone(), b"old".to_vec()), "nothing has changed yet");
        drop(output);
        assert_eq!(place.names(), ["prod", "prod-1.tar.gz"]);
        assert_eq!((read("prod-1.tar.gz"), read(data)), (old.clone(), b"old".to_vec()));
    }
    staged(&place, "new", Some(2000)).publish().expect("published");
    assert_eq!(read(data), b"new");
    assert!(!place.path.join("prod-1.tar.gz").exists() && place.path.join("prod-1.tar.gz.part-002").exists());
    staged(&place, "old", None).publish().expect("published");
    assert_eq!((read("prod-1.tar.gz"), place.names().len()), (old, 2));
}

#[test]
fn what_fails_between_two_renames_says_what_is_new() {
    let place = Place::new();
    let output = staged(&place, "old", None);
    // Came while the archive was written.
    std::fs::create_dir(place.path.join("prod-1.tar.gz")).expect("a directory");
    let error = output.publish().expect_err("in the way");
    assert!(error.is_machine_failure() && error.diagnostic().is_none());
    let said = error.to_string();
    let new = format!("{} is of this build", place.path.join("prod"));
    let old = format!("{} is as before", place.path.join("prod-1.tar.gz"));
    assert!(said.contains(&new) && said.contains(&old) && said.contains("cannot write"), "{said}");
    assert_eq!(place.names(), ["prod", "prod-1.tar.gz"], "and nothing is left beside");
}

#[test]
fn files_of_the_user_stay_beside_an_archive() {
    let place = Place::new();
    let theirs = [".part-001.gpg", ".part-abc", ".part-1", ".part-0001", ".part-", ".sha256.asc", ".gz"].map(|end| {
        let path = place.path.join(format!("prod-1.tar.gz{end}"));
        std::fs::write(&path, end).expect("written");
        path
    });
    // With the digest of the whole, as `sha256sum` writes it.
    let sums = place.path.join("prod-1.tar.gz.sha256");
    let line = format!("{}  prod-1.tar.gz\n", Digest256::of(b""));
    std::fs::write(&sums, &line).expect("written");
    staged(&place, "x", None).publish().expect("published");
    let sealed = sealed("x");
    let mut output = Output::acquire(&place.path, sealed.cluster()).expect("free");
    assert!(matches!(boxed(&mut output, &sealed, Some(2000)), Err(EmitError::Exists { path }) if path == sums));
    drop(output);
    assert_eq!(std::fs::read_to_string(&sums).expect("there"), line);
    std::fs::remove_file(&sums).expect("removed");
    for split in [Some(2000), Some(1000), Some(4000), None] {
        staged(&place, "x", split).publish().expect("published");
        assert!(theirs.iter().all(|path| path.exists()), "{split:?}: {:?}", place.names());
    }
    assert_eq!(place.names().len(), theirs.len() + 2, "{:?}", place.names());
    let whole = place.path.join("prod-1.tar.gz");
    for foreign in [&b"mine\n"[..], b"", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]] {
        std::fs::write(&whole, foreign).expect("written");
        for split in [None, Some(2000)] {
            let mut output = Output::acquire(&place.path, sealed.cluster()).expect("free");
            let error = boxed(&mut output, &sealed, split).expect_err("foreign");
            assert!(matches!(&error, EmitError::Exists { path } if *path == whole) && error.diagnostic().is_some());
        }
        assert_eq!(std::fs::read(&whole).expect("there"), foreign);
    }
}

/// What a SIGKILL leaves can be told by its name, and the next run knows it.
#[test]
fn what_is_added_to_a_payload_has_our_name_until_it_is_whole() {
    let place = Place::new();
    let payload = PayloadDirectory::acquire(&place.path).expect("free");
    std::mem::forget(payload.incoming(0).expect("begun"));
    let packages = place.path.join("packages");
    let left = || -> Vec<String> {
        packages.read_dir_utf8().expect("list").map(|entry| entry.expect("entry").file_name().to_owned()).collect()
    };
    assert!(matches!(left().as_slice(), [name] if name.starts_with(".cfy-seed.")), "{:?}", left());
    std::fs::write(packages.join("x.cfy-seed.tmp"), "mine").expect("written");
    drop(payload);
    drop(PayloadDirectory::acquire(&place.path).expect("free"));
    assert_eq!(left(), ["x.cfy-seed.tmp"]);
}

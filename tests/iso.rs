//! Images of ours as other programs read them: xorriso, isoinfo, blkid, file. Debian packages `xorriso`, `genisoimage`.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stand outside the house"
)]

#[path = "support/tools.rs"]
mod tools;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use cfy_seed::bundle::iso9660::Image;
use cfy_seed::bundle::{Content, Entry, Tree};
use cfy_seed::load::Disk;
use cfy_seed::names::{FileMode, TreePath};
use cfy_seed::verify;
use proptest::prelude::*;
use time::macros::datetime;
use tools::have;

const SEED: [&str; 4] = ["meta-data", "network-config", "user-data", "vendor-data"];

/// What a program prints; none where it is not installed.
fn run(program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    if !have(&[program]) {
        return None;
    }
    let output = Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").output().expect(program);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {told}");
    Some(output.stdout)
}

fn image(label: &str, tree: &Tree) -> Image {
    Image::new(label, tree, datetime!(2026-01-02 03:04:05 UTC)).expect("fits")
}

fn place() -> (tempfile::TempDir, Utf8PathBuf) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = Utf8PathBuf::from_path_buf(directory.path().to_owned()).expect("UTF-8");
    (directory, path)
}

fn write(image: &Image, path: &Utf8Path) {
    let mut file = BufWriter::new(File::create(path).expect("create"));
    image.write(&mut file, &Disk).expect("write");
    file.flush().expect("write");
}

fn seed() -> Tree {
    let mut tree = Tree::default();
    for name in SEED {
        tree.add(name, FileMode::SECRET, format!("#{name}\n").repeat(1000)).expect("new");
    }
    tree
}

/// Every shape: directories, an empty file, exact sectors, long and foreign names, names alike in 8.3, many files.
fn rich() -> Tree {
    let mut tree = seed();
    tree.add("empty", FileMode::SECRET, "").expect("new");
    tree.add("empty-too", FileMode::SECRET, "").expect("new");
    tree.add("a/b/c/d/e/f/deep", FileMode::PUBLIC, vec![7; 2048]).expect("new");
    tree.add("a/.hidden", FileMode::PROGRAM, vec![8; 4097]).expect("new");
    tree.add("größe/naïve.txt", FileMode::PUBLIC, "x").expect("new");
    tree.add(&format!("long/{}.rpm", "l".repeat(249)), FileMode::PUBLIC, "long").expect("new");
    tree.add(&format!("long/{}.rpm", "l".repeat(120)), FileMode::PUBLIC, "less long").expect("new");
    for n in 0..300 {
        tree.add(&format!("rpms/cloudify-manager-service-{n}.el8.x86_64.rpm"), FileMode::PUBLIC, format!("{n}"))
            .expect("new");
    }
    tree
}

fn bytes(entry: &Entry) -> &[u8] {
    match &entry.content {
        Content::Bytes(bytes) => bytes,
        Content::File { .. } | Content::Image(_) => panic!("bytes"),
    }
}

#[test]
fn xorriso_extracts_what_was_put_in() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let (_keep, root) = place();
    let (iso, out) = (root.join("x.iso"), root.join("out"));
    let tree = rich();
    write(&image("CIDATA", &tree), &iso);
    for joliet in [false, true] {
        let mut arguments = vec!["-abort_on", "WARNING", "-osirrox", "on"];
        if joliet {
            arguments.extend(["-read_fs", "norock"]);
        }
        arguments.extend(["-indev", iso.as_str(), "-extract", "/", out.as_str(), "-rollback_end"]);
        if run("xorriso", &arguments).is_none() {
            return;
        }
        let mut files = 0;
        for (path, entry) in tree.iter() {
            let file = out.join(path.as_str());
            if joliet && path.as_str().starts_with("long/") {
                continue;
            }
            assert_eq!(std::fs::read(&file).expect("extracted"), bytes(entry), "{path}");
            let status = std::fs::metadata(&file).expect("there");
            if !joliet {
                assert_eq!(status.permissions().mode() & 0o7777, entry.mode.bits(), "{path}");
                assert_eq!(status.mtime(), 1_767_323_045, "{path}");
            }
            files += 1;
        }
        assert!(files >= 300);
        if !joliet {
            let mode = std::fs::metadata(out.join("a/b/c")).expect("there").permissions().mode();
            assert_eq!(mode & 0o7777, 0o700);
        }
        Command::new("chmod").args(["-R", "u+rwX", out.as_str()]).status().expect("chmod");
        std::fs::remove_dir_all(&out).expect("remove");
    }
}

#[test]
fn isoinfo_lists_and_extracts_both_views() {
    let (_keep, root) = place();
    let iso = root.join("x.iso");
    let tree = rich();
    write(&image("CIDATA", &tree), &iso);
    for (view, codes) in [("-R", &["-R"][..]), ("-J", &["-J"][..])] {
        let mut arguments = vec!["-f"];
        arguments.extend(codes);
        arguments.extend(["-i", iso.as_str()]);
        let Some(listing) = run("isoinfo", &arguments) else { return };
        // Joliet names come out in ISO 8859-1, Rock Ridge names as the bytes they are.
        let listing = match view {
            "-J" => listing.into_iter().map(char::from).collect(),
            _ => String::from_utf8_lossy(&listing).into_owned(),
        };
        let names: Vec<&str> = listing.lines().collect();
        let files = tree.iter().map(|(path, _)| path.as_str()).filter(|path| !path.starts_with("long/"));
        for path in files {
            assert!(names.contains(&format!("/{path}").as_str()), "{path} {view}");
        }
        assert_eq!(names.len(), tree.len() + tree.directories().count(), "{view}");
        for path in SEED.iter().copied().chain(["a/b/c/d/e/f/deep", "a/.hidden"]) {
            let mut arguments = codes.to_vec();
            let inside = format!("/{path}");
            arguments.extend(["-i", iso.as_str(), "-x", &inside]);
            let content = run("isoinfo", &arguments).expect("installed");
            assert_eq!(content, bytes(tree.get(&path.parse().expect("path")).expect("there")), "{path} {view}");
        }
    }
    let listing = run("isoinfo", &["-l", "-R", "-i", iso.as_str()]).expect("installed");
    let listing = String::from_utf8_lossy(&listing).into_owned();
    let line = listing.lines().find(|line| line.contains(" user-data ")).expect("listed");
    assert!(line.starts_with("-rw-------   1    0    0") && line.contains("Jan  2 2026"), "{line}");
    // The path table is what isoinfo -p prints, parents before children.
    let table = run("isoinfo", &["-p", "-i", iso.as_str()]).expect("installed");
    assert_eq!(String::from_utf8_lossy(&table).lines().count() - 1, tree.directories().count() + 1);
}

#[test]
fn the_label_is_seen() {
    let (_keep, root) = place();
    let iso = root.join("x.iso");
    write(&image("CIDATA", &seed()), &iso);
    if let Some(seen) = run("blkid", &["-p", "-o", "export", iso.as_str()]) {
        let seen = String::from_utf8_lossy(&seen).into_owned();
        for line in ["LABEL=CIDATA", "TYPE=iso9660", "BLOCK_SIZE=2048"] {
            assert!(seen.lines().any(|l| l == line), "{seen}");
        }
    }
    if let Some(seen) = run("file", &["-b", iso.as_str()]) {
        assert!(String::from_utf8_lossy(&seen).contains("ISO 9660 CD-ROM filesystem data 'CIDATA'"));
    }
    if let Some(seen) = run("isoinfo", &["-d", "-i", iso.as_str()]) {
        let seen = String::from_utf8_lossy(&seen).into_owned();
        for part in ["Volume id: CIDATA", "Joliet with UCS level 3 found", "Rock Ridge signatures version 1 found"] {
            assert!(seen.contains(part), "{seen}");
        }
    }
}

const ZEROS: &[u8] = &[0; 1 << 20];

/// Leaves holes where zeros are written, so that 5 GiB cost nothing.
struct Sparse(File);

impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if ZEROS.get(..bytes.len()) == Some(bytes) {
            self.0.seek(SeekFrom::Current(i64::try_from(bytes.len()).unwrap_or(0)))?;
            return Ok(bytes.len());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn a_file_over_4_gib_is_one_file_to_others() {
    let (_keep, root) = place();
    let iso = root.join("x.iso");
    let size = (4_u64 << 30) + 12_345;
    let mut tree = seed();
    let large = root.join("large");
    let mut file = File::create(&large).expect("create");
    file.seek(SeekFrom::Start(size - 4)).expect("seek");
    file.write_all(b"end\n").expect("write");
    let content = Content::File { path: large, size, sha256: None };
    tree.insert("payload/large.tar".parse().expect("path"), Entry { mode: FileMode::PUBLIC, content }).expect("new");
    let image = image("PAYLOAD", &tree);
    let mut out = BufWriter::with_capacity(64 << 10, Sparse(File::create(&iso).expect("create")));
    image.write(&mut out, &Disk).expect("write");
    out.flush().expect("write");
    out.get_ref().0.set_len(image.len()).expect("length");
    let Some(listing) = run("xorriso", &["-indev", iso.as_str(), "-lsl", "/payload/large.tar"]) else { return };
    assert!(String::from_utf8_lossy(&listing).contains(&format!(" {size} ")));
    let offset = size - 4;
    let tail = root.join("tail");
    let extract = ["-osirrox", "on", "-indev", iso.as_str(), "-extract_cut", "/payload/large.tar"];
    let (offset, tail_text) = (offset.to_string(), tail.to_string());
    let mut arguments = extract.to_vec();
    arguments.extend([offset.as_str(), "4", tail_text.as_str()]);
    run("xorriso", &arguments).expect("installed");
    assert_eq!(std::fs::read(&tail).expect("extracted"), b"end\n");
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9._-]{1,12}",
        2 => "[a-zäß€;:*? 😀.]{1,20}",
        1 => "[a-b]{50,253}",
    ]
    .prop_filter("a name", |name| name != "." && name != ".." && name.len() <= 253)
}

fn trees() -> impl Strategy<Value = Tree> {
    let path = prop::collection::vec(names(), 1..=8).prop_map(|parts| parts.join("/"));
    let modes = prop::sample::select(vec![FileMode::SECRET, FileMode::PUBLIC, FileMode::PROGRAM]);
    let file = (path, modes, prop::collection::vec(any::<u8>(), 0..5000));
    prop::collection::vec(file, 0..40).prop_map(|files| {
        let mut tree = Tree::default();
        for (path, mode, bytes) in files {
            // Clashes are the strategy's, not the tree's.
            let _ = tree.add(&path, mode, bytes);
        }
        tree
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn our_reader_reads_what_our_writer_writes(tree in trees()) {
        let image = image("X", &tree);
        let mut out = Vec::new();
        image.write(&mut out, &Disk).expect("memory");
        prop_assert_eq!(out.len() as u64, image.len());
        let volume = verify::iso9660::read(&out, out.len() as u64).expect("readable");
        let view = volume.rock_ridge.expect("Rock Ridge");
        prop_assert_eq!(view.files.len(), tree.len());
        for (path, entry) in tree.iter() {
            let file = &view.files[path.as_str()];
            prop_assert!(file.bytes(&out) == bytes(entry));
            prop_assert_eq!(file.mode, Some(0o100_000 | entry.mode.bits()));
        }
        let directories: Vec<&str> = view.directories.keys().map(String::as_str).collect();
        prop_assert_eq!(directories, tree.directories().map(TreePath::as_str).collect::<Vec<_>>());
        // Joliet has other names for some, but the same files.
        let joliet = volume.joliet.expect("Joliet").1;
        let count = |contents: Vec<Vec<u8>>| contents.into_iter().fold(BTreeMap::new(), |mut all, bytes| {
            *all.entry(bytes).or_insert(0) += 1;
            all
        });
        let here = count(joliet.files.values().map(|file| file.bytes(&out).into_owned()).collect());
        prop_assert_eq!(here, count(tree.iter().map(|(_, entry)| bytes(entry).to_vec()).collect()));
        let mut shown = String::new();
        write!(shown, "{image:?}").expect("memory");
        prop_assert!(shown.starts_with("Image("));
    }
}

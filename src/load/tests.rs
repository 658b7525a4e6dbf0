//! What is read, and what is refused in which words.

use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode};

use super::*;

fn place() -> (tempfile::TempDir, Utf8PathBuf) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = Utf8PathBuf::from_path_buf(directory.path().to_owned()).expect("UTF-8");
    (directory, path)
}

fn fifo(path: &Utf8Path) {
    rustix::fs::mknodat(CWD, path.as_std_path(), FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("FIFO");
}

#[test]
fn each_way_to_be_unreadable_has_its_word() {
    let (_keep, root) = place();
    std::fs::write(root.join("text"), "\u{feff}a: 1\r\n").expect("write");
    std::fs::write(root.join("latin"), b"gr\xfc\xdfe").expect("write");
    fifo(&root.join("fifo"));
    symlink(root.join("text"), root.join("link")).expect("link");
    assert_eq!(text(&root.join("text"), 100).expect("text"), "\u{feff}a: 1\r\n");
    assert_eq!(text(&root.join("link"), 100).expect("text"), "\u{feff}a: 1\r\n");
    assert_eq!(bytes(&root.join("text"), 9).expect("just fits").len(), 9);
    let error = |name: &str, max| text(&root.join(name), max).expect_err(name);
    assert!(matches!(error("none", 9), LoadError::Missing { .. }));
    assert!(matches!(error("text/below", 9), LoadError::NotADirectory { .. }));
    assert!(matches!(error("", 9), LoadError::Directory { .. }));
    assert!(matches!(error("fifo", 9), LoadError::Special { .. }), "and without waiting");
    assert!(matches!(error("text", 8), LoadError::TooLarge { limit: 8, .. }));
    assert!(matches!(error("latin", 9), LoadError::NotUtf8 { offset: 2, .. }));
    assert!(matches!(text("/dev/zero".into(), 9), Err(LoadError::Special { .. })));
    assert!(matches!(text("/proc/self/mem".into(), 9), Err(LoadError::Machine { .. })));
    for name in ["none", "fifo", "latin"] {
        let error = error(name, 9);
        assert!(error.to_string().contains(error.path().as_str()));
        assert!(!error.is_machine_failure() && error.diagnostic().is_some());
    }
}

#[test]
fn a_tree_is_read_without_following_anything() {
    let (_keep, root) = place();
    std::fs::create_dir_all(root.join("a/b")).expect("create");
    std::fs::write(root.join("a/b/file"), "abc").expect("write");
    std::fs::write(root.join("large"), vec![0; 100_000]).expect("write");
    symlink("/etc", root.join("a/etc")).expect("link");
    fifo(&root.join("fifo"));
    std::fs::write(std::path::Path::new(root.as_str()).join(odd_name()), "").expect("write");
    let limits = Limits { files: 100, depth: 3, keep: 99_999, kept: 1 << 20, file: 1 << 20, digested: &[] };
    let loaded = tree(&root, limits).expect("readable");
    assert_eq!(loaded.directories.keys().collect::<Vec<_>>(), ["a", "a/b"]);
    assert_eq!(loaded.files["a/b/file"].bytes.as_deref(), Some(&b"abc"[..]));
    assert_eq!(loaded.files["a/b/file"].sha256, crate::names::Digest256::of(b"abc"));
    let large = &loaded.files["large"];
    assert_eq!((large.size, large.bytes.is_none()), (100_000, true));
    assert_eq!(large.sha256, crate::names::Digest256::of(&vec![0; 100_000]));
    let others: Vec<_> = loaded.others.into_iter().collect();
    assert_eq!(others.len(), 3);
    assert_eq!(others[0], ("a/etc".to_owned(), OtherKind::Symlink));
    assert_eq!(others[1], ("fifo".to_owned(), OtherKind::Special));
    assert_eq!(others[2].1, OtherKind::NotUtf8Name);
    assert!(matches!(tree(&root, Limits { files: 3, ..limits }), Err(LoadError::TooManyFiles { .. })));
    assert!(matches!(tree(&root, Limits { depth: 1, ..limits }), Err(LoadError::TooDeep { .. })));
    assert!(matches!(tree(&root, Limits { file: 9, ..limits }), Err(LoadError::TooLarge { .. })));
    assert!(matches!(tree(&root.join("large"), limits), Err(LoadError::NotADirectory { .. })));
    assert!(matches!(tree(&root.join("none"), limits), Err(LoadError::Missing { .. })));
    let few = tree(&root, Limits { kept: 2, ..limits }).expect("readable");
    assert!(few.files["a/b/file"].bytes.is_none(), "only so many bytes are kept of all");
}

fn odd_name() -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(b"z\xff".to_vec())
}

#[test]
#[allow(clippy::single_range_in_vec_init, reason = "sections of a file, of which most have one")]
fn an_image_is_read_in_one_pass_or_not_at_all() {
    let (_keep, root) = place();
    let path = root.join("x.iso");
    let mut bytes = vec![7; 2048];
    bytes.extend([b"ab".as_slice(), &[0; 2046], b"cd", &[0; 2046]].concat());
    std::fs::write(&path, &bytes).expect("written");
    let attributes = Attributes { mode: 0o644, owner: 0 };
    let layout = |files: &[(&str, &[std::ops::Range<u64>])]| {
        let files =
            files.iter().map(|(name, sections)| ((*name).to_owned(), (attributes, sections.to_vec()))).collect();
        Layout { head: 2048, size: 6144, attributes, directories: BTreeMap::new(), files }
    };
    let read = |layout: &Layout| image(&path, layout, Limits { files: 3, ..Limits::PAYLOAD }, &|_| ());
    let good = read(&layout(&[("one", &[2048..2050]), ("two", &[4096..4098]), ("none", &[])])).expect("good");
    assert!(good.damage.is_none());
    assert_eq!(good.tree.files["two"].bytes.as_deref(), Some(b"cd".as_slice()));
    assert_eq!(read(&layout(&[("both", &[2048..4096, 4096..4098])])).expect("good").tree.files["both"].size, 2050);
    // A file that overlaps with another, with itself, or that the directories, comes in the way of one pass.
    for (files, part) in [
        (&[("one", &[2048..2050][..]), ("two", &[2048..2050])][..], "overlap"),
        (&[("one", &[2048..4098]), ("two", &[4096..4098])], "overlap"),
        (&[("one", &[4096..4098, 2048..2050])], "overlap"),
        (&[("one", &[0..2050])], "overlap"),
        (&[("one", &[2048..2050]), ("two", &[4096..1 << 39])], "cut off"),
    ] {
        let error = read(&layout(files)).expect_err(part);
        assert!(matches!(&error, LoadError::Image { why, .. } if why.contains(part)), "{error}");
    }
    let many: Vec<String> = (0..4).map(|number| number.to_string()).collect();
    let many: Vec<(&str, &[std::ops::Range<u64>])> = many.iter().map(|name| (name.as_str(), [].as_slice())).collect();
    assert!(matches!(read(&layout(&many)), Err(LoadError::TooManyFiles { .. })));
    assert!(matches!(read(&layout(&[("one", &[2048..1 << 41])])), Err(LoadError::TooLarge { .. })));
    let padding = read(&layout(&[("two", &[4096..4098])])).expect("readable");
    assert!(padding.damage.is_some(), "what no file has is not zero");
}

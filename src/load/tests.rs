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

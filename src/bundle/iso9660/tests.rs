//! The writer against its own rules; `tests/iso.rs` holds it against other programs.

use time::macros::datetime;

use super::*;
use crate::names::FileMode;

const TIME: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

struct Nothing;

impl ContentSource for Nothing {
    fn open(&self, _: &camino::Utf8Path) -> io::Result<Box<dyn io::Read>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

fn bytes(image: &Image) -> Vec<u8> {
    let mut out = Vec::new();
    image.write(&mut out, &Nothing).expect("memory");
    assert_eq!(out.len() as u64, image.len());
    out
}

fn volume(label: &str) -> Volume<'_> {
    Volume { label, time: TIME, directories: FileMode::SECRET_DIR, digested: false }
}

fn seed() -> Tree {
    let mut tree = Tree::default();
    for name in ["user-data", "meta-data", "network-config", "vendor-data"] {
        tree.add(name, FileMode::SECRET, format!("#{name}\n")).expect("new");
    }
    tree
}

#[test]
fn a_seed_is_small_and_the_same_again() {
    let image = Image::new("CIDATA", &seed(), TIME).expect("fits");
    assert_eq!(bytes(&image), bytes(&Image::new("CIDATA", &seed(), TIME).expect("fits")));
    assert_eq!(image.len(), 30 * SECTOR_BYTES);
    assert!(image.is_inline() && !image.is_empty());
}

#[test]
fn what_the_format_cannot_hold_is_refused() {
    let error = |path: &str| {
        let mut tree = Tree::default();
        tree.add(path, FileMode::SECRET, "").expect("new");
        Image::new("CIDATA", &tree, TIME).map(|i| i.len())
    };
    assert!(matches!(error("1/2/3/4/5/6/7/8/f"), Err(IsoError::TooDeep(_))));
    assert!(error("1/2/3/4/5/6/7/f").is_ok());
    assert!(matches!(error(&"n".repeat(254)), Err(IsoError::NameTooLong(_))));
    assert!(error(&"n".repeat(253)).is_ok());
    for label in ["", "cidata", "C I", "ABCDEFGHIJKLMNOPQ"] {
        assert_eq!(Image::new(label, &seed(), TIME).map(|i| i.len()), Err(IsoError::Label(label.to_owned())));
    }
    let mut huge = Tree::default();
    let content = Content::File { path: "x".into(), size: 9 << 40, sha256: None };
    huge.insert("x".parse().expect("path"), crate::bundle::Entry { mode: FileMode::SECRET, content }).expect("new");
    assert_eq!(Image::new("X", &huge, TIME).map(|i| i.len()), Err(IsoError::TooLarge));
}

#[test]
fn a_file_of_several_sections_is_one_file() {
    let mut tree = seed();
    let long: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
    tree.add("payload/long.bin", FileMode::PUBLIC, long.clone()).expect("new");
    tree.add("payload/exact.bin", FileMode::PUBLIC, &long[..3 * 4096]).expect("new");
    let image = Image::with_extent_limit(volume("CIDATA"), &tree, 4096).expect("fits");
    let image = bytes(&image);
    let volume = crate::verify::iso9660::read(&image, image.len() as u64).expect("readable");
    for view in [&volume.rock_ridge.expect("Rock Ridge"), &volume.joliet.expect("Joliet").1] {
        let file = &view.files["payload/long.bin"];
        assert_eq!((file.sections.len(), file.bytes(&image).as_ref()), (10, long.as_slice()));
        assert_eq!(view.files["payload/exact.bin"].sections.len(), 3);
        assert_eq!(view.files["user-data"].bytes(&image).as_ref(), b"#user-data\n");
        assert_eq!(view.directories.len(), 1);
    }
}

#[test]
fn directories_of_many_sectors_keep_everything() {
    let mut tree = Tree::default();
    for n in 0..700 {
        let long = "ä".repeat(n % 110);
        tree.add(&format!("rpms/{}/cloudify-agent-{n}-{long}.rpm", n % 7), FileMode::PUBLIC, n.to_string())
            .expect("new");
    }
    let image = bytes(&Image::new("RPMS", &tree, TIME).expect("fits"));
    let volume = crate::verify::iso9660::read(&image, image.len() as u64).expect("readable");
    let view = volume.rock_ridge.expect("Rock Ridge");
    for (path, entry) in tree.iter() {
        let file = &view.files[path.as_str()];
        assert_eq!(file.mode, Some(0o100_644));
        assert_eq!(Content::Bytes(file.bytes(&image).into_owned()), entry.content);
    }
    assert_eq!(view.files.len(), 700);
    assert_eq!(volume.joliet.expect("Joliet").1.files.len(), 700);
    assert_eq!(view.directories["rpms/3"], Some(0o040_700));
}

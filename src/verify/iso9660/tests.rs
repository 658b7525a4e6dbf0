//! The reader against broken bytes. That it reads good ones is tested with the writer and in `tests/iso.rs`.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::bundle::iso9660::Image;
use crate::bundle::{ContentSource, Tree};
use crate::names::FileMode;

struct Nothing;

impl ContentSource for Nothing {
    fn open(&self, _: &camino::Utf8Path) -> std::io::Result<Box<dyn std::io::Read>> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

fn image() -> Vec<u8> {
    let mut tree = Tree::default();
    tree.add("user-data", FileMode::SECRET, "#cloud-config\n").expect("new");
    tree.add(&format!("below/{}", "n".repeat(253)), FileMode::SECRET, "x").expect("new");
    let image = Image::new("CIDATA", &tree, datetime!(2026-01-01 00:00:00 UTC)).expect("fits");
    let mut bytes = Vec::new();
    image.write(&mut bytes, &Nothing).expect("memory");
    bytes
}

fn of(image: &[u8]) -> Result<Volume, IsoReadError> {
    read(image, image.len() as u64)
}

#[test]
fn what_is_no_image_is_said() {
    let good = image();
    assert!(of(&good).is_ok());
    assert_eq!(of(b""), Err(IsoReadError::NotIso));
    assert_eq!(of(&good[..40 * 1024]), Err(IsoReadError::Truncated("the volume")));
    assert_eq!(of(&vec![0; 1 << 20]), Err(IsoReadError::NotIso));
    let mut looping = good.clone();
    // The second record of the root is its parent, the third the directory `BELOW`: let that be the root itself.
    let root = u32::from_le_bytes(good[16 * 2048 + 158..16 * 2048 + 162].try_into().expect("four")) as usize * 2048;
    let first = usize::from(good[root]);
    let third = root + first + usize::from(good[root + first]);
    let place = good[root + 2..root + 18].to_vec();
    looping[third + 2..third + 18].copy_from_slice(&place);
    assert_eq!(of(&looping), Err(IsoReadError::Broken("a directory is reached twice")));
}

/// The record in the root that has this name in Rock Ridge.
fn entry(image: &[u8], name: &str) -> usize {
    let field = [&[b'N', b'M', u8::try_from(5 + name.len()).expect("short"), 1, 0], name.as_bytes()].concat();
    let mut at = root(image);
    loop {
        let record = &image[at..at + usize::from(image[at])];
        if record.windows(field.len()).any(|bytes| bytes == field) {
            return at;
        }
        assert!(!record.is_empty(), "no record of {name}");
        at += record.len();
    }
}

fn broken(image: &[u8]) -> &'static str {
    match of(image).expect_err("refused") {
        IsoReadError::Broken(why) => why,
        other => panic!("{other}"),
    }
}

/// The primary root's own record, and where its directory is.
fn root(image: &[u8]) -> usize {
    u32::from_le_bytes(image[16 * 2048 + 158..16 * 2048 + 162].try_into().expect("four")) as usize * 2048
}

#[test]
fn what_hosts_do_not_see_as_it_is_read_here_is_refused() {
    let good = image();
    let start = entry(&good, "user-data");
    let [px, tf, nm] = [b"PX\x24\x01", b"TF\x1a\x01", b"NM\x0e\x01"]
        .map(|head| start + good[start..].windows(4).position(|bytes| bytes == head).expect("a field"));
    let changed = |at: usize, bytes: &[u8]| {
        let mut image = good.clone();
        image[at..at + bytes.len()].copy_from_slice(bytes);
        broken(&image)
    };
    for kind in [0o010_600_u32, 0o120_600, 0o040_600, 0o000_600, 0o020_600] {
        let both = [kind.to_le_bytes(), kind.to_be_bytes()].concat();
        assert!(changed(px + 4, &both).contains("file type"), "{kind:o}");
    }
    for signature in [b"SL", b"ZF", b"CL", b"RE", b"SF", b"PN", b"RR", b"XX"] {
        assert!(changed(tf, signature).contains("does not write"), "{signature:?}");
    }
    assert!(changed(tf, b"PX").contains("does not write"), "a second mode");
    for flags in [2, 4, 8, 0x20] {
        assert!(changed(nm + 4, &[flags]).contains("hosts do not take"), "{flags}");
    }
    for flags in [1, 4, 8, 0x10] {
        assert!(changed(start + 25, &[flags]).contains("hidden"), "{flags}");
    }
}

#[test]
fn no_piece_is_read_twice() {
    let good = image();
    // The file lies where the directory's own bytes are.
    let mut inside = good.clone();
    let place = good[root(&good) + 2..root(&good) + 18].to_vec();
    let user_data = entry(&good, "user-data");
    inside[user_data + 2..user_data + 18].copy_from_slice(&place);
    assert_eq!(broken(&inside), "two of its pieces overlap");
    // Two names continue in one area.
    let mut tree = Tree::default();
    for first in ["a", "b"] {
        tree.add(&format!("{first}{}", "n".repeat(250)), FileMode::SECRET, "x").expect("new");
    }
    let image = Image::new("CIDATA", &tree, datetime!(2026-01-01 00:00:00 UTC)).expect("fits");
    let mut shared = Vec::new();
    image.write(&mut shared, &Nothing).expect("memory");
    assert!(of(&shared).is_ok());
    // The first is that of the root, which says what Rock Ridge is.
    let mut areas: Vec<usize> = Vec::new();
    while let Some(at) = shared[areas.last().map_or(0, |at| at + 1)..].windows(4).position(|b| b == b"CE\x1c\x01") {
        areas.push(areas.last().map_or(0, |at| at + 1) + at);
    }
    assert_eq!(areas.len(), 3);
    let piece = shared[areas[1]..areas[1] + 28].to_vec();
    shared[areas[2]..areas[2] + 28].copy_from_slice(&piece);
    assert_eq!(broken(&shared), "two of its pieces overlap");
}

#[test]
fn names_are_bounded() {
    // The times become the beginning of the name: 21 bytes more for each part of the path.
    let longer = |path: &str| {
        let mut tree = Tree::default();
        tree.add(path, FileMode::SECRET, "x").expect("new");
        let image = Image::new("CIDATA", &tree, datetime!(2026-01-01 00:00:00 UTC)).expect("fits");
        let mut bytes = Vec::new();
        image.write(&mut bytes, &Nothing).expect("memory");
        assert!(of(&bytes).is_ok());
        let mut from = root(&bytes) + 2 * 34;
        while let Some(at) = bytes[from..].windows(4).position(|bytes| bytes == b"TF\x1a\x01") {
            from += at;
            bytes[from..from + 26].copy_from_slice(b"NM\x1a\x01\x01iiiiiiiiiiiiiiiiiiiii");
        }
        of(&bytes)
    };
    assert!(longer(&"n".repeat(230)).is_ok(), "there is room for more");
    assert_eq!(
        longer(&"n".repeat(240)).expect_err("too long"),
        IsoReadError::Broken("a Rock Ridge name of more than 255 bytes")
    );
    let deep = vec!["n".repeat(140); 7].join("/");
    assert_eq!(longer(&deep).expect_err("too long"), IsoReadError::TooMany("bytes of names"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_it_panic(changes in prop::collection::vec((0_usize..60_000, any::<u8>()), 1..12), cut in 0_usize..80_000) {
        let mut bytes = image();
        for (at, value) in changes {
            // Most of an image is zeros: aim at descriptors and directories.
            let at = 16 * 2048 + at % (bytes.len() - 16 * 2048);
            bytes[at] = value;
        }
        bytes.truncate(cut.max(30_000));
        let _ = of(&bytes);
        let _ = read(&bytes, u64::MAX);
    }
}

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

//! One file of an archive, found without reading the gigabytes before it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use camino::Utf8Path;
use tar::{EntryType, Header};

use super::file::open;

/// Before the first block: the header of gzip.
const HEADER: u64 = 10;
/// A stored block, which has five bytes before it; all are full but the last.
const BLOCK: u64 = 0xffff;
const BLOCK_HEADER: u64 = 5;
/// tar counts in these.
const RECORD: u64 = 512;

/// The bytes of one file of an archive that was written here, in one file or in parts, where it is in it and has at most so many. Nothing
/// is checked but what leads to it: this is for telling archives apart, and [`archive`](super::archive()) for trusting one.
#[must_use]
pub fn member(parts: &[impl AsRef<Utf8Path>], name: &str, max: u64) -> Option<Vec<u8>> {
    let mut files = Vec::new();
    for part in parts {
        let file = open(part.as_ref()).ok()?;
        let size = file.metadata().ok()?.len();
        files.push((file, size));
    }
    let stored = Stored { files };
    let mut at = 0;
    loop {
        let mut header = Header::new_gnu();
        stored.read(at, header.as_mut_bytes())?;
        // The end of it is zeros, and no header.
        header.as_gnu()?;
        let size = header.entry_size().ok()?;
        if header.entry_type() == EntryType::Regular && *header.path_bytes() == *name.as_bytes() {
            let mut bytes = vec![0; usize::try_from(size).ok().filter(|_| size <= max)?];
            stored.read(at + RECORD, &mut bytes)?;
            return Some(bytes);
        }
        at = at.checked_add(RECORD)?.checked_add(size.checked_next_multiple_of(RECORD)?)?;
    }
}

/// gzip with stored blocks: where a byte lies follows from its number.
struct Stored {
    files: Vec<(File, u64)>,
}

impl Stored {
    /// Fills all of it with the bytes from there on.
    fn read(&self, mut at: u64, mut into: &mut [u8]) -> Option<()> {
        while !into.is_empty() {
            let within = at % BLOCK;
            let place =
                (at / BLOCK).checked_mul(BLOCK + BLOCK_HEADER)?.checked_add(HEADER + BLOCK_HEADER + within)?;
            let most = usize::try_from(BLOCK - within).ok()?.min(into.len());
            let count = self.read_packed(place, into.get_mut(..most)?)?;
            at = at.checked_add(count as u64)?;
            into = into.get_mut(count..)?;
        }
        Some(())
    }

    /// Some of the bytes from there on, as they are in the file that has them.
    fn read_packed(&self, mut place: u64, into: &mut [u8]) -> Option<usize> {
        for (file, size) in &self.files {
            if let Some(beyond) = place.checked_sub(*size) {
                place = beyond;
            } else {
                return file.read_at(into, place).ok().filter(|count| *count > 0);
            }
        }
        None
    }
}

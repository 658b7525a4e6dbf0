//! ISO 9660 images with Rock Ridge and Joliet, made without a tool and byte for byte the same from the same tree.
//!
//! Sources: ECMA-119 (4th edition; ISO 9660 level 3 for files over 4 GiB), IEEE P1281 (SUSP), IEEE P1282 in its
//! 1991A form (Rock Ridge), and the Joliet specification of 1995. Linux prefers Rock Ridge, Windows reads Joliet, and
//! ISO 9660 itself only has names such as `USERDATA.;1`.
//!
//! Left out: relocation of deep directories (refused aloud), symbolic links, El Torito, and the 150 sectors of
//! padding that genisoimage adds for the read-ahead of real CD drives. Rejected: crate hadris-iso, which puts the
//! time of day into the image.

mod field;
mod hierarchy;
mod name;
mod record;
mod view;
mod volume;

use std::io::{self, Write};

use time::OffsetDateTime;

use super::tree::{Content, ContentSource, Tree};
use crate::names::{Digest256, FileMode, TreePath};

/// Bytes of a logical sector and of a logical block (ECMA-119 6.1.2, 6.2.2).
const SECTOR: usize = 2048;
const SECTOR_BYTES: u64 = 2048;

/// The most bytes of one extent: a multiple of the sector that fits 32 bits, as a section of a longer file must be.
const EXTENT_LIMIT: u32 = 0xffff_f800;

/// Why a tree cannot be an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IsoError {
    /// The label is not 1 to 16 of `A-Z 0-9 _`: what ISO 9660 allows, as long as Joliet has room for.
    #[error("`{0}` cannot be a volume label: 1 to 16 of A-Z, 0-9 and `_`")]
    Label(String),
    /// One name is longer than the 253 bytes that Linux reads of a Rock Ridge name.
    #[error("`{0}` has a part of more than 253 bytes, which ISO 9660 with Rock Ridge cannot hold")]
    NameTooLong(TreePath),
    /// More than eight levels of directories, the root included (ECMA-119 6.8.2.1).
    #[error("`{0}` lies deeper than the eight levels of ISO 9660")]
    TooDeep(TreePath),
    /// A path table numbers its directories with 16 bits.
    #[error("{0} directories, but an ISO 9660 image has at most 65535")]
    TooManyDirectories(usize),
    /// More than 2³² sectors.
    #[error("the files are larger than the 8 TiB of an ISO 9660 image")]
    TooLarge,
    /// ISO 9660 counts years from 1900 in one byte.
    #[error("the year {0} is not one of 1900 to 2155, all that ISO 9660 can say")]
    Date(i32),
}

/// What an image says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Volume<'a> {
    /// The volume label.
    pub label: &'a str,
    /// Every date in it.
    pub time: OffsetDateTime,
    /// The mode of its directories.
    pub directories: FileMode,
    /// Whether it has the digest of its own head (descriptors, path tables, directories): the digests of its files say nothing of
    /// those bytes. It stands in the application's field of the primary descriptor (ECMA-119 8.4.32).
    pub digested: bool,
}

/// What the application's field begins with where it has a digest: 64 hexadecimal digits follow, and then the head's sectors.
/// The digest is that of the head with zeros in the place of the digits.
pub const HEAD_DIGEST: &str = "CFY-SEED MEDIUM 1 HEAD SHA256 ";
/// Where the application's field begins: in the first descriptor (ECMA-119 8.4.32).
const APPLICATION_USE: usize = 16 * SECTOR + 883;

/// So many of its first bytes tell whether an image was made here: up to the end of its first descriptor.
pub const BEGINNING: usize = 17 * SECTOR;

/// Whether an image that begins so was made here, with the digest of its head, and carries this label.
#[must_use]
pub fn is_ours(head: &[u8], label: &str) -> bool {
    let has = |at: usize, text: &str| head.get(at..).is_some_and(|rest| rest.starts_with(text.as_bytes()));
    has(APPLICATION_USE, HEAD_DIGEST) && has(16 * SECTOR + 40, &format!("{label:32}"))
}

/// An image, ready to be written. Large content in it stays a reference until then.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// Everything before the files' own bytes: descriptors, path tables and directories.
    head: Vec<u8>,
    /// What follows, each padded to whole sectors.
    files: Vec<Content>,
}

impl Image {
    /// Lays an image of the tree out: owner 0:0, the tree's modes, directories 0700, and `time` for every date.
    ///
    /// # Errors
    /// When the tree, the label or the time is more than the format can hold.
    pub fn new(label: &str, tree: &Tree, time: OffsetDateTime) -> Result<Self, IsoError> {
        Self::of(Volume { label, time, directories: FileMode::SECRET_DIR, digested: false }, tree)
    }

    /// As [`Image::new`], and what else an image can say of itself.
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn of(volume: Volume<'_>, tree: &Tree) -> Result<Self, IsoError> {
        Self::with_extent_limit(volume, tree, EXTENT_LIMIT)
    }

    /// [`Image::of`] with smaller sections, so that tests need no file of 4 GiB.
    fn with_extent_limit(volume: Volume<'_>, tree: &Tree, limit: u32) -> Result<Self, IsoError> {
        let label = volume.label;
        let allowed = |b: u8| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_');
        if !(1..=16).contains(&label.len()) || !label.bytes().all(allowed) {
            return Err(IsoError::Label(label.to_owned()));
        }
        let hierarchy = hierarchy::Hierarchy::of(tree)?;
        let mut head = volume::head(&volume, &hierarchy, limit)?;
        if volume.digested {
            put_digest(&mut head);
        }
        Ok(Self { head, files: hierarchy.files.into_iter().map(|file| file.content.clone()).collect() })
    }

    /// Size of the image in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.files.iter().map(|file| file.len().next_multiple_of(SECTOR_BYTES)).sum::<u64>() + self.head.len() as u64
    }

    /// Never: an image has its descriptors.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// Whether no content is a reference, so that writing reads nothing.
    #[must_use]
    pub fn is_inline(&self) -> bool {
        self.files.iter().all(|content| match content {
            Content::Bytes(_) => true,
            Content::File { .. } => false,
            Content::Image(image) => image.is_inline(),
        })
    }

    /// Writes the image: exactly [`Image::len`] bytes.
    ///
    /// # Errors
    /// Those of `out`, and those of [`Content::write`].
    pub fn write(&self, out: &mut impl Write, source: &dyn ContentSource) -> io::Result<()> {
        out.write_all(&self.head)?;
        for content in &self.files {
            // Without `dyn` an image in an image would ask the compiler for endlessly many versions of this function.
            let mut out: &mut dyn Write = out;
            content.write(&mut out, source)?;
            let rest = content.len().next_multiple_of(SECTOR_BYTES) - content.len();
            io::copy(&mut io::Read::take(io::repeat(0), rest), out)?;
        }
        Ok(())
    }
}

fn put_digest(head: &mut [u8]) {
    let sectors = head.len() / SECTOR;
    let put = |head: &mut [u8], digits: &str| {
        let text = format!("{HEAD_DIGEST}{digits} SECTORS {sectors:010}");
        for (to, from) in head.iter_mut().skip(APPLICATION_USE).zip(text.bytes()) {
            *to = from;
        }
    };
    put(head, &"0".repeat(64));
    let digest = Digest256::of(head);
    put(head, &digest.to_string());
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({} files, {} bytes)", self.files.len(), self.len())
    }
}

#[cfg(test)]
mod tests;

//! A sealed tree as one archive: tar (GNU), in gzip that stores and does not compress, because what is large in it is
//! compressed already.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::gzip::{STORED_HEADER, Stored};
use super::{Closing, Content, ContentSource, Entry, SIGNATURE, SealError, SealedTree};
use crate::names::{Digest256, FileMode, TreePath};

/// So many of its first bytes tell whether an archive was written here.
pub const BEGINNING: usize = STORED_HEADER.len() + BLOCK_HEADER + 512;
/// Before each stored block (RFC 1951 §3.2.4).
const BLOCK_HEADER: usize = 5;

/// Whether these first bytes are those of an archive that was written here, with this directory in it: the header of gzip that stores, and
/// in the first block that of the directory.
#[must_use]
pub fn is_ours(head: &[u8], root: &str) -> bool {
    let Some(stored) = head.strip_prefix(&STORED_HEADER) else { return false };
    let Some(tar) = stored.get(BLOCK_HEADER..) else { return false };
    let Some(bytes) = tar.first_chunk::<512>() else { return false };
    let mut header = Header::new_gnu();
    header.as_mut_bytes().copy_from_slice(bytes);
    header.as_gnu().is_some()
        && header.entry_type() == EntryType::Directory
        && *header.path_bytes() == *format!("{root}/").as_bytes()
}

/// What an archive is made of.
#[derive(Clone, Copy)]
pub struct Archive<'a> {
    /// The files.
    pub sealed: &'a SealedTree,
    /// The directory that all of them lie in.
    pub root: &'a TreePath,
    /// Every date in it, in seconds since 1970.
    pub time: u64,
    /// Opens what the tree refers to.
    pub source: &'a dyn ContentSource,
    /// Signs `SHA256SUMS`.
    pub sign: &'a dyn Fn(&[u8]) -> Option<Vec<u8>>,
    /// Is told how many bytes of files have passed.
    pub progress: &'a dyn Fn(u64),
}

impl std::fmt::Debug for Archive<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("root", self.root).finish_non_exhaustive()
    }
}

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file that the tree refers to cannot be read, or is not the one it was.
    #[error("the content of {path} cannot be taken over: {why}")]
    Content {
        /// Which file of the tree.
        path: TreePath,
        /// What is wrong with it.
        why: String,
    },
    /// The tree cannot be closed: a bug.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// `SHA256SUMS` cannot be signed: a bug.
    #[error("the digests cannot be signed")]
    Unsigned,
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

impl Archive<'_> {
    /// Writes it in one pass: each file is read once, digested and archived at the same time; the manifest, the digests and their
    /// signature come last. No more than some hundred KiB of a file are in memory, save for seed images.
    ///
    /// # Errors
    /// When a file has changed or cannot be read, or `out` fails.
    pub fn write(&self, out: impl Write) -> Result<Closing, ArchiveError> {
        let mut tar = Builder::new(Stored::new(out)?);
        self.directory(&mut tar, "")?;
        let mut directories = self.sealed.tree().directories().peekable();
        let mut streamed = BTreeMap::new();
        let mut passed = 0;
        for (path, entry) in self.sealed.tree().iter() {
            // Each directory before the first file in it; both come in the order of their paths' bytes.
            while let Some(directory) = directories.next_if(|directory| directory.as_str() < path.as_str()) {
                self.directory(&mut tar, directory.as_str())?;
            }
            let digest = self.file(&mut tar, path, entry, &mut passed)?;
            if self.sealed.digest(path).is_none() {
                streamed.insert(path.clone(), digest);
            }
        }
        let closing = self.sealed.close(&streamed)?;
        for (path, entry) in &closing.files {
            self.file(&mut tar, path, entry, &mut passed)?;
        }
        let Content::Bytes(sums) = &closing.files[1].1.content else { return Err(ArchiveError::Unsigned) };
        let signature = (self.sign)(sums).ok_or(ArchiveError::Unsigned)?;
        let entry = Entry { mode: FileMode::SECRET, content: Content::Bytes(signature) };
        let path = SIGNATURE.parse().map_err(|error| SealError::Tree(super::TreeError::Path(error)))?;
        self.file(&mut tar, &path, &entry, &mut passed)?;
        tar.into_inner()?.finish()?.flush()?;
        Ok(closing)
    }

    fn header(&self, kind: EntryType, mode: u32, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.time);
        header
    }

    /// Directories of the payload are for web servers too; the others are as in a built tree.
    fn directory(&self, tar: &mut Builder<impl Write>, path: &str) -> Result<(), ArchiveError> {
        let mode = if path == "payload" || path.starts_with("payload/") { 0o755 } else { 0o700 };
        let mut header = self.header(EntryType::Directory, mode, 0);
        let place = format!("{}/{path}", self.root);
        Ok(tar.append_data(&mut header, place, io::empty())?)
    }

    fn file(
        &self,
        tar: &mut Builder<impl Write>,
        path: &TreePath,
        entry: &Entry,
        passed: &mut u64,
    ) -> Result<Digest256, ArchiveError> {
        let content = |why: String| ArchiveError::Content { path: path.clone(), why };
        let image;
        let from: Box<dyn Read + '_> = match &entry.content {
            Content::Bytes(bytes) => Box::new(bytes.as_slice()),
            Content::File { path: from, .. } => {
                let opened = self.source.open(from).map_err(|error| content(format!("{from}: {error}")))?;
                Box::new(io::BufReader::with_capacity(256 << 10, opened))
            }
            Content::Image(_) => {
                let mut bytes = Vec::new();
                entry.content.write(&mut bytes, self.source).map_err(|error| content(error.to_string()))?;
                image = bytes;
                Box::new(image.as_slice())
            }
        };
        let size = entry.content.len();
        let progress = |count| {
            *passed += count;
            (self.progress)(*passed);
        };
        let mut passing = Passing { from, left: size, digest: Sha256::new(), failed: None, progress };
        let mut header = self.header(EntryType::Regular, entry.mode.bits(), size);
        let appended = tar.append_data(&mut header, format!("{}/{path}", self.root), &mut passing);
        if let Some(why) = passing.failed.take() {
            return Err(content(why));
        }
        appended?;
        if passing.from.read(&mut [0]).is_ok_and(|count| count > 0) {
            return Err(content(format!("it has grown: {size} bytes were expected")));
        }
        let digest = Digest256::from_bytes(passing.digest.finalize().into());
        match &entry.content {
            Content::File { sha256: Some(pinned), .. } if *pinned != digest => {
                Err(content(format!("it has the SHA-256 {digest} and not {pinned}")))
            }
            _ => Ok(digest),
        }
    }
}

/// Exactly so many bytes of a reader, digested on their way.
struct Passing<'r, P> {
    from: Box<dyn Read + 'r>,
    left: u64,
    digest: Sha256,
    /// Why it could not be read; without it, what fails is the archive.
    failed: Option<String>,
    progress: P,
}

impl<P: FnMut(u64)> Read for Passing<'_, P> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let into = into.get_mut(..most).unwrap_or_default();
        if into.is_empty() {
            return Ok(0);
        }
        let read = self.from.read(into).and_then(|count| match count {
            0 => Err(io::Error::other(format!("it has changed: {} bytes are missing at its end", self.left))),
            count => Ok(count),
        });
        match read {
            Ok(count) => {
                self.left -= count as u64;
                self.digest.update(into.get(..count).unwrap_or_default());
                (self.progress)(count as u64);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failed = Some(error.to_string());
                Err(error)
            }
        }
    }
}

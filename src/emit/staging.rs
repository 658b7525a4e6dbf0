//! The directory in which a tree is written before it is published.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::stop::go_on;
use super::{EmitError, sync_directory};
use crate::bundle::manifest::Manifest;
use crate::bundle::{Closing, Content, ContentSource, Entry, SealedTree};
use crate::names::{Digest256, FileMode, TreePath};

/// Files that are written at a time, because what is streamed is digested on the way. The number is not measured.
const WRITERS: usize = 4;

fn prefix(cluster: &str) -> String {
    // A cluster's name has no dot, so no other cluster's names begin like this.
    format!(".cfy-seed.{cluster}.staging.")
}

/// Where the old tree waits on a file system that cannot exchange two directories.
pub(super) fn aside(out_dir: &Utf8Path, cluster: &str) -> Utf8PathBuf {
    out_dir.join(format!(".cfy-seed.{cluster}.aside"))
}

/// Removes what killed builds of this cluster left. The caller holds the lock, so nobody is using it.
pub(super) fn clear(out_dir: &Utf8Path, cluster: &str, target: &Utf8Path) -> Result<(), EmitError> {
    let aside = aside(out_dir, cluster);
    if std::fs::symlink_metadata(&aside).is_ok_and(|status| status.is_dir()) {
        // Killed between two renames. With an empty place the old tree is the only one; else the new one is in place.
        if std::fs::symlink_metadata(target).is_ok() {
            remove(&aside)?;
        } else {
            std::fs::rename(&aside, target).map_err(|e| EmitError::machine("restore", target, e))?;
        }
    }
    let failed = |error: io::Error| EmitError::machine("list", out_dir, error);
    let prefix = prefix(cluster);
    for entry in out_dir.read_dir_utf8().map_err(failed)? {
        // Names that are not UTF-8 are none of ours.
        let Ok(entry) = entry else { continue };
        let directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if directory && entry.file_name().starts_with(&prefix) {
            remove(entry.path())?;
        }
    }
    Ok(())
}

/// Removes the regular files of a directory whose names are such. Names that are not UTF-8 are none of ours.
pub(super) fn remove_files(directory: &Utf8Path, such: impl Fn(&str) -> bool) -> Result<(), EmitError> {
    let failed = |error: io::Error| EmitError::machine("list", directory, error);
    for entry in directory.read_dir_utf8().map_err(failed)?.flatten() {
        if such(entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            std::fs::remove_file(entry.path()).map_err(|e| EmitError::machine("remove", entry.path(), e))?;
        }
    }
    Ok(())
}

fn remove(path: &Utf8Path) -> Result<(), EmitError> {
    std::fs::remove_dir_all(path).map_err(|e| EmitError::machine("remove", path, e))
}

/// A directory of mode 0700 beside the target, removed with everything in it when dropped.
#[derive(Debug)]
pub(super) struct Staging {
    path: Utf8PathBuf,
    _directory: TempDir,
}

/// What was staged.
#[derive(Debug)]
pub(super) struct Written {
    pub manifest: Manifest,
    pub files: usize,
    pub bytes: u64,
}

impl Staging {
    pub fn new(out_dir: &Utf8Path, cluster: &str) -> Result<Self, EmitError> {
        let failed = |error: io::Error| EmitError::machine("write to", out_dir, error);
        let directory = tempfile::Builder::new()
            .prefix(&prefix(cluster))
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(out_dir)
            .map_err(failed)?;
        let path = Utf8PathBuf::from_path_buf(directory.path().to_owned())
            .map_err(|_| failed(io::Error::other("its name is not UTF-8")))?;
        // The umask may have taken bits away.
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(failed)?;
        Ok(Self { path, _directory: directory })
    }

    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Writes and syncs the whole tree, closes it with its manifest, and syncs the directories.
    pub fn write(&self, sealed: &SealedTree, source: &dyn ContentSource) -> Result<Written, EmitError> {
        for directory in sealed.tree().directories() {
            create_directory(&self.path.join(directory.as_str()))?;
        }
        let streamed = self.files(sealed, source)?;
        let closing = sealed.close(&streamed)?;
        for (path, entry) in &closing.files {
            write_file(&self.path.join(path.as_str()), path, entry, None, source)?;
        }
        self.sync(sealed, &closing)?;
        let all = sealed.tree().iter().map(|(_, entry)| entry);
        let all = all.chain(closing.files.iter().map(|(_, entry)| entry));
        let bytes = all.map(|entry| entry.content.len()).sum();
        Ok(Written { manifest: closing.manifest, files: sealed.tree().len() + 2, bytes })
    }

    /// Brings the whole tree to the disk.
    ///
    /// One `syncfs` and not a `fsync` for each file: in a probe that only wrote 72 files in 10 directories (a script, 12
    /// interleaved runs, a busy two-core machine with ext4) the medians were 53 ms so, 152 ms with single syncs on 16
    /// threads, 26 ms with none. It also waits for what others have written to the same file system. Before Linux 5.8
    /// it does not tell of failed writes; the large content, where the disk's end is met, is therefore synced by itself.
    fn sync(&self, sealed: &SealedTree, closing: &Closing) -> Result<(), EmitError> {
        let failed = |error: io::Error| EmitError::machine("sync", &self.path, error);
        let root = File::open(&self.path).map_err(failed)?;
        match rustix::fs::syncfs(&root) {
            Err(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP) => {}
            other => return other.map_err(|error| failed(error.into())),
        }
        let files = sealed.tree().iter().map(|(path, _)| path).chain(closing.files.iter().map(|(path, _)| path));
        for path in files.chain(sealed.tree().directories()) {
            // Opens directories and files alike.
            sync_directory(&self.path.join(path.as_str()))?;
        }
        sync_directory(&self.path)
    }

    /// Writes all files but the closing two; says the digests of those whose bytes were streamed.
    fn files(
        &self,
        sealed: &SealedTree,
        source: &dyn ContentSource,
    ) -> Result<BTreeMap<TreePath, Digest256>, EmitError> {
        let work: Vec<(&TreePath, &Entry)> = sealed.tree().iter().collect();
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let writer = || {
            let mut streamed = Vec::new();
            while !stop.load(Ordering::Relaxed)
                && let Some((path, entry)) = work.get(next.fetch_add(1, Ordering::Relaxed))
            {
                let known = sealed.digest(path);
                match write_file(&self.path.join(path.as_str()), path, entry, known, source) {
                    Ok(digest) if known.is_none() => streamed.push(((*path).clone(), digest)),
                    Ok(_) => {}
                    Err(error) => {
                        stop.store(true, Ordering::Relaxed);
                        return Err(error);
                    }
                }
            }
            Ok(streamed)
        };
        let results = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS.min(work.len())).map(|_| scope.spawn(writer)).collect();
            writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        let mut all = BTreeMap::new();
        for result in results {
            // A panic of a writer is a bug and goes on as one.
            all.extend(result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(all)
    }
}

/// Makes a directory of mode 0700, whatever the umask is.
pub(super) fn create_directory(path: &Utf8Path) -> Result<(), EmitError> {
    let failed = |error: io::Error| EmitError::machine("create", path, error);
    DirBuilder::new().mode(0o700).create(path).map_err(failed)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)
}

/// Creates a file that was not there, with at most mode 0600 while it is written; `mode` is its last step. Not synced.
pub(super) fn create_file(
    path: &Utf8Path,
    mode: FileMode,
    content: impl FnOnce(&mut File) -> Result<(), EmitError>,
) -> Result<File, EmitError> {
    let failed = |error: io::Error| EmitError::machine("write", path, error);
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode.bits() & 0o600).open(path).map_err(failed)?;
    content(&mut file)?;
    // Explicit, because the umask may have taken bits away.
    file.set_permissions(Permissions::from_mode(mode.bits())).map_err(failed)?;
    Ok(file)
}

/// Writes one file; `known` is the digest of bytes in memory, which need not be digested again.
fn write_file(
    target: &Utf8Path,
    path: &TreePath,
    entry: &Entry,
    known: Option<Digest256>,
    source: &dyn ContentSource,
) -> Result<Digest256, EmitError> {
    let mut digest = known;
    let failed = |error: io::Error| EmitError::machine("write", target, error);
    let written = create_file(target, entry.mode, |file| {
        go_on().map_err(failed)?;
        if let Content::Bytes(bytes) = &entry.content {
            digest = digest.or_else(|| Some(Digest256::of(bytes)));
            return file.write_all(bytes).map_err(failed);
        }
        let written = digested(file, |out| entry.content.write(out, source));
        digest = Some(written.map_err(|error| error.of(target, path.as_str().into()))?);
        Ok(())
    })?;
    if matches!(entry.content, Content::File { .. }) {
        written.sync_all().map_err(failed)?;
    }
    Ok(digest.unwrap_or_else(|| Digest256::of(b"")))
}

/// Why streamed content is not on the disk: the disk's failure is the machine's, every other one is the content's.
pub(super) enum StreamError {
    Disk(io::Error),
    Content(io::Error),
}

impl StreamError {
    /// The error of the file that was to be written, and of the path that names its content.
    pub fn of(self, target: &Utf8Path, content: &Utf8Path) -> EmitError {
        match self {
            Self::Disk(error) => EmitError::machine("write", target, error),
            Self::Content(error) => EmitError::Content { path: content.to_owned(), why: error.to_string() },
        }
    }
}

/// Writes to a file, and gives the digest of what was written.
pub(super) fn digested(
    file: &mut File,
    write: impl FnOnce(&mut Digesting<'_>) -> io::Result<()>,
) -> Result<Digest256, StreamError> {
    let mut out = Digesting { out: BufWriter::with_capacity(1 << 16, file), digest: Sha256::new(), failed: None };
    let result = write(&mut out).and_then(|()| out.flush());
    match (out.failed.take(), result) {
        (Some(error), _) => Err(StreamError::Disk(error)),
        (None, Err(error)) => Err(StreamError::Content(error)),
        (None, Ok(())) => Ok(Digest256::from_bytes(out.digest.finalize().into())),
    }
}

/// Digests what passes, and remembers whether it was the disk that failed.
pub(super) struct Digesting<'f> {
    out: BufWriter<&'f mut File>,
    digest: Sha256,
    failed: Option<io::Error>,
}

impl Digesting<'_> {
    fn keep<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let told = io::Error::from(error.kind());
            self.failed = Some(error);
            told
        })
    }
}

impl Write for Digesting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = go_on().and_then(|()| self.out.write(bytes));
        let count = self.keep(result)?;
        self.digest.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.out.flush();
        self.keep(result)
    }
}

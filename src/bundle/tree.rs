//! A tree of files in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use super::iso9660::Image;
use crate::names::{Digest256, FileMode, InvalidName, TreePath};

/// Opens the large content that a [`Tree`] only refers to. This room opens no file; `load::Disk` is the real one.
pub trait ContentSource: Sync {
    /// A reader that starts at the content's first byte.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn open(&self, path: &Utf8Path) -> io::Result<Box<dyn Read + '_>>;
}

/// What a file holds.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The bytes of a file on this machine, streamed when the tree is written.
    File {
        /// Where it lies, as the [`ContentSource`] understands it.
        path: Utf8PathBuf,
        /// Its size in bytes; writing fails when there are more or fewer.
        size: u64,
        /// Its digest where one is pinned; publishing fails when the bytes are others.
        sha256: Option<Digest256>,
    },
    /// An ISO 9660 image, made while it is written.
    Image(Box<Image>),
}

impl Content {
    /// Size in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { size, .. } => *size,
            Self::Image(image) => image.len(),
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes exactly [`Content::len`] bytes.
    ///
    /// # Errors
    /// Those of `out` and of `source`; `InvalidData` when a file has another size or digest than the tree says.
    pub fn write(&self, out: &mut impl Write, source: &dyn ContentSource) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => out.write_all(bytes),
            Self::File { path, size, sha256 } => {
                let changed = |why: String| Err(io::Error::new(io::ErrorKind::InvalidData, format!("{path} {why}")));
                let mut digest = sha256.map(|_| Sha256::new());
                // One byte more than expected tells a file that has grown from one that has not.
                let copied = copy(source.open(path)?.take(size.saturating_add(1)), out, digest.as_mut())?;
                if copied != *size {
                    let found = if copied > *size { "more".to_owned() } else { format!("only {copied}") };
                    return changed(format!("has changed: {size} bytes were expected and it has {found}"));
                }
                let found = digest.map(|digest| Digest256::from_bytes(digest.finalize().into()));
                match (found, sha256) {
                    (Some(found), Some(pinned)) if found != *pinned => {
                        changed(format!("has the SHA-256 {found} and not {pinned}"))
                    }
                    _ => Ok(()),
                }
            }
            Self::Image(image) => image.write(out, source),
        }
    }
}

/// `io::copy` with pieces large enough that the calls do not count: its own have 8 KiB.
fn copy(mut from: impl Read, out: &mut impl Write, mut digest: Option<&mut Sha256>) -> io::Result<u64> {
    let mut buffer = vec![0; 256 << 10];
    let mut copied = 0;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(count) => {
                let piece = buffer.get(..count).unwrap_or_default();
                if let Some(digest) = &mut digest {
                    digest.update(piece);
                }
                out.write_all(piece)?;
                copied += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl std::fmt::Debug for Content {
    /// Sizes only: the bytes may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::File { path, size, .. } => write!(f, "File({path}, {size} bytes)"),
            Self::Image(image) => write!(f, "Image({} bytes)", image.len()),
        }
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its permission bits.
    pub mode: FileMode,
    /// What it holds.
    pub content: Content,
}

/// A path that a [`Tree`] refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// There is such a file already.
    #[error("`{0}` is in the tree twice")]
    Duplicate(TreePath),
    /// The path is one of the directories of other files.
    #[error("`{0}` would be a file and a directory")]
    FileOverDirectory(TreePath),
    /// A directory on the way to the path is a file.
    #[error("`{path}` would lie below `{file}`, which is a file")]
    DirectoryOverFile {
        /// The path that was to be inserted.
        path: TreePath,
        /// The file on its way.
        file: TreePath,
    },
    /// Two paths together are none.
    #[error(transparent)]
    Path(#[from] InvalidName),
}

/// Files by path, in the order of their paths' bytes. Directories are implied and have mode 0700.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<TreePath, Entry>,
    directories: BTreeSet<TreePath>,
}

impl Tree {
    /// Adds a file.
    ///
    /// # Errors
    /// When the path is taken, or when a path would be a file and a directory.
    pub fn insert(&mut self, path: TreePath, entry: Entry) -> Result<(), TreeError> {
        if self.directories.contains(&path) {
            return Err(TreeError::FileOverDirectory(path));
        }
        if self.files.contains_key(&path) {
            return Err(TreeError::Duplicate(path));
        }
        let mut above = Vec::new();
        for (at, _) in path.as_str().match_indices('/') {
            let directory: TreePath = path.as_str()[..at].parse()?;
            if self.files.contains_key(&directory) {
                return Err(TreeError::DirectoryOverFile { path, file: directory });
            }
            above.push(directory);
        }
        self.directories.extend(above);
        self.files.insert(path, entry);
        Ok(())
    }

    /// Adds a file of these bytes.
    ///
    /// # Errors
    /// As [`Tree::insert`], and when `path` is not a tree path.
    pub fn add(&mut self, path: &str, mode: FileMode, bytes: impl Into<Vec<u8>>) -> Result<(), TreeError> {
        self.insert(path.parse()?, Entry { mode, content: Content::Bytes(bytes.into()) })
    }

    /// Takes every file of another tree.
    ///
    /// # Errors
    /// As [`Tree::insert`]; this tree is then half merged and should be dropped.
    pub fn merge(&mut self, other: Self) -> Result<(), TreeError> {
        other.files.into_iter().try_for_each(|(path, entry)| self.insert(path, entry))
    }

    /// Takes every file of another tree, below a directory.
    ///
    /// # Errors
    /// As [`Tree::merge`].
    pub fn mount(&mut self, directory: &TreePath, other: Self) -> Result<(), TreeError> {
        for (path, entry) in other.files {
            self.insert(directory.join(path.as_str())?, entry)?;
        }
        Ok(())
    }

    /// The file of this path.
    #[must_use]
    pub fn get(&self, path: &TreePath) -> Option<&Entry> {
        self.files.get(path)
    }

    /// The files in the order of their paths.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&TreePath, &Entry)> {
        self.files.iter()
    }

    /// The directories, each after the one that holds it.
    pub fn directories(&self) -> impl Iterator<Item = &TreePath> {
        self.directories.iter()
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        text.parse().expect(text)
    }

    #[test]
    fn a_path_is_one_thing() {
        let mut tree = Tree::default();
        tree.add("a/b/c", FileMode::SECRET, "1").expect("new");
        tree.add("a/b-c", FileMode::SECRET, "2").expect("sorts between `a/b` and `a/b/`");
        assert_eq!(tree.add("a/b/c", FileMode::SECRET, ""), Err(TreeError::Duplicate(path("a/b/c"))));
        assert_eq!(tree.add("a/b", FileMode::SECRET, ""), Err(TreeError::FileOverDirectory(path("a/b"))));
        assert_eq!(
            tree.add("a/b/c/d/e", FileMode::SECRET, ""),
            Err(TreeError::DirectoryOverFile { path: path("a/b/c/d/e"), file: path("a/b/c") })
        );
        assert!(matches!(tree.add("../x", FileMode::SECRET, ""), Err(TreeError::Path(_))));
        assert_eq!(tree.directories().map(TreePath::as_str).collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(tree.len(), 2);
    }

    #[test]
    fn trees_merge_and_mount() {
        let mut one = Tree::default();
        one.add("x", FileMode::SECRET, "1").expect("new");
        let mut all = Tree::default();
        all.mount(&path("hosts/a"), one.clone()).expect("new");
        all.merge(one.clone()).expect("new");
        assert_eq!(all.iter().map(|(p, _)| p.as_str()).collect::<Vec<_>>(), ["hosts/a/x", "x"]);
        assert_eq!(all.merge(one), Err(TreeError::Duplicate(path("x"))));
    }

    struct Zeros(u64);

    impl ContentSource for Zeros {
        fn open(&self, _: &Utf8Path) -> io::Result<Box<dyn Read>> {
            Ok(Box::new(io::repeat(0).take(self.0)))
        }
    }

    #[test]
    fn a_file_that_changed_is_not_written_as_if_it_had_not() {
        let content = Content::File { path: "p.rpm".into(), size: 10, sha256: None };
        let mut out = Vec::new();
        content.write(&mut out, &Zeros(10)).expect("right size");
        assert_eq!(out, [0; 10]);
        for (size, part) in [(9, "only 9"), (11, "has more")] {
            let error = content.write(&mut Vec::new(), &Zeros(size)).expect_err("changed").to_string();
            assert!(error.contains(part) && error.contains("p.rpm"), "{error}");
        }
        for (pinned, good) in [(Digest256::of(&[0; 10]), true), (Digest256::of(&[1; 10]), false)] {
            let content = Content::File { path: "p.rpm".into(), size: 10, sha256: Some(pinned) };
            assert_eq!(content.write(&mut Vec::new(), &Zeros(10)).is_ok(), good);
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        assert_eq!(format!("{:?}", Content::from(b"hunter2".to_vec())), "Bytes(7 bytes)");
    }
}

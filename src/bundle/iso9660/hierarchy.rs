//! The tree as directories with members, which is how the format wants it.

use std::collections::BTreeMap;

use super::IsoError;
use crate::bundle::tree::{Content, Tree};
use crate::names::{FileMode, TreePath};

/// Levels of directories, the root included (ECMA-119 6.8.2.1).
const MAX_LEVELS: usize = 8;
/// Bytes of a Rock Ridge name that Linux reads (fs/isofs/rock.c, `get_rock_ridge_filename`).
const MAX_NAME: usize = 253;

/// One directory. The root is number 0, has no name, and is its own parent.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub name: String,
    pub parent: usize,
    pub directories: Vec<usize>,
    pub files: Vec<usize>,
}

/// One file.
#[derive(Debug)]
pub(super) struct File<'t> {
    pub name: String,
    pub mode: FileMode,
    pub content: &'t Content,
}

/// All of them; members are in the order of their names' bytes.
#[derive(Debug)]
pub(super) struct Hierarchy<'t> {
    pub directories: Vec<Directory>,
    pub files: Vec<File<'t>>,
}

impl<'t> Hierarchy<'t> {
    /// The hierarchy of this tree.
    pub fn of(tree: &'t Tree) -> Result<Self, IsoError> {
        let mut this = Self { directories: vec![Directory::default()], files: Vec::with_capacity(tree.len()) };
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::from([("", 0)]);
        for path in tree.directories() {
            check(path, MAX_LEVELS - 1)?;
            let (parent, name) = split(path, &numbers);
            let number = this.directories.len();
            this.directories.push(Directory { name, parent, ..Directory::default() });
            if let Some(above) = this.directories.get_mut(parent) {
                above.directories.push(number);
            }
            numbers.insert(path.as_str(), number);
        }
        if this.directories.len() > usize::from(u16::MAX) {
            return Err(IsoError::TooManyDirectories(this.directories.len()));
        }
        for (path, entry) in tree.iter() {
            check(path, MAX_LEVELS)?;
            let (parent, name) = split(path, &numbers);
            if let Some(above) = this.directories.get_mut(parent) {
                above.files.push(this.files.len());
            }
            this.files.push(File { name, mode: entry.mode, content: &entry.content });
        }
        Ok(this)
    }
}

fn check(path: &TreePath, levels: usize) -> Result<(), IsoError> {
    if path.as_str().split('/').count() > levels {
        return Err(IsoError::TooDeep(path.clone()));
    }
    if path.file_name().len() > MAX_NAME {
        return Err(IsoError::NameTooLong(path.clone()));
    }
    Ok(())
}

fn split(path: &TreePath, numbers: &BTreeMap<&str, usize>) -> (usize, String) {
    let (above, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
    (numbers.get(above).copied().unwrap_or(0), name.to_owned())
}

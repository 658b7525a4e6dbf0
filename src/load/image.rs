//! Images of payloads, read in one pass with bounded memory.
//!
//! Where their files lie is known beforehand, from their directories. Every byte is looked at: those of files are digested, and
//! between files are zeros.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;

use camino::Utf8Path;

use super::file::open;
use super::tree::Digesting;
use super::{Attributes, Limits, LoadError, LoadedTree, Unpacked, Watch};

/// What an image's directories say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Bytes before the first file.
    pub head: u64,
    /// Bytes of the whole image.
    pub size: u64,
    /// Mode of its root.
    pub attributes: Attributes,
    /// Directories below.
    pub directories: BTreeMap<String, Attributes>,
    /// Files, each with the places of its bytes.
    pub files: BTreeMap<String, (Attributes, Vec<Range<u64>>)>,
}

/// Reads the files of an image.
///
/// # Errors
/// When it cannot be read, files overlap or lie in another order than they are written in, or are more than the limits.
pub fn image(path: &Utf8Path, layout: &Layout, limits: Limits, watch: Watch<'_>) -> Result<Unpacked, LoadError> {
    if layout.files.len() + layout.directories.len() > limits.files {
        return Err(LoadError::TooManyFiles { path: path.to_owned(), limit: limits.files });
    }
    let mut file = open(path)?;
    skip(&mut file, layout.head).map_err(|error| LoadError::of(path, error))?;
    let mut reader = Reader { path, file, watch, at: layout.head, last: "its directories".to_owned(), damage: None };
    let mut tree = LoadedTree {
        attributes: layout.attributes,
        directories: layout.directories.clone(),
        files: BTreeMap::new(),
        others: BTreeMap::new(),
    };
    let mut files: Vec<_> = layout.files.iter().collect();
    files.sort_by_key(|(name, (_, sections))| (sections.first().map(|section| section.start), *name));
    let mut kept = 0;
    for (name, (attributes, sections)) in files {
        let size = sections.iter().map(|section| section.end - section.start).sum();
        if size > limits.file {
            return Err(LoadError::TooLarge { path: path.to_owned(), limit: limits.file });
        }
        let mut digesting = Digesting::new(limits.keeps(name, size, kept));
        for section in sections.iter().filter(|section| !section.is_empty()) {
            reader.zeros(section.start)?;
            reader.pass(section.end, |piece| digesting.update(piece))?;
        }
        reader.last = name.escape_debug().to_string();
        let loaded = digesting.finish(*attributes);
        kept += loaded.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        tree.files.insert(name.clone(), loaded);
    }
    reader.zeros(layout.size)?;
    let more = reader.file.read(&mut [0]).map_err(|error| LoadError::of(path, error))?;
    if more > 0 {
        reader.found("something follows its end");
    }
    Ok(Unpacked { tree, damage: reader.damage })
}

fn skip(file: &mut File, bytes: u64) -> io::Result<()> {
    use std::io::Seek as _;
    file.seek(io::SeekFrom::Start(bytes)).map(|_| ())
}

struct Reader<'p> {
    path: &'p Utf8Path,
    file: File,
    watch: Watch<'p>,
    at: u64,
    /// The file before, for messages.
    last: String,
    /// The first byte outside files that is not what it should be.
    damage: Option<LoadError>,
}

impl Reader<'_> {
    fn wrong(&self, why: &str) -> LoadError {
        LoadError::Image { path: self.path.to_owned(), why: format!("after {}: {why}", self.last) }
    }

    fn found(&mut self, why: &str) {
        if self.damage.is_none() {
            self.damage = Some(self.wrong(why));
        }
    }

    /// Reads what fills a sector up.
    fn zeros(&mut self, until: u64) -> Result<(), LoadError> {
        if until < self.at {
            return Err(self.wrong("files overlap, or lie in another order than they are written in"));
        }
        let mut zero = true;
        self.pass(until, |piece| zero &= piece.iter().all(|byte| *byte == 0))?;
        if !zero {
            self.found("what fills the sector up is not zero");
        }
        Ok(())
    }

    fn pass(&mut self, until: u64, mut take: impl FnMut(&[u8])) -> Result<(), LoadError> {
        let mut buffer = vec![0; 256 << 10];
        while self.at < until {
            let most = usize::try_from(until - self.at).unwrap_or(usize::MAX).min(buffer.len());
            match self.file.read(buffer.get_mut(..most).unwrap_or_default()) {
                Ok(0) => return Err(self.wrong("it is cut off")),
                Ok(count) => {
                    take(buffer.get(..count).unwrap_or_default());
                    (self.watch)(count as u64);
                    self.at += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LoadError::of(self.path, error)),
            }
        }
        Ok(())
    }
}

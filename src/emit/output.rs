//! The output of one cluster: all of it is written beside its places first, and put into them in the end.

use camino::{Utf8Path, Utf8PathBuf};

use super::archive::{Archived, StagedArchive};
use super::image::{self, StagedImage};
use super::lock::Lock;
use super::staging::{self, Staging, Written};
use super::stop::go_on;
use super::{EmitError, Published, exchange, is_ours, prepare, sync_directory};
use crate::bundle::archive::Archive;
use crate::bundle::iso9660::Image;
use crate::bundle::{ContentSource, SealedTree};
use crate::names::{ClusterName, Digest256};

/// The right to write a cluster's output, held by one process at a time. What is written is beside its place until it is published,
/// under names that begin with `.cfy-seed.<cluster>.`, and goes away when it is dropped before.
#[derive(Debug)]
pub struct Output {
    directory: Utf8PathBuf,
    cluster: String,
    tree: Option<(Staging, Written, bool)>,
    archive: Option<StagedArchive>,
    medium: Option<(StagedImage, Utf8PathBuf)>,
    stale: Option<Utf8PathBuf>,
    /// Dropped last.
    _lock: Lock,
}

/// What was published.
#[derive(Debug)]
pub struct Delivered {
    /// The tree.
    pub tree: Published,
    /// The archive.
    pub archive: Option<Archived>,
    /// The image's digest.
    pub medium: Option<Digest256>,
    /// An older image that was taken away.
    pub removed: Option<Utf8PathBuf>,
}

impl Output {
    /// Locks it, makes the directory where there is none, and removes what killed runs left of whatever they wrote.
    ///
    /// # Errors
    /// When another build is at it, something else is in the place, or the machine fails.
    pub fn acquire(out_dir: &Utf8Path, cluster: &ClusterName) -> Result<Self, EmitError> {
        prepare(out_dir)?;
        let cluster = cluster.as_str();
        let lock = Lock::of_output(out_dir, cluster)?;
        staging::clear(out_dir, cluster, &out_dir.join(cluster))?;
        let this = Self {
            directory: out_dir.to_owned(),
            cluster: cluster.to_owned(),
            tree: None,
            archive: None,
            medium: None,
            stale: None,
            _lock: lock,
        };
        let prefixes = [this.prefix("archive"), this.prefix("medium")];
        staging::remove_files(out_dir, |file| prefixes.iter().any(|prefix| file.starts_with(prefix)))?;
        Ok(this)
    }

    /// A cluster's name has no dot, so no other cluster's names begin like this.
    fn prefix(&self, what: &str) -> String {
        format!(".cfy-seed.{}.{what}", self.cluster)
    }

    /// Writes and syncs the tree.
    ///
    /// # Errors
    /// When something foreign is in its place, what it refers to has changed, or the machine fails.
    pub fn tree(&mut self, sealed: &SealedTree, source: &dyn ContentSource) -> Result<(), EmitError> {
        let replaced = is_ours(&self.directory.join(&self.cluster))?;
        let staging = Staging::new(&self.directory, &self.cluster)?;
        let written = staging.write(sealed, source)?;
        self.tree = Some((staging, written, replaced));
        Ok(())
    }

    /// Writes the archive: to `<name>`, over an older one, mode 0600 because it holds private keys; with a limit to `<name>.part-001`
    /// and so on, each smaller than that, and `<name>.sha256` with their digests for `sha256sum -c`.
    ///
    /// # Errors
    /// When something foreign is in its place, a file changed while it was read, there would be more than 999 parts, or the machine
    /// fails.
    pub fn archive(&mut self, archive: &Archive<'_>, name: &str, split: Option<u64>) -> Result<(), EmitError> {
        let prefix = self.prefix("archive");
        self.archive = Some(StagedArchive::write(archive, &self.directory, &prefix, name, split)?);
        Ok(())
    }

    /// Whether there is an older image of this label, which can be replaced.
    ///
    /// # Errors
    /// When something else has that name, or the machine fails.
    pub fn has_medium(&self, name: &str, label: &str) -> Result<bool, EmitError> {
        image::is_ours(&self.directory.join(name), label)
    }

    /// Writes an image to `<name>`, mode 0644.
    ///
    /// # Errors
    /// When a file changed while it was read, or the machine fails.
    pub fn medium(&mut self, image: &Image, name: &str, source: &dyn ContentSource) -> Result<(), EmitError> {
        let path = self.directory.join(name);
        let staged = StagedImage::write(image, &self.directory.join(self.prefix("medium")), &path, source)?;
        self.medium = Some((staged, path));
        Ok(())
    }

    /// Takes an image away when the rest is published.
    pub fn without_medium(&mut self, name: &str) {
        self.stale = Some(self.directory.join(name));
    }

    /// Puts everything into its place, one rename after the other: the tree in one step (`RENAME_EXCHANGE`), then the archive, then
    /// the image. Until the first of them nothing has changed.
    ///
    /// # Errors
    /// When somebody asked to stop before, or the machine fails. [`EmitError::Halfway`] says what is new and what is not.
    pub fn publish(mut self) -> Result<Delivered, EmitError> {
        let directory = self.directory.clone();
        go_on().map_err(|error| EmitError::machine("write", &directory, error))?;
        let target = directory.join(&self.cluster);
        let mut places = vec![target.clone()];
        places.extend(self.archive.iter().map(|archive| archive.path(&directory)));
        places.extend(self.medium.iter().map(|(_, path)| path.clone()));
        let mut placed = 0;
        let removed = self.place(&target, &mut placed).map_err(|error| {
            let (new, old) = places.split_at(placed.min(places.len()));
            if new.is_empty() { error } else { EmitError::halfway(error, new, old) }
        })?;
        let Some((_, written, replaced)) = self.tree.take() else {
            return Err(EmitError::machine("write", &target, std::io::Error::other("there is no tree")));
        };
        let tree = Published {
            path: target,
            manifest: written.manifest,
            files: written.files,
            bytes: written.bytes,
            replaced,
        };
        let archive = self.archive.take().map(|archive| archive.done(&directory));
        Ok(Delivered { tree, archive, medium: self.medium.take().map(|(image, _)| image.digest()), removed })
    }

    fn place(&self, target: &Utf8Path, placed: &mut usize) -> Result<Option<Utf8PathBuf>, EmitError> {
        let directory = &self.directory;
        if let Some((staging, _, replaced)) = &self.tree {
            exchange(staging, target, directory, &self.cluster, *replaced)?;
        }
        *placed += 1;
        if let Some(archive) = &self.archive {
            archive.place(directory)?;
            *placed += 1;
        }
        if let Some((image, path)) = &self.medium {
            image.place(path)?;
            *placed += 1;
        }
        // What is new is there; what is left over goes last.
        self.archive.iter().try_for_each(|archive| archive.clear(directory))?;
        if let Some(stale) = &self.stale {
            std::fs::remove_file(stale).map_err(|error| EmitError::placing(stale, error))?;
        }
        sync_directory(directory)?;
        Ok(self.stale.clone())
    }
}

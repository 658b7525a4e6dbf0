//! What is known of an RPM.

use std::fmt;

use rpm::{Dependency, DependencyFlags, IndexTag, PackageMetadata};

use super::RpmError;
use super::header::malformed;
use crate::names::Digest256;

/// Entries of one list of relations; the most that is known are some thousands.
const MAX_RELATIONS: usize = 1 << 16;
/// `FILEFLAGS` of a file that the package owns and does not bring (rpmfiles.h).
const GHOST: u32 = 1 << 6;

/// Name, epoch, version, release and architecture.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nevra {
    /// Name.
    pub name: String,
    /// Epoch; none is 0.
    pub epoch: u32,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// Architecture, such as `x86_64` or `noarch`.
    pub arch: String,
}

impl Nevra {
    /// Epoch, version and release, as requirements name them.
    #[must_use]
    pub fn evr(&self) -> String {
        format!("{}:{}-{}", self.epoch, self.version, self.release)
    }
}

impl fmt::Display for Nevra {
    /// As dnf does: an epoch of 0 is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.name)?;
        if self.epoch != 0 {
            write!(f, "{}:", self.epoch)?;
        }
        write!(f, "{}-{}.{}", self.version, self.release, self.arch)
    }
}

/// How a version is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`
    Equal,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    Greater,
}

impl Comparison {
    /// The sign.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }
}

/// What a package provides, requires, or what else it says of others: a name, or a name with a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// Name of a package, a file, a capability; or a rich dependency, in parentheses.
    pub name: String,
    /// Which versions; none for all of them.
    pub version: Option<(Comparison, String)>,
    /// Whether it must hold before scripts of this package run.
    pub before_scripts: bool,
}

impl Relation {
    fn of(dependency: Dependency) -> Self {
        let flags = dependency.flags;
        let (less, equal, greater) = (
            flags.contains(DependencyFlags::LESS),
            flags.contains(DependencyFlags::EQUAL),
            flags.contains(DependencyFlags::GREATER),
        );
        let comparison = match (less, equal, greater) {
            (true, false, false) => Some(Comparison::Less),
            (true, true, false) => Some(Comparison::LessOrEqual),
            (false, true, false) => Some(Comparison::Equal),
            (false, true, true) => Some(Comparison::GreaterOrEqual),
            (false, false, true) => Some(Comparison::Greater),
            // Without a sign the version says nothing, and with all of them neither.
            _ => None,
        };
        let scripts = DependencyFlags::SCRIPT_PRE | DependencyFlags::SCRIPT_POST | DependencyFlags::PREREQ;
        Self {
            name: dependency.name,
            version: comparison.filter(|_| !dependency.version.is_empty()).map(|sign| (sign, dependency.version)),
            before_scripts: flags.intersects(scripts),
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.version {
            Some((comparison, version)) => write!(f, " {} {version}", comparison.as_str()),
            None => Ok(()),
        }
    }
}

/// What kind of file it is, as far as repositories tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A file, a symbolic link, a device.
    File,
    /// A directory.
    Directory,
    /// A file that the package owns and does not bring.
    Ghost,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpmFile {
    directory: u32,
    /// Its name in the directory.
    pub name: String,
    /// What kind of file it is.
    pub kind: FileKind,
}

/// The files of a package. Directories and names stay apart as in the header: joined they may be many times larger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    directories: Vec<String>,
    files: Vec<RpmFile>,
}

impl Files {
    /// Each file with its directory, which ends with `/`.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &RpmFile)> {
        let directory = |file: &RpmFile| self.directories.get(file.directory as usize).map_or("", String::as_str);
        self.files.iter().map(move |file| (directory(file), file))
    }

    /// Whether the package has this file.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        let Some(at) = path.rfind('/').map(|at| at + 1) else { return false };
        let (directory, name) = path.split_at(at);
        // A directory may stand in the list more than once.
        self.directories.iter().any(|have| have == directory)
            && self.iter().any(|(above, file)| above == directory && file.name == name)
    }

    /// Files of which only the paths are known.
    pub(super) fn from_paths<'p>(paths: impl IntoIterator<Item = &'p str>) -> Self {
        let mut files = Self::default();
        for (directory, name) in paths.into_iter().filter_map(|path| path.split_at_checked(path.rfind('/')? + 1)) {
            // Lists of files are sorted: most often it is the directory before.
            if files.directories.last().is_none_or(|last| last != directory) {
                files.directories.push(directory.to_owned());
            }
            let directory = u32::try_from(files.directories.len() - 1).unwrap_or(u32::MAX);
            files.files.push(RpmFile { directory, name: name.to_owned(), kind: FileKind::File });
        }
        files
    }

    fn of(metadata: &PackageMetadata) -> Result<Self, rpm::Error> {
        let header = &metadata.header;
        if !header.entry_is_present(IndexTag::RPMTAG_BASENAMES) {
            return Ok(Self::default());
        }
        let names = header.get_entry_data_as_string_array(IndexTag::RPMTAG_BASENAMES)?;
        let numbers = header.get_entry_data_as_u32_array(IndexTag::RPMTAG_DIRINDEXES)?;
        let directories = header.get_entry_data_as_string_array(IndexTag::RPMTAG_DIRNAMES)?;
        let modes = header.get_entry_data_as_u16_array(IndexTag::RPMTAG_FILEMODES)?;
        let flags = header.get_entry_data_as_u32_array(IndexTag::RPMTAG_FILEFLAGS)?;
        if [numbers.len(), modes.len(), flags.len()].iter().any(|len| *len != names.len())
            || numbers.iter().any(|number| *number as usize >= directories.len())
        {
            return Err(rpm::Error::InconsistentTagArrayLengths);
        }
        let files = names.iter().zip(numbers).zip(modes.iter().zip(flags));
        let file = |((name, directory), (mode, flags)): ((&&str, u32), (&u16, u32))| RpmFile {
            directory,
            name: (*name).to_owned(),
            // S_IFDIR
            kind: match mode & 0o170_000 {
                _ if flags & GHOST != 0 => FileKind::Ghost,
                0o040_000 => FileKind::Directory,
                _ => FileKind::File,
            },
        };
        let files = files.map(file).collect();
        Ok(Self { directories: directories.into_iter().map(str::to_owned).collect(), files })
    }
}

/// An entry of the changelog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Who, and which version.
    pub author: String,
    /// When, in seconds since 1970.
    pub time: u32,
    /// What.
    pub text: String,
}

/// What a signature of the package is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// It has none.
    No,
    /// It has one, and no key was given to check it.
    Unchecked,
    /// It is good, and covers header and payload. The number of the key, 16 hexadecimal digits.
    Good(String),
    /// It is by a key that was not given. The number of that key, where the signature says it.
    UnknownKey(String),
    /// It is not what its key made.
    Bad(String),
    /// It cannot be checked, for this reason.
    Unusable(String),
}

/// Size and digest of the file, and where the header stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// Size of the file.
    pub size: u64,
    /// Digest of the file.
    pub sha256: Digest256,
    /// Where the header begins.
    pub header_start: u64,
    /// Where it ends and the payload begins.
    pub header_end: u64,
}

/// What is known of an RPM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rpm {
    /// Which package it is.
    pub nevra: Nevra,
    /// The file.
    pub digests: Digests,
    /// Its signature.
    pub signed: Signed,
    /// What it provides, itself included.
    pub provides: Vec<Relation>,
    /// What it requires.
    pub requires: Vec<Relation>,
    /// What it cannot be installed with.
    pub conflicts: Vec<Relation>,
    /// What it takes the place of.
    pub obsoletes: Vec<Relation>,
    /// Its files.
    pub files: Files,
    /// The newest entries of its changelog, newest first.
    pub changes: Vec<Change>,
    /// One line about it.
    pub summary: String,
    /// More about it.
    pub description: String,
    /// Its home page.
    pub url: String,
    /// Its licence.
    pub license: String,
    /// Its vendor.
    pub vendor: String,
    /// Its group.
    pub group: String,
    /// Who packed it.
    pub packager: String,
    /// The machine that built it.
    pub build_host: String,
    /// The source package.
    pub source: String,
    /// When it was built, in seconds since 1970.
    pub build_time: u64,
    /// Bytes of all its files.
    pub installed_size: u64,
    /// Bytes of its payload when unpacked.
    pub archive_size: u64,
}

impl Rpm {
    pub(super) fn of(metadata: &PackageMetadata, digests: Digests, signed: Signed) -> Result<Self, RpmError> {
        facts(metadata, digests, signed).map_err(|error| malformed("header", error.to_string()))
    }
}

fn facts(metadata: &PackageMetadata, digests: Digests, signed: Signed) -> Result<Rpm, rpm::Error> {
    let text = |result: Result<&str, rpm::Error>| result.map(str::to_owned).unwrap_or_default();
    let nevra = Nevra {
        name: word("name", metadata.get_name()?)?,
        epoch: metadata.get_epoch().unwrap_or_default(),
        version: word("version", metadata.get_version()?)?,
        release: word("release", metadata.get_release()?)?,
        arch: word("architecture", metadata.get_arch()?)?,
    };
    Ok(Rpm {
        digests,
        signed,
        provides: relations(metadata.get_provides()?)?,
        requires: relations(metadata.get_requires()?)?,
        conflicts: relations(metadata.get_conflicts()?)?,
        obsoletes: relations(metadata.get_obsoletes()?)?,
        files: Files::of(metadata)?,
        changes: changes(metadata)?,
        summary: text(metadata.get_summary()),
        description: text(metadata.get_description()),
        url: text(metadata.get_url()),
        license: text(metadata.get_license()),
        vendor: text(metadata.get_vendor()),
        group: text(metadata.get_group()),
        packager: text(metadata.get_packager()),
        build_host: text(metadata.get_build_host()),
        source: text(metadata.get_source_rpm()),
        build_time: metadata.get_build_time().unwrap_or_default(),
        installed_size: metadata.get_installed_size().unwrap_or_default(),
        archive_size: archive_size(metadata),
        nevra,
    })
}

/// A part of a NEVRA: it becomes a part of file names and of XML, so it is what rpm lets a spec file have and no more.
fn word(what: &'static str, text: &str) -> Result<String, rpm::Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._+-~^".contains(c);
    if text.is_empty() || text.len() > 255 || text.starts_with('.') || !text.chars().all(allowed) {
        return Err(rpm::Error::Nom(format!("the {what} `{}` cannot be one", text.escape_debug())));
    }
    Ok(text.to_owned())
}

fn relations(dependencies: Vec<Dependency>) -> Result<Vec<Relation>, rpm::Error> {
    if dependencies.len() > MAX_RELATIONS {
        return Err(rpm::Error::Nom(format!("a list of {} relations", dependencies.len())));
    }
    Ok(dependencies.into_iter().map(Relation::of).collect())
}

/// The ten newest, as many as `createrepo_c` keeps: repositories carry no more.
fn changes(metadata: &PackageMetadata) -> Result<Vec<Change>, rpm::Error> {
    const KEPT: usize = 10;
    let header = &metadata.header;
    if !header.entry_is_present(IndexTag::RPMTAG_CHANGELOGTIME) {
        return Ok(Vec::new());
    }
    let times = header.get_entry_data_as_u32_array(IndexTag::RPMTAG_CHANGELOGTIME)?;
    let authors = header.get_entry_data_as_string_array(IndexTag::RPMTAG_CHANGELOGNAME)?;
    let texts = header.get_entry_data_as_string_array(IndexTag::RPMTAG_CHANGELOGTEXT)?;
    let all = times.into_iter().zip(authors).zip(texts).take(KEPT);
    Ok(all.map(|((time, author), text)| Change { author: author.to_owned(), time, text: text.to_owned() }).collect())
}

/// In the signature header, unless it needs 64 bits there or rpm 4.14 put it into the header.
fn archive_size(metadata: &PackageMetadata) -> u64 {
    use rpm::IndexSignatureTag as Tag;
    let signature = &metadata.signature;
    let long = signature.get_entry_data_as_u64(Tag::RPMSIGTAG_LONGARCHIVESIZE).ok();
    let short = || signature.get_entry_data_as_u32(Tag::RPMSIGTAG_PAYLOADSIZE).ok().map(u64::from);
    let main = || metadata.header.get_entry_data_as_u32(IndexTag::RPMTAG_ARCHIVESIZE).ok().map(u64::from);
    long.or_else(short).or_else(main).unwrap_or_default()
}

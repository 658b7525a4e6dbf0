//! Metadata of a yum repository: what dnf and yum read of packages before they look at one.
//!
//! In: packages and where they lie. Out: `repomd.xml` and the three files that it names, packed with gzip because yum of EL 7 reads
//! nothing newer than xz. The same packages at the same time give the same bytes. Names of elements, and what stands in them, are
//! those of `createrepo_c`.

mod xml;

use std::io;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};

use super::evr::Evr;
use super::{Comparison, FileKind, Relation, Rpm};
use crate::names::Digest256;
use xml::Xml;

/// The directory of the metadata.
const REPODATA: &str = "repodata";
const COMMON: &str = "http://linux.duke.edu/metadata/common";
const RPM: &str = "http://linux.duke.edu/metadata/rpm";
const REPO: &str = "http://linux.duke.edu/metadata/repo";
const FILELISTS: &str = "http://linux.duke.edu/metadata/filelists";
const OTHER: &str = "http://linux.duke.edu/metadata/other";

/// Makes the metadata of these packages, each with its place below the repository's root: files with their paths there. `time`, in
/// seconds since 1970, is the revision and every date in it.
///
/// # Errors
/// None that memory does not cause; the signature is the compressor's.
pub fn repodata(packages: &[(&str, &Rpm)], time: i64) -> io::Result<Vec<(String, Vec<u8>)>> {
    let number = packages.len().to_string();
    let count = ("packages", number.as_str());
    let mut primary = Packed::new("metadata", &[("xmlns", COMMON), ("xmlns:rpm", RPM), count])?;
    let mut filelists = Packed::new("filelists", &[("xmlns", FILELISTS), count])?;
    let mut other = Packed::new("otherdata", &[("xmlns", OTHER), count])?;
    for (place, rpm) in packages {
        write_primary(&mut primary.xml, place, rpm, time)?;
        write_files(&mut filelists.xml, rpm)?;
        write_changes(&mut other.xml, rpm)?;
    }
    let time = time.to_string();
    let mut index = Xml::new(Vec::new())?;
    index.open("repomd", &[("xmlns", REPO), ("xmlns:rpm", RPM)])?;
    index.text("revision", &[], &time)?;
    let mut files = Vec::new();
    for (kind, packed) in [("primary", primary), ("filelists", filelists), ("other", other)] {
        let (bytes, open_digest, open_size) = packed.finish()?;
        let digest = Digest256::of(&bytes);
        let path = format!("{REPODATA}/{digest}-{kind}.xml.gz");
        index.open("data", &[("type", kind)])?;
        index.text("checksum", &[("type", "sha256")], &digest.to_string())?;
        index.text("open-checksum", &[("type", "sha256")], &open_digest.to_string())?;
        index.empty("location", &[("href", &path)])?;
        index.text("timestamp", &[], &time)?;
        index.text("size", &[], &bytes.len().to_string())?;
        index.text("open-size", &[], &open_size.to_string())?;
        index.close("data")?;
        files.push((path, bytes));
    }
    index.close("repomd")?;
    files.push((format!("{REPODATA}/repomd.xml"), index.into_inner()));
    Ok(files)
}

/// A document that is packed while it is written.
struct Packed {
    xml: Xml<Digesting>,
    root: &'static str,
}

impl Packed {
    fn new(root: &'static str, attributes: &[(&str, &str)]) -> io::Result<Self> {
        // As in `bundle::gzip`: nothing of the machine gets into it. The level is the usual one, as there may be much.
        let packed = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::default());
        let mut xml = Xml::new(Digesting { packed, digest: Sha256::new(), size: 0 })?;
        xml.open(root, attributes)?;
        Ok(Self { xml, root })
    }

    /// The packed bytes, and digest and size of the others.
    fn finish(mut self) -> io::Result<(Vec<u8>, Digest256, u64)> {
        self.xml.close(self.root)?;
        let Digesting { packed, digest, size } = self.xml.into_inner();
        Ok((packed.finish()?, Digest256::from_bytes(digest.finalize().into()), size))
    }
}

struct Digesting {
    packed: GzEncoder<Vec<u8>>,
    digest: Sha256,
    size: u64,
}

impl io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.packed.write_all(bytes)?;
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.packed.flush()
    }
}

fn write_primary(xml: &mut Xml<Digesting>, place: &str, rpm: &Rpm, time: i64) -> io::Result<()> {
    let (nevra, digests) = (&rpm.nevra, &rpm.digests);
    xml.open("package", &[("type", "rpm")])?;
    xml.text("name", &[], &nevra.name)?;
    xml.text("arch", &[], &nevra.arch)?;
    version(xml, rpm)?;
    xml.text("checksum", &[("type", "sha256"), ("pkgid", "YES")], &digests.sha256.to_string())?;
    xml.text("summary", &[], &rpm.summary)?;
    xml.text("description", &[], &rpm.description)?;
    xml.text("packager", &[], &rpm.packager)?;
    xml.text("url", &[], &rpm.url)?;
    xml.empty("time", &[("file", &time.to_string()), ("build", &rpm.build_time.to_string())])?;
    let sizes = [digests.size, rpm.installed_size, rpm.archive_size].map(|size| size.to_string());
    xml.empty("size", &[("package", &sizes[0]), ("installed", &sizes[1]), ("archive", &sizes[2])])?;
    xml.empty("location", &[("href", place)])?;
    xml.open("format", &[])?;
    xml.text("rpm:license", &[], &rpm.license)?;
    xml.text("rpm:vendor", &[], &rpm.vendor)?;
    xml.text("rpm:group", &[], &rpm.group)?;
    xml.text("rpm:buildhost", &[], &rpm.build_host)?;
    xml.text("rpm:sourcerpm", &[], &rpm.source)?;
    let range = [digests.header_start, digests.header_end].map(|place| place.to_string());
    xml.empty("rpm:header-range", &[("start", &range[0]), ("end", &range[1])])?;
    relations(xml, "rpm:provides", &rpm.provides)?;
    relations(xml, "rpm:requires", &rpm.requires)?;
    relations(xml, "rpm:conflicts", &rpm.conflicts)?;
    relations(xml, "rpm:obsoletes", &rpm.obsoletes)?;
    for (directory, file) in rpm.files.iter() {
        if is_primary(directory, &file.name) {
            write_file(xml, directory, &file.name, file.kind)?;
        }
    }
    xml.close("format")?;
    xml.close("package")
}

/// The files that packages may require without yum having to load the list of all files.
fn is_primary(directory: &str, name: &str) -> bool {
    directory.starts_with("/etc/") || directory.contains("bin/") || (directory, name) == ("/usr/lib/", "sendmail")
}

fn relations(xml: &mut Xml<Digesting>, element: &str, relations: &[Relation]) -> io::Result<()> {
    // What rpm itself must be able to do is nobody's to provide: hosts see it when they install.
    let mut listed: Vec<&Relation> = relations.iter().filter(|one| !one.name.starts_with("rpmlib(")).collect();
    listed.sort();
    listed.dedup();
    if listed.is_empty() {
        return Ok(());
    }
    xml.open(element, &[])?;
    for relation in listed {
        let mut attributes = vec![("name", relation.name.as_str())];
        if let Some((sign, version)) = &relation.version {
            let (epoch, version, release) = Evr::of(version).parts();
            attributes.extend([("flags", flags(*sign)), ("epoch", epoch), ("ver", version)]);
            attributes.extend(release.map(|release| ("rel", release)));
        }
        if relation.before_scripts && element == "rpm:requires" {
            attributes.push(("pre", "1"));
        }
        xml.empty("rpm:entry", &attributes)?;
    }
    xml.close(element)
}

const fn flags(sign: Comparison) -> &'static str {
    match sign {
        Comparison::Less => "LT",
        Comparison::LessOrEqual => "LE",
        Comparison::Equal => "EQ",
        Comparison::GreaterOrEqual => "GE",
        Comparison::Greater => "GT",
    }
}

fn version(xml: &mut Xml<Digesting>, rpm: &Rpm) -> io::Result<()> {
    let epoch = rpm.nevra.epoch.to_string();
    xml.empty("version", &[("epoch", &epoch), ("ver", &rpm.nevra.version), ("rel", &rpm.nevra.release)])
}

/// Opens the element of a package in the two lists.
fn package(xml: &mut Xml<Digesting>, rpm: &Rpm) -> io::Result<()> {
    let digest = rpm.digests.sha256.to_string();
    xml.open("package", &[("pkgid", &digest), ("name", &rpm.nevra.name), ("arch", &rpm.nevra.arch)])?;
    version(xml, rpm)
}

fn write_files(xml: &mut Xml<Digesting>, rpm: &Rpm) -> io::Result<()> {
    package(xml, rpm)?;
    for (directory, file) in rpm.files.iter() {
        write_file(xml, directory, &file.name, file.kind)?;
    }
    xml.close("package")
}

fn write_file(xml: &mut Xml<Digesting>, directory: &str, name: &str, kind: FileKind) -> io::Result<()> {
    let kind: &[(&str, &str)] = match kind {
        FileKind::File => &[],
        FileKind::Directory => &[("type", "dir")],
        FileKind::Ghost => &[("type", "ghost")],
    };
    xml.text("file", kind, &format!("{directory}{name}"))
}

fn write_changes(xml: &mut Xml<Digesting>, rpm: &Rpm) -> io::Result<()> {
    package(xml, rpm)?;
    // In a header the newest comes first, and here last.
    for change in rpm.changes.iter().rev() {
        let date = change.time.to_string();
        xml.text("changelog", &[("author", &change.author), ("date", &date)], &change.text)?;
    }
    xml.close("package")
}

#[cfg(test)]
mod tests;

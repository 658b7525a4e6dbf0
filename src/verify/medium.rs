//! A payload by itself, as a directory or as an image, against its own signed digests.

use std::collections::BTreeMap;

use super::iso9660::{self, IsoView};
use super::sums::{self, CLOSING, SUMS};
use crate::diag::{Code, Diagnostic, Report};
use crate::load::{Attributes, Layout, LoadedTree, OtherKind};
use crate::names::{Digest256, TreePath};

/// The label of its images.
const LABEL: &str = "CFYPAYLOAD";
/// Where the first descriptor has the application's field (ECMA-119 8.4.32), and how that begins.
const APPLICATION: usize = 16 * 2048 + 883;
const HEAD_DIGEST: &[u8] = b"CFY-SEED MEDIUM 1 HEAD SHA256 ";
/// Most bytes of a head that is read: some hundred thousand files.
const MAX_HEAD: usize = 128 << 20;

fn damaged(name: &str, why: &str) -> Diagnostic {
    let help = "copy it again, or make it again with `cfy-seed payload iso`";
    Diagnostic::error(Code::MediumDamaged, format!("{name}: {why}")).help(help)
}

/// How many bytes before its first file an image has, by its first sectors; none where it is not an image of a payload that
/// cfy-seed made.
pub(super) fn medium_head(beginning: &[u8]) -> Option<usize> {
    let rest = beginning.get(APPLICATION..)?.strip_prefix(HEAD_DIGEST)?;
    let sectors = rest.get(64..)?.strip_prefix(b" SECTORS ")?.get(..10)?;
    let sectors: usize = std::str::from_utf8(sectors).ok()?.parse().ok()?;
    sectors.checked_mul(2048).filter(|head| (18 * 2048..=MAX_HEAD).contains(head))
}

/// Whether an image says by its label that it is one of a payload.
pub(super) fn is_medium(beginning: &[u8]) -> bool {
    let descriptor = beginning.get(16 * 2048..).unwrap_or_default();
    descriptor.get(1..6) == Some(b"CD001") && descriptor.get(40..).is_some_and(|l| l.starts_with(LABEL.as_bytes()))
        || medium_head(beginning).is_some()
}

/// Where the files of an image lie, by its head. Every byte of the head is as it was written: its digest stands in it.
///
/// # Errors
/// The finding. `name` is what it calls the image.
pub(super) fn medium_layout(name: &str, head: &[u8], size: u64) -> Result<Layout, Diagnostic> {
    let wrong = |why: &str| damaged(name, why);
    if medium_head(head) != Some(head.len()) {
        return Err(wrong("its first descriptor is damaged, or it was not made by cfy-seed"));
    }
    check_head(head).map_err(wrong)?;
    let volume = iso9660::read(head, size).map_err(|error| wrong(&error.to_string()))?;
    let joliet = volume.joliet.ok_or_else(|| wrong("it has no Joliet names"))?;
    if [&volume.label, &joliet.0].iter().any(|label| *label != LABEL) {
        return Err(wrong("its label is not CFYPAYLOAD: hosts would not see it"));
    }
    let view = volume.rock_ridge.ok_or_else(|| wrong("it has no Rock Ridge names"))?;
    let mut modes = view.files.values().map(|file| file.mode).chain(view.directories.values().copied());
    if modes.any(|mode| mode.is_none()) {
        return Err(wrong("a file or directory of it has no mode"));
    }
    if places(&view) != places(&joliet.1) {
        return Err(wrong("its files are not the same in Joliet"));
    }
    let attributes = |mode: Option<u32>| Attributes { mode: mode.unwrap_or_default() & 0o7777, owner: 0 };
    Ok(Layout {
        head: head.len() as u64,
        size: volume.size,
        attributes: Attributes { mode: 0o755, owner: 0 },
        directories: view.directories.into_iter().map(|(path, mode)| (path, attributes(mode))).collect(),
        files: view.files.into_iter().map(|(path, file)| (path, (attributes(file.mode), file.sections))).collect(),
    })
}

/// The digest in the head was made with zeros in its place, and nothing follows it in its field.
fn check_head(head: &[u8]) -> Result<(), &'static str> {
    let begin = APPLICATION + HEAD_DIGEST.len();
    let digits = head.get(begin..begin + 64).unwrap_or_default();
    let mut blank = head.to_vec();
    if let Some(digits) = blank.get_mut(begin..begin + 64) {
        digits.fill(b'0');
    }
    if Digest256::of(&blank).to_string().as_bytes() != digits {
        return Err("its descriptors or directories are not what they were");
    }
    Ok(())
}

fn places(view: &IsoView) -> Vec<&[std::ops::Range<u64>]> {
    let mut all: Vec<_> = view.files.values().map(|file| file.sections.as_slice()).collect();
    all.sort_by_key(|sections| sections.first().map(|section| section.start));
    all
}

/// The files that the digests of a payload name: all of it but what closes it.
///
/// # Errors
/// The finding: it is no such list, or leads elsewhere.
pub fn signed_files(list: &[u8]) -> Result<BTreeMap<TreePath, Digest256>, Diagnostic> {
    let wrong = |why: String| {
        let help = "copy the payload again, out of the box";
        Diagnostic::error(Code::SumsDiffer, format!("{SUMS} {why}")).help(help)
    };
    let listed = sums::parse(list).map_err(|line| wrong(format!("is not of sha256sum in line {line}")))?;
    let parse = |(name, digest): (String, Digest256)| {
        let shown = name.escape_debug().to_string();
        let path: TreePath = name.parse().map_err(|error| wrong(format!("names `{shown}`: {error}")))?;
        if CLOSING.contains(&path.as_str()) {
            return Err(wrong(format!("names {shown}, which cannot stand in it")));
        }
        Ok((path, digest))
    };
    listed.into_iter().map(parse).collect()
}

/// Whether a directory is a payload by itself: signed digests, and neither manifest nor hosts of a built tree.
pub(super) fn is_payload(tree: &LoadedTree) -> bool {
    let built = tree.files.contains_key("manifest.json") || tree.directories.contains_key("hosts");
    !built && CLOSING.iter().any(|name| tree.files.contains_key(*name))
}

/// Compares a payload with its digests: every file listed and nothing else. Who signed them is another question.
pub(super) fn payload(tree: &LoadedTree) -> Report {
    let mut report = Report::default();
    let finding = |code: Code, path: &str, what: &str| {
        let message = format!("{} {what}", path.escape_debug());
        Diagnostic::error(code, message).help("bring it again, out of the box")
    };
    for (path, kind) in &tree.others {
        let what = match kind {
            OtherKind::Symlink => "is a symbolic link",
            OtherKind::Special => "is a device, a FIFO or a socket",
            OtherKind::NotUtf8Name => "has a name that is not UTF-8",
        };
        report.push(finding(Code::BundleSpecialFile, path, what));
    }
    let listed = match tree.files.get(SUMS).and_then(|file| file.bytes.as_deref()).map(signed_files) {
        Some(Ok(listed)) => listed,
        Some(Err(finding)) => {
            report.push(finding);
            return report;
        }
        None => {
            report.push(finding(Code::SumsDiffer, SUMS, "is missing"));
            return report;
        }
    };
    let listed: BTreeMap<&str, Digest256> = listed.iter().map(|(path, digest)| (path.as_str(), *digest)).collect();
    for (path, digest) in &listed {
        match tree.files.get(*path) {
            None => report.push(finding(Code::BundleFileMissing, path, "is missing")),
            Some(file) if file.sha256 != *digest => {
                let what = format!("has the SHA-256 {} and not {digest}", file.sha256);
                report.push(finding(Code::BundleFileDiffers, path, &what));
            }
            Some(_) => {}
        }
    }
    for path in tree.files.keys().map(String::as_str) {
        if !CLOSING.contains(&path) && !listed.contains_key(path) {
            report.push(finding(Code::BundleFileForeign, path, &format!("is not in {SUMS}")));
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_leads_nowhere_else() {
        let digest = Digest256::of(b"x");
        let line = |name: &str| format!("{digest}  {name}\n");
        let good = line("packages/a.rpm") + &line("repodata/repomd.xml");
        assert_eq!(signed_files(good.as_bytes()).expect("a list").len(), 2);
        for bad in [
            "x".to_owned(),
            line("../a"),
            line("packages/../../a"),
            line("/etc/shadow"),
            line("a//b"),
            line("./a"),
            line("SHA256SUMS"),
            line("box-key.pem"),
            line("a") + &line("a"),
            line(&"n/".repeat(600)),
        ] {
            assert_eq!(signed_files(bad.as_bytes()).expect_err(&bad).code, Code::SumsDiffer);
        }
    }

    #[test]
    fn what_an_image_says_of_its_head_is_bounded() {
        let beginning = |sectors: &str| {
            let mut bytes = vec![0; 17 * 2048];
            let field = [HEAD_DIGEST, "0".repeat(64).as_bytes(), b" SECTORS ", sectors.as_bytes()].concat();
            bytes.splice(APPLICATION..APPLICATION + field.len(), field);
            medium_head(&bytes)
        };
        assert_eq!(beginning("0000000018"), Some(18 * 2048));
        for sectors in ["0000000017", "0000000000", "9999999999", "0000065537", "-000000020", "00000000x0", "20"] {
            assert_eq!(beginning(sectors), None, "{sectors}");
        }
        assert_eq!(medium_head(b""), None);
    }
}

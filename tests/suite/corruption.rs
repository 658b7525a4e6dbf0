//! One changed byte of a box, of its parts, or of its payload's image: found, and named.

use std::fs;
use std::io::Read as _;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use cfy_seed::project::{BoxParts, Destination, Project};
use cfy_seed::world::FixedWorld;
use cfy_seed::{diag, verify};

use crate::support::packages::offline;
use crate::support::{Scratch, cfy_seed};

/// A small box with its image, made with the library: a few bytes stand for the program.
pub fn small(split: Option<u64>) -> (Scratch, Utf8PathBuf) {
    let scratch = offline();
    cfy_seed(scratch.path()).args(&["payload", "add", "new/libpq.rpm", "new/common.rpm", "new/image"]).exits(0);
    let now = time::OffsetDateTime::now_utc();
    let mut project = Project::open(Some(&scratch.spec()), now).expect("sound profiles");
    let plan = project.plan.take().expect("a plan");
    let to = Destination { out: scratch.join("out"), vault: scratch.join("vault") };
    let program = scratch.write("program", "not a program");
    let parts = BoxParts { payload: scratch.join("single.payload"), program, split, medium: true };
    let boxed = project.build_box(&plan, &to, &parts, &FixedWorld::default(), &|_, _| (), &|_, _| ()).expect("a box");
    (scratch, boxed.archived.path)
}

/// What `verify` finds.
pub fn found(path: &Utf8Path) -> String {
    let at = time::OffsetDateTime::now_utc();
    let profiles = cfy_seed::profile::Profiles::embedded().expect("sound profiles");
    let request = verify::Request { path, key: None, at, profiles: &profiles, progress: &|_, _| (), whole: None };
    let mut report = match verify::subject(request) {
        Ok(verification) => verification.report,
        Err(error) => error.diagnostic().expect("a finding").into(),
    };
    report.make_strict();
    diag::render(&report, &diag::Sources::default(), diag::Style::default())
}

/// Numbers that are the same on every run (Knuth's MMIX generator; the low bits are no good).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn within(&mut self, range: &Range<usize>) -> usize {
        range.start + self.below(range.len())
    }
}

/// A file that is changed in one byte, verified, and whole again.
struct Victim {
    path: Utf8PathBuf,
    original: Vec<u8>,
    tried: usize,
}

impl Victim {
    fn of(path: &Utf8Path) -> Self {
        Self { path: path.to_owned(), original: fs::read(path).expect("bytes"), tried: 0 }
    }

    /// What is found of `whole` where this file has another byte there.
    fn change(&mut self, at: usize, bits: u8, whole: &Utf8Path) -> String {
        let mut bytes = self.original.clone();
        bytes[at] ^= bits;
        fs::write(&self.path, &bytes).expect("written");
        let found = found(whole);
        fs::write(&self.path, &self.original).expect("written");
        assert!(
            !found.is_empty(),
            "byte {at} of {} changed by {bits:#04x} unseen: {}",
            self.original.len(),
            self.path
        );
        self.tried += 1;
        found
    }
}

/// Where the files of a box lie in it, by their paths below its directory.
pub fn places(archive: &[u8]) -> Vec<(String, Range<usize>)> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(archive).read_to_end(&mut plain).expect("gzip");
    let mut tar = tar::Archive::new(plain.as_slice());
    // Ten bytes of gzip, and five before each block of 65,535 (RFC 1951 §3.2.4).
    let place = |at: usize| 10 + at + 5 * (at / 0xffff + 1);
    let mut all = Vec::new();
    for entry in tar.entries().expect("entries") {
        let entry = entry.expect("an entry");
        let (start, size) = (entry.raw_file_position(), entry.header().entry_size().expect("a size"));
        let path = entry.path().expect("a path").to_str().expect("UTF-8").to_owned();
        let (start, size) = (usize::try_from(start).expect("small"), usize::try_from(size).expect("small"));
        if entry.header().entry_type().is_file() && size > 0 {
            let below = path.split_once('/').expect("below its directory").1;
            all.push((below.to_owned(), place(start)..place(start + size - 1) + 1));
        }
    }
    all
}

#[test]
fn every_changed_byte_of_a_box_is_found_and_named() {
    let (_scratch, path) = small(None);
    assert_eq!(found(&path), "", "it is good before it is changed");
    let mut victim = Victim::of(&path);
    let mut numbers = Numbers(6);
    let places = places(&victim.original);
    let names: Vec<&str> = places.iter().map(|(name, _)| name.as_str()).collect();
    for kind in ["README.txt", "cfy-seed", "manifest.json", "SHA256SUMS", "payload/SHA256SUMS.sig", "box-key.pem"] {
        assert!(names.contains(&kind), "{kind}: {names:?}");
    }
    assert!(names.iter().any(|name| name.ends_with(".rpm")) && names.iter().any(|name| name.ends_with("seed.iso")));
    for (name, range) in &places {
        for _ in 0..24 {
            let at = numbers.within(range);
            // A change in the five bytes before a block is one of the archive.
            let found = victim.change(at, 1 << numbers.below(8), &path);
            assert!(found.contains(name.as_str()) || found.contains("a block of it is damaged"), "{name}: {found}");
        }
    }
    for _ in 0..400 {
        let at = numbers.below(victim.original.len());
        victim.change(at, u8::try_from(1 + numbers.below(255)).expect("a byte"), &path);
    }
    let length = victim.original.len();
    for at in (0..80).chain(length - 40..length) {
        victim.change(at, 0x80, &path);
    }
    // Padding bits of a block's header, which decoders do not look at.
    assert!(victim.change(10, 0x40, &path).contains("a block of it is damaged"));
    assert!(victim.tried >= 1000, "{}", victim.tried);
    for cut in [0, 1, 9, 10, 300, length / 2, length - 1] {
        fs::write(&path, &victim.original[..cut]).expect("written");
        assert!(!found(&path).is_empty(), "cut to {cut}");
    }
    fs::write(&path, [&victim.original[..], b"x"].concat()).expect("written");
    assert!(found(&path).contains("something follows its end"));
}

#[test]
fn every_changed_byte_of_a_part_is_found_and_its_part_named() {
    let (_scratch, list) = small(Some(64 << 10));
    assert_eq!(found(&list), "", "they are good before one is changed");
    let text = fs::read_to_string(&list).expect("a list");
    let mut numbers = Numbers(7);
    assert!(text.lines().count() >= 3, "{text}");
    for (number, line) in text.lines().enumerate() {
        let part = list.with_file_name(line.split_once("  ").expect("a name").1);
        let name = part.file_name().expect("a name").to_owned();
        let mut victim = Victim::of(&part);
        for _ in 0..16 {
            let at = numbers.below(victim.original.len());
            let found = victim.change(at, 1 << numbers.below(8), &list);
            let again = format!("bring part {} again", number + 1);
            assert!(found.contains(&format!("{name} is not what was written")) && found.contains(&again), "{found}");
        }
        assert!(victim.change(0, 1, &part).contains(&name), "the part alone");
    }
    let mut victim = Victim::of(&list);
    for _ in 0..64 {
        let at = numbers.below(victim.original.len());
        victim.change(at, 1 << numbers.below(8), &list);
    }
}

#[test]
fn every_changed_byte_of_a_payload_image_is_found_and_named() {
    let (scratch, path) = small(None);
    let medium = path.with_file_name("single-7.0.4.payload.iso");
    assert_eq!(found(&medium), "", "it is good before it is changed");
    let mut victim = Victim::of(&medium);
    let mut numbers = Numbers(8);
    let length = victim.original.len();
    let volume = verify::iso9660::read(&victim.original, length as u64).expect("an image");
    let files = volume.rock_ridge.expect("Rock Ridge").files;
    let first = files.values().flat_map(|file| &file.sections).map(|section| section.start).min().expect("files");
    for (name, file) in &files {
        for section in &file.sections {
            let place = |at: u64| usize::try_from(at).expect("small");
            for _ in 0..16 {
                let at = numbers.within(&(place(section.start)..place(section.end)));
                let found = victim.change(at, 1 << numbers.below(8), &medium);
                assert!(found.contains(name.as_str()), "{name}: {found}");
            }
        }
    }
    for _ in 0..400 {
        let at = numbers.below(usize::try_from(first).expect("small"));
        assert!(victim.change(at, 1 << numbers.below(8), &medium).contains("single-7.0.4.payload.iso"));
    }
    // The first descriptor, whose own field says that it has a digest.
    for at in 32 << 10..34 << 10 {
        victim.change(at, 1 << numbers.below(8), &medium);
    }
    for _ in 0..300 {
        let at = numbers.below(length);
        victim.change(at, u8::try_from(1 + numbers.below(255)).expect("a byte"), &medium);
    }
    for cut in [40 << 10, length / 2, length - 2048, length - 1] {
        fs::write(&medium, &victim.original[..cut]).expect("written");
        assert!(found(&medium).contains("CFY-B0"), "cut to {cut}");
    }
    fs::write(&medium, [&victim.original[..], b"x"].concat()).expect("written");
    assert!(found(&medium).contains("something follows its end"));
    drop(scratch);
}

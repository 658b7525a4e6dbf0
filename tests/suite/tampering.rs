//! A box or an image that somebody changed with care, so that its checksums fit: hosts or tar would see something else than
//! `verify` reads.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use cfy_seed::project::split_box;
use cfy_seed::verify;

use crate::corruption::{found, places, small};

/// A box in which the header of every member was changed, with a checksum that fits.
fn with_headers(archive: &[u8], change: &dyn Fn(&str, &mut tar::Header)) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(archive).read_to_end(&mut plain).expect("gzip");
    let mut headers = Vec::new();
    for entry in tar::Archive::new(plain.as_slice()).entries().expect("entries").raw(true) {
        let entry = entry.expect("an entry");
        let path = String::from_utf8(entry.path_bytes().into_owned()).expect("UTF-8");
        headers.push((usize::try_from(entry.raw_header_position()).expect("small"), path, entry.header().clone()));
    }
    for (at, path, mut header) in headers {
        let before = header.clone();
        change(&path, &mut header);
        if header.as_bytes() != before.as_bytes() {
            header.set_cksum();
            plain[at..at + 512].copy_from_slice(header.as_bytes());
        }
    }
    packed(&plain)
}

fn packed(tar: &[u8]) -> Vec<u8> {
    let mut out = cfy_seed::bundle::gzip::Stored::new(Vec::new()).expect("memory");
    out.write_all(tar).expect("memory");
    out.finish().expect("memory")
}

/// Fields of headers that no file's bytes depend on, each with the checksums made anew: GNU tar would unpack something else.
#[test]
fn every_changed_field_of_a_box_header_is_found() {
    type Change = fn(&str, &mut tar::Header);
    let (_scratch, path) = small(None);
    let original = fs::read(&path).expect("a box");
    assert_eq!(with_headers(&original, &|_, _| ()), original, "what changes nothing makes the same box");
    assert!(places(&original).iter().any(|(name, _)| name == "README.txt"));
    let changes: [(&str, Change); 16] = [
        ("files of user 1000", |_, header| header.set_uid(1000)),
        ("files of group 1000", |_, header| header.set_gid(1000)),
        ("files of a user by name", |_, header| header.set_username("games").expect("short")),
        ("a date for all", |path, header| {
            // The first one says which it is.
            let first = path.matches('/').count() == 1 && path.ends_with('/');
            header.set_mtime(if first { 1 } else { 2 });
        }),
        ("a root that everybody writes to", |path, header| {
            if path.matches('/').count() == 1 && path.ends_with('/') {
                header.set_mode(0o7777);
            }
        }),
        ("directories that everybody reads", |path, header| {
            if header.entry_type().is_dir() && path.contains("/hosts") {
                header.set_mode(0o755);
            }
        }),
        ("a payload of root alone", |path, header| {
            if path.ends_with("/payload") {
                header.set_mode(0o700);
            }
        }),
        ("a list that everybody reads", |path, header| {
            if path.ends_with("-7.0.4/SHA256SUMS") {
                header.set_mode(0o644);
            }
        }),
        ("a program for its owner alone", |path, header| {
            if path.ends_with("/cfy-seed") {
                header.set_mode(0o700);
            }
        }),
        ("a file as a directory", |path, header| {
            if path.ends_with("/README.txt") {
                header.as_mut_bytes()[path.len()] = b'/';
            }
        }),
        ("a regular file of old tar", |_, header| {
            if header.entry_type().is_file() {
                header.as_mut_bytes()[156] = 0;
            }
        }),
        ("a link that is none", |_, header| header.as_mut_bytes()[157..168].copy_from_slice(b"/etc/passwd")),
        ("a directory of POSIX before the name", |path, header| {
            if path.ends_with("/README.txt") {
                header.as_mut_bytes()[257..265].copy_from_slice(b"ustar\0  ");
                header.as_mut_bytes()[345..351].copy_from_slice(b"hidden");
            }
        }),
        ("a device's number", |_, header| header.as_mut_bytes()[329..337].copy_from_slice(b"0000001\0")),
        ("something behind the name", |path, header| {
            if path.ends_with("/README.txt") {
                header.as_mut_bytes()[path.len() + 1] = b'x';
            }
        }),
        ("the end of a header", |_, header| header.as_mut_bytes()[511] = 1),
    ];
    for (what, change) in changes {
        let changed = with_headers(&original, &change);
        assert_ne!(changed, original, "{what}");
        fs::write(&path, changed).expect("written");
        let found = found(&path);
        let code = found.contains("CFY-B024") || found.contains("CFY-B015");
        assert!(code, "{what}: {found}");
    }
}

/// Files without a checksum of their own: what fills blocks up, and what ends the archive.
#[test]
fn what_fills_a_box_up_is_zero() {
    let (_scratch, path) = small(None);
    let original = fs::read(&path).expect("a box");
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(original.as_slice()).read_to_end(&mut plain).expect("gzip");
    let readme = {
        let mut tar = tar::Archive::new(plain.as_slice());
        let mut entries = tar.entries().expect("entries").map(|entry| entry.expect("an entry"));
        let entry = entries.find(|entry| entry.path_bytes().ends_with(b"/README.txt")).expect("it");
        usize::try_from(entry.raw_file_position() + entry.size()).expect("small")
    };
    assert_ne!(readme % 512, 0, "something fills it up");
    for (at, said) in [(readme, "what fills README.txt up is not zero"), (plain.len() - 1, "something follows")] {
        plain[at] = 1;
        fs::write(&path, packed(&plain)).expect("written");
        assert!(found(&path).contains(said), "{}", found(&path));
        plain[at] = 0;
    }
    for end in [plain.len() - 512, plain.len() - 1] {
        fs::write(&path, packed(&plain[..end])).expect("written");
        assert!(found(&path).contains("CFY-B024"), "{}", found(&path));
    }
}

/// What an ordinary user's tar makes of it: the umask takes bits away. More bits than the box has are found.
#[test]
fn a_box_is_good_with_any_umask() {
    let (scratch, path) = small(None);
    for umask in ["002", "022", "027", "077"] {
        let into = scratch.join(umask);
        fs::create_dir(&into).expect("a directory");
        let unpack = "umask \"$1\" && exec tar --no-same-permissions -xf \"$0\"";
        let status = Command::new("sh").args(["-c", unpack, path.as_str(), umask]).current_dir(&into).status();
        assert!(status.expect("sh").success());
        let tree = into.join("single-7.0.4");
        assert_eq!(found(&tree), "", "with the umask {umask}");
        for (place, mode) in [("", 0o1700), ("", 0o770), ("payload", 0o2755), ("payload", 0o777), ("hosts", 0o750)] {
            let place = tree.join(place);
            let before = fs::metadata(&place).expect("it").permissions();
            fs::set_permissions(&place, fs::Permissions::from_mode(mode)).expect("a mode");
            assert!(found(&tree).contains("CFY-B015"), "{place} with {mode:o}");
            fs::set_permissions(&place, before).expect("a mode");
        }
    }
}

/// What is split is read again: between the two times it may become another.
#[test]
fn a_box_that_changes_after_it_was_verified_is_not_split() {
    for split in [None, Some(64 << 10)] {
        let (scratch, path) = small(split);
        let victim = if split.is_some() { path.with_file_name("single-7.0.4.tar.gz.part-001") } else { path.clone() };
        let original = fs::read(&victim).expect("bytes");
        let mut changed = original.clone();
        changed[700] ^= 1;
        let at = time::OffsetDateTime::now_utc();
        let profiles = cfy_seed::profile::Profiles::embedded().expect("sound profiles");
        let (out, half) = (scratch.join("split"), std::cell::Cell::new(true));
        let split = |change: bool| {
            // The byte that is going to change has been verified.
            let progress = |passed: u64, total: u64| {
                if change && passed * 10 > total * 7 && half.replace(false) {
                    fs::write(&victim, &changed).expect("written");
                }
            };
            let request =
                verify::Request { path: &path, key: None, at, profiles: &profiles, progress: &progress, whole: None };
            split_box(request, 100 << 10, &out)
        };
        let error = split(true).expect_err("it has changed");
        assert!(!half.get() && error.to_string().contains("is not what was verified"), "{error}");
        assert!(out.read_dir_utf8().expect("it").flatten().all(|entry| !entry.file_name().contains("tar.gz")));
        fs::write(&victim, &original).expect("written");
        assert!(split(false).expect("good").parts > 1);
    }
}

/// An image of a payload in whose head something was changed, with a digest that fits.
fn with_head(medium: &[u8], change: impl Fn(&mut [u8])) -> Vec<u8> {
    const FIELD: usize = 16 * 2048 + 883;
    let mut medium = medium.to_vec();
    let field = std::str::from_utf8(&medium[FIELD..FIELD + 113]).expect("ASCII").to_owned();
    let digest = field.find("SHA256 ").expect("a digest") + "SHA256 ".len();
    let sectors: usize = field[digest + 64..].trim_start_matches(" SECTORS ")[..10].parse().expect("a number");
    change(&mut medium[..sectors * 2048]);
    medium[FIELD + digest..][..64].fill(b'0');
    let made = cfy_seed::names::Digest256::of(&medium[..sectors * 2048]).to_string();
    medium[FIELD + digest..][..64].copy_from_slice(made.as_bytes());
    medium
}

/// What a host would see as something else than a file, or not at all: FIFOs, links, compressed files, hidden ones.
#[test]
fn an_image_whose_files_a_host_does_not_see_is_found() {
    let (scratch, path) = small(None);
    let medium = path.with_file_name("single-7.0.4.payload.iso");
    let original = fs::read(&medium).expect("an image");
    assert_eq!(with_head(&original, |_| ()), original);
    let fields = |head: &[u8], signature: &[u8]| -> Vec<usize> {
        head.windows(4).enumerate().filter(|(_, field)| *field == signature).map(|(at, _)| at).collect()
    };
    let modes = |kind: u32| {
        with_head(&original, |head| {
            for at in fields(head, b"PX\x24\x01") {
                let mode = u32::from_le_bytes(head[at + 4..at + 8].try_into().expect("four"));
                if mode & 0o170_000 == 0o100_000 {
                    let mode = mode & 0o7777 | kind;
                    head[at + 4..at + 12].copy_from_slice(&[mode.to_le_bytes(), mode.to_be_bytes()].concat());
                }
            }
        })
    };
    let times = |signature: [u8; 2]| {
        with_head(&original, |head| {
            for at in fields(head, b"TF\x1a\x01") {
                head[at..at + 2].copy_from_slice(&signature);
            }
        })
    };
    for (what, changed) in [
        ("FIFOs", modes(0o010_000)),
        ("symbolic links", modes(0o120_000)),
        ("directories", modes(0o040_000)),
        ("no type", modes(0)),
        ("links", times(*b"SL")),
        ("compressed", times(*b"ZF")),
        (
            "no mode",
            with_head(&original, |head| {
                for at in fields(head, b"PX\x24\x01") {
                    head[at..at + 4].copy_from_slice(b"TF\x24\x01");
                }
            }),
        ),
    ] {
        assert_ne!(changed, original, "{what}");
        fs::write(&medium, changed).expect("written");
        let found = found(&medium);
        assert!(found.contains("CFY-B0") && found.contains("single-7.0.4.payload.iso: "), "{what}: {found}");
    }
    drop(scratch);
}

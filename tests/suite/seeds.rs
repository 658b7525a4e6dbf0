//! The seeds of the fuzz targets, through the very functions that are fuzzed: valid files, truncated ones, hostile ones.

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

#[path = "../../fuzz/targets.rs"]
mod targets;

/// No seed takes a tenth of it, on a machine that does nothing else.
const SOON: Duration = Duration::from_secs(20);

/// Gives every file of a directory to a target, each on a thread of its own: its stack is what a thread of a build has.
fn run(target: fn(&[u8]), directory: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut seeds = 0;
    for entry in fs::read_dir(&directory).expect("seeds") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            continue;
        }
        let bytes = fs::read(&path).expect("a seed");
        let (done, came_back) = mpsc::channel();
        std::thread::spawn(move || {
            target(&bytes);
            let _ = done.send(());
        });
        match came_back.recv_timeout(SOON) {
            Ok(()) => seeds += 1,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("{} takes more than {SOON:?}", path.display()),
            Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{} makes it panic", path.display()),
        }
    }
    assert!(seeds > 10, "only {seeds} seeds in {}", directory.display());
}

#[test]
fn files_of_the_cluster_manager() {
    run(targets::import, "fuzz/seeds/import");
}

#[test]
fn specs() {
    run(targets::spec, "fuzz/seeds/spec");
    run(targets::spec, "tests/bad-specs");
}

#[test]
fn certificates() {
    run(targets::certificate, "fuzz/seeds/certificate");
}

#[test]
fn images() {
    run(targets::image, "fuzz/seeds/image");
}

#[test]
fn archives() {
    run(targets::archive, "fuzz/seeds/archive");
}

/// What GNU tar would unpack in another way than it is read here, or what nobody wrote.
#[test]
fn archives_that_are_not_ours_are_refused() {
    let directory = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/archive");
    let scratch = crate::support::Scratch::new();
    let mut taken = Vec::new();
    for seed in directory.read_dir_utf8().expect("seeds").flatten() {
        let mut packed = cfy_seed::bundle::gzip::Stored::new(Vec::new()).expect("memory");
        std::io::Write::write_all(&mut packed, &fs::read(seed.path()).expect("a seed")).expect("memory");
        let path = scratch.write("x.tar.gz", packed.finish().expect("memory"));
        let limits = cfy_seed::load::Limits::BUNDLE;
        let read = cfy_seed::load::archive(&path, &[&path], limits, &|_| (), None);
        if read.is_ok_and(|unpacked| unpacked.damage.is_none()) {
            taken.push(seed.file_name().to_owned());
        }
    }
    taken.sort();
    assert_eq!(taken, ["good", "root-only"]);
}

#[test]
fn user_data() {
    run(targets::user_data, "fuzz/seeds/user_data");
}

#[test]
fn manifests() {
    run(targets::manifest, "fuzz/seeds/manifest");
}

#[test]
fn contracts() {
    run(targets::contract, "fuzz/seeds/contract");
}

#[test]
fn packages() {
    run(targets::rpm, "fuzz/seeds/rpm");
}

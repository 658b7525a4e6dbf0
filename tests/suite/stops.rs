//! Ctrl-C and worse in the middle of large files: nothing half-written stays.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use sha2::{Digest as _, Sha256};

use crate::boxes::run;
use crate::faults::{generation, whole};
use crate::support::packages::offline;
use crate::support::{Scratch, cfy_seed, have};

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
/// Much more than is written while a signal is on its way.
const LARGE: u64 = 512 << 20;

/// A program that is large because of a hole at its end: so is the box that it writes, for it goes into it.
fn large_program(scratch: &Scratch) {
    let program = scratch.join("cfy-seed");
    fs::copy(env!("CARGO_BIN_EXE_cfy-seed"), &program).expect("a copy");
    let size = fs::metadata(&program).expect("metadata").len();
    let file = OpenOptions::new().write(true).open(&program).expect("writable");
    file.set_len(size + LARGE).expect("a hole");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
}

/// Runs a command, and sends it a signal once some MB of the file are written whose name begins so.
fn signalled(scratch: &Scratch, args: &[&str], file: &str, signal: i32) -> (Option<i32>, String) {
    // Whatever these tests themselves were started with: `nohup`, or in the background of a script.
    signalled_under(&["env", "--default-signal"], scratch, args, file, signal)
}

/// As [`signalled`], started by another program that becomes it.
fn signalled_under(by: &[&str], scratch: &Scratch, args: &[&str], file: &str, signal: i32) -> (Option<i32>, String) {
    let mut command = Command::new(by[0]);
    command.args(&by[1..]).arg("./cfy-seed").args(args).current_dir(scratch.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().expect("the binary runs");
    let begun = Instant::now();
    let (directory, prefix) = file.rsplit_once('/').expect("a directory");
    while written(&scratch.join(directory), prefix) < 8 << 20 {
        assert!(begun.elapsed() < Duration::from_secs(100), "{file} is not begun");
        std::thread::sleep(Duration::from_millis(1));
    }
    kill(&child, signal);
    let output = child.wait_with_output().expect("it ends");
    (output.status.signal(), String::from_utf8(output.stderr).expect("text"))
}

fn kill(child: &Child, signal: i32) {
    let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
    assert!(sent.expect("kill").success());
}

fn written(directory: &Utf8Path, prefix: &str) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let found = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    found.filter_map(|entry| entry.metadata().ok()).map(|status| status.len()).max().unwrap_or_default()
}

fn names(directory: &Utf8Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

#[test]
fn a_signal_in_the_middle_of_a_box_leaves_the_box_that_was_there() {
    let scratch = offline();
    cfy_seed(scratch.path()).args(&["payload", "add", "new/libpq.rpm", "new/common.rpm", "new/image"]).exits(0);
    let args = ["build", "--offline", "--vault", "vault"];
    cfy_seed(scratch.path()).args(&args).exits(0);
    let out = scratch.join("out");
    let there = [".gitignore", "single", "single-7.0.4.tar.gz"];
    let before = run(&out, "sha256sum", &["single-7.0.4.tar.gz"]);
    large_program(&scratch);
    // The bundles too: they come into their place with the box, not before it.
    let spec = fs::read_to_string(scratch.spec()).expect("a spec");
    generation(&scratch, 7);
    for (signal, split) in [(SIGINT, false), (SIGTERM, true), (SIGHUP, false)] {
        let args = if split { [&args[..], &["--split", "20MB"]].concat() } else { args.to_vec() };
        let (ended, said) = signalled(&scratch, &args, "out/.cfy-seed.single.archive", signal);
        assert_eq!(ended, Some(signal), "{said}");
        assert!(said.contains("stopped: what was begun is removed"), "{said}");
        assert_eq!(names(&out), there);
        assert_eq!(run(&out, "sha256sum", &["single-7.0.4.tar.gz"]), before);
        assert_eq!(whole(&out.join("single")), 1);
    }
    // A terminal that closes is nothing to a build that shall outlive it.
    let hidden = ["build", "--offline", "--vault", "vault", "--out", "hidden"];
    let nohup = ["env", "--default-signal", "nohup"];
    let (ended, said) = signalled_under(&nohup, &scratch, &hidden, "hidden/.cfy-seed.single.archive", SIGHUP);
    assert!(ended.is_none() && scratch.join("hidden/single-7.0.4.tar.gz").exists(), "{said}");
    fs::remove_dir_all(scratch.join("hidden")).expect("removed");
    // A disk that is full, or a file that may not be as large, when the box is nearly done.
    let limited = "trap '' XFSZ; ulimit -f 400000; ./cfy-seed build --offline --vault vault";
    let failed = Command::new("bash").args(["-c", limited]).current_dir(scratch.path()).output().expect("bash");
    let said = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(2), "{said}");
    assert!(said.contains("cannot write out/single-7.0.4.tar.gz: File too large"), "{said}");
    assert_eq!((names(&out), whole(&out.join("single"))), (there.map(str::to_owned).to_vec(), 1));
    assert_eq!(run(&out, "sha256sum", &["single-7.0.4.tar.gz"]), before);
    // Nobody can do anything after a SIGKILL; the next build does.
    let (ended, _) = signalled(&scratch, &args, "out/.cfy-seed.single.archive", SIGKILL);
    assert_eq!(ended, Some(SIGKILL));
    assert!(names(&out).iter().any(|name| name.starts_with(".cfy-seed.single.archive")));
    assert_eq!(run(&out, "sha256sum", &["single-7.0.4.tar.gz"]), before);
    assert_eq!(whole(&out.join("single")), 1);
    // It holds private keys, so a build without a box removes it too.
    scratch.write("cluster.yaml", spec);
    cfy_seed(scratch.path()).args(&["build", "--vault", "vault"]).exits(0);
    assert_eq!(names(&out), there);
    cfy_seed(scratch.path()).args(&args).exits(0);
    assert_eq!(names(&out), there);
    assert_eq!(run(&out, "sha256sum", &["single-7.0.4.tar.gz"]), before);
}

#[test]
fn a_signal_in_the_middle_of_an_image_leaves_none() {
    if !have(&["openssl"]) {
        return;
    }
    let scratch = Scratch::new();
    large_program(&scratch);
    scratch.write("payload/repodata/repomd.xml", "<repomd><revision>1700000000</revision></repomd>");
    fs::create_dir(scratch.join("payload/packages")).expect("a directory");
    let large = fs::File::create(scratch.join("payload/packages/large.rpm")).expect("a file");
    large.set_len(LARGE).expect("a hole");
    let mut digest = Sha256::new();
    (0..LARGE >> 20).for_each(|_| digest.update(vec![0; 1 << 20]));
    let large = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let index = run(scratch.path(), "sh", &["-c", "cd payload && sha256sum repodata/repomd.xml"]);
    scratch.write("payload/SHA256SUMS", format!("{large}  packages/large.rpm\n{index}"));
    for command in [
        "openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out box.key",
        "openssl pkey -in box.key -pubout -out payload/box-key.pem",
        "openssl dgst -sha256 -sign box.key -out payload/SHA256SUMS.sig payload/SHA256SUMS",
    ] {
        run(scratch.path(), "sh", &["-c", command]);
    }
    let before = names(scratch.path());
    let args = ["payload", "iso", "payload", "--out", "./p.iso"];
    let (ended, said) = signalled(&scratch, &args, "./.cfy-seed.p.iso.image", SIGINT);
    assert_eq!((ended, names(scratch.path())), (Some(SIGINT), before.clone()), "{said}");
    let (ended, _) = signalled(&scratch, &args, "./.cfy-seed.p.iso.image", SIGKILL);
    assert_eq!(ended, Some(SIGKILL));
    assert_ne!(names(scratch.path()), before);
    cfy_seed(scratch.path()).args(&args).exits(0);
    cfy_seed(scratch.path()).args(&["verify", "p.iso"]).exits(0);
    let mut after = before;
    after.push("p.iso".to_owned());
    after.sort();
    assert_eq!(names(scratch.path()), after);
}

//! Inputs and outputs that are not what they should be: files, directories, links.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Scratch, cfy_seed, files, mode, modes, skip};

fn single(scratch: &Scratch) -> String {
    fs::read_to_string(scratch.spec()).expect("a spec")
}

#[test]
fn specs_that_cannot_be_read_are_bad_input() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.join("directory.yaml")).expect("a directory");
    symlink("nowhere", scratch.join("dangling.yaml")).expect("a link");
    symlink("loop.yaml", scratch.join("loop.yaml")).expect("a link");
    scratch.write("large.yaml", vec![b'#'; (4 << 20) + 1]);
    for name in ["missing.yaml", "directory.yaml", "dangling.yaml", "loop.yaml", "large.yaml", "missing.yaml/x"] {
        for command in ["check", "plan", "build"] {
            let output = cfy_seed(scratch.path()).args(&[command, name]).exits(1);
            assert!(output.stderr.contains("[CFY-S009]"), "{command} {name}: {}", output.stderr);
        }
    }
    let output = cfy_seed(scratch.path()).args(&["check", "/dev/zero"]).exits(1);
    assert!(output.stderr.contains("[CFY-S009]"), "{}", output.stderr);
    // A named file that is not there is no reason to take the example.
    assert!(!scratch.join("out").exists());
}

#[test]
fn a_cluster_yaml_that_cannot_be_read_is_not_replaced_by_the_example() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.spec()).expect("a directory");
    let output = cfy_seed(scratch.path()).args(&["build"]).exits(1);
    assert!(output.stderr.contains("[CFY-S009]") && !output.stderr.contains("CFY-S011"), "{}", output.stderr);
}

#[test]
fn line_ends_and_byte_order_marks_do_not_matter() {
    let scratch = Scratch::fixture("all-in-one");
    let text = single(&scratch);
    scratch.write("crlf.yaml", text.replace('\n', "\r\n"));
    scratch.write("bom.yaml", format!("\u{feff}{text}"));
    scratch.write("no-end.yaml", text.trim_end());
    for name in ["crlf.yaml", "bom.yaml", "no-end.yaml"] {
        cfy_seed(scratch.path()).args(&["check", name]).exits(0);
    }
    let at = |name: &str, text: String| {
        scratch.write(name, text.replace("name: single", "name: Single"));
        let output = cfy_seed(scratch.path()).args(&["check", name]).exits(1);
        output.stderr.lines().find(|line| line.contains("-->")).expect("a place").replace(name, "")
    };
    let wanted = at("a.yaml", text.clone());
    assert_eq!(at("b.yaml", text.replace('\n', "\r\n")), wanted);
}

#[test]
fn output_that_is_in_the_way_is_not_touched() {
    let scratch = Scratch::fixture("all-in-one");
    let build = |out: &str, code: i32| {
        let output = cfy_seed(scratch.path()).args(&["build", "--vault", "vault", "--out", out]).run();
        assert_eq!(output.code, Some(code), "{out}: {}", output.all());
        assert!(!output.all().contains("panicked"));
        output.stderr
    };
    scratch.write("file", "mine");
    assert!(build("file", 1).contains("CFY-B002"));
    scratch.write("a/single", "mine");
    assert!(build("a", 1).contains("CFY-B002"));
    scratch.write("b/single/notes.txt", "mine");
    assert!(build("b", 1).contains("CFY-B001"));
    scratch.write("elsewhere/notes.txt", "mine");
    fs::create_dir(scratch.join("c")).expect("a directory");
    symlink("../elsewhere", scratch.join("c/single")).expect("a link");
    assert!(build("c", 1).contains("CFY-B002"));
    for name in ["file", "a/single", "b/single/notes.txt", "elsewhere/notes.txt"] {
        assert_eq!(fs::read_to_string(scratch.join(name)).expect("a file"), "mine");
    }
    assert_eq!(files(scratch.join("b").as_std_path()).len(), 1, "nothing is left beside it");
    // The parent may hold what it likes, and may be a link.
    scratch.write("d/other/notes.txt", "mine");
    symlink("d", scratch.join("e")).expect("a link");
    build("e", 0);
    assert!(scratch.join("d/single/manifest.json").exists() && scratch.join("d/other/notes.txt").exists());
    build("new/parents/too", 0);
}

#[test]
fn output_that_cannot_be_written_is_the_machines_failure() {
    let scratch = Scratch::fixture("all-in-one");
    let output = cfy_seed(scratch.path()).args(&["build", "--vault", "vault", "--out", "/proc/out"]).exits(2);
    assert!(
        output.stderr.contains("\nerror: cannot create /proc/out") && !output.stderr.contains("bug"),
        "{}",
        output.stderr
    );
    let closed = scratch.join("closed");
    fs::create_dir(&closed).expect("a directory");
    fs::set_permissions(&closed, mode(0o500)).expect("a mode");
    if rustix::process::geteuid().is_root() {
        // Root writes where it likes; /proc above is what stops it.
        return;
    }
    cfy_seed(scratch.path()).args(&["build", "--vault", "vault", "--out", "closed"]).exits(2);
    assert_eq!(modes(closed.as_std_path()).len(), 1);
}

/// On a file system that is full: exit code 2, the old tree whole, nothing left behind.
#[test]
fn a_full_disk_leaves_the_old_tree() {
    let scratch = Scratch::fixture("all-in-one");
    let program = env!("CARGO_BIN_EXE_cfy-seed");
    let script = "
        set -eu
        mkdir disk && mount -t tmpfs -o size=1m tmpfs disk
        \"$0\" build --vault vault --out disk
        (cd disk/single && sha256sum --quiet -c SHA256SUMS && find . | sort) > before
        head -c 2m /dev/zero > disk/filler || true
        sed -i 's/^name: single/generation: 2\\n&/' cluster.yaml
        rc=0; \"$0\" build --vault vault --out disk || rc=$?
        (cd disk/single && sha256sum --quiet -c SHA256SUMS && find . | sort) > after
        cmp before after
        ls -A disk > left
        rm disk/filler
        \"$0\" build --vault vault --out disk
        exit $rc";
    let probe = std::process::Command::new("unshare").args(["--mount", "true"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        return skip("this user may not mount a small file system");
    }
    let output = std::process::Command::new("unshare")
        .args(["--mount", "sh", "-c", script, program])
        .current_dir(scratch.path())
        .output()
        .expect("unshare");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let left = fs::read_to_string(scratch.join("left")).expect("a list");
    let ours: Vec<&str> = left.lines().filter(|name| *name != "filler" && *name != "single").collect();
    assert!(ours.iter().all(|name| name.ends_with("lock")), "{ours:?} is left behind");
}

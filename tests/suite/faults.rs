//! Builds that are killed, interrupted, or run at once: the tree that is there is always whole.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use cfy_seed::names::Digest256;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Program, Scratch, cfy_seed, files, long};

/// Checks every file of a tree against `SHA256SUMS` and the manifest; gives the generation that it was built for.
pub fn whole(tree: &Utf8Path) -> u64 {
    let sums = fs::read_to_string(tree.join("SHA256SUMS")).expect("SHA256SUMS");
    let mut listed: Vec<&str> = Vec::new();
    for line in sums.lines() {
        let (digest, path) = line.split_once("  ").expect("a digest and a path");
        let bytes = fs::read(tree.join(path)).expect(path);
        assert_eq!(Digest256::of(&bytes).to_string(), digest, "{path}");
        listed.push(path);
    }
    let there = files(tree.as_std_path());
    let there: Vec<&str> = there.iter().map(|(path, _)| path.as_str()).filter(|path| *path != "SHA256SUMS").collect();
    listed.sort_unstable();
    assert_eq!(there, listed);
    let manifest: Value =
        serde_json::from_slice(&fs::read(tree.join("manifest.json")).expect("a manifest")).expect("JSON");
    manifest["generation"].as_u64().expect("a generation")
}

fn build(scratch: &Scratch) -> Program {
    cfy_seed(scratch.path()).args(&["build", "--vault", "vault"])
}

fn start(program: Program) -> Child {
    let mut command = program.0;
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

pub fn generation(scratch: &Scratch, number: u64) {
    let text = fs::read_to_string(scratch.spec()).expect("a spec");
    let kept = text.lines().filter(|line| !line.starts_with("generation:"));
    let text: String = kept.flat_map(|line| [line, "\n"]).collect();
    scratch.write("cluster.yaml", text.replacen("name: ", &format!("generation: {number}\nname: "), 1));
}

/// Sends the signal after a share of the time that a build takes, at other moments in every run.
fn signalled_builds(signal: Signal, times: u32) {
    let scratch = Scratch::fixture("nine-node");
    generation(&scratch, 1);
    build(&scratch).exits(0);
    let begin = Instant::now();
    build(&scratch).exits(0);
    let usual = begin.elapsed();
    let tree = scratch.join("out/golden");
    let (mut old, mut interrupted) = (whole(&tree), 0);
    let jitter = Duration::from_nanos(u64::from(begin.elapsed().subsec_nanos() % 1000) * 1000);
    for round in 0..times {
        let new = old + 1;
        generation(&scratch, new);
        let mut child = start(build(&scratch));
        std::thread::sleep(usual * round / times + jitter);
        let pid = Pid::from_child(&child);
        let _ = kill_process(pid, signal);
        interrupted += u32::from(child.wait().expect("it ends").code().is_none());
        let found = whole(&tree);
        assert!(found == old || found == new, "neither the old tree ({old}) nor the new one: {found}");
        old = found;
    }
    assert!(interrupted > times / 4, "only {interrupted} of {times} builds met the signal");
    // Whatever they left behind hinders nobody, and goes away.
    build(&scratch).exits(0);
    whole(&tree);
    let left = fs::read_dir(scratch.join("out")).expect("out").map(|entry| entry.expect("an entry").file_name());
    let left: Vec<String> =
        left.map(|name| name.into_string().expect("UTF-8")).filter(|name| name != "golden").collect();
    assert!(left.iter().all(|name| name.ends_with("lock") || name == ".gitignore"), "{left:?}");
}

#[test]
fn a_killed_build_leaves_the_old_tree_or_the_new_one() {
    signalled_builds(Signal::KILL, if long() { 100 } else { 30 });
}

#[test]
fn an_interrupted_build_leaves_the_old_tree_or_the_new_one() {
    signalled_builds(Signal::INT, if long() { 30 } else { 8 });
}

/// The first build of all, which makes keys: afterwards a build goes on, with the CA that was made if one was.
#[test]
fn a_first_build_that_was_killed_can_be_repeated() {
    let rounds = if long() { 20 } else { 6 };
    for round in 0..rounds {
        let scratch = Scratch::fixture("all-in-one");
        fs::remove_dir_all(scratch.join("vault")).expect("a vault");
        let mut child = start(build(&scratch));
        std::thread::sleep(Duration::from_millis(40) * round);
        let _ = child.kill();
        child.wait().expect("it ends");
        let ca = fs::read(scratch.join("vault/ca.crt")).ok();
        build(&scratch).exits(0);
        whole(&scratch.join("out/single"));
        let now = fs::read(scratch.join("vault/ca.crt")).ok();
        assert!(ca.is_none() || ca == now, "a CA was replaced");
    }
}

#[test]
fn builds_at_once_all_succeed_or_say_that_another_runs() {
    let scratch = Scratch::fixture("nine-node");
    for _ in 0..if long() { 10 } else { 3 } {
        let children: Vec<Child> = (0..4)
            .map(|_| {
                let mut command = build(&scratch).0;
                command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
            })
            .collect();
        let mut good = 0;
        for child in children {
            let output = child.wait_with_output().expect("it ends");
            let said = String::from_utf8(output.stderr).expect("UTF-8");
            let busy = output.status.code() == Some(1) && said.contains("[CFY-B003]");
            good += u32::from(output.status.success());
            assert!(output.status.success() || busy, "{said}");
        }
        assert!(good > 0);
        whole(&scratch.join("out/golden"));
    }
}

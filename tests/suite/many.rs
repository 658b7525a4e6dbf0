//! Several specs in one run: `build a.yaml b.yaml …` and `check a.yaml b.yaml …`.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Scratch, cfy_seed, files, long, mode};

/// A copy of the all-in-one with its own name and its vault beside it, so that no key is to be made.
fn cluster(scratch: &Scratch, name: &str) -> String {
    let fixture = Scratch::fixture("all-in-one");
    for (path, bytes) in files(fixture.path().as_std_path()) {
        let text = String::from_utf8(bytes).expect("text");
        let text = text.replace("name: single", &format!("name: {name}"));
        let text = text.replace("cluster: 'single'", &format!("cluster: '{name}'"));
        let to = match path.strip_prefix("vault/") {
            Some(below) => format!("specs/{name}.vault/{below}"),
            None => format!("specs/{name}.yaml"),
        };
        fs::set_permissions(scratch.write(&to, text), mode(0o600)).expect("a mode");
    }
    for directory in ["", "/hosts"] {
        fs::set_permissions(scratch.join(&format!("specs/{name}.vault{directory}")), mode(0o700)).expect("a mode");
    }
    format!("specs/{name}.yaml")
}

fn clusters(scratch: &Scratch, count: usize) -> Vec<String> {
    (1..=count).map(|number| cluster(scratch, &format!("c{number:03}"))).collect()
}

fn words<'a>(command: &'a str, specs: &'a [String]) -> Vec<&'a str> {
    std::iter::once(command).chain(specs.iter().map(String::as_str)).collect()
}

/// A bad spec, one that is not there, and a vault that is damaged stop only themselves.
#[test]
fn one_that_cannot_be_built_stops_no_other() {
    let scratch = Scratch::new();
    let mut specs = clusters(&scratch, 12);
    let text = fs::read_to_string(scratch.join(&specs[2])).expect("a spec");
    scratch.write(&specs[2], text.replace("private_ip", "private_pi"));
    scratch.write("specs/c005.vault/ca.crt", "cut off");
    specs.insert(7, "specs/missing.yaml".to_owned());
    let output = cfy_seed(scratch.path()).args(&words("build", &specs)).exits(1);
    assert_eq!(output.stderr.lines().last(), Some("10 built, 3 not"), "{}", output.stderr);
    for (name, code) in
        [("specs/c003.yaml", "CFY-S003"), ("specs/c005.yaml", "CFY-V002"), ("specs/missing.yaml", "CFY-S009")]
    {
        let end = output.stderr.find(&format!("\n{name}: not built\n")).expect(name);
        let before = &output.stderr[..end];
        let begin = before.rfind("\nc0").or_else(|| before.rfind(": not built\n")).unwrap_or_default();
        assert!(before[begin..].contains(&format!("[{code}]")), "{name}: its findings stand together with it");
    }
    for number in 1..=12 {
        let tree = scratch.join(&format!("out/c{number:03}"));
        assert_eq!(tree.exists(), number != 3 && number != 5, "{tree}");
        if tree.exists() {
            cfy_seed(scratch.path()).args(&["verify", tree.as_str()]).exits(0);
        }
    }
    let built = output.stderr.lines().filter(|line| line.contains(" files, "));
    let built: Vec<&str> = built.filter_map(|line| line.split(':').next()).collect();
    assert!(built.is_sorted() && built.len() == 10, "in the order of the arguments: {built:?}");
}

/// What is built beside others is what is built alone.
#[test]
fn side_by_side_or_alone_gives_the_same_trees() {
    let scratch = Scratch::new();
    let specs = clusters(&scratch, 8);
    cfy_seed(scratch.path()).args(&words("build", &specs)).exits(0).says("8 built, 0 not");
    for (number, spec) in specs.iter().enumerate() {
        cfy_seed(scratch.path()).args(&["build", "--out", "alone", spec]).exits(0);
        let tree = |out: &str| files(scratch.join(&format!("{out}/c{:03}", number + 1)).as_std_path());
        assert!(tree("out") == tree("alone"), "{spec}");
    }
}

#[test]
fn two_specs_for_one_cluster_are_refused_before_anything_is_built() {
    let scratch = Scratch::new();
    let mut specs = clusters(&scratch, 3);
    let twin = fs::read_to_string(scratch.join(&specs[1])).expect("a spec");
    scratch.write("elsewhere/twin.yaml", format!("# another place in its file\n{twin}"));
    specs.push("elsewhere/twin.yaml".to_owned());
    for command in ["build", "check"] {
        let output = cfy_seed(scratch.path()).args(&words(command, &specs)).exits(1);
        assert_eq!(output.stderr.matches("error[CFY-B060]").count(), 1, "{}", output.stderr);
        for part in ["the cluster `c002`", "elsewhere/twin.yaml:", "specs/c002.yaml:", "name: c002"] {
            assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
        }
    }
    cfy_seed(scratch.path()).args(&["build", &specs[0], &specs[0]]).exits(1).says("CFY-B060");
    assert!(!scratch.join("out").exists(), "something was built");
}

#[test]
fn a_vault_that_is_named_is_for_one_spec() {
    let scratch = Scratch::new();
    let specs = clusters(&scratch, 2);
    let output = cfy_seed(scratch.path()).args(&words("build", &specs)).args(&["--vault", "v"]).exits(64);
    assert!(output.stderr.contains("--vault"), "{}", output.stderr);
    assert!(!scratch.join("out").exists() && !scratch.join("v").exists());
}

#[test]
fn check_tells_of_each_and_ends_with_the_worst() {
    let scratch = Scratch::new();
    let specs = clusters(&scratch, 3);
    cfy_seed(scratch.path()).args(&words("check", &specs)).exits(0).says("3 good, 0 not");
    scratch.write(&specs[1], "name: 1\n");
    let output = cfy_seed(scratch.path()).args(&words("check", &specs)).exits(1).says("2 good, 1 not");
    assert!(output.stderr.contains("\nspecs/c002.yaml: not good\n"), "{}", output.stderr);
    let output = cfy_seed(scratch.path()).args(&words("check", &specs)).args(&["--format", "json"]).exits(1);
    let reports = serde_json::Deserializer::from_str(&output.stdout).into_iter::<serde_json::Value>();
    let errors: Vec<bool> = reports.map(|report| report.expect("JSON")["errors"] != 0).collect();
    assert_eq!(errors, [false, true, false], "one report for each, in their order");
    assert!(output.stderr.is_empty(), "{}", output.stderr);
    // The worst of the machine's failure and a bad spec is the machine's.
    let build = cfy_seed(scratch.path()).args(&words("build", &specs)).args(&["--out", "/proc/out"]).exits(2);
    assert!(build.stderr.ends_with("0 built, 3 not\n"), "{}", build.stderr);
}

/// SIGKILL and Ctrl-C at moments of a build of several: every cluster's tree is the old one or the new one, whole.
#[test]
fn a_signal_leaves_every_cluster_old_or_new() {
    let scratch = Scratch::new();
    let specs = clusters(&scratch, 10);
    let build = || cfy_seed(scratch.path()).args(&words("build", &specs));
    build().exits(0);
    let began = std::time::Instant::now();
    build().exits(0);
    let usual = began.elapsed();
    let (rounds, mut interrupted, mut mixed) = (if long() { 60 } else { 12 }, 0, 0);
    let mut generations = vec![1; specs.len()];
    for round in 1..=rounds {
        let new = u64::from(round) + 1;
        for spec in &specs {
            let text = fs::read_to_string(scratch.join(spec)).expect("a spec");
            let kept = text.lines().filter(|line| !line.starts_with("generation:")).collect::<Vec<_>>().join("\n");
            scratch.write(spec, format!("{kept}\ngeneration: {new}\n"));
        }
        let mut child = build().0.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(usual * round / rounds + Duration::from_micros(u64::from(round) * 137));
        let signal = if round % 3 == 0 { Signal::INT } else { Signal::KILL };
        let _ = kill_process(Pid::from_child(&child), signal);
        interrupted += u32::from(child.wait().expect("it ends").code().is_none());
        for (at, old) in generations.iter_mut().enumerate() {
            let found = crate::faults::whole(&scratch.join(&format!("out/c{:03}", at + 1)));
            assert!(found == *old || found == new, "neither the old tree ({old}) nor the new one ({new}): {found}");
            *old = found;
        }
        let fresh = generations.iter().filter(|generation| **generation == new).count();
        mixed += u32::from(fresh > 0 && fresh < specs.len());
    }
    assert!(interrupted > rounds / 4, "only {interrupted} of {rounds} met the signal");
    assert!(mixed > 0, "no signal fell between two clusters");
    build().exits(0).says("10 built, 0 not");
}

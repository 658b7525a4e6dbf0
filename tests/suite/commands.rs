//! The command line: exit codes, where text goes, and what every command says.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Scratch, cfy_seed, files, root};

#[test]
fn init_writes_one_file_and_never_over_another() {
    let scratch = Scratch::new();
    let output = cfy_seed(scratch.path()).args(&["init"]).exits(0).says("cluster.yaml written");
    assert!(output.stdout.is_empty());
    let written = std::fs::read(scratch.spec()).expect("a spec");
    cfy_seed(scratch.path()).args(&["init", "--shape", "all-in-one"]).exits(1);
    assert_eq!(std::fs::read(scratch.spec()).expect("a spec"), written);
    // Neither over a link to nowhere, nor through one.
    std::os::unix::fs::symlink("nowhere", scratch.join("link.yaml")).expect("a link");
    cfy_seed(scratch.path()).args(&["init", "link.yaml"]).exits(1);
    assert!(!scratch.join("nowhere").exists());
    cfy_seed(scratch.path()).args(&["init", "no/such/directory.yaml"]).run();
    cfy_seed(scratch.path()).args(&["init", "--shape", "twelve-node"]).exits(64);
}

#[test]
fn what_init_writes_is_what_is_built_where_there_is_none() {
    let scratch = Scratch::new();
    for shape in ["nine-node", "all-in-one"] {
        let file = format!("{shape}.yaml");
        cfy_seed(scratch.path()).args(&["init", "--shape", shape, &file]).exits(0);
        cfy_seed(scratch.path()).args(&["check", &file]).exits(0).says("CFY-P014").says("CFY-P015");
        cfy_seed(scratch.path()).args(&["check", "--strict", &file]).exits(1);
    }
    let plan = |arguments: &[&str]| {
        let output = cfy_seed(scratch.path()).args(&["plan", "--format", "json"]).args(arguments).exits(0);
        let mut plan: Value = serde_json::from_str(&output.stdout).expect("JSON");
        // Where a finding stands is another file's name, and that there is no spec is one itself.
        assert!(plan.as_object_mut().and_then(|plan| plan.remove("findings")).is_some());
        plan
    };
    assert_eq!(plan(&[]), plan(&["nine-node.yaml"]));
    cfy_seed(scratch.path()).args(&["check"]).exits(0).says("CFY-S011");
    assert_eq!(files(scratch.path().as_std_path()).len(), 2, "check and plan write nothing");
}

#[test]
fn exit_codes_are_those_of_the_manual() {
    let scratch = Scratch::new();
    for (arguments, code) in [
        (&["--help"][..], 0),
        (&["--version"], 0),
        (&["help", "build"], 0),
        (&["schema"], 0),
        (&["man"], 0),
        (&["explain"], 0),
        (&["explain", "s001"], 0),
        (&["completions", "bash"], 0),
        (&[], 64),
        (&["biuld"], 64),
        (&["check", "--frobnicate"], 64),
        (&["plan", "a.yaml", "b.yaml"], 64),
        (&["check", "a.yaml", "b.yaml"], 1),
        (&["check", "--format", "xml"], 64),
        (&["explain", "CFY-S999"], 64),
        (&["completions", "tcsh"], 64),
        (&["check", "missing.yaml"], 1),
        (&["plan", "missing.yaml"], 1),
        (&["build", "missing.yaml"], 1),
        (&["credentials", "--spec", "missing.yaml"], 1),
        (&["check", ""], 1),
    ] {
        let output = cfy_seed(scratch.path()).args(arguments).run();
        assert_eq!(output.code, Some(code), "{arguments:?}: {}", output.all());
        assert_eq!(output.stdout.is_empty(), code != 0, "{arguments:?}: data goes to stdout, text to stderr");
        assert!(code == 0 || !output.stderr.trim().is_empty(), "{arguments:?} fails without a word");
        assert!(!output.stderr.contains("panicked"), "{arguments:?}");
    }
    assert!(files(scratch.path().as_std_path()).is_empty());
}

#[test]
fn every_code_is_explained_and_every_page_is_listed() {
    let scratch = Scratch::new();
    let list = cfy_seed(scratch.path()).args(&["explain"]).exits(0).stdout;
    for code in cfy_seed::diag::Code::ALL.iter().map(|code| code.as_str()) {
        assert!(list.lines().any(|line| line.starts_with(&format!("{code}  "))), "{code}");
        for asked in [code.to_owned(), code.to_lowercase(), code[4..].to_owned()] {
            let page = cfy_seed(scratch.path()).args(&["explain", &asked]).exits(0).stdout;
            assert!(page.starts_with(&format!("{code}: ")) && page.len() > 60, "{page}");
        }
    }
    cfy_seed(scratch.path()).args(&["explain", "CFY-S0O1"]).exits(64).says("did you mean CFY-S001?");
}

#[test]
fn help_fits_a_terminal() {
    let scratch = Scratch::new();
    let commands =
        "init import check plan build verify status credentials payload explain schema completions man".split(' ');
    let all = cfy_seed(scratch.path()).args(&["--help"]).exits(0).stdout;
    for command in commands {
        assert!(all.contains(&format!("  {command} ")), "{command} is not in the help");
        let help = cfy_seed(scratch.path()).args(&[command, "--help"]).exits(0).stdout;
        let long = all.lines().chain(help.lines()).find(|line| line.chars().count() > 100);
        assert_eq!(long, None, "{command}");
    }
    for command in ["plan", "add", "check", "iso"] {
        let help = cfy_seed(scratch.path()).args(&["payload", command, "--help"]).exits(0).stdout;
        let golden = root().join("tests/golden/help").join(format!("payload-{command}.txt"));
        if std::env::var_os("CFY_BLESS").is_some() {
            std::fs::write(&golden, &help).expect("written");
        }
        let wanted = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(help, wanted, "CFY_BLESS=1 cargo test --test suite help writes it anew");
    }
}

#[test]
fn colour_is_for_terminals() {
    let scratch = Scratch::new();
    scratch.write("cluster.yaml", "name: 1\n");
    for (name, value) in [("NO_COLOR", "1"), ("NO_COLOR", ""), ("CLICOLOR_FORCE", "1"), ("TERM", "xterm-256color")] {
        let output = cfy_seed(scratch.path()).args(&["check"]).env(name, value).exits(1);
        assert!(!output.all().contains('\u{1b}'), "{name}={value}");
    }
}

/// `cfy-seed … | head -1` ends quietly, whatever the command prints.
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let scratch = Scratch::new();
    cfy_seed(scratch.path()).args(&["init"]).exits(0);
    for arguments in
        [&["schema"][..], &["explain"], &["man"], &["completions", "bash"], &["plan"], &["plan", "--format", "json"]]
    {
        let mut command = cfy_seed(scratch.path()).args(arguments).0;
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().expect("stderr").read_to_string(&mut said).expect("UTF-8");
        let status = child.wait().expect("it ends");
        assert!(!said.contains("panicked") && !said.contains("Broken pipe"), "{arguments:?}: {said}");
        assert_eq!(status.code(), Some(0), "{arguments:?}: {said}");
    }
}

#[test]
fn the_schema_knows_the_examples_and_refuses_what_is_no_spec() {
    let scratch = Scratch::new();
    let schema = cfy_seed(scratch.path()).args(&["schema"]).exits(0).stdout;
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let read = |path: std::path::PathBuf| -> Option<Value> {
        serde_yaml::from_str(&String::from_utf8(std::fs::read(path).ok()?).ok()?).ok()
    };
    let root = crate::support::root();
    for good in [
        "profiles/shapes/nine-node.yaml",
        "profiles/shapes/all-in-one.yaml",
        "profiles/shapes/external-db.yaml",
        "profiles/shapes/external-broker.yaml",
        "profiles/shapes/external-both.yaml",
        "tests/fixtures/nine-node/cluster.yaml",
        "tests/fixtures/all-in-one/cluster.yaml",
        "tests/fixtures/external-db/cluster.yaml",
        "tests/fixtures/external-both/cluster.yaml",
    ] {
        let spec = read(root.join(good)).expect(good);
        let errors: Vec<String> = validator.iter_errors(&spec).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{good}: {errors:?}");
    }
    // What the types alone decide: unknown and missing keys, wrong types, unknown words.
    let mut refused = 0;
    for (name, _) in files(&root.join("tests/bad-specs")) {
        let of_types = ["CFY-S003", "CFY-S004", "CFY-S005", "CFY-S007", "CFY-S010"];
        if !of_types.iter().any(|code| name.starts_with(code)) || !name.ends_with(".yaml") {
            continue;
        }
        if let Some(spec) = read(root.join("tests/bad-specs").join(&name)) {
            // This reader is YAML 1.1 where ours is not: `yes` is a boolean to it.
            assert!(!validator.is_valid(&spec) || name.contains("yes-for-true"), "{name}");
            refused += 1;
        }
    }
    assert!(refused > 10, "only {refused}");
}

#[test]
fn completions_and_manual_know_every_command() {
    let scratch = Scratch::new();
    for arguments in [&["man"][..], &["completions", "bash"], &["completions", "zsh"], &["completions", "fish"]] {
        let text = cfy_seed(scratch.path()).args(arguments).exits(0).stdout;
        for command in ["init", "check", "plan", "build", "verify", "credentials", "explain", "schema"] {
            assert!(text.contains(command), "{arguments:?} does not know {command}");
        }
    }
}

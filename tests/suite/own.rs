//! `--profiles` and `--templates`.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::support::{Bundle, Output, Scratch, cfy_seed, root};

/// The files of docs/profiles.md, where they say that they are.
fn documented() -> Scratch {
    let page = fs::read_to_string(root().join("docs/profiles.md")).expect("a page");
    let scratch = Scratch::new();
    let mut written = 0;
    for block in page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        let name = block.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a name");
        scratch.write(name, block);
        written += 1;
    }
    assert_eq!(written, 4);
    scratch
}

const OWN: [&str; 4] = ["--profiles", "mine/profiles", "--templates", "mine/templates"];

fn check(scratch: &Scratch) -> Output {
    cfy_seed(scratch.path()).args(&["check", "mine/cluster.yaml"]).args(&OWN).run()
}

#[test]
fn a_version_and_a_template_of_ones_own_are_built() {
    let scratch = documented();
    cfy_seed(scratch.path()).args(&["check", "mine/cluster.yaml"]).exits(1).says("CFY-P001");
    for command in ["check", "plan", "build"] {
        cfy_seed(scratch.path()).args(&[command, "mine/cluster.yaml"]).args(&OWN).exits(0);
    }
    let tree = scratch.join("out/prod");
    cfy_seed(scratch.path()).args(&["verify", "out/prod"]).exits(0);
    let bundle = Bundle::read(scratch, tree);
    let broker = bundle.host("broker-1").role("broker");
    assert_eq!(broker["validations"], json!({"skip_validations": true}), "the changed template");
    assert_eq!(broker["rabbitmq"]["nodename"], "broker-1");
    let manager = bundle.host("manager-1").role("manager");
    assert_eq!(manager["manager"]["audit_retention_days"], 30);
    assert_eq!(manager["sanity"]["skip_sanity"], true, "the embedded template");
    let version = &bundle.host("db-1").records("rpm_name")[0];
    assert_eq!(version[1], "7.1.0");
}

#[test]
fn a_shape_of_ones_own_is_written() {
    let scratch = documented();
    let spec = fs::read(scratch.join("mine/cluster.yaml")).expect("a spec");
    scratch.write("mine/profiles/shapes/tiny.yaml", &spec);
    scratch.write("mine/profiles/shapes/broken.yaml", "apiVersion: cfy-seed/v1\nnmae: x\n");
    let init =
        |shape: &str| cfy_seed(scratch.path()).args(&["init", "--shape", shape, "--profiles", "mine/profiles"]);
    init("tiny").exits(0);
    assert_eq!(fs::read(scratch.join("cluster.yaml")).expect("a file"), spec);
    init("broken").exits(1).says("unknown key `nmae`");
    init("none").exits(64).says("tiny").says("nine-node");
}

/// What is wrong with them is said with its place, all at once, and nothing is built.
#[test]
fn broken_ones_are_refused_with_their_place() {
    for (name, text, code, said) in [
        ("profiles/contracts/a.yaml", "contract: [\n", "CFY-S001", "profiles/contracts/a.yaml:1:"),
        (
            "profiles/contracts/a.yaml",
            "contract: \"a\"\nextends: \"cloudify-7.0\"\nversions: [\"7\"]\n",
            "CFY-S013",
            "contracts/a.yaml:1:",
        ),
        (
            "profiles/contracts/a.yaml",
            "contract: \"a\"\nextends: \"cloudify-7\"\n",
            "CFY-P030",
            "contracts/a.yaml:2:10",
        ),
        (
            "profiles/contracts/a.yaml",
            "contract: \"a\"\nextends: \"cloudify-7.0\"\nversion: \"7.2\"\n",
            "CFY-S003",
            "contracts/a.yaml:3:1",
        ),
        (
            "profiles/contracts/a.yaml",
            "contract: \"a\"\nextends: \"cloudify-7.0\"\nplatforms: [\"el9\"]\n",
            "CFY-S013",
            "there is no platform `el9`",
        ),
        (
            "profiles/contracts/cloudify-7.1.yaml",
            "contract: \"x\"\nextends: \"cloudify-7.0\"\nversions: [\"7.1\"]\nroles: {manager: {keys: {networks.*: ~, manager.hostname: ~}}}\nsettings: {manager.audit_retention_days: {type: \"integer\", roles: [\"manager\"]}}\n",
            "CFY-S013",
            "role/manager.yaml",
        ),
        ("profiles/contract/a.yaml", "contract: \"a\"\n", "CFY-S012", "contract/a.yaml"),
        ("templates/role/brokr.yaml", "a: 1\n", "CFY-S012", "role/brokr.yaml"),
        ("templates/role/manager.yaml", "a: 1\nb: {% if %}\n", "CFY-S014", "role/manager.yaml:2:"),
        ("templates/role/manager.yaml", "a: {{ nothing.there | yaml }}\n", "CFY-S014", "role/manager.yaml:1:"),
        ("templates/role/manager.yaml", "# x\nmanager:\n  privat_ip: \"1\"\n", "CFY-S014", "role/manager.yaml:3:3"),
        ("templates/role/manager.yaml", "a: [\n", "CFY-S014", "role/manager.yaml"),
        ("templates/role/manager.yaml", "{% include \"/etc/passwd\" %}\n", "CFY-S014", "role/manager.yaml"),
        ("templates/role/manager.yaml", "{% include \"role/manager.yaml\" %}\n", "CFY-S014", "role/manager.yaml"),
        ("templates/role/manager.yaml", "{% for i in range(end=9999999) %}a{% endfor %}\n", "CFY-S014", "no `range`"),
        (
            "templates/role/manager.yaml",
            "a: {{ credentials.erlang_cookie | yaml }}\n",
            "CFY-S014",
            "role/manager.yaml",
        ),
    ] {
        let scratch = documented();
        scratch.write(&format!("mine/{name}"), text);
        let output = check(&scratch);
        assert_eq!(output.code, Some(1), "{name}: {text}\n{}", output.all());
        for part in [code, said] {
            assert!(output.stderr.contains(part), "{name}: {text}\n{part} is not in {}", output.stderr);
        }
    }
}

#[test]
fn nothing_outside_is_read() {
    let scratch = documented();
    symlink("/etc/hostname", scratch.join("mine/templates/role/manager.yaml")).expect("a link");
    let output = check(&scratch);
    assert!(output.code == Some(1) && output.stderr.contains("CFY-S012"), "{}", output.stderr);
    let scratch = documented();
    scratch.write("mine/templates/role/manager.yaml", vec![b'#'; 2 << 20]);
    scratch.write("mine/profiles/.git/config", "not a profile");
    scratch.write("mine/profiles/README.md", "not a profile either");
    let output = check(&scratch);
    assert!(output.code == Some(1) && output.stderr.contains("CFY-S009"), "{}", output.stderr);
    assert!(!output.stderr.contains("CFY-S012"), "{}", output.stderr);
    cfy_seed(scratch.path()).args(&["check", "--profiles", "nowhere"]).exits(1).says("CFY-S009");
}

//! What targets take: the encoding of each, its limit to the byte, and nothing that runs nothing in silence.
//!
//! `tests/oracles/test_targets.py` holds the same files against cloud-init's own code.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cfy_seed::handoff::encode;
use cfy_seed::names::{Encoding, Pack};
use cfy_seed::profile::{Profiles, Target, Unit};
use serde_json::Value;

use crate::support::{Scratch, cfy_seed, modes};

/// A manager that has all roles: one host, so that many targets are built in a moment.
const FIXTURE: &str = "all-in-one";

fn profiles() -> Profiles {
    Profiles::embedded().expect("sound profiles")
}

fn fields() -> Vec<Target> {
    profiles().targets().iter().filter(|target| !target.is_seed_medium()).cloned().collect()
}

/// The fixture for these targets, with more at the end of its spec.
fn scratch(targets: &str, more: &str) -> Scratch {
    let scratch = Scratch::fixture(FIXTURE);
    let spec = fs::read_to_string(scratch.spec()).expect("a spec");
    let spec: String = spec.lines().filter(|line| !line.starts_with("target:")).flat_map(|l| [l, "\n"]).collect();
    scratch.write("cluster.yaml", format!("{spec}target: [{targets}]\n{more}"));
    // Where `check` looks for it.
    let name = spec.lines().find_map(|line| line.strip_prefix("name: ")).expect("a name");
    fs::rename(scratch.join("vault"), scratch.join(&format!("{name}.vault"))).expect("a vault");
    scratch
}

/// A profile of one's own: a target with another limit.
fn limited(scratch: &Scratch, target: &Target, limit: u64) {
    let name = &target.target;
    let text = format!("target: {name}-own\nextends: {name}\nlimit: {{bytes: {limit}}}\n");
    scratch.write(&format!("profiles/platforms/{name}.yaml"), text);
}

/// The host's directory of the only host.
fn host(scratch: &Scratch) -> camino::Utf8PathBuf {
    let below = |path: camino::Utf8PathBuf| {
        let mut all = fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("an entry").path());
        let only = all.find(|path| path.is_dir()).expect("a directory");
        camino::Utf8PathBuf::try_from(only).expect("UTF-8")
    };
    below(below(scratch.join("out")).join("hosts"))
}

fn budgets(scratch: &Scratch, more: &[&str]) -> BTreeMap<String, Value> {
    let output = cfy_seed(scratch.path()).args(&["plan", "--format", "json"]).args(more).run();
    let plan: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let budgets = plan["hosts"][0]["budgets"].as_array().expect("budgets").clone();
    budgets.into_iter().map(|budget| (budget["target"].as_str().expect("a name").to_owned(), budget)).collect()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut text).expect("gzip");
    text
}

/// What the limit counts, by hand.
fn counted(target: &Target, file: &[u8]) -> u64 {
    match target.limit.counts {
        Unit::Raw => file.len() as u64,
        Unit::Base64 => STANDARD.encode(file).len() as u64,
        Unit::Characters => String::from_utf8(file.to_vec()).expect("text").chars().count() as u64,
    }
}

#[test]
fn every_target_gets_its_file_and_plan_says_its_size() {
    let targets: Vec<Target> = fields();
    // Limits are another test's: here all fit.
    let own: Vec<String> = targets.iter().map(|target| format!("{}-own", target.target)).collect();
    let scratch = scratch(&format!("nocloud, libvirt, {}", own.join(", ")), "");
    targets.iter().for_each(|target| limited(&scratch, target, 1 << 20));
    let profiles = ["--profiles", "profiles"];
    let planned = budgets(&scratch, &profiles);
    cfy_seed(scratch.path()).args(&["build"]).args(&profiles).exits(0);
    cfy_seed(scratch.path()).args(&["verify"]).args(&profiles).exits(0);
    let home = host(&scratch);
    for (path, mode) in modes(scratch.join("out").as_std_path()).iter().filter(|(path, _)| path.contains("hosts/")) {
        assert!(*mode == 0o600 || *mode == 0o700, "{path} has the mode {mode:o}");
    }
    for target in &targets {
        let name = format!("{}-own", target.target);
        let file = fs::read(home.join(format!("user-data.{name}"))).expect("a file");
        let plan = &planned[&name];
        let beside = if target.limit.beside.is_empty() {
            0
        } else {
            plan["used"].as_u64().unwrap_or(0) - counted(target, &file)
        };
        assert_eq!(plan["used"].as_u64(), Some(counted(target, &file) + beside), "{name}");
        assert_eq!(plan["headroom"].as_i64(), Some((1 << 20) - plan["used"].as_i64().expect("a number")), "{name}");
        let wanted = target.packs[0];
        assert_eq!(plan["pack"], wanted.as_str(), "{name}");
        let text = match wanted {
            Pack::Gzip => gunzip(&file),
            Pack::GzipBase64 => gunzip(&STANDARD.decode(&file).expect("base64")),
            _ => file,
        };
        assert!(text.starts_with(b"#cloud-config\n"), "{name}");
    }
    for seed in ["nocloud", "libvirt"] {
        assert_eq!(planned[seed]["file"], "seed.iso");
        assert!(!home.join(format!("user-data.{seed}")).exists());
    }
    assert!(home.join("meta-data.vsphere-own").exists() && home.join("secret.kubevirt-own.yaml").exists());
}

/// The limit itself is taken, one more is not, whatever it counts.
#[test]
fn limits_hold_to_the_byte() {
    for target in fields() {
        let name = format!("{}-own", target.target);
        let scratch = scratch(&name, "");
        limited(&scratch, &target, 1 << 20);
        let pack = ["--profiles", "profiles", "--pack", target.packs[0].as_str()];
        let used = || budgets(&scratch, &pack)[&name]["used"].as_u64().expect("a number");
        // Where a limit is near, a denser gzip is taken.
        limited(&scratch, &target, used());
        let used = used();
        for (limit, code, exit) in [(used - 1, "CFY-T002", 1), (used, "CFY-T003", 0), (used + 1, "CFY-T003", 0)] {
            limited(&scratch, &target, limit);
            cfy_seed(scratch.path()).args(&["build"]).args(&pack).exits(exit).says(code);
        }
    }
}

/// Text of which every character counts once: padding meets DigitalOcean's limit exactly.
#[test]
fn padded_user_data_meets_a_real_limit() {
    let padded = |length: usize| format!("cloud_init: {{all: {{final_message: \"{}\"}}}}\n", "x".repeat(length));
    let limit = profiles().target("digitalocean").expect("known").limit.bytes;
    let used = |scratch: &Scratch| {
        budgets(scratch, &["--pack", "plain"])["digitalocean"]["used"].as_u64().expect("a number")
    };
    let missing = limit - used(&scratch("digitalocean", &padded(1))) + 1;
    for (more, code) in [(-1, 0), (0, 0), (1, 1)] {
        let length = usize::try_from(i64::try_from(missing).expect("small") + more).expect("positive");
        let scratch = scratch("digitalocean", &padded(length));
        assert_eq!(i64::try_from(used(&scratch)).expect("small"), i64::try_from(limit).expect("small") + more);
        let output = cfy_seed(scratch.path()).args(&["build", "--pack", "plain"]).exits(code);
        if code == 1 {
            let by = "user-data of cloudify for digitalocean, packed as plain, has 65537 bytes: 1 more than the 65536 that are taken";
            output.says(by).says("`--pack inner`");
            assert!(!scratch.join("out").join("all-in-one").exists(), "nothing is built");
        } else {
            let file = fs::read(host(&scratch).join("user-data.digitalocean")).expect("a file");
            assert_eq!(file.len() as i64, limit as i64 + more);
        }
        // By itself it takes another pack, and `check` is content.
        cfy_seed(scratch.path()).args(&["check"]).exits(0);
    }
}

/// Every encoding to every target: `verify` takes it, or says that nothing would run; never a third case.
#[test]
fn a_file_for_another_target_is_found_or_decodes() {
    let scratch = scratch("digitalocean", "");
    cfy_seed(scratch.path()).args(&["build", "--pack", "plain"]).exits(0);
    let text = fs::read(host(&scratch).join("user-data.digitalocean")).expect("a file");
    let mut refused = 0;
    for target in fields() {
        for encoding in Encoding::ALL {
            let name = format!("user-data.{}", target.target);
            scratch.write(&name, encode(encoding, &text).expect("memory"));
            let output = cfy_seed(scratch.path()).args(&["verify", &name]).run();
            let over = output.stderr.contains("CFY-T002");
            let wanted = !target.decodes.contains(&encoding);
            assert_eq!(output.stderr.contains("CFY-T005"), wanted, "{encoding} for {name}: {}", output.stderr);
            assert_eq!(output.code, Some(i32::from(wanted || over)), "{encoding} for {name}: {}", output.stderr);
            refused += usize::from(wanted);
        }
    }
    assert!(refused > 12, "{refused}");
    for (name, bytes, code) in [
        ("user-data.aws", STANDARD.encode(STANDARD.encode(&text)).into_bytes(), "CFY-T005"),
        ("user-data.gcp", b"\xef\xbb\xbf#cloud-config\n".to_vec(), "CFY-T005"),
        ("user-data.azrue", text.clone(), "CFY-T006"),
    ] {
        scratch.write(name, bytes);
        cfy_seed(scratch.path()).args(&["verify", name]).exits(1).says(code);
    }
}

/// `--pack` is taken by a target, or refused with what to do; then nothing is written, no vault either.
#[test]
fn a_pack_is_taken_or_refused() {
    for target in profiles().targets() {
        for pack in Pack::ALL {
            let scratch = scratch(&target.target, "");
            let takes = target.packs.contains(&pack);
            // A refused one must not make a vault.
            let vault: &[&str] = if takes { &[] } else { &["--vault", "another"] };
            let output = cfy_seed(scratch.path()).args(&["build", "--pack", pack.as_str()]).args(vault).run();
            assert_eq!(output.stderr.contains("CFY-T004"), !takes, "{pack} for {}: {}", target.target, output.stderr);
            assert!(takes || output.code == Some(1) && !scratch.join("another").exists(), "{}", target.target);
        }
    }
}

/// Old releases of cloud-init decode less, and have no datasource of vSphere.
#[test]
fn el7_gets_what_its_cloud_init_decodes() {
    let os = "os: el7\n";
    let scratch = scratch("hetzner, vsphere", os);
    cfy_seed(scratch.path())
        .args(&["build", "--pack", "gzip+base64"])
        .exits(1)
        .says("would run nothing")
        .says("VMware");
    cfy_seed(scratch.path()).args(&["build"]).exits(0).says("vsphere: iso").says("hetzner: inner");
    assert!(!host(&scratch).join("user-data.vsphere").exists());
    let text = fs::read(host(&scratch).join("user-data.hetzner")).expect("a file");
    scratch.write("user-data.hetzner", encode(Encoding::GzipBase64, &text).expect("memory"));
    cfy_seed(scratch.path()).args(&["verify", "user-data.hetzner"]).exits(1).says("CFY-T005");
}

/// Each target's user-data has what its own hosts do after READY; the rest is the seed's, and `verify` sees to it.
#[test]
fn hosts_do_after_ready_what_their_target_wants() {
    let scratch = scratch("nocloud, openstack, kubevirt", "");
    cfy_seed(scratch.path()).args(&["build", "--pack", "auto"]).exits(0);
    let home = host(&scratch);
    let scrub = |text: &str| {
        text.lines().chain(text.split("\\n")).find_map(|l| l.split("scrub\\t").nth(1).map(|r| r[..4].to_owned()))
    };
    let seed = fs::read_to_string(home.join("user-data")).expect("text");
    let cloud =
        String::from_utf8(gunzip(&fs::read(home.join("user-data.openstack")).expect("a file"))).expect("text");
    assert_eq!((scrub(&seed).as_deref(), scrub(&cloud).as_deref()), (Some("pin\\"), Some("keep")));
    cfy_seed(scratch.path()).args(&["verify"]).exits(0);
    // What differs otherwise is from another build.
    let other = cloud.replace("manage_etc_hosts: false", "manage_etc_hosts: true");
    assert_ne!(other, cloud);
    fs::write(home.join("user-data.openstack"), encode(Encoding::Gzip, other.as_bytes()).expect("memory"))
        .expect("written");
    let secret =
        fs::read_to_string(home.join("secret.kubevirt.yaml")).expect("text").replace("userdata: 'I", "userdata: 'J");
    fs::write(home.join("secret.kubevirt.yaml"), secret).expect("written");
    let output = cfy_seed(scratch.path()).args(&["verify"]).exits(1);
    output
        .says("user-data.openstack: `manage_etc_hosts` is not what")
        .says("secret.kubevirt.yaml: `data.userdata` is not");
}

/// Before there is a vault sizes are guessed, within two in a hundred.
#[test]
fn an_estimate_is_near_what_is_built() {
    let scratch = scratch("openstack, kubevirt", "");
    let guess = budgets(&scratch, &["--vault", "none"]);
    for (target, exact) in budgets(&scratch, &[]) {
        let (guess, exact) = (guess[&target]["used"].as_f64().expect("one"), exact["used"].as_f64().expect("one"));
        assert!((guess / exact - 1.0).abs() < 0.02, "{target}: {guess} for {exact}");
    }
}

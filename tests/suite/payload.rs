//! `payload plan`, `add` and `check`: packages in, everything that is wrong out.

use std::fs;

use cfy_seed::names::Digest256;
use rpm::Dependency;
use serde_json::Value;

use crate::support::packages::{bytes, image, offline, package};
use crate::support::{Bundle, Output, Scratch, cfy_seed, files, modes, root};

fn payload(scratch: &Scratch, arguments: &[&str]) -> Output {
    cfy_seed(scratch.path()).args(&["payload"]).args(arguments).run()
}

fn add(scratch: &Scratch, files: &[&str]) -> Output {
    payload(scratch, &[&["add"], files].concat())
}

/// The codes that `check` finds, sorted, each once.
fn codes(scratch: &Scratch) -> Vec<String> {
    let output = payload(scratch, &["check", "--format", "json"]);
    let json: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let found = json["diagnostics"].as_array().expect("a list").iter();
    let mut codes: Vec<String> = found.map(|one| one["code"].as_str().expect("a code").to_owned()).collect();
    codes.sort();
    codes.dedup();
    let errors = output.code == Some(1);
    assert_eq!(errors, json["diagnostics"].as_array().expect("a list").iter().any(|one| one["severity"] == "error"));
    codes
}

fn lock(scratch: &Scratch) -> Value {
    serde_json::from_slice(&fs::read(scratch.join("single.payload/payload.lock")).expect("a lock")).expect("JSON")
}

#[test]
fn a_payload_grows_until_nothing_is_missing() {
    let scratch = offline();
    assert_eq!(codes(&scratch), ["CFY-K015"]);
    let plan = payload(&scratch, &["plan"]);
    assert!(plan.stdout.contains("libpq") && plan.stdout.contains("not in the payload"), "{}", plan.all());

    let added = add(&scratch, &["--origin", "https://example.com/el8", "new/libpq.rpm"]);
    assert_eq!(added.code, Some(0), "{}", added.all());
    let added = added.says("added packages/libpq-13.5-1.el8.x86_64.rpm: libpq-13.5-1.el8.x86_64");
    assert!(added.stdout.is_empty());
    // Without a list of the image nothing is proven, and that is said.
    assert_eq!(codes(&scratch), ["CFY-K014"]);
    payload(&scratch, &["check"]).says("libpq-common >= 13");

    assert_eq!(add(&scratch, &["new/image"]).code, Some(0));
    let check = payload(&scratch, &["check"]);
    assert_eq!(check.code, Some(1), "{}", check.all());
    check.says("CFY-K009").says("libpq-13.5-1.el8.x86_64 requires `libpq-common >= 13`, and nothing provides it");

    assert_eq!(
        add(&scratch, &["new/common.rpm", "new/libpq.rpm"]).says("1 file added, 1 already there").code,
        Some(0)
    );
    let check = payload(&scratch, &["check"]).says("2 packages, 2 installed by hosts, and nothing is missing");
    assert_eq!((check.code, codes(&scratch).len()), (Some(0), 0), "{}", check.all());

    let plan: Value = serde_json::from_str(&payload(&scratch, &["plan", "--format", "json"]).stdout).expect("JSON");
    let row =
        |name: &str| plan["wanted"].as_array().expect("rows").iter().find(|row| row["package"] == name).cloned();
    assert_eq!(row("libpq").expect("a row")["found"], "payload");
    assert_eq!(row("libpq").expect("a row")["by"], "libpq-13.5-1.el8.x86_64");
    assert_eq!(row("openssl").expect("a row")["found"], "image");
}

#[test]
fn the_lock_says_what_each_file_is_and_where_it_is_from() {
    let scratch = offline();
    add(&scratch, &["--origin", "https://example.com/\"el8\"", "new/libpq.rpm"]);
    add(&scratch, &["new/image"]);
    let lock = lock(&scratch);
    let bytes = fs::read(scratch.join("new/libpq.rpm")).expect("a package");
    assert_eq!(lock["schema"], "cfy-seed/payload/v1");
    let file = &lock["files"][1];
    assert_eq!(file["path"], "packages/libpq-13.5-1.el8.x86_64.rpm");
    assert_eq!((&file["use"], &file["what"]), (&"package".into(), &"libpq-13.5-1.el8.x86_64".into()));
    assert_eq!(
        (file["size"].as_u64(), &file["sha256"]),
        (Some(bytes.len() as u64), &Digest256::of(&bytes).to_string().into())
    );
    assert_eq!(file["origin"], "https://example.com/\"el8\"");
    assert_eq!((&lock["files"][0]["use"], &lock["files"][0]["origin"]), (&"image".into(), &"new/image".into()));
    let directory = scratch.join("single.payload");
    assert_eq!(fs::read(directory.join("packages/libpq-13.5-1.el8.x86_64.rpm")).expect("a copy"), bytes);
    for (name, bits) in modes(directory.as_std_path()) {
        let expected = if directory.join(&name).is_dir() { 0o755 } else { 0o644 };
        assert_eq!(bits, expected, "{name}");
    }
}

#[test]
fn one_bad_file_and_nothing_is_added() {
    let scratch = offline();
    let mut cut = fs::read(scratch.join("new/common.rpm")).expect("a package");
    cut.truncate(cut.len() - 10);
    scratch.write("new/cut.rpm", &cut);
    scratch.write("new/page.rpm", "<html>Please log in</html>");
    scratch.write("new/list", "package\tx\n");
    scratch.write("new/key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n");
    add(&scratch, &["new/image"]);
    let before = files(scratch.join("single.payload").as_std_path());
    let all = ["new/libpq.rpm", "new/cut.rpm", "new/page.rpm", "new/list", "new/key", "new/none.rpm"];
    let output = add(&scratch, &all);
    assert_eq!(output.code, Some(1), "{}", output.all());
    output
        .says("new/cut.rpm: it ends inside its payload: the copy is not complete")
        .says("new/page.rpm: it does not begin like an RPM")
        .says("new/list is no list of an image: line 1")
        .says("new/key holds a private key")
        .says("new/none.rpm does not exist");
    assert_eq!(files(scratch.join("single.payload").as_std_path()), before, "something was added, or left");
}

#[test]
fn every_change_is_found_and_named() {
    let scratch = offline();
    add(&scratch, &["new/libpq.rpm", "new/common.rpm", "new/image"]);
    assert!(codes(&scratch).is_empty());
    let good = scratch.join("single.payload/packages/libpq-common-13.5-1.el8.x86_64.rpm");
    let original = fs::read(&good).expect("a package");
    for at in [7, 100, original.len() / 2, original.len() - 1] {
        let mut changed = original.clone();
        changed[at] ^= 0x20;
        fs::write(&good, &changed).expect("written");
        let found = payload(&scratch, &["check"]);
        assert_eq!(found.code, Some(1), "byte {at}: {}", found.all());
        found.says("libpq-common-13.5-1.el8.x86_64.rpm");
    }
    // Another package in its place, whole by itself.
    fs::write(&good, fs::read(scratch.join("new/libpq.rpm")).expect("a package")).expect("written");
    assert!(codes(&scratch).contains(&"CFY-K006".to_owned()));
    fs::remove_file(&good).expect("removed");
    payload(&scratch, &["check"]).says("CFY-K004").says("it came from new/common.rpm");
    fs::write(&good, &original).expect("written");
    scratch.write("single.payload/packages/other.rpm", bytes(&mut package("other", "1")));
    assert_eq!(codes(&scratch), ["CFY-K005", "CFY-K011"]);
    fs::remove_file(scratch.join("single.payload/packages/other.rpm")).expect("removed");
    scratch.write("single.payload/payload.lock", "{}");
    assert!(codes(&scratch).contains(&"CFY-K003".to_owned()));
    let output = add(&scratch, &["new/image"]);
    assert_eq!(output.says("CFY-K003").code, Some(1));
}

#[test]
fn links_are_no_files_of_a_payload() {
    let scratch = offline();
    add(&scratch, &["--origin", "O\u{1b}]0;x\u{7}\u{1b}[2J", "new/libpq.rpm", "new/common.rpm", "new/image"]);
    assert!(codes(&scratch).is_empty());
    let packages = scratch.join("single.payload/packages");
    let name = "libpq-common-13.5-1.el8.x86_64.rpm";
    fs::rename(packages.join(name), scratch.join("elsewhere")).expect("moved");
    std::os::unix::fs::symlink(scratch.join("elsewhere"), packages.join(name)).expect("a link");
    payload(&scratch, &["check"]).says(&format!("packages/{name} is no file of its own"));
    assert_eq!(add(&scratch, &["new/common.rpm"]).says("CFY-K005").code, Some(1));
    fs::remove_file(packages.join(name)).expect("removed");
    // Where a file is from is what somebody wrote, and no terminal obeys it.
    let told = payload(&scratch, &["check"]).says("CFY-K004").all();
    assert!(told.contains("it came from O") && !told.contains(['\u{1b}', '\u{7}']), "{told:?}");
    // Nothing is written, and nothing cleaned up, where a link leads.
    fs::create_dir(scratch.join("victim")).expect("a directory");
    scratch.write("victim/.cfy-seed.9.tmp", "mine");
    fs::remove_dir_all(&packages).expect("removed");
    std::os::unix::fs::symlink(scratch.join("victim"), &packages).expect("a link");
    assert_eq!(add(&scratch, &["new/common.rpm"]).says("packages is no directory of its own").code, Some(1));
    assert_eq!(fs::read_dir(scratch.join("victim")).expect("a directory").count(), 1);
    // Keys behind a link are not left out in silence: hosts would install unchecked.
    fs::remove_file(&packages).expect("removed");
    let _ = fs::remove_dir_all(scratch.join("single.payload/keys"));
    std::os::unix::fs::symlink(scratch.join("victim"), scratch.join("single.payload/keys")).expect("a link");
    let built = cfy_seed(scratch.path()).args(&["build"]).run();
    assert_eq!(built.says("keys is no directory of its own").code, Some(1));
}

#[test]
fn what_hosts_would_stop_at_is_found_before() {
    let scratch = offline();
    add(&scratch, &["new/libpq.rpm", "new/common.rpm", "new/image"]);
    let put = |name: &str, bytes: Vec<u8>| {
        let file = scratch.write(&format!("new/{name}.rpm"), bytes);
        assert_eq!(add(&scratch, &[file.as_str()]).code, Some(0));
    };
    let remove = |file: &str| fs::remove_file(scratch.join("single.payload/packages").join(file)).expect("there");
    // A conflict with the image, in a package that is installed.
    put("new-libpq", bytes(package("libpq", "14").conflicts(Dependency::any("openssl"))));
    let found = payload(&scratch, &["check"]);
    found.says("error[CFY-K010]: libpq-14-1.el8.x86_64 conflicts with openssl").says("CFY-K011");
    remove("libpq-14-1.el8.x86_64.rpm");
    // The image loses what something of it needs.
    put("openssl", bytes(package("openssl", "3").provides(Dependency::any("libpq-common-next"))));
    put("wants", bytes(package("libpq", "15").requires(Dependency::greater_eq("openssl", "2"))));
    scratch.write("new/image", image(&["openssl", "sudo"]) + "requires\topenssl\t=\t1-1.el8\n");
    add(&scratch, &["new/image"]);
    let found = payload(&scratch, &["check"]);
    found
        .says("sudo-1-1.el8.x86_64 of the image, with what the payload replaces there, requires `openssl = 1-1.el8`")
        .says("error[CFY-K016]: which of every host is neither in the image nor in the payload");
    // What was removed is forgotten, and what was built twice is not taken for the other.
    let twice = bytes(package("libpq-common", "13.5").provides(Dependency::any("something")));
    let file = scratch.write("new/twice.rpm", twice);
    assert_eq!(add(&scratch, &[file.as_str()]).says("CFY-K017").code, Some(1));
    remove("libpq-15-1.el8.x86_64.rpm");
    let output = add(&scratch, &["new/image"]).says("forgotten packages/libpq-15-1.el8.x86_64.rpm");
    assert_eq!(output.code, Some(0));
    assert!(!lock(&scratch).to_string().contains("libpq-15"));
}

#[test]
fn hosts_check_packages_with_the_keys_of_the_payload() {
    let record = |bundle: &Bundle| {
        let plan = &bundle.hosts["cloudify"].files["/var/lib/cfy-seed/secret/plan"].1;
        plan.lines().find(|line| line.starts_with("repo\tpayload\t")).expect("a repository").to_owned()
    };
    let key = fs::read(root().join("fuzz/seeds/rpm/key.asc")).expect("a key");
    let scratch = offline();
    let bundle = Bundle::build(scratch);
    assert_eq!(record(&bundle), "repo\tpayload\tfile:///var/lib/cfy-seed/payload\t-");
    let scratch = bundle.scratch;
    scratch.write("new/key", key);
    assert_eq!(add(&scratch, &["new/key", "new/libpq.rpm", "new/common.rpm", "new/image"]).code, Some(0));
    // Nobody signed them, and with a key that matters.
    let found = payload(&scratch, &["check"]);
    assert_eq!(found.code, Some(1));
    found
        .says("CFY-K008")
        .says("libpq-13.5-1.el8.x86_64.rpm is not signed with a key of the payload: it is not signed");
    let bundle = Bundle::build(scratch);
    let place = "/etc/pki/rpm-gpg/RPM-GPG-KEY-cfy-seed-payload";
    assert_eq!(record(&bundle), format!("repo\tpayload\tfile:///var/lib/cfy-seed/payload\t{place}"));
    let staged = &bundle.hosts["cloudify"].files["/var/lib/cfy-seed/secret/files/payload-repo.asc"].1;
    assert!(staged.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"), "{staged}");
    // A file of keys that is none stops every build.
    bundle.scratch.write("single.payload/keys/broken", "x");
    cfy_seed(bundle.scratch.path()).args(&["build", "--vault", "vault"]).exits(1).says("CFY-K007");
}

/// What a host checks the payload with is the key that signs it, made by the first build of any kind, and kept.
#[test]
fn hosts_check_the_payload_with_the_key_of_the_vault() {
    let pinned = |bundle: &Bundle| {
        let host = &bundle.hosts["cloudify"];
        let (mode, key) = &host.files["/var/lib/cfy-seed/secret/box-key.pem"];
        assert_eq!(mode, "0600");
        let places = host.records("payload");
        assert_eq!(
            places.iter().map(|place| place[1]).collect::<Vec<_>>(),
            ["CFYPAYLOAD", "/media/cfypayload", "/opt/cfy-seed/payload"]
        );
        key.clone()
    };
    let scratch = offline();
    add(&scratch, &["new/libpq.rpm", "new/common.rpm", "new/image"]);
    let bundle = Bundle::build(scratch);
    let first = pinned(&bundle);
    assert!(first.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{first}");
    let kept = bundle.scratch.join("vault/box.key");
    let private = fs::read_to_string(&kept).expect("a key");
    assert!(modes(bundle.scratch.join("vault").as_std_path()).contains(&("box.key".to_owned(), 0o600)));
    assert!(!first.contains(private.lines().nth(1).expect("a line")));
    let bundle = Bundle::build(bundle.scratch);
    assert_eq!(pinned(&bundle), first, "the key stays");
    let plan = cfy_seed(bundle.scratch.path()).args(&["plan", "--vault", "vault"]).exits(0);
    assert!(plan.stdout.contains("in the payload"), "{}", plan.all());
    // The key is lost: a plan does not make it, and the next build does.
    fs::remove_file(&kept).expect("removed");
    cfy_seed(bundle.scratch.path()).args(&["plan", "--vault", "vault"]).exits(0);
    assert!(!kept.exists());
    let bundle = Bundle::build(bundle.scratch);
    assert_ne!(pinned(&bundle), first);
    // A host that takes nothing from it has neither.
    let other = Bundle::nine_node().host("broker-1");
    assert!(!other.files.contains_key("/var/lib/cfy-seed/secret/box-key.pem"));
    assert!(other.records("payload").is_empty());
}

#[test]
fn an_installer_that_is_not_in_the_payload_is_missed_before_anything_is_built() {
    let scratch = offline();
    let spec = fs::read_to_string(scratch.join("cluster.yaml")).expect("a spec");
    let from = spec.find("rpm: {").expect("a source");
    let to = from + spec[from..].find('}').expect("its end") + 1;
    scratch.write("cluster.yaml", format!("{}rpm: {{payload: true}}{}", &spec[..from], &spec[to..]));
    let run = |arguments: &[&str]| cfy_seed(scratch.path()).args(arguments).run();
    let installer = |version: &str| bytes(&mut package("cloudify-manager-install", version));
    scratch.write("new/old.rpm", installer("7.0.40"));
    scratch.write("new/right.rpm", installer("7.0.4"));
    // The commands that fill the payload do not mind, or nobody could.
    assert_eq!(add(&scratch, &["new/libpq.rpm", "new/common.rpm", "new/image", "new/old.rpm"]).code, Some(0));
    for command in [["check"].as_slice(), &["build", "--vault", "vault"], &["plan"]] {
        let found = run(command);
        assert_eq!(found.code, Some(1), "{}", found.all());
        let found = found.says("CFY-K019").says("no package cloudify-manager-install 7.0.4");
        found.says("it has cloudify-manager-install-7.0.40-1.el8").says("rpm: {payload: true}");
    }
    assert!(!scratch.join("out").exists());
    payload(&scratch, &["check"]).says("cloudify-manager-install = 7.0.4 of every host is neither");
    assert_eq!(add(&scratch, &["new/right.rpm"]).code, Some(0));
    assert_eq!(run(&["check"]).code, Some(0), "{}", run(&["check"]).all());
    let bundle = Bundle::build(scratch);
    assert_eq!(bundle.hosts["cloudify"].records("rpm")[0][0], "payload");
    let box_of = bundle.scratch;
    let found = payload(&box_of, &["check"]);
    assert_eq!(found.code, Some(0), "{}", found.all());
}

#[test]
fn packages_of_other_machines_are_found() {
    let scratch = offline();
    let mut arm = rpm::PackageBuilder::new("libpq", "13.6", "MIT", "aarch64", "x");
    arm.using_config(rpm::BuildConfig::v4().source_date(0_u32).compression(rpm::CompressionType::None))
        .release("1.el8");
    scratch.write("new/arm.rpm", bytes(&mut arm));
    add(&scratch, &["new/libpq.rpm", "new/common.rpm", "new/image", "new/arm.rpm"]);
    payload(&scratch, &["check"]).says("libpq-13.6-1.el8.aarch64.rpm is for aarch64, and the hosts are x86_64");
    // Without a list most packages decide, and not the first one.
    fs::remove_file(scratch.join("single.payload/image.list")).expect("removed");
    payload(&scratch, &["check"]).says("libpq-13.6-1.el8.aarch64.rpm is for aarch64, and the hosts are x86_64");
}

#[test]
fn an_empty_payload_that_nothing_is_taken_from_says_how_that_changes() {
    let scratch = offline();
    let spec = fs::read_to_string(scratch.spec()).expect("a spec").replace("from: payload", "from: image");
    scratch.write("cluster.yaml", spec);
    let built = cfy_seed(scratch.path()).args(&["build", "--offline"]).run();
    assert_eq!(built.says("CFY-K015").says("hosts take nothing from it").code, Some(1));
}

#[test]
fn a_payload_that_hosts_do_not_use_is_a_warning() {
    let scratch = offline();
    add(&scratch, &["new/libpq.rpm", "new/common.rpm", "new/image"]);
    let spec = fs::read_to_string(scratch.spec()).expect("a spec").replace("from: payload", "from: image");
    scratch.write("cluster.yaml", spec);
    assert_eq!(codes(&scratch), ["CFY-K018"]);
    assert_eq!(payload(&scratch, &["check", "--strict"]).code, Some(1));
}

#[test]
fn two_at_once_do_not_meet() {
    let scratch = offline();
    add(&scratch, &["new/image"]);
    let file = fs::File::open(scratch.join("single.payload")).expect("a directory");
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).expect("free");
    assert_eq!(add(&scratch, &["new/libpq.rpm"]).says("CFY-B003").code, Some(1));
    drop(file);
    // What a killed run left goes away.
    scratch.write("single.payload/packages/.cfy-seed.0.tmp", "half");
    assert!(codes(&scratch).iter().all(|code| code != "CFY-K005"));
    assert_eq!(add(&scratch, &["new/libpq.rpm"]).code, Some(0));
    assert!(!scratch.join("single.payload/packages/.cfy-seed.0.tmp").exists());
}

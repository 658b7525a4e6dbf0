//! The box: one archive with bundles, payload and program, as others read it and as `verify` does.

use std::fs;
use std::io::Read as _;
use std::process::Command;
use std::sync::OnceLock;

use camino::Utf8Path;
use serde_json::Value;

use crate::faults::generation;
use crate::support::packages::{bytes, offline, package};
use crate::support::{Output, Scratch, cfy_seed, files, modes, skip};

pub const BOX: &str = "out/single-7.0.4.tar.gz";

fn build(scratch: &Scratch) -> Output {
    cfy_seed(scratch.path()).args(&["build", "--offline", "--vault", "vault"]).run()
}

fn add(scratch: &Scratch, files: &[&str]) {
    cfy_seed(scratch.path()).args(&["payload", "add"]).args(files).exits(0);
}

/// A cluster with its box, built once. Most of it is the program: a debug build has 70 MB.
pub fn built() -> &'static Scratch {
    static BUILT: OnceLock<Scratch> = OnceLock::new();
    BUILT.get_or_init(|| {
        let scratch = offline();
        add(&scratch, &["new/libpq.rpm", "new/common.rpm", "new/image"]);
        let output = build(&scratch);
        assert_eq!(output.code, Some(0), "{}", output.all());
        assert!(output.stderr.contains("signed with the key whose fingerprint is SHA-256 "), "{}", output.stderr);
        scratch
    })
}

/// The box, unpacked by GNU tar.
pub fn unpacked(scratch: &Scratch) -> Scratch {
    let into = Scratch::new();
    run(into.path(), "tar", &["-xzpf", scratch.join(BOX).as_str()]);
    into
}

pub fn run(directory: &Utf8Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(directory).env("LC_ALL", "C.UTF-8").output();
    let output = output.expect(program);
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {told}");
    told
}

#[test]
fn a_payload_with_which_hosts_would_stop_is_in_no_box() {
    let scratch = offline();
    add(&scratch, &["new/libpq.rpm", "new/image"]);
    assert_eq!(build(&scratch).says("error[CFY-K009]").code, Some(1));
    assert!(!scratch.join("out").exists(), "something was written");
    cfy_seed(scratch.path()).args(&["build", "--payload", "x"]).exits(64);
    cfy_seed(scratch.path()).args(&["build", "--offline", "--payload", "x", "a.yaml", "b.yaml"]).exits(64);
}

#[test]
fn tar_gzip_sha256sum_and_openssl_read_it() {
    let scratch = built();
    run(scratch.path(), "gzip", &["--test", BOX]);
    let listed = run(scratch.path(), "tar", &["-tvzf", BOX, "--numeric-owner"]);
    assert!(listed.lines().all(|line| line.contains(" 0/0 ")), "{listed}");
    let into = unpacked(scratch);
    let root = into.join("single-7.0.4");
    // The payload can be checked alone too: a medium has nothing else.
    let payload = root.join("payload");
    for place in [&root, &payload] {
        assert_eq!(run(place, "sha256sum", &["--quiet", "--strict", "-c", "SHA256SUMS"]), "");
    }
    let listed = fs::read_to_string(payload.join("SHA256SUMS")).expect("sums");
    let listed: Vec<&str> = listed.lines().filter_map(|line| line.get(66..)).collect();
    let closing = ["SHA256SUMS", "SHA256SUMS.sig", "box-key.pem"];
    let all = files(payload.as_std_path());
    let all: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).filter(|name| !closing.contains(name)).collect();
    assert_eq!(listed, all, "sorted, and all that is there");
    if Command::new("openssl").arg("version").output().is_err() {
        return skip("openssl is not installed");
    }
    let check = ["dgst", "-sha256", "-verify", "box-key.pem", "-signature", "SHA256SUMS.sig", "SHA256SUMS"];
    for place in [&root, &payload] {
        assert_eq!(run(place, "openssl", &check), "Verified OK\n");
    }
    let keys = [&root, &payload].map(|place| fs::read(place.join("box-key.pem")).expect("a key"));
    assert_eq!(keys[0], keys[1]);
    let der = "openssl pkey -pubin -in box-key.pem -outform der | sha256sum";
    let fingerprint = run(&root, "sh", &["-c", der]).split(' ').next().expect("a digest").to_owned();
    cfy_seed(scratch.path()).args(&["verify", BOX]).exits(0).says(&fingerprint);
    let mut sums = fs::read(root.join("SHA256SUMS")).expect("bytes");
    sums[3] ^= 1;
    fs::write(root.join("SHA256SUMS"), sums).expect("written");
    let refused = Command::new("openssl").args(check).current_dir(&root).output().expect("openssl");
    assert!(!refused.status.success());
    // The private half stays in the vault, for its owner only.
    assert!(modes(scratch.join("vault").as_std_path()).contains(&("box.key".to_owned(), 0o600)));
    assert!(!files(root.as_std_path()).iter().any(|(name, _)| name.ends_with("box.key") || name.ends_with("ca.key")));
}

/// What is in a box and no secret, beside its payload.
const PUBLIC: [&str; 4] = ["README.txt", "RUNBOOK.txt", "box-key.pem", "sbom.cdx.json"];
/// Hand-offs refer to the bundles and hold no secret.
const PUBLIC_BELOW: [&str; 4] = ["payload/", "firewall/", "instructions/", "packer/"];

/// The commands of README and runbook that can be run here.
fn commands_run_as_they_stand(root: &Utf8Path) {
    let text = |name: &str| fs::read_to_string(root.join(name)).expect("a file");
    let (readme, runbook) = (text("README.txt"), text("RUNBOOK.txt"));
    for line in ["    cloudify  10.0.0.31  ", ": starts at once\n", "hosts/cloudify/seed.iso"] {
        assert!(runbook.contains(line), "{line}: {runbook}");
    }
    let both = format!("{readme}{runbook}");
    let commands = both.lines().filter_map(|line| line.strip_prefix("    "));
    let begins =
        |line: &&str| ["sha256sum ", "openssl ", "./cfy-seed payload "].iter().any(|word| line.starts_with(word));
    let commands: Vec<&str> = commands.filter(begins).collect();
    assert_eq!(commands.len(), 4, "{both}");
    for command in commands {
        run(root, "sh", &["-c", command]);
    }
    run(root, "./cfy-seed", &["verify", "../single-7.0.4.payload.iso"]);
    // Pages name the medium where the runbook makes it.
    let page = text("instructions/nocloud/README.md");
    assert!(page.contains("`dd if=../single-7.0.4.payload.iso of="), "{page}");
    assert!(both.lines().all(|line| line.chars().count() <= 140), "{both}");
}

#[test]
fn the_box_holds_what_its_readme_says() {
    let scratch = built();
    let into = unpacked(scratch);
    let root = into.join("single-7.0.4");
    let names: Vec<String> = files(root.as_std_path()).into_iter().map(|(name, _)| name).collect();
    for name in [
        "README.txt",
        "RUNBOOK.txt",
        "SHA256SUMS",
        "SHA256SUMS.sig",
        "box-key.pem",
        "cfy-seed",
        "hosts/cloudify/seed.iso",
        "manifest.json",
        "payload/cfy-seed.repo",
        "payload/packages/libpq-13.5-1.el8.x86_64.rpm",
        "payload/packages/libpq-common-13.5-1.el8.x86_64.rpm",
        "payload/payload.lock",
        "payload/repodata/repomd.xml",
        "payload/sbom.cdx.json",
        "sbom.cdx.json",
    ] {
        assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
    }
    for (name, bits) in modes(root.as_std_path()) {
        let path = root.join(&name);
        let expected = match name.as_str() {
            "cfy-seed" => 0o755,
            name if name == "payload" || name.starts_with("payload/") && path.is_dir() => 0o755,
            name if path.is_dir() || name == "." => 0o700,
            "packer/bake/install" | "packer/bake/seal" | "packer/files/usr/local/sbin/cfy-firstboot" => 0o755,
            name if PUBLIC_BELOW.iter().any(|known| name.starts_with(known)) => 0o644,
            name if PUBLIC.contains(&name) => 0o644,
            _ => 0o600,
        };
        assert_eq!(bits, expected, "{name}");
    }
    // The same bytes as the tree beside it, and a program that runs.
    let tree = files(scratch.join("out/single/hosts").as_std_path());
    assert_eq!(files(root.join("hosts").as_std_path()), tree);
    let said = run(&root, "./cfy-seed", &["verify", "."]);
    assert!(said.contains("everything as it was built") && said.contains("signed with the key in it"), "{said}");
    let readme = fs::read_to_string(root.join("README.txt")).expect("a file");
    assert!(readme.contains("openssl dgst -sha256 -verify box-key.pem") && readme.contains("RUNBOOK.txt"));
    commands_run_as_they_stand(&root);
    let index = fs::read_to_string(root.join("payload/repodata/repomd.xml")).expect("a file");
    let manifest: Value =
        serde_json::from_slice(&fs::read(root.join("manifest.json")).expect("bytes")).expect("JSON");
    let format = &time::format_description::well_known::Rfc3339;
    let created = time::OffsetDateTime::parse(manifest["created"].as_str().expect("a date"), format).expect("a date");
    assert!(index.contains(&format!("<revision>{}</revision>", created.unix_timestamp())), "{index}");
}

#[test]
fn building_twice_gives_the_same_box() {
    let scratch = offline();
    add(&scratch, &["new/libpq.rpm", "new/common.rpm", "new/image"]);
    let digest = || {
        assert_eq!(build(&scratch).code, Some(0));
        run(scratch.path(), "sha256sum", &[BOX])
    };
    assert_eq!(digest(), digest());
    // What a killed run left goes away.
    scratch.write("out/.cfy-seed.single.archive", "half");
    digest();
    let entries = fs::read_dir(scratch.join("out")).expect("out").flatten();
    let names: Vec<String> = entries.map(|entry| entry.file_name().into_string().expect("UTF-8")).collect();
    assert!(!names.iter().any(|name| name.starts_with(".cfy")), "{names:?}");
}

#[test]
fn a_box_that_somebody_else_made_is_told_apart() {
    let scratch = built();
    let ours = fs::read(unpacked(scratch).join("single-7.0.4/box-key.pem")).expect("a key");
    scratch.write("pinned.pem", ours);
    cfy_seed(scratch.path()).args(&["verify", BOX, "--key", "pinned.pem"]).exits(0).says("the key that was given");
    // The same spec and payload, and another vault: all is good in itself.
    let other = offline();
    add(&other, &["new/libpq.rpm", "new/common.rpm", "new/image"]);
    assert_eq!(cfy_seed(other.path()).args(&["build", "--offline", "--vault", "new-vault"]).run().code, Some(0));
    cfy_seed(other.path()).args(&["verify", BOX]).exits(0);
    let pinned = scratch.join("pinned.pem");
    cfy_seed(other.path()).args(&["verify", BOX, "--key", pinned.as_str()]).exits(1).says("CFY-B025");
    // Unpacked, changed, and made to fit again, but for the signature.
    let into = unpacked(scratch);
    let root = into.join("single-7.0.4");
    let sums = fs::read_to_string(root.join("SHA256SUMS")).expect("sums");
    fs::write(root.join("SHA256SUMS"), sums.to_uppercase()).expect("written");
    cfy_seed(into.path()).args(&["verify", "single-7.0.4"]).exits(1).says("CFY-B025");
    fs::remove_file(root.join("SHA256SUMS.sig")).expect("removed");
    cfy_seed(into.path()).args(&["verify", "single-7.0.4"]).exits(1).says("SHA256SUMS.sig is missing");
}

#[test]
fn hostile_archives_are_refused() {
    let scratch = Scratch::new();
    let header = |name: &str, kind: u8, size: u64| {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_mode(if kind == b'5' { 0o700 } else { 0o600 });
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let below = |members: &[Vec<u8>]| [vec![header("a/", b'5', 0)], members.to_vec()].concat().concat();
    let packed = |tar: &[u8]| {
        let mut out = cfy_seed::bundle::gzip::Stored::new(Vec::new()).expect("memory");
        std::io::Write::write_all(&mut out, tar).expect("memory");
        out.finish().expect("memory")
    };
    let end = vec![0; 1024];
    for (name, tar, expected) in [
        ("up", [header("a/../../x", b'0', 0), end.clone()].concat(), "`.` and `..` are not allowed"),
        ("absolute", [header("/etc/passwd", b'0', 0), end.clone()].concat(), "no empty part"),
        ("link", [header("a/x", b'2', 0), end.clone()].concat(), "neither a file nor a directory"),
        ("hard link", [header("a/x", b'1', 0), end.clone()].concat(), "neither a file nor a directory"),
        ("device", [header("a/x", b'3', 0), end.clone()].concat(), "neither a file nor a directory"),
        ("pax", [header("a/x", b'x', 0), end.clone()].concat(), "neither a file nor a directory"),
        ("beside", below(&[header("a/x", b'0', 0), header("b/x", b'0', 0), end.clone()]), "lies beside"),
        ("twice", below(&[header("a/x", b'0', 0), header("a/x", b'0', 0), end.clone()]), "is in it twice"),
        ("root twice", below(&[header("a/", b'5', 0), end.clone()]), "is in it twice"),
        ("directory twice", below(&[header("a/x", b'5', 0), header("a/x", b'5', 0)]), "is in it twice"),
        ("file for a directory", below(&[header("a/x", b'5', 0), header("a/x", b'0', 0)]), "is in it twice"),
        ("file as a directory", below(&[header("a/x", b'0', 0), header("a/x/y", b'0', 0)]), "before its directory"),
        ("no directory", [header("a/x", b'0', 0), end.clone()].concat(), "before its directory"),
        ("end of its path", below(&[header("a", b'L', 0), header("a/x", b'0', 0)]), "a path that cannot be one"),
        ("long name", [header("a", b'L', 1 << 40), vec![b'x'; 8192]].concat(), "a path that cannot be one"),
        ("large", below(&[header("a/x", b'0', 1 << 41), vec![0; 512]]), "larger than"),
        ("more", below(&[header("a/x", b'0', 0), end.clone(), vec![1; 512]]), "something follows the last file"),
        (
            "more zeros",
            below(&[header("a/x", b'0', 0), end.clone(), vec![0; 512]]),
            "something follows the last file",
        ),
        ("one block at its end", below(&[header("a/x", b'0', 0), vec![0; 512]]), "something follows the last file"),
        ("other text", b"not tar at all".repeat(100), "box.tar.gz"),
    ] {
        scratch.write("box.tar.gz", packed(&tar));
        let output = cfy_seed(scratch.path()).args(&["verify", "box.tar.gz"]).run();
        assert_eq!(output.code, Some(1), "{name}: {}", output.all());
        assert!(output.stderr.contains(expected), "{name}: {}", output.stderr);
    }
    // A bomb: what is compressed is not even looked into.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(&mut std::io::repeat(0).take(256 << 20), &mut bomb).expect("memory");
    scratch.write("box.tar.gz", bomb.finish().expect("memory"));
    cfy_seed(scratch.path()).args(&["verify", "box.tar.gz"]).exits(1).says("CFY-B024");
}

#[test]
fn a_package_that_changes_while_the_box_is_written_is_not_in_it() {
    let scratch = offline();
    add(&scratch, &["new/libpq.rpm", "new/common.rpm", "new/image"]);
    // As if it were swapped between the check and the archive: the lock file agrees with what is there now only.
    let file = scratch.join("single.payload/packages/libpq-13.5-1.el8.x86_64.rpm");
    fs::write(&file, bytes(&mut package("libpq", "13.5"))).expect("written");
    let output = build(&scratch).says("CFY-K006");
    assert_eq!(output.code, Some(1));
    assert!(!scratch.join(BOX).exists());
    // Of the same size, and damaged where no header is: found in the one pass that archives it.
    let mut damaged = fs::read(scratch.join("new/libpq.rpm")).expect("bytes");
    let end = damaged.len() - 20;
    damaged[end] ^= 1;
    fs::write(&file, damaged).expect("written");
    let output = build(&scratch).says("CFY-B004").says("packages/libpq-13.5-1.el8.x86_64.rpm");
    assert_eq!(output.code, Some(1));
    assert!(
        files(scratch.join("out").as_std_path())
            .iter()
            .all(|(name, _)| !name.contains(".tar") && !name.contains(".archive"))
    );
}

/// Build, split, lose, damage, bring again, join.
#[test]
fn a_box_in_parts() {
    let scratch = offline();
    add(&scratch, &["new/libpq.rpm", "new/common.rpm", "new/image"]);
    let split = ["build", "--offline", "--vault", "vault", "--split", "20MB"];
    cfy_seed(scratch.path()).args(&split).exits(0).says(" parts; it holds private keys");
    let out = scratch.join("out");
    let names = || files(out.as_std_path()).into_iter().map(|(name, _)| name);
    let parts: Vec<String> = names().filter(|name| name.contains(".part-")).collect();
    assert!(parts.len() >= 2, "a debug build has more than 40 MB: {parts:?}");
    for (at, part) in parts.iter().enumerate() {
        assert_eq!(*part, format!("single-7.0.4.tar.gz.part-{:03}", at + 1));
        assert!(fs::metadata(out.join(part)).expect("a part").len() < 20_000_000, "{part}");
        cfy_seed(&out).args(&["verify", part]).exits(0).says("as it was written");
    }
    let list = "single-7.0.4.tar.gz.sha256";
    run(&out, "sha256sum", &["--quiet", "--strict", "-c", list]);
    cfy_seed(&out)
        .args(&["verify", list])
        .exits(0)
        .says("everything as it was built")
        .says("signed with the key in it");
    // One is damaged, and then lost.
    let last = out.join(parts.last().expect("a part"));
    let whole = fs::read(&last).expect("bytes");
    let mut damaged = whole.clone();
    damaged[1000] ^= 4;
    fs::write(&last, damaged).expect("written");
    let again = format!("bring part {} again", parts.len());
    cfy_seed(&out).args(&["verify", list]).exits(1).says("CFY-B026").says("is not what was written").says(&again);
    cfy_seed(&out).args(&["verify", parts.last().expect("a part")]).exits(1).says(&again);
    cfy_seed(&out).args(&["verify", &parts[0]]).exits(0);
    fs::remove_file(&last).expect("removed");
    cfy_seed(&out).args(&["verify", list]).exits(1).says("is missing").says(&again);
    fs::write(&last, whole).expect("written");
    // Joined it is the box that is built in one.
    run(&out, "sh", &["-c", "cat single-7.0.4.tar.gz.part-* > joined.tar.gz"]);
    cfy_seed(&out).args(&["verify", "joined.tar.gz"]).exits(0);
    assert_eq!(build(&scratch).code, Some(0));
    run(&out, "cmp", &["joined.tar.gz", "single-7.0.4.tar.gz"]);
    assert!(!names().any(|name| name.contains(".part-") || name == list), "parts of the older box stay");
    // And the other way round.
    cfy_seed(scratch.path()).args(&split).exits(0);
    assert!(!scratch.join(BOX).exists());
    for wrong in ["0GiB", "4", "4G", "-1GiB", "1.5GiB", "99999999999999GiB", "GiB"] {
        cfy_seed(scratch.path()).args(&["build", "--offline", "--split", wrong]).exits(64);
    }
    cfy_seed(scratch.path()).args(&["build", "--split", "4GiB"]).exits(64);
}

#[test]
fn a_build_without_a_box_says_that_the_one_beside_it_is_older() {
    let scratch = offline();
    add(&scratch, &["new/libpq.rpm", "new/common.rpm", "new/image"]);
    let spec = fs::read_to_string(scratch.spec()).expect("a spec");
    let build =
        |more: &[&str]| cfy_seed(scratch.path()).args(&["build", "--vault", "vault"]).args(more).exits(0).stderr;
    for (more, beside) in [
        (&["--offline", "--payload-iso"][..], "single-7.0.4.tar.gz and out/single-7.0.4.payload.iso are"),
        (&["--offline", "--split", "20MB"], "single-7.0.4.tar.gz.sha256 is"),
    ] {
        let said = format!("out/{beside} of an older build than the bundles in out/single");
        generation(&scratch, 1);
        build(more);
        assert!(!build(&[]).contains("CFY-B005"), "of the same build");
        generation(&scratch, 2);
        for _ in 0..2 {
            let told = build(&["--strict"]);
            assert!(told.contains("[CFY-B005]") && told.contains(&said), "{told}");
        }
        assert!(!build(more).contains("CFY-B005"));
        assert!(!build(&[]).contains("CFY-B005"));
        scratch.write("cluster.yaml", &spec);
    }
    // What is no box is not spoken of.
    scratch.write("out/single-7.0.4.tar.gz", "mine");
    assert!(!build(&[]).contains("CFY-B005"));
    for more in [&["--offline"][..], &["--offline", "--split", "20MB"]] {
        let args = [&["build", "--vault", "vault"], more].concat();
        cfy_seed(scratch.path())
            .args(&args)
            .exits(1)
            .says("CFY-B002")
            .says("out/single-7.0.4.tar.gz is there already");
        assert_eq!(fs::read_to_string(scratch.join(BOX)).expect("a file"), "mine");
    }
}

/// The program of a debug build is dynamically linked: it may not start where the box goes.
#[test]
fn a_box_with_a_program_that_may_not_start_says_so() {
    let scratch = offline();
    add(&scratch, &["new/libpq.rpm", "new/common.rpm", "new/image"]);
    let strict = cfy_seed(scratch.path()).args(&["build", "--offline", "--vault", "vault", "--strict"]).exits(1);
    strict.says("error[CFY-B006]");
    assert!(!scratch.join("out").exists(), "something was written");
    let output = build(&scratch).says("warning[CFY-B006]").says("static release binary (docs/release.md)");
    assert_eq!(output.code, Some(0));
    let output = cfy_seed(scratch.path()).args(&["build", "--vault", "vault"]).exits(0);
    assert!(!output.stderr.contains("CFY-B006"), "no program goes anywhere: {}", output.stderr);
}

/// Where only the box is: into parts of another size, and those into others again.
#[test]
fn a_box_is_split_anew_without_its_project() {
    let (place, name) = (Scratch::new(), "single-7.0.4.tar.gz");
    fs::copy(built().join(BOX), place.join(name)).expect("a copy");
    let split = |from: &str, size: &str, out: &str| {
        cfy_seed(place.path()).args(&["payload", "split", from, "--split", size, "--out", out])
    };
    split(name, "30MB", "first")
        .exits(0)
        .says("first/single-7.0.4.tar.gz.sha256: ")
        .says(" parts; they hold private keys");
    split("first/single-7.0.4.tar.gz.sha256", "17MiB", "second").exits(0);
    for (directory, limit) in [("first", 30_000_000), ("second", 17 << 20)] {
        run(&place.join(directory), "sha256sum", &["--quiet", "--strict", "-c", "single-7.0.4.tar.gz.sha256"]);
        run(place.path(), "sh", &["-c", &format!("cat {directory}/*.part-* | cmp - {name}")]);
        let parts = files(place.join(directory).as_std_path());
        let parts: Vec<_> = parts.iter().filter(|(part, _)| part.contains(".part-")).collect();
        assert!(parts.len() >= 2 && parts.iter().all(|(_, bytes)| bytes.len() < limit), "{directory}");
        assert!(
            modes(place.join(directory).as_std_path())
                .iter()
                .all(|(name, bits)| name == "." || bits & 0o077 == 0 || name == ".gitignore")
        );
    }
    // The same parts as the build's, so that one that was lost comes again.
    let third = fs::read(place.join("second/single-7.0.4.tar.gz.part-003")).expect("a part");
    split(name, "17MiB", "second").exits(0);
    assert!(fs::read(place.join("second/single-7.0.4.tar.gz.part-003")).expect("a part") == third);
    assert!(place.join(name).exists(), "what is split stays");
    split("first/single-7.0.4.tar.gz.sha256", "17MiB", "first").exits(1).says("CFY-B002");
    split(name, "1KiB", "x").exits(64);
    // Nothing is made of what is bad, or of what is no box.
    let part = place.join("first/single-7.0.4.tar.gz.part-002");
    let mut bytes = fs::read(&part).expect("a part");
    bytes[99] ^= 1;
    fs::write(&part, bytes).expect("written");
    split("first/single-7.0.4.tar.gz.sha256", "17MiB", "third").exits(1).says("bring part 2 again");
    split("second", "17MiB", "third").exits(1);
    place.write("text", "no box");
    split("text", "17MiB", "third").exits(1);
    split(name, "1MB", "third").exits(0);
    assert!(!files(place.path().as_std_path()).iter().any(|(name, _)| name.contains(".cfy-seed")));
}

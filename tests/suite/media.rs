//! The medium of a payload: made out of a box, read by others.

use std::fs;

use camino::Utf8Path;

use crate::boxes::{built, run, unpacked};
use crate::support::packages::{bytes, offline, package};
use crate::support::{Scratch, cfy_seed, files, have};

/// The image that the box's own program makes of the box's payload, where there is nothing else.
fn medium(into: &Utf8Path) -> Vec<u8> {
    let root = into.join("single-7.0.4");
    let said = run(&root, "env", &["-i", "./cfy-seed", "payload", "iso", ".", "--out", "../payload.iso"]);
    assert!(
        said.contains("../payload.iso: a payload medium, ") && said.contains("signed with the key in it"),
        "{said}"
    );
    fs::read(into.join("payload.iso")).expect("an image")
}

#[test]
fn others_read_the_medium_that_a_box_makes() {
    let scratch = built();
    let into = unpacked(scratch);
    let first = medium(into.path());
    assert_eq!(medium(into.path()), first, "the same bytes again, in the place of the old ones");
    let args = ["build", "--offline", "--payload-iso", "--vault", "vault", "--out", "again"];
    cfy_seed(scratch.path()).args(&args).exits(0).says("single-7.0.4.payload.iso: a payload medium");
    assert!(
        first == fs::read(scratch.join("again/single-7.0.4.payload.iso")).expect("an image"),
        "the same by build"
    );
    let payload = files(into.join("single-7.0.4/payload").as_std_path());
    if have(&["xorriso"]) {
        let arguments = ["-abort_on", "WARNING", "-osirrox", "on", "-indev", "payload.iso", "-extract", "/", "seen"];
        run(into.path(), "xorriso", &arguments);
        assert!(files(into.join("seen").as_std_path()) == payload, "xorriso sees other files");
        assert_eq!(run(&into.join("seen"), "sha256sum", &["--quiet", "--strict", "-c", "SHA256SUMS"]), "");
    }
    if have(&["isoinfo"]) {
        let listed = run(into.path(), "isoinfo", &["-R", "-f", "-i", "payload.iso"]);
        for (name, _) in &payload {
            assert!(listed.lines().any(|line| line.strip_prefix('/') == Some(name)), "{name}: {listed}");
        }
        let about = run(into.path(), "isoinfo", &["-d", "-i", "payload.iso"]);
        assert!(about.contains("Volume id: CFYPAYLOAD\n"), "{about}");
    }
}

#[test]
fn a_bad_payload_makes_no_medium() {
    let into = unpacked(built());
    let payload = into.join("single-7.0.4/payload");
    let package = payload.join("packages/libpq-13.5-1.el8.x86_64.rpm");
    let original = fs::read(&package).expect("a package");
    let make = || cfy_seed(into.path()).args(&["payload", "iso", "single-7.0.4", "--out", "p.iso"]);
    let left = || fs::read_dir(into.path()).expect("a directory").count();
    for at in [0, original.len() / 2, original.len() - 1] {
        let mut bytes = original.clone();
        bytes[at] ^= 1;
        fs::write(&package, bytes).expect("written");
        let output = make().run().says("CFY-B004").says("libpq-13.5-1.el8.x86_64.rpm has the SHA-256");
        let output =
            output.says("copy the payload again, out of the box; if it is the same there, bring the box again");
        assert!(!output.stderr.contains("build again"), "nobody can build here: {}", output.stderr);
        assert_eq!((output.code, left()), (Some(1), 1));
    }
    fs::remove_file(&package).expect("removed");
    make().exits(1).says("CFY-B012").says("libpq-13.5-1.el8.x86_64.rpm is missing");
    fs::write(&package, &original).expect("written");
    // What nobody signed.
    let sums = fs::read_to_string(payload.join("SHA256SUMS")).expect("sums");
    fs::write(payload.join("SHA256SUMS"), sums.replace("packages/", "../packages/")).expect("written");
    make().exits(1).says("CFY-B025");
    fs::write(payload.join("SHA256SUMS"), sums).expect("written");
    let certificate = built().join("vault/ca.crt");
    let with_key = |key: &str| cfy_seed(into.path()).args(&["payload", "iso", "single-7.0.4", "--key", key]);
    with_key(certificate.as_str()).exits(64).says("it holds a certificate");
    fs::copy(&certificate, into.join("other.pem")).expect("a copy");
    if have(&["openssl"]) {
        run(into.path(), "openssl", &["x509", "-in", certificate.as_str(), "-noout", "-pubkey", "-out", "other.pem"]);
        with_key("other.pem").exits(1).says("CFY-B025");
    }
    // What is not ours stays.
    for content in ["mine", ""] {
        fs::write(into.join("p.iso"), content).expect("written");
        make().exits(1).says("CFY-B002").says("p.iso is there already");
        assert_eq!(fs::read_to_string(into.join("p.iso")).expect("a file"), content);
    }
    fs::remove_file(into.join("p.iso")).expect("removed");
    // A killed run's rest goes away.
    fs::write(into.join(".cfy-seed.p.iso.image"), "half").expect("written");
    make().exits(0);
    assert_eq!(left(), 3, "the box, the key, the image");
}

#[test]
fn what_is_no_payload_makes_no_medium() {
    let scratch = Scratch::new();
    cfy_seed(scratch.path()).args(&["payload", "iso", "nowhere"]).exits(1).says("CFY-S009");
    cfy_seed(scratch.path()).args(&["payload", "iso"]).exits(64);
    scratch.write("prod-7.0.4.tar.gz", "x");
    let iso = |from: &str| cfy_seed(scratch.path()).args(&["payload", "iso", from]);
    iso("prod-7.0.4.tar.gz").exits(1).says("unpack the box first").says("name `payload/` in it");
    scratch.write("prod.payload/payload.lock", "{}");
    iso("prod.payload").exits(1).says("CFY-B029").says("`cfy-seed build --offline --payload-iso` makes");
    assert!(!scratch.join("payload.iso").exists());
    cfy_seed(scratch.path()).args(&["build", "--payload-iso"]).exits(64);
}

#[test]
fn a_medium_of_an_older_payload_does_not_stay_beside_a_new_box() {
    let scratch = offline();
    let payload = |file: &str| cfy_seed(scratch.path()).args(&["payload", "add", file]).exits(0);
    for file in ["new/libpq.rpm", "new/common.rpm", "new/image"] {
        payload(file);
    }
    let build = |more: &[&str]| {
        cfy_seed(scratch.path()).args(&["build", "--offline", "--vault", "vault"]).args(more).exits(0)
    };
    let medium = scratch.join("out/single-7.0.4.payload.iso");
    build(&["--payload-iso"]);
    let first = fs::read(&medium).expect("an image");
    scratch.write("new/more.rpm", bytes(&mut package("more", "1")));
    payload("new/more.rpm");
    build(&[]).says("out/single-7.0.4.payload.iso: removed");
    assert!(!medium.exists());
    build(&["--payload-iso"]);
    assert!(fs::read(&medium).expect("an image") != first);
    // What is not ours stays, and is not in the way of a box.
    fs::write(&medium, "mine").expect("written");
    let said = build(&[]).stderr;
    assert!(!said.contains("removed") && fs::read_to_string(&medium).expect("a file") == "mine", "{said}");
    cfy_seed(scratch.path())
        .args(&["build", "--offline", "--vault", "vault", "--payload-iso"])
        .exits(1)
        .says("CFY-B002");
}

/// Where nobody says where, and where somebody says a wrong place: `verify` of the box goes on as before.
#[test]
fn a_medium_is_never_in_the_box_that_it_is_made_of() {
    let into = unpacked(built());
    let root = into.join("single-7.0.4");
    std::os::unix::fs::symlink("single-7.0.4", into.join("link")).expect("a link");
    for (here, from) in
        [(&root, "payload"), (&root, "."), (&root.join("payload"), "."), (&into.join("link"), "payload")]
    {
        let iso = |out: &[&str]| cfy_seed(here).args(&["payload", "iso", from]).args(out);
        iso(&[]).exits(0).says("/payload.iso: a payload medium");
        assert!(into.join("payload.iso").is_file(), "{from} in {here}");
        fs::remove_file(into.join("payload.iso")).expect("removed");
        for out in ["p.iso", "./new/p.iso", "../single-7.0.4/payload/../p.iso", "packages/p.iso"] {
            if here.ends_with("link") && out.starts_with("..") {
                continue;
            }
            iso(&["--out", out]).exits(1).says("CFY-B007").says("such as `--out ").says("/payload.iso`");
        }
        cfy_seed(&root).args(&["verify", "."]).exits(0);
    }
    let iso = |out: &str| cfy_seed(into.path()).args(&["payload", "iso", "link", "--out", out]);
    iso("new/deep/p.iso").exits(0);
    assert!(into.join("new/deep/p.iso").is_file());
    iso("link/p.iso").exits(1).says("CFY-B007");
}

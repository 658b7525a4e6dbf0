//! What is wrong with the machine or the command line is not said of the box, and advice can be followed where it is given.

use std::fs;

use cfy_seed::profile::Profiles;
use cfy_seed::verify::{self, Request};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::boxes::{BOX, built, run, unpacked};
use crate::support::packages::offline;
use crate::support::{Bundle, Scratch, cfy_seed, root};

/// A public key that can sign no box.
const EC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgqtfaytys20n/83eVs3Mywky5a1K
5xYxIa250EMyxcrJyZF0yedPLKmotUCO7XmeIeEp/1owtA0+EQN07C/VPA==
-----END PUBLIC KEY-----
";

/// The findings about a path at a time: code, message, help.
fn found(path: &camino::Utf8Path, at: OffsetDateTime) -> Vec<(String, String, String)> {
    let profiles = Profiles::embedded().expect("sound profiles");
    let request = Request { path, key: None, at, profiles: &profiles, progress: &|_, _| (), whole: None };
    let verification = verify::subject(request).expect("it can be read");
    let row = |found: &cfy_seed::diag::Diagnostic| {
        (found.code.as_str().to_owned(), found.message.clone(), found.help.clone().unwrap_or_default())
    };
    verification.report.iter().map(row).collect()
}

#[test]
fn a_wrong_clock_is_said_once_and_hides_nothing() {
    let tree = &Bundle::nine_node().tree;
    for (at, word) in
        [(datetime!(2010-01-01 00:00 UTC), "not valid yet"), (datetime!(2090-01-01 00:00 UTC), "any more")]
    {
        for path in [tree.clone(), tree.join("hosts/db-1/seed.iso")] {
            let found = found(&path, at);
            let [(code, message, help)] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!(code, "CFY-B052");
            assert!(message.contains(word) && message.contains(&at.date().to_string()), "{message}");
            assert!(help.contains("clock of this machine") && !help.contains("bug"), "{help}");
        }
    }
    // A host of another cluster is found whatever the clock says.
    let scratch = Scratch::new();
    let user_data = &Bundle::nine_node().host("db-1").user_data;
    let path = scratch.write("user-data", user_data.replace("'db-1'", "'db-9'"));
    let found = found(&path, datetime!(2010-01-01 00:00 UTC));
    assert!(found.iter().any(|(code, ..)| code == "CFY-B021") && found.iter().any(|(code, ..)| code == "CFY-B052"));
}

#[test]
fn a_file_that_is_no_public_key_is_not_blamed_on_the_box() {
    let scratch = built();
    let into = Scratch::new();
    into.write("ec.pem", EC);
    into.write("notes.txt", "notes");
    let file = |name: &str| into.join(name).into_string();
    let wrong = [
        (scratch.join("vault/box.key").into_string(), "private key"),
        (scratch.join("vault/ca.crt").into_string(), "a certificate"),
        (file("ec.pem"), "not RSA"),
        (file("notes.txt"), "not a PEM file"),
        (root().join("tests/bad-specs/empty.pem").to_str().expect("UTF-8").to_owned(), "not a PEM file"),
    ];
    for (key, why) in wrong {
        let output = cfy_seed(scratch.path()).args(&["verify", BOX, "--key", &key]).exits(64);
        let said = [key.as_str(), why, "box-key.pem"].iter().all(|word| output.stderr.contains(word));
        assert!(said && !output.stderr.contains("CFY-B025"), "{}", output.stderr);
    }
}

#[test]
fn in_an_unpacked_box_nobody_is_told_to_build() {
    let into = unpacked(built());
    let root = into.join("single-7.0.4");
    let text = fs::read_to_string(root.join("hosts/cloudify/network-config")).expect("a file");
    fs::write(root.join("hosts/cloudify/network-config"), text.replace("10.0.0", "10.0.9")).expect("written");
    let said = cfy_seed(&root).args(&["verify", "."]).exits(1).stderr;
    assert!(said.contains("CFY-B014") && said.contains("unpack the box again"), "{said}");
    assert!(!said.contains("build again"), "{said}");
    fs::write(root.join("extra"), "extra").expect("written");
    cfy_seed(&root).args(&["verify", "."]).exits(1).says("it did not come in the box");
    fs::remove_file(root.join("manifest.json")).expect("removed");
    cfy_seed(&root).args(&["verify", "."]).exits(1).says("error[CFY-B010]");
    // Beside its project, that is the advice.
    let tree = Bundle::nine_node_with("poll: 5s", "poll: 6s");
    fs::write(tree.tree.join("hosts/db-1/meta-data"), "x").expect("written");
    cfy_seed(&tree.tree).args(&["verify", "."]).exits(1).says("build again");
}

#[test]
fn a_part_too_many_is_named() {
    let into = Scratch::new();
    let bytes = fs::read(built().join(BOX)).expect("bytes");
    let mut list = String::new();
    for (number, piece) in bytes.chunks(bytes.len() / 2 + 1).enumerate() {
        let name = format!("a.tar.gz.part-{:03}", number + 1);
        into.write(&name, piece);
        list += &run(into.path(), "sha256sum", &[&name]);
    }
    into.write("a.tar.gz.sha256", &list);
    cfy_seed(into.path()).args(&["verify", "a.tar.gz.sha256"]).exits(0);
    into.write("a.tar.gz.part-003", "left over");
    let said = cfy_seed(into.path()).args(&["verify", "a.tar.gz.sha256"]).exits(1).stderr;
    assert!(said.contains("error[CFY-B026]") && said.contains("a.tar.gz.part-003 is not in the list"), "{said}");
    // What the documented command then makes is no box.
    run(into.path(), "sh", &["-c", "cat a.tar.gz.part-* > a.tar.gz"]);
    cfy_seed(into.path()).args(&["verify", "a.tar.gz"]).exits(1);
}

#[test]
fn a_payload_of_a_project_has_a_command_of_its_own() {
    let scratch = offline();
    cfy_seed(scratch.path()).args(&["payload", "add", "new/libpq.rpm", "new/common.rpm", "new/image"]).exits(0);
    let said = cfy_seed(scratch.path()).args(&["verify", "single.payload"]).exits(1).stderr;
    assert!(said.contains("cfy-seed payload check") && said.matches("error[").count() == 1, "{said}");
    assert_eq!(crate::evidence::evidence(&scratch, "single.payload", 1)["subject"], "unrecognised");
    assert_eq!(crate::evidence::evidence(&scratch, "new", 1)["findings"][0]["code"], "CFY-B010");
}

#[test]
fn a_box_whose_name_no_list_can_hold_is_not_split() {
    let into = Scratch::new();
    for name in ["a\nb.tar.gz", "a\\b.tar.gz"] {
        fs::copy(built().join(BOX), into.join(name)).expect("a copy");
        let output =
            cfy_seed(into.path()).args(&["payload", "split", name, "--split", "10MB", "--out", "parts"]).exits(1);
        assert!(output.stderr.contains("no list of parts can hold"), "{}", output.stderr);
        assert!(!into.join("parts").exists());
    }
}

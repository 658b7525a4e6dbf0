//! Same in, same out; and what a second build changes.

use std::fs;
use std::process::Command;

use camino::Utf8PathBuf;

use crate::support::{Bundle, Scratch, cfy_seed, files, modes};

type Tree = (Vec<(String, Vec<u8>)>, Vec<(String, u32)>);

fn tree(path: &Utf8PathBuf) -> Tree {
    (files(path.as_std_path()), modes(path.as_std_path()))
}

fn same(one: &Tree, other: &Tree, how: &str) {
    assert_eq!(one.1, other.1, "modes: {how}");
    for ((path, bytes), (_, others)) in one.0.iter().zip(&other.0) {
        assert!(bytes == others, "{path} differs: {how}");
    }
}

/// Another directory, umask, time zone, locale, number of processors and (where `faketime` is there) year.
#[test]
fn the_same_vault_gives_the_same_bytes_everywhere() {
    let wanted = tree(&Bundle::nine_node().tree);
    let deep = "a/directory with a longer name/ünd ümlauts/";
    for (at, (umask, zone, locale)) in
        [("000", "UTC", "C"), ("077", "Asia/Tokyo", "de_DE.UTF-8"), ("022", "America/St_Johns", "tr_TR.UTF-8")]
            .into_iter()
            .enumerate()
    {
        let fixture = Scratch::fixture("nine-node");
        let home = fixture.join(&deep[..deep.len() * at / 2]);
        fs::create_dir_all(&home).expect("a directory");
        let relative: Utf8PathBuf =
            home.components().skip(fixture.path().components().count()).map(|_| "..").collect();
        let years = ["-f", "+400d"];
        let faked = Command::new("faketime").args(years).arg("true").status().is_ok_and(|status| status.success());
        let mut words = vec!["sh", "-c", "umask $0; exec \"$@\"", umask, "taskset", "1"];
        if at == 1 && faked {
            words.extend(["faketime", years[0], years[1]]);
        }
        let status = Command::new(words[0])
            .args(&words[1..])
            .arg(env!("CARGO_BIN_EXE_cfy-seed"))
            .args(["build", "--out", "built here", "--vault"])
            .arg(relative.join("vault"))
            .arg(relative.join("cluster.yaml"))
            .current_dir(&home)
            .env("TZ", zone)
            .env("LC_ALL", locale)
            .env("SOURCE_DATE_EPOCH", "1")
            .env("RAYON_NUM_THREADS", "1")
            .output()
            .expect("sh");
        assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
        same(&tree(&home.join("built here/golden")), &wanted, &format!("umask {umask}, {zone}, {locale}"));
    }
}

#[test]
fn building_again_changes_nothing() {
    let scratch = Scratch::fixture("nine-node");
    let build = || cfy_seed(scratch.path()).args(&["build", "--vault", "vault"]).exits(0);
    build();
    let vault = || {
        let all = files(scratch.join("vault").as_std_path());
        all.into_iter().filter(|(path, _)| path != ".gitignore").collect::<Vec<_>>()
    };
    let (first, before) = (tree(&scratch.join("out/golden")), vault());
    let said = build().stderr;
    same(&tree(&scratch.join("out/golden")), &first, "a second build");
    assert!(vault() == before, "the vault changed");
    assert!(!said.contains("issued") && !said.contains("generated"), "{said}");
}

#[test]
fn a_changed_address_changes_that_hosts_certificate_and_says_so() {
    let scratch = Scratch::fixture("nine-node");
    let build = || cfy_seed(scratch.path()).args(&["build", "--vault", "vault"]).exits(0).stderr;
    build();
    let before = files(scratch.join("vault").as_std_path());
    let spec = fs::read_to_string(scratch.spec()).expect("a spec");
    scratch.write("cluster.yaml", spec.replace("10.0.0.12}", "10.0.0.19}"));
    let plan = cfy_seed(scratch.path()).args(&["plan", "--vault", "vault"]).exits(0).stdout;
    assert!(plan.contains("Changed since the last build:"), "{plan}");
    let said = build();
    assert!(said.contains("db-2"), "{said}");
    let after = files(scratch.join("vault").as_std_path());
    let changed: Vec<&str> =
        before.iter().zip(&after).filter(|(a, b)| a != b).map(|((path, _), _)| path.as_str()).collect();
    assert!(changed.contains(&"hosts/db-2.crt"), "{changed:?}");
    assert!(changed.iter().all(|path| path.starts_with("hosts/db-2.")), "{changed:?}");
}

#[test]
fn a_host_that_goes_leaves_the_tree() {
    let scratch = Scratch::fixture("nine-node");
    let build = || cfy_seed(scratch.path()).args(&["build", "--vault", "vault"]).exits(0).stderr;
    build();
    let spec = fs::read_to_string(scratch.spec()).expect("a spec");
    let kept: String =
        spec.lines().filter(|line| !line.contains("name: manager-3")).flat_map(|line| [line, "\n"]).collect();
    scratch.write("cluster.yaml", kept);
    let said = build();
    assert!(said.contains("CFY-V017"), "{said}");
    assert!(!scratch.join("out/golden/hosts/manager-3").exists());
    assert!(scratch.join("vault/hosts/manager-3.key").exists(), "a key is never thrown away");
}

#[test]
fn a_build_never_goes_into_what_it_is_made_of() {
    let scratch = Scratch::fixture("all-in-one");
    let build = |arguments: &[&str]| cfy_seed(scratch.path()).args(&["build"]).args(arguments);
    build(&["--vault", "vault"]).exits(0);
    let before = files(scratch.path().as_std_path());
    std::os::unix::fs::symlink("vault", scratch.join("link")).expect("a link");
    fs::create_dir(scratch.join("single.payload")).expect("a directory");
    for (out, what) in [
        ("vault", "vault"),
        ("./vault/", "vault"),
        ("out/../vault", "vault"),
        ("link", "vault"),
        ("link/new/deep", "vault"),
        ("vault/hosts", "vault"),
        ("single.payload", "payload"),
        ("single.payload/x", "payload"),
    ] {
        for more in [&[][..], &["--offline"]] {
            let refused = build(&["--vault", "vault", "--out", out]).args(more).exits(1);
            refused.says("[CFY-B007]").says(&format!("would be in the {what}: {out} leads into ")).says("`--out`");
        }
    }
    build(&["--vault", "out/single/vault"]).exits(1).says("[CFY-B007]").says("which the build replaces");
    let after = files(scratch.path().as_std_path());
    assert!(after == before, "something was written");
    // Beside it and above it is as good as anywhere.
    build(&["--vault", "vault", "--out", "vaults"]).exits(0);
    build(&["--vault", "vault", "--out", "."]).exits(0);
    std::os::unix::fs::symlink("nowhere", scratch.join("dangling")).expect("a link");
    let output = build(&["--vault", "vault", "--out", "dangling"]).exits(1);
    output.says("[CFY-B002]").says("dangling is a symbolic link, and what it leads to is not there");
}

/// Others must not be able to exchange a box or a tree, and keys must not end in a repository.
#[test]
fn an_output_directory_is_closed_and_ignored_whatever_happens() {
    let scratch = Scratch::fixture("all-in-one");
    let build = |before: &str, out: &str| {
        let command = format!("{before}; exec {} build --vault vault --out {out}", env!("CARGO_BIN_EXE_cfy-seed"));
        let output = Command::new("bash").args(["-c", &command]).current_dir(scratch.path()).output().expect("bash");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (umask, bits) in [("000", 0o755), ("027", 0o750), ("077", 0o700)] {
        let (code, said) = build(&format!("umask {umask}"), &format!("{umask}/deep"));
        assert_eq!(code, Some(0), "{said}");
        let all = modes(scratch.join(umask).as_std_path());
        let of = |name: &str| all.iter().find(|(path, _)| path == name).expect(name).1;
        assert_eq!((of("."), of("deep"), of("deep/single")), (bits, bits, 0o700), "{umask}");
    }
    // As a disk that is full: nothing can be written into the new directory, and it does not stay.
    let (code, said) = build("trap '' XFSZ; ulimit -f 0", "q");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("q/.gitignore") && !scratch.join("q").exists(), "{said}");
    assert_eq!(build("true", "q").0, Some(0));
    assert_eq!(fs::read_to_string(scratch.join("q/.gitignore")).expect("a file"), "*\n!.gitignore\n");
}

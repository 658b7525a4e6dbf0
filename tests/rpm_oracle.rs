//! Packages of rpmbuild and rpmsign as we read them, beside what rpm itself says of them. Debian packages `rpm`, `gnupg`.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stand outside the house"
)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use cfy_seed::payload::{PublicKeys, Relation, Rpm, RpmError, Signed, read_rpm};

const SPEC: &str = "\
Name: cfy-oracle
Epoch: 3
Version: 1.2~rc1
Release: 4%{?dist}
Summary: An oracle
License: Apache-2.0
URL: https://example.com/?a=1&b=2
BuildArch: noarch
Requires: (openssl >= 1:1.1.1 if curl else wget)
Requires(pre): shadow-utils
Requires: /bin/sh, glibc > 2.17, plain
Provides: virtual = 7, other
Conflicts: worse < 2
Obsoletes: older <= 1-1
%description
More <about> it.
%install
mkdir -p %{buildroot}/opt/oracle/sub %{buildroot}/etc
head -c 300000 /dev/zero | tr '\\0' 'x' > %{buildroot}/opt/oracle/sub/file
ln -s file %{buildroot}/opt/oracle/sub/link
echo a > %{buildroot}/etc/oracle.conf
%files
/opt/oracle
%config /etc/oracle.conf
%ghost /var/log/oracle.log
%changelog
* Tue Nov 21 2023 A B <a@example.com> - 1.2
- second
* Mon Nov 20 2023 A B <a@example.com> - 1.1
- first
";

/// Whether these programs are here. A skip is loud, and none where `CI` is set.
fn have(programs: &[&str]) -> bool {
    let missing = |program: &&&str| Command::new(program).arg("--version").output().is_err();
    let Some(program) = programs.iter().find(missing) else { return true };
    assert!(std::env::var_os("CI").is_none(), "{program} is needed where CI is set");
    eprintln!("SKIPPED: {program} is not installed");
    false
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").output().expect(program);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {told}");
    String::from_utf8(output.stdout).expect("text")
}

fn build(directory: &Path, payload: &str) -> PathBuf {
    let spec = directory.join("oracle.spec");
    std::fs::write(&spec, SPEC).expect("a spec");
    let top = directory.join(payload);
    let define = |name: &str, value: &str| format!("{name} {value}");
    let (top_dir, io) = (define("_topdir", top.to_str().expect("UTF-8")), define("_binary_payload", payload));
    run(
        "rpmbuild",
        &[
            "-bb",
            "--quiet",
            "--define",
            &top_dir,
            "--define",
            &io,
            "--define",
            "dist .el8",
            spec.to_str().expect("UTF-8"),
        ],
    );
    top.join("RPMS/noarch/cfy-oracle-1.2~rc1-4.el8.noarch.rpm")
}

fn read(path: &Path, keys: Option<&PublicKeys>) -> Result<Rpm, RpmError> {
    read_rpm(File::open(path).expect("a package"), keys)
}

/// What rpm prints for this query, line by line.
fn query(path: &Path, arguments: &[&str]) -> Vec<String> {
    let file = path.to_str().expect("UTF-8");
    let printed = run("rpm", &[&["-qp"], arguments, &[file]].concat());
    printed.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

fn texts(relations: &[Relation]) -> Vec<String> {
    relations.iter().map(ToString::to_string).collect()
}

#[test]
fn rpm_says_the_same_of_packages_that_rpmbuild_made() {
    if !have(&["rpm", "rpmbuild"]) {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    for payload in ["w9.gzdio", "w2.xzdio", "w3.zstdio", "w.ufdio"] {
        let path = build(directory.path(), payload);
        let rpm = read(&path, None).expect("an RPM");
        assert_eq!(
            query(&path, &["--qf", "%{NAME} %{EPOCHNUM} %{VERSION} %{RELEASE} %{ARCH}"]),
            [format!(
                "{} {} {} {} {}",
                rpm.nevra.name, rpm.nevra.epoch, rpm.nevra.version, rpm.nevra.release, rpm.nevra.arch
            )]
        );
        for (option, ours) in [
            ("--provides", &rpm.provides),
            ("--requires", &rpm.requires),
            ("--conflicts", &rpm.conflicts),
            ("--obsoletes", &rpm.obsoletes),
        ] {
            assert_eq!(query(&path, &[option]), texts(ours), "{option} with {payload}");
        }
        let files: Vec<_> = rpm.files.iter().map(|(above, file)| format!("{above}{}", file.name)).collect();
        assert_eq!(query(&path, &["-l"]), files);
        let numbers = "%{BUILDTIME} %{LONGSIZE} %{LONGARCHIVESIZE}";
        assert_eq!(
            query(&path, &["--qf", numbers]),
            [format!("{} {} {}", rpm.build_time, rpm.installed_size, rpm.archive_size)]
        );
        let described = query(&path, &["--qf", "%{SUMMARY}\n%{DESCRIPTION}\n%{URL}\n%{LICENSE}\n%{SOURCERPM}"]);
        assert_eq!(
            described,
            [&rpm.summary, &rpm.description, &rpm.url, &rpm.license, &rpm.source].map(Clone::clone)
        );
        assert_eq!(query(&path, &["--qf", "[%{CHANGELOGTEXT}\n]"]), ["- second", "- first"]);
        assert_eq!(
            rpm.changes.iter().map(|change| change.text.as_str()).collect::<Vec<_>>(),
            ["- second", "- first"]
        );
        assert_eq!(rpm.signed, Signed::No);
    }
}

#[test]
fn what_rpm_refuses_is_refused() {
    if !have(&["rpm", "rpmkeys", "rpmbuild"]) {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = build(directory.path(), "w9.gzdio");
    let good = std::fs::read(&path).expect("a package");
    let bad = directory.path().join("bad.rpm");
    let payload = usize::try_from(read(&path, None).expect("an RPM").digests.header_end).expect("small");
    let changes = [96, 200, 5000, payload - 1, payload, payload + 20, good.len() - 1];
    let mut cases: Vec<Vec<u8>> = changes
        .iter()
        .map(|at| {
            let mut bytes = good.clone();
            bytes[*at] ^= 0x55;
            bytes
        })
        .collect();
    cases.extend([50, 100, 4000, payload, good.len() - 1].map(|length| good[..length].to_vec()));
    for (number, bytes) in cases.iter().enumerate() {
        std::fs::write(&bad, bytes).expect("a file");
        let checked =
            Command::new("rpmkeys").args(["--nosignature", "--checksig"]).arg(&bad).output().expect("rpmkeys");
        let ours = read(&bad, None);
        // Stricter than rpm is right, and laxer is not.
        assert!(checked.status.success() || ours.is_err(), "case {number}: rpm refuses it, and we do not");
        assert!(ours.is_err() || changes.get(number) == Some(&200), "case {number} is taken");
    }
}

#[test]
fn signatures_of_rpmsign_are_good_for_their_key_alone() {
    if !have(&["rpmbuild", "rpmsign", "gpg"]) {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let home = directory.path().join("gnupg");
    std::fs::create_dir(&home).expect("a directory");
    std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("mode");
    let home = home.to_str().expect("UTF-8");
    let key = |name: &str| {
        let gpg = ["--homedir", home, "--batch", "--quiet"];
        let make = ["--passphrase", "", "--quick-generate-key", name, "rsa3072", "sign", "never"];
        run("gpg", &[&gpg[..], &make].concat());
        run("gpg", &[&gpg[..], &["--armor", "--export", name]].concat())
    };
    let (ours, others) = (key("ours@example.com"), key("others@example.com"));
    let keys = PublicKeys::parse(ours.as_bytes()).expect("a key of gpg");
    assert_eq!(keys.owners(), ["ours@example.com"]);
    let other = PublicKeys::parse(others.as_bytes()).expect("a key of gpg");
    let path = build(directory.path(), "w9.gzdio");
    let sign = |how: &[&str]| {
        // A macro of Debian's names gpg without its path, and rpmsign looks for it in no path.
        let gpg = run("sh", &["-c", "command -v gpg"]);
        let define = ["_gpg_name ours@example.com".to_owned(), format!("_gpg_path {home}"), format!("__gpg {gpg}")];
        let defines: Vec<&str> = define.iter().flat_map(|define| ["--define", define.trim_end()]).collect();
        run("rpmsign", &[&defines[..], how, &["--addsign", path.to_str().expect("UTF-8")]].concat());
    };
    for how in [&[][..], &["--rpmv3"], &["--define", "_gpg_digest_algo sha512"]] {
        sign(how);
        assert_eq!(read(&path, None).expect("an RPM").signed, Signed::Unchecked, "{how:?}");
        let id = keys.ids()[0].clone();
        assert_eq!(read(&path, Some(&keys)).expect("an RPM").signed, Signed::Good(id.clone()), "{how:?}");
        assert_eq!(read(&path, Some(&other)).expect("an RPM").signed, Signed::UnknownKey(id), "{how:?}");
    }
    run("gpgconf", &["--homedir", home, "--kill", "all"]);
}

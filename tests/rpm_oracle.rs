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

#[path = "support/tools.rs"]
mod tools;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use cfy_seed::payload::{PublicKeys, Relation, Rpm, RpmError, Signed, closure, evr, inventory, read_rpm};
use rpm::{BuildConfig, CompressionType, Dependency, PackageBuilder};
use tools::have;

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
    // Our armour is read by gpg, with its checksum.
    let armour = directory.path().join("key.asc");
    std::fs::write(&armour, keys.to_armour()).expect("a file");
    let shown = run("gpg", &["--homedir", home, "--batch", "--show-keys", armour.to_str().expect("UTF-8")]);
    assert!(shown.contains("ours@example.com"), "{shown}");
    // Two keys in one file are two keys for rpm.
    let two = PublicKeys::parse(format!("{ours}\n{others}").as_bytes()).expect("keys of gpg");
    std::fs::write(&armour, two.to_armour()).expect("a file");
    let database = format!("--dbpath={}/keys", directory.path().display());
    run("rpmkeys", &[&database, "--import", armour.to_str().expect("UTF-8")]);
    assert_eq!(run("rpm", &[&database, "-q", "gpg-pubkey"]).lines().count(), 2);
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

/// Numbers that are the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's MMIX; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'l>(&mut self, list: &[&'l str]) -> &'l str {
        let side = self.roll(list.len() as u64);
        list[usize::try_from(side).expect("small")]
    }

    fn version(&mut self) -> String {
        let epoch = self.pick(&["", "", "", "0:", "1:"]);
        let release = self.pick(&["", "-1", "-2.el8"]);
        format!("{epoch}{}{release}", self.pick(&["1", "1.1", "2", "2~rc1", "2^git"]))
    }

    fn relation(&mut self) -> String {
        let name = self.pick(&["p0", "p1", "p2", "p3", "v0", "v1", "v2", "v3", "libx()(64bit)"]);
        if self.roll(2) == 0 {
            return name.to_owned();
        }
        format!("{name} {} {}", self.pick(&["<", "<=", "=", ">=", ">"]), self.version())
    }

    /// A dependency with as many levels at most; inside of `with` and `without` no conditions, which rpm does not take there.
    fn dependency(&mut self, levels: u64, conditions: bool) -> String {
        if levels == 0 || self.roll(3) == 0 {
            return self.relation();
        }
        let word =
            self.pick(if conditions { &["and", "or", "with", "without", "if", "unless"] } else { &["with", "or"] });
        let inner = conditions && !matches!(word, "with" | "without");
        let (one, two) = (self.dependency(levels - 1, inner), self.dependency(levels - 1, inner));
        match word {
            "if" | "unless" if self.roll(2) == 0 => {
                format!("({one} {word} {two} else {})", self.dependency(levels - 1, inner))
            }
            "and" | "or" if self.roll(3) == 0 => {
                format!("({one} {word} {two} {word} {})", self.dependency(levels - 1, inner))
            }
            _ => format!("({one} {word} {two})"),
        }
    }
}

/// A dependency as the crate takes it.
fn dependency(text: &str) -> Dependency {
    let parts: Vec<&str> = if text.starts_with('(') { vec![text] } else { text.split(' ').collect() };
    match parts.as_slice() {
        [name, "<", version] => Dependency::less(*name, *version),
        [name, "<=", version] => Dependency::less_eq(*name, *version),
        [name, "=", version] => Dependency::eq(*name, *version),
        [name, ">=", version] => Dependency::greater_eq(*name, *version),
        [name, ">", version] => Dependency::greater(*name, *version),
        _ => Dependency::any(text),
    }
}

fn random_package(dice: &mut Dice, name: &str) -> Vec<u8> {
    let mut builder = PackageBuilder::new(name, dice.pick(&["1", "1.1", "2"]), "MIT", "noarch", "random");
    builder.using_config(BuildConfig::v4().source_date(0_u32).compression(CompressionType::None)).release("1");
    for _ in 0..dice.roll(3) {
        let name = dice.pick(&["v0", "v1", "v2", "libx()(64bit)"]);
        let provided = if dice.roll(3) == 0 { name.to_owned() } else { format!("{name} = {}", dice.version()) };
        builder.provides(dependency(&provided));
    }
    for _ in 0..dice.roll(4) {
        let text = dice.dependency(2, true);
        builder.requires(dependency(&text));
    }
    if dice.roll(4) == 0 {
        let text = dice.relation();
        builder.conflicts(dependency(&text));
    }
    let mut bytes = Vec::new();
    builder.build().expect("a package").write(&mut bytes).expect("memory");
    bytes
}

/// What is wrong with installing these files at once on a machine with nothing, by rpm.
fn rpm_says(directory: &Path, files: &[PathBuf]) -> BTreeSet<String> {
    let database = format!("--dbpath={}/db", directory.display());
    let mut rpm = Command::new("rpm");
    rpm.args(["-i", "--test", "--nosignature", "--ignoreos", "--ignorearch", &database]).args(files);
    let output = rpm.env("LC_ALL", "C.UTF-8").output().expect("rpm");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() || told.contains("Failed dependencies"), "{told}");
    told.lines().filter_map(|line| line.strip_prefix('\t')).map(str::to_owned).collect()
}

/// What packages provide, for a message.
fn described(rpms: &[Rpm]) -> String {
    let one = |rpm: &Rpm| format!("{} provides {}", rpm.nevra, texts(&rpm.provides).join(", "));
    rpms.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[test]
fn rpm_finds_the_same_missing_in_random_sets_of_packages() {
    if !have(&["rpm"]) {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let sets = if std::env::var_os("CFY_LONG").is_some() { 2000 } else { 400 };
    let (mut dice, mut unmet, mut clashes) = (Dice(7), 0, 0);
    for set in 0..sets {
        let names = ["p0", "p1", "p2", "p3"];
        let packages: Vec<Vec<u8>> = names.iter().map(|name| random_package(&mut dice, name)).collect();
        let files: Vec<PathBuf> = names.iter().map(|name| directory.path().join(format!("{name}.rpm"))).collect();
        files.iter().zip(&packages).for_each(|(file, bytes)| std::fs::write(file, bytes).expect("a file"));
        let rpms: Vec<Rpm> = files.iter().map(|file| read(file, None).expect("an RPM")).collect();
        let answer = closure::all_together(&rpms.iter().collect::<Vec<_>>(), "4.18");
        let needed = answer.unmet.iter().map(|unmet| format!("{} is needed by {}", unmet.requirement, unmet.who));
        let clash = answer.clashes.iter().map(|clash| format!("{} conflicts with {}", clash.conflict, clash.who));
        let ours: BTreeSet<String> = needed.chain(clash).collect();
        assert_eq!(
            ours,
            rpm_says(directory.path(), &files),
            "set {set}: ours left, rpm's right; {}",
            described(&rpms)
        );
        unmet += answer.unmet.len();
        clashes += answer.clashes.len();
    }
    assert!(unmet > sets && clashes > 5, "the sets show nothing: {unmet} and {clashes}");
}

#[test]
fn rpm_orders_versions_the_same() {
    if !have(&["python3"]) {
        return;
    }
    let mut dice = Dice(11);
    let mut word = || {
        let length = 1 + dice.roll(6);
        (0..length)
            .map(|_| dice.pick(&["0", "1", "9", "10", "a", "b", "Z", ".", "_", "~", "^", "+", "el8"]))
            .collect::<String>()
    };
    let pairs: Vec<(String, String)> = (0..20_000).map(|_| (word(), word())).collect();
    let directory = tempfile::tempdir().expect("a directory");
    let list = directory.path().join("pairs");
    let lines: Vec<String> = pairs.iter().map(|(one, other)| format!("{one} {other}")).collect();
    std::fs::write(&list, lines.join("\n")).expect("a file");
    // The system's own: rpm's module belongs to no other Python.
    let script = "import rpm, sys\nfor line in open(sys.argv[1]):\n a, b = line.split()\n \
        print(rpm.labelCompare(('0', a, '1'), ('0', b, '1')))";
    let output = Command::new("/usr/bin/python3").args(["-c", script]).arg(&list).output().expect("python3");
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        assert!(std::env::var_os("CI").is_none(), "python3-rpm is needed where CI is set: {told}");
        eprintln!("SKIPPED: {told}");
        return;
    }
    let answers = String::from_utf8(output.stdout).expect("numbers");
    assert_eq!(answers.lines().count(), pairs.len());
    for ((one, other), answer) in pairs.iter().zip(answers.lines()) {
        let ours = evr::compare(one, other) as i8;
        assert_eq!(ours.to_string(), answer, "`{one}` and `{other}`");
    }
}

/// The command of docs/payload.md.
fn list_command() -> String {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/payload.md")).expect("a page");
    let begin = page.find("rpm -qa --qf").expect("the command");
    page[begin..].split("\n```").next().expect("its end").to_owned()
}

#[test]
fn the_list_of_an_image_is_what_rpm_prints_there() {
    if !have(&["rpm", "rpmbuild"]) {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let built = build(directory.path(), "w.ufdio");
    let database = format!("--dbpath={}/db", directory.path().display());
    let root = directory.path().join("root");
    std::fs::create_dir(&root).expect("a directory");
    // Into the database alone: nothing is written below the root but what rpm itself needs.
    let arguments = ["-i", "--justdb", "--nodeps", "--nosignature", "--ignoreos", &database];
    run("rpm", &[&arguments[..], &[built.to_str().expect("UTF-8")]].concat());
    let command = list_command().replacen("rpm -qa", &format!("rpm {database} -qa"), 1);
    let list = inventory(&run("sh", &["-c", &command])).expect("a list");
    let rpm = read(&built, None).expect("an RPM");
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].nevra, rpm.nevra);
    assert_eq!(texts(&list[0].provides), texts(&rpm.provides));
    assert_eq!(texts(&list[0].requires), texts(&rpm.requires));
    assert_eq!(texts(&list[0].conflicts), texts(&rpm.conflicts));
    assert_eq!(texts(&list[0].obsoletes), texts(&rpm.obsoletes));
    for (above, file) in rpm.files.iter() {
        assert!(list[0].files.contains(&format!("{above}{}", file.name)), "{above}{}", file.name);
    }
}

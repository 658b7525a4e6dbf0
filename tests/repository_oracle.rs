//! Repositories as others read them: dnf lists, resolves and downloads from ours, and `createrepo_c` writes the same of the same
//! packages. Debian packages `dnf`, `createrepo-c`, `rpm`, `python3`.

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
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cfy_seed::payload::closure::{Question, closure};
use cfy_seed::payload::{Relation, Rpm, read_rpm, repodata};
use rpm::{BuildConfig, CompressionType, Dependency, FileOptions, PackageBuilder};
use tools::have;

/// A directory with packages, and the metadata that we make of them.
struct Repository {
    directory: tempfile::TempDir,
    rpms: Vec<(String, Rpm)>,
}

impl Repository {
    fn of(packages: &mut [PackageBuilder]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().join("repo");
        std::fs::create_dir_all(root.join("packages")).expect("a directory");
        std::fs::create_dir_all(root.join("repodata")).expect("a directory");
        let mut rpms = Vec::new();
        for builder in packages {
            let mut bytes = Vec::new();
            builder.build().expect("a package").write(&mut bytes).expect("memory");
            let rpm = read_rpm(bytes.as_slice(), None).expect("an RPM");
            let (name, nevra) = (&rpm.nevra.name, &rpm.nevra);
            let place = format!("packages/{name}-{}-{}.{}.rpm", nevra.version, nevra.release, nevra.arch);
            std::fs::write(root.join(&place), &bytes).expect("a file");
            rpms.push((place, rpm));
        }
        rpms.sort_by(|one, other| one.0.cmp(&other.0));
        let listed: Vec<(&str, &Rpm)> = rpms.iter().map(|(place, rpm)| (place.as_str(), rpm)).collect();
        for (path, bytes) in repodata(&listed, 1_700_000_000).expect("memory") {
            std::fs::write(root.join(path), bytes).expect("a file");
        }
        Self { directory, rpms }
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("repo")
    }

    /// dnf with nothing but this repository, on an empty machine.
    fn dnf(&self, arguments: &[&str]) -> Output {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let set = |name: &str, value: &str| format!("--setopt={name}={value}");
        Command::new("dnf")
            .args([
                "--quiet",
                "--assumeyes",
                "--releasever=8",
                "--forcearch=x86_64",
                "--disableplugin=*",
                "--repo=ours",
            ])
            .arg(format!("--installroot={}", path("machine")))
            .arg(format!("--repofrompath=ours,file://{}", self.root().display()))
            .args([set("reposdir", "/dev/null"), set("cachedir", &path("cache")), set("gpgcheck", "0")])
            .args([
                set("module_platform_id", "platform:el8"),
                set("best", "1"),
                set("skip_if_unavailable", "0"),
                set("install_weak_deps", "0"),
            ])
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("dnf")
    }

    fn lines(&self, arguments: &[&str]) -> BTreeSet<String> {
        let output = self.dnf(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
    }

    /// The packages that dnf downloads to install these; none where it cannot.
    fn downloads(&self, wanted: &[&str]) -> Result<BTreeSet<String>, String> {
        let into = self.directory.path().join("downloads");
        let _ = std::fs::remove_dir_all(&into);
        let destination = format!("--destdir={}", into.display());
        let output = self.dnf(&[&["install", "--downloadonly", &destination][..], wanted].concat());
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let names = std::fs::read_dir(&into).expect("downloads").flatten().map(|entry| entry.file_name());
        Ok(names.map(|name| name.to_str().expect("UTF-8").trim_end_matches(".rpm").to_owned()).collect())
    }

    /// The packages that we would install; none where something is missing or does not go together.
    fn chosen(&self, wanted: &[&str]) -> Result<BTreeSet<String>, String> {
        let payload: Vec<&Rpm> = self.rpms.iter().map(|(_, rpm)| rpm).collect();
        let relation = |name: &&str| Relation { name: (*name).to_owned(), version: None, before_scripts: false };
        let wanted: Vec<_> = wanted.iter().map(|name| ("the test".to_owned(), relation(name))).collect();
        let answer = closure(&Question { image: &[], payload: &payload, wanted: &wanted, rpm: "4.18" });
        if !answer.unmet.is_empty() || !answer.clashes.is_empty() {
            return Err(format!("{answer:#?}"));
        }
        let name = |rpm: &Rpm| {
            let nevra = &rpm.nevra;
            format!("{}-{}-{}.{}", nevra.name, nevra.version, nevra.release, nevra.arch)
        };
        Ok(answer.installed.iter().map(|at| name(payload[*at])).collect())
    }
}

fn package(name: &str, version: &str) -> PackageBuilder {
    let mut builder = PackageBuilder::new(name, version, "MIT & others", "x86_64", "A <small> \"package\"");
    let config = BuildConfig::v4().source_date(1_700_000_000_u32).compression(CompressionType::None);
    builder.using_config(config).release("1.el8");
    builder
}

fn several() -> Vec<PackageBuilder> {
    let mut app = package("app", "2.1~rc1");
    app.epoch(1)
        .description("Several\n  lines & such\n")
        .url("https://example.com/?a=1&b=2")
        .vendor("A vendor")
        .requires(Dependency::greater_eq("lib", "1:3"))
        .requires(Dependency::any("(tool or other)"))
        .requires(Dependency::any("/usr/bin/tool"))
        .conflicts(Dependency::less("lib", "1:2"))
        .obsoletes(Dependency::any("app-old"))
        .provides(Dependency::eq("virtual(x)", "7"))
        .add_changelog_entry("A <a@example.com>", "- one", 1_600_000_000_u32)
        .add_changelog_entry("B <b@example.com>", "- two & three", 1_690_000_000_u32)
        .with_file_contents("x", FileOptions::new("/opt/app/with space & more"))
        .expect("a file")
        .with_dir_entry(FileOptions::dir("/etc/app"))
        .expect("a directory")
        .with_ghost(FileOptions::ghost("/etc/app/ghost"))
        .expect("a ghost");
    let mut lib = package("lib", "3.0");
    lib.epoch(1);
    let mut tool = package("tool", "1");
    tool.with_file_contents("x", FileOptions::new("/usr/bin/tool").permissions(0o755)).expect("a file");
    vec![app, lib, package("lib", "2"), tool, package("unneeded", "1")]
}

#[test]
fn dnf_lists_resolves_and_downloads() {
    if !have(&["dnf"]) {
        return;
    }
    let ours = Repository::of(&mut several());
    let listed = ours.lines(&["repoquery", "--queryformat=%{name} %{epoch} %{version} %{release} %{arch}"]);
    let expected = ["app 1 2.1~rc1 1.el8 x86_64", "lib 1 3.0 1.el8 x86_64", "tool 0 1 1.el8 x86_64"];
    for line in expected {
        assert!(listed.contains(line), "{line}: {listed:?}");
    }
    assert_eq!(listed.len(), 5);
    let requires = ours.lines(&["repoquery", "--requires", "app"]);
    let expected = ["(tool or other)", "/usr/bin/tool", "lib >= 1:3"];
    assert_eq!(requires, expected.iter().map(|&text| text.to_owned()).collect());
    assert!(
        ours.lines(&["repoquery", "--whatprovides", "virtual(x) = 7"]).iter().any(|line| line.starts_with("app-1:"))
    );
    // A file that only the list of all files has.
    let owner = ours.lines(&["repoquery", "--file", "/opt/app/with space & more"]);
    assert!(owner.iter().any(|line| line.starts_with("app-1:")), "{owner:?}");
    assert!(ours.lines(&["repoquery", "--changelogs", "app"]).iter().any(|line| line.contains("two & three")));
    let downloads = ours.downloads(&["app"]).expect("dnf resolves it");
    assert_eq!(downloads, ours.chosen(&["app"]).expect("we resolve it"));
    assert_eq!(downloads.len(), 3);
    assert!(ours.downloads(&["nothing-of-that-name"]).is_err());
}

#[test]
fn dnf_finds_damage() {
    if !have(&["dnf"]) {
        return;
    }
    let ours = Repository::of(&mut several());
    let metadata = std::fs::read_dir(ours.root().join("repodata")).expect("metadata").flatten();
    let primary = metadata.map(|entry| entry.path()).find(|path| path.to_string_lossy().contains("primary"));
    let primary = primary.expect("a primary");
    let mut bytes = std::fs::read(&primary).expect("bytes");
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(primary, bytes).expect("written");
    assert!(!ours.dnf(&["repoquery"]).status.success());
}

/// What stands in the metadata of a repository, without what has no meaning: the order of entries, indentation, and times.
const CANONICAL: &str = r#"
import gzip, sys, xml.etree.ElementTree as tree
root = sys.argv[1]
index = tree.parse(root + "/repodata/repomd.xml").getroot()
plain = lambda tag: tag.split("}")[1]
text = lambda element: (element.text or "").strip()
for data in index:
    if plain(data.tag) != "data" or data.get("type") not in ("primary", "filelists", "other"):
        continue
    href = [child for child in data if plain(child.tag) == "location"][0].get("href")
    document = tree.fromstring(gzip.open(root + "/" + href).read())
    print(data.get("type"), plain(document.tag), document.get("packages"))
    for package in sorted(document, key=lambda one: tree.tostring(one)):
        lines = set()
        def walk(element, above):
            name = above + "/" + plain(element.tag)
            attributes = dict(element.attrib)
            if name.endswith("/time"):
                attributes.pop("file")
            if not attributes.get("name", "").startswith("rpmlib("):
                lines.add((name, tuple(sorted(attributes.items())), text(element)))
            for child in element:
                walk(child, name)
        walk(package, "")
        for line in sorted(lines):
            print(line)
"#;

#[test]
fn createrepo_writes_the_same() {
    if !have(&["createrepo_c", "python3"]) {
        return;
    }
    let ours = Repository::of(&mut several());
    let canonical = |root: &Path| {
        let output = Command::new("python3").args(["-c", CANONICAL]).arg(root).output().expect("python3");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let mine = canonical(&ours.root());
    let theirs = ours.directory.path().join("theirs");
    std::fs::create_dir(&theirs).expect("a directory");
    let copied = Command::new("cp").arg("-r").arg(ours.root().join("packages")).arg(&theirs).status().expect("cp");
    assert!(copied.success());
    let made = Command::new("createrepo_c").args(["--quiet", "--no-database"]).arg(&theirs).output().expect("runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let sorted = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    same_lines(&sorted(&mine), &sorted(&canonical(&theirs)));
    assert!(mine.lines().count() > 60, "{mine}");
}

/// What yum looks up in the tables that it makes of metadata: packages, what they provide and require, their files.
const TABLES: &str = r#"
import bz2, glob, sqlite3, sys, tempfile
def rows(kind, query):
    packed = glob.glob(sys.argv[1] + "/repodata/*" + kind + ".sqlite.bz2")[0]
    with tempfile.NamedTemporaryFile() as plain:
        plain.write(bz2.open(packed).read())
        plain.flush()
        for row in sqlite3.connect(plain.name).execute(query):
            print(kind, *row)
what = "name, epoch, version, release, arch"
rows("primary", "select pkgId, " + what + ", location_href, size_package, checksum_type from packages")
for table in "provides", "requires", "conflicts", "obsoletes":
    rows("primary", "select '%s', p.pkgId, t.name, t.flags, t.epoch, t.version, t.release from %s t join packages p using (pkgKey)"
         % (table, table))
rows("primary", "select 'file', p.pkgId, t.name, t.type from files t join packages p using (pkgKey)")
rows("filelists", "select p.pkgId, t.dirname, t.filenames, t.filetypes from filelist t join packages p using (pkgKey)")
rows("other", "select p.pkgId, t.author, t.date, t.changelog from changelog t join packages p using (pkgKey)")
"#;

/// yum of EL 7 works on tables of `SQLite`. Here `sqliterepo_c` makes them of our gzip, in the form that yum reads, and they are those that it
/// makes of `createrepo_c`'s. It is not yum: there, yum-metadata-parser makes them, which no Debian has.
#[test]
fn the_tables_that_yum_looks_things_up_in_are_those_of_createrepo() {
    if !have(&["createrepo_c", "sqliterepo_c", "python3"]) {
        return;
    }
    let ours = Repository::of(&mut several());
    let theirs = ours.directory.path().join("theirs");
    std::fs::create_dir(&theirs).expect("a directory");
    let theirs_text = theirs.to_str().expect("UTF-8");
    let ours_text = ours.root().to_str().expect("UTF-8").to_owned();
    run(ours.directory.path(), "cp", &["-r", &format!("{ours_text}/packages"), theirs_text]);
    run(
        ours.directory.path(),
        "createrepo_c",
        &["--quiet", "--no-database", "--general-compress-type", "gz", theirs_text],
    );
    let tables = |root: &str| {
        run(ours.directory.path(), "sqliterepo_c", &["--quiet", root]);
        let mut rows: Vec<String> =
            run(ours.directory.path(), "python3", &["-c", TABLES, root]).lines().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    let (mine, reference) = (tables(&ours_text), tables(theirs_text));
    same_lines(&mine, &reference);
    assert!(mine.len() > 20 && mine.iter().any(|row| row.starts_with("primary requires ")), "{mine:?}");
}

/// Shows where two lists differ.
fn same_lines(ours: &[String], theirs: &[String]) {
    let (only_ours, only_theirs): (BTreeSet<&String>, BTreeSet<&String>) =
        (ours.iter().collect(), theirs.iter().collect());
    let difference = |one: &BTreeSet<&String>, other: &BTreeSet<&String>| {
        one.difference(other).map(|line| line.as_str()).collect::<Vec<_>>().join("\n")
    };
    let (more, less) = (difference(&only_ours, &only_theirs), difference(&only_theirs, &only_ours));
    assert!(more.is_empty() && less.is_empty(), "only ours:\n{more}\nonly theirs:\n{less}");
    assert_eq!(ours.len(), theirs.len());
}

/// Packages that need each other at random. The names differ from set to set only in what they say.
fn random(number: u64) -> Vec<PackageBuilder> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut roll = |sides: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % sides
    };
    let mut packages = Vec::new();
    for name in 0..8 {
        for version in 1..=1 + roll(2) {
            let mut builder = package(&format!("p{name}"), &version.to_string());
            for _ in 0..roll(4) {
                let (one, two, least) = (roll(9), roll(9), roll(4));
                builder.requires(match roll(5) {
                    0 => Dependency::greater_eq(format!("p{one}"), least.to_string()),
                    1 => Dependency::any(format!("(p{one} if p{two})")),
                    2 => Dependency::any(format!("(p{one} or p{two} >= {least})")),
                    3 => Dependency::any(format!("virtual-{one}")),
                    _ => Dependency::any(format!("p{one}")),
                });
            }
            builder.provides(Dependency::eq(format!("virtual-{}", roll(9)), "1"));
            packages.push(builder);
        }
    }
    packages
}

#[test]
fn dnf_resolves_what_we_call_complete() {
    if !have(&["dnf"]) {
        return;
    }
    let sets = if std::env::var_os("CFY_LONG").is_some() { 200 } else { 12 };
    let (mut both, mut neither, mut same, mut later) = (0, 0, 0, 0);
    for set in 0..sets {
        let ours = Repository::of(&mut random(set));
        match (ours.chosen(&["p0", "p1"]), ours.downloads(&["p0", "p1"])) {
            (Ok(chosen), Ok(downloads)) => {
                both += 1;
                same += usize::from(chosen == downloads);
            }
            (Ok(chosen), Err(why)) => panic!("set {set}: we take {chosen:?} for complete, and dnf says: {why}"),
            // We leave out what leads nowhere, and do not try every combination.
            (Err(_), Ok(_)) => later += 1,
            (Err(_), Err(_)) => neither += 1,
        }
    }
    eprintln!(
        "{both} complete for both ({same} with the same packages), {neither} for neither, {later} for dnf alone"
    );
    assert!(both > 3 && neither > 3, "the sets show nothing");
    assert!(later * 10 <= sets, "{later} of {sets} are complete and we do not see it");
}

/// What hosts of Cloudify 7.0 on EL 8 want, by the contract.
const WANTED: &str = "checkpolicy compat-openssl10 cronie dbus-glib glibc-langpack-en glibc-locale-source initscripts iproute \
    libpq libselinux-utils logrotate ncurses openssh-clients openssl policycoreutils-python-utils python3-setuptools sed sudo tar \
    which";

/// Runs a program that must succeed; what it printed.
fn run(directory: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(directory).env("LC_ALL", "C.UTF-8").output();
    let output = output.expect(program);
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {told}");
    told
}

/// A key, and everything signed with it.
struct Signing {
    home: String,
    gpg: String,
}

impl Signing {
    fn new(directory: &Path) -> Self {
        let home = directory.join("gnupg");
        std::fs::create_dir(&home).expect("a directory");
        std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("mode");
        let gpg = run(directory, "sh", &["-c", "command -v gpg"]).trim().to_owned();
        let signing = Self { home: home.display().to_string(), gpg };
        signing.gpg(
            directory,
            &["--passphrase", "", "--quick-generate-key", "test@example.com", "rsa2048", "sign", "never"],
        );
        std::fs::write(directory.join("key"), signing.gpg(directory, &["--armor", "--export"])).expect("a file");
        signing
    }

    fn gpg(&self, directory: &Path, arguments: &[&str]) -> String {
        run(directory, &self.gpg, &[&["--homedir", &self.home, "--batch", "--quiet"], arguments].concat())
    }

    fn sign(&self, directory: &Path, files: &[&str]) {
        let define = [
            "_gpg_name test@example.com".to_owned(),
            format!("_gpg_path {}", self.home),
            format!("__gpg {}", self.gpg),
        ];
        let defines: Vec<&str> = define.iter().flat_map(|define| ["--define", define.as_str()]).collect();
        run(directory, "rpmsign", &[&defines[..], &["--addsign"], files].concat());
    }
}

/// From packages to hosts: signed packages go into a payload, the payload into a build, and dnf installs from what was built,
/// with `gpgcheck=1` and the `.repo` file as it is but for its place. It refuses a package that is not signed, as `check` does.
#[test]
fn dnf_installs_with_gpgcheck_from_what_was_built() {
    if !have(&["dnf", "rpmsign", "gpg"]) {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let cfy_seed = |arguments: &[&str]| run(path, env!("CARGO_BIN_EXE_cfy-seed"), arguments);
    let write = |name: &str, mut builder: PackageBuilder| {
        let mut bytes = Vec::new();
        builder.build().expect("a package").write(&mut bytes).expect("memory");
        std::fs::write(path.join(format!("{name}.rpm")), bytes).expect("a file");
    };
    let mut files: Vec<String> = Vec::new();
    for name in WANTED.split_whitespace() {
        let mut builder = package(name, "1");
        builder.with_file_contents("x", FileOptions::new(format!("/opt/{name}/file"))).expect("a file");
        write(name, builder);
        files.push(format!("{name}.rpm"));
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let signing = Signing::new(path);
    signing.sign(path, &files);
    cfy_seed(&["init", "--shape", "all-in-one"]);
    let spec = std::fs::read_to_string(path.join("cluster.yaml")).expect("a spec");
    std::fs::write(path.join("cluster.yaml"), spec.replace("from: image", "from: payload")).expect("written");
    std::fs::write(path.join("image"), "package\tbare\t0\t1\t1\tnoarch\n").expect("written");
    cfy_seed(&[&["payload", "add", "key", "image"], &files[..]].concat());
    assert!(cfy_seed(&["payload", "check"]).contains("20 packages, 20 installed by hosts, and nothing is missing"));
    cfy_seed(&["build", "--offline"]);

    run(path, "tar", &["-xzf", "out/example-7.0.4.tar.gz"]);
    let built = path.join("example-7.0.4/payload");
    let repo = std::fs::read_to_string(built.join("cfy-seed.repo")).expect("a file");
    assert!(repo.contains("gpgcheck=1") && repo.contains("gpgkey=file:///media/cfypayload/keys/"), "{repo}");
    let repos = path.join("repos");
    std::fs::create_dir(&repos).expect("a directory");
    std::fs::write(repos.join("cfy-seed.repo"), repo.replace("/media/cfypayload", built.to_str().expect("UTF-8")))
        .expect("written");
    let install = |root: &str, packages: &[&str]| {
        let set = |name: &str, value: String| format!("--setopt={name}={value}");
        Command::new("dnf")
            .args(["--assumeyes", "--releasever=8", "--forcearch=x86_64", "--disableplugin=*", "install"])
            .arg(format!("--installroot={}", path.join(root).display()))
            .args([
                set("reposdir", repos.display().to_string()),
                set("cachedir", path.join(root).join("cache").display().to_string()),
            ])
            .args(packages)
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("dnf")
    };
    let wanted: Vec<&str> = WANTED.split_whitespace().collect();
    let output = install("machine", &wanted);
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    for name in &wanted {
        assert!(path.join("machine/opt").join(name).join("file").is_file(), "{name} is not installed: {told}");
    }

    // Not signed: `check` says so; and dnf, given the same repository without our check, refuses it too.
    write("other", package("other", "1"));
    cfy_seed(&["payload", "add", "other.rpm"]);
    let check = Command::new(env!("CARGO_BIN_EXE_cfy-seed")).args(["payload", "check"]).current_dir(path).output();
    let check = check.expect("it runs");
    assert_eq!(check.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&check.stderr).contains("CFY-K008"), "{check:?}");
    let unsigned = Repository::of(&mut [package("other", "1")]);
    let here = unsigned.root().display().to_string();
    let text = repo.replace("baseurl=file:///media/cfypayload", &format!("baseurl=file://{here}"));
    std::fs::write(repos.join("cfy-seed.repo"), text.replace("/media/cfypayload", built.to_str().expect("UTF-8")))
        .expect("written");
    let refused = install("other", &["other"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("not signed"), "{told}");
    run(path, "gpgconf", &["--homedir", &signing.home, "--kill", "all"]);
}

//! `docs/security.md` against what is built: what it says of clouds, of modes, of credentials.

use std::os::unix::fs::PermissionsExt as _;

use camino::Utf8Path;
use cfy_seed::names::RoleKind;
use cfy_seed::profile::Profiles;

use super::plan;
use crate::support::{Bundle, Scratch, modes};

const SCRIPTS: [&str; 4] = ["/create", "bake/install", "bake/seal", "sbin/cfy-firstboot"];

fn document() -> String {
    let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md");
    std::fs::read_to_string(path).expect("a document")
}

/// A section, by its title.
fn section<'d>(document: &'d str, title: &str) -> &'d str {
    let (_, rest) = document.split_once(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("no section {title}"));
    rest.split("\n## ").next().unwrap_or_default()
}

/// Where cloud-init stays on after READY, the platform keeps user-data, and who reads it must stand there.
#[test]
fn every_target_that_keeps_user_data_is_spoken_of() {
    let document = document();
    let clouds = section(&document, "Clouds");
    assert!(!clouds.contains("no target"), "{clouds}");
    let rows: Vec<&str> = clouds.lines().filter(|line| line.starts_with("| `")).collect();
    let profiles = Profiles::embedded().expect("sound profiles");
    let keeping = profiles.targets().iter().filter(|target| !target.pin || target.companion.is_some());
    for target in keeping.clone() {
        let name = format!("`{}`", target.target);
        let row = rows.iter().find(|row| row.split('|').nth(1).is_some_and(|cell| cell.contains(&name)));
        let row = row.unwrap_or_else(|| panic!("{name} is in no row: {rows:#?}"));
        // What the target's profile says of every process of the guest, the table says too.
        let by_all = target.quirks.iter().any(|quirk| quirk.contains("every process of the guest"));
        assert!(!by_all || row.contains("every process"), "{row}");
    }
    assert_eq!(
        rows.iter().flat_map(|row| row.split('|').nth(1)).flat_map(|cell| cell.split(',')).count(),
        keeping.count()
    );
}

/// The table of what the building machine has.
#[test]
fn modes_are_those_that_the_table_says() {
    let document = document();
    let table = section(&document, "Before the boot: the machine that builds");
    let row = |place: &str| {
        let mut rows = table.lines().filter(|line| line.starts_with(&format!("| {place}")));
        rows.next().unwrap_or_else(|| panic!("no row {place}")).to_owned()
    };
    assert!(row("`<out>/<cluster>/hosts/`").ends_with("| directories 0700, files 0600 |"));
    let rest = "directories 0700; `manifest.json` and `SHA256SUMS` 0600; hand-offs 0644, their scripts 0755 |";
    assert!(row("`<out>/<cluster>/`, the rest").ends_with(rest));
    assert!(row("`<cluster>.vault/`").ends_with("directories 0700, files 0600 |"));
    let scratch = Scratch::fixture("all-in-one");
    let spec = std::fs::read_to_string(scratch.spec()).expect("a spec");
    scratch.write("cluster.yaml", format!("{spec}target: [libvirt, proxmox, vsphere, kubevirt]\n"));
    let bundle = Bundle::build(scratch);
    let mut scripts = 0;
    for (name, mode) in modes(bundle.tree.as_std_path()) {
        let wanted = match name.as_str() {
            name if bundle.tree.join(name).is_dir() => 0o700,
            "manifest.json" | "SHA256SUMS" => 0o600,
            name if name.starts_with("hosts/") => 0o600,
            name if SCRIPTS.iter().any(|script| name.ends_with(script)) => {
                scripts += 1;
                0o755
            }
            _ => 0o644,
        };
        assert_eq!(mode, wanted, "{name}: {mode:o}");
    }
    assert!(scripts >= 3, "{scripts}");
    let mut vault = bundle.scratch.path().as_std_path().to_owned();
    vault.push("vault");
    assert_eq!(std::fs::metadata(&vault).expect("a vault").permissions().mode() & 0o7777, 0o700);
}

/// The table of secrets, by the contract.
#[test]
fn credentials_are_on_the_hosts_that_the_table_says() {
    let document = document();
    let table = section(&document, "What is secret");
    let plan = plan(&Scratch::fixture("nine-node"));
    for (kind, word) in
        [(RoleKind::Database, "databases"), (RoleKind::Broker, "brokers"), (RoleKind::Manager, "managers")]
    {
        for credential in plan.credentials_of(kind) {
            let name = format!("`{}`", credential.as_str());
            let rows = table.lines().filter(|line| line.starts_with('|'));
            let row = rows.clone().find(|row| row.split('|').nth(1).is_some_and(|cell| cell.contains(&name)));
            let row = row.unwrap_or_else(|| panic!("{name} is in no row"));
            assert!(row.rsplit('|').nth(1).is_some_and(|hosts| hosts.contains(word)), "{name}: {word}: {row}");
        }
    }
    let all_in_one = super::plan(&Scratch::fixture("all-in-one"));
    let (_, said) = table.split_once("An all-in-one has").expect("a paragraph");
    for credential in all_in_one.credentials_of(RoleKind::AllInOne) {
        assert!(said.contains(&format!("`{}`", credential.as_str())), "{}", credential.as_str());
    }
}

//! Single files of a tree or box, verified by themselves: what is compared, and that the rest is named and not called good.

use std::fs;

use base64::Engine as _;
use camino::Utf8PathBuf;

use crate::boxes::{built, unpacked};
use crate::evidence::evidence;
use crate::support::{Bundle, Scratch, cfy_seed, mode};

/// A copy that only its owner may read.
fn copy(scratch: &Scratch, name: &str, bytes: impl AsRef<[u8]>) -> Utf8PathBuf {
    let path = scratch.write(name, bytes);
    fs::set_permissions(&path, mode(0o600)).expect("a mode");
    path
}

/// The bytes with one text replaced by another of the same length, from behind a mark on; it must be there.
fn replaced(bytes: &[u8], behind: &str, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "{from}");
    let find = |start: usize, text: &str| {
        let found = bytes[start..].windows(text.len()).position(|window| window == text.as_bytes());
        start + found.unwrap_or_else(|| panic!("no {text}"))
    };
    let at = find(find(0, behind), from);
    [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
}

/// What may be changed in a seed image, and the word by which `verify` says so.
const HARMS: [(&str, &str, &str, &str); 12] = [
    ("version: 1\n", "address: '10.0.0.11/24'", "address: '10.0.0.99/24'", "10.0.0.99"),
    ("version: 1\n", "'static'", "'statik'", "network-config"),
    ("version: 1\n", "gateway: '10.0.0.1'", "gateway: '10.0.1.1'", "gateway"),
    ("version: 1\n", "version: 1", "version: 2", "version 1"),
    ("instance-id", "db-1-g", "db-2-g", "instance-id"),
    ("local-hostname", "db-1", "db-2", "local-hostname"),
    ("#cloud-config\n{}", "{}", "[]", "vendor-data"),
    ("\nruncmd:", "systemctl", "rm -rf /;", "runcmd"),
    ("\nbootcmd:", "rm -f", "rm -r", "bootcmd"),
    ("#cloud-config\nhostname", "'db-1'", "'db-2'", "hostname"),
    ("write_files:", "owner: 'root:root'", "owner: 'root:user'", "to root"),
    ("write_files:", "permissions: '0755'", "permissions: '4755'", "0755"),
];

#[test]
fn a_changed_seed_image_is_told_from_a_good_one() {
    let image = fs::read(Bundle::nine_node().tree.join("hosts/db-1/seed.iso")).expect("an image");
    let scratch = Scratch::new();
    copy(&scratch, "good.iso", &image);
    let good = cfy_seed(scratch.path()).args(&["verify", "good.iso"]).exits(0);
    assert!(!good.stderr.contains("everything as it was built"), "{}", good.stderr);
    for left in
        ["who made it (no signature", "gateway", "name servers", "prefix length", "`ssh_pwauth`", "not compared:"]
    {
        assert!(good.stderr.contains(left), "{left}: {}", good.stderr);
    }
    let report = evidence(&scratch, "good.iso", 0);
    let left = report["not_compared"].as_array().expect("a list");
    assert!(left.iter().any(|left| left.as_str().is_some_and(|left| left.contains("gateway"))), "{left:?}");
    for (behind, from, to, said) in HARMS {
        copy(&scratch, "bad.iso", replaced(&image, behind, from, to));
        let output = cfy_seed(scratch.path()).args(&["verify", "bad.iso"]).exits(1);
        assert!(output.stderr.contains("error[CFY-B021]") && output.stderr.contains(said), "{to}: {}", output.stderr);
        assert!(!output.stderr.contains("build again"), "{}", output.stderr);
    }
    assert_eq!(evidence(&scratch, "bad.iso", 1)["findings"][0]["code"], "CFY-B021");
}

/// The operator's own cloud-config, other shapes and images that have the driver are no changes.
#[test]
fn seed_images_of_all_shapes_are_good() {
    let own = Bundle::nine_node_with(
        "target: [nocloud]\n",
        "target: [nocloud]
cloud_init:
  all:
    runcmd: [[echo, all]]
    bootcmd: [echo boot]
    write_files: [{path: /etc/own, content: 'yes', permissions: '0644'}]
    growpart: {mode: 'off', devices: [/]}
    chef: {splay: 1.5, exec: null, big: 1e30}
    disable_root: false
",
    );
    let baked = Bundle::nine_node_with("first_boot: {", "first_boot: {preinstalled: true, ");
    for bundle in [Bundle::nine_node(), Bundle::three_node(), Bundle::all_in_one(), &own, &baked] {
        for name in bundle.hosts.keys() {
            let path = format!("hosts/{name}/seed.iso");
            let output = cfy_seed(&bundle.tree).args(&["verify", &path]).exits(0);
            assert!(output.stderr.contains("what can be compared fits together"), "{name}: {}", output.stderr);
        }
    }
    let said = cfy_seed(&own.tree).args(&["verify", "hosts/db-1/seed.iso"]).exits(0).stderr;
    for key in ["`growpart`", "your own entries of `runcmd`", "`bootcmd`", "your own entries of `write_files`"] {
        assert!(said.contains(key), "{key}: {said}");
    }
}

#[test]
fn user_data_is_known_by_its_content_and_compared() {
    let host = Bundle::nine_node().host("db-1");
    let scratch = Scratch::new();
    let gzip = cfy_seed::bundle::gzip::gzip(host.user_data.as_bytes()).expect("gzip");
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let (plain, packed) = (base64(host.user_data.as_bytes()), base64(&gzip));
    for bytes in [host.user_data.as_bytes(), &gzip, plain.as_bytes(), packed.as_bytes()] {
        copy(&scratch, "ud", bytes);
        let report = evidence(&scratch, "ud", 0);
        assert_eq!(report["subject"], "user-data");
        assert!(report["not_compared"].to_string().contains("for which target"), "{}", report["not_compared"]);
    }
    copy(&scratch, "user-data.openstack", &gzip);
    cfy_seed(scratch.path()).args(&["verify", "user-data.openstack"]).exits(0).says("no signature covers it");
    let harmed = replaced(host.user_data.as_bytes(), "\nruncmd:", "systemctl", "rm -rf /;");
    copy(&scratch, "user-data.openstack", cfy_seed::bundle::gzip::gzip(&harmed).expect("gzip"));
    cfy_seed(scratch.path()).args(&["verify", "user-data.openstack"]).exits(1).says("runcmd");
}

#[test]
fn a_key_is_not_passed_over_where_nothing_is_signed() {
    let into = unpacked(built());
    let key = "single-7.0.4/box-key.pem";
    copy(&into, "a.tar.gz.part-001", "x");
    let list = crate::boxes::run(into.path(), "sha256sum", &["a.tar.gz.part-001"]);
    into.write("a.tar.gz.sha256", list);
    fs::copy(into.join("single-7.0.4/hosts/cloudify/user-data"), into.join("ud")).expect("a copy");
    for path in ["single-7.0.4/hosts/cloudify/seed.iso", "ud", "a.tar.gz.part-001"] {
        cfy_seed(into.path()).args(&["verify", path]).exits(0);
        let output = cfy_seed(into.path()).args(&["verify", path, "--key", key]).exits(1);
        assert!(output.stderr.contains("error[CFY-B025]") && output.stderr.contains("carries no signature"));
    }
    cfy_seed(into.path()).args(&["verify", "single-7.0.4", "--key", key]).exits(0);
    assert!(evidence(&into, "a.tar.gz.part-001", 0)["not_compared"].to_string().contains("the other parts"));
}

#[test]
fn what_is_not_known_is_said_to_be_nothing_of_ours() {
    let scratch = Scratch::fixture("all-in-one");
    for (name, bytes) in [("empty.tar.gz", ""), ("one.tar.gz", "\u{1f}"), ("notes.txt", "notes"), ("bad.iso", "bad")]
    {
        copy(&scratch, name, bytes);
        let report = evidence(&scratch, name, 1);
        assert_eq!(
            (report["subject"].as_str(), report["findings"][0]["code"].as_str()),
            (Some("unrecognised"), Some("CFY-B030"))
        );
    }
    assert_eq!(evidence(&scratch, "cluster.yaml", 1)["subject"], "unrecognised");
    // The second part before the first.
    let bytes = fs::read(built().join(crate::boxes::BOX)).expect("a box");
    let (first, second) = bytes.split_at(bytes.len() / 2);
    copy(&scratch, "joined.tar.gz", [second, first].concat());
    cfy_seed(scratch.path()).args(&["verify", "joined.tar.gz"]).exits(1).says("in the order of their numbers");
}

#[test]
fn others_who_may_read_private_keys_are_a_warning() {
    let into = unpacked(built());
    let seed = into.join("single-7.0.4/hosts/cloudify/seed.iso");
    fs::set_permissions(&seed, mode(0o644)).expect("a mode");
    let said = cfy_seed(into.path()).args(&["verify", seed.as_str()]).exits(0).stderr;
    assert!(said.contains("warning[CFY-B015]") && said.contains("0644") && said.contains("FAT"), "{said}");
    let name = "single-7.0.4.tar.gz";
    fs::copy(built().join(crate::boxes::BOX), into.join(name)).expect("a copy");
    assert!(!cfy_seed(into.path()).args(&["verify", name]).exits(0).stderr.contains("CFY-B015"));
    fs::set_permissions(into.join(name), mode(0o644)).expect("a mode");
    cfy_seed(into.path()).args(&["verify", name]).exits(0).says("warning[CFY-B015]");
}

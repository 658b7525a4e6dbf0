//! Hosts whose image has the first boot's own files, and what is baked into such an image.

use std::collections::BTreeSet;
use std::fs;
use std::sync::OnceLock;

use cfy_seed::names::Digest256;
use cfy_seed::verify::HostBundle;

use crate::support::{Bundle, Scratch, cfy_seed, root};

const BAKED: &str = "first_boot: {preinstalled: true}\n";
const DRIVER: &str = "/usr/local/sbin/cfy-firstboot";

/// The nine nodes on an image that has everything, built once.
fn baked() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(build_baked)
}

fn build_baked() -> Bundle {
    let scratch = Scratch::fixture("nine-node");
    let spec = fs::read_to_string(scratch.spec()).expect("a spec");
    let spec: String =
        spec.lines().filter(|line| !line.starts_with("first_boot:")).map(|line| format!("{line}\n")).collect();
    scratch.write("cluster.yaml", spec + BAKED);
    Bundle::build(scratch)
}

#[test]
fn a_baked_host_gets_nothing_that_its_image_has() {
    let (bundle, whole) = (baked(), Bundle::nine_node());
    for (name, host) in &bundle.hosts {
        let ours = |path: &&String| path.starts_with("/usr/local/") || path.starts_with("/etc/systemd/");
        assert_eq!(host.files.keys().find(ours), None, "{name}");
        let saved = whole.host(name).user_data.len() - host.user_data.len();
        assert!(saved > 18_000, "{name} saves {saved} bytes only");
        assert!(host.files.len() > 5, "{name} keeps what is its own");
        let check = &host.config["runcmd"][0];
        assert_eq!(
            (&check[0], &check[4], &check[5]),
            (&"sh".into(), &name.as_str().into(), &whole.tree.file_name().into())
        );
    }
    assert_eq!(bundle.hosts.len(), whole.hosts.len());
    cfy_seed(bundle.scratch.path()).args(&["verify", bundle.tree.as_str()]).exits(0);
}

/// As the driver digests them: script, units, library by name.
#[test]
fn the_plan_names_the_digest_of_what_is_baked() {
    let bundle = baked();
    let files = bundle.tree.join("packer/files");
    let mut paths = vec![
        files.join("usr/local/sbin/cfy-firstboot"),
        files.join("etc/systemd/system/cfy-firstboot.service"),
        files.join("etc/systemd/system/cfy-install@.service"),
    ];
    let mut library: Vec<_> =
        files.join("usr/local/lib/cfy-seed").read_dir_utf8().expect("a library").flatten().collect();
    library.sort_by(|a, b| a.file_name().cmp(b.file_name()));
    paths.extend(library.into_iter().map(camino::Utf8DirEntry::into_path));
    let all: Vec<u8> = paths.iter().flat_map(|path| fs::read(path).expect("a file")).collect();
    let digest = Digest256::of(&all).to_string();
    for host in bundle.hosts.values() {
        assert_eq!(host.records("image"), [[digest.as_str()]]);
    }
    assert!(Bundle::nine_node().host("db-1").records("image").is_empty());
    // What is baked is what other hosts get with their seed.
    for path in [DRIVER, "/usr/local/lib/cfy-seed/unpack"] {
        let baked = fs::read_to_string(files.join(&path[1..])).expect("a file");
        assert_eq!(baked, Bundle::nine_node().host("db-1").text(path));
    }
}

/// An image serves all roles and all sources.
#[test]
fn every_recipe_is_baked() {
    let bundle = baked();
    let names = |directory: camino::Utf8PathBuf| -> BTreeSet<String> {
        let entries = directory.read_dir_utf8().expect("a directory").flatten();
        let names = entries.map(|entry| entry.file_name().to_owned());
        names.filter(|name| name.starts_with("fetch-") || name.starts_with("recover-")).collect()
    };
    let templates = names(root().join("templates/guest").try_into().expect("UTF-8"));
    assert!(templates.len() > 3);
    assert_eq!(names(bundle.tree.join("packer/files/usr/local/lib/cfy-seed")), templates);
}

#[test]
fn a_bundle_without_a_driver_must_say_that_the_image_has_it() {
    let host = baked().host("db-1").user_data.clone();
    let (report, _) = HostBundle::read("db-1", host.as_bytes());
    assert!(!report.has_errors());
    let broken = host.replace("image\\t", "imago\\t").replace("image\t", "imago\t");
    assert_ne!(broken, host);
    let (report, _) = HostBundle::read("db-1", broken.as_bytes());
    assert!(format!("{report:?}").contains("does not name the image's"), "{report:?}");
}

/// `packer/` stands where the spec says that an image has something, and only there.
#[test]
fn the_template_is_for_baked_hosts() {
    assert!(baked().tree.join("packer/image.pkr.hcl").is_file());
    assert!(!Bundle::nine_node().tree.join("packer").exists());
}

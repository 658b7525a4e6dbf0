//! Pages, and what they say of the payload: how hosts of each target get it, in a tree and in a box.

use cfy_seed::handoff;
use cfy_seed::plan::{PackageSource, Plan, RpmSource};
use cfy_seed::profile::Profiles;
use hcl::Expression;
use serde_json::Value;

use super::{attribute, beside, blocks, label, modules, named, plan, plans_of_all_targets, texts};
use crate::support::Scratch;

/// The pages about targets, and which target each is about.
fn pages_of_targets(plan: &Plan) -> impl Iterator<Item = (String, String)> {
    let all: Vec<&str> = plan.target_names().collect();
    let texts = texts(&handoff::beside(plan, all).expect("trees"));
    let about =
        |path: &str| path.ends_with("README.md") && !path.starts_with("firewall/") && !path.starts_with("packer/");
    texts.into_iter().filter(move |(path, _)| about(path)).map(|(path, text)| {
        let words = path.split('/').rev().nth(1).expect("a directory").to_owned();
        (words, text)
    })
}

/// How a machine of each target gets the medium; a cloud has volumes.
const MEDIUM_OF: [(&str, &[&str]); 6] = [
    ("libvirt", &["--payload ../../", "payload = \"../"]),
    ("proxmox", &["--payload ../../"]),
    ("vsphere", &["--payload ../../", "payload         = \"../"]),
    ("virtualbox", &["--port 2 --type dvddrive --medium \"$TREE\"/../"]),
    ("hyperv", &["-Path \"$tree\\..\\"]),
    ("nocloud", &["dd if=../"]),
];

#[test]
fn pages_say_how_hosts_of_their_target_get_the_payload() {
    for (shape, plan) in plans_of_all_targets() {
        let medium = format!("{}-{}.payload.iso", plan.cluster, plan.version);
        let plan = Plan { packages: PackageSource::Payload, ..plan };
        let pages: Vec<_> = pages_of_targets(&plan).collect();
        assert_eq!(pages.len(), plan.targets.len() + 2, "{shape}: two have a module and a script");
        for (target, page) in &pages {
            // In the order in which hosts look (docs/payload.md, "On a host").
            let places =
                ["labelled CFYPAYLOAD", "`/media/cfypayload`", "`payload: {url: …}`", "`/opt/cfy-seed/payload`"];
            let found: Vec<_> = places.iter().map(|place| page.find(place)).collect();
            assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{shape}: {target}: {found:?}");
            assert!(page.contains("CFY-G023") && page.contains(&format!("payload iso payload --out ../{medium}")));
            let code = blocks(page).concat();
            match MEDIUM_OF.iter().find(|(known, _)| known == target) {
                Some(("nocloud", how)) => assert!(page.contains(&format!("{}{medium}", how[0])), "{shape}: {target}"),
                Some((_, how)) => {
                    let given = how.iter().any(|how| code.contains(&format!("{how}{medium}")));
                    assert!(given, "{shape}: {target} does not attach {medium}: {code}");
                }
                None if target == "kubevirt" => assert!(code.contains(&format!("--image-path ../{medium}"))),
                None => {
                    assert!(page.contains("**a volume**") && page.contains("**the web server**"), "{shape}: {target}")
                }
            }
            for (name, page) in pages_of_targets(&Plan { payload_url: Some(url()), ..plan.clone() }) {
                assert!(page.contains("http://10.9.9.9/p: **`payload/` must be served there**"), "{shape}: {name}");
            }
        }
    }
}

fn url() -> cfy_seed::names::WebUrl {
    "http://10.9.9.9/p".parse().expect("a URL")
}

#[test]
fn only_hosts_that_need_the_medium_get_it() {
    let plan = plan(&Scratch::fixture("nine-node"));
    let targets = Profiles::embedded().expect("sound profiles").targets().to_vec();
    let plan = Plan { targets, packages: PackageSource::Image, rpm: RpmSource::Payload, ..plan };
    let asked = |plan: &Plan| texts(&handoff::beside(plan, ["libvirt", "virtualbox", "kubevirt"]).expect("trees"));
    let texts = asked(&plan);
    let page = &texts["instructions/virtualbox/README.md"];
    let attached = |page: &str, host: &str| page.contains(&format!("golden-{host} --storagectl SATA --port 2 "));
    assert!(attached(page, "manager-2") && !attached(page, "balancer"), "{page}");
    assert!(page.contains("The hosts db-1, ") && !page.contains("All hosts install"), "{page}");
    let machines: Vec<_> = texts["instructions/kubevirt/virtual-machines.yaml"].split("\n---\n").skip(1).collect();
    for (machine, host) in machines.into_iter().zip(&plan.hosts) {
        let machine: Value = serde_yaml::from_str(machine).expect("YAML");
        let spec = &machine["spec"]["template"]["spec"];
        let needs = host.name.as_str() != "balancer";
        for (list, drives) in [("volumes", &spec["volumes"]), ("disks", &spec["domain"]["devices"]["disks"])] {
            let has = drives.as_array().expect("a list").iter().any(|drive| drive["name"] == "payload");
            assert_eq!(has, needs, "{}: {list}", host.name);
        }
    }
    for (host, needs) in [("manager-1", true), ("balancer", false)] {
        let medium = "/golden-7.0.4.payload.iso' startupPolicy='optional'/>";
        assert_eq!(texts[&format!("libvirt/{host}.xml")].contains(medium), needs, "{host}");
    }
    // A server that the spec names is enough.
    let served = asked(&Plan { payload_url: Some(url()), ..plan });
    assert!(!served["libvirt/manager-1.xml"].contains("payload"));
    assert!(!served["instructions/kubevirt/virtual-machines.yaml"].contains("payload"));
    assert!(served["libvirt/payload.txt"].contains("http://10.9.9.9/p: payload/ of the box must be served there"));
}

#[test]
fn who_takes_nothing_from_the_payload_reads_nothing_of_it() {
    for (shape, plan) in plans_of_all_targets() {
        let plan =
            Plan { packages: PackageSource::SystemRepos, rpm: RpmSource::Preinstalled, payload_url: None, ..plan };
        let all: Vec<&str> = plan.target_names().collect();
        let texts = texts(&handoff::beside(&plan, all).expect("trees"));
        // Scripts and HCL are the same for every cluster, and the image is for others too.
        let ours = texts
            .iter()
            .filter(|(path, _)| !path.starts_with("packer/") && !path.ends_with(".tf") && !path.ends_with("/create"));
        for (path, text) in ours {
            assert!(!path.contains("payload") && !text.to_lowercase().contains("payload"), "{shape}: {path}");
        }
    }
}

/// The same bytes stand in `out/<cluster>` and in a box, which has another name, no `out`, and the program beside `hosts/`.
#[test]
fn pages_hold_in_a_box_too() {
    for (shape, plan) in plans_of_all_targets() {
        let cluster = plan.cluster.to_string();
        for plan in [plan.clone(), Plan { packages: PackageSource::Payload, ..plan }] {
            for (target, page) in pages_of_targets(&plan) {
                for absent in [
                    format!("out/{cluster}"),
                    "`out`".to_owned(),
                    format!("../{cluster}/"),
                    "this whole build".to_owned(),
                ] {
                    assert!(!page.contains(&absent), "{shape}: {target} names {absent}");
                }
                // A box has no project: what needs one says where to run it.
                for paragraph in page.split("\n\n").filter(|text| text.contains("cfy-seed build")) {
                    assert!(paragraph.replace('\n', " ").contains("the bundles are built"), "{target}: {paragraph}");
                }
                let asks = page.contains("cfy-seed status");
                assert!(!asks || page.contains("in a box it is `./cfy-seed`"), "{shape}: {target}");
            }
        }
    }
}

/// The medium is optional, one for all hosts, and a new one is no reason to touch a host that is there.
#[test]
fn modules_take_the_medium_and_touch_no_host_for_it() {
    let texts = beside(&plan(&Scratch::fixture("nine-node")));
    let taking = [
        ("libvirt", "libvirt_volume", "libvirt_domain", "devices", "for medium in libvirt_volume.payload :"),
        ("vsphere", "vsphere_file", "vsphere_virtual_machine", "cdrom", "for_each = vsphere_file.payload"),
    ];
    for (provider, medium, machine, key, use_of_it) in taking {
        let bodies = modules(&texts).find(|(known, ..)| *known == provider).expect("a module").2;
        let variable = named(&bodies, "variable").find(|block| label(block, 0) == "payload").expect("a variable");
        assert!(matches!(attribute(variable.body(), "default"), Some(Expression::Null)), "{provider}");
        let resource = |kind: &str, name: &str| {
            let mut all =
                named(&bodies, "resource").filter(|block| label(block, 0) == kind && label(block, 1) == name);
            all.next().unwrap_or_else(|| panic!("{provider}: no {kind} {name}"))
        };
        assert!(attribute(resource(medium, "payload").body(), "count").is_some(), "{provider}");
        let lifecycle = resource(machine, "host").body().blocks().find(|inner| inner.identifier() == "lifecycle");
        let ignored = attribute(lifecycle.expect("a lifecycle").body(), "ignore_changes").expect("what is ignored");
        let Expression::Array(ignored) = ignored else { panic!("{provider}: {ignored:?}") };
        assert!(ignored.iter().any(|item| item.to_string() == key), "{provider}: {ignored:?}");
        assert!(texts[&format!("terraform/{provider}/main.tf")].contains(use_of_it), "{provider}");
    }
}

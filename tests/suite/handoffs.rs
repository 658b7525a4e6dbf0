//! What stands beside the hosts' bundles, as an independent reader of HCL and JSON sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;

use cfy_seed::bundle::{Content, Tree};
use cfy_seed::handoff;
use cfy_seed::names::PublicAddress;
use cfy_seed::plan::gate::Probe;
use cfy_seed::plan::{HostPlan, PackageSource, Plan};
use cfy_seed::profile::Profiles;
use cfy_seed::project::Project;
use hcl::{Block, Body, Expression};
use serde_json::Value;

use crate::support::{Bundle, Scratch, cfy_seed, files};

mod payload;
mod security;

const SHAPES: [&str; 5] = ["nine-node", "three-node", "all-in-one", "external-db", "external-both"];
const PROVIDERS: [&str; 4] = ["aws", "libvirt", "openstack", "vsphere"];
/// Hosts that share some roles and not others.
const MIXED: &str = "hosts:\n\
    \x20 - {name: a-1, roles: [database, broker], private_ip: 10.0.0.11}\n\
    \x20 - {name: a-2, roles: [database], private_ip: 10.0.0.12, networks: [{name: storage, ip: 10.1.0.12, prefix: 24, interface: eth1}]}\n\
    \x20 - {name: a-3, roles: [database], private_ip: 10.0.0.13}\n\
    \x20 - {name: b-1, roles: [broker, manager], private_ip: 10.0.0.21}\n\
    \x20 - {name: b-2, roles: [broker], private_ip: 10.0.0.22}\n\
    \x20 - {name: m-2, roles: [manager], private_ip: 10.0.0.31, public_ip: 192.0.2.31}\n\
    \x20 - {name: m-3, roles: [manager], private_ip: 10.0.0.32, mac: \"52:54:00:00:00:32\"}\n\
    network: {load_balancer: {address: 10.0.0.99}}\n";

/// The plans of all shapes, and of one that has no name.
fn plans() -> Vec<(String, Plan)> {
    let fixtures = SHAPES.iter().map(|shape| ((*shape).to_owned(), plan(&Scratch::fixture(shape))));
    let mixed = Scratch::new();
    let head = "apiVersion: cfy-seed/v1\nname: mixed\ncloudify: {version: \"7.0.4\", rpm: {preinstalled: true}}\n";
    mixed.write("cluster.yaml", format!("{head}{MIXED}"));
    fixtures.chain([("mixed".to_owned(), plan(&mixed))]).collect()
}

fn plan(scratch: &Scratch) -> Plan {
    let mut project = Project::open(Some(&scratch.spec()), time::OffsetDateTime::now_utc()).expect("sound profiles");
    project.plan.take().unwrap_or_else(|| panic!("{:#?}", project.report))
}

/// The texts beside the bundles of a plan, by path.
fn beside(plan: &Plan) -> BTreeMap<String, String> {
    texts(&handoff::beside(plan, PROVIDERS).expect("trees"))
}

fn texts(tree: &Tree) -> BTreeMap<String, String> {
    let text = |content: &Content| match content {
        Content::Bytes(bytes) => String::from_utf8(bytes.clone()).expect("UTF-8"),
        other => panic!("{other:?}"),
    };
    tree.iter().map(|(path, entry)| (path.to_string(), text(&entry.content))).collect()
}

fn modules(texts: &BTreeMap<String, String>) -> impl Iterator<Item = (&'static str, Value, Vec<Body>)> {
    PROVIDERS.into_iter().map(|provider| {
        let home = format!("terraform/{provider}/");
        let data = serde_json::from_str(&texts[&format!("{home}cluster.json")]).expect("JSON");
        let files = texts.iter().filter(|(path, _)| path.starts_with(&home) && path.ends_with(".tf"));
        let bodies = files.map(|(path, text)| hcl::parse(text).unwrap_or_else(|error| panic!("{path}: {error}")));
        (provider, data, bodies.collect())
    })
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(|word| word.as_str().expect("text")).collect()
}

#[test]
fn modules_have_every_host_once_with_its_address_size_and_files() {
    for (shape, plan) in plans() {
        for (provider, data, _) in modules(&beside(&plan)) {
            let hosts = data["hosts"].as_object().expect("hosts");
            let names: BTreeSet<&str> = plan.hosts.iter().map(|host| host.name.as_str()).collect();
            assert_eq!(hosts.keys().map(String::as_str).collect::<BTreeSet<_>>(), names, "{shape}");
            for host in &plan.hosts {
                let facts = &hosts[host.name.as_str()];
                assert_eq!(facts["private_ip"], host.ip.to_string());
                assert!(facts["vcpus"].as_u64() >= Some(2) && facts["disk_gb"].as_u64() >= Some(20), "{facts}");
                for file in facts["files"].as_object().expect("files").values() {
                    let file = file.as_str().expect("a path");
                    let below = file.strip_prefix(&format!("../../hosts/{}/", host.name)).expect(file);
                    assert!(below == "seed.iso" || below.ends_with(&format!(".{provider}")), "{file}");
                }
            }
        }
    }
}

/// AWS alone: what a manager of several hosts has is a matter of its budget.
#[test]
fn what_modules_refer_to_is_built() {
    for (shape, targets) in [("three-node", "libvirt, openstack, vsphere"), ("all-in-one", "aws")] {
        let scratch = Scratch::fixture(shape);
        let spec = std::fs::read_to_string(scratch.spec()).expect("a spec").replace("target: [nocloud]\n", "");
        scratch.write("cluster.yaml", format!("{spec}target: [{targets}]\n"));
        let bundle = Bundle::build(scratch);
        for provider in targets.split(", ") {
            let module = bundle.tree.join("terraform").join(provider);
            let data = std::fs::read_to_string(module.join("cluster.json")).expect("cluster.json");
            let data: Value = serde_json::from_str(&data).expect("JSON");
            for host in data["hosts"].as_object().expect("hosts").values() {
                let files = host["files"].as_object().expect("files");
                assert!(!files.is_empty());
                for file in files.values() {
                    let file = module.join(file.as_str().expect("a path"));
                    let mode =
                        std::fs::metadata(&file).unwrap_or_else(|error| panic!("{file}: {error}")).permissions();
                    assert_eq!(mode.mode() & 0o7777, 0o600, "{file}");
                }
            }
        }
        assert!(!bundle.tree.join("terraform/aws").exists() || targets == "aws", "only what the spec names");
    }
}

#[test]
fn three_roles_on_a_host_have_the_size_that_the_vendor_tells() {
    let plan = plan(&Scratch::fixture("three-node"));
    let size = plan.hosts[0].size;
    assert_eq!((size.vcpus, size.memory_mb, size.disk_gb), (8, 16384, 64));
    let mixed = &plans().pop().expect("mixed").1;
    let facts = modules(&beside(mixed)).next().expect("aws").1;
    assert_eq!(facts["hosts"]["a-2"]["networks"][0]["ip"], "10.1.0.12");
    assert_eq!(facts["hosts"]["m-2"]["public_ip"], "192.0.2.31");
    assert_eq!(facts["hosts"]["m-3"]["mac"], "52:54:00:00:00:32");
    assert_eq!(facts["hosts"]["b-1"]["group"], "broker-manager");
}

/// {(host, port): whether anybody outside may ask it}, by the modules' table.
fn open_by_module(data: &Value) -> BTreeMap<(String, u64), bool> {
    let mut open = BTreeMap::new();
    for (name, host) in data["hosts"].as_object().expect("hosts") {
        for rule in data["ports"].as_array().expect("ports") {
            if !words(&host["roles"]).contains(&rule["to"].as_str().expect("a role")) {
                continue;
            }
            let port = rule["port"].as_u64().expect("a port");
            let outside =
                words(&rule["from"]).iter().any(|from| ["agent", "user", "outside_balancer"].contains(from));
            *open.entry((name.clone(), port)).or_default() |= outside;
        }
    }
    open
}

#[test]
fn security_groups_open_what_the_hosts_own_firewalls_open() {
    for bundle in [Bundle::nine_node(), Bundle::three_node(), Bundle::all_in_one()] {
        let texts = beside(&plan(&bundle.scratch));
        let own: BTreeMap<(String, u64), bool> = bundle
            .hosts
            .iter()
            .flat_map(|(name, host)| {
                let ports = host.records("port").into_iter();
                ports.map(|port| ((name.clone(), port[0].parse().expect("a port")), port[1] == "any"))
            })
            .collect();
        for (provider, data, _) in modules(&texts) {
            assert_eq!(open_by_module(&data), own, "{provider}");
        }
    }
    let data = modules(&beside(&plan(&Scratch::fixture("nine-node")))).next().expect("aws").1;
    let from = |to: &str, port: u64| {
        let rules = data["ports"].as_array().expect("ports").iter();
        let mut found = rules.filter(|rule| rule["to"] == to && rule["port"] == port);
        let rule = found.next().unwrap_or_else(|| panic!("{to} {port}"));
        assert!(found.next().is_none(), "{to} {port} twice");
        words(&rule["from"]).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    // cloudify.md §4.
    assert_eq!(from("database", 2380), ["database"]);
    assert_eq!(from("broker", 25672), ["broker"]);
    assert_eq!(from("broker", 5671), ["broker", "manager", "agent"]);
    assert_eq!(from("manager", 22000), ["manager"]);
    assert_eq!(from("manager", 443), ["manager", "agent", "user", "load_balancer"]);
    assert_eq!(from("load_balancer", 443), ["agent", "user"]);
}

/// What a probe connects to: addresses and a port.
fn ends(probe: &Probe) -> Vec<(String, u64)> {
    match probe {
        Probe::Tcp { host: PublicAddress::Ip(ip), port, .. } => vec![(ip.to_string(), u64::from(*port))],
        Probe::Http { url, .. } => {
            let authority = url.strip_prefix("https://").expect("TLS").split('/').next().expect("an authority");
            let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
            vec![(host.to_owned(), port.parse().expect("a port"))]
        }
        Probe::Database { ips, .. } => ips.iter().map(|ip| (ip.to_string(), 8008)).collect(),
        Probe::Broker { ip, .. } => vec![(ip.to_string(), 15671)],
        Probe::Tcp { .. } | Probe::Unit { .. } => Vec::new(),
    }
}

/// A gate that a security group closes would never open.
#[test]
fn hosts_reach_what_their_gates_ask() {
    let mut asked = 0;
    for (shape, plan) in plans() {
        let data = modules(&beside(&plan)).next().expect("aws").1;
        let rules = data["ports"].as_array().expect("ports");
        let lets = |from: &HostPlan, to: &HostPlan, port: u64| {
            rules.iter().any(|rule| {
                rule["port"] == port
                    && to.roles.iter().any(|role| rule["to"] == role.kind.as_str())
                    && from.roles.iter().any(|role| words(&rule["from"]).contains(&role.kind.as_str()))
            })
        };
        for host in &plan.hosts {
            for (ip, port) in host.roles.iter().flat_map(|role| role.gate.iter().chain(&role.health)).flat_map(ends) {
                let Some(to) = plan.hosts.iter().find(|other| other.ip.to_string() == ip && other.ip != host.ip)
                else {
                    continue;
                };
                asked += 1;
                assert!(lets(host, to, port), "{shape}: {} asks {port} of {}", host.name, to.name);
            }
        }
    }
    assert!(asked > 50, "{asked}");
}

fn named<'b>(bodies: &'b [Body], identifier: &'b str) -> impl Iterator<Item = &'b Block> {
    bodies.iter().flat_map(Body::blocks).filter(move |block| block.identifier() == identifier)
}

fn label(block: &Block, at: usize) -> &str {
    block.labels()[at].as_str()
}

fn attribute<'b>(body: &'b Body, key: &str) -> Option<&'b Expression> {
    body.attributes().find(|attribute| attribute.key() == key).map(|attribute| attribute.expr())
}

/// The names after a word such as `var.` in the text of a module.
fn uses(module: &str, word: &str) -> BTreeSet<String> {
    let names = module.match_indices(word).filter(|(at, _)| {
        !module[..*at].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_' || before == '.')
    });
    let name = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    names.map(|(at, _)| name(&module[at + word.len()..])).collect()
}

#[test]
fn modules_declare_what_they_use_and_use_what_they_declare() {
    let texts = beside(&plan(&Scratch::fixture("nine-node")));
    for (provider, data, bodies) in modules(&texts) {
        let home = format!("terraform/{provider}/");
        let module: String = texts
            .iter()
            .filter(|(path, _)| path.starts_with(&home) && path.ends_with(".tf"))
            .flat_map(|(_, text)| text.lines())
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(|line| [line, "\n"])
            .collect();
        let variables: BTreeSet<String> =
            named(&bodies, "variable").map(|block| label(block, 0).to_owned()).collect();
        assert_eq!(uses(&module, "var."), variables, "{provider}");
        for variable in named(&bodies, "variable") {
            for key in ["type", "description"] {
                assert!(attribute(variable.body(), key).is_some(), "{provider}: {} has no {key}", label(variable, 0));
            }
        }
        let locals: BTreeSet<String> = named(&bodies, "locals")
            .flat_map(|block| block.body().attributes().map(|attribute| attribute.key().to_owned()))
            .collect();
        assert_eq!(uses(&module, "local."), locals, "{provider}");
        let resources = named(&bodies, "resource").chain(named(&bodies, "data"));
        let declared: BTreeSet<String> = resources.map(|block| label(block, 0).to_owned()).collect();
        for block in named(&bodies, "resource") {
            let name = format!("{}.{}", label(block, 0), label(block, 1));
            assert!(declared.contains(label(block, 0)) && block.labels().len() == 2, "{name}");
        }
        let host = data["hosts"].as_object().and_then(|hosts| hosts.values().next()).expect("a host");
        let files = host["files"].as_object().expect("files");
        for (at, _) in module.match_indices(".files.") {
            let file: String =
                module[at + 7..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            assert!(files.contains_key(&file), "{provider}: {file}");
        }
        let facts = ["ip", "index", "to", "from", "why", "port", "name", "host", "network", "cidr", "id"];
        for key in uses(&module, "each.value.") {
            assert!(host.get(&key).is_some() || facts.contains(&key.as_str()), "{provider}: each.value.{key}");
        }
    }
}

fn is_call(expression: &Expression, name: &str) -> bool {
    matches!(expression, Expression::FuncCall(call) if call.name.name.as_str() == name)
}

/// Where a provider takes user-data, and what a change of it would do to a host.
#[test]
fn user_data_is_sensitive_and_a_change_of_it_touches_no_host() {
    let texts = beside(&plan(&Scratch::fixture("nine-node")));
    for (provider, _, bodies) in modules(&texts) {
        let (resource, key) = match provider {
            "aws" => ("aws_instance", "user_data_base64"),
            "openstack" => ("openstack_compute_instance_v2", "user_data"),
            "vsphere" => ("vsphere_virtual_machine", "extra_config"),
            // The image is a file that the state only names.
            "libvirt" => ("libvirt_volume", "create"),
            other => panic!("{other}"),
        };
        let blocks: Vec<&Block> = named(&bodies, "resource").filter(|block| label(block, 0) == resource).collect();
        let carrying = blocks.iter().filter(|block| attribute(block.body(), key).is_some());
        for block in carrying {
            let lifecycle =
                block.body().blocks().find(|inner| inner.identifier() == "lifecycle").expect("a lifecycle");
            let Some(Expression::Array(ignored)) = attribute(lifecycle.body(), "ignore_changes") else {
                panic!("{provider} ignores no change");
            };
            assert!(ignored.iter().any(|item| item.to_string() == key), "{provider}: {ignored:?}");
            match attribute(block.body(), key).expect("user-data") {
                Expression::Object(entries) if provider == "vsphere" => {
                    let metadata = entries.iter().find(|(name, _)| name.to_string().contains("guestinfo.metadata"));
                    assert!(is_call(metadata.expect("metadata").1, "sensitive"), "{provider}");
                    let local = texts["terraform/vsphere/main.tf"].contains("name => sensitive(file(");
                    assert!(local, "user-data of vSphere comes from a sensitive local");
                }
                Expression::Object(_) if provider == "libvirt" => {}
                expression => assert!(is_call(expression, "sensitive"), "{provider}: {expression:?}"),
            }
        }
        assert!(!blocks.is_empty(), "{provider}");
    }
}

/// SSH is the only port that a module knows by itself.
#[test]
fn ports_come_from_the_one_table() {
    let texts = beside(&plan(&Scratch::fixture("nine-node")));
    for (provider, _, bodies) in modules(&texts) {
        for rule in named(&bodies, "resource").filter(|block| label(block, 0).contains("rule")) {
            for key in ["from_port", "to_port", "port_range_min", "port_range_max"] {
                match attribute(rule.body(), key) {
                    None => {}
                    Some(Expression::Number(port)) => {
                        assert_eq!((port.as_u64(), label(rule, 1)), (Some(22), "admin"), "{provider}");
                    }
                    Some(expression) => assert_eq!(expression.to_string(), "each.value.port", "{provider}"),
                }
            }
        }
    }
}

#[test]
fn no_secret_is_beside_the_bundles() {
    let bundle = Bundle::nine_node();
    let mut found: BTreeMap<String, String> = beside(&plan(&bundle.scratch));
    for (path, bytes) in files(bundle.tree.as_std_path()) {
        if !path.starts_with("hosts/") {
            found.insert(path, String::from_utf8(bytes).expect("UTF-8"));
        }
    }
    assert!(found.keys().any(|path| path.starts_with("firewall/")), "what a build writes");
    for (path, text) in &found {
        assert!(!text.contains("PRIVATE KEY"), "{path}");
        for (name, secret) in bundle.credentials() {
            assert!(!text.contains(&secret), "{name} is in {path}");
        }
    }
}

#[test]
fn pages_name_every_host_and_leave_no_template_behind() {
    let with_payload = plans()
        .into_iter()
        .map(|(shape, plan)| (format!("{shape} with a payload"), Plan { packages: PackageSource::Payload, ..plan }));
    for (shape, plan) in plans().into_iter().chain(with_payload) {
        // An image is for every cluster.
        let of_hosts = |path: &str| path.ends_with("README.md") && !path.starts_with("packer/");
        for (path, text) in beside(&plan).iter().filter(|(path, _)| of_hosts(path)) {
            for host in &plan.hosts {
                let (name, ip) = (format!("| {} |", host.name), format!("| {} |", host.ip));
                let mut lines = text.lines();
                // An image is for any host.
                let named =
                    path.starts_with("packer/") || lines.any(|line| line.starts_with(&name) && line.contains(&ip));
                assert!(named, "{shape}: {path} lacks {}", host.name);
            }
            assert!(!text.contains("{%") && !text.contains("{{"), "{shape}: {path}");
            assert!(!text.contains("\n\n\n"), "{shape}: {path} has holes");
            let prose = text.lines().filter(|line| !line.starts_with("    ") && !line.starts_with('|'));
            assert!(prose.clone().count() > 5, "{shape}: {path}");
            let wide: Vec<_> = prose.filter(|line| line.chars().count() > 160).collect();
            assert!(wide.is_empty(), "{shape}: {path}: {wide:#?}");
        }
        let csv = &beside(&plan)["firewall/ports.csv"];
        assert!(csv.lines().all(|line| line.split(',').count() >= 7), "{shape}");
    }
}

/// Targets without a tree of their own, and the file of a host that each of them takes.
const INSTRUCTED: [(&str, &str); 11] = [
    ("alibaba", "user-data.alibaba"),
    ("azure", "user-data.azure"),
    ("cloudstack", "user-data.cloudstack"),
    ("digitalocean", "user-data.digitalocean"),
    ("gcp", "user-data.gcp"),
    ("hetzner", "user-data.hetzner"),
    ("hyperv", "seed.iso"),
    ("kubevirt", "secret.kubevirt.yaml"),
    ("nocloud", "seed.iso"),
    ("oci", "user-data.oci"),
    ("virtualbox", "seed.iso"),
];

/// The plans of all shapes with every target that there is.
fn plans_of_all_targets() -> impl Iterator<Item = (String, Plan)> {
    let targets = Profiles::embedded().expect("sound profiles").targets().to_vec();
    plans().into_iter().map(move |(shape, plan)| (shape, Plan { targets: targets.clone(), ..plan }))
}

/// The indented blocks of a page.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in page.lines() {
        match (line.strip_prefix("    "), blocks.last_mut()) {
            (Some(code), Some(block)) => block.extend([code, "\n"]),
            (None, Some(block)) if !line.is_empty() && !block.is_empty() => blocks.push(String::new()),
            (None, Some(block)) if !block.is_empty() => block.push('\n'),
            _ => {}
        }
    }
    blocks
}

#[test]
fn instructions_name_each_host_its_address_and_its_file() {
    for (shape, plan) in plans_of_all_targets() {
        let texts = texts(&handoff::beside(&plan, INSTRUCTED.map(|(target, _)| target)).expect("trees"));
        for (target, file) in INSTRUCTED {
            let page = &texts[&format!("instructions/{target}/README.md")];
            let code: String = blocks(page).concat();
            for host in &plan.hosts {
                assert!(page.contains(&host.ip.to_string()), "{shape}: {target} lacks {}", host.ip);
                if target == "nocloud" {
                    continue;
                }
                assert!(code.contains(host.name.as_str()), "{shape}: {target} lacks {}", host.name);
                let (slash, backslash) =
                    (format!("hosts/{}/{file}", host.name), format!("hosts\\{}\\{file}", host.name));
                let looped = format!("hosts/${{each.key}}/{file}");
                let named = [&slash, &backslash, &looped].into_iter().any(|path| code.contains(path.as_str()));
                assert!(named, "{shape}: {target} has no {slash}");
            }
            // Where a shell reads a file into a command line, everybody on the machine can read it.
            assert!(!code.contains("$(") && !code.contains('`'), "{shape}: {target}");
            assert!(!page.contains("{%") && !page.contains("{{"), "{shape}: {target}");
            let facts = plan.targets.iter().find(|known| known.target == target).expect("a target");
            assert!(page.contains(&facts.out_of_reach), "{shape}: {target}");
            for said in facts.quirks.iter().chain(&facts.unconfirmed) {
                assert!(page.contains(said.as_str()), "{shape}: {target} does not say {said}");
            }
        }
    }
}

#[test]
fn what_instructions_refer_to_is_built() {
    let scratch = Scratch::fixture("all-in-one");
    let spec = std::fs::read_to_string(scratch.spec()).expect("a spec");
    // Alibaba takes 16 KiB of text, which is less than a host with all roles has.
    let instructed = INSTRUCTED.into_iter().filter(|(target, _)| *target != "alibaba");
    let targets = instructed.clone().map(|(target, _)| target).collect::<Vec<_>>().join(", ");
    scratch.write("cluster.yaml", format!("{spec}target: [{targets}]\n"));
    let bundle = Bundle::build(scratch);
    for (target, file) in instructed {
        assert!(bundle.tree.join("instructions").join(target).join("README.md").is_file(), "{target}");
        for name in bundle.hosts.keys() {
            assert!(bundle.tree.join("hosts").join(name).join(file).is_file(), "{target}: {file} of {name}");
        }
    }
}

#[test]
fn the_machines_of_kubevirt_take_the_secrets_of_their_hosts() {
    let scratch = Scratch::fixture("three-node");
    let spec = std::fs::read_to_string(scratch.spec()).expect("a spec");
    scratch.write("cluster.yaml", format!("{spec}target: [kubevirt]\n"));
    let bundle = Bundle::build(scratch);
    let machines =
        std::fs::read_to_string(bundle.tree.join("instructions/kubevirt/virtual-machines.yaml")).expect("YAML");
    let machines: Vec<Value> =
        machines.split("\n---\n").skip(1).map(|text| serde_yaml::from_str(text).expect("YAML")).collect();
    let names: BTreeSet<&str> =
        machines.iter().map(|machine| machine["metadata"]["name"].as_str().expect("text")).collect();
    assert_eq!(names, bundle.hosts.keys().map(String::as_str).collect());
    assert_eq!(machines.len(), bundle.hosts.len());
    for machine in &machines {
        let name = machine["metadata"]["name"].as_str().expect("text");
        let secret = bundle.tree.join("hosts").join(name).join("secret.kubevirt.yaml");
        let secret: Value = serde_yaml::from_str(&std::fs::read_to_string(secret).expect("a Secret")).expect("YAML");
        let volumes = &machine["spec"]["template"]["spec"]["volumes"];
        for key in ["secretRef", "networkDataSecretRef"] {
            assert_eq!(volumes[1]["cloudInitNoCloud"][key]["name"], secret["metadata"]["name"], "{name}");
        }
        assert_eq!(machine["spec"]["template"]["spec"]["domain"]["memory"]["guest"], "16384Mi");
    }
}

#[test]
fn code_in_pages_is_code() {
    for (shape, plan) in plans_of_all_targets() {
        let all = plan.targets.iter().map(|target| target.target.as_str());
        for (path, page) in texts(&handoff::beside(&plan, all).expect("trees")) {
            if !path.ends_with("README.md") || path.contains("hyperv") {
                continue;
            }
            let (hcl, shell): (Vec<String>, Vec<String>) =
                blocks(&page).into_iter().partition(|block| block.contains(" {\n"));
            for block in hcl {
                assert!(hcl::parse(&block).is_ok(), "{shape}: {path}: {:?}\n{block}", hcl::parse(&block));
            }
            let output =
                std::process::Command::new("bash").args(["-n", "-c", &shell.concat()]).output().expect("bash");
            assert!(output.status.success(), "{shape}: {path}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn plan_says_what_will_be_beside_the_bundles_and_who_must_reach_what() {
    let scratch = Scratch::fixture("nine-node");
    let spec = std::fs::read_to_string(scratch.spec()).expect("a spec");
    scratch.write("cluster.yaml", spec.replace("target: [nocloud]", "target: [openstack, gcp]"));
    let output = cfy_seed(scratch.path()).args(&["plan", "--vault", "vault"]).exits(0);
    let text = output.all();
    assert!(text.contains("\nBeside the bundles: firewall instructions/gcp terraform/openstack\n"), "{text}");
    assert!(text.contains("  broker         5671  from broker, manager, agent: AMQP over TLS\n"), "{text}");
    assert!(text.contains("      machine: 2 vCPUs, 16384 MiB, 64 GiB disk\n"), "{text}");
    let output = cfy_seed(scratch.path()).args(&["plan", "--vault", "vault", "--format", "json"]).exits(0);
    let overview: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let cluster = modules(&beside(&plan(&scratch))).next().expect("aws").1;
    assert_eq!(overview["ports"], cluster["ports"]);
    assert_eq!(overview["hosts"][0]["machine"], serde_json::json!({"vcpus": 2, "memory_mb": 16384, "disk_gb": 64}));
    assert_eq!(overview["beside"], serde_json::json!(["firewall", "instructions/gcp", "terraform/openstack"]));
}

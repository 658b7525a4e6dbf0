//! Role configs against the rules of Cloudify 7.0: which keys, which types, what must be equal on all hosts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{Bundle, Host};

/// Dotted keys that the vendor's own validator accepted, by role; `*` stands for a member's name.
const DATABASE: &str = "manager.private_ip manager.public_ip manager.hostname postgresql_server.postgres_password
    postgresql_server.cert_path postgresql_server.key_path postgresql_server.ca_path
    postgresql_server.ssl_client_verification postgresql_server.ssl_only_connections
    postgresql_server.cluster.nodes.*.ip postgresql_server.cluster.etcd.cluster_token
    postgresql_server.cluster.etcd.root_password postgresql_server.cluster.etcd.patroni_password
    postgresql_server.cluster.patroni.rest_user postgresql_server.cluster.patroni.rest_password
    postgresql_server.cluster.postgres.replicator_password postgresql_server.db_monitoring.username
    postgresql_server.db_monitoring.password";
const BROKER: &str = "manager.private_ip manager.public_ip manager.hostname rabbitmq.username rabbitmq.password
    rabbitmq.cluster_members.*.networks.default rabbitmq.cert_path rabbitmq.key_path rabbitmq.ca_path
    rabbitmq.nodename rabbitmq.erlang_cookie";
const MANAGER: &str = "manager.private_ip manager.public_ip manager.hostname manager.security.ssl_enabled
    manager.security.admin_password networks.load_balancer rabbitmq.username rabbitmq.password rabbitmq.ca_path
    rabbitmq.cluster_members.*.networks.default postgresql_server.ca_path postgresql_server.postgres_password
    postgresql_server.cluster.nodes.*.ip postgresql_client.ssl_enabled postgresql_client.server_password
    postgresql_client.ssl_client_verification postgresql_client.cloudify_password ssl_inputs.internal_cert_path
    ssl_inputs.internal_key_path ssl_inputs.ca_cert_path ssl_inputs.postgresql_client_cert_path
    ssl_inputs.postgresql_client_key_path ssl_inputs.postgresql_superuser_client_cert_path
    ssl_inputs.postgresql_superuser_client_key_path sanity.skip_sanity";
const ALL_IN_ONE: &str = "manager.private_ip manager.public_ip manager.hostname manager.security.ssl_enabled
    manager.security.admin_password rabbitmq.username rabbitmq.password rabbitmq.cert_path rabbitmq.key_path
    rabbitmq.ca_path postgresql_client.server_password postgresql_client.cloudify_password
    ssl_inputs.internal_cert_path ssl_inputs.internal_key_path ssl_inputs.ca_cert_path sanity.skip_sanity";
/// What every one of them has.
const SHARED: &str = "prometheus.cert_path prometheus.key_path prometheus.ca_path prometheus.credentials.username
    prometheus.credentials.password validations.supported_distros services_to_install";

fn leaves(config: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    match config {
        Value::Object(entries) => {
            for (key, value) in entries {
                let named = path.ends_with("nodes") || path.ends_with("cluster_members");
                let key = if named { "*" } else { key.as_str() };
                let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                leaves(value, &path, found);
            }
        }
        other => {
            found.insert(path.to_owned(), other.clone());
        }
    }
}

fn config(host: &Host, role: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    leaves(&host.role(role), "", &mut found);
    found
}

fn hosts(role: &str) -> Vec<(&'static Host, BTreeMap<String, Value>)> {
    let prefix = if role == "database" { "db" } else { role };
    let hosts = (1..=3).map(|n| Bundle::nine_node().host(&format!("{prefix}-{n}")));
    hosts.map(|host| (host, config(host, role))).collect()
}

fn keys_are(config: &BTreeMap<String, Value>, lists: &[&str]) {
    let wanted: BTreeSet<&str> = lists.iter().flat_map(|list| list.split_whitespace()).collect();
    let have: BTreeSet<&str> = config.keys().map(String::as_str).collect();
    assert_eq!(have, wanted);
}

#[test]
fn every_role_has_exactly_the_keys_that_the_vendor_takes() {
    hosts("database").iter().for_each(|(_, config)| keys_are(config, &[DATABASE, SHARED]));
    for (host, config) in hosts("broker") {
        let joins = if host.name == "broker-1" { "" } else { "rabbitmq.join_cluster" };
        keys_are(&config, &[BROKER, SHARED, joins]);
    }
    for (host, config) in hosts("manager") {
        let license = if host.name == "manager-1" { "manager.cloudify_license_path" } else { "" };
        keys_are(&config, &[MANAGER, SHARED, license]);
    }
    keys_are(&config(Bundle::all_in_one().host("cloudify"), "all_in_one"), &[ALL_IN_ONE, SHARED]);
}

#[test]
fn no_value_is_blank_and_every_text_is_text() {
    let mut all: Vec<_> = ["database", "broker", "manager"].into_iter().flat_map(hosts).collect();
    let alone = Bundle::all_in_one().host("cloudify");
    all.push((alone, config(alone, "all_in_one")));
    for (host, config) in all {
        for (key, value) in config {
            let boolean = ["ssl_enabled", "ssl_client_verification", "ssl_only_connections", "skip_sanity"];
            let name = key.rsplit('.').next().expect("a key");
            let right = match &value {
                Value::Bool(_) => boolean.contains(&name),
                Value::Array(items) => items.iter().all(Value::is_string) && !items.is_empty(),
                Value::String(text) => !text.is_empty() && !boolean.contains(&name),
                _ => false,
            };
            assert!(right, "{} {key}: {value}", host.name);
        }
        assert!(!host.user_data.contains("ca_key_path"), "a CA key stays at home");
    }
}

#[test]
fn hosts_agree_about_the_cluster() {
    for role in ["database", "broker", "manager"] {
        let all = hosts(role);
        for key in all[0].1.keys() {
            let own = ["private_ip", "public_ip", "hostname", "nodename", "cloudify_license_path"];
            if !own.iter().any(|name| key.ends_with(name)) {
                assert!(all.iter().all(|(_, config)| config.get(key) == all[0].1.get(key)), "{role} {key}");
            }
        }
    }
    let (databases, brokers, managers) = (hosts("database"), hosts("broker"), hosts("manager"));
    let (database, broker, manager) = (&databases[0].0, &brokers[0].0, &managers[0].0);
    let (database, broker, manager) = (database.role("database"), broker.role("broker"), manager.role("manager"));
    assert_eq!(database["postgresql_server"]["cluster"]["nodes"], manager["postgresql_server"]["cluster"]["nodes"]);
    assert_eq!(database["postgresql_server"]["postgres_password"], manager["postgresql_client"]["server_password"]);
    assert_eq!(broker["rabbitmq"]["cluster_members"], manager["rabbitmq"]["cluster_members"]);
    assert_eq!(broker["rabbitmq"]["password"], manager["rabbitmq"]["password"]);
    for config in [&broker, &manager] {
        assert_eq!(config["prometheus"]["credentials"], database["prometheus"]["credentials"]);
    }
}

#[test]
fn every_host_installs_the_services_of_its_role() {
    let services = |host: &Host, role: &str| host.role(role)["services_to_install"].clone();
    let monitored = |own: &[&str]| Value::from(own.to_vec());
    for (host, _) in hosts("database") {
        assert_eq!(services(host, "database"), monitored(&["database_service", "monitoring_service"]));
    }
    for (host, config) in hosts("broker") {
        assert_eq!(services(host, "broker"), monitored(&["queue_service", "monitoring_service"]));
        // RabbitMQ falls back to other addresses where its name is not a member's.
        assert_eq!(config["rabbitmq.nodename"], host.name.as_str());
        assert!(host.role("broker")["rabbitmq"]["cluster_members"].get(&host.name).is_some());
    }
    for (host, _) in hosts("manager") {
        let own = ["manager_service", "monitoring_service", "entropy_service"];
        assert_eq!(services(host, "manager"), monitored(&own));
    }
    let all = services(Bundle::all_in_one().host("cloudify"), "all_in_one");
    assert_eq!(all.as_array().map(Vec::len), Some(5));
}

/// `-c` takes files below /etc/cloudify only, and a file that is not there installs an all-in-one in silence.
#[test]
fn configs_are_where_the_installer_looks() {
    let bundles = [Bundle::nine_node(), Bundle::all_in_one()];
    for host in bundles.iter().flat_map(|bundle| bundle.hosts.values()).filter(|host| host.name != "balancer") {
        let roles = host.records("role");
        let [_, role, config] = roles[0][..] else { panic!("{roles:?}") };
        assert_eq!(config, format!("/etc/cloudify/cfy-seed/{role}.yaml"));
        assert!(host.records("file").contains(&vec![&*format!("{role}.yaml"), config, "0600"]), "{}", host.name);
    }
}

/// A further network reaches the card, Cloudify's maps of networks, and the certificate (cloudify.md §1.2, §6.2).
#[test]
fn further_networks_are_everywhere_where_agents_look() {
    let host = |name: &str| Bundle::three_node().host(name);
    for (name, ip) in [("node-1", "192.168.7.11"), ("node-2", "192.168.7.12"), ("node-3", "192.168.7.13")] {
        assert_eq!(host(name).role("manager")["networks"]["agents"], ip);
        for role in ["broker", "manager"] {
            for other in ["node-1", "node-2", "node-3"] {
                let members = &host(other).role(role)["rabbitmq"]["cluster_members"];
                assert_eq!(members[name]["networks"]["agents"], ip, "{other} {role}");
                assert_eq!(members[name]["networks"]["default"], ip.replace("192.168.7", "10.0.0"));
            }
        }
        let file = Bundle::three_node().tree.join("hosts").join(name).join("network-config");
        let network: Value = serde_yaml::from_str(&std::fs::read_to_string(file).expect("a file")).expect("YAML");
        let second = &network["config"][1];
        assert_eq!((&second["type"], &second["name"]), (&"physical".into(), &"eth1".into()));
        let dhcp = name == "node-2";
        let wanted = if dhcp { Value::Null } else { format!("{ip}/26").into() };
        assert_eq!(second["subnets"][0]["address"], wanted);
        assert_eq!(second["subnets"][0]["type"], if dhcp { "dhcp4" } else { "static" });
        assert_eq!(second["subnets"][0].get("gateway"), None);
    }
}

/// What the operator adds arrives as it is, on the hosts of its roles alone.
#[test]
fn extra_files_arrive() {
    let host = Bundle::three_node().host("node-2");
    let (mode, text) = &host.files["/var/lib/cfy-seed/secret/files/extra-1"];
    assert_eq!((mode.as_str(), text.as_str()), ("0600", "Cloudify of the operators\n\tlast line without end"));
    let record = vec!["extra-1", "/opt/manager/resources/banner.txt", "0644"];
    assert!(host.records("file").contains(&record), "{:?}", host.records("file"));
    let to_brokers = "files: [{from: license.yaml, path: /opt/x, roles: [broker]}]\nhosts:\n";
    let nine = Bundle::nine_node_with("hosts:\n", to_brokers);
    for (name, host) in &nine.hosts {
        assert_eq!(host.files.keys().any(|path| path.ends_with("/extra-1")), name.starts_with("broker"), "{name}");
    }
}

/// All four sources of the operating system's packages, as the driver and cloud-init read them.
#[test]
fn packages_come_from_where_the_spec_says() {
    let from = "os_packages: {from: {repo: {baseurl: \"http://mirror.example.com/el8\", gpgkey: repo.asc}}}";
    let repo = "repo\tos\thttp://mirror.example.com/el8\t/etc/pki/rpm-gpg/RPM-GPG-KEY-cfy-seed-os";
    let payload = "repo\tpayload\tfile:///var/lib/cfy-seed/payload\t-";
    for (to, source, line) in [
        (from, "os", Some(repo)),
        ("os_packages: {from: image}", "image", None),
        ("os_packages: {from: system-repos}", "system-repos", None),
        ("os_packages: {from: payload}", "payload", Some(payload)),
    ] {
        let bundle = Bundle::nine_node_with(from, to);
        let host = bundle.host("broker-3");
        let (_, plan) = &host.files["/var/lib/cfy-seed/secret/plan"];
        assert!(plan.contains(&format!("\npackages_from\t{source}\n")), "{to}: {plan}");
        let found = plan.lines().find(|found| found.starts_with("repo\tos") || found.starts_with("repo\tpayload"));
        assert_eq!(found, line, "{to}");
        // The recipes that it is told to use are those that it has; the driver mounts, where it copies.
        let recipes = host.files.keys().filter_map(|path| path.strip_prefix("/usr/local/lib/cfy-seed/fetch-"));
        let told: BTreeSet<String> = host.records("fetch").into_iter().map(|fields| fields[0].to_owned()).collect();
        assert_eq!(recipes.map(str::to_owned).collect::<BTreeSet<_>>(), told, "{to}");
        assert_eq!(host.files.contains_key("/var/lib/cfy-seed/secret/box-key.pem"), source == "payload", "{to}");
        assert!(!host.config["bootcmd"].to_string().contains("mount"), "{to}");
    }
}

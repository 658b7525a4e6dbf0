//! The ten facts about Cloudify that shape the design, each seen on what a host gets. Every test here would fail if the
//! fact were not taken care of.

use aws_lc_rs::signature::KeyPair as _;
use cfy_seed::project::Project;
use serde_json::Value;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, Pem};

use crate::support::{Bundle, Host, Scratch};

const NINE: [&str; 9] =
    ["db-1", "db-2", "db-3", "broker-1", "broker-2", "broker-3", "manager-1", "manager-2", "manager-3"];

/// What a test asks of a certificate.
struct Certificate {
    common_name: String,
    dns: Vec<String>,
    ips: Vec<String>,
    public_key: Vec<u8>,
    algorithms: [String; 2],
}

fn certificate(pem: &str) -> Certificate {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).expect("PEM");
    let (_, x509) = X509Certificate::from_der(&pem.contents).expect("X.509");
    let names = x509.subject_alternative_name().expect("one extension").map(|san| san.value.general_names.clone());
    let (mut dns, mut ips) = (Vec::new(), Vec::new());
    for name in names.unwrap_or_default() {
        match name {
            GeneralName::DNSName(name) => dns.push(name.to_owned()),
            GeneralName::IPAddress([a, b, c, d]) => ips.push(format!("{a}.{b}.{c}.{d}")),
            other => panic!("{other:?}"),
        }
    }
    let common_name = x509.subject().iter_common_name().next().expect("a common name").as_str().expect("text");
    Certificate {
        common_name: common_name.to_owned(),
        dns,
        ips,
        public_key: x509.public_key().subject_public_key.data.to_vec(),
        algorithms: [
            x509.public_key().algorithm.algorithm.to_id_string(),
            x509.signature_algorithm.algorithm.to_id_string(),
        ],
    }
}

/// The public half of a PKCS#1 key.
fn public_half(pem: &str) -> Vec<u8> {
    let pem = Pem::iter_from_buffer(pem.as_bytes()).next().expect("a block").expect("PEM");
    assert_eq!(pem.label, "RSA PRIVATE KEY");
    let key = aws_lc_rs::rsa::KeyPair::from_der(&pem.contents).expect("an RSA key");
    key.public_key().as_ref().to_vec()
}

fn config(host: &Host) -> Value {
    host.role(role(host))
}

fn role(host: &Host) -> &'static str {
    match &host.name[..2] {
        "db" => "database",
        "br" => "broker",
        "ma" => "manager",
        "cl" => "all_in_one",
        other => panic!("{other}"),
    }
}

#[test]
fn fact_1_only_rsa_works() {
    const RSA: &str = "1.2.840.113549.1.1.1";
    const SHA256_WITH_RSA: &str = "1.2.840.113549.1.1.11";
    for bundle in [Bundle::nine_node(), Bundle::all_in_one()] {
        for host in bundle.hosts.values() {
            for (path, (_, text)) in &host.files {
                if path.ends_with(".crt") {
                    assert_eq!(certificate(text).algorithms, [RSA, SHA256_WITH_RSA], "{} {path}", host.name);
                }
                if path.ends_with(".key") {
                    public_half(text);
                }
            }
        }
    }
    // Nobody can ask for anything else.
    let scratch = Scratch::fixture("nine-node");
    let spec = std::fs::read_to_string(scratch.spec()).expect("a spec").replace("rsa-2048", "ec-256");
    scratch.write("cluster.yaml", spec);
    assert!(Project::open(Some(&scratch.spec()), time::OffsetDateTime::now_utc()).expect("profiles").plan.is_none());
}

#[test]
fn fact_2_database_certificates_name_the_address_twice() {
    for host in ["db-1", "db-2", "db-3"].map(|name| Bundle::nine_node().host(name)) {
        let (certificate, config) = (certificate(host.seed("host.crt")), config(host));
        let nodes = &config["postgresql_server"]["cluster"]["nodes"];
        let ip = nodes[&host.name]["ip"].as_str().expect("an address").to_owned();
        assert_eq!(config["manager"]["private_ip"], ip.as_str());
        assert!(certificate.ips.contains(&ip), "for etcd and Python: {:?}", certificate.ips);
        assert!(certificate.dns.contains(&ip), "for libpq before 15: {:?}", certificate.dns);
        assert!(certificate.dns.contains(&host.name));
    }
}

#[test]
fn fact_3_client_verification_needs_two_client_certificates() {
    let bundle = Bundle::nine_node();
    for name in NINE {
        let host = bundle.host(name);
        let config = config(host);
        let manager = role(host) == "manager";
        for client in ["cloudify", "postgres"] {
            let path = format!("/var/lib/cfy-seed/secret/files/{client}.key");
            assert_eq!(host.files.contains_key(&path), manager, "{name} {path}");
        }
        if role(host) == "database" {
            assert_eq!(config["postgresql_server"]["ssl_client_verification"], true, "{name}");
            assert_eq!(config["postgresql_server"]["ssl_only_connections"], true, "{name}");
        }
        if !manager {
            continue;
        }
        assert_eq!(config["postgresql_client"]["ssl_client_verification"], true);
        let user = config["postgresql_client"]["server_username"].as_str().unwrap_or("postgres");
        for (key, common_name) in [("postgresql_client", "cloudify"), ("postgresql_superuser_client", user)] {
            let file = |half: &str| kept(host, &config["ssl_inputs"][format!("{key}_{half}_path")]);
            let certificate = certificate(&file("cert"));
            assert_eq!(certificate.common_name, common_name);
            assert_eq!(certificate.public_key, public_half(&file("key")));
        }
    }
}

/// The seed's copy of a file that a config names by its path on the host.
fn kept(host: &Host, path: &Value) -> String {
    let path = path.as_str().expect("a path");
    let records = host.records("file");
    let record = records.iter().find(|record| record[1] == path);
    let Some(record) = record else { panic!("{} does not get {path}", host.name) };
    host.seed(record[0]).to_owned()
}

#[test]
fn fact_4_no_external_certificate_where_public_ip_is_an_address() {
    let bundle = Bundle::nine_node();
    for (name, public) in
        [("manager-1", "10.0.0.31"), ("manager-2", "192.0.2.32"), ("manager-3", "manager-3.example.com")]
    {
        let host = bundle.host(name);
        let config = config(host);
        assert_eq!(config["manager"]["public_ip"], public);
        let inputs = config["ssl_inputs"].as_object().expect("a mapping");
        assert!(!inputs.keys().any(|key| key.starts_with("external_")), "{inputs:?}");
        // Then 443 shows the internal one, which must hold every address that clients use.
        let certificate = certificate(&kept(host, &inputs["internal_cert_path"]));
        let balancer = config["networks"]["load_balancer"].as_str().expect("the balancer");
        for name in [public, balancer, "10.0.0.40", "cloudify.example.com"] {
            let address = name.parse::<std::net::IpAddr>().is_ok();
            let names = if address { &certificate.ips } else { &certificate.dns };
            assert!(names.iter().any(|own| own == name), "{}: {name} is not in {names:?}", host.name);
        }
    }
}

#[test]
fn fact_5_the_installer_gets_a_path_with_all_four_directories() {
    for host in Bundle::nine_node().hosts.values() {
        let unit = host.text("/etc/systemd/system/cfy-install@.service");
        let line = unit.lines().find_map(|line| line.strip_prefix("Environment=PATH=")).expect("a PATH");
        let path: Vec<&str> = line.split(' ').next().expect("a word").split(':').collect();
        for directory in ["/sbin", "/bin", "/usr/sbin", "/usr/bin"] {
            assert!(path.contains(&directory), "{path:?}");
        }
        assert!(unit.contains("LANG=en_US.UTF-8") && unit.contains("HOME=/root"), "{unit}");
        // `patroni_startup_check` outlives the install.
        assert!(unit.lines().any(|line| line == "KillMode=process"), "{unit}");
    }
}

#[test]
fn fact_6_database_2_asks_nothing_of_database_1_but_port_2380() {
    let bundle = Bundle::nine_node();
    assert!(bundle.host("db-1").probes("gates", "database").is_empty());
    assert_eq!(bundle.host("db-2").probes("gates", "database"), ["tcp\t10.0.0.11\t2380\t1"]);
    let third = bundle.host("db-3").probes("gates", "database");
    assert_eq!(third[0], "database\t1\t2\t10.0.0.11\t10.0.0.12\t10.0.0.13");
    for ip in ["10.0.0.11", "10.0.0.12"] {
        let health = format!("http\thttps://{ip}:2379/health\t200\t");
        assert!(third.iter().any(|probe| probe.starts_with(&health) && probe.contains("\"true\"")), "{third:?}");
    }
    // Health comes after the install, where it cannot deadlock; it still may not ask for a third database.
    assert!(bundle.host("db-2").probes("health", "database").iter().all(|probe| !probe.contains("10.0.0.13:")));
}

#[test]
fn fact_6_five_databases_form_a_quorum_of_three_by_port_2380() {
    let more = "  - {name: db-4, roles: [database], private_ip: 10.0.0.14}\n  \
                - {name: db-5, roles: [database], private_ip: 10.0.0.15}\n  - {name: broker-1,";
    let bundle = Bundle::nine_node_with("  - {name: broker-1,", more);
    let third = bundle.host("db-3").probes("gates", "database");
    assert_eq!(third, ["tcp\t10.0.0.11\t2380\t1", "tcp\t10.0.0.12\t2380\t1"]);
    assert!(bundle.host("db-4").probes("gates", "database")[0].starts_with("database\t1\t"));
    assert!(bundle.host("manager-1").probes("gates", "manager")[0].starts_with("database\t4\t2\t"));
}

#[test]
fn fact_7_brokers_join_one_by_one() {
    let bundle = Bundle::nine_node();
    let joined = |name: &str| config(bundle.host(name))["rabbitmq"]["join_cluster"].clone();
    assert!(bundle.host("broker-1").probes("gates", "broker").is_empty());
    assert_eq!((joined("broker-1"), joined("broker-2")), (Value::Null, "broker-1".into()));
    assert_eq!(joined("broker-3"), "broker-1");
    let curl = "broker.conf";
    assert_eq!(
        bundle.host("broker-2").probes("gates", "broker"),
        [format!("broker\t10.0.0.21\t2\t{curl}\tbroker-1")]
    );
    let third = bundle.host("broker-3").probes("gates", "broker");
    assert_eq!(third[0], format!("broker\t10.0.0.21\t2\t{curl}\tbroker-1\tbroker-2"));
    // A joiner that failed may be a member still, and the first one may have been joined. Only joiners log in at peers.
    for (name, login, peers) in [
        ("broker-1", "-", ["10.0.0.22", "broker-2", "10.0.0.23", "broker-3"]),
        ("broker-2", curl, ["10.0.0.21", "broker-1", "10.0.0.23", "broker-3"]),
    ] {
        let host = bundle.host(name);
        let wanted = ["broker", "broker", "/etc/cloudify/.configured/queue_service", login];
        assert_eq!(host.records("recover")[0], [&wanted[..], &peers].concat(), "{name}");
        let recipes: Vec<&String> = host.files.keys().filter(|path| path.contains("/recover-")).collect();
        assert_eq!(recipes, ["/usr/local/lib/cfy-seed/recover-broker"], "{name}");
    }
}

#[test]
fn fact_8_the_first_manager_waits_for_databases_and_brokers_and_clears_up_before_it_runs_again() {
    let first = Bundle::nine_node().host("manager-1");
    let gate = first.probes("gates", "manager");
    assert_eq!(gate[0], "database\t2\t2\t10.0.0.11\t10.0.0.12\t10.0.0.13");
    for ip in ["10.0.0.21", "10.0.0.22", "10.0.0.23"] {
        let asked = gate.iter().find(|probe| probe.starts_with(&format!("broker\t{ip}\t2\t"))).expect(ip);
        assert!(asked.ends_with("\tbroker-1\tbroker-2\tbroker-3"), "{asked}");
    }
    assert_eq!(first.records("recover")[0], ["manager", "manager-first", "10.0.0.11", "10.0.0.12", "10.0.0.13"]);
    let service = first.text("/var/lib/cfy-seed/secret/files/pg_service.conf");
    for line in ["[cfy-seed]", "user=postgres", "sslmode=verify-full", "sslcert=/etc/cloudify/cfy-seed/postgres.crt"]
    {
        assert!(service.lines().any(|found| found == line), "{service}");
    }
    let alone = Bundle::all_in_one().host("cloudify");
    assert_eq!(alone.records("recover")[0], ["all_in_one", "manager-first", "-"]);
}

#[test]
fn fact_9_other_managers_wait_for_ok_of_every_earlier_one() {
    let bundle = Bundle::nine_node();
    let ok = |n: u8| format!("http\thttps://10.0.0.3{n}/api/v3.1/ok\t200\t-\t3\t-");
    assert_eq!(bundle.host("manager-2").probes("gates", "manager"), [ok(1)]);
    assert_eq!(bundle.host("manager-3").probes("gates", "manager"), [ok(1), ok(2)]);
    // `/ok` may be 200 before sanity ends on the first one.
    assert!(NINE[6..].iter().all(|name| config(bundle.host(name))["sanity"]["skip_sanity"] == true));
}

#[test]
fn fact_10_validate_runs_first_and_what_it_does_not_check_is_right() {
    for bundle in [Bundle::nine_node(), Bundle::all_in_one()] {
        for host in bundle.hosts.values().filter(|host| host.name != "balancer") {
            let script = host.text("/usr/local/sbin/cfy-firstboot");
            let (validate, install) = (script.find("cfy_manager validate -c"), script.find("cfy_manager install -c"));
            assert!(validate.is_some() && install.is_some(), "the driver validates, the unit installs");
            let config = config(host);
            pairs_match(host, &config, &mut Vec::new());
        }
    }
}

/// Every `cert_path` with its `key_path` in a config, wherever they stand, and every CA.
fn pairs_match(host: &Host, config: &Value, path: &mut Vec<String>) {
    let Value::Object(entries) = config else { return };
    for (key, value) in entries {
        if let Some(kind) = key.strip_suffix("cert_path").filter(|kind| !kind.ends_with("ca_")) {
            let own = certificate(&kept(host, value));
            let key = public_half(&kept(host, &entries[&format!("{kind}key_path")]));
            assert_eq!(own.public_key, key, "{}: {}.{kind}", host.name, path.join("."));
        }
        if key.ends_with("ca_path") || key.ends_with("ca_cert_path") {
            assert_eq!(kept(host, value), host.seed("ca.crt"), "{}", host.name);
        }
        path.push(key.clone());
        pairs_match(host, value, path);
        path.pop();
    }
}

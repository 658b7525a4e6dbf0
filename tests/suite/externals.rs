//! Services that are there already, and a database without a cluster: what managers are told, and what they wait for.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Bundle, Host, Scratch, cfy_seed, files, root};

const DATABASE: &str = "  database: {host: db.example.com, ca: database-ca.pem}\n";
const BROKER: &str = "  broker: {ca: broker-ca.pem, members: [{name: mq-1, address: 10.9.0.1}, {name: mq-2, address: mq-2.example.com}]}\n";
const BALANCER: &str = "balancer";
const CA: &str = "/etc/cloudify/cfy-seed/ca.crt";
const DATABASE_CA: &str = "/etc/cloudify/cfy-seed/postgresql-ca.crt";
const BROKER_CA: &str = "/etc/cloudify/cfy-seed/rabbitmq-ca.crt";

/// The nine nodes with their vault, without those hosts that are not named, and with these external services.
fn bundle(hosts: &[&str], external: &str) -> Bundle {
    let scratch = Scratch::fixture("nine-node");
    for ca in ["database-ca.pem", "broker-ca.pem"] {
        let from = root().join("tests/fixtures/external-both").join(ca);
        scratch.write(ca, fs::read(from).expect("a CA"));
    }
    let spec = fs::read_to_string(scratch.spec()).expect("a spec");
    let kept = |line: &&str| {
        let name = line.strip_prefix("  - {name: ").and_then(|rest| rest.split(',').next());
        name.is_none_or(|name| hosts.contains(&name))
    };
    let mut spec: String = spec.lines().filter(kept).flat_map(|line| [line, "\n"]).collect();
    if !external.is_empty() {
        spec += "credentials: {postgres_password: Test0nlyPostgres, rabbitmq_password: Test0nlyRabbit}\nexternal:\n";
        spec += external;
    }
    scratch.write("cluster.yaml", spec);
    Bundle::build(scratch)
}

/// With and without a balancer.
fn both(hosts: &[&str], external: &str, check: impl Fn(&Bundle)) {
    let balanced: Vec<&str> = hosts.iter().copied().chain([BALANCER]).collect();
    for hosts in [hosts, &balanced] {
        let bundle = bundle(hosts, external);
        check(&bundle);
        for host in bundle.hosts.values().filter(|host| !host.name.starts_with("manager")) {
            assert!(!host.user_data.contains(DATABASE_CA) && !host.user_data.contains(BROKER_CA), "{}", host.name);
        }
        let manager = bundle.host("manager-1").role("manager");
        assert_eq!(manager.get("networks").is_some(), hosts.contains(&BALANCER));
        assert_eq!(bundle.hosts.len(), hosts.len());
        cfy_seed(bundle.scratch.path()).args(&["verify", bundle.tree.as_str()]).exits(0);
    }
}

fn curl<'a>(host: &'a Host, name: &str) -> &'a str {
    host.text(&format!("/var/lib/cfy-seed/secret/curl/{name}.conf"))
}

/// What managers have for an external database, and what they must not have.
fn is_external_database(config: &Value) {
    assert!(config.get("postgresql_server").is_none());
    let client = &config["postgresql_client"];
    assert_eq!(client["ca_path"], DATABASE_CA);
    assert_eq!(client["ssl_enabled"], true);
    // Its CA did not sign our client certificates.
    assert!(client.get("ssl_client_verification").is_none());
    let inputs = config["ssl_inputs"].as_object().expect("a mapping");
    assert!(inputs.keys().all(|key| !key.starts_with("postgresql")), "{inputs:?}");
}

fn is_external_broker(config: &Value) {
    let rabbitmq = &config["rabbitmq"];
    assert_eq!(rabbitmq["is_external"], true);
    assert_eq!(rabbitmq["ca_path"], BROKER_CA);
    assert_eq!(rabbitmq["password"], "Test0nlyRabbit");
    let members =
        json!({"mq-1": {"networks": {"default": "10.9.0.1"}}, "mq-2": {"networks": {"default": "mq-2.example.com"}}});
    assert_eq!(rabbitmq["cluster_members"], members);
}

/// The management API must know our user as an administrator, whatever the nodes are called.
const BROKER_GATE: [&str; 4] = [
    "tcp\t10.9.0.1\t5671\t2",
    "http\thttps://10.9.0.1:15671/api/whoami\t200\t\"tags\":[^}]*administrator\t2\tbroker.conf",
    "tcp\tmq-2.example.com\t5671\t2",
    "http\thttps://mq-2.example.com:15671/api/whoami\t200\t\"tags\":[^}]*administrator\t2\tbroker.conf",
];

#[test]
fn an_external_database_stands_in_the_configs_and_gates_of_managers() {
    both(&["broker-1", "manager-1", "manager-2"], DATABASE, |bundle| {
        for name in ["manager-1", "manager-2"] {
            let host = bundle.host(name);
            let config = host.role("manager");
            is_external_database(&config);
            let client = &config["postgresql_client"];
            assert_eq!(client["host"], "db.example.com");
            assert_eq!(client["server_password"], "Test0nlyPostgres");
            let names = ["server_username", "server_db_name", "cloudify_username", "cloudify_db_name"];
            assert_eq!(
                names.map(|key| client[key].as_str()),
                ["postgres", "postgres", "cloudify", "cloudify_db"].map(Some)
            );
            assert_eq!(config["rabbitmq"]["ca_path"], CA);
            assert!(config["rabbitmq"].get("is_external").is_none());
            let given = fs::read_to_string(bundle.scratch.join("database-ca.pem")).expect("a CA");
            assert_eq!(host.seed("postgresql-ca.crt"), given);
            assert!(host.records("file").contains(&vec!["postgresql-ca.crt", DATABASE_CA, "0600"]));
            assert!(
                !host.files.keys().any(|path| path.ends_with("/postgres.key") || path.ends_with("/cloudify.key"))
            );
            assert_eq!(
                curl(host, "broker"),
                "user = \"cloudify:Test0nlyRabbit\"
"
            );
        }
        let gate = bundle.host("manager-1").probes("gates", "manager");
        assert_eq!(gate, ["tcp\tdb.example.com\t5432\t2", "broker\t10.0.0.21\t2\tbroker.conf\tbroker-1"]);
        // Nothing is dropped on a server that is somebody else's.
        assert_eq!(bundle.host("manager-1").records("recover")[0], ["manager", "stop"]);
        assert!(!bundle.host("manager-1").files.keys().any(|path| path.ends_with("/pg_service.conf")));
        assert!(bundle.host("broker-1").probes("gates", "broker").is_empty());
    });
}

#[test]
fn an_external_broker_is_asked_with_its_own_ca() {
    both(&["db-1", "db-2", "db-3", "manager-1"], BROKER, |bundle| {
        let host = bundle.host("manager-1");
        let config = host.role("manager");
        is_external_broker(&config);
        assert_eq!(config["postgresql_server"]["cluster"]["nodes"].as_object().map(serde_json::Map::len), Some(3));
        assert!(host.seed("rabbitmq-ca.crt").contains("BEGIN CERTIFICATE"));
        let gate = host.probes("gates", "manager");
        assert_eq!(gate[0], "database\t2\t2\t10.0.0.11\t10.0.0.12\t10.0.0.13");
        assert_eq!(gate[1..], BROKER_GATE);
        assert_eq!(curl(host, "broker"), format!("user = \"cloudify:Test0nlyRabbit\"\ncacert = \"{BROKER_CA}\"\n"));
        assert!(!bundle.host("db-1").user_data.contains("Test0nlyRabbit"));
    });
}

#[test]
fn managers_alone_work_with_both() {
    both(&["manager-1", "manager-2", "manager-3"], &[DATABASE, BROKER].concat(), |bundle| {
        let host = bundle.host("manager-1");
        let config = host.role("manager");
        is_external_database(&config);
        is_external_broker(&config);
        let gate = host.probes("gates", "manager");
        assert_eq!(gate[0], "tcp\tdb.example.com\t5432\t2");
        assert_eq!(gate[1..], BROKER_GATE);
        assert_eq!(bundle.host("manager-2").probes("gates", "manager").len(), 1);
    });
}

/// A single database has neither etcd nor Patroni (cloudify.md §1.2): PostgreSQL and the monitoring endpoint answer.
#[test]
fn a_single_database_is_no_cluster() {
    both(&["db-1", "broker-1", "manager-1"], "", |bundle| {
        let host = bundle.host("db-1");
        let server = host.role("database")["postgresql_server"].clone();
        assert!(server.get("cluster").is_none());
        for key in ["enable_remote_connections", "ssl_enabled", "ssl_only_connections", "ssl_client_verification"] {
            assert_eq!(server[key], true, "{key}");
        }
        assert_eq!(host.records("recover")[0], ["database", "rerun"]);
        assert!(host.probes("gates", "database").is_empty());
        let monitoring =
            |hold: u8| format!("http\thttps://10.0.0.11:8009/monitoring/-/healthy\t200\t-\t{hold}\tmonitoring.conf");
        assert_eq!(host.probes("health", "database"), ["tcp\t10.0.0.11\t5432\t1", &monitoring(1)]);
        let password = &bundle.credentials()["prometheus_password"];
        let manager = bundle.host("manager-1");
        for host in [host, manager] {
            assert_eq!(curl(host, "monitoring"), format!("user = \"monitoring_user:{password}\"\n"));
        }
        let config = manager.role("manager");
        assert!(config.get("postgresql_server").is_none());
        let client = &config["postgresql_client"];
        assert_eq!((&client["host"], &client["ca_path"]), (&json!("10.0.0.11"), &json!(CA)));
        assert_eq!(client["ssl_client_verification"], true);
        assert_eq!(client["server_password"], server["postgres_password"]);
        assert!(config["ssl_inputs"].get("postgresql_superuser_client_cert_path").is_some());
        let gate = manager.probes("gates", "manager");
        assert_eq!(gate[..2], ["tcp\t10.0.0.11\t5432\t2", &monitoring(2)]);
        assert!(bundle.host("broker-1").files.keys().all(|path| !path.ends_with("monitoring.conf")));
    });
}

/// What no host needs is not made: a later cluster of databases gets it then.
#[test]
fn a_single_database_has_no_credentials_of_a_cluster() {
    let scratch = Scratch::new();
    let host = |name: &str, n: u8| format!("  - {{name: {name}-1, roles: [{name}], private_ip: 10.0.0.{n}}}\n");
    let hosts = [host("database", 11), host("broker", 21), host("manager", 31)].concat();
    scratch.write(
        "cluster.yaml",
        format!(
            "apiVersion: cfy-seed/v1\nname: small\n\
             cloudify: {{version: \"7.0.4\", edition: community, rpm: {{preinstalled: true}}}}\nhosts:\n{hosts}"
        ),
    );
    let plan = cfy_seed(scratch.path()).args(&["plan", "--format", "json"]).exits(0).says("CFY-P042").stdout;
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    let made = plan["to_issue"].to_string();
    assert!(made.contains("postgres_password") && made.contains("client postgres"), "{made}");
    assert!(!made.contains("etcd") && !made.contains("patroni") && !made.contains("replicator"), "{made}");
}

#[test]
fn every_shape_is_recognised_and_its_examples_stop_in_preflight() {
    let scratch = Scratch::new();
    for (shape, stops) in [("external-db", 2), ("external-broker", 2), ("external-both", 4)] {
        let file = format!("{shape}.yaml");
        cfy_seed(scratch.path()).args(&["init", "--shape", shape, &file]).exits(0);
        let plan = cfy_seed(scratch.path()).args(&["plan", "--format", "json", &file]).exits(0).stdout;
        let plan: Value = serde_json::from_str(&plan).expect("JSON");
        assert_eq!(plan["shape"], shape);
        let said = cfy_seed(scratch.path()).args(&["plan", &file]).exits(0).stdout;
        for service in plan["external"].as_array().expect("services") {
            assert!(said.contains(service.as_str().expect("text")), "{said}");
        }
        assert_eq!(plan["external"].as_array().map(Vec::len), Some(stops / 2));
        for host in plan["hosts"].as_array().expect("hosts") {
            let refuses = host["refuses"].to_string();
            let manager = host["roles"][0]["role"] == "manager";
            let external = refuses.matches("CFY-P040").count() + refuses.matches("CFY-P041").count();
            assert_eq!(external, if manager { stops } else { 0 }, "{host}");
        }
    }
    assert_eq!(files(scratch.path().as_std_path()).len(), 3, "a plan writes nothing");
}

//! Every contract, on nine nodes and alone: what differs between Cloudify's versions, and that nothing else does.

use serde_json::Value;

use crate::support::{Bundle, Host, cfy_seed};

/// Versions with the operating systems that the vendor made them for (cloudify.md §1.4 "OS", §5.1).
const VERSIONS: &[(&str, &[&str])] = &[
    ("5.1.4", &["el7"]),
    ("5.2.2", &["el7"]),
    ("6.0.0", &["el7"]),
    ("6.1.0", &["el7"]),
    ("6.2.0", &["el7"]),
    ("6.3.2", &["el7"]),
    ("6.4.0", &["el8", "el7"]),
    ("7.0.4", &["el8", "el7"]),
];

/// A cluster of this version; everything else as in the fixture.
struct Case {
    version: &'static str,
    os: &'static str,
    bundle: Bundle,
}

impl Case {
    fn before(&self, version: &str) -> bool {
        self.version < version
    }

    fn named(&self, start: &str) -> impl Iterator<Item = &Host> {
        self.bundle.hosts.values().filter(move |host| host.name.starts_with(start))
    }
}

fn cases(shape: &'static str) -> impl Iterator<Item = Case> {
    let all = VERSIONS.iter().flat_map(|(version, systems)| systems.iter().map(|os| (*version, *os)));
    all.map(move |(version, os)| {
        let bundle = Bundle::of_version(shape, version, os);
        cfy_seed(bundle.scratch.path()).args(&["verify", bundle.tree.as_str()]).exits(0);
        Case { version, os, bundle }
    })
}

fn is(config: &Value, pointer: &str, wanted: Option<&Value>, case: &Case) {
    assert_eq!(config.pointer(pointer), wanted, "{pointer} of {} on {}", case.version, case.os);
}

#[test]
fn nine_nodes_of_every_version_obey_its_rules() {
    let (yes, no) = (Value::from(true), Value::from(false));
    for case in cases("nine-node") {
        let case = &case;
        let (verified, external) = (!case.before("7.0"), case.before("7.0"));
        for host in case.named("db-") {
            let config = host.role("database");
            // §1.4 "client certs for PG", and DESIGN §2: client verification from 7.0 on.
            is(&config, "/postgresql_server/ssl_client_verification", verified.then_some(&yes), case);
            // §1.2: without it the installer opens PostgreSQL without TLS.
            is(&config, "/postgresql_server/ssl_only_connections", Some(&yes), case);
            shared(host, &config, case);
        }
        for host in case.named("broker-") {
            let config = host.role("broker");
            // §1.4 "rabbit mgmt listens on": nobody else could ask a broker of 5.x.
            is(&config, "/rabbitmq/management_only_local", case.before("6").then_some(&no), case);
            shared(host, &config, case);
        }
        for host in case.named("manager-") {
            let config = host.role("manager");
            is(&config, "/postgresql_client/ssl_client_verification", verified.then_some(&yes), case);
            // §1.4: the superuser's pair exists from 7.0 on; ours are only there for client verification.
            for (name, file) in [("client", "cloudify"), ("superuser_client", "postgres")] {
                let path = Value::from(format!("/etc/cloudify/cfy-seed/{file}.crt"));
                let key = format!("/ssl_inputs/postgresql_{name}_cert_path");
                is(&config, &key, verified.then_some(&path), case);
                assert_eq!(host.files.keys().any(|path| path.ends_with(&format!("/{file}.key"))), verified);
            }
            certificates(&config, external, case);
            shared(host, &config, case);
        }
        gates(case);
    }
}

#[test]
fn an_all_in_one_of_every_version_obeys_its_rules() {
    for case in cases("all-in-one") {
        let host = case.bundle.host("cloudify");
        let config = host.role("all_in_one");
        certificates(&config, case.before("7.0"), &case);
        shared(host, &config, &case);
        ok(host, "health", "all_in_one", case.before("6"), 1);
    }
}

/// §6.4: 7.0 refuses an external certificate beside an address; older ones would make one that nobody trusts.
fn certificates(config: &Value, external: bool, case: &Case) {
    for (ours, theirs) in [
        ("internal_cert_path", "external_cert_path"),
        ("internal_key_path", "external_key_path"),
        ("ca_cert_path", "external_ca_cert_path"),
    ] {
        let own = &config["ssl_inputs"][ours];
        is(config, &format!("/ssl_inputs/{theirs}"), external.then_some(own), case);
    }
    // §1.4 "ssl_enabled default": false in 5.x.
    is(config, "/manager/security/ssl_enabled", Some(&Value::from(true)), case);
    is(config, "/sanity/skip_sanity", Some(&Value::from(true)), case);
    is(config, "/restservice", None, case);
}

/// What holds for every host that Cloudify is installed on.
fn shared(host: &Host, config: &Value, case: &Case) {
    let el8 = case.os == "el8";
    // §2.2: rebuilds need the setting, and nobody tried a rebuild of 7.
    assert_eq!(config.pointer("/validations/supported_distros").is_some(), el8, "{} {}", case.version, host.name);
    // §1.2: 5.1's own default is systemd, and later versions know supervisord only.
    is(config, "/service_management", None, case);
    is(config, "/prometheus/ca_path", Some(&Value::from("/etc/cloudify/cfy-seed/ca.crt")), case);
    let needs = host.records("need");
    // §5.1: 7.6 is the oldest one.
    let (ids, major, minor) =
        if el8 { ("rhel,centos,rocky,almalinux,ol", "8", "0") } else { ("rhel,centos", "7", "6") };
    assert!(needs.contains(&vec!["os", ids, major, minor]), "{needs:?}");
    assert!(needs.contains(&vec!["exec", "/opt"]), "{needs:?}");
    // §1.2: 5 GB must be left in 5.x where later versions want one; §5.2: 4 GB are for what is unpacked.
    let disk = if case.before("6") { "9216" } else { "5120" };
    assert!(needs.contains(&vec!["disk_mb", "/opt", disk]), "{} {needs:?}", case.version);
    let packages: Vec<&str> = host.records("package").into_iter().map(|fields| fields[0]).collect();
    // §5.1 and §2.2; §1.4: the RPM of 5.x needs the system's python3.
    for (package, wanted) in [
        ("glibc-langpack-en", el8),
        ("compat-openssl10", el8),
        ("python-backports-ssl_match_hostname", !el8),
        ("tcp_wrappers-libs", !el8),
        ("systemd-sysv", !el8),
        ("python3", case.before("6")),
        ("openssl", true),
        ("cronie", true),
    ] {
        assert_eq!(packages.contains(&package), wanted, "{package} for {} on {}", case.version, case.os);
    }
    assert_eq!(host.records("rpm_name"), [vec!["cloudify-manager-install", case.version]]);
}

/// §3.5: `/ok` answers anybody from 6.0 on; before, `/status` answers admin, and the body says whether all is well.
fn gates(case: &Case) {
    let login = case.before("6");
    for (at, host) in case.named("manager-").enumerate() {
        ok(host, "gates", "manager", login, at);
        ok(host, "health", "manager", login, 1);
    }
    for host in case.named("db-").chain(case.named("broker-")).chain(case.named("balancer")) {
        assert!(!host.files.contains_key(ADMIN), "{}", host.name);
    }
    let balancer = case.bundle.host("balancer").seed("haproxy.cfg");
    let (path, status) = if login { ("status", "401") } else { ("ok", "200") };
    assert!(balancer.contains(&format!("option httpchk GET /api/v3.1/{path}\n")), "{balancer}");
    assert!(balancer.contains(&format!("http-check expect status {status}\n")), "{balancer}");
}

const ADMIN: &str = "/var/lib/cfy-seed/secret/curl/admin.conf";

/// So many probes ask whether a manager is well, as its version answers, with a login that curl reads from a file.
fn ok(host: &Host, kind: &str, role: &str, login: bool, count: usize) {
    let probes: Vec<Vec<&str>> = host.probes(kind, role).into_iter().map(|line| line.split('\t').collect()).collect();
    let asked: Vec<&Vec<&str>> = probes.iter().filter(|fields| fields[1].contains("/api/v3.1/")).collect();
    assert_eq!(asked.len(), count, "{} {kind}: {probes:?}", host.name);
    for fields in asked {
        let (path, body, curl) =
            if login { ("/status", "\"status\": *\"OK\"", "admin.conf") } else { ("/ok", "-", "-") };
        assert!(fields[1].ends_with(path), "{fields:?}");
        assert_eq!((fields[2], fields[3], fields[5]), ("200", body, curl));
    }
    let password = host.role(role)["manager"]["security"]["admin_password"].clone();
    let wanted = format!("user = \"admin:{}\"\n", password.as_str().expect("a password"));
    assert_eq!(
        host.files.get(ADMIN).map(|(mode, text)| (mode.as_str(), text.as_str())),
        login.then_some(("0600", &*wanted))
    );
}

const DIRECTORY: &str =
    "ldap: {server: \"ldaps://dc-1.example.com:636\", domain: example.com, is_active_directory: false,
  ca: ldap-ca.crt, username: \"cn=reader\", password: \"KnownToTheDirectory1\", dn_extra: \"ou=people\"}\n";

/// §1.2 `restservice.ldap`: on managers of 5.1 to 6.2, and its password and CA nowhere else.
#[test]
fn managers_are_told_of_a_directory_and_others_are_not() {
    let scratch = Bundle::scratch_of_version("nine-node", "5.1.4", "el7");
    let ca = std::fs::read_to_string(scratch.join("vault/ca.crt")).expect("a certificate");
    scratch.write("ldap-ca.crt", format!("# of the directory\n{ca}"));
    let spec = std::fs::read_to_string(scratch.spec()).expect("a spec");
    scratch.write("cluster.yaml", spec + DIRECTORY);
    let before = std::fs::read(scratch.join("vault/secrets.yaml")).expect("secrets");
    let bundle = Bundle::build(scratch);
    cfy_seed(bundle.scratch.path()).args(&["verify", bundle.tree.as_str()]).exits(0);
    for host in bundle.hosts.values() {
        let manages = host.name.starts_with("manager-");
        assert_eq!(host.user_data.contains("KnownToTheDirectory1"), manages, "{}", host.name);
        assert_eq!(host.user_data.contains("# of the directory"), manages, "{}", host.name);
        if manages {
            assert_eq!(
                host.role("manager")["restservice"]["ldap"],
                serde_json::json!({
                    "server": "ldaps://dc-1.example.com:636", "domain": "example.com", "is_active_directory": false,
                    "ca_cert": "/etc/cloudify/cfy-seed/ldap-ca.crt", "username": "cn=reader",
                    "password": "KnownToTheDirectory1", "dn_extra": "ou=people",
                })
            );
            let staged = host.records("file");
            assert!(
                staged.contains(&vec!["ldap-ca.crt", "/etc/cloudify/cfy-seed/ldap-ca.crt", "0600"]),
                "{staged:?}"
            );
        }
    }
    // The directory knows its password already: it is the spec's, and not kept a second time.
    assert_eq!(std::fs::read(bundle.scratch.join("vault/secrets.yaml")).expect("secrets"), before);
    let plan = cfy_seed(bundle.scratch.path()).args(&["plan", "--vault", "vault"]).exits(0);
    assert!(!plan.all().contains("KnownToTheDirectory1"));
}

/// Users who look themselves up: no login, no CA, nothing blank.
#[test]
fn a_directory_without_login_has_no_blank_keys() {
    let scratch = Bundle::scratch_of_version("all-in-one", "6.2.0", "el7");
    let spec = std::fs::read_to_string(scratch.spec()).expect("a spec");
    let directory = "ldap: {server: \"ldap://10.0.0.5:389\", domain: example.com, is_active_directory: true}\n";
    scratch.write("cluster.yaml", spec + directory);
    let bundle = Bundle::build(scratch);
    assert_eq!(
        bundle.host("cloudify").role("all_in_one")["restservice"],
        serde_json::json!({"ldap": {
            "server": "ldap://10.0.0.5:389", "domain": "example.com", "is_active_directory": true,
        }})
    );
}

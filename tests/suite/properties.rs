//! Any text that a spec accepts comes back equal through PyYAML, and no mistake shows a secret.

use std::collections::BTreeMap;

use cfy_seed::diag::{Sources, Style, render};
use cfy_seed::names::{Credential, Secret};
use cfy_seed::plan::Plan;
use cfy_seed::plan::credential::check_credential;
use cfy_seed::project::Project;
use cfy_seed::render::{Client, HostView, render as render_host};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{Scratch, long, python};

/// Reads user-data, and the configs in it, as cloud-init and Cloudify do.
const READ: &str = "
import json, sys, yaml
def host(text):
    data = yaml.safe_load(text)
    files = {f['path']: f['content'] for f in data.pop('write_files')}
    roles = {p.split('/')[-1][:-5]: yaml.safe_load(t) for p, t in files.items()
             if '/secret/files/' in p and p.endswith('.yaml') and 'license' not in p}
    return {'config': data, 'files': files, 'roles': roles}
json.dump([[host(t) for t in case] for case in json.load(sys.stdin)], sys.stdout, default=lambda x: 'NOT TEXT %r' % x)
";

/// What is written into a spec: one case.
#[derive(Debug, Clone)]
struct Words {
    credentials: BTreeMap<Credential, String>,
    names: [String; 6],
    domain: String,
    zone: String,
    user: String,
    comment: String,
    path: String,
    setting: (String, i64, f64),
}

/// What YAML 1.1 takes for something else than text, and what breaks quotes.
fn tricky() -> impl Strategy<Value = String> {
    let words = [
        "yes",
        "No",
        "on",
        "null",
        "~",
        "1e3",
        "0x1F",
        "0o17",
        "017",
        "22:22",
        "1_000",
        ".inf",
        ".nan",
        "2024-01-01",
        "=",
        "<<",
        "!x",
        "&a",
        "*b",
        "{a: b}",
        "[a]",
        "- a",
        "? a",
        "%x",
        "@x",
        "a: b",
        "a #b",
        "'",
        "''",
        "\"",
        "\\n",
        "\\",
        "{{ x }}",
        "{% x %}",
        "${x}",
        "$(x)",
        "a'b\"c",
    ];
    prop_oneof![proptest::sample::select(words.to_vec()).prop_map(str::to_owned), "[ -~]{1,40}"]
}

/// A credential that the spec accepts, as close to this text as can be.
fn fit(which: Credential, text: &str) -> String {
    let fits = |text: &str| check_credential(which, &Secret::new(text)).is_ok();
    let kept: String = text.chars().filter(|c| fits(&format!("a{c}a"))).collect();
    if fits(&kept) { kept } else { format!("A{kept}") }
}

fn words() -> impl Strategy<Value = Words> {
    let name = "[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8})?";
    let odd = prop_oneof![
        Just("yes".to_owned()),
        Just("no".to_owned()),
        Just("null".to_owned()),
        Just("on".to_owned()),
        Just("1e3".to_owned()),
        Just("0x1f".to_owned()),
        name
    ];
    (
        proptest::collection::vec(tricky(), Credential::ALL.len()),
        proptest::collection::hash_set(odd, 6).prop_map(|names| names.into_iter().collect::<Vec<_>>()),
        "([a-z0-9][a-z0-9-]{0,6}[a-z0-9]\\.){0,2}[a-z]{2,5}",
        prop_oneof![Just("Etc/GMT+3".to_owned()), Just("UTC".to_owned()), "[A-Z][a-z]{2,8}/[A-Z][a-z_]{2,8}"],
        "[a-z_][a-z0-9_-]{0,8}x",
        "[ -~]{0,30}",
        "[A-Za-z0-9._~:?#\\[\\]@!$&()*+,;=%-]{0,30}",
        (prop_oneof![tricky(), "(\\PC|[\n\t]){0,40}"], any::<i64>(), proptest::num::f64::NORMAL),
    )
        .prop_map(|(texts, names, domain, zone, user, comment, path, setting)| Words {
            // The directory's password stands elsewhere, and Cloudify 7.0 takes none.
            credentials: Credential::ALL
                .iter()
                .filter(|which| **which != Credential::LdapPassword)
                .zip(&texts)
                .map(|(which, text)| (*which, fit(*which, text)))
                .collect(),
            names: names.try_into().expect("six"),
            domain,
            zone,
            user,
            comment,
            path,
            setting,
        })
}

/// A text in YAML's single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn key(words: &Words) -> String {
    format!("ssh-ed25519 {} {}", "A".repeat(68), words.comment).trim_end().to_owned()
}

fn url(words: &Words) -> String {
    format!("http://repo.example.com/{}", words.path)
}

fn spec(words: &Words) -> String {
    let [a, b, c, broker, manager, balancer] = &words.names;
    let hosts = [(a, "database"), (b, "database"), (c, "database"), (broker, "broker"), (manager, "manager")];
    let mut text = format!(
        "apiVersion: cfy-seed/v1\nname: prod\ntimezone: {}\ncloudify:\n  version: '7.0.4'\n  edition: community\n  \
         rpm: {{url: {}}}\naccess: {{user: {}, ssh_authorized_keys: [{}]}}\nnetwork: {{domain: {}, proxy: {}}}\nhosts:\n",
        quoted(&words.zone),
        quoted(&url(words)),
        quoted(&words.user),
        quoted(&key(words)),
        quoted(&words.domain),
        quoted(&url(words)),
    );
    for (at, (name, role)) in hosts.iter().enumerate() {
        text.push_str(&format!("- {{name: {}, roles: [{role}], private_ip: 10.0.0.{}}}\n", quoted(name), at + 10));
    }
    text.push_str(&format!("- {{name: {}, roles: [load_balancer], private_ip: 10.0.0.9}}\n", quoted(balancer)));
    // JSON is YAML, whatever the text has.
    let (own, number, float) = (json!(words.setting.0), words.setting.1, words.setting.2);
    text.push_str(&format!(
        "config: {{all: {{prometheus: {{own: {own}, list: [{own}, {number}, {float:?}, null]}}}}}}\n"
    ));
    text.push_str(&format!("cloud_init: {{all: {{own: {own}, runcmd: [[echo, {own}]]}}}}\n"));
    text.push_str("credentials:\n");
    for (which, value) in &words.credentials {
        text.push_str(&format!("  {}: {}\n", which.as_str(), quoted(value)));
    }
    text
}

/// user-data of a database, the broker and the manager, with stand-ins for keys and certificates.
fn user_data(project: &Project, plan: &Plan) -> Vec<String> {
    let key = Secret::new("a key\n");
    let hosts = [0, 3, 4].map(|at| &plan.hosts[at]);
    let rendered = hosts.map(|host| {
        let clients = plan.identity.clients.iter();
        let view = HostView {
            plan,
            host,
            target: &plan.seed,
            ca: "a CA\n",
            box_key: plan.fetches_payload(host).then_some("a public key\n"),
            certificate: "a certificate\n",
            key: &key,
            clients: clients.map(|name| Client { common_name: name, certificate: "one\n", key: &key }).collect(),
            credentials: project.supplied.iter().map(|(name, secret)| (*name, secret)).collect(),
            attachments: BTreeMap::new(),
            templates: &project.templates,
            overrides: project.overrides[&host.name].clone(),
        };
        render_host(&view).expect("it renders").user_data.expose().to_owned()
    });
    rendered.to_vec()
}

#[test]
fn what_the_spec_accepts_comes_back_equal_through_pyyaml() {
    let cases = if long() { Config::default().cases } else { 24 };
    let mut runner = if long() { TestRunner::default() } else { TestRunner::deterministic() };
    let scratch = Scratch::new();
    let mut all = Vec::new();
    while all.len() < cases as usize {
        let words = words().new_tree(&mut runner).expect("words").current();
        scratch.write("cluster.yaml", spec(&words));
        let mut project = Project::open(Some(&scratch.spec()), time::OffsetDateTime::now_utc()).expect("profiles");
        // Names that look alike are refused nowhere, words that the rules refuse are not what is tested here.
        let Some(plan) = project.plan.take() else { panic!("{words:#?}\n{:#?}", project.report) };
        let texts = user_data(&project, &plan);
        all.push((words, texts));
    }
    let texts: Vec<&Vec<String>> = all.iter().map(|(_, texts)| texts).collect();
    let Some(read) = python(READ, &json!(texts)) else { return };
    for ((words, _), hosts) in all.iter().zip(read.as_array().expect("cases")) {
        came_back(words, hosts);
    }
}

fn came_back(words: &Words, hosts: &Value) {
    let secret = |which: Credential| Value::from(words.credentials[&which].as_str());
    let (database, broker, manager) = (&hosts[0]["roles"]["database"], &hosts[1]["roles"]["broker"], &hosts[2]);
    let server = &database["postgresql_server"];
    let of_manager = &manager["roles"]["manager"];
    for (found, which) in [
        (&server["postgres_password"], Credential::PostgresPassword),
        (&server["cluster"]["etcd"]["cluster_token"], Credential::EtcdClusterToken),
        (&server["cluster"]["etcd"]["root_password"], Credential::EtcdRootPassword),
        (&server["cluster"]["etcd"]["patroni_password"], Credential::EtcdPatroniPassword),
        (&server["cluster"]["patroni"]["rest_password"], Credential::PatroniRestPassword),
        (&server["cluster"]["postgres"]["replicator_password"], Credential::ReplicatorPassword),
        (&server["db_monitoring"]["password"], Credential::DbMonitoringPassword),
        (&database["prometheus"]["credentials"]["password"], Credential::PrometheusPassword),
        (&broker["rabbitmq"]["password"], Credential::RabbitmqPassword),
        (&broker["rabbitmq"]["erlang_cookie"], Credential::ErlangCookie),
        (&of_manager["manager"]["security"]["admin_password"], Credential::AdminPassword),
        (&of_manager["postgresql_client"]["cloudify_password"], Credential::CloudifyDbPassword),
        (&of_manager["postgresql_client"]["server_password"], Credential::PostgresPassword),
    ] {
        assert_eq!(*found, secret(which), "{}", which.as_str());
    }
    let (own, number, float) = &words.setting;
    for (host, role) in [(0, "database"), (1, "broker"), (2, "manager")] {
        let settings = &hosts[host]["roles"][role]["prometheus"];
        assert_eq!(settings["own"], own.as_str());
        assert_eq!(settings["list"], json!([own, number, float, null]));
        assert_eq!(hosts[host]["config"]["own"], own.as_str());
        assert_eq!(hosts[host]["config"]["runcmd"][3][1], own.as_str());
    }
    let nodes = server["cluster"]["nodes"].as_object().expect("nodes");
    assert!(words.names[..3].iter().all(|name| nodes.contains_key(name)), "{nodes:?}");
    assert_eq!(broker["rabbitmq"]["nodename"], words.names[3].as_str());
    for (host, name) in [(0, 0), (1, 3), (2, 4)] {
        let (config, files) = (&hosts[host]["config"], &hosts[host]["files"]);
        assert_eq!(config["hostname"], words.names[name].as_str());
        assert_eq!(config["fqdn"], format!("{}.{}", words.names[name], words.domain));
        assert_eq!(config["timezone"], words.zone.as_str());
        assert_eq!(config["users"][1]["name"], words.user.as_str());
        assert_eq!(config["users"][1]["ssh_authorized_keys"][0], key(words));
        let plan = files["/var/lib/cfy-seed/secret/plan"].as_str().expect("records");
        assert!(plan.lines().any(|line| line == format!("proxy\t{}", url(words))), "{plan}");
        assert!(plan.lines().any(|line| line == format!("rpm\turl\t{}\t-", url(words))), "{plan}");
    }
}

const SECRETS: [&str; 3] = ["Hidden0Admin1Word", "Hidden0Cookie2Word", "Hidden0Token3Word"];

fn with_secrets() -> String {
    format!(
        "apiVersion: cfy-seed/v1\nname: prod\ncredentials:\n  admin_password: \"{}\"\n  erlang_cookie: {}\n  \
         etcd_cluster_token: |-\n    {}\ncloudify: {{version: \"7.0.4\", rpm: {{preinstalled: true}}}}\nhosts:\n  \
         - {{name: cloudify, roles: [database, broker, manager], private_ip: 10.0.0.31}}\n",
        SECRETS[0], SECRETS[1], SECRETS[2]
    )
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    /// One slip of the finger anywhere in a spec: whatever is said about it, no secret is shown.
    #[test]
    fn a_typing_error_shows_no_secret(at in 0.0..1.0_f64, slip in "[\t\n :{}\\[\\]\"'#&*!|,-]{0,2}", cut in 0..3_usize) {
        let text = with_secrets();
        let start = (at * text.len() as f64) as usize;
        let end = (start + cut).min(text.len());
        let text = format!("{}{slip}{}", &text[..start], &text[end..]);
        let mut sources = Sources::default();
        let parsed = cfy_seed::spec::parse("cluster.yaml", &text, &mut sources);
        let said = render(&parsed.report, &sources, Style::default());
        let json = cfy_seed::diag::json(&parsed.report, &sources);
        for secret in SECRETS {
            // A slip inside of it leaves both halves; the longer one is what somebody could use.
            for part in [&secret[..8], &secret[9..]] {
                prop_assert!(!said.contains(part) && !json.contains(part), "{}\n{}", text, said);
            }
        }
    }

    /// Any text at all: an answer, and soon.
    #[test]
    fn any_text_gets_an_answer(text in "(\\PC|[\n\t:{}\\[\\]\"'#&*!|> -]){0,200}") {
        let mut sources = Sources::default();
        let parsed = cfy_seed::spec::parse("cluster.yaml", &text, &mut sources);
        prop_assert!(!render(&parsed.report, &sources, Style::default()).contains("panicked"));
        prop_assert!(parsed.spec.is_some() || parsed.report.has_errors());
    }
}

//! No secret where it does not belong: other hosts' bundles, modes, messages, plans.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;

use crate::support::{Bundle, Scratch, cfy_seed, files, modes};

/// Directories that refer to the bundles and hold no secret; some have scripts.
const HANDOFFS: [&str; 7] =
    ["firewall/", "instructions/", "libvirt/", "packer/", "proxmox/", "terraform/", "vsphere/"];

/// Which credentials a role may know. Everything else is another role's.
const MAY: &[(&str, &[&str])] = &[
    (
        "db-",
        &[
            "postgres_password",
            "etcd_cluster_token",
            "etcd_root_password",
            "etcd_patroni_password",
            "patroni_rest_password",
            "replicator_password",
            "db_monitoring_password",
            "prometheus_password",
        ],
    ),
    ("broker-", &["rabbitmq_password", "erlang_cookie", "prometheus_password"]),
    (
        "manager-",
        &["admin_password", "postgres_password", "cloudify_db_password", "rabbitmq_password", "prometheus_password"],
    ),
    ("balancer", &[]),
];

/// Texts that give a key away: its lines, and its modulus-bearing DER in base64 whatever the line length.
fn traces(pem: &str) -> Vec<String> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(&body).expect("base64");
    let hex: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
    // The private exponent begins in the second third of a PKCS#1 key; the public modulus is in the certificate too.
    let middle = body.len() / 2;
    vec![body[middle..middle + 40].to_owned(), hex[hex.len() / 2..hex.len() / 2 + 40].to_owned()]
}

/// Everything in a host's bundle that a reader can get at: the files as they are, and user-data decoded.
fn readable(bundle: &Bundle, host: &str) -> Vec<u8> {
    let mut all = Vec::new();
    for (_, bytes) in files(bundle.tree.join("hosts").join(host).as_std_path()) {
        all.extend(bytes);
    }
    for (path, (_, content)) in &bundle.host(host).files {
        all.extend(path.bytes().chain(content.bytes()));
        // A PEM's lines joined, so that a trace over a line end is found.
        all.extend(content.bytes().filter(|byte| *byte != b'\n'));
    }
    all
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn a_bundle_has_its_own_keys_and_its_own_roles_credentials_only() {
    let bundle = Bundle::nine_node();
    let keys: BTreeMap<String, String> = files(bundle.scratch.join("vault").as_std_path())
        .into_iter()
        .filter(|(name, _)| name.ends_with(".key"))
        .map(|(name, bytes)| (name, String::from_utf8(bytes).expect("PEM")))
        .collect();
    assert_eq!(keys.len(), 13, "CA, ten hosts, two clients");
    let credentials = bundle.credentials();
    assert_eq!(credentials.len(), 12);
    for host in bundle.hosts.keys() {
        let all = readable(bundle, host);
        let (_, may) = MAY.iter().find(|(prefix, _)| host.starts_with(prefix)).expect("a role");
        for (name, pem) in &keys {
            let own = *name == format!("hosts/{host}.key")
                || (name.starts_with("clients/") && host.starts_with("manager-"));
            assert_eq!(traces(pem).iter().any(|trace| holds(&all, trace)), own, "{host}: {name}");
        }
        let known: BTreeSet<&str> =
            credentials.iter().filter(|(_, value)| holds(&all, value)).map(|(name, _)| name.as_str()).collect();
        assert_eq!(known, may.iter().copied().collect(), "{host}");
    }
}

#[test]
fn what_is_beside_the_bundles_has_no_secret() {
    let bundle = Bundle::nine_node();
    for name in ["manifest.json", "SHA256SUMS"] {
        let text = std::fs::read(bundle.tree.join(name)).expect("a file");
        for (credential, value) in bundle.credentials() {
            assert!(!holds(&text, &value), "{name} has {credential}");
        }
        assert!(!holds(&text, "PRIVATE KEY"), "{name}");
    }
}

#[test]
fn nobody_else_can_read_vault_and_bundles() {
    for bundle in [Bundle::nine_node(), Bundle::all_in_one()] {
        for directory in [bundle.scratch.join("vault"), bundle.tree.clone()] {
            for (path, mode) in modes(directory.as_std_path()) {
                let beside = HANDOFFS.iter().any(|known| path.starts_with(known));
                let most = match directory.join(&path).is_dir() {
                    true => 0o700,
                    false if beside => 0o755,
                    false => 0o600,
                };
                assert_eq!(mode & !most, 0, "{directory}/{path} is {mode:o}");
            }
        }
        for host in bundle.hosts.values() {
            for (path, (mode, _)) in &host.files {
                let open = ["/usr/local/", "/etc/systemd/"].iter().any(|known| path.starts_with(known));
                assert!(open || mode == "0600", "{path} is {mode}");
            }
        }
    }
}

/// No command but `credentials NAME` prints one, whatever the spec is.
#[test]
fn no_command_prints_a_secret() {
    let scratch = Scratch::fixture("nine-node");
    let given = "GivenByThePerson123";
    let spec = std::fs::read_to_string(scratch.spec()).expect("a spec");
    scratch.write("cluster.yaml", format!("{spec}credentials:\n  admin_password: \"{given}\"\n"));
    let vault = scratch.join("vault");
    let with_vault = |arguments: &[&str]| cfy_seed(scratch.path()).args(arguments).args(&["--vault", "vault"]);
    let mut said = vec![
        cfy_seed(scratch.path()).args(&["check"]).exits(0).all(),
        cfy_seed(scratch.path()).args(&["check", "--format", "json"]).exits(0).all(),
        with_vault(&["plan"]).exits(0).all(),
        with_vault(&["plan", "--format", "json"]).exits(0).all(),
        with_vault(&["build"]).exits(0).all(),
        with_vault(&["plan"]).exits(0).all(),
        with_vault(&["credentials"]).exits(0).all(),
        with_vault(&["credentials", "admin_password"]).exits(64).all(),
        with_vault(&["credentials", "nonsense"]).exits(64).all(),
    ];
    // A damaged vault is spoken of without its content.
    let secrets = std::fs::read_to_string(vault.join("secrets.yaml")).expect("secrets");
    for damaged in [secrets.replace("schema:", "chema:"), secrets.replace("credentials:", "credentials: ["), {
        secrets.replace("password: '", "password: ['")
    }] {
        std::fs::write(vault.join("secrets.yaml"), damaged).expect("a file");
        said.push(with_vault(&["build"]).exits(1).all());
        said.push(with_vault(&["plan"]).exits(1).all());
    }
    let mut values: Vec<String> = Bundle::nine_node().credentials().into_values().collect();
    values.push(given.to_owned());
    for text in said {
        for value in &values {
            assert!(!text.contains(value.as_str()), "{text}");
        }
        assert!(!text.contains("PRIVATE KEY"), "{text}");
    }
    // On request, and where it is said that a pipe is meant, the one that was asked for.
    std::fs::write(vault.join("secrets.yaml"), secrets).expect("a file");
    let one = with_vault(&["credentials", "erlang_cookie", "--pipe"]).exits(0);
    assert_eq!(one.stdout.trim_end(), Bundle::nine_node().credentials()["erlang_cookie"]);
    let own = with_vault(&["credentials", "admin_password", "--pipe"]).exits(0);
    assert_eq!(own.stdout, format!("{given}\n"));
}

/// Logins and tokens in addresses are secrets too.
#[test]
fn nothing_prints_what_is_secret_in_an_address() {
    let scratch = Scratch::fixture("nine-node");
    let spec = std::fs::read_to_string(scratch.spec()).expect("a spec");
    let mut lines: Vec<String> = spec.lines().map(str::to_owned).collect();
    let rpm =
        lines.iter().position(|line| line.trim_start().starts_with("url:")).expect("the address of the installer");
    let indent = &lines[rpm][..lines[rpm].len() - lines[rpm].trim_start().len()];
    lines[rpm] = format!("{indent}url: \"https://bob:UrlSecret@files.example.com/x.rpm?sig=QuerySecret\"");
    lines.retain(|line| !line.trim_start().starts_with("sha256:") && !line.starts_with("os_packages:"));
    lines.push("os_packages: {from: {repo: {baseurl: \"https://al:RepoSecret@files.example.com/el8\"}}}".into());
    let good = lines.join("\n") + "\n";
    let with_login = good.clone() + "payload: {url: \"http://eve:PayloadSecret@files.example.com/payload\"}\n";
    let broken = good.replace("os_packages: {", "os_packages: {{{");
    let mut said = Vec::new();
    for (text, code) in [(&good, 0), (&with_login, 1), (&broken, 1)] {
        scratch.write("cluster.yaml", text);
        for format in ["text", "json"] {
            said.push(cfy_seed(scratch.path()).args(&["check", "--format", format]).exits(code).all());
        }
    }
    scratch.write("cluster.yaml", &good);
    for format in ["text", "json", "html"] {
        said.push(cfy_seed(scratch.path()).args(&["plan", "--format", format]).exits(0).all());
    }
    said.push(cfy_seed(scratch.path()).args(&["build"]).exits(0).all());
    assert!(said[0].contains("https://*************@files.example.com/x.rpm?***************"), "{}", said[0]);
    assert!(said[6].contains("https://***@files.example.com/x.rpm?***, without a digest"), "{}", said[6]);
    for text in said {
        for secret in ["UrlSecret", "QuerySecret", "RepoSecret", "PayloadSecret"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

//! What hosts weigh with keys and certificates that the tool makes, against the narrowest limit there is.
//!
//! `cargo test --test suite -- --ignored --nocapture budget::table` prints the table of docs/sizes.md.

use std::collections::BTreeMap;
use std::fs;

use cfy_seed::bundle::gzip::dense;
use cfy_seed::project::{Footprint, Packing, Project, footprint};

use crate::support::{Bundle, Scratch, cfy_seed, root};

/// Raw bytes of user-data on AWS (platforms.md).
const AWS: usize = 16_384;
const TO_SPARE: usize = 1024;
/// The size and the randomness of a licence: a dozen words and a signature of 2048 bits. Only the first manager has it.
const LICENSE: &str = include_str!("budget-license.yaml");

/// A shape as a user fills it in, with keys of this length.
fn filled(shape: &str, bits: usize) -> Scratch {
    let spec = fs::read_to_string(root().join(format!("profiles/shapes/{shape}.yaml"))).expect("a shape");
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let url = "el8.x86_64.rpm\"\n";
    assert!(spec.contains(url) && spec.contains("rsa-2048") && spec.contains("ssh_authorized_keys: []"));
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHU7wKoFEAV8hCUWdwSlREkp6Q6CcVpCJXC3vkwh3avw operator@test-only";
    let spec = spec
        .replace(url, &format!("el8.x86_64.rpm\"\n    sha256: \"{digest}\"\n"))
        .replace("rsa-2048", &format!("rsa-{bits}"))
        .replace("ssh_authorized_keys: []", &format!("ssh_authorized_keys: [\"{key}\"]"));
    let scratch = Scratch::new();
    scratch.write("cluster.yaml", spec);
    scratch.write("license.yaml", LICENSE);
    for (from, to) in [("database-ca.pem", "rds-ca.pem"), ("broker-ca.pem", "rabbitmq-ca.pem")] {
        let ca = fs::read(root().join("tests/fixtures/external-both").join(from)).expect("a CA");
        scratch.write(to, ca);
    }
    scratch
}

/// Bytes of each host's user-data as AWS gets it, where that decides.
fn weights(bundle: &Bundle) -> BTreeMap<&str, usize> {
    let weigh = |text: &str| dense(text.as_bytes()).expect("memory").len();
    bundle.hosts.values().map(|host| (host.name.as_str(), weigh(&host.user_data))).collect()
}

fn most(bits: usize) -> usize {
    let scratch = filled("nine-node", bits);
    let bundle = Bundle::build(scratch);
    let weights = weights(&bundle);
    println!("RSA-{bits}: {weights:?}");
    assert_eq!(weights.len(), 9);
    weights.into_values().max().expect("hosts")
}

#[test]
fn nine_nodes_at_2048_bits_leave_a_kilobyte_of_what_aws_takes() {
    // Keys and certificates are new each time, and so is the size by some bytes.
    let most = (0..3).map(|_| most(2048)).max().expect("vaults");
    assert!(most <= AWS - TO_SPARE, "{most} bytes");
}

#[test]
fn nine_nodes_at_3072_bits_fit_what_aws_takes() {
    let most = most(3072);
    assert!(most <= AWS, "{most} bytes");
}

#[test]
fn user_data_for_aws_is_packed_as_densely_as_that() {
    let scratch = filled("nine-node", 3072);
    let spec = fs::read_to_string(scratch.spec()).expect("a spec").replace("target: [nocloud]", "target: [aws]");
    scratch.write("cluster.yaml", spec);
    cfy_seed(scratch.path()).args(&["build"]).exits(0);
    let file = fs::read(scratch.join("out/example/hosts/manager-1/user-data.aws")).expect("user-data for AWS");
    assert!(file.len() <= AWS, "{} bytes", file.len());
}

/// Before there is a vault, `plan` must not say that something fits which then does not; nor scare people off.
#[test]
fn estimates_are_about_right_and_never_too_low() {
    for (shape, bits) in [("nine-node", 2048), ("nine-node", 4096), ("three-node", 3072), ("external-both", 2048)] {
        let scratch = filled(shape, bits);
        let before = sizes(&scratch);
        assert!(!before.exact);
        let bundle = Bundle::build(scratch);
        for host in &before.hosts {
            let real = cfy_seed::bundle::gzip::gzip(bundle.host(host.host.as_str()).user_data.as_bytes());
            let (real, guess) = (real.expect("memory").len(), host.gzipped.expect("measured"));
            assert!(guess >= real && guess <= real + real / 25, "{shape} {bits} {}: {guess} for {real}", host.host);
        }
    }
}

fn sizes(scratch: &Scratch) -> Footprint {
    let mut project = Project::open(Some(&scratch.spec()), time::OffsetDateTime::now_utc()).expect("sound profiles");
    let plan = project.plan.take().expect("a plan");
    footprint(&project, &plan, None, Packing::Auto).expect("sizes")
}

#[test]
#[ignore = "prints the table of docs/sizes.md"]
fn table() {
    println!("| shape | host | RSA-2048 | RSA-3072 | RSA-4096 |\n|---|---|---|---|---|");
    for shape in ["nine-node", "three-node", "all-in-one", "external-db", "external-broker", "external-both"] {
        let bundles = [2048, 3072, 4096].map(|bits| Bundle::build(filled(shape, bits)));
        let [first, second, third] = bundles.each_ref().map(weights);
        for (host, weight) in first {
            println!("| {shape} | `{host}` | {weight} | {} | {} |", second[host], third[host]);
        }
    }
}

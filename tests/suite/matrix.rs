//! Every shape with every version and system that supports it: it builds, `verify` finds nothing, and every config, gate
//! and record is what was accepted (`tests/golden/shapes`).
//!
//! What 7.0 on EL8 gives stands there whole, what others give as the difference from it. Credentials and PEM files are
//! named, not shown, so the vault may be made anew each time. `CFY_BLESS=1` accepts, as in `golden`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use cfy_seed::diag::Severity;
use cfy_seed::profile::{Profiles, SHAPES};
use cfy_seed::project::{Destination, Project};
use cfy_seed::world::FixedWorld;
use similar::TextDiff;

use crate::support::{Bundle, Host, Scratch, cfy_seed, root};

const BALANCER: &str = "  - {name: lb, roles: [load_balancer], private_ip: 10.0.0.100}\n";
/// Records that are the same everywhere, or stand in the configs too.
const LEFT_OUT: &[&str] = &["schema", "cluster", "generation", "time", "file", "ca", "cert", "der", "pair", "scrub"];

/// One place for all builds: keys are made once.
struct Builder {
    scratch: Scratch,
}

impl Builder {
    /// Builds and verifies; `None` where `check` refuses the spec, which it must say with an error.
    fn build(&self, spec: &str) -> Option<BTreeMap<String, Host>> {
        let path = self.scratch.write("cluster.yaml", spec);
        let mut project = Project::open(Some(&path), time::OffsetDateTime::now_utc()).expect("sound profiles");
        let Some(plan) = project.plan.take() else {
            assert!(project.report.iter().any(|found| found.severity == Severity::Error));
            return None;
        };
        let to = Destination { out: self.scratch.join("out"), vault: self.scratch.join("vault") };
        let built = project.build(&plan, &to, &FixedWorld::default(), &|_, _| ()).expect("a build");
        cfy_seed(self.scratch.path()).args(&["verify", built.published.path.as_str()]).exits(0);
        Some(Bundle::read(Scratch::new(), built.published.path).hosts)
    }

    /// The credentials that must not be shown, and what stands for them.
    fn names_of_secrets(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.scratch.join("vault/secrets.yaml")).expect("secrets");
        let secrets: serde_json::Value = serde_yaml::from_str(&text).expect("YAML");
        let known = secrets["credentials"].as_object().expect("credentials");
        known.iter().map(|(name, value)| (value.as_str().expect("text").to_owned(), format!("<{name}>"))).collect()
    }

    /// What the hosts of a build get, as one text.
    fn shown(&self, hosts: &BTreeMap<String, Host>) -> String {
        let mut text = String::new();
        for (name, host) in hosts {
            for (path, (_, content)) in &host.files {
                let Some(path) = path.strip_prefix("/var/lib/cfy-seed/secret/") else { continue };
                if content.contains("-----BEGIN") || matches!(path, "seed.sha256" | "pki") {
                    continue;
                }
                let _ = writeln!(text, "=== {name} {path}");
                let kept = content.lines().filter(|line| path != "plan" || !left_out(line));
                kept.for_each(|line| {
                    let _ = writeln!(text, "{line}");
                });
            }
        }
        self.names_of_secrets().iter().fold(text, |text, (secret, name)| text.replace(secret, name))
    }
}

fn left_out(line: &str) -> bool {
    line.split('\t').next().is_some_and(|kind| LEFT_OUT.contains(&kind))
}

fn difference(from: &str, to: &str) -> String {
    TextDiff::from_lines(from, to).unified_diff().context_radius(0).to_string()
}

fn with(spec: &str, version: &str, platform: &str) -> String {
    let text = spec.replace("version: \"7.0.4\"", &format!("version: \"{version}\""));
    let text = text.replace("\nos: el8\n", &format!("\nos: {platform}\n"));
    assert!(text.contains(version) && text.contains(&format!("\nos: {platform}\n")));
    text
}

/// Every supported pair of version and system, the ones that the texts are compared with first.
fn lines() -> Vec<(String, String)> {
    let profiles = Profiles::embedded().expect("sound profiles");
    let mut lines = vec![("7.0.4".to_owned(), "el8".to_owned())];
    for version in profiles.versions() {
        let version = format!("{version}.4");
        let contract = profiles.contract(version.parse().expect("a version")).expect("a contract");
        for platform in &contract.platforms {
            let line = (version.clone(), platform.clone());
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}

#[test]
fn every_shape_with_every_version_is_what_was_accepted() {
    let builder = Builder { scratch: Scratch::new() };
    let mut wanted = BTreeMap::new();
    for shape in SHAPES {
        let mut first: Option<String> = None;
        for (version, platform) in lines() {
            let spec = with(shape.spec, &version, &platform);
            let Some(hosts) = builder.build(&spec) else {
                wanted.insert(format!("{}/{version}-{platform}", shape.name), "refused\n".to_owned());
                continue;
            };
            let shown = builder.shown(&hosts);
            let name = format!("{}/{version}-{platform}", shape.name);
            match &first {
                None => wanted.insert(name, shown.clone()),
                Some(first) => wanted.insert(name, difference(first, &shown)),
            };
            let balanced = builder.build(&(spec + BALANCER)).expect("a balancer fits everywhere");
            if first.is_none() {
                let name = format!("{}/balancer", shape.name);
                wanted.insert(name, difference(&shown, &builder.shown(&balanced)));
                first = Some(shown);
            }
        }
    }
    compare(&wanted);
}

fn compare(wanted: &BTreeMap<String, String>) {
    let home = root().join("tests/golden/shapes");
    if std::env::var_os("CFY_BLESS").is_some() {
        assert!(std::env::var_os("CI").is_none(), "nothing is accepted where nobody looks");
        let _ = fs::remove_dir_all(&home);
        for (name, text) in wanted {
            let to = home.join(format!("{name}.txt"));
            fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
            fs::write(to, text).expect("a file");
        }
        panic!("{} texts written: look at the difference, then run without CFY_BLESS", wanted.len());
    }
    let there = crate::support::files(&home);
    let accepted: BTreeMap<String, String> = there
        .into_iter()
        .map(|(name, text)| (name.trim_end_matches(".txt").to_owned(), String::from_utf8(text).expect("UTF-8")))
        .collect();
    assert_eq!(accepted.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    for (name, text) in wanted {
        let change = difference(&accepted[name], text);
        assert!(change.is_empty(), "{name} is no longer what was accepted (CFY_BLESS=1 accepts it):\n{change}");
    }
}

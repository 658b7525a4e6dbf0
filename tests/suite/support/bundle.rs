//! Bundles as hosts would see them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::{Utf8Path, Utf8PathBuf};
use cfy_seed::project::{Destination, Project};
use cfy_seed::world::FixedWorld;
use serde_json::Value;

use super::Scratch;

/// In what certificates and keys travel.
pub const PKI: &str = "/var/lib/cfy-seed/secret/pki";

/// A built tree with what it was built from.
pub struct Bundle {
    pub scratch: Scratch,
    pub tree: Utf8PathBuf,
    pub hosts: BTreeMap<String, Host>,
}

/// One host's bundle.
pub struct Host {
    pub name: String,
    pub user_data: String,
    /// `user_data` as YAML without the content of its files.
    pub config: Value,
    /// The files that write_files makes, by path: mode and content. Certificates and keys, which the guest makes of one of
    /// them, are among them.
    pub files: BTreeMap<String, (String, String)>,
}

impl Bundle {
    /// The nine nodes and the balancer of `tests/fixtures`, built once for all tests.
    pub fn nine_node() -> &'static Self {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        BUNDLE.get_or_init(|| Self::build(Scratch::fixture("nine-node")))
    }

    /// The all-in-one of `tests/fixtures`.
    pub fn all_in_one() -> &'static Self {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        BUNDLE.get_or_init(|| Self::build(Scratch::fixture("all-in-one")))
    }

    /// The three hosts that share all roles.
    pub fn three_node() -> &'static Self {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        BUNDLE.get_or_init(|| Self::build(Scratch::fixture("three-node")))
    }

    /// The nine nodes with one text of their spec replaced: the vault stays.
    pub fn nine_node_with(from: &str, to: &str) -> Self {
        let scratch = Scratch::fixture("nine-node");
        let spec = fs::read_to_string(scratch.spec()).expect("a spec");
        assert!(spec.contains(from), "{from}");
        scratch.write("cluster.yaml", spec.replace(from, to));
        Self::build(scratch)
    }

    /// A fixture's spec for another version and operating system: the vault stays.
    pub fn scratch_of_version(shape: &str, version: &str, os: &str) -> Scratch {
        let scratch = Scratch::fixture(shape);
        let spec = fs::read_to_string(scratch.spec()).expect("a spec").replace("7.0.4", version).replace("el8", os);
        let spec = if spec.contains("\nos:") { spec } else { format!("{spec}os: {os}\n") };
        scratch.write("cluster.yaml", spec);
        scratch
    }

    /// What [`Self::scratch_of_version`] gives, built.
    pub fn of_version(shape: &str, version: &str, os: &str) -> Self {
        Self::build(Self::scratch_of_version(shape, version, os))
    }

    /// Builds what is in a directory, with the library and a world that stands still.
    pub fn build(scratch: Scratch) -> Self {
        let mut project =
            Project::open(Some(&scratch.spec()), time::OffsetDateTime::now_utc()).expect("sound profiles");
        let Some(plan) = project.plan.take() else { panic!("{:#?}", project.report) };
        let to = Destination { out: scratch.join("out"), vault: scratch.join("vault") };
        let built = project.build(&plan, &to, &FixedWorld::default(), &|_, _| ()).expect("a build");
        Self::read(scratch, built.published.path)
    }

    /// Reads a built tree.
    pub fn read(scratch: Scratch, tree: Utf8PathBuf) -> Self {
        let entries = fs::read_dir(tree.join("hosts")).expect("hosts");
        let directories = entries.map(|entry| Utf8PathBuf::try_from(entry.expect("an entry").path()).expect("UTF-8"));
        let hosts = directories.map(|path| Host::read(&path)).map(|host| (host.name.clone(), host)).collect();
        Self { scratch, tree, hosts }
    }

    pub fn host(&self, name: &str) -> &Host {
        &self.hosts[name]
    }

    pub fn vault(&self, path: &str) -> String {
        fs::read_to_string(self.scratch.join("vault").join(path)).expect("a file of the vault")
    }

    /// The credentials in the vault, by name.
    pub fn credentials(&self) -> BTreeMap<String, String> {
        let secrets: Value = serde_yaml::from_str(&self.vault("secrets.yaml")).expect("YAML");
        serde_json::from_value(secrets["credentials"].clone()).expect("credentials")
    }
}

impl Host {
    fn read(directory: &Utf8Path) -> Self {
        let user_data = fs::read_to_string(directory.join("user-data")).expect("user-data");
        let mut config: Value = serde_yaml::from_str(&user_data).expect("YAML");
        let mut files = BTreeMap::new();
        for file in config["write_files"].as_array_mut().expect("files") {
            let content = file.as_object_mut().expect("a file").remove("content").unwrap_or_else(|| "".into());
            let text = |value: &Value| value.as_str().expect("text").to_owned();
            let twice = files.insert(
                text(&file["path"]),
                (file["permissions"].as_str().unwrap_or("0644").to_owned(), text(&content)),
            );
            assert!(twice.is_none(), "a file twice in {directory}");
        }
        let packed = STANDARD.decode(&files[PKI].1).expect("base64");
        let mut pki = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut pki).expect("gzip");
        let plan = &files["/var/lib/cfy-seed/secret/plan"].1;
        for (name, pem) in cfy_seed::verify::unpack(plan, &pki).expect("certificates and keys") {
            let twice = files.insert(format!("/var/lib/cfy-seed/secret/files/{name}"), ("0600".to_owned(), pem));
            assert!(twice.is_none(), "{name} twice in {directory}");
        }
        Self { name: directory.file_name().expect("a name").to_owned(), user_data, config, files }
    }

    pub fn text(&self, path: &str) -> &str {
        let Some((_, content)) = self.files.get(path) else { panic!("{} has no {path}", self.name) };
        content
    }

    /// A file of the seed by its name below `secret/files`.
    pub fn seed(&self, name: &str) -> &str {
        self.text(&format!("/var/lib/cfy-seed/secret/files/{name}"))
    }

    /// The config of a role.
    pub fn role(&self, role: &str) -> Value {
        serde_yaml::from_str(self.seed(&format!("{role}.yaml"))).expect("YAML")
    }

    /// The lines of the driver's plan whose first field is this, without it.
    pub fn records(&self, kind: &str) -> Vec<Vec<&str>> {
        let lines = self.text("/var/lib/cfy-seed/secret/plan").lines().map(|line| line.split('\t'));
        lines
            .map(Iterator::collect::<Vec<_>>)
            .filter(|fields| fields[0] == kind)
            .map(|fields| fields[1..].to_vec())
            .collect()
    }

    /// The lines of a gate or health file.
    pub fn probes(&self, kind: &str, role: &str) -> Vec<&str> {
        self.text(&format!("/var/lib/cfy-seed/secret/{kind}/{role}")).lines().collect()
    }
}

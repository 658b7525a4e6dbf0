//! cloud-config and meta-data, as types. Only keys that mean the same on every stock EL image (el-hosts.md).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::names::{HostName, Secret};
use crate::plan::{FirstBootSource, Plan};
use crate::yaml::{Mapping, Node, NodeKind};

use super::{Encoding, GuestFile, HostView, RenderError, guest};

/// Valid, and nothing in it.
pub const VENDOR_DATA: &str = "#cloud-config\n{}\n";

/// One item of a list: of ours, or behind them of the operator's.
#[derive(Serialize)]
#[serde(untagged)]
enum Item<'a, T> {
    Ours(T),
    Own(&'a Node),
}

#[derive(Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of cloud-config")]
struct CloudConfig<'a> {
    hostname: String,
    fqdn: &'a str,
    preserve_hostname: bool,
    // true would map the host's own name to 127.0.0.1; the driver writes a block of its own.
    manage_etc_hosts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh_pwauth: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_root: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ssh_authorized_keys: Vec<Item<'a, String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<Item<'a, User>>,
    bootcmd: Vec<Item<'a, [String; 3]>>,
    write_files: Vec<Item<'a, WriteFile<'a>>>,
    runcmd: Vec<Item<'a, Vec<String>>>,
    #[serde(flatten)]
    own: BTreeMap<&'a str, &'a Node>,
}

/// The keys whose lists hold ours first.
const LISTS: [&str; 5] = ["ssh_authorized_keys", "users", "bootcmd", "write_files", "runcmd"];

/// Ours, and behind them what the operator has under the same key: theirs cannot keep ours from being done.
fn list<'a, T>(ours: impl IntoIterator<Item = T>, key: &str, own: &'a Mapping) -> Vec<Item<'a, T>> {
    let own = match own.get(key).map(|value| &value.kind) {
        Some(NodeKind::List(items)) => items.as_slice(),
        _ => &[],
    };
    ours.into_iter().map(Item::Ours).chain(own.iter().map(Item::Own)).collect()
}

#[derive(Serialize)]
#[serde(untagged)]
enum User {
    /// The image's own user, which would not be made if others are named without it.
    Default(&'static str),
    Own {
        name: String,
        groups: &'static str,
        sudo: &'static str,
        shell: &'static str,
        lock_passwd: bool,
        // An empty list is none to cloud-init's schema.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        ssh_authorized_keys: Vec<String>,
    },
}

#[derive(Serialize)]
struct WriteFile<'a> {
    path: &'a str,
    owner: &'static str,
    permissions: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    content: Cow<'a, str>,
}

/// What packs the content of a file: gzip and base64, in that order.
pub type PackFile<'f> = &'f dyn Fn(&str) -> Option<String>;

/// How cloud-init calls it.
const PACKED: &str = "gz+b64";
const PACKED_KEY: &str = "  encoding: 'gz+b64'\n";

/// user-data of one host; each file packed by itself where that makes it smaller.
pub fn user_data(view: &HostView<'_>, files: &[GuestFile], pack: PackFile<'_>) -> Result<Secret, RenderError> {
    let plan = view.plan;
    let own = &view.overrides.cloud_init;
    let keys: Vec<String> = plan.ssh_keys.iter().map(ToString::to_string).collect();
    let (users, default_keys) = match &plan.user {
        // A list of users without the image's own would not make that one.
        None if own.get("users").is_some_and(|users| !names_default(users)) => (vec![User::Default("default")], keys),
        None => (Vec::new(), keys),
        Some(name) => {
            let own = User::Own {
                name: name.to_string(),
                groups: "wheel",
                sudo: "ALL=(ALL) NOPASSWD:ALL",
                shell: "/bin/bash",
                lock_passwd: true,
                ssh_authorized_keys: keys,
            };
            (vec![User::Default("default"), own], Vec::new())
        }
    };
    let bootcmd = [["sh".into(), "-c".into(), guest::bootcmd()]];
    let rest = own.entries.iter().map(|(key, value)| (key.text.as_str(), value));
    let rest = rest.filter(|(key, _)| !LISTS.contains(key)).collect();
    let config = CloudConfig {
        hostname: view.host.name.to_string(),
        fqdn: &view.host.fqdn,
        preserve_hostname: false,
        manage_etc_hosts: false,
        timezone: plan.timezone.as_ref().map(ToString::to_string),
        ssh_pwauth: own.get("ssh_pwauth").is_none().then_some(false),
        disable_root: own.get("disable_root").is_none().then_some(true),
        ssh_authorized_keys: list(default_keys, "ssh_authorized_keys", own),
        users: list(users, "users", own),
        bootcmd: list(bootcmd, "bootcmd", own),
        write_files: list(files.iter().map(|file| write_file(file, pack)), "write_files", own),
        runcmd: list(runcmd(view), "runcmd", own),
        own: rest,
    };
    Ok(Secret::new(format!("#cloud-config\n{}", crate::yaml::to_text(&config)?)))
}

/// The unit is enabled here and not in an image, which must not start it before a seed is there.
fn runcmd(view: &HostView<'_>) -> Vec<Vec<String>> {
    let plan = view.plan;
    let check = (plan.first_boot == FirstBootSource::Image).then(|| {
        let told = [view.host.name.to_string(), plan.cluster.to_string(), plan.generation.to_string()];
        ["sh".into(), "-c".into(), guest::image_check(), "cfy-seed".into()].into_iter().chain(told).collect()
    });
    let start = [
        vec!["systemctl", "daemon-reload"],
        vec!["systemctl", "enable", guest::DRIVER_UNIT],
        // Without --no-block, runcmd would wait for a unit that may wait for other hosts.
        vec!["systemctl", "start", "--no-block", guest::DRIVER_UNIT],
    ];
    check.into_iter().chain(start.map(|words| words.into_iter().map(str::to_owned).collect())).collect()
}

fn names_default(users: &Node) -> bool {
    let NodeKind::List(users) = &users.kind else { return false };
    users.iter().any(|user| matches!(&user.kind, NodeKind::Text(name) if name == "default"))
}

fn write_file<'a>(file: &'a GuestFile, pack: PackFile<'_>) -> WriteFile<'a> {
    let plain = file.content.expose();
    // With the words that say so, it must still be shorter.
    let shorter = |packed: &String| packed.len() + PACKED_KEY.len() < plain.len();
    let (encoding, content) = match file.encoding {
        Encoding::GzipBase64 => (Some(PACKED), Cow::Borrowed(plain)),
        Encoding::Text => match pack(plain).filter(shorter) {
            Some(packed) => (Some(PACKED), Cow::Owned(packed)),
            None => (None, Cow::Borrowed(plain)),
        },
    };
    WriteFile { path: file.path.as_str(), owner: "root:root", permissions: file.mode.to_string(), encoding, content }
}

/// The instance-id of a host: stable, because a change of it makes everything run again and gives the host new SSH keys
/// (first-boot.md P18).
#[must_use]
pub fn instance_id(plan: &Plan, host: &HostName) -> String {
    format!("cfy-{}-{host}-g{}", plan.cluster, plan.generation)
}

/// meta-data of one host. `local-hostname` is the FQDN: a scrubbed host falls back to it.
pub fn meta_data(view: &HostView<'_>) -> Result<String, RenderError> {
    let id = instance_id(view.plan, &view.host.name);
    let data = BTreeMap::from([("instance-id", id.as_str()), ("local-hostname", view.host.fqdn.as_str())]);
    Ok(crate::yaml::to_text(&data)?)
}

//! cloud-config and meta-data, as types. Only keys that mean the same on every stock EL image (el-hosts.md).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::names::{HostName, Secret};
use crate::plan::Plan;

use super::{GuestFile, HostView, RenderError, guest};

/// Valid, and nothing in it.
pub const VENDOR_DATA: &str = "#cloud-config\n{}\n";

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
    ssh_pwauth: bool,
    disable_root: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ssh_authorized_keys: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<User>,
    bootcmd: Vec<[String; 3]>,
    write_files: Vec<WriteFile<'a>>,
    runcmd: Vec<Vec<&'static str>>,
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
    content: &'a str,
}

/// user-data of one host.
pub fn user_data(view: &HostView<'_>, files: &[GuestFile]) -> Result<Secret, RenderError> {
    let plan = view.plan;
    let keys: Vec<String> = plan.ssh_keys.iter().map(ToString::to_string).collect();
    let (users, default_keys) = match &plan.user {
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
    let config = CloudConfig {
        hostname: view.host.name.to_string(),
        fqdn: &view.host.fqdn,
        preserve_hostname: false,
        manage_etc_hosts: false,
        timezone: plan.timezone.as_ref().map(ToString::to_string),
        ssh_pwauth: false,
        disable_root: true,
        ssh_authorized_keys: default_keys,
        users,
        bootcmd: guest::bootcmd(&plan.packages).into_iter().map(|text| ["sh".into(), "-c".into(), text]).collect(),
        write_files: files
            .iter()
            .map(|file| WriteFile {
                path: file.path.as_str(),
                owner: "root:root",
                permissions: file.mode.to_string(),
                content: file.content.expose(),
            })
            .collect(),
        runcmd: vec![
            vec!["systemctl", "daemon-reload"],
            vec!["systemctl", "enable", guest::DRIVER_UNIT],
            // Without --no-block, runcmd would wait for a unit that may wait for other hosts.
            vec!["systemctl", "start", "--no-block", guest::DRIVER_UNIT],
        ],
    };
    Ok(Secret::new(format!("#cloud-config\n{}", crate::yaml::to_text(&config)?)))
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

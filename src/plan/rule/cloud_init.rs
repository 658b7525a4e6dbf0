//! `cloud_init`: cloud-config of the operator's own. What means something else on some stock EL image, or is in the way
//! of ours, is refused (el-hosts.md).

use crate::diag::{Code, Diagnostic, Report, nearest};
use crate::names::{GuestPath, UserName};
use crate::plan::ExtraFile;
use crate::yaml::{Key, Mapping, Node, NodeKind};

use super::extra_file::written_by_us;

/// What else is on the hosts.
pub struct Around<'a> {
    /// The user that `access` makes.
    pub user: Option<&'a UserName>,
    /// The files that `files` brings.
    pub files: &'a [ExtraFile],
}

/// Keys that are refused, and what to do instead.
const REFUSED: &[(&str, &str)] = &[
    ("ca-certs", "stock images of EL 7 and of rebuilds do nothing with it; use `files`"),
    ("ca_certs", "stock images of EL 7 and of rebuilds do nothing with it; use `files`"),
    ("cloud_config_modules", "the image's own list has all that first boot needs"),
    ("cloud_final_modules", "the image's own list has all that first boot needs"),
    ("cloud_init_modules", "the image's own list has all that first boot needs"),
    ("create_hostname_file", "use `name` of the host"),
    ("datasource", "the seed is the one source; set it in the image if it must be narrowed"),
    ("datasource_list", "the seed is the one source; set it in the image if it must be narrowed"),
    ("fqdn", "use `network.domain`"),
    ("hostname", "use `name` of the host"),
    ("manage_etc_hosts", "the driver writes the members into /etc/hosts"),
    ("manage_resolv_conf", "use `network.dns`"),
    ("merge_how", "lists are appended and mappings merged before the host sees them"),
    ("merge_type", "lists are appended and mappings merged before the host sees them"),
    ("network", "use `network`"),
    ("ntp", "use `network.ntp`: stock images of EL 7 do nothing with this key"),
    ("package_reboot_if_required", "it would cut the installation; bring the image up to date before"),
    ("package_update", "use `os_packages`, or bring the image up to date before"),
    ("package_upgrade", "it would run beside the installation; bring the image up to date before"),
    ("packages", "use `os_packages`: releases differ in when they install these"),
    ("power_state", "it would cut the installation"),
    ("prefer_fqdn_over_hostname", "use `name` of the host"),
    ("preserve_hostname", "use `name` of the host"),
    ("resolv_conf", "use `network.dns`"),
    ("system_info", "it is for images, not for user-data"),
    ("timezone", "use `timezone`"),
    ("yum_repo_dir", "use `os_packages`"),
    ("yum_repos", "use `os_packages`"),
];

/// Keys that are passed on and known; others are passed on too.
const KNOWN: &[&str] = &[
    "ansible",
    "apt",
    "bootcmd",
    "chef",
    "chpasswd",
    "device_aliases",
    "disable_ec2_metadata",
    "disable_root",
    "disable_root_opts",
    "disk_setup",
    "final_message",
    "fs_setup",
    "groups",
    "growpart",
    "hotplug",
    "keyboard",
    "landscape",
    "locale",
    "locale_configfile",
    "mcollective",
    "mount_default_fields",
    "mounts",
    "no_ssh_fingerprints",
    "output",
    "password",
    "phone_home",
    "puppet",
    "random_seed",
    "reporting",
    "resize_rootfs",
    "rh_subscription",
    "rsyslog",
    "runcmd",
    "salt_minion",
    "ssh",
    "ssh_authorized_keys",
    "ssh_deletekeys",
    "ssh_fp_console_blacklist",
    "ssh_genkeytypes",
    "ssh_import_id",
    "ssh_key_console_blacklist",
    "ssh_keys",
    "ssh_publish_hostkeys",
    "ssh_pwauth",
    "ssh_quiet_keygen",
    "swap",
    "syslog_fix_perms",
    "ubuntu_advantage",
    "user",
    "users",
    "vendor_data",
    "wireguard",
    "write_files",
    "zypper",
];
/// Keys whose lists follow ours.
const LISTS: &[&str] = &["bootcmd", "mounts", "runcmd", "ssh_authorized_keys", "users", "write_files"];
/// Places of cloud-init's own: what is written there decides what it does at the next boot.
const OF_CLOUD_INIT: &[&str] = &["/etc/cloud/", "/var/lib/cloud/"];
/// Directories that ours are written to before anything is mounted.
const WRITTEN_TO: &[&str] = &["/etc", "/usr/local/sbin", "/var/lib/cfy-seed"];

/// Checks one mapping.
pub fn check(report: &mut Report, block: &Mapping, around: &Around<'_>) {
    for (key, value) in &block.entries {
        top(report, key);
        if LISTS.contains(&key.text.as_str()) && !matches!(value.kind, NodeKind::List(_)) {
            wrong_type(report, value, &format!("`{}` must be a list", key.text), "write `- ` before each item");
        }
    }
    for item in items(block, "write_files") {
        written(report, item, around);
    }
    for item in items(block, "users") {
        user(report, item, around);
    }
    for item in items(block, "mounts") {
        mount(report, item);
    }
}

fn items<'a>(block: &'a Mapping, key: &str) -> &'a [Node] {
    match block.get(key).map(|value| &value.kind) {
        Some(NodeKind::List(items)) => items,
        _ => &[],
    }
}

fn top(report: &mut Report, key: &Key) {
    let word = key.text.as_str();
    if let Some((_, instead)) = REFUSED.iter().find(|(refused, _)| *refused == word) {
        let message = format!("`{word}` is not for `cloud_init` to set");
        let ours = Diagnostic::error(Code::CloudInitOurs, message).at(key.span, "refused");
        report.push(ours.help(*instead));
    } else if !KNOWN.contains(&word) {
        let known = KNOWN.iter().chain(REFUSED.iter().map(|(refused, _)| refused)).copied();
        if let Some(meant) = nearest(word, known) {
            let message = format!("`{}` is passed on, and no key of cloud-init is known by it", word.escape_debug());
            let unknown = Diagnostic::warning(Code::CloudInitUnknown, message).at(key.span, "passed on");
            report.push(unknown.help(format!("did you mean `{meant}`?")));
        }
    }
}

fn wrong_type(report: &mut Report, value: &Node, message: &str, help: &str) {
    let wrong = Diagnostic::error(Code::CloudInitType, message).at(value.span, value.kind.in_words());
    report.push(wrong.help(help));
}

fn written(report: &mut Report, item: &Node, around: &Around<'_>) {
    let Some(Node { kind: NodeKind::Text(text), span }) = item.get("path") else {
        let help = "write `{path: /etc/banner.txt, content: …}`";
        return wrong_type(report, item, "a file in `write_files` needs a `path` that is text", help);
    };
    for key in ["content", "permissions", "owner", "encoding"] {
        if let Some(value) = item.get(key).filter(|value| !matches!(value.kind, NodeKind::Text(_))) {
            wrong_type(report, value, &format!("`{key}` must be text"), "put it in quotes");
        }
    }
    if let NodeKind::Map(entries) = &item.kind
        && let Some((key, _)) = entries.iter().find(|(key, _)| key.text == "defer")
    {
        let message = "`defer` is not for `cloud_init` to set";
        let ours = Diagnostic::error(Code::CloudInitOurs, message).at(key.span, "refused");
        report.push(ours.help("releases before 21.1 write the file at once; leave the key out"));
    }
    let path: GuestPath = match text.parse() {
        Ok(path) => path,
        Err(why) => {
            let wrong = Diagnostic::error(Code::CloudInitType, format!("`path`: {why}")).at(*span, "");
            return report.push(wrong.help("give an absolute path"));
        }
    };
    let of_cloud_init = OF_CLOUD_INIT.iter().any(|place| text.starts_with(place));
    let why = if written_by_us(text) {
        "is written by cfy-seed itself"
    } else if of_cloud_init {
        "decides what cloud-init does at the next boot"
    } else if around.files.iter().any(|file| file.path == path) {
        "is named under `files` too"
    } else {
        return;
    };
    let taken = Diagnostic::error(Code::CloudInitCollision, format!("`{path}` {why}")).at(*span, "");
    report.push(taken.help("choose another place"));
}

fn user(report: &mut Report, item: &Node, around: &Around<'_>) {
    let name = match &item.kind {
        NodeKind::Text(_) => return,
        _ => item.get("name"),
    };
    let Some(Node { kind: NodeKind::Text(name), span }) = name else {
        return wrong_type(report, item, "a user in `users` needs a `name` that is text", "write `{name: …}`");
    };
    if around.user.is_some_and(|ours| ours.as_str() == name) {
        let message = format!("the user `{}` is made by `access` already", name.escape_debug());
        let taken = Diagnostic::error(Code::CloudInitCollision, message).at(*span, "");
        report.push(taken.help("choose another name, or leave `access.user` out"));
    }
}

/// A file system over a directory that was written to before hides what is there.
fn mount(report: &mut Report, item: &Node) {
    let NodeKind::List(fields) = &item.kind else {
        return wrong_type(report, item, "a mount is a list", "write `[/dev/sdb1, /data]`");
    };
    let Some(Node { kind: NodeKind::Text(point), span }) = fields.get(1) else { return };
    let point = format!("{}/", point.trim_end_matches('/'));
    let hides = |place: &str| {
        let place = format!("{place}/");
        place.starts_with(&point) || (point.starts_with(&place) && written_by_us(point.trim_end_matches('/')))
    };
    if WRITTEN_TO.iter().any(|place| hides(place)) {
        let message = format!("a mount at `{}` would hide files of cfy-seed", point.escape_debug());
        let taken = Diagnostic::error(Code::CloudInitCollision, message).at(*span, "");
        report.push(taken.help("mount it in the image: cloud-init writes files before it mounts"));
    }
}

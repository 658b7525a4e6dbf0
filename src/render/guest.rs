//! The files that `write_files` puts on a host: the static script and units, and the host's own data beside them.

use std::collections::HashSet;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::bundle::gzip::gzip;
use crate::names::{Credential, Digest256, FileMode, GuestPath, RoleKind, Secret};
use crate::plan::gate::Probe;
use crate::plan::{AttachmentKind, FirstBootSource, RolePlan};
use crate::profile::Login;

use super::pki::Pack;
use super::{Encoding, GuestFile, HostView, RenderError, recipe, records, role};

/// The unit that runs the driver.
pub const DRIVER_UNIT: &str = "cfy-firstboot.service";
/// Where what must survive the first boot is kept, because upgrade and validate need it.
const KEPT: &str = "/etc/cloudify/cfy-seed";
/// The CA's certificate on the host.
pub const CA: &str = "/etc/cloudify/cfy-seed/ca.crt";
/// The certificate of the CA of an external database, on managers.
pub const DATABASE_CA: &str = "/etc/cloudify/cfy-seed/postgresql-ca.crt";
/// The certificate of the CA of an external broker, on managers.
pub const BROKER_CA: &str = "/etc/cloudify/cfy-seed/rabbitmq-ca.crt";
/// The host's certificate.
pub const CERTIFICATE: &str = "/etc/cloudify/cfy-seed/host.crt";
/// Its key.
pub const KEY: &str = "/etc/cloudify/cfy-seed/host.key";
/// The licence.
pub const LICENSE: &str = "/etc/cloudify/cfy-seed/license.yaml";
/// The certificate of the LDAP server's CA.
pub const LDAP_CA: &str = "/etc/cloudify/cfy-seed/ldap-ca.crt";
/// What belongs to the driver and is the same on every host that has it.
const LIBRARY: &str = "/usr/local/lib/cfy-seed";
/// What only the driver reads.
const SECRET: &str = "/var/lib/cfy-seed/secret";
/// Certificates and keys, as they travel.
const PKI: &str = "/var/lib/cfy-seed/secret/pki";
/// Hexadecimal digits of a digest in the seed's list.
const DIGITS: usize = 6;
/// The broker's credentials for curl: the name of a file in `secret/curl`.
pub const BROKER_CURL: &str = "broker.conf";
/// Those of the manager's user `admin`.
const ADMIN_CURL: &str = "admin.conf";
/// Those of the monitoring endpoint.
const MONITORING_CURL: &str = "monitoring.conf";

/// The label of a medium with a payload.
pub const PAYLOAD_LABEL: &str = "CFYPAYLOAD";
/// The directory in which a payload is looked for: attached, or mounted by somebody.
pub const PAYLOAD: &str = "/media/cfypayload";
/// The one that an image has it in.
pub const PAYLOAD_OF_IMAGE: &str = "/opt/cfy-seed/payload";
/// Where the driver copies it to.
pub const PAYLOAD_COPY: &str = "/var/lib/cfy-seed/payload";

const SCRIPT: &str = include_str!("../../templates/guest/cfy-firstboot");
const DRIVER: &str = include_str!("../../templates/guest/cfy-firstboot.service");
const INSTALL: &str = include_str!("../../templates/guest/cfy-install@.service");
const BOOTCMD: &str = include_str!("../../templates/guest/bootcmd");
const UNPACK: &str = include_str!("../../templates/guest/unpack");
const CODES: &str = include_str!("../../templates/guest/codes");
const IMAGE_CHECK: &str = include_str!("../../templates/guest/image-check");

/// The script as it travels: the same on every host, so it is stripped once.
static STRIPPED: LazyLock<String> = LazyLock::new(|| strip_comments(SCRIPT));

/// Path of a client certificate on managers.
pub fn client_certificate(common_name: &str) -> String {
    format!("{KEPT}/{common_name}.crt")
}

/// Path of its key.
pub fn client_key(common_name: &str) -> String {
    format!("{KEPT}/{common_name}.key")
}

/// Path of a role's config on the host.
pub fn config_path(kind: RoleKind) -> String {
    match kind {
        RoleKind::LoadBalancer => "/etc/haproxy/haproxy.cfg".into(),
        _ => format!("{KEPT}/{}.yaml", kind.as_str()),
    }
}

/// What runs at every boot before `write_files`: the healing.
pub fn bootcmd() -> String {
    strip_comments(BOOTCMD)
}

/// What `runcmd` does first where the image is to have the driver: an image without it would do nothing, and say nothing.
pub fn image_check() -> String {
    strip_comments(IMAGE_CHECK)
}

/// The file in `secret/curl` with the credentials of this login.
pub const fn curl_config(login: Login) -> &'static str {
    match login {
        Login::Admin => ADMIN_CURL,
        Login::Broker => BROKER_CURL,
        Login::Monitoring => MONITORING_CURL,
    }
}

/// A file that the driver installs in CONFIGURE: name below `secret/files`, destination, mode, content.
pub struct Staged {
    /// Name below `secret/files`.
    pub name: String,
    /// Where it is installed.
    pub destination: String,
    /// With which mode.
    pub mode: FileMode,
    /// What it holds.
    pub content: Secret,
}

/// All files that `write_files` puts on a host.
pub fn files(view: &HostView<'_>) -> Result<Vec<GuestFile>, RenderError> {
    let staged = staged(view)?;
    let pack = Pack::of(&staged);
    let mut files = match view.plan.first_boot {
        FirstBootSource::Seed => static_files(recipe::recipes(view.plan, view.host))?,
        FirstBootSource::Image => Vec::new(),
    };
    let image = image_digest(view.plan.first_boot)?;
    let plan = Secret::new(records::plan(view, &staged, &pack, image));
    files.push(file(&format!("{SECRET}/plan"), FileMode::SECRET, plan)?);
    if let Some(key) = view.box_key {
        files.push(file(&format!("{SECRET}/box-key.pem"), FileMode::SECRET, Secret::new(key))?);
    }
    if let Some(service) = recipe::pg_service(view) {
        files.push(file(&format!("{SECRET}/files/{}", recipe::PG_SERVICE), FileMode::SECRET, service)?);
    }
    for role in &view.host.roles {
        for (directory, probes) in [("gates", &role.gate), ("health", &role.health)] {
            let path = format!("{SECRET}/{directory}/{}", role.kind.as_str());
            files.push(file(&path, FileMode::SECRET, Secret::new(records::probes(probes)))?);
        }
    }
    for (name, text) in logins(view) {
        files.push(file(&format!("{SECRET}/curl/{name}"), FileMode::SECRET, text)?);
    }
    let (made, carried): (Vec<_>, Vec<_>) = staged.into_iter().partition(|one| pack.has(&one.name));
    let in_place = |one: Staged| file(&format!("{SECRET}/files/{}", one.name), FileMode::SECRET, one.content);
    let made = made.into_iter().map(in_place).collect::<Result<Vec<_>, _>>()?;
    for one in carried {
        files.push(in_place(one)?);
    }
    let mut whole: Vec<(&str, &[u8])> =
        files.iter().chain(&made).map(|file| (file.path.as_str(), file.content.expose().as_bytes())).collect();
    whole.push((PKI, pack.bytes()));
    let digests = digests(whole);
    let pki = Secret::new(STANDARD.encode(gzip(pack.bytes())?));
    files.push(GuestFile { encoding: Encoding::GzipBase64, ..file(PKI, FileMode::SECRET, pki)? });
    files.push(file(&format!("{SECRET}/seed.sha256"), FileMode::SECRET, digests)?);
    // What is alike beside each other, and what nothing is like last: deflate has a table for each.
    files.sort_by_cached_key(|file| {
        (file.encoding == Encoding::GzipBase64, file.mode == FileMode::SECRET, file.path.clone())
    });
    Ok(files)
}

/// What is the same for every cluster: the script, its units, these recipes, and the codes that they say.
fn static_files(recipes: impl Iterator<Item = (String, &'static str)>) -> Result<Vec<GuestFile>, RenderError> {
    let recipes: Vec<_> = recipes.map(|(name, text)| (name, strip_comments(text))).collect();
    let codes = codes(std::iter::once(STRIPPED.as_str()).chain(recipes.iter().map(|(_, text)| text.as_str())));
    let mut files = vec![
        file("/usr/local/sbin/cfy-firstboot", FileMode::PROGRAM, Secret::new(STRIPPED.as_str()))?,
        file("/etc/systemd/system/cfy-firstboot.service", FileMode::PUBLIC, Secret::new(strip_comments(DRIVER)))?,
        file("/etc/systemd/system/cfy-install@.service", FileMode::PUBLIC, Secret::new(strip_comments(INSTALL)))?,
        file(&format!("{LIBRARY}/codes"), FileMode::PUBLIC, Secret::new(codes))?,
        file(&format!("{LIBRARY}/unpack"), FileMode::PUBLIC, Secret::new(strip_comments(UNPACK)))?,
    ];
    for (name, text) in recipes {
        files.push(file(&format!("{LIBRARY}/{name}"), FileMode::PUBLIC, Secret::new(text))?);
    }
    Ok(files)
}

/// The lines of the table of codes whose numbers these scripts have: what a host cannot say it need not carry.
fn codes<'t>(scripts: impl Iterator<Item = &'t str>) -> String {
    let said: HashSet<&str> = scripts.flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric())).collect();
    CODES.split_inclusive('\n').filter(|line| line.get(..3).is_some_and(|code| said.contains(code))).collect()
}

/// What an image carries so that user-data need not: the static files, with the recipes of all roles, in the order in
/// which the driver digests them.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn image_files() -> Result<Vec<GuestFile>, RenderError> {
    let mut files = static_files(recipe::all())?;
    // Script and units as they stand; the library by name, as bash sorts it under LC_ALL=C.
    files.get_mut(3..).unwrap_or_default().sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The digest of those files, one behind the other, where an image has them: by it the driver knows whether the image was
/// baked by the release that made the plan.
fn image_digest(source: FirstBootSource) -> Result<Option<Digest256>, RenderError> {
    if source == FirstBootSource::Seed {
        return Ok(None);
    }
    let all: String = image_files()?.iter().map(|file| file.content.expose()).collect();
    Ok(Some(Digest256::of(all.as_bytes())))
}

/// A line for each file: the beginning of its digest, and where it is. Enough against what a power cut leaves, which is not
/// made to deceive; whole digests are a twentieth of a seed. Sorted, the plan comes last: the driver knows by its absence
/// that the list was cut short.
fn digests(mut files: Vec<(&str, &[u8])>) -> Secret {
    files.sort_unstable_by_key(|(path, _)| *path);
    let mut list = String::new();
    for (path, bytes) in files {
        let digest = Digest256::of(bytes).to_string();
        list.extend([digest.get(..DIGITS).unwrap_or_default(), "  ", path, "\n"]);
    }
    Secret::new(list)
}

fn file(path: &str, mode: FileMode, content: Secret) -> Result<GuestFile, RenderError> {
    Ok(GuestFile { path: path.parse::<GuestPath>()?, mode, content, encoding: Encoding::Text })
}

/// What probes of this host log in with, as config files of curl.
fn logins(view: &HostView<'_>) -> Vec<(&'static str, Secret)> {
    let user = |name: &str, password: &Secret| format!("user = \"{name}:{}\"\n", curl_quoted(password.expose()));
    let mut logins = Vec::new();
    if let Some(password) = view.credentials.get(&Credential::RabbitmqPassword) {
        let text = match &view.plan.external.broker {
            // The driver lets this file have the last word about the CA.
            Some(broker) => user(broker.username.as_str(), password) + &format!("cacert = \"{BROKER_CA}\"\n"),
            None => user("cloudify", password),
        };
        logins.push((BROKER_CURL, Secret::new(text)));
    }
    for (login, name, credential) in [
        (Login::Admin, "admin", Credential::AdminPassword),
        (Login::Monitoring, "monitoring_user", Credential::PrometheusPassword),
    ] {
        let probes = view.host.roles.iter().flat_map(|role| role.gate.iter().chain(&role.health));
        let asks = |probe: &Probe| matches!(probe, Probe::Http { login: Some(found), .. } if *found == login);
        if let Some(password) = view.credentials.get(&credential).filter(|_| probes.into_iter().any(asks)) {
            logins.push((curl_config(login), Secret::new(user(name, password))));
        }
    }
    logins
}

fn staged(view: &HostView<'_>) -> Result<Vec<Staged>, RenderError> {
    let kept = |name: &str, content: Secret| Staged {
        name: name.to_owned(),
        destination: format!("{KEPT}/{name}"),
        mode: FileMode::SECRET,
        content,
    };
    let mut staged = vec![
        kept("ca.crt", Secret::new(view.ca)),
        kept("host.crt", Secret::new(view.certificate)),
        kept("host.key", view.key.clone()),
    ];
    for client in &view.clients {
        staged.push(kept(&format!("{}.crt", client.common_name), Secret::new(client.certificate)));
        staged.push(kept(&format!("{}.key", client.common_name), client.key.clone()));
    }
    for (kind, text) in &view.attachments {
        staged.push(match kind {
            AttachmentKind::License => kept("license.yaml", Secret::new(*text)),
            AttachmentKind::LdapCa => kept("ldap-ca.crt", Secret::new(*text)),
            AttachmentKind::OsRepoKey => repo_key("os", text),
            AttachmentKind::CloudifyRepoKey => repo_key("cloudify", text),
            AttachmentKind::PayloadKeys => repo_key("payload", text),
            AttachmentKind::ExternalDatabaseCa => kept("postgresql-ca.crt", Secret::new(*text)),
            AttachmentKind::ExternalBrokerCa => kept("rabbitmq-ca.crt", Secret::new(*text)),
            AttachmentKind::Extra(_) => continue,
        });
    }
    for (number, file) in view.plan.files.iter().enumerate() {
        if let Some(text) = view.attachments.get(&file.kind) {
            staged.push(Staged {
                name: format!("extra-{}", number + 1),
                destination: file.path.to_string(),
                mode: file.mode,
                content: Secret::new(*text),
            });
        }
    }
    for role in &view.host.roles {
        staged.push(config(view, role)?);
    }
    Ok(staged)
}

fn config(view: &HostView<'_>, role: &RolePlan) -> Result<Staged, RenderError> {
    let destination = config_path(role.kind);
    let name = destination.rsplit('/').next().unwrap_or_default().to_owned();
    // HAProxy reads its config as root, and so does whoever wonders what the balancer does.
    let mode = if role.kind == RoleKind::LoadBalancer { FileMode::PUBLIC } else { FileMode::SECRET };
    Ok(Staged { name, destination, mode, content: role::config(view, role)? })
}

fn repo_key(repo: &str, text: &str) -> Staged {
    Staged {
        name: format!("{repo}-repo.asc"),
        destination: repo_key_path(repo),
        mode: FileMode::PUBLIC,
        content: Secret::new(text),
    }
}

/// Where the key of a repository is installed.
pub fn repo_key_path(repo: &str) -> String {
    format!("/etc/pki/rpm-gpg/RPM-GPG-KEY-cfy-seed-{repo}")
}

/// curl's config files take backslash escapes inside double quotes (curl(1), `-K`).
fn curl_quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Removes comment lines (but not the first line), empty lines, and leading blanks: a third of the bytes after gzip. The
/// scripts have no here-document and no string over several lines; their tests run the stripped text.
fn strip_comments(script: &str) -> String {
    let mut lines = script.lines();
    let first = lines.next().filter(|line| line.starts_with("#!") || !line.trim_start().starts_with('#'));
    let rest = lines.map(str::trim_start).filter(|line| !line.starts_with('#') && !line.is_empty());
    first.into_iter().chain(rest).flat_map(|line| [line, "\n"]).collect()
}

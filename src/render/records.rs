//! The driver's records: tab-separated lines, one fact each (`docs/guest-records.md`). Values reach the script as data and
//! are never interpolated into it.

use crate::names::{Digest256, WebUrl};
use crate::plan::gate::Probe;
use crate::plan::ports::of_host;
use crate::plan::{AttachmentKind, HostPlan, PackageSource, Recovery, RolePlan, RpmSource};

use super::HostView;
use super::guest::{
    BROKER_CURL, CA, CERTIFICATE, PAYLOAD, PAYLOAD_COPY, PAYLOAD_LABEL, PAYLOAD_OF_IMAGE, Staged, config_path,
    curl_config, repo_key_path,
};
use super::pki::Pack;
use super::recipe::{fetching, recovery as recovery_recipe};

/// Where the installer leaves its done markers (cloudify.md §3.7).
const CONFIGURED: &str = "/etc/cloudify/.configured";
const INSTALLED: &str = "/etc/cloudify/.installed";

/// Lines of tab-separated fields.
#[derive(Default)]
struct Records(String);

impl Records {
    fn add(&mut self, fields: &[&str]) {
        // No value has a tab or a line end: names are validated words, texts are ours. Were one to have any, it must
        // not become a record.
        let line: Vec<String> = fields.iter().map(|field| field.replace(['\t', '\n', '\r'], " ")).collect();
        self.0.push_str(&line.join("\t"));
        self.0.push('\n');
    }
}

/// The plan of one host.
/// `image` is the digest of the driver's own files, where the image has them.
pub fn plan(view: &HostView<'_>, staged: &[Staged], pack: &Pack, image: Option<Digest256>) -> String {
    let (plan, host) = (view.plan, view.host);
    let mut records = Records::default();
    records.add(&["schema", "1"]);
    records.add(&["cluster", plan.cluster.as_str()]);
    records.add(&["host", host.name.as_str(), &host.ip.to_string()]);
    records.add(&["generation", &plan.generation.to_string()]);
    if let Some(digest) = image {
        records.add(&["image", &digest.to_string()]);
    }
    for member in &plan.hosts {
        records.add(&["member", &member.ip.to_string(), &member.fqdn, member.name.as_str()]);
    }
    records.add(&["time", "poll", &plan.poll.get().to_string()]);
    records.add(&["time", "stall_after", &plan.stall_after.get().to_string()]);
    needs(view, &mut records);
    for refusal in &host.refusals {
        records.add(&["refuse", refusal.code.as_str(), &refusal.cause, &refusal.fix]);
    }
    sources(view, &mut records);
    for server in &plan.ntp {
        records.add(&["ntp", &server.to_string()]);
    }
    if let Some(proxy) = plan.proxy.as_ref().map(WebUrl::as_str) {
        records.add(&["proxy", proxy]);
    }
    records.add(&["ca", CA]);
    records.add(&["cert", CERTIFICATE]);
    ports(view, &mut records);
    for file in staged {
        records.add(&["file", &file.name, &file.destination, &file.mode.to_string()]);
    }
    for record in &pack.records {
        records.add(&record.iter().map(String::as_str).collect::<Vec<_>>());
    }
    roles(view, &mut records);
    records.add(&["scrub", if view.target.pin { "pin" } else { "keep" }, &view.target.out_of_reach]);
    records.0
}

fn needs(view: &HostView<'_>, records: &mut Records) {
    let (platform, needs) = (&view.plan.platform, &view.plan.contract.needs);
    if view.host.installs_cloudify() {
        records.add(&["need", "memory_mb", &needs.memory_mb.to_string()]);
        records.add(&["need", "disk_mb", &needs.disk_path, &needs.disk_mb.to_string()]);
        records.add(&["need", "exec", &needs.disk_path]);
    }
    let ids: Vec<&str> = platform.supported.iter().chain(&platform.let_through).map(String::as_str).collect();
    records.add(&["need", "os", &ids.join(","), &platform.major, &platform.minor.to_string()]);
}

/// What the host's roles listen on: open to everybody where somebody outside the cluster asks it, and else to the members
/// alone.
fn ports(view: &HostView<'_>, records: &mut Records) {
    for (port, everybody) in of_host(view.plan, view.host) {
        records.add(&["port", &port.to_string(), if everybody { "any" } else { "cluster" }]);
    }
}

fn sources(view: &HostView<'_>, records: &mut Records) {
    let plan = view.plan;
    for recipe in fetching(plan, view.host) {
        records.add(&["fetch", recipe.name]);
    }
    match &plan.packages {
        PackageSource::Image => records.add(&["packages_from", "image"]),
        PackageSource::SystemRepos => records.add(&["packages_from", "system-repos"]),
        PackageSource::Payload => records.add(&["packages_from", "payload"]),
        PackageSource::Repo(source) => {
            records.add(&["packages_from", "os"]);
            repo(records, "os", source.baseurl.as_str(), source.signed);
        }
    }
    if plan.fetches_payload(view.host) {
        payload(view, records);
    }
    for package in &view.host.packages {
        records.add(&["package", package]);
    }
    if !view.host.installs_cloudify() {
        return;
    }
    match &plan.rpm {
        RpmSource::Url { url, sha256 } => {
            let digest = sha256.map_or_else(|| "-".to_owned(), |digest| digest.to_string());
            records.add(&["rpm", "url", url.as_str(), &digest]);
        }
        RpmSource::Repo(source) => {
            records.add(&["rpm", "repo"]);
            repo(records, "cloudify", source.baseurl.as_str(), source.signed);
        }
        RpmSource::Payload => records.add(&["rpm", "payload"]),
        RpmSource::Preinstalled => records.add(&["rpm", "preinstalled"]),
    }
    records.add(&["rpm_name", &plan.contract.package, &plan.version.to_string()]);
}

/// Where the payload is looked for, in this order, and the repository that its copy is.
fn payload(view: &HostView<'_>, records: &mut Records) {
    records.add(&["payload", "medium", PAYLOAD_LABEL]);
    records.add(&["payload", "directory", PAYLOAD]);
    if let Some(url) = &view.plan.payload_url {
        records.add(&["payload", "url", url.as_str()]);
    }
    records.add(&["payload", "directory", PAYLOAD_OF_IMAGE]);
    let signed = view.attachments.contains_key(&AttachmentKind::PayloadKeys);
    repo(records, "payload", &format!("file://{PAYLOAD_COPY}"), signed);
}

fn repo(records: &mut Records, name: &str, base: &str, signed: bool) {
    let key = if signed { repo_key_path(name) } else { "-".into() };
    records.add(&["repo", name, base, &key]);
}

fn roles(view: &HostView<'_>, records: &mut Records) {
    let host: &HostPlan = view.host;
    for (order, role) in host.roles.iter().enumerate() {
        let name = role.kind.as_str();
        records.add(&["role", &(order + 1).to_string(), name, &config_path(role.kind)]);
        let contract = view.plan.contract.roles.get(&role.kind);
        if let Some(marker) = contract.and_then(|contract| contract.marker.as_deref()) {
            for directory in [CONFIGURED, INSTALLED] {
                records.add(&["marker", name, &format!("{directory}/{marker}")]);
            }
        }
        recovery(records, role, contract.and_then(|contract| contract.marker.as_deref()).unwrap_or_default());
    }
}

fn recovery(records: &mut Records, role: &RolePlan, marker: &str) {
    let mut fields =
        vec!["recover".to_owned(), role.kind.as_str().to_owned(), recovery_recipe(&role.recovery).name.to_owned()];
    match &role.recovery {
        Recovery::Rerun | Recovery::Stop => {}
        Recovery::ManagerFirst(ips) if ips.is_empty() => fields.push("-".into()),
        Recovery::ManagerFirst(ips) | Recovery::Database(ips) => fields.extend(ips.iter().map(ToString::to_string)),
        Recovery::BrokerFirst(peers) | Recovery::BrokerJoin(peers) => {
            let joins = matches!(role.recovery, Recovery::BrokerJoin(_));
            fields.extend([format!("{CONFIGURED}/{marker}"), if joins { BROKER_CURL } else { "-" }.to_owned()]);
            fields.extend(peers.iter().flat_map(|peer| [peer.ip.to_string(), peer.name.to_string()]));
        }
    }
    records.add(&fields.iter().map(String::as_str).collect::<Vec<_>>());
}

/// A gate or health file.
pub fn probes(probes: &[Probe]) -> String {
    let mut records = Records::default();
    for probe in probes {
        match probe {
            Probe::Tcp { host, port, hold } => {
                records.add(&["tcp", &host.to_string(), &port.to_string(), &hold.to_string()]);
            }
            Probe::Http { url, status, body, login, hold } => {
                let body = body.as_deref().unwrap_or("-");
                let curl = login.map_or("-", curl_config);
                records.add(&["http", url, &status.to_string(), body, &hold.to_string(), curl]);
            }
            Probe::Database { need, hold, ips } => {
                let mut fields = vec!["database".to_owned(), need.to_string(), hold.to_string()];
                fields.extend(ips.iter().map(ToString::to_string));
                records.add(&fields.iter().map(String::as_str).collect::<Vec<_>>());
            }
            Probe::Broker { ip, hold, names } => {
                let mut fields = vec!["broker".to_owned(), ip.to_string(), hold.to_string(), BROKER_CURL.to_owned()];
                fields.extend(names.iter().cloned());
                records.add(&fields.iter().map(String::as_str).collect::<Vec<_>>());
            }
            Probe::Unit { name } => records.add(&["unit", name]),
        }
    }
    records.0
}

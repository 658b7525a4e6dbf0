//! What people read in a box: how to check it, and how to install this very cluster from it. Nothing in it is secret.

use std::fmt::Write as _;

use crate::plan::ports::{self, Source};
use crate::plan::{HostPlan, Plan};
use crate::render::{PAYLOAD, PAYLOAD_OF_IMAGE};

use super::offline::PUBLIC_KEY;
use super::overview::waits;
use super::payload::MEDIUM_LABEL;

/// How to check the box, with nothing but coreutils and openssl: for whoever gets it, and needs not trust the program in it.
pub const README: &str = "README.txt";
/// What to do with it, for an operator who has never seen cfy-seed.
pub const RUNBOOK: &str = "RUNBOOK.txt";

/// The verifier's instructions.
pub fn readme(plan: &Plan) -> String {
    format!(
        "Cluster {cluster}, Cloudify {version} on {platform}, built by cfy-seed {tool}.\n\n\
        This directory holds private keys and passwords: guard it like them.\n\n\
        CHECK IT before you use it, in this directory, with nothing but coreutils and openssl:\n\n    \
        sha256sum --quiet -c SHA256SUMS\n    \
        openssl dgst -sha256 -verify {PUBLIC_KEY} -signature SHA256SUMS.sig SHA256SUMS\n    \
        openssl pkey -pubin -in {PUBLIC_KEY} -outform der | sha256sum\n\n\
        The first says nothing, the second says `Verified OK`, and the third prints the fingerprint that whoever built the box\n\
        was shown: ask for it in another way than the one by which the box came. Where one of the three says something else, do not\n\
        use the box: its sender can bring it again, or the part that is bad. payload/ can be checked alone in the same way.\n\n\
        `./cfy-seed verify .` checks all of that at once, and the certificates and keys of the hosts too; with\n\
        `--evidence ../report.json` it writes down what it found of every file. `--key KEY` names the public key that you have already.\n\n\
        WHAT IS IN IT\n\n    \
        RUNBOOK.txt     how to install the cluster: go on there\n    \
        hosts/          a directory for each host: its seed image, and the same files for those who make their own\n    \
        payload/        the packages, as a yum repository\n    \
        firewall/       who must reach which port; beside it, for each platform, what makes its machines: README.md in each\n    \
        cfy-seed        the program that made all of this; it needs nothing else and opens no connection\n    \
        sbom.cdx.json   the bill of materials (CycloneDX 1.5)\n    \
        manifest.json   every file with size, digest and mode; where each package is from is in payload/payload.lock\n",
        cluster = plan.cluster,
        version = plan.version,
        platform = plan.platform.title,
        tool = env!("CARGO_PKG_VERSION"),
    )
}

/// The operator's instructions.
pub fn runbook(plan: &Plan) -> String {
    let mut text = format!(
        "How to install the cluster {}: Cloudify {} on {}, {}.\n\n\
        You need this directory, a machine to read it on, and the hosts below with their operating system and without anything of\n\
        Cloudify. Nobody logs in and nothing is typed on the hosts: they install themselves on their first boot. Commands stand\n\
        indented; run them in this directory.\n\n",
        plan.cluster,
        plan.version,
        plan.platform.title,
        match plan.hosts.len() {
            1 => "one host".to_owned(),
            count => format!("{count} hosts"),
        },
    );
    text.push_str("1. CHECK the directory as README.txt says. Go on only where all is good.\n\n");
    medium(plan, &mut text);
    hosts(plan, &mut text);
    watch(plan, &mut text);
    failures(&mut text);
    text.push_str(
        "7. AFTERWARDS detach the media, and keep this directory where keys are kept, or destroy it: it holds the keys of all hosts.\n   \
        The admin password is with whoever built the box: `cfy-seed credentials admin_password` prints it there.\n",
    );
    text
}

fn medium(plan: &Plan, text: &mut String) {
    if !plan.uses_payload() {
        text.push_str("2. NO MEDIUM is needed: these hosts do not install from the payload.\n\n");
        return;
    }
    let url = plan.payload_url.as_ref().map_or_else(String::new, |url| format!(", or at {url}"));
    let _ = write!(
        text,
        "2. MAKE THE MEDIUM with the packages. Every host finds it by its label, {MEDIUM_LABEL}:\n\n    \
        ./cfy-seed payload iso payload --out ../payload.iso\n\n   \
        Each file is checked while it is copied. One image is enough for all hosts; they only read it. Instead of a CD drive a disk\n   \
        with that label and the files of payload/ at its root will do; or these files in the directory {PAYLOAD} of a host{url},\n   \
        or in {PAYLOAD_OF_IMAGE} of the image.\n\n"
    );
}

fn hosts(plan: &Plan, text: &mut String) {
    text.push_str(
        "3. GIVE EACH HOST its seed image, of no other host, as a CD drive (its label is CIDATA), and the medium of step 2 where there\n   \
        is one, as a second one. The network must be the one of this table, and its addresses free:\n\n",
    );
    let width = plan.hosts.iter().map(|host| host.name.as_str().len()).max().unwrap_or_default();
    for host in &plan.hosts {
        let public = if host.ip.to_string() == host.public.to_string() {
            String::new()
        } else {
            format!("  (from outside {})", host.public)
        };
        let _ = writeln!(
            text,
            "    {:width$}  {}{public}  {}  hosts/{}/seed.iso",
            host.name,
            host.ip,
            host.role_names().join(", "),
            host.name
        );
    }
    text.push_str(
        "\n   Where a platform takes user-data instead of a CD, README.md in its directory beside this file says which file and how.\n\n",
    );
    ports(plan, text);
    text.push_str(
        "4. START THEM, all at once or in any order. They wait for each other; nothing has to be timed. What each waits for before it\n   \
        installs a role:\n\n",
    );
    for host in &plan.hosts {
        order(plan, host, width, text);
    }
    text.push('\n');
}

/// The port matrix, for whoever minds the firewalls between the hosts.
fn ports(plan: &Plan, text: &mut String) {
    text.push_str(
        "   Firewalls between them must let this through (TCP); those on the hosts are opened by themselves:\n\n",
    );
    for rule in ports::matrix(plan) {
        let from = rule.askers(Source::as_str);
        let _ = writeln!(text, "    {:13} {:5}  from {from}: {}", rule.to.as_str(), rule.port, rule.why);
    }
    text.push('\n');
}

fn order(plan: &Plan, host: &HostPlan, width: usize, text: &mut String) {
    for role in &host.roles {
        let waits = waits(role, plan);
        let what =
            if waits.is_empty() { "starts at once".to_owned() } else { format!("waits for {}", waits.join("; ")) };
        let _ = writeln!(text, "    {:width$}  {}: {what}", host.name, role.kind.as_str());
    }
    for refusal in &host.refusals {
        let _ = writeln!(
            text,
            "    {:width$}  WILL STOP: {} {} ({})",
            host.name, refusal.code, refusal.cause, refusal.fix
        );
    }
}

fn watch(plan: &Plan, text: &mut String) {
    text.push_str(
        "5. WATCH THE CONSOLES. Each host says a line at every step, and what it waits for; its last word is shown above the login too.\n\n    \
        RUNNING   works: leave it alone\n    \
        WAITING   waits for others, or for the medium, and says for what: start or attach that\n    \
        STALLED   has waited long, and goes on: look at what it names\n    \
        FAILED    has stopped, with a code: step 6\n    \
        READY     is installed and healthy: its media can be detached\n\n   \
        The cluster is installed when every host is READY. Where consoles are logged to files, this says who waits for whom:\n\n    \
        ./cfy-seed status --console LOG…\n\n",
    );
    let managers = plan.hosts.iter().filter(|host| host.manages());
    let entries: Vec<String> = managers.map(|host| format!("https://{}", host.public)).collect();
    if !entries.is_empty() {
        let _ = writeln!(text, "   Then the console of Cloudify answers at {}.\n", entries.join(", "));
    }
}

fn failures(text: &mut String) {
    text.push_str(
        "6. WHEN A HOST HAS FAILED its console names the code, the cause and the fix. More about a code:\n\n    \
        ./cfy-seed explain CODE\n\n   \
        Mend what it says, and then, on that host as root, or by a reboot:\n\n    \
        cfy-firstboot retry\n\n   \
        It goes on where it was; the other hosts wait for it meanwhile. A host may be rebooted or lose power at any time.\n\n    \
        nothing on the console   the host has no seed image, or that of another label: is hosts/<name>/seed.iso attached?\n    \
        the medium is not found  is payload.iso attached to this host? `./cfy-seed verify ../payload.iso` says whether it is whole\n    \
        a file of it is bad      make the medium again (step 2); where that names the file too, bring the box again\n    \
        waits for a host         look at that host's console first: most waits end where the first trouble is\n    \
        all else                 `cfy-firstboot gather` on the host packs what support needs, and no secrets\n\n",
    );
}

//! What people read in a box: how to check it, and how to install this very cluster from it. Nothing in it is secret.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::handoff;
use crate::names::RoleKind;
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
        cfy-seed        the program that made all of this, for Linux on x86_64; it opens no connection\n    \
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
    failures(plan, &mut text);
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
        ./cfy-seed payload iso payload --out ../{}\n\n   \
        Each file is checked while it is copied. One image is enough for all hosts; they only read it. Instead of a CD drive a disk\n   \
        with that label and the files of payload/ at its root will do; or these files in the directory {PAYLOAD} of a host{url},\n   \
        or in {PAYLOAD_OF_IMAGE} of the image.\n\n",
        handoff::payload_medium(plan)
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
    let matrix = ports::matrix(plan);
    for rule in &matrix {
        let from = rule.askers(Source::as_str);
        let _ = writeln!(text, "    {:13} {:5}  from {from}: {}", rule.to.as_str(), rule.port, rule.why);
    }
    text.push('\n');
    let outside: BTreeSet<Source> = matrix.iter().flat_map(|rule| &rule.from).copied().collect();
    for source in outside.into_iter().filter(|source| source.is_outside()) {
        let _ = writeln!(text, "    {:16}  {}", source.as_str(), who(plan, source));
    }
    text.push('\n');
}

/// Who connects that is none of the hosts.
fn who(plan: &Plan, source: Source) -> String {
    match source {
        Source::Role(kind) => format!("the hosts with the role {}", kind.as_str()),
        Source::OutsideBalancer => {
            let address = plan.balancer.as_ref().map_or_else(String::new, |address| format!(", {address}"));
            format!("your load balancer before the managers{address}, which is none of these hosts")
        }
        Source::Agent => "the machines that Cloudify manages, where they have its agent".to_owned(),
        Source::User => "people and their programs, from wherever they use Cloudify".to_owned(),
    }
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
    log_in(plan, text);
}

/// Where the console is: at the balancer where there is one, for managers alone are not what users were promised.
fn log_in(plan: &Plan, text: &mut String) {
    let managers = plan.hosts.iter().filter(|host| host.manages());
    let managers: Vec<String> = managers.map(|host| format!("https://{}", host.public)).collect();
    let ours =
        plan.hosts.iter().find(|host| host.has(RoleKind::LoadBalancer)).map(|host| (&host.public, "the balancer"));
    let other = || plan.balancer.as_ref().map(|address| (address, "your load balancer"));
    let _ = match ours.or_else(other) {
        _ if managers.is_empty() => return,
        None => writeln!(text, "   Then log in to the console of Cloudify at {}.\n", managers.join(", ")),
        Some((address, which)) => writeln!(
            text,
            "   Then log in to the console of Cloudify at https://{address}, which is {which}. Each manager answers by itself too, to look\n   \
            at that one:\n\n    {}\n",
            managers.join("\n    ")
        ),
    };
}

fn failures(plan: &Plan, text: &mut String) {
    let medium = handoff::payload_medium(plan);
    let of_medium = format!(
        "    the medium is not found  is it attached to this host? `./cfy-seed verify ../{medium}` says whether it is whole\n    \
        a file of it is bad      make the medium again (step 2); where that names the file too, bring the box again\n"
    );
    let of_medium = if plan.uses_payload() { of_medium.as_str() } else { "" };
    let _ = write!(
        text,
        "6. WHEN A HOST HAS FAILED its console names the code, the cause and the fix. More about a code:\n\n    \
        ./cfy-seed explain CODE\n\n   \
        Mend what it says, and then, on that host as root, or by a reboot:\n\n    \
        cfy-firstboot retry\n\n   \
        It goes on where it was; the other hosts wait for it meanwhile. A host may be rebooted or lose power at any time.\n\n    \
        nothing on the console   the host has no seed image, or that of another label: is hosts/<name>/seed.iso attached?\n\
        {of_medium}    \
        waits for a host         look at that host's console first: most waits end where the first trouble is\n    \
        all else                 `cfy-firstboot gather` on the host packs what support needs, and no secrets\n\n",
    );
}

#[cfg(test)]
mod tests {
    use super::runbook;
    use crate::diag::Sources;
    use crate::plan::{Attachments, resolve};
    use crate::profile::Profiles;
    use crate::spec;

    const HEAD: &str = "apiVersion: cfy-seed/v1\nname: prod\ncloudify: {version: \"7.0.4\", rpm: {preinstalled: true}}\n\
        hosts:\n\
        \x20 - {name: db-1, roles: [database], private_ip: 10.0.0.11}\n\
        \x20 - {name: broker-1, roles: [broker], private_ip: 10.0.0.21}\n\
        \x20 - {name: manager-1, roles: [manager], private_ip: 10.0.0.31}\n\
        \x20 - {name: manager-2, roles: [manager], private_ip: 10.0.0.32}\n";

    fn of(more: &str) -> String {
        let text = format!("{HEAD}{more}");
        let parsed = spec::parse("cluster.yaml", &text, &mut Sources::default());
        let profiles = Profiles::embedded().expect("profiles");
        let resolved = resolve(&parsed.spec.expect("a spec"), parsed.place, &profiles, &Attachments::new());
        runbook(&resolved.plan.unwrap_or_else(|| panic!("{:#?}", resolved.report)))
    }

    #[test]
    fn users_log_in_at_the_balancer_where_there_is_one() {
        let ours =
            "  - {name: balancer, roles: [load_balancer], private_ip: 10.0.0.40, public_ip: cloudify.example.com}\n";
        let other = "network: {load_balancer: {address: 10.0.0.99}}\n";
        let log_in = "log in to the console of Cloudify at https://";
        for (more, address) in
            [(ours, "cloudify.example.com, which is the balancer"), (other, "10.0.0.99, which is your")]
        {
            let text = of(more);
            assert!(text.contains(&format!("{log_in}{address}")), "{text}");
            assert!(text.contains("\n    https://10.0.0.31\n    https://10.0.0.32\n"), "{text}");
        }
        assert!(of("").contains(&format!("{log_in}10.0.0.31, https://10.0.0.32.\n")));
    }

    #[test]
    fn who_connects_from_outside_is_explained_where_it_occurs() {
        let lines =
            [("agent", "the machines that"), ("user", "people and"), ("outside_balancer", "your load balancer")];
        let explained = |text: &str| lines.map(|(word, what)| text.contains(&format!("\n    {word:16}  {what}")));
        assert_eq!(explained(&of("")), [true, true, false]);
        let text = of("network: {load_balancer: {address: 10.0.0.99}}\n");
        assert_eq!(explained(&text), [true, true, true], "{text}");
        assert!(text.contains("before the managers, 10.0.0.99, which"), "{text}");
    }

    #[test]
    fn nothing_is_said_of_a_medium_that_nobody_needs() {
        assert!(!of("").contains("payload iso") && !of("").contains("the medium is not found"));
        let text = of("os_packages: {from: payload}\n");
        for line in [
            "payload iso payload --out ../prod-7.0.4.payload.iso\n",
            "verify ../prod-7.0.4.payload.iso` says whether",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        let wide: Vec<&str> =
            text.lines().filter(|line| line.chars().count() > 140 && !line.contains("WILL STOP")).collect();
        assert!(wide.is_empty(), "{wide:#?}");
    }
}

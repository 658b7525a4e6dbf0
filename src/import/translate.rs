//! From the vendor's words to ours.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use crate::diag::{Code, Diagnostic, Report, Sources, Span};
use crate::names::{CloudifyVersion, ClusterName, Credential, RoleKind, Secret};
use crate::profile::{Contract, Profiles};

use super::credential::{self, Credentials};
use super::machine::Machine;
use super::own_config::{self, OwnConfig};
use super::vendor::{FileUse, NamedFile, Vendor};
use super::{Draft, Loaded};

/// What the vendor's file does not say.
#[derive(Debug, Clone)]
pub struct Choices {
    /// The cluster's name.
    pub name: ClusterName,
    /// Cloudify's version, where the installer's name does not say it.
    pub version: Option<CloudifyVersion>,
    /// The vendor's file as it is known to the user.
    pub file: String,
    /// Its directory, from the root.
    pub directory: Utf8PathBuf,
}

/// A file that goes beside the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beside {
    /// What for.
    pub usage: FileUse,
    /// Its name there.
    pub name: &'static str,
}

/// The vendor's file in our words.
#[derive(Debug)]
pub struct Translation<'v> {
    /// The spec.
    pub draft: Draft,
    /// Credentials for the vault.
    pub credentials: BTreeMap<Credential, Secret>,
    /// Files that the spec names.
    pub beside: Vec<Beside>,
    /// The machines, in the order of the spec.
    pub machines: Vec<Machine<'v>>,
    /// Whether the hosts bring certificates that a CA without its key signed.
    pub certificates: bool,
}

/// The files that were named, by what they are for.
pub type Files = BTreeMap<FileUse, (NamedFile, Loaded)>;

/// Translates. What cannot be carried over is in the report; where that has errors, the draft is none to keep.
pub fn translate<'v>(
    vendor: &'v Vendor,
    files: &Files,
    choices: &Choices,
    profiles: &Profiles,
    (sources, report): (&mut Sources, &mut Report),
) -> Translation<'v> {
    vendor.unused(report);
    let version = version(vendor, choices, report);
    let contract = version.and_then(|(version, _)| profiles.contract(version));
    let machines = vendor.machines(report);
    let mut this = Translator {
        vendor,
        files,
        contract,
        report,
        machines,
        draft: Draft::default(),
        beside: Vec::new(),
        credentials: Credentials::new(),
        configs: BTreeMap::new(),
    };
    this.unusable();
    this.own_configs(sources);
    let own = std::mem::take(&mut this.configs);
    let from_configs: Vec<_> = own
        .values()
        .flat_map(|config| config.credentials.iter().map(|(name, s, span)| (*name, s.clone(), *span)))
        .collect();
    this.configs = own;
    this.credentials = credential::credentials(vendor, from_configs.into_iter(), this.report);
    this.head(choices);
    this.cloudify(version);
    this.network();
    let certificates = this.pki(choices);
    this.external();
    this.ldap();
    this.settings();
    this.hosts();
    let credentials = this.credentials.into_iter().map(|(name, (secret, _))| (name, secret)).collect();
    Translation { draft: this.draft, credentials, beside: this.beside, machines: this.machines, certificates }
}

pub(super) struct Translator<'v, 'a> {
    pub vendor: &'v Vendor,
    pub files: &'a Files,
    pub contract: Option<&'a Contract>,
    pub report: &'a mut Report,
    pub machines: Vec<Machine<'v>>,
    pub draft: Draft,
    pub beside: Vec<Beside>,
    /// Those that the vault will keep.
    pub credentials: Credentials,
    /// Configs of their own, by machine and role.
    pub configs: BTreeMap<(usize, RoleKind), OwnConfig>,
}

/// The version in the name of the installer, such as `cloudify-manager-install-6.4.2-ga.el8.x86_64.rpm`.
fn version(vendor: &Vendor, choices: &Choices, report: &mut Report) -> Option<(CloudifyVersion, Span)> {
    let Some((path, span)) = vendor.installer().spanned() else {
        if vendor.installer().is_absent() {
            let place = vendor.existing_vms.span();
            let missing = Diagnostic::error(Code::MissingKey, "the key `manager_rpm_path` is missing");
            report
                .push(missing.at_opt(place, "in this file").help("it says which version to install, and from where"));
        }
        return None;
    };
    let number = path.rsplit('/').next().and_then(|name| name.strip_prefix("cloudify-manager-install-"));
    let number = number.and_then(|rest| rest.split('-').next()?.parse::<CloudifyVersion>().ok());
    let found = choices.version.or(number);
    if found.is_none() {
        let message = "the name of the installer does not say which version of Cloudify it installs";
        let unknown = Diagnostic::error(Code::VendorVersion, message).at(span, "no version");
        report.push(unknown.help("say it: `--cloudify-version 6.4.2`"));
    }
    found.map(|version| (version, span))
}

impl Translator<'_, '_> {
    /// Says which files cannot be used.
    fn unusable(&mut self) {
        for (usage, (named, loaded)) in self.files {
            // The installer is no file of ours in any case, and that is said where it is written.
            let Loaded::Unusable(why) = loaded else { continue };
            if *usage == FileUse::Installer {
                continue;
            }
            let message = format!("a file that is named here cannot be used: {why}");
            let help = "a relative path starts at the directory of this file; `~` is not known here, write it out";
            // Bundles can be built without a licence, and say so.
            let found = match usage {
                FileUse::License => Diagnostic::warning(Code::VendorFile, message),
                _ => Diagnostic::error(Code::VendorFile, message),
            };
            self.report.push(found.at(named.span, "this file").help(help));
        }
    }

    fn own_configs(&mut self, sources: &mut Sources) {
        let Some(contract) = self.contract else { return };
        for (usage, (named, loaded)) in self.files {
            let (FileUse::Config(at, role), Loaded::Bytes(bytes)) = (usage, loaded) else { continue };
            let Ok(text) = std::str::from_utf8(bytes.expose()) else {
                let message = "the config is not UTF-8 text";
                self.report.push(Diagnostic::error(Code::VendorFile, message).at(named.span, "this file"));
                continue;
            };
            let read = own_config::read(named, *role, text, contract, (&mut *sources, &mut *self.report));
            self.configs.extend(read.map(|config| ((*at, *role), config)));
        }
    }

    fn head(&mut self, choices: &Choices) {
        let file = choices.file.rsplit('/').next().unwrap_or_default();
        let file: String = file.chars().filter(|c| !c.is_control()).collect();
        self.draft.say(&format!(
            "# A cluster of Cloudify Manager, made of {file} by `cfy-seed import`.\n\
             # DECIDE marks what that file did not say. Every key is described in docs/spec.md.\n\
             apiVersion: cfy-seed/v1\nname: {}\n",
            choices.name
        ));
    }

    fn cloudify(&mut self, version: Option<(CloudifyVersion, Span)>) {
        let Some((version, span)) = version else { return };
        self.draft.say("\ncloudify:\n  version: ");
        self.draft.value(&version.to_string(), span);
        if let Some(license) = self.vendor.cloudify_license_path.span() {
            self.draft.say("\n  # The first manager uploads it.\n  license: ");
            self.beside("license.yaml", FileUse::License, license);
        } else {
            self.draft
                .say("\n  # DECIDE: the licence, as `license`; the first manager stops in PREFLIGHT without one.");
        }
        self.installer();
        let path = self.vendor.installer().get().map_or("", String::as_str);
        let os = ["el7", "el8"].into_iter().find(|os| path.contains(&format!(".{os}.")));
        if let Some(os) = os {
            self.draft.say("\nos: ");
            self.draft.word(os, span);
            self.draft.say("\n");
        }
        self.draft.say(
            "# As before, prerequisites come from the repositories that the image has. DECIDE: image, payload, or a repository\n\
             # of yours are the other choices.\nos_packages: {from: system-repos}\n\
             # DECIDE: where the machines are.\ntarget: [nocloud]\n\
             # DECIDE: who may log in, with public keys in OpenSSH's format. Nobody needs to, to install.\n\
             access: {ssh_authorized_keys: []}\n",
        );
    }

    /// A file that is copied beside the spec: its name there.
    pub(super) fn beside(&mut self, name: &'static str, usage: FileUse, origin: Span) {
        self.draft.word(name, origin);
        self.beside.push(Beside { usage, name });
    }

    fn installer(&mut self) {
        let Some((path, span)) = self.vendor.installer().spanned() else { return };
        if path.starts_with("http://") || path.starts_with("https://") {
            self.draft.say(
                "\n  # DECIDE: add its digest (what sha256sum prints) as `sha256`: no host installs a file that it cannot check.\
                 \n  rpm: {url: ",
            );
            self.draft.value(path, span);
            self.draft.say("}\n");
            return;
        }
        let digest = match self.files.get(&FileUse::Installer) {
            Some((_, Loaded::Digest(digest))) => digest.to_string(),
            _ => "…".to_owned(),
        };
        self.draft.say(&format!(
            "\n  # DECIDE: it was a file of the machine that installed. Put it into the image, which is what this line says, or on a\
             \n  # web server: rpm: {{url: …, sha256: {digest}}}\
             \n  rpm: {{preinstalled: true}}\n"
        ));
        let message = "the installer is a file, and no machine copies files to the hosts any more";
        let local = Diagnostic::warning(Code::VendorNotCarried, message).at(span, "not carried over");
        let help = format!(
            "put it into the image (`preinstalled`, as the spec says now), or on a web server: `rpm: {{url: …, sha256: {digest}}}`"
        );
        self.report.push(local.help(help));
    }

    fn network(&mut self) {
        self.draft.say("\n# DECIDE: what all hosts share. The old file has addresses only; the machines had the rest already.\nnetwork:\n");
        let nets: std::collections::BTreeSet<[u8; 3]> = self
            .machines
            .iter()
            .filter_map(|machine| machine.vm.private_ip.get())
            .map(|ip| {
                let [a, b, c, _] = ip.ip().octets();
                [a, b, c]
            })
            .collect();
        if nets.len() > 1 {
            self.draft.say("  # The addresses are in several networks. Without DHCP, give each host its `prefix` and `gateway`.\n  dhcp: true\n");
        } else {
            self.draft.say("  prefix: 24\n");
        }
        self.draft.say("  interface: eth0\n");
        if let Some((domain, span)) = self.vendor.domain(self.report) {
            self.draft.say("  domain: ");
            self.draft.word(domain.as_str(), span);
            self.draft.say("\n");
        }
        if let Some((address, span)) = self.vendor.load_balancer_ip.spanned() {
            self.draft.say("  # It stays outside; a host with the role `load_balancer` could be it instead.\n  load_balancer: {address: ");
            self.draft.word(&address.to_string(), span);
            self.draft.say("}\n");
        }
    }

    fn hosts(&mut self) {
        self.draft.say("\n# The order inside a role is the order of installation.\nhosts:\n");
        for machine in self.machines.clone() {
            let ip = machine.vm.private_ip.spanned();
            if machine.vm.private_ip.is_absent() {
                let message = format!("`{}` has no `private_ip`", machine.key.0.escape_debug());
                let missing = Diagnostic::error(Code::MissingKey, message).at(machine.key.1, "this machine");
                self.report.push(missing.help("write the address that it has inside the cluster"));
            }
            let Some((ip, span)) = ip else { continue };
            // A line each, as far as that can be read.
            let [open, comma, close] =
                if self.has_settings(&machine) { ["", "\n    ", "\n"] } else { ["{", ", ", "}\n"] };
            self.draft.say(&format!("  - {open}name: "));
            self.draft.word(&machine.name.0, machine.name.1);
            let roles: Vec<&str> = machine.roles.iter().map(|role| role.as_str()).collect();
            self.draft.say(&format!("{comma}roles: [{}]{comma}private_ip: ", roles.join(", ")));
            self.draft.word(&ip.to_string(), span);
            let public = machine.vm.public_ip.spanned().filter(|(public, _)| public.to_string() != ip.to_string());
            if let Some((public, span)) = public {
                self.draft.say(&format!("{comma}public_ip: "));
                self.draft.word(&public.to_string(), span);
            }
            self.draft.say(close);
            self.own_settings(&machine);
        }
    }
}

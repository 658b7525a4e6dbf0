//! What the cluster uses and does not install: a database, a directory; its certificates; and settings of its own.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic};
use crate::names::{Credential, PublicAddress, RoleKind};
use crate::profile::Feature;
use crate::yaml::{Mapping, NodeKind};

use super::machine::Machine;
use super::translate::{Choices, Translator};
use super::vendor::FileUse;

impl Translator<'_, '_> {
    /// The CA and the hosts' certificates. Says whether there are certificates for the vault.
    pub(super) fn pki(&mut self, choices: &Choices) -> bool {
        self.draft.say("\npki:\n  key: rsa-2048\n");
        let Some(ca) = self.vendor.ca_cert_path.span() else {
            for machine in &self.machines {
                let Some(span) = machine.vm.cert_path.span().or_else(|| machine.vm.key_path.span()) else { continue };
                let message = "a certificate without `ca_cert_path` is not used";
                let unused = Diagnostic::warning(Code::VendorNotCarried, message).at(span, "left out");
                self.report.push(unused.help(
                    "as with the cluster manager; name the CA that signed it, or leave it so: a new one is made",
                ));
            }
            return false;
        };
        if let Some((key, span)) = self.vendor.ca_key_path.spanned() {
            self.draft.say("  # It signs all certificates, as it did before. Its key is used and copied nowhere.\n  ca:\n    cert: ");
            self.beside("ca.crt", FileUse::Ca, ca);
            self.draft.say("\n    key: ");
            self.draft.value(choices.directory.join(key).as_str(), span);
            self.draft.say("\n");
            let message = "the hosts get new certificates of this CA, with the names that Cloudify's version needs";
            self.report.push(Diagnostic::note(Code::VendorNotCarried, message).at(span, "signs them").help(
                "the old ones are left where they are; without `ca_key_path` they would be taken into the vault",
            ));
            return false;
        }
        for machine in &self.machines {
            for (field, key) in [(&machine.vm.cert_path, "cert_path"), (&machine.vm.key_path, "key_path")] {
                if field.is_absent() {
                    let message = format!("the key `{key}` is missing");
                    let missing = Diagnostic::error(Code::MissingKey, message).at(machine.key.1, "of this machine");
                    let missing = missing.at(ca, "needed beside this");
                    self.report.push(
                        missing.help(
                            "each machine has a certificate of this CA, with its key; or remove `ca_cert_path`",
                        ),
                    );
                }
            }
        }
        true
    }

    pub(super) fn external(&mut self) {
        let Some((database, place)) = self.vendor.external_db_configuration.spanned() else { return };
        self.draft.say("\nexternal:\n  database:\n");
        if let Some((host, span)) = database.host.spanned() {
            let (name, port) = match host.rsplit_once(':') {
                Some((name, port)) if port.parse::<u16>().is_ok() => (name, Some(port)),
                _ => (host.as_str(), None),
            };
            if let Err(why) = name.parse::<PublicAddress>() {
                self.report.push(Diagnostic::error(Code::InvalidValue, why.to_string()).at(span, ""));
            }
            self.draft.say("    host: ");
            self.draft.word(name, span);
            self.draft.say("\n");
            if let Some(port) = port {
                self.draft.say(&format!("    port: {port}\n"));
            }
        }
        for (name, field) in [("host", database.host.is_absent()), ("ca_path", database.ca_path.is_absent())] {
            if field {
                let missing = Diagnostic::error(Code::MissingKey, format!("the key `{name}` is missing"));
                self.report
                    .push(missing.at(place, "in this mapping").help("managers reach the database by it, over TLS"));
            }
        }
        if let Some(span) = database.ca_path.span() {
            self.draft.say("    ca: ");
            self.beside("database-ca.pem", FileUse::DatabaseCa, span);
            self.draft.say("\n");
        }
        let users =
            [("server_username", &database.server_username), ("cloudify_username", &database.cloudify_username)];
        let azure = users.iter().filter_map(|(_, user)| user.spanned()).find(|(user, _)| user.server().is_some());
        for (key, user) in users {
            if let Some((user, span)) = user.spanned() {
                self.draft.entry("    ", key, user.as_str(), span);
            }
        }
        for (key, name) in
            [("server_db_name", &database.server_db_name), ("cloudify_db_name", &database.cloudify_db_name)]
        {
            if let Some((name, span)) = name.spanned() {
                self.draft.entry("    ", key, name.as_str(), span);
            }
        }
        if azure.is_some() {
            self.draft.say("    # A single server of Azure: users have its name behind the `@`.\n    azure: true\n");
        }
        // No vault can make it up, so the spec must have it.
        if let Some((secret, span)) = self.credentials.remove(&Credential::PostgresPassword) {
            self.draft.say("\n# The superuser's, which only the database's owner knows. All others are in the vault.\ncredentials:\n  postgres_password: ");
            self.draft.hidden(&secret, span);
            self.draft.say("\n");
        }
    }

    pub(super) fn ldap(&mut self) {
        let Some((ldap, place)) = self.vendor.ldap.spanned().filter(|(ldap, _)| !ldap.server.is_absent()) else {
            return;
        };
        if self.contract.is_some_and(|contract| !contract.features.has(Feature::Ldap)) {
            let message = "this version of Cloudify takes no LDAP at its installation";
            let later = Diagnostic::warning(Code::VendorNotCarried, message).at(place, "not carried over");
            self.report.push(later.help("set it up on a manager after the installation, with `cfy ldap set`"));
            return;
        }
        self.draft.say("\nldap:\n");
        let fields = [
            ("server", ldap.server.spanned().map(|(server, span)| (server.as_str(), span))),
            ("domain", ldap.domain.spanned().map(|(domain, span)| (domain.as_str(), span))),
            ("username", ldap.username.spanned().map(|(name, span)| (name.as_str(), span))),
            ("dn_extra", ldap.dn_extra.spanned().map(|(extra, span)| (extra.as_str(), span))),
        ];
        for (key, field) in fields {
            let Some((value, span)) = field else { continue };
            self.draft.entry("  ", key, value, span);
        }
        if let Some(active) = ldap.is_active_directory.get() {
            self.draft.say(&format!("  is_active_directory: {active}\n"));
        }
        if let Some((secret, span)) = ldap.password.spanned() {
            self.draft.say("  # Only the directory's owner knows it, so it is not in the vault.\n  password: ");
            self.draft.hidden(secret, span);
            self.draft.say("\n");
        }
        if let Some(span) = ldap.ca_cert.span() {
            self.draft.say("  ca: ");
            self.beside("ldap-ca.pem", FileUse::LdapCa, span);
            self.draft.say("\n");
        }
    }

    /// Settings that all machines of a role have in their own configs: said once.
    pub(super) fn settings(&mut self) {
        let mut by_role: BTreeMap<RoleKind, Vec<(usize, String)>> = BTreeMap::new();
        for ((at, role), config) in &self.configs {
            // Where they stand does not matter, so they are compared as text.
            by_role
                .entry(*role)
                .or_default()
                .push((*at, serde_json::to_string(&config.settings).unwrap_or_default()));
        }
        let shared: Vec<RoleKind> = by_role
            .into_iter()
            // A machine without a config of its own must not get that of the others.
            .filter(|(role, configs)| {
                configs.len() == self.machines.iter().filter(|machine| machine.roles.contains(role)).count()
            })
            .filter(|(_, configs)| configs.windows(2).all(|pair| pair[0].1 == pair[1].1))
            .map(|(role, _)| role)
            .collect();
        let mut said = false;
        for role in shared {
            let of_role = |key: &&(usize, RoleKind)| key.1 == role;
            let Some(first) = self.configs.keys().find(of_role).copied() else { continue };
            let settings = self.configs.get(&first).map(|config| config.settings.clone()).unwrap_or_default();
            if settings.entries.is_empty() {
                continue;
            }
            if !said {
                self.draft.say("\n# From the machines' own configs: what cfy-seed has no key for.\nconfig:\n");
                said = true;
            }
            self.role_settings(role, &settings, 2);
            self.configs
                .iter_mut()
                .filter(|(key, _)| key.1 == role)
                .for_each(|(_, config)| config.settings.entries.clear());
        }
    }

    /// Whether a machine's own configs have what others have not.
    pub(super) fn has_settings(&self, machine: &Machine<'_>) -> bool {
        self.of(machine).next().is_some()
    }

    fn of(&self, machine: &Machine<'_>) -> impl Iterator<Item = (RoleKind, &Mapping)> {
        let configs =
            machine.roles.iter().filter_map(|role| Some((*role, &self.configs.get(&(machine.at, *role))?.settings)));
        configs.filter(|(_, settings)| !settings.entries.is_empty())
    }

    /// What a machine's own configs have that others have not, below its other keys.
    pub(super) fn own_settings(&mut self, machine: &Machine<'_>) {
        let own: Vec<(RoleKind, Mapping)> =
            self.of(machine).map(|(role, settings)| (role, settings.clone())).collect();
        if own.is_empty() {
            return;
        }
        self.draft.say("    config:\n");
        for (role, settings) in own {
            self.role_settings(role, &settings, 6);
        }
    }

    fn role_settings(&mut self, role: RoleKind, settings: &Mapping, indent: usize) {
        self.draft.say(&format!("{}{}:\n", " ".repeat(indent), role.as_str()));
        self.draft.entries(&settings.entries, indent + 2);
        if holds_secret(settings) {
            self.draft.mark_secret();
        }
    }
}

/// Whether a key in it sounds as if a secret stood behind it.
fn holds_secret(settings: &Mapping) -> bool {
    settings.entries.iter().any(|(key, node)| {
        crate::yaml::decode::sounds_secret(&key.text)
            || match &node.kind {
                NodeKind::Map(below) => holds_secret(&Mapping { entries: below.clone() }),
                _ => false,
            }
    })
}

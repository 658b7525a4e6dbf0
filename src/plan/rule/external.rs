//! Services that are there already: whether managers can reach, trust and log in to them.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Report, Span};
use crate::names::{Credential, DatabaseUser, RoleKind};
use crate::plan::external::{External, ExternalBroker, ExternalDatabase, ExternalMember};
use crate::plan::{Attachment, AttachmentKind, Attachments, Refusal};
use crate::profile::{Contract, Feature};
use crate::spec::{self, Host, Spec, require};
use crate::yaml::Field;

use super::authority::{self, Authority};
use super::{credential, in_range, same};

/// The password that commented examples have: a bundle is built with it, and its managers stop in PREFLIGHT.
const EXAMPLE_PASSWORD: &str = "change-me";

/// What the spec says of external services.
#[derive(Debug, Default)]
pub struct Found {
    /// Where they are; a service whose values are not all good is not among them.
    pub external: External,
    /// Why managers would stop.
    pub refusals: Vec<Refusal>,
    /// Their CAs.
    pub authorities: Vec<Authority>,
}

/// Whether the spec says that no host installs this role.
pub fn is_given(spec: &Spec, kind: RoleKind) -> bool {
    let Some(external) = spec.external.get() else { return false };
    match kind {
        RoleKind::Database => !external.database.is_absent(),
        RoleKind::Broker => !external.broker.is_absent(),
        _ => false,
    }
}

/// Where the spec describes the service that stands for this role.
pub fn place(spec: &Spec, kind: RoleKind) -> Option<Span> {
    let external = spec.external.get()?;
    match kind {
        RoleKind::Database => external.database.span(),
        RoleKind::Broker => external.broker.span(),
        _ => None,
    }
}

/// Every rule about external services but those that count hosts.
pub fn external(report: &mut Report, spec: &Spec, contract: Option<&Contract>, files: &Attachments) -> Found {
    let mut found = Found::default();
    let Some(given) = spec.external.get() else { return found };
    let hosts: Vec<&Host> = spec.hosts.get().into_iter().flatten().filter_map(Field::get).collect();
    let taken = Taken::of(&hosts, spec);
    if let Some((database, place)) = given.database.spanned() {
        found.external.database = self::database(report, database, place, &taken);
        let kind = AttachmentKind::ExternalDatabaseCa;
        found.authority(report, "database", &database.ca, place, files.get(&kind));
        found.password(report, spec, Credential::PostgresPassword, place, "superuser of the external database");
    }
    if let Some((broker, place)) = given.broker.spanned() {
        if let Some(contract) = contract.filter(|contract| !contract.features.has(Feature::ExternalBroker)) {
            let message = format!("{} does not know external brokers", contract.contract);
            let wrong = Diagnostic::error(Code::ExternalAndOurs, message).at(place, "");
            report.push(wrong.help("take Cloudify 6.0 or newer, or brokers among the hosts"));
        }
        found.external.broker = self::broker(report, broker, place, &taken);
        found.authority(report, "broker", &broker.ca, place, files.get(&AttachmentKind::ExternalBrokerCa));
        found.password(report, spec, Credential::RabbitmqPassword, place, "administrator of the external broker");
    }
    found
}

/// The addresses and names that hosts have.
struct Taken(BTreeMap<String, Span>);

impl Taken {
    fn of(hosts: &[&Host], spec: &Spec) -> Self {
        let domain = spec.network.get().and_then(|network| network.domain.get());
        let mut all = BTreeMap::new();
        for host in hosts {
            let addresses = [
                host.private_ip.spanned().map(|(ip, span)| (ip.to_string(), span)),
                host.public_ip.spanned().map(|(public, span)| (public.to_string(), span)),
                host.name.spanned().map(|(name, span)| (name.to_string(), span)),
                host.name.spanned().zip(domain).map(|((name, span), domain)| (format!("{name}.{domain}"), span)),
            ];
            all.extend(addresses.into_iter().flatten());
        }
        Self(all)
    }

    /// An external service cannot be one of the hosts: that would install it.
    fn check(&self, report: &mut Report, word: &str, span: Span) {
        if let Some(host) = self.0.get(word) {
            let message = format!("`{word}` is one of the hosts, and no external service");
            let wrong = Diagnostic::error(Code::ExternalAddress, message).at(span, "external").at(*host, "the host");
            report.push(wrong.help("name the service's own machine, or give that host the role instead"));
        }
    }
}

fn database(
    report: &mut Report,
    database: &spec::ExternalDatabase,
    place: Span,
    taken: &Taken,
) -> Option<ExternalDatabase> {
    require(report, &database.host, "host", "host: db.example.com", place);
    if let Some((host, span)) = database.host.spanned() {
        taken.check(report, &host.to_string(), span);
    }
    let port = in_range(report, Code::ExternalAddress, &database.port, "port", 1..=u16::MAX, 5432);
    let server_username = or(&database.server_username, "postgres")?;
    let cloudify_username = or(&database.cloudify_username, "cloudify")?;
    let server_db_name = or(&database.server_db_name, "postgres")?;
    let cloudify_db_name = or(&database.cloudify_db_name, "cloudify_db")?;
    let users =
        (&server_username, database.server_username.span(), &cloudify_username, database.cloudify_username.span());
    let databases =
        (&server_db_name, database.server_db_name.span(), &cloudify_db_name, database.cloudify_db_name.span());
    differ(report, "user", users, place);
    differ(report, "database", databases, place);
    let azure = database.azure.get() == Some(&true);
    for (key, user, span) in [("server_username", users.0, users.1), ("cloudify_username", users.2, users.3)] {
        at_server(report, key, user, span.or_else(|| database.azure.span()).unwrap_or(place), azure);
    }
    if azure && users.0.server().is_some() && users.2.server().is_some() && users.0.server() != users.2.server() {
        let wrong = Diagnostic::error(Code::ExternalUsers, "the two users name different servers behind the `@`");
        let wrong = wrong.at_opt(users.3, "this server").at_opt(users.1, "and this one");
        report.push(wrong.help("both are users of one server: write its name behind both"));
    }
    let host = database.host.get()?.clone();
    Some(ExternalDatabase { host, port, server_username, server_db_name, cloudify_username, cloudify_db_name })
}

/// The value, or the default where there is none; nothing where it is bad.
fn or<T: std::str::FromStr + Clone>(field: &Field<T>, default: &str) -> Option<T> {
    match field {
        Field::Absent => default.parse().ok(),
        Field::Bad => None,
        Field::Good(value, _) => Some(value.clone()),
    }
}

/// Cloudify creates its own user and its own database beside those of the server (cloudify.md §1.2, V:441-450).
fn differ<T: PartialEq + std::fmt::Display>(
    report: &mut Report,
    what: &str,
    (server, server_span, cloudify, cloudify_span): (&T, Option<Span>, &T, Option<Span>),
    place: Span,
) {
    if server == cloudify {
        let message = format!("the server's {what} and Cloudify's own are both `{server}`");
        let wrong = Diagnostic::error(Code::ExternalUsers, message);
        let wrong = wrong.at(cloudify_span.or(server_span).unwrap_or(place), "used twice");
        report.push(wrong.help(format!("Cloudify makes a {what} of its own: give it another name")));
    }
}

/// Azure's single servers want `user@server`; no other server does (cloudify.md §1.2, V:453-464).
fn at_server(report: &mut Report, key: &str, user: &DatabaseUser, span: Span, azure: bool) {
    let (message, help) = match (azure, user.server()) {
        (true, None) => (
            format!("`{key}` is `{user}`, and Azure wants `@server` behind it"),
            format!("write `{key}: {user}@SERVER`, with the first word of the server's name"),
        ),
        (false, Some(_)) => (
            format!("`{key}` is `{user}`, and only a single server of Azure has such users"),
            "add `azure: true`, or remove what stands from the `@` on".to_owned(),
        ),
        _ => return,
    };
    report.push(Diagnostic::error(Code::ExternalUsers, message).at(span, "").help(help));
}

fn broker(report: &mut Report, broker: &spec::ExternalBroker, place: Span, taken: &Taken) -> Option<ExternalBroker> {
    require(report, &broker.members, "members", "members: [{name: rabbit-1, address: mq.example.com}]", place);
    let (fields, list) = broker.members.spanned()?;
    if fields.is_empty() {
        let wrong = Diagnostic::error(Code::ExternalAddress, "an external broker without members").at(list, "empty");
        report.push(wrong.help("write at least one: `{name: rabbit-1, address: mq.example.com}`"));
    }
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut members = Vec::new();
    for (member, span) in fields.iter().filter_map(Field::spanned) {
        require(report, &member.name, "name", "name: rabbit-1", span);
        require(report, &member.address, "address", "address: mq.example.com", span);
        let words = [
            member.name.spanned().map(|(name, span)| (name.to_string(), "name", span)),
            member.address.spanned().map(|(address, span)| (address.to_string(), "address", span)),
        ];
        for (word, what, span) in words.into_iter().flatten() {
            taken.check(report, &word, span);
            if let Some(first) = seen.insert(format!("{what} {word}"), span) {
                let message = format!("two members of the external broker have the {what} {word}");
                same(report, Code::ExternalAddress, message, first, span, "give each member its own");
            }
        }
        let (name, address) = (member.name.get().cloned(), member.address.get().cloned());
        members.extend(name.zip(address).map(|(name, address)| ExternalMember { name, address }));
    }
    Some(ExternalBroker { username: or(&broker.username, "cloudify")?, members })
}

impl Found {
    /// The CA's file: it is read and judged here, its dates by who knows the time.
    fn authority(
        &mut self,
        report: &mut Report,
        whose: &str,
        field: &Field<String>,
        place: Span,
        file: Option<&Attachment>,
    ) {
        require(report, field, "ca", "ca: FILE.pem", place);
        let Some((path, span)) = field.spanned() else { return };
        let which = format!("the CA of the external {whose}, `{}`,", path.escape_debug());
        let (why, help) = match file {
            None | Some(Attachment::Missing) => {
                let fix = format!("put it beside the spec, name it as `external.{whose}.ca`, and build again");
                self.warn(report, Code::ExternalCa, format!("{which} is not there"), fix, span);
                return;
            }
            Some(Attachment::Unreadable(why)) => (why.clone(), "name a PEM file"),
            Some(Attachment::Bytes(bytes)) => match authority::read(bytes, span) {
                Ok(read) => return self.authorities.extend(read),
                Err(wrong) => wrong,
            },
        };
        let wrong = Diagnostic::error(Code::ExternalCa, format!("{which} {why}")).at(span, "relative to the spec");
        report.push(wrong.help(help));
    }

    /// A password that only the service's owner knows.
    fn password(&mut self, report: &mut Report, spec: &Spec, name: Credential, place: Span, whose: &str) {
        let key = name.as_str();
        let given = credential::supplied(spec).into_iter().find(|(which, _)| *which == name).map(|(_, field)| field);
        match given {
            None if spec.credentials.is_absent() || spec.credentials.get().is_some() => {
                let message = format!("`{key}` is the password of the {whose} and cannot be generated");
                let wrong = Diagnostic::error(Code::ExternalCredential, message).at(place, "this service knows it");
                report.push(wrong.help(format!("add `credentials: {{{key}: …}}` with the password that it has")));
            }
            Some(Field::Good(secret, span)) if secret.expose() == EXAMPLE_PASSWORD => {
                let cause = format!("`{key}` is still the example's `{EXAMPLE_PASSWORD}`");
                let fix = format!("set `credentials.{key}` to the password of the {whose}, and build again");
                self.warn(report, Code::ExternalCredential, cause, fix, *span);
            }
            _ => {}
        }
    }

    /// What a bundle can be built without, and no manager can be installed.
    fn warn(&mut self, report: &mut Report, code: Code, cause: String, fix: String, span: Span) {
        let warning = Diagnostic::warning(code, cause.clone()).at(span, "");
        report.push(warning.help(format!("{fix}; managers stop in PREFLIGHT until then")));
        self.refusals.push(Refusal { code, cause, fix });
    }
}

//! From what was written to what will be built.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Report, Span};
use crate::names::{Credential, HostAddress, HostName, PublicAddress, RoleKind, RsaSize};
use crate::profile::{Feature, Platform, Profiles, SHAPES, Size};
use crate::spec::{Host, Pki, Spec, require};
use crate::yaml::Field;

use super::{
    Attachments, Authority, External, ExtraFile, FurtherNetwork, HostPlan, Identity, Link, Member, Members,
    Overrides, Plan, Recovery, Refusal, RolePlan, RpmSource, certificate, gate, rule,
};

use rule::cloud_init::Around;
use rule::config::Keys;
use rule::overrides::Placed;

/// What came out of resolving.
#[derive(Debug)]
pub struct Resolved {
    /// The plan; only where nothing that it needs is missing or wrong.
    pub plan: Option<Plan>,
    /// What the operator adds to what cfy-seed writes; may hold secrets.
    pub overrides: Overrides,
    /// What was found.
    pub report: Report,
    /// CAs of external services: whoever knows the time judges their dates.
    pub authorities: Vec<Authority>,
}

/// Resolves a spec. `place` is the document's place; `files` is what is known of the files that the spec names.
#[must_use]
pub fn resolve(spec: &Spec, place: Span, profiles: &Profiles, files: &Attachments) -> Resolved {
    let mut report = Report::default();
    let (mut overrides, mut authorities) = (Overrides::new(), Vec::new());
    let plan = Resolver { spec, place, profiles, files }.run(&mut report, &mut overrides, &mut authorities);
    Resolved { plan: plan.filter(|_| !report.has_errors()), overrides, report, authorities }
}

struct Resolver<'a> {
    spec: &'a Spec,
    place: Span,
    profiles: &'a Profiles,
    files: &'a Attachments,
}

/// A host whose own values are all there.
struct Draft<'a> {
    host: &'a Host,
    name: &'a HostName,
    ip: HostAddress,
    span: Span,
    public: PublicAddress,
    kinds: Vec<RoleKind>,
    link: Link,
    networks: Vec<FurtherNetwork>,
}

impl Resolver<'_> {
    fn run(&self, report: &mut Report, overrides: &mut Overrides, authorities: &mut Vec<Authority>) -> Option<Plan> {
        let spec = self.spec;
        require(report, &spec.name, "name", "name: prod", self.place);
        require(report, &spec.cloudify, "cloudify", "cloudify: {version: \"7.0.4\", rpm: …}", self.place);
        require(report, &spec.hosts, "hosts", "hosts: […]", self.place);
        let (times, days) = (rule::times::first_boot(report, spec), rule::pki::certificates(report, spec));
        let generation = rule::times::generation(report, spec);
        rule::credential::check(report, spec);
        self.check_access(report);
        let targets = rule::target::targets(report, spec, self.profiles);
        let files = rule::extra_file::resolve(report, spec, self.files);
        let packages = rule::cloudify::packages(report, &spec.os_packages, self.files);

        let cloudify = spec.cloudify.spanned();
        let mut contract = None;
        let mut rpm = None;
        let mut license = Ok(false);
        if let Some((cloudify, span)) = cloudify {
            require(report, &cloudify.version, "version", "version: \"7.0.4\"", span);
            contract = rule::cloudify::contract(report, cloudify, self.profiles);
            rpm = rule::cloudify::rpm(report, cloudify, span, self.files);
            license = rule::cloudify::license(report, cloudify, span, self.files);
        }
        let payload_url = rule::payload::url(report, spec, packages.as_ref(), rpm.as_ref());
        let platform = rule::platform::platform(report, spec, self.profiles, contract);
        let ldap = rule::ldap::ldap(report, spec, contract, self.files);
        let found = rule::external::external(report, spec, contract, self.files);
        *authorities = found.authorities;
        // Rules about hosts need a platform only for its interface name: any will do to find what else is wrong.
        let fallback = self.profiles.platforms().first();
        let drafts = self.drafts(report, platform.or(fallback)?);
        let config_allow = good(&spec.config_allow);
        if let Some(contract) = contract {
            let keys = Keys { contract, allowed: &config_allow };
            *overrides = self.overrides(report, &drafts, &keys, &files);
        }

        let (contract, platform, seed) = (contract?, platform?, rule::target::seed(self.profiles)?);
        let network = spec.network.get();
        let mut plan = Plan {
            cluster: spec.name.get()?.clone(),
            version: *cloudify?.0.version.get()?,
            contract: contract.clone(),
            platform: platform.clone(),
            targets,
            seed,
            shape: None,
            generation,
            hosts: Vec::new(),
            members: members(&drafts),
            external: found.external,
            balancer: None,
            packages: packages?,
            rpm: rpm?,
            payload_url,
            first_boot: rule::times::first_boot_source(spec),
            user: spec.access.get().and_then(|access| access.user.get()).cloned(),
            ssh_keys: spec.access.get().map(|access| good(&access.ssh_authorized_keys)).unwrap_or_default(),
            domain: network.and_then(|n| n.domain.get()).cloned(),
            dns: network.map(|n| good(&n.dns)).unwrap_or_default(),
            ntp: network.map(|n| good(&n.ntp)).unwrap_or_default(),
            proxy: network.and_then(|n| n.proxy.get()).cloned(),
            timezone: spec.timezone.get().cloned(),
            poll: times.0,
            stall_after: times.1,
            identity: self.identity(days)?,
            files,
            config_allow,
            license: matches!(license, Ok(true)),
            ldap,
        };
        plan.shape = shape(&drafts, &plan.external);
        plan.hosts = drafts.iter().filter_map(|draft| host(draft, &plan)).collect();
        self.balancer_and_certificates(&mut plan);
        refusals(&mut plan, license.err().as_ref(), &found.refusals);
        plan.identity.credentials = credentials(&plan);
        Some(plan)
    }

    fn overrides(
        &self,
        report: &mut Report,
        drafts: &[Draft<'_>],
        keys: &Keys<'_>,
        files: &[ExtraFile],
    ) -> Overrides {
        let user = self.spec.access.get().and_then(|access| access.user.get());
        let hosts: Vec<Placed<'_>> =
            drafts.iter().map(|draft| Placed { name: draft.name, kinds: &draft.kinds, host: draft.host }).collect();
        let complete = self.spec.hosts.get().is_some_and(|hosts| hosts.len() == drafts.len());
        rule::overrides::resolve(report, self.spec, (&hosts, complete), keys, &Around { user, files })
    }

    fn check_access(&self, report: &mut Report) {
        let keys = self.spec.access.get().map_or(&Field::Absent, |access| &access.ssh_authorized_keys);
        let given = match keys {
            Field::Absent => false,
            Field::Bad => true,
            Field::Good(keys, _) => !keys.is_empty(),
        };
        if !given {
            let message = "no public key is given: nobody can log in over SSH";
            let found = Diagnostic::note(Code::NoAccess, message).at_opt(keys.span(), "empty");
            report.push(found.help("name one under `access.ssh_authorized_keys`; the console remains"));
        }
    }

    /// The hosts whose name, address and roles are good, after every rule about the list.
    fn drafts(&self, report: &mut Report, platform: &Platform) -> Vec<Draft<'_>> {
        let Some((fields, list)) = self.spec.hosts.spanned() else { return Vec::new() };
        let hosts: Vec<(&Host, Span)> = fields.iter().filter_map(Field::spanned).collect();
        if rule::hosts::too_many(report, &hosts) {
            return Vec::new();
        }
        rule::hosts::identity(report, &hosts);
        let alone = hosts.iter().filter(|(host, _)| rule::hosts::is_cloudify(host)).count() == 1;
        let mut kinds = Vec::new();
        let mut drafts = Vec::new();
        // A host whose roles could not be read may be the one that seems to be missing.
        let mut readable = hosts.len() == fields.len();
        for (host, _) in &hosts {
            let own = rule::hosts::kinds(report, host, alone);
            readable &= !own.is_empty();
            kinds.extend(own.iter().copied());
            let link = rule::network::link(report, host, self.spec, platform);
            let networks = rule::further_network::resolve(report, host, &link);
            if let (Some(name), Some((ip, span)), false) =
                (host.name.get(), host.private_ip.spanned(), own.is_empty())
            {
                let public = host.public_ip.get().cloned().unwrap_or(PublicAddress::Ip(*ip));
                let kinds = own.into_iter().map(|(kind, _)| kind).collect();
                drafts.push(Draft { host, name, ip: *ip, span, public, kinds, link, networks });
            }
        }
        if readable {
            rule::hosts::counts(report, self.spec, list, &kinds);
        }
        let places: Vec<_> = drafts.iter().map(|d| (d.ip, d.span, d.link.clone())).collect();
        rule::network::reachable(report, &places);
        rule::further_network::check(report, &hosts);
        drafts
    }

    fn identity(&self, (ca_days, leaf_days): (u32, u32)) -> Option<Identity> {
        let empty = Pki::default();
        let pki = self.spec.pki.get().unwrap_or(&empty);
        Some(Identity {
            cluster: self.spec.name.get()?.clone(),
            key: pki.key.get().copied().unwrap_or(RsaSize::Rsa2048),
            ca_days,
            leaf_days,
            hosts: Vec::new(),
            clients: Vec::new(),
            credentials: Vec::new(),
        })
    }

    /// The balancer's names, and with them everybody's certificate.
    fn balancer_and_certificates(&self, plan: &mut Plan) {
        let mut names = Vec::new();
        if let Some(ours) = plan.hosts.iter().find(|host| host.has(RoleKind::LoadBalancer)) {
            names.extend([PublicAddress::Ip(ours.ip), ours.public.clone()]);
            names.extend(
                [ours.name.as_str(), &ours.fqdn].iter().filter_map(|n| n.parse().ok().map(PublicAddress::Name)),
            );
        }
        let other = self.spec.network.get().and_then(|n| n.load_balancer.get()).and_then(|b| b.address.get());
        names.extend(other.cloned());
        plan.balancer = names.first().cloned();
        plan.identity.hosts = plan.hosts.iter().map(|host| certificate::of_host(host, &names)).collect();
        let features = &plan.contract.features;
        if !plan.members.databases.is_empty() && features.has(Feature::ClientVerification) {
            plan.identity.clients.push("cloudify".into());
            if features.has(Feature::SuperuserClient) {
                plan.identity.clients.push("postgres".into());
            }
        }
    }
}

fn good<T: Clone>(list: &Field<Vec<Field<T>>>) -> Vec<T> {
    list.get().map(|items| items.iter().filter_map(Field::get).cloned().collect()).unwrap_or_default()
}

fn members(drafts: &[Draft<'_>]) -> Members {
    let of = |kind| drafts.iter().filter(|draft| draft.kinds.contains(&kind)).map(member).collect();
    Members {
        databases: of(RoleKind::Database),
        brokers: of(RoleKind::Broker),
        managers: of(RoleKind::Manager),
        balancers: of(RoleKind::LoadBalancer),
    }
}

fn member(draft: &Draft<'_>) -> Member {
    let networks = draft.networks.iter().map(|network| (network.name.clone(), network.ip)).collect();
    Member { name: draft.name.clone(), ip: draft.ip, networks }
}

/// The name of the shape that these hosts have; balancers do not count.
fn shape(drafts: &[Draft<'_>], external: &External) -> Option<&'static str> {
    let count = |kind| drafts.iter().filter(|d| d.kinds.contains(&kind)).count();
    let counts = [RoleKind::Database, RoleKind::Broker, RoleKind::Manager, RoleKind::AllInOne].map(count);
    let hosts = drafts.iter().filter(|d| d.kinds.iter().any(|kind| kind.is_cloudify())).count();
    let elsewhere = [RoleKind::Database, RoleKind::Broker].map(|kind| external.has(kind));
    let name = match (counts, hosts, elsewhere) {
        ([3, 3, 3, 0], 9, _) => "nine-node",
        ([3, 3, 3, 0], 3, _) => "three-node",
        ([0, 0, 0, 1], 1, _) => "all-in-one",
        ([0, 3, 3, 0], 6, [true, false]) => "external-db",
        ([3, 0, 3, 0], 6, [false, true]) => "external-broker",
        ([0, 0, 3, 0], 3, [true, true]) => "external-both",
        _ => return None,
    };
    SHAPES.iter().map(|shape| shape.name).find(|known| *known == name)
}

fn host(draft: &Draft<'_>, plan: &Plan) -> Option<HostPlan> {
    let roles: Option<Vec<RolePlan>> = draft.kinds.iter().map(|kind| role(*kind, draft, plan)).collect();
    Some(HostPlan {
        name: draft.name.clone(),
        fqdn: plan
            .domain
            .as_ref()
            .map_or_else(|| draft.name.to_string(), |domain| format!("{}.{domain}", draft.name)),
        ip: draft.ip,
        public: draft.public.clone(),
        link: draft.link.clone(),
        networks: draft.networks.clone(),
        roles: roles?,
        size: size(&draft.kinds, plan)?,
        packages: packages(&draft.kinds, plan),
        refusals: Vec::new(),
    })
}

fn role(kind: RoleKind, draft: &Draft<'_>, plan: &Plan) -> Option<RolePlan> {
    let own = member(draft);
    let index = plan.members.of(kind).iter().position(|peer| *peer == own).map_or(1, |at| at + 1);
    let cluster = gate::Cluster::new(&plan.members, &plan.external, &plan.contract);
    Some(RolePlan {
        kind,
        index,
        gate: gate::before(kind, index, &cluster)?,
        health: gate::after(kind, index, &own, &cluster)?,
        recovery: recovery(kind, index, &own, plan),
    })
}

/// How large a machine for all of these roles should be.
fn size(kinds: &[RoleKind], plan: &Plan) -> Option<Size> {
    kinds.iter().filter_map(|kind| plan.contract.roles.get(kind)).map(|contract| contract.size).reduce(Size::and)
}

/// The operating system's packages that these roles need, each once.
fn packages(kinds: &[RoleKind], plan: &Plan) -> Vec<String> {
    let shared = plan.contract.packages.get(&plan.platform.platform);
    let shared = shared.filter(|_| kinds.iter().any(|kind| kind.is_cloudify())).into_iter().flatten();
    let own = kinds.iter().filter_map(|kind| plan.contract.roles.get(kind)).flat_map(|contract| &contract.packages);
    let mut seen = BTreeSet::new();
    shared.chain(own).filter(|package| seen.insert(package.as_str())).cloned().collect()
}

fn recovery(kind: RoleKind, index: usize, own: &Member, plan: &Plan) -> Recovery {
    let members = &plan.members;
    let databases = || members.databases.iter().map(|member| member.ip).collect();
    let peers: Vec<Member> = members.brokers.iter().filter(|member| *member != own).cloned().collect();
    match kind {
        // A single database has no etcd whose lock could be stale.
        RoleKind::Database if members.databases.len() == 1 => Recovery::Rerun,
        RoleKind::Database => Recovery::Database(databases()),
        RoleKind::Broker if peers.is_empty() => Recovery::Rerun,
        RoleKind::Broker if index == 1 => Recovery::BrokerFirst(peers),
        RoleKind::Broker => Recovery::BrokerJoin(peers),
        RoleKind::Manager if index == 1 && plan.external.database.is_some() => Recovery::Stop,
        RoleKind::Manager if index == 1 => Recovery::ManagerFirst(databases()),
        RoleKind::AllInOne => Recovery::ManagerFirst(Vec::new()),
        RoleKind::Manager | RoleKind::LoadBalancer => Recovery::Rerun,
    }
}

/// Who will refuse to start installing, and why: known now, told by the host itself.
fn refusals(plan: &mut Plan, license: Option<&Refusal>, external: &[Refusal]) {
    let digest = matches!(plan.rpm, RpmSource::Url { sha256: None, .. });
    for host in &mut plan.hosts {
        if digest && host.installs_cloudify() {
            host.refusals.push(Refusal {
                code: Code::RpmDigestMissing,
                cause: "the installer's digest was not given when this bundle was built".into(),
                fix: "add cloudify.rpm.sha256 to the spec, build again, and boot from the new bundle".into(),
            });
        }
        let uploads = host.uploads_license();
        host.refusals.extend(license.filter(|_| uploads).cloned());
        if host.has(RoleKind::Manager) {
            host.refusals.extend_from_slice(external);
        }
    }
}

/// The credentials that some role of this plan needs, in the order in which they are listed to people.
fn credentials(plan: &Plan) -> Vec<Credential> {
    let roles = plan.hosts.iter().flat_map(|host| &host.roles);
    let needed: BTreeSet<Credential> = roles.flat_map(|role| plan.credentials_of(role.kind)).collect();
    Credential::ALL.iter().copied().filter(|credential| needed.contains(credential)).collect()
}

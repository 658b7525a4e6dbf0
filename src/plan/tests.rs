use super::{Attachments, resolve};
use crate::diag::{Severity, Sources, Style, render};
use crate::profile::{Profiles, SHAPES};
use crate::spec;

fn check(text: &str) -> (Option<super::Plan>, String, Vec<String>) {
    let mut sources = Sources::default();
    let parsed = spec::parse("cluster.yaml", text, &mut sources);
    let mut report = parsed.report;
    let spec = parsed.spec.expect("a spec");
    let profiles = Profiles::embedded().expect("profiles");
    let resolved = resolve(&spec, parsed.place, &profiles, &Attachments::new());
    report.extend(resolved.report);
    let codes = report.iter().filter(|d| d.severity != Severity::Note).map(|d| d.code.to_string()).collect();
    (resolved.plan, render(&report, &sources, Style::default()), codes)
}

#[test]
fn every_shape_resolves_with_warnings_about_what_is_not_there() {
    for shape in SHAPES {
        let (plan, shown, codes) = check(shape.spec);
        assert_eq!(codes[..2], ["CFY-P014", "CFY-P015"], "{shown}");
        let external = codes[2..].iter().all(|code| code == "CFY-P040" || code == "CFY-P041");
        assert!(external && (codes.len() > 2) == shape.name.starts_with("external"), "{shown}");
        let plan = plan.expect("a plan");
        assert_eq!(plan.shape, Some(shape.name));
        assert_eq!(plan.identity.hosts.len(), plan.hosts.len());
    }
}

/// cloudify.md fact 2 and DESIGN §5: every address as IP and as DNS name.
#[test]
fn certificates_name_every_address_twice() {
    let (plan, ..) = check(SHAPES[0].spec);
    for certificate in plan.expect("a plan").identity.hosts {
        for ip in &certificate.ips {
            assert!(certificate.dns.contains(&ip.to_string()), "{certificate:?}");
        }
        assert!(certificate.ips.len() == 2 && certificate.dns.contains(&"localhost".to_owned()));
    }
}

#[test]
fn managers_name_the_balancer() {
    let text = SHAPES[0].spec.to_owned() + "  - {name: lb, roles: [load_balancer], private_ip: 10.0.0.100}\n";
    let (plan, shown, _) = check(&text);
    let plan = plan.unwrap_or_else(|| panic!("{shown}"));
    for certificate in &plan.identity.hosts {
        let named = certificate.dns.contains(&"10.0.0.100".to_owned());
        let host = plan.host(&certificate.host).expect("a host");
        assert_eq!(named, !host.has(crate::names::RoleKind::Database) && !host.has(crate::names::RoleKind::Broker));
    }
}

#[test]
fn rules_find_everything_in_one_pass() {
    let text = "apiVersion: cfy-seed/v1\nname: prod\nos: el9\ntarget: [awz]\n\
        cloudify: {version: \"5.0.5\", rpm: {url: \"http://r/x.rpm\", preinstalled: true}}\n\
        network: {prefix: 31, gateway: 10.1.0.1}\nfirst_boot: {poll: 1s}\npki: {ca_days: 10}\ngeneration: 0\n\
        hosts:\n  - {name: db-1, roles: [database], private_ip: 10.0.0.11}\n\
        \x20 - {name: db-1, roles: [database], private_ip: 10.0.0.11}\n\
        \x20 - {name: db-l, roles: [database, manager], private_ip: 10.0.0.255}\n\
        \x20 - {name: x, roles: []}\n";
    let (plan, shown, codes) = check(text);
    assert!(plan.is_none());
    for code in [
        "P001", "P002", "P003", "P004", "P005", "P006", "P007", "P008", "P013", "P019", "P020", "P024", "P025",
        "S004",
    ] {
        assert!(codes.iter().any(|c| c.ends_with(code)), "{code} is missing in\n{shown}");
    }
}

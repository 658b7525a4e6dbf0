//! LDAP: only where the installer takes it, and only as it takes it (cloudify.md §1.2, `restservice.ldap`).

use crate::diag::{Code, Diagnostic, Report};
use crate::plan::{Attachment, AttachmentKind, Attachments, Ldap};
use crate::profile::{Contract, Feature};
use crate::spec::{Ldap as Written, Spec, require};

/// The directory, where the spec names one.
pub fn ldap(report: &mut Report, spec: &Spec, contract: Option<&Contract>, files: &Attachments) -> Option<Ldap> {
    let (written, place) = spec.ldap.spanned()?;
    if contract.is_some_and(|contract| !contract.features.has(Feature::Ldap)) {
        let message = "this version of Cloudify takes no LDAP at its installation";
        let wrong = Diagnostic::error(Code::LdapAfterInstall, message).at(place, "taken from 5.1 to 6.2");
        report.push(wrong.help("remove `ldap`, and set it up on a manager after the installation, with `cfy ldap`"));
        return None;
    }
    require(report, &written.server, "server", "server: \"ldap://ldap.example.com:389\"", place);
    require(report, &written.domain, "domain", "domain: example.com", place);
    require(report, &written.is_active_directory, "is_active_directory", "is_active_directory: true", place);
    transport(report, written, files.get(&AttachmentKind::LdapCa));
    login(report, written);
    Some(Ldap {
        server: written.server.get()?.clone(),
        domain: written.domain.get()?.clone(),
        is_active_directory: *written.is_active_directory.get()?,
        username: written.username.get().cloned(),
        dn_extra: written.dn_extra.get().cloned(),
    })
}

/// `ldaps://` if and only if there is a CA: the installer refuses everything else, on the host.
fn transport(report: &mut Report, written: &Written, ca: Option<&Attachment>) {
    let Some((server, span)) = written.server.spanned() else { return };
    let (message, at, help) = match (server.is_encrypted(), written.ca.span()) {
        (true, None) if written.ca.is_absent() => {
            ("a server behind `ldaps://` needs `ca`", span, "name the file with the CA's certificate (PEM) as `ca`")
        }
        (false, Some(ca)) => {
            ("`ca` goes with a server behind `ldaps://`", ca, "write `ldaps://…` as `server`, or remove `ca`")
        }
        _ => return check_ca(report, written, ca),
    };
    report.push(Diagnostic::error(Code::LdapCa, message).at(at, "").help(help));
}

fn check_ca(report: &mut Report, written: &Written, ca: Option<&Attachment>) {
    let Some((path, span)) = written.ca.spanned() else { return };
    let problem = match ca {
        None | Some(Attachment::Missing) => "is not there",
        Some(Attachment::Unreadable(why)) => why,
        Some(Attachment::Bytes(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) if text.contains("PRIVATE KEY") => "holds a private key; name a file with the certificate alone",
            Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => return,
            _ => "is no certificate in PEM",
        },
    };
    let message = format!("the LDAP server's CA `{}` {problem}", path.escape_debug());
    report.push(Diagnostic::error(Code::BadAttachment, message).at(span, "relative to the spec"));
}

/// A user with a password, or neither.
fn login(report: &mut Report, written: &Written) {
    let blank = written.username.get().is_some_and(String::is_empty);
    let (message, at) = match (written.username.span(), written.password.span()) {
        (Some(user), None) if written.password.is_absent() => ("`username` needs `password`", user),
        (None, Some(password)) if written.username.is_absent() => ("`password` needs `username`", password),
        (Some(user), _) if blank => ("`username` is empty", user),
        _ => return,
    };
    let wrong = Diagnostic::error(Code::LdapLogin, message).at(at, "");
    report.push(wrong.help("give both, or neither where users look themselves up, as Active Directory lets them"));
}

//! Files of the operator's own.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Report, Span};
use crate::names::{FileMode, GuestPath, RoleKind};
use crate::plan::{Attachment, AttachmentKind, Attachments, ExtraFile};
use crate::spec::{self, Role, Spec, require};
use crate::yaml::Field;

use super::same;

/// What cfy-seed itself writes, by the beginning of its path.
const OURS: &[&str] = &[
    "/etc/chrony.conf",
    "/etc/cloudify/cfy-seed",
    "/etc/haproxy/haproxy.cfg",
    "/etc/hosts",
    "/etc/issue",
    "/etc/motd",
    "/etc/systemd/system/cfy-",
    "/usr/local/sbin/cfy-firstboot",
    "/var/lib/cfy-seed",
];
/// What does not survive a reboot, or is no file system for files.
const VOLATILE: &[&str] = &["/dev/", "/proc/", "/run/", "/sys/", "/tmp/", "/var/run/"];

/// The files, as far as they are good.
pub fn resolve(report: &mut Report, spec: &Spec, attachments: &Attachments) -> Vec<ExtraFile> {
    let mut files = Vec::new();
    let mut seen: BTreeMap<&GuestPath, Span> = BTreeMap::new();
    for (at, field) in spec.files.get().into_iter().flatten().enumerate() {
        let Some((file, place)) = field.spanned() else { continue };
        require(report, &file.from, "from", "from: banner.txt", place);
        require(report, &file.path, "path", "path: /etc/banner.txt", place);
        let kind = AttachmentKind::Extra(at);
        content(report, &file.from, attachments.get(&kind));
        let roles = roles(report, file);
        let Some((path, span)) = file.path.spanned() else { continue };
        check_path(report, path, span);
        if let Some(first) = seen.insert(path, span) {
            let help = "name each place once";
            same(report, Code::ExtraFile, format!("two files for `{path}`"), first, span, help);
        }
        let mode = file.mode.get().copied().unwrap_or(FileMode::SECRET);
        files.push(ExtraFile { kind, path: path.clone(), mode, roles: roles.into_iter().collect() });
    }
    files
}

fn content(report: &mut Report, from: &Field<String>, found: Option<&Attachment>) {
    let Some((name, span)) = from.spanned() else { return };
    let problem = match found {
        Some(Attachment::Bytes(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) if text.contains('\0') => "is not text",
            Ok(text) if text.contains("-----BEGIN") && text.contains("PRIVATE KEY") => {
                "holds a private key, and bundles carry none but their own"
            }
            Ok(_) => return,
            Err(_) => "is not text",
        },
        Some(Attachment::Unreadable(why)) => why,
        Some(Attachment::Missing) | None => "is not there",
    };
    let message = format!("the file `{}` {problem}", name.escape_debug());
    let wrong = Diagnostic::error(Code::BadAttachment, message).at(span, "relative to the spec");
    report.push(wrong.help("bundles carry texts of at most 256 KiB; bring everything else in the image"));
}

fn check_path(report: &mut Report, path: &GuestPath, span: Span) {
    let begins = |places: &[&str]| places.iter().any(|place| path.as_str().starts_with(place));
    let (message, help) = if begins(OURS) {
        (format!("`{path}` is written by cfy-seed itself"), "choose another place")
    } else if begins(VOLATILE) {
        (format!("`{path}` would not be there after a reboot"), "choose a place on a disk")
    } else {
        return;
    };
    report.push(Diagnostic::error(Code::ExtraFile, message).at(span, "").help(help));
}

/// The roles whose hosts get a file. An all-in-one has them all but the balancer's.
fn roles(report: &mut Report, file: &spec::ExtraFile) -> Vec<RoleKind> {
    let Some((fields, span)) = file.roles.spanned() else {
        return vec![RoleKind::Manager, RoleKind::AllInOne];
    };
    if fields.is_empty() {
        let none = Diagnostic::error(Code::ExtraFile, "a file for no role").at(span, "empty");
        report.push(none.help("name roles, or leave the key out for `[manager]`"));
    }
    let mut kinds = Vec::new();
    for role in fields.iter().filter_map(Field::get) {
        kinds.push(super::hosts::kind(*role));
        if *role != Role::LoadBalancer {
            kinds.push(RoleKind::AllInOne);
        }
    }
    kinds
}

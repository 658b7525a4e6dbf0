//! Files that a spec names: a licence, keys of repositories, CAs of services elsewhere, the operator's own.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::Span;
use crate::names::{FileMode, GuestPath, RoleKind};
use crate::spec::{PackagesFrom, Spec};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttachmentKind {
    /// Cloudify's licence.
    License,
    /// The key that the prerequisites' repository signs with.
    OsRepoKey,
    /// The key that the installer's repository signs with.
    CloudifyRepoKey,
    /// The keys that packages of the payload are signed with.
    PayloadKeys,
    /// The certificate of the CA of the LDAP server.
    LdapCa,
    /// The CA of an external database.
    ExternalDatabaseCa,
    /// The CA of an external broker.
    ExternalBrokerCa,
    /// The file of the operator's own at this place of `files`.
    Extra(usize),
}

/// What is known of a file that the spec names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attachment {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It is not there.
    Missing,
    /// It is there and cannot be used; why.
    Unreadable(String),
}

/// The files of one spec.
pub type Attachments = BTreeMap<AttachmentKind, Attachment>;

/// The files that a spec names, as it names them: the caller reads them.
#[must_use]
pub fn attachments(spec: &Spec) -> Vec<(AttachmentKind, String, Span)> {
    let mut named = Vec::new();
    let mut add = |kind, field: &crate::yaml::Field<String>| {
        if let Some((path, span)) = field.spanned() {
            named.push((kind, path.clone(), span));
        }
    };
    if let Some(cloudify) = spec.cloudify.get() {
        add(AttachmentKind::License, &cloudify.license);
        if let Some(repo) = cloudify.rpm.get().and_then(|rpm| rpm.repo.get()) {
            add(AttachmentKind::CloudifyRepoKey, &repo.gpgkey);
        }
    }
    if let Some(PackagesFrom::Repo(repo)) = spec.os_packages.get().and_then(|packages| packages.from.get()) {
        add(AttachmentKind::OsRepoKey, &repo.gpgkey);
    }
    if let Some(ldap) = spec.ldap.get() {
        add(AttachmentKind::LdapCa, &ldap.ca);
    }
    if let Some(external) = spec.external.get() {
        if let Some(database) = external.database.get() {
            add(AttachmentKind::ExternalDatabaseCa, &database.ca);
        }
        if let Some(broker) = external.broker.get() {
            add(AttachmentKind::ExternalBrokerCa, &broker.ca);
        }
    }
    for (at, file) in spec.files.get().into_iter().flatten().enumerate() {
        if let Some(file) = file.get() {
            add(AttachmentKind::Extra(at), &file.from);
        }
    }
    named
}

/// A file of the operator's own on the hosts of some roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraFile {
    /// Which of the attachments it is.
    pub kind: AttachmentKind,
    /// Where it is put.
    pub path: GuestPath,
    /// Its permission bits.
    pub mode: FileMode,
    /// The hosts with one of these roles get it.
    pub roles: BTreeSet<RoleKind>,
}

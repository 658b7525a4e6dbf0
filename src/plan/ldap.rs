//! The directory that managers ask who may log in.

use crate::names::{DomainName, LdapUrl};

/// How managers ask it. The password of `username` is a credential of the vault's; the CA is an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ldap {
    /// Where it answers; over TLS where a CA is given.
    pub server: LdapUrl,
    /// Its domain.
    pub domain: DomainName,
    /// Whether it is Active Directory.
    pub is_active_directory: bool,
    /// As whom managers look users up, where they do not do so as the user who logs in.
    pub username: Option<String>,
    /// More parts of distinguished names, where it needs any.
    pub dn_extra: Option<String>,
}

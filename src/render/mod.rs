//! One host's files, as a pure function.
//!
//! In: a [`HostView`]. Out: [`HostFiles`]. May not: use disk, clock, randomness, environment or processes.
//!
//! Role configs are templates, because the people who maintain them read YAML; what they render is parsed, checked
//! against the contract's keys and serialised anew, so a template can neither inject nor misspell.

mod cloud_config;
mod contract_check;
mod guest;
mod network_config;
mod pki;
mod recipe;
mod records;
mod role;
mod templates;
mod view;

#[cfg(test)]
mod tests;

pub use cloud_config::{PackFile, instance_id};
pub use guest::{PAYLOAD, PAYLOAD_LABEL, PAYLOAD_OF_IMAGE, image_files};
pub use pki::stand_in_key;
pub use templates::Templates;
pub use view::{Client, HostView};

use std::ops::Range;

use tera::ErrorKind;

use crate::names::{FileMode, GuestPath, Secret};

/// A file on the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestFile {
    /// Where.
    pub path: GuestPath,
    /// Its permission bits.
    pub mode: FileMode,
    /// Its content as text, in this encoding.
    pub content: Secret,
    /// How the text stands for the bytes.
    pub encoding: Encoding,
}

/// How `write_files` says what bytes a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As they are.
    Text,
    /// Through gzip and base64, for what is no text.
    GzipBase64,
}

/// What a host boots from, as texts. All four are always there: an absent one costs a boot a retry or more (P21).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFiles {
    /// `#cloud-config`, with everything secret in it.
    pub user_data: Secret,
    /// Instance-id and name.
    pub meta_data: String,
    /// Version 1.
    pub network_config: String,
    /// Empty: vendor-data scripts are not run by stock EL images.
    pub vendor_data: String,
    /// The files in user-data with their bytes, for people who wonder what makes it so large.
    pub contributors: Vec<(GuestPath, usize)>,
}

/// A template or an embedded file of cfy-seed is wrong: a bug, unless the operator brought it.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template does not render.
    #[error("the template {name} is wrong: {reason}")]
    Template {
        /// Which.
        name: &'static str,
        /// Why.
        reason: String,
        /// The bytes of its text that are to blame, where that is known.
        place: Option<Range<usize>>,
    },
    /// What a template rendered is not what the contract says.
    #[error("the config of role {role} breaks its contract: {reason}")]
    Contract {
        /// Which role.
        role: &'static str,
        /// The template.
        name: &'static str,
        /// The last word of the key that is to blame, where it is one.
        key: String,
        /// Why.
        reason: String,
    },
    /// Something cannot be compressed.
    #[error("certificates and keys cannot be packed: {0}")]
    Pack(#[from] std::io::Error),
    /// A value cannot be written as YAML.
    #[error(transparent)]
    Yaml(#[from] crate::yaml::NotSerialisable),
    /// A name that is built here is refused by its type.
    #[error("a path is wrong: {0}")]
    Path(#[from] crate::names::InvalidName),
}

impl RenderError {
    fn template(name: &'static str, reason: impl Into<String>) -> Self {
        Self::Template { name, reason: reason.into(), place: None }
    }

    fn of(name: &'static str, error: &tera::Error) -> Self {
        match error.kind() {
            ErrorKind::SyntaxError(at) | ErrorKind::RenderingError(at) => {
                Self::Template { name, reason: at.message().to_owned(), place: Some(at.span().range.clone()) }
            }
            other => Self::template(name, other.to_string()),
        }
    }
}

/// Renders one host.
///
/// # Errors
/// Only where cfy-seed itself is wrong: the plan has been checked.
pub fn render(view: &HostView<'_>) -> Result<HostFiles, RenderError> {
    let files = guest::files(view)?;
    Ok(HostFiles {
        user_data: cloud_config::user_data(view, &files, &|_| None)?,
        meta_data: cloud_config::meta_data(view)?,
        network_config: network_config::network_config(view)?,
        vendor_data: cloud_config::VENDOR_DATA.to_owned(),
        contributors: files.into_iter().map(|file| (file.path, file.content.expose().len())).collect(),
    })
}

/// Renders user-data of one host alone. `pack` is gzip and base64, in that order: each file is packed by itself where that
/// makes it smaller.
///
/// # Errors
/// As [`render`].
pub fn user_data(view: &HostView<'_>, pack: PackFile<'_>) -> Result<Secret, RenderError> {
    cloud_config::user_data(view, &guest::files(view)?, pack)
}

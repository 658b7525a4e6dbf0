//! What a file is, by how it begins.

use super::{medium, user_data};
use crate::diag::{Code, Diagnostic};

/// What tells an image: up to the end of its first descriptor.
pub(super) const BEGINNING: usize = 17 * 2048;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// gzip: of all that cfy-seed writes so, only a box is no user-data.
    Archive,
    /// An ISO image with the label of a payload.
    PayloadImage,
    /// Any other ISO image.
    SeedImage,
    /// cloud-config, in whatever encoding, or a file of that name.
    UserData,
    /// Nothing that is known.
    Nothing,
}

/// What a file of this name is.
pub(super) fn kind(name: &str, beginning: &[u8]) -> Kind {
    if name.starts_with(user_data::PREFIX) || user_data::begins(beginning) {
        Kind::UserData
    } else if beginning.starts_with(&GZIP) {
        Kind::Archive
    } else if medium::is_medium(beginning) {
        Kind::PayloadImage
    } else if beginning.get(16 * 2048 + 1..16 * 2048 + 6) == Some(b"CD001") {
        Kind::SeedImage
    } else {
        Kind::Nothing
    }
}

/// The finding about a file that nobody knows.
pub(super) fn nothing(name: &str, size: u64) -> Diagnostic {
    let shown = name.escape_debug();
    let message = match size {
        0 => format!("{shown} is empty"),
        _ => format!("{shown} is nothing that cfy-seed writes and `verify` reads, or its beginning is damaged"),
    };
    let help = match name.strip_suffix(".tar.gz").or_else(|| name.strip_suffix(".tgz")) {
        Some(_) => "bring it again; where it was joined from parts, join them in the order of their numbers",
        None => {
            "bring it again; or name a built tree, a box or the list of its parts, a payload or its image, a seed image or user-data"
        }
    };
    Diagnostic::error(Code::NotRecognised, message).help(help)
}

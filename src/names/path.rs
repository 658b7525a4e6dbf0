//! Paths inside trees and on guests.

use super::{as_text, word};

fn plain(text: &str) -> Result<(), String> {
    if text.len() > 1024 {
        return Err("longer than 1024 characters".into());
    }
    if let Some(bad) = text.chars().find(|c| c.is_control()) {
        return Err(format!("control character `{}` in a path", bad.escape_debug()));
    }
    if text.split('/').any(|part| part == "." || part == "..") {
        return Err("`.` and `..` are not allowed in a path".into());
    }
    Ok(())
}

fn guest(text: &str) -> Result<(), String> {
    plain(text)?;
    let Some(rest) = text.strip_prefix('/') else {
        return Err("a path on the host starts with `/`".into());
    };
    if rest.is_empty() || rest.split('/').any(str::is_empty) {
        return Err("empty part in a path".into());
    }
    Ok(())
}

fn tree(text: &str) -> Result<(), String> {
    plain(text)?;
    if text.split('/').any(str::is_empty) {
        return Err("a path in a tree is relative and has no empty part".into());
    }
    Ok(())
}

word!(
    /// An absolute, normal path on the guest.
    GuestPath, "^(/[^/]+)+$", guest
);
word!(
    /// A relative, normal path inside an emitted tree; `/` separates.
    TreePath, "^[^/]+(/[^/]+)*$", tree
);

impl TreePath {
    /// The path below this one. `name` must itself be a valid tree path.
    ///
    /// # Errors
    /// When `name` is not a valid tree path.
    pub fn join(&self, name: &str) -> Result<Self, super::InvalidName> {
        format!("{self}/{name}").parse()
    }

    /// The last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.as_str().rsplit('/').next().unwrap_or_default()
    }
}

/// The permission bits of a file, 0 to 0o7777; written as four octal digits because YAML 1.1 reads `0600` as 384.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileMode(u32);

impl FileMode {
    /// 0600: files with secrets.
    pub const SECRET: Self = Self(0o600);
    /// 0700: directories that hold them.
    pub const SECRET_DIR: Self = Self(0o700);
    /// 0644: what everybody may read.
    pub const PUBLIC: Self = Self(0o644);
    /// 0755: programs.
    pub const PROGRAM: Self = Self(0o755);

    /// The mode with these bits; none where `bits` has more than permission bits (0o7777).
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits <= 0o7777 { Some(Self(bits)) } else { None }
    }

    /// The bits as a number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for FileMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

as_text!(FileMode, schemars::json_schema!({ "type": "string", "pattern": "^[0-7]{4}$" }));

impl std::str::FromStr for FileMode {
    type Err = super::InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let octal = text.len() == 4 && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
        octal
            .then(|| u32::from_str_radix(text, 8).ok().and_then(Self::from_bits))
            .flatten()
            .ok_or_else(|| super::InvalidName("a mode is four octal digits, such as `0600`".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::FileMode;

    #[test]
    fn a_mode_reads_what_it_prints() {
        for mode in [FileMode::SECRET, FileMode::PROGRAM, FileMode(0o7777), FileMode(0)] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        for wrong in ["600", "00600", "0x12", "+600", "0800", ""] {
            assert!(wrong.parse::<FileMode>().is_err(), "{wrong}");
        }
    }
}

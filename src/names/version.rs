//! Versions of Cloudify Manager.

use super::InvalidName;

/// A version of three numbers, such as `7.0.4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloudifyVersion {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number.
    pub patch: u16,
}

impl std::fmt::Display for CloudifyVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl std::str::FromStr for CloudifyVersion {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let wrong = || InvalidName("expected a version of three numbers in quotes, such as \"7.0.4\"".into());
        let number = |part: Option<&str>| -> Result<u16, InvalidName> {
            let part = part.filter(|p| p.bytes().all(|b| b.is_ascii_digit())).ok_or_else(wrong)?;
            part.parse().map_err(|_| wrong())
        };
        let mut parts = text.split('.');
        let version =
            Self { major: number(parts.next())?, minor: number(parts.next())?, patch: number(parts.next())? };
        if parts.next().is_some() { Err(wrong()) } else { Ok(version) }
    }
}

super::as_text!(
    CloudifyVersion,
    schemars::json_schema!({ "type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+$" })
);

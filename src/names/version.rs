//! Versions of Cloudify Manager and of cloud-init.

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

/// A release of cloud-init by its first two numbers, such as `22.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloudInitRelease {
    /// First number, the year.
    pub year: u16,
    /// Second number.
    pub number: u16,
}

impl std::fmt::Display for CloudInitRelease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.year, self.number)
    }
}

impl std::str::FromStr for CloudInitRelease {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let number = |part: &str| part.parse().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()));
        let parts = text.split_once('.').and_then(|(year, number_)| Some((number(year)?, number(number_)?)));
        let (year, number) = parts
            .ok_or_else(|| InvalidName("expected a release of cloud-init in quotes, such as \"22.1\"".into()))?;
        Ok(Self { year, number })
    }
}

super::as_text!(CloudInitRelease, schemars::json_schema!({ "type": "string", "pattern": "^[0-9]+\\.[0-9]+$" }));

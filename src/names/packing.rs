//! How user-data is wrapped on its way to a host.

use serde::{Deserialize, Serialize};

/// What a field of a platform holds, as the datasource of cloud-init finds it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// `#cloud-config` as it is.
    #[serde(rename = "plain")]
    Plain,
    /// gzip: not text.
    #[serde(rename = "gzip")]
    Gzip,
    /// base64 of the text.
    #[serde(rename = "base64")]
    Base64,
    /// base64 of gzip, for fields that take text only.
    #[serde(rename = "gzip+base64")]
    GzipBase64,
}

impl Encoding {
    /// All.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Gzip, Self::Base64, Self::GzipBase64];

    /// Its name in profiles and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Base64 => "base64",
            Self::GzipBase64 => "gzip+base64",
        }
    }
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How user-data is made to fit a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Pack {
    /// As it is.
    #[serde(rename = "plain")]
    Plain,
    /// All of it through gzip.
    #[serde(rename = "gzip")]
    Gzip,
    /// All of it through gzip and base64.
    #[serde(rename = "gzip+base64")]
    GzipBase64,
    /// Plain `#cloud-config` whose files are packed each by itself, for platforms that take text only.
    #[serde(rename = "inner")]
    Inner,
    /// On a seed image, not in a field of the platform.
    #[serde(rename = "iso")]
    Iso,
}

impl Pack {
    /// All.
    pub const ALL: [Self; 5] = [Self::Plain, Self::Gzip, Self::GzipBase64, Self::Inner, Self::Iso];

    /// Its name in profiles, options and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::GzipBase64 => "gzip+base64",
            Self::Inner => "inner",
            Self::Iso => "iso",
        }
    }

    /// What the platform's field then holds; nothing where a seed image is used.
    #[must_use]
    pub const fn encoding(self) -> Option<Encoding> {
        match self {
            Self::Plain | Self::Inner => Some(Encoding::Plain),
            Self::Gzip => Some(Encoding::Gzip),
            Self::GzipBase64 => Some(Encoding::GzipBase64),
            Self::Iso => None,
        }
    }
}

impl std::fmt::Display for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

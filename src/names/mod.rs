//! Validated words.
//!
//! In: text that somebody wrote. Out: a value that is what its type says. May not: do I/O.

mod account;
mod credential;
mod host;
mod network;
mod packing;
mod path;
mod role;
mod secret;
mod version;

pub use account::{BrokerUser, DatabaseName, DatabaseUser};
pub use credential::Credential;
pub use host::{ClusterName, DomainName, HostName, LdapUrl, NetworkName, WebUrl};
pub use network::{HostAddress, InterfaceName, MacAddress, PublicAddress, Seconds, SshPublicKey, TimeZone, UserName};
pub use packing::{Encoding, Pack};
pub use path::{FileMode, GuestPath, TreePath};
pub use role::{RoleKind, RsaSize};
pub use secret::{Digest256, Secret};
pub use version::{CloudInitRelease, CloudifyVersion};

/// The newtype name under which a [`Secret`] is deserialised: a decoder that reports mistakes knows by it what it must
/// not show.
pub const SECRET: &str = "cfy-seed:secret";

/// A word that its type refuses; the message says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(pub String);

/// `serde` and JSON Schema for types that are written as text and parsed by `FromStr`.
macro_rules! as_text {
    ($name:ident, $schema:expr) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    };
}
pub(crate) use as_text;

/// Declares a validated word over `String`: parsing, `serde`, `Display` and its JSON Schema pattern.
///
/// `$check` gets the text and returns what is wrong with it, as a sentence that says what would be right.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $pattern:expr, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::names::InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $check(text)
                    .map(|()| Self(text.to_owned()))
                    .map_err($crate::names::InvalidName)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        $crate::names::as_text!($name, schemars::json_schema!({ "type": "string", "pattern": $pattern }));
    };
}
pub(crate) use word;

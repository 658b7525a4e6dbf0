//! Where bundles are used: clouds, hypervisors, and media.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::names::{CloudInitRelease, Encoding, Pack};

/// A target: what its field for user-data takes, and what its datasource of cloud-init makes of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its name in specs, such as `aws`.
    pub target: String,
    /// Its name for people.
    pub title: String,
    /// The datasource of cloud-init that finds user-data there.
    pub datasource: String,
    /// The release of cloud-init that brought this datasource, where systems that we support have older ones.
    #[serde(default)]
    pub datasource_since: Option<CloudInitRelease>,
    /// What the platform calls the place of user-data.
    pub field: String,
    /// The key beside that place by which the platform tells the datasource how user-data is encoded.
    #[serde(default)]
    pub encoding_key: Option<EncodingKey>,
    /// What must be given to the platform beside user-data.
    #[serde(default)]
    pub companion: Option<Companion>,
    /// Whether the platform's API takes the field in base64 and takes that off again: tools do it, the file is without.
    #[serde(default)]
    pub transport_base64: bool,
    /// What fits.
    pub limit: Limit,
    /// The encodings that arrive as what they were, through the platform's field and the datasource.
    pub decodes: Vec<Encoding>,
    /// The release of cloud-init that brought an encoding, where systems that we support have older ones.
    #[serde(default)]
    pub decodes_since: BTreeMap<Encoding, CloudInitRelease>,
    /// The packs to choose from, the best first.
    pub packs: Vec<Pack>,
    /// Whether cloud-init is switched off after READY, because the seed may be detached.
    pub pin: bool,
    /// What a READY host says of the copies of its secrets that it cannot remove, and what to do about them. One line.
    pub out_of_reach: String,
    /// What people must know who use it.
    #[serde(default)]
    pub quirks: Vec<String>,
    /// What nobody has confirmed.
    #[serde(default)]
    pub unconfirmed: Vec<String>,
    /// Where the rest is from.
    pub sources: Vec<Source>,
}

/// The largest user-data, and how it is counted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// So many, in that unit.
    pub bytes: u64,
    /// What is counted.
    pub counts: Unit,
    /// What else is counted with it.
    #[serde(default)]
    pub beside: Vec<Beside>,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// The bytes of the file.
    Raw,
    /// The bytes of the file in base64.
    Base64,
    /// The characters of the file, which is text.
    Characters,
}

/// What a platform counts together with user-data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Beside {
    /// The public keys that may log in.
    SshKeys,
    /// The host's network-config.
    NetworkConfig,
}

/// A key of the platform that says how user-data is encoded.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncodingKey {
    /// Its name.
    pub name: String,
    /// Its value for each encoding; without one the key must not be there.
    pub values: BTreeMap<Encoding, String>,
}

/// A file that goes with user-data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Companion {
    /// `meta-data.<target>`: name, instance-id and network, as guestinfo takes them, in gzip+base64.
    Guestinfo,
    /// `secret.<target>.yaml`: a Secret of Kubernetes with user-data and network-config.
    Secret,
}

/// Where a statement is from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// How good it is.
    pub mark: Evidence,
    /// What it is.
    pub what: String,
}

/// How good a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Evidence {
    /// Tried, or read in the source code named.
    #[serde(rename = "V")]
    Tried,
    /// A document of the vendor or project.
    #[serde(rename = "D")]
    Documented,
    /// A thread of people who met it.
    #[serde(rename = "I")]
    Reported,
    /// From memory.
    #[serde(rename = "R")]
    Remembered,
}

impl Unit {
    /// What is counted, in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Raw => "bytes",
            Self::Base64 => "bytes in base64",
            Self::Characters => "characters",
        }
    }

    /// How many of them a file is.
    #[must_use]
    pub fn count(self, file: &[u8]) -> u64 {
        let bytes = file.len() as u64;
        match self {
            Self::Raw => bytes,
            Self::Base64 => bytes.div_ceil(3) * 4,
            // What is not text has no characters; it is refused elsewhere.
            Self::Characters => std::str::from_utf8(file).map_or(bytes, |text| text.chars().count() as u64),
        }
    }
}

impl Beside {
    /// What it is, in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::SshKeys => "SSH keys",
            Self::NetworkConfig => "network-config",
        }
    }
}

impl Limit {
    /// What is counted, in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        let beside: Vec<&str> = self.beside.iter().map(|one| one.in_words()).collect();
        match beside.as_slice() {
            [] => self.counts.in_words().to_owned(),
            some => format!("{}, with {}", self.counts.in_words(), some.join(" and ")),
        }
    }
}

impl Target {
    /// Whether its datasource is in this release of cloud-init.
    #[must_use]
    pub fn is_known_to(&self, cloud_init: CloudInitRelease) -> bool {
        self.datasource_since.is_none_or(|since| since <= cloud_init)
    }

    /// Whether user-data of this encoding arrives as what it was, with this release of cloud-init.
    #[must_use]
    pub fn decodes(&self, encoding: Encoding, cloud_init: CloudInitRelease) -> bool {
        let since = self.decodes_since.get(&encoding);
        self.is_known_to(cloud_init)
            && self.decodes.contains(&encoding)
            && since.is_none_or(|since| *since <= cloud_init)
    }

    /// The packs that work with this release of cloud-init, the best first.
    pub fn packs(&self, cloud_init: CloudInitRelease) -> impl Iterator<Item = Pack> {
        let works = move |pack: &Pack| pack.encoding().is_none_or(|encoding| self.decodes(encoding, cloud_init));
        self.packs.iter().copied().filter(works)
    }

    /// Whether it takes a seed image and nothing else.
    #[must_use]
    pub fn is_seed_medium(&self) -> bool {
        self.packs == [Pack::Iso]
    }

    /// What a target must have beyond its types, and this one has not.
    #[must_use]
    pub fn lacks(&self) -> Vec<String> {
        let mut lacks = Vec::new();
        if self.packs.is_empty() {
            lacks.push("`packs` is empty: nothing could be built for it".to_owned());
        }
        for pack in &self.packs {
            if let Some(encoding) = pack.encoding().filter(|encoding| !self.decodes.contains(encoding)) {
                lacks.push(format!("`packs` has `{pack}`, and `decodes` has not `{encoding}`"));
            }
        }
        if self.limit.counts == Unit::Characters && self.decodes.contains(&Encoding::Gzip) {
            lacks.push("`limit` counts characters, and `gzip` has none".to_owned());
        }
        if self.limit.bytes == 0 {
            lacks.push("`limit.bytes` is 0".to_owned());
        }
        let plain = |text: &String| !text.is_empty() && !text.contains(char::is_control);
        if !plain(&self.out_of_reach) {
            lacks.push("`out_of_reach` is not one line of text".to_owned());
        }
        // It becomes the end of a file's name.
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.target.is_empty() || self.target.len() > 63 || !self.target.chars().all(word) {
            lacks.push("`target` is no word of lower-case letters, digits and `-`".to_owned());
        }
        lacks
    }
}

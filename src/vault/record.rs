//! `vault.yaml` and `secrets.yaml`: schemas, reading and writing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::diag::{Code, Diagnostic, SourceId};
use crate::names::{ClusterName, Credential, Digest256, RsaSize, Secret};
use crate::yaml::{self, NotSerialisable, decode};

const RECORD_SCHEMA: &str = "cfy-seed/vault/v1";
const SECRETS_SCHEMA: &str = "cfy-seed/secrets/v1";

/// Where the CA comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaOrigin {
    /// This vault made it; its key is in `ca.key`.
    Generated,
    /// It is somebody else's: the spec names it, or it signs requests outside. Its key is never in the vault.
    Supplied,
}

/// What `vault.yaml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub cluster: ClusterName,
    /// When the vault was made, UTC, in whole seconds. Every date in an artefact derives from it.
    pub created: OffsetDateTime,
    /// Size of the keys that are made from now on.
    pub key: RsaSize,
    pub ca_origin: CaOrigin,
    /// SHA-256 of the CA certificate's DER bytes; nothing while requests wait for a CA outside.
    pub ca_sha256: Option<Digest256>,
}

#[derive(Serialize, Deserialize)]
struct RecordText {
    schema: String,
    cluster: ClusterName,
    created: String,
    key: RsaSize,
    ca: CaText,
}

#[derive(Serialize, Deserialize)]
struct CaText {
    origin: CaOrigin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest256>,
}

/// The credentials of a vault: those that this version knows, and those that it carries along.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    pub known: BTreeMap<Credential, Secret>,
    pub unknown: BTreeMap<String, Secret>,
}

#[derive(Deserialize)]
struct SecretsText {
    #[serde(rename = "schema")]
    _schema: String,
    credentials: BTreeMap<String, Secret>,
}

#[derive(Serialize)]
struct SecretsOut<'a> {
    schema: &'a str,
    credentials: BTreeMap<&'a str, &'a str>,
}

impl Record {
    /// Reads `vault.yaml`.
    ///
    /// # Errors
    /// [`Code::VaultNewer`] where a newer cfy-seed wrote it, [`Code::VaultDamaged`] for everything else.
    pub(super) fn parse(bytes: &[u8], file: &str) -> Result<Self, Diagnostic> {
        let text: RecordText = document(bytes, file, RECORD_SCHEMA)?;
        let created = OffsetDateTime::parse(&text.created, &Rfc3339)
            .map_err(|_| damaged(file, "`created` is not a time such as 2026-01-01T00:00:00Z"))?
            .to_offset(time::UtcOffset::UTC);
        if text.ca.origin == CaOrigin::Generated && text.ca.sha256.is_none() {
            return Err(damaged(file, "`ca.sha256` is missing"));
        }
        Ok(Self {
            cluster: text.cluster,
            created,
            key: text.key,
            ca_origin: text.ca.origin,
            ca_sha256: text.ca.sha256,
        })
    }

    /// The text of `vault.yaml`.
    ///
    /// # Errors
    /// When it cannot be written, which is a bug.
    pub(super) fn to_text(&self) -> Result<String, NotSerialisable> {
        // A time in UTC within four-digit years always has this form.
        let created = self.created.format(&Rfc3339).unwrap_or_default();
        yaml::to_text(&RecordText {
            schema: RECORD_SCHEMA.to_owned(),
            cluster: self.cluster.clone(),
            created,
            key: self.key,
            ca: CaText { origin: self.ca_origin, sha256: self.ca_sha256 },
        })
    }
}

impl Secrets {
    /// Reads `secrets.yaml`. No message shows anything of it.
    ///
    /// # Errors
    /// [`Code::VaultNewer`] where a newer cfy-seed wrote it, [`Code::VaultDamaged`] for everything else.
    pub(super) fn parse(bytes: &[u8], file: &str) -> Result<Self, Diagnostic> {
        let text: SecretsText = document(bytes, file, SECRETS_SCHEMA).map_err(|error| match error.code {
            // What the parser says may quote the text.
            Code::VaultDamaged => damaged(file, "it is not the YAML that cfy-seed writes"),
            _ => error,
        })?;
        let mut secrets = Self::default();
        for (name, value) in text.credentials {
            match Credential::ALL.iter().find(|known| known.as_str() == name) {
                Some(known) => secrets.known.insert(*known, value),
                None => secrets.unknown.insert(name, value),
            };
        }
        Ok(secrets)
    }

    /// The text of `secrets.yaml`.
    ///
    /// # Errors
    /// When it cannot be written, which is a bug.
    pub(super) fn to_text(&self) -> Result<Secret, NotSerialisable> {
        let known = self.known.iter().map(|(name, value)| (name.as_str(), value.expose()));
        let unknown = self.unknown.iter().map(|(name, value)| (name.as_str(), value.expose()));
        let text = SecretsOut { schema: SECRETS_SCHEMA, credentials: known.chain(unknown).collect() };
        yaml::to_text(&text).map(Secret::new)
    }
}

/// Reads one YAML document whose `schema` must be the given one.
fn document<T: for<'de> Deserialize<'de>>(bytes: &[u8], file: &str, schema: &str) -> Result<T, Diagnostic> {
    let text = std::str::from_utf8(bytes).map_err(|_| damaged(file, "it is not text"))?;
    let (node, found) = yaml::parse(text, SourceId::default());
    if let Some(first) = found.first() {
        return Err(damaged(file, &first.message));
    }
    let node = node.ok_or_else(|| damaged(file, "it is empty"))?;
    check_schema(&node, file, schema)?;
    let decoded = decode::decode::<T>(&node);
    if let Some(first) = decoded.report.iter().next() {
        return Err(damaged(file, &first.message));
    }
    decoded.value.ok_or_else(|| damaged(file, "it is not what cfy-seed writes"))
}

fn check_schema(node: &yaml::Node, file: &str, schema: &str) -> Result<(), Diagnostic> {
    let Some(yaml::NodeKind::Text(found)) = node.get("schema").map(|schema| &schema.kind) else {
        return Err(damaged(file, "the key `schema` is missing"));
    };
    let version = |text: &str| text.rsplit_once("/v").and_then(|(_, digits)| digits.parse::<u32>().ok());
    match (version(found), version(schema)) {
        _ if found == schema => Ok(()),
        (Some(theirs), Some(ours)) if theirs > ours => {
            let message =
                format!("`{file}` has the schema `{}`; this version reads `{schema}`", found.escape_debug());
            let help = "use the cfy-seed that wrote the vault, or a newer one";
            Err(Diagnostic::error(Code::VaultNewer, message).help(help))
        }
        _ => Err(damaged(file, &format!("its schema is not `{schema}`"))),
    }
}

/// A file of the vault that cannot be used as it is.
pub(super) fn damaged(file: &str, why: &str) -> Diagnostic {
    Diagnostic::error(Code::VaultDamaged, format!("`{file}` cannot be used: {why}"))
        .help("restore the file from a backup of the vault")
}

#[cfg(test)]
mod tests {
    use super::{Record, Secrets};
    use crate::diag::Code;

    const RECORD: &str = "schema: cfy-seed/vault/v1\ncluster: prod\ncreated: '2026-01-01T02:00:00+02:00'\n\
        key: rsa-2048\nca:\n  origin: generated\n  \
        sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";

    #[test]
    fn a_record_reads_what_it_writes() {
        let record = Record::parse(RECORD.as_bytes(), "vault.yaml").expect("a record");
        let text = record.to_text().expect("text");
        assert!(text.contains("created: '2026-01-01T00:00:00Z'"), "{text}");
        assert_eq!(Record::parse(text.as_bytes(), "vault.yaml"), Ok(record));
    }

    #[test]
    fn newer_and_damaged_are_told_apart() {
        let code = |text: &str| Record::parse(text.as_bytes(), "vault.yaml").expect_err("an error").code;
        assert_eq!(code(&RECORD.replace("vault/v1", "vault/v2")), Code::VaultNewer);
        assert_eq!(code(&RECORD.replace("vault/v1", "vault/vx")), Code::VaultDamaged);
        assert_eq!(code(&RECORD.replace("generated", "found")), Code::VaultDamaged);
        assert_eq!(code(&RECORD[..60]), Code::VaultDamaged);
        assert_eq!(code(""), Code::VaultDamaged);
    }

    #[test]
    fn secrets_are_read_carried_and_never_shown() {
        let text = "schema: cfy-seed/secrets/v1\ncredentials:\n  admin_password: hunter2\n  future: hunter3\n";
        let secrets = Secrets::parse(text.as_bytes(), "secrets.yaml").expect("secrets");
        assert!(!format!("{secrets:?}").contains("hunter"));
        let again = secrets.to_text().expect("text");
        assert!(again.expose().contains("future: 'hunter3'") && again.expose().contains("admin_password: 'hunter2'"));
        for broken in ["admin_password: [hunter2", "admin_password: 7331", "'hunter2", "a: *hunter2"] {
            let text = format!("schema: cfy-seed/secrets/v1\ncredentials:\n  {broken}\n");
            let error = Secrets::parse(text.as_bytes(), "secrets.yaml").expect_err(broken);
            let shown = format!("{error:?}");
            assert!(!shown.contains("hunter") && !shown.contains("7331"), "{shown}");
        }
    }
}

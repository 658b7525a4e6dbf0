//! What was verified, for whoever has to keep it: each file with what it should be and what it is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::subject::{Subject, Verification};
use super::sums::{self, CLOSING, SUMS};
use crate::diag::{Report, Severity};
use crate::load::LoadedTree;
use crate::names::Digest256;

/// How a file or part was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// What it should be.
    Good,
    /// Other bytes than it should have.
    Differs,
    /// Not there.
    Missing,
    /// Nothing says what it should be.
    Unlisted,
    /// `SHA256SUMS` itself, its signature, or the key: the signature says whether they are good.
    Closing,
}

/// A file or part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileRecord {
    /// Its path below what was verified.
    pub path: String,
    /// Its size in bytes, where it is there.
    pub size: Option<u64>,
    /// The SHA-256 that it should have.
    pub expected: Option<Digest256>,
    /// The SHA-256 that it has.
    pub actual: Option<Digest256>,
    /// How the two compare.
    pub verdict: Verdict,
}

impl FileRecord {
    fn of(path: &str, expected: Option<Digest256>, found: Option<(u64, Digest256)>) -> Self {
        let actual = found.map(|(_, digest)| digest);
        let verdict = match (expected, actual) {
            (_, None) => Verdict::Missing,
            (Some(expected), Some(actual)) if expected == actual => Verdict::Good,
            (Some(_), Some(_)) => Verdict::Differs,
            (None, Some(_)) if CLOSING.contains(&path) => Verdict::Closing,
            (None, Some(_)) => Verdict::Unlisted,
        };
        Self { path: path.to_owned(), size: found.map(|(size, _)| size), expected, actual, verdict }
    }
}

/// Every file of a tree and of its `SHA256SUMS`.
pub(super) fn file_records(tree: &LoadedTree) -> Vec<FileRecord> {
    let sums = tree.files.get(SUMS).and_then(|file| sums::parse(file.bytes.as_deref()?).ok()).unwrap_or_default();
    let mut all: BTreeMap<&str, Option<Digest256>> =
        sums.iter().map(|(path, sum)| (path.as_str(), Some(*sum))).collect();
    for path in tree.files.keys() {
        all.entry(path).or_default();
    }
    let found = |path: &str| tree.files.get(path).map(|file| (file.size, file.sha256));
    all.into_iter().map(|(path, expected)| FileRecord::of(path, expected, found(path))).collect()
}

/// The parts that were looked at.
pub(super) fn part_records(
    listed: &BTreeMap<String, Digest256>,
    found: &BTreeMap<String, Option<(u64, Digest256)>>,
) -> Vec<FileRecord> {
    found.iter().map(|(name, found)| FileRecord::of(name, listed.get(name).copied(), *found)).collect()
}

/// Good or bad, as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing is wrong.
    Good,
    /// Something is.
    Bad,
}

/// The signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SignatureRecord {
    /// Whether it is one of `SHA256SUMS` by the key.
    pub verdict: Outcome,
    /// Where the key is from: `given` by name, or `inside` what was verified, which proves nothing until somebody compares its
    /// fingerprint.
    pub key: KeyOrigin,
    /// SHA-256 of the key that signed, as DER.
    pub fingerprint: Option<Digest256>,
}

/// Where a key is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyOrigin {
    /// Named by whoever verified.
    Given,
    /// In what was verified.
    Inside,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingRecord {
    /// Its code; `cfy-seed explain` has a page for each.
    pub code: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// The program that verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ToolRecord {
    /// `cfy-seed`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The evidence of `cfy-seed verify --evidence`: what was verified, when, by what, and how every file of it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "Evidence of cfy-seed verify")]
pub struct Evidence {
    /// Always `cfy-seed/evidence/v1`.
    pub schema: String,
    /// By what.
    pub tool: ToolRecord,
    /// When, in UTC (RFC 3339), by the clock of the machine.
    pub time: String,
    /// What was verified, as it was named.
    pub path: String,
    /// What it is.
    pub subject: Subject,
    /// SHA-256 of it, where it is one file.
    pub sha256: Option<Digest256>,
    /// Whether anything is wrong with it, as far as it was compared: see `not_compared`.
    pub verdict: Outcome,
    /// What could be compared with nothing, so that the verdict says nothing of it. Empty for what is covered by digests as a whole:
    /// trees, boxes and payloads. A seed image or user-data by itself has neither digests nor a signature, and a part is not the box.
    pub not_compared: Vec<String>,
    /// Its signature; null where none is due, and where it could not be read so far.
    pub signature: Option<SignatureRecord>,
    /// The parts of a box that were looked at.
    pub parts: Vec<FileRecord>,
    /// The files in it; none where it could not be read.
    pub files: Vec<FileRecord>,
    /// Everything that was found.
    pub findings: Vec<FindingRecord>,
}

/// What the evidence says beside what was found.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// When, in UTC (RFC 3339).
    pub time: &'a str,
    /// What was named.
    pub path: &'a str,
    /// Its digest, where it is one file.
    pub sha256: Option<Digest256>,
    /// Whether the key was named.
    pub key_given: bool,
}

impl Evidence {
    /// The evidence of a verification.
    #[must_use]
    pub fn of(verification: &Verification, circumstances: Circumstances<'_>) -> Self {
        let outcome = |good: bool| if good { Outcome::Good } else { Outcome::Bad };
        let signature = verification.signature.map(|fingerprint| SignatureRecord {
            verdict: outcome(fingerprint.is_some()),
            key: if circumstances.key_given { KeyOrigin::Given } else { KeyOrigin::Inside },
            fingerprint,
        });
        Self {
            schema: "cfy-seed/evidence/v1".to_owned(),
            tool: ToolRecord { name: "cfy-seed".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            time: circumstances.time.to_owned(),
            path: circumstances.path.to_owned(),
            subject: verification.subject,
            sha256: circumstances.sha256,
            verdict: outcome(!verification.report.has_errors()),
            not_compared: verification.not_compared.clone(),
            signature,
            parts: verification.parts.clone(),
            files: verification.files.clone(),
            findings: findings(&verification.report),
        }
    }

    /// As JSON for people too, with a final line end.
    ///
    /// # Errors
    /// None that these types can cause; the signature is serde's.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Its JSON Schema, with a final line end.
    #[must_use]
    pub fn json_schema() -> String {
        serde_json::to_string_pretty(&schemars::schema_for!(Self)).unwrap_or_default() + "\n"
    }
}

fn findings(report: &Report) -> Vec<FindingRecord> {
    let severity = |severity: Severity| match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let record = |found: &crate::diag::Diagnostic| FindingRecord {
        code: found.code.as_str().to_owned(),
        severity: severity(found.severity).to_owned(),
        message: found.message.clone(),
        help: found.help.clone(),
    };
    report.sorted().into_iter().map(record).collect()
}

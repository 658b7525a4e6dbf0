//! How long the certificates of a vault are good, and what is wrong with them.

use camino::Utf8Path;
use serde::Serialize;
use time::{Duration, OffsetDateTime};

use crate::diag::{Code, Diagnostic, Report};
use crate::load;
use crate::plan::{Identity, Plan};
use crate::vault::{self, Action, CertificateFacts, Opened, Subject};

use super::vault::{VaultReadError, files};

/// The certificates of a vault.
#[derive(Debug, Serialize)]
pub struct CertificateTable {
    /// Always `cfy-seed/pki/v1`.
    pub schema: &'static str,
    /// The vault's directory.
    pub vault: String,
    /// A certificate that ends within so many days is no longer good.
    pub within_days: u32,
    /// Whether all are good.
    pub good: bool,
    /// The CA, hosts, clients.
    pub certificates: Vec<CertificateRow>,
}

/// One certificate.
#[derive(Debug, Serialize)]
pub struct CertificateRow {
    /// Whom it names, such as `host db-1`.
    pub subject: String,
    /// Whether it is good.
    pub state: CertificateState,
    /// What is wrong with it; empty where nothing is.
    pub why: String,
    /// First day, `YYYY-MM-DD`, UTC; none where there is no certificate, and so in what follows.
    pub not_before: Option<String>,
    /// Last day.
    pub not_after: Option<String>,
    /// Whole days until it ends; negative where it has.
    pub days_left: Option<i64>,
    /// SHA-256 of its DER bytes, as `openssl x509 -fingerprint -sha256` prints it but for colons and case.
    pub sha256: Option<String>,
}

/// Whether a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateState {
    /// It is.
    Good,
    /// It ends soon.
    EndsSoon,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is not what the spec needs any more.
    Unfit,
    /// There is none.
    Missing,
}

/// Looks at the certificates of a vault: at those that a plan needs, or, without one, at those that are there.
///
/// # Errors
/// When there is no vault, or it is not sound.
pub fn certificate_table(
    directory: &Utf8Path,
    plan: Option<&Plan>,
    within_days: u32,
    now: OffsetDateTime,
) -> Result<(CertificateTable, Report), VaultReadError> {
    let found = load::vault_dir(directory)?.map(files);
    let Some(found) = found else {
        let missing = Diagnostic::error(Code::UnreadableInput, format!("there is no vault at {directory}"));
        let help = "name it with `--vault`; `cfy-seed build` makes one";
        return Err(VaultReadError::Refused(missing.help(help).into()));
    };
    let own;
    let identity: &Identity = match plan {
        Some(plan) => &plan.identity,
        None => {
            own = vault::identity_in(&found).map_err(VaultReadError::Refused)?;
            &own
        }
    };
    let opened = vault::open(found, identity).map_err(VaultReadError::Refused)?;
    let rows = rows(&opened, identity, i64::from(within_days), now);
    let table = CertificateTable {
        schema: "cfy-seed/pki/v1",
        vault: directory.to_string(),
        within_days,
        good: rows.iter().all(|row| row.state == CertificateState::Good),
        certificates: rows,
    };
    Ok((table, opened.warnings().clone()))
}

fn rows(opened: &Opened, identity: &Identity, within: i64, now: OffsetDateTime) -> Vec<CertificateRow> {
    let facts = opened.facts();
    let actions = vault::preview(Some(opened), identity, &std::collections::BTreeMap::new(), now).certificates;
    let row = |(subject, action): (Subject, Action)| {
        let facts = facts.iter().find(|(who, _)| *who == subject).map(|(_, facts)| facts);
        let (state, why) = judge(facts, action, within, now);
        CertificateRow {
            subject: subject.to_string(),
            state,
            why,
            not_before: facts.map(|facts| facts.not_before.date().to_string()),
            not_after: facts.map(|facts| facts.not_after.date().to_string()),
            days_left: facts.map(|facts| (facts.not_after - now).whole_days()),
            sha256: facts.map(|facts| facts.sha256.to_string()),
        }
    };
    actions.into_iter().map(row).collect()
}

fn judge(
    facts: Option<&CertificateFacts>,
    action: Action,
    within: i64,
    now: OffsetDateTime,
) -> (CertificateState, String) {
    let Some(facts) = facts else { return (CertificateState::Missing, "it was never issued".into()) };
    if facts.not_after < now {
        return (CertificateState::Expired, format!("it expired on {}", facts.not_after.date()));
    }
    if facts.not_before > now {
        return (CertificateState::NotYetValid, format!("it is not valid before {}", facts.not_before.date()));
    }
    if let Action::Reissued(why) = action {
        return (CertificateState::Unfit, why);
    }
    if facts.not_after - now <= Duration::days(within) {
        return (CertificateState::EndsSoon, format!("it ends within {within} days"));
    }
    (CertificateState::Good, String::new())
}

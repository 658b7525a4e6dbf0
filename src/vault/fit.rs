//! Whether a certificate that is there does for what is wanted today.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::certificate::Certificate;
use super::issue::Leaf;

type Names = BTreeSet<String>;

/// How a certificate differs from the one that we would issue: then a new one is issued.
pub(super) fn differs(found: &Certificate, wanted: &Leaf, now: OffsetDateTime) -> Option<String> {
    let mut reasons = Vec::new();
    if found.facts.common_name != wanted.common_name {
        reasons.push(format!("its common name is now {}", wanted.common_name));
    }
    let (have, want) = (names_of(found), names_for(wanted));
    reasons.extend(difference("new names: ", &want, &have));
    reasons.extend(difference("names gone: ", &have, &want));
    if found.usages != wanted.usages || found.other_names {
        reasons.push("its usages or other names are not what Cloudify needs".into());
    }
    reasons.extend(expired(found, now));
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// What a certificate of somebody else's lacks: more names than are needed, and subjects of any form, are theirs to choose.
pub(super) fn lacks(found: &Certificate, wanted: &Leaf, now: OffsetDateTime) -> Option<String> {
    let reasons: Vec<String> = unfit(found, wanted).into_iter().chain(expired(found, now)).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// What a certificate of somebody else's lacks whatever the day is, a reason each.
pub(super) fn unfit(found: &Certificate, wanted: &Leaf) -> Vec<String> {
    let mut reasons = Vec::new();
    // PostgreSQL takes the common name for the user's (cloudify.md §6.2); a host is known by its alternative names.
    if !wanted.usages.server && found.facts.common_name != wanted.common_name {
        reasons.push(format!("its common name is not `{}`", wanted.common_name));
    }
    reasons.extend(difference("it does not name ", &names_for(wanted), &names_of(found)));
    let (allows, needs) = (found.allows, wanted.usages);
    let lacking = [
        ("serverAuth", needs.server && !allows.server),
        ("clientAuth", needs.client && !allows.client),
        ("digitalSignature", needs.digital_signature && !allows.digital_signature),
        ("keyEncipherment", needs.key_encipherment && !allows.key_encipherment),
    ];
    let lacking: Vec<&str> = lacking.iter().filter(|(_, lacks)| *lacks).map(|(name, _)| *name).collect();
    if !lacking.is_empty() {
        reasons.push(format!("its usages do not allow {}", lacking.join(", ")));
    }
    if allows.ca {
        reasons.push("it is a CA".into());
    }
    reasons
}

fn expired(found: &Certificate, now: OffsetDateTime) -> Option<String> {
    (found.facts.not_after < now).then(|| format!("it expired on {}", found.facts.not_after.date()))
}

/// Addresses with `IP:`, because they stand as DNS names too.
fn names_of(found: &Certificate) -> Names {
    let ips = found.facts.ips.iter().map(|ip| format!("IP:{ip}"));
    found.facts.dns.iter().cloned().chain(ips).collect()
}

fn names_for(wanted: &Leaf) -> Names {
    wanted.dns.iter().cloned().chain(wanted.ips.iter().map(|ip| format!("IP:{ip}"))).collect()
}

fn difference(what: &str, of: &Names, without: &Names) -> Option<String> {
    let names: Vec<&str> = of.difference(without).map(String::as_str).collect();
    (!names.is_empty()).then(|| format!("{what}{}", names.join(", ")))
}

//! `docs/targets.md`, from the profiles: one table of all targets, and a section for each.

use std::fmt::Write as _;

use super::{BadProfile, Evidence, Profiles, Target};
use crate::names::{Encoding, Pack};

const HEAD: &str = "\
# Targets

<!-- Generated from profiles/platforms/*.yaml; CONTRIBUTING.md says how. -->

`target` of a spec lists where the bundles will be used, one or several of these at once. Every host gets a NoCloud directory
and a seed image, and beside them `hosts/<host>/user-data.<target>` for each target that has a field for user-data: in the
encoding that its datasource of cloud-init takes off, mode 0600. The file is what the field must hold. Where a platform's API
wants base64 around that (`API` below), the platform takes it off again: its tools add it, the file is without.

`cfy-seed plan` shows for each host and target how much of the limit is used, what is left, and which files are the largest.
What does not fit is an error of `check`, `plan` and `build` (CFY-T002), from 90 % on there is a warning (CFY-T003). Sizes are
exact once the vault has its keys, and an estimate before.

`--pack` of `plan` and `build` says how user-data is packed; a pack that a target does not decode is an error (CFY-T004).

| pack | what it is |
|---|---|
| `auto` | for each target the first of its packs that leaves a tenth of the limit, else the first that fits |
| `plain` | `#cloud-config` as it is |
| `gzip` | all of it through gzip: not text |
| `gzip+base64` | all of it through gzip and base64 |
| `inner` | `#cloud-config` as text, in which each file of `write_files` is packed (`encoding: gz+b64`) |
| `iso` | no field of the platform: the seed image, attached as a medium |

After READY a host removes what cloud-init left of its secrets. Where the seed is a medium or guestinfo it switches cloud-init off
for good before (`off` below), so that a detached medium does not cost it its identity; elsewhere cloud-init stays on, because a
clone must not keep the identity, and the secrets are removed again at every boot. User-data therefore differs between targets in
that one record, and in its digest.

";

/// The page.
///
/// # Errors
/// When an embedded profile does not fit its type, which is a bug.
pub fn reference() -> Result<String, BadProfile> {
    let profiles = Profiles::embedded()?;
    let mut out = HEAD.to_owned();
    out.push_str("| target | limit | packs, the best first | decodes | API | cloud-init after READY |\n|---|---|---|---|---|---|\n");
    for target in profiles.targets() {
        let packs: Vec<&str> = target.packs.iter().copied().map(Pack::as_str).collect();
        let decodes: Vec<String> = target.decodes.iter().map(|encoding| decodes(target, *encoding)).collect();
        let _ = writeln!(
            out,
            "| `{}` | {} {} | {} | {} | {} | {} |",
            target.target,
            target.limit.bytes,
            target.limit.in_words(),
            packs.join(", "),
            decodes.join(", "),
            if target.transport_base64 { "base64" } else { "" },
            if target.pin { "off" } else { "on" },
        );
    }
    for target in profiles.targets() {
        section(target, &mut out);
    }
    Ok(out)
}

fn decodes(target: &Target, encoding: Encoding) -> String {
    let since = target.decodes_since.get(&encoding);
    since.map_or_else(|| encoding.to_string(), |since| format!("{encoding} (cloud-init {since})"))
}

/// Writing to a `String` cannot fail.
fn section(target: &Target, out: &mut String) {
    let _ = writeln!(out, "\n## {}\n", target.title);
    let since = target.datasource_since.map_or_else(String::new, |since| format!(", since cloud-init {since}"));
    let _ = writeln!(
        out,
        "`target: [{}]`. Place: {}. Datasource: {}{since}.\n",
        target.target, target.field, target.datasource
    );
    if let Some(key) = &target.encoding_key {
        for (encoding, value) in &key.values {
            let _ =
                writeln!(out, "- `{}` must be `{value}` for {encoding}, and must not be there for plain", key.name);
        }
    }
    for quirk in &target.quirks {
        let _ = writeln!(out, "- {quirk}");
    }
    let _ = writeln!(out, "- after READY: {}", target.out_of_reach);
    for line in &target.unconfirmed {
        let _ = writeln!(out, "- **not confirmed**: {line}");
    }
    let sources: Vec<String> =
        target.sources.iter().map(|source| format!("{} ({})", source.what, evidence(source.mark))).collect();
    let _ = writeln!(out, "- sources: {}", sources.join("; "));
}

const fn evidence(mark: Evidence) -> &'static str {
    match mark {
        Evidence::Tried => "tried or read",
        Evidence::Documented => "documented",
        Evidence::Reported => "reported",
        Evidence::Remembered => "from memory",
    }
}

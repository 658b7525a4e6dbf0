//! A box beside new bundles that holds other ones.

use camino::{Utf8Path, Utf8PathBuf};

use crate::bundle::manifest::{self, Manifest};
use crate::bundle::{MANIFEST, iso9660};
use crate::diag::{Code, Diagnostic};
use crate::emit::Published;
use crate::handoff;
use crate::load;
use crate::plan::Plan;

use super::offline::box_root;
use super::payload::MEDIUM_LABEL;

/// The list of 999 parts has less.
const MAX_LIST: u64 = 1 << 20;

/// What to say where the box beside a tree, in one file or in parts, is not of the same build. It is a note and no warning: the box was
/// good when it was built, the bundles are good now, and `--strict` has nothing to refuse. The medium came with the box.
pub(super) fn outdated(out: &Utf8Path, plan: &Plan, published: &Published) -> Option<Diagnostic> {
    let root = box_root(plan);
    let whole = out.join(format!("{root}.tar.gz"));
    let list = out.join(format!("{root}.tar.gz.sha256"));
    let (named, parts) = if whole.is_file() { (whole.clone(), vec![whole]) } else { (list.clone(), parts(&list)?) };
    let held = load::member(&parts, &format!("{root}/{MANIFEST}"), manifest::MAX_BYTES)?;
    let held = Manifest::parse(&held).ok()?;
    // The box has more: the payload, and what else goes with it.
    let has = |file| held.files.contains(file);
    if published.manifest.files.iter().all(has) {
        return None;
    }
    let medium = out.join(handoff::payload_medium(plan));
    let what = if is_medium(&medium) { format!("{named} and {medium} are") } else { format!("{named} is") };
    let message = format!("{what} of an older build than the bundles in {}", published.path);
    Some(Diagnostic::note(Code::BoxOutdated, message).help("`build --offline` makes the box anew"))
}

/// The parts that a list names, in their order.
fn parts(list: &Utf8Path) -> Option<Vec<Utf8PathBuf>> {
    let text = load::text(list, MAX_LIST).ok()?;
    text.lines().map(|line| Some(list.with_file_name(line.split_once("  ")?.1))).collect()
}

fn is_medium(path: &Utf8Path) -> bool {
    let mut head = vec![0; iso9660::BEGINNING];
    load::prefix(path, &mut head).is_ok() && iso9660::is_ours(&head, MEDIUM_LABEL)
}

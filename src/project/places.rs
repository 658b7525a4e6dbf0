//! Where output must not go: into what it is made of.

use camino::{Utf8Path, Utf8PathBuf};

use crate::diag::{Code, Diagnostic, Report};
use crate::load;
use crate::plan::Plan;

use super::build::{BuildError, Destination};

/// Refuses an output directory that is, or lies in, the vault or the payload, for files more in there make both useless; and a vault or
/// payload in the cluster's tree, which every build replaces.
pub(super) fn apart(to: &Destination, payload: &Utf8Path, plan: &Plan) -> Result<(), BuildError> {
    let mut report = Report::default();
    let tree = to.out.join(plan.cluster.as_str());
    for (what, input) in [("vault", to.vault.as_path()), ("payload", payload)] {
        let found = if lies_in(&to.out, input) {
            format!("the output would be in the {what}: {} leads into {input}", to.out)
        } else if lies_in(input, &tree) {
            format!("the {what} {input} is in the tree {tree}, which the build replaces")
        } else {
            continue;
        };
        report.push(Diagnostic::error(Code::OutputInside, found).help("name a directory beside it with `--out`"));
    }
    if report.has_errors() { Err(BuildError::Refused(report)) } else { Ok(()) }
}

/// Whether a path leads to a directory or into it, by whatever links. What is not there yet is thought to be a plain name.
pub(super) fn lies_in(path: &Utf8Path, directory: &Utf8Path) -> bool {
    match (resolved(path), resolved(directory)) {
        (Some(path), Some(directory)) => path.starts_with(directory),
        _ => false,
    }
}

/// The path from the root, without links: that of what there is of it, and the rest as named.
fn resolved(path: &Utf8Path) -> Option<Utf8PathBuf> {
    let path = if path.as_str().is_empty() { Utf8Path::new(".") } else { path };
    if let Ok(canonical) = load::canonical(path) {
        return Some(canonical);
    }
    // A directory in which we stand and that is gone.
    if path == "." {
        return None;
    }
    // `parent` takes `..` for a name, which is the last that could be meant where the directory before it is not there.
    let above = resolved(path.parent()?)?;
    match path.components().next_back()? {
        camino::Utf8Component::Normal(name) => Some(above.join(name)),
        camino::Utf8Component::ParentDir => above.parent().map(Utf8Path::to_owned),
        _ => Some(above),
    }
}

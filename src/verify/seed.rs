//! `seed.iso` against what it must hold.

use std::collections::BTreeMap;

use super::iso9660::{self, IsoView};
use crate::diag::{Code, Diagnostic, Report};

/// What a `NoCloud` directory and a seed image hold, no more and no less.
pub const SEED_FILES: [&str; 4] = ["meta-data", "network-config", "user-data", "vendor-data"];

/// The label by which cloud-init finds a seed image (`cidata` would do as well; we write this one).
const LABEL: &str = "CIDATA";

/// Files and directories, each with findings of its own; an image of more is something else.
const MOST: usize = 64;

/// The files of a seed image by name, as Linux sees them.
pub type SeedFiles = BTreeMap<String, Vec<u8>>;

/// Checks a seed image by itself: readable, label CIDATA, exactly the four files, root-only, the same in both views.
///
/// `name` is what messages call it. The files are those that could be read.
#[must_use]
pub fn seed(name: &str, image: &[u8]) -> (Report, SeedFiles) {
    let mut report = Report::default();
    let unreadable = |why: &str| {
        Diagnostic::error(Code::SeedUnreadable, format!("{name}: {why}")).help("copy it again, or build again")
    };
    let volume = match iso9660::read(image, image.len() as u64) {
        Ok(volume) => volume,
        Err(error) => return (unreadable(&error.to_string()).into(), SeedFiles::new()),
    };
    let joliet = volume.joliet.as_ref();
    let views = || [volume.rock_ridge.as_ref(), joliet.map(|(_, view)| view)].into_iter().flatten();
    if views().any(|view| view.files.len() + view.directories.len() > MOST) {
        let why = format!("it has more than {MOST} files and directories, and a seed has {}", SEED_FILES.len());
        return (differs(name, &why).into(), SeedFiles::new());
    }
    for label in [Some(&volume.label), joliet.map(|(label, _)| label)].into_iter().flatten() {
        if label != LABEL {
            let shown = label.escape_debug();
            report
                .push(unreadable(&format!("its label is `{shown}` and not `{LABEL}`: cloud-init would not see it")));
        }
    }
    for (view, what) in [(volume.rock_ridge.as_ref(), "Rock Ridge"), (joliet.map(|(_, view)| view), "Joliet")] {
        match view {
            None => report.push(unreadable(&format!("it has no {what} names"))),
            Some(view) => names(name, what, view, &mut report),
        }
    }
    let rock_ridge = volume.rock_ridge.unwrap_or_default();
    for (path, file) in &rock_ridge.files {
        if file.mode.is_none_or(|mode| mode & 0o177 != 0) {
            let mode = file.mode.map_or("none".to_owned(), |mode| format!("{:04o}", mode & 0o7777));
            report.push(differs(name, &format!("`{}` has the mode {mode} and not 0600", path.escape_debug())));
        }
        let other = joliet.and_then(|(_, view)| view.files.get(path));
        if other.is_some_and(|other| other.bytes(image) != file.bytes(image)) {
            report.push(differs(name, &format!("`{}` is not the same in Joliet", path.escape_debug())));
        }
    }
    let files = rock_ridge.files.into_iter().filter(|(path, _)| SEED_FILES.contains(&path.as_str()));
    (report, files.map(|(path, file)| (path, file.bytes(image).into_owned())).collect())
}

fn names(image: &str, what: &str, view: &IsoView, report: &mut Report) {
    for wanted in SEED_FILES {
        if !view.files.contains_key(wanted) {
            report.push(differs(image, &format!("it has no `{wanted}` ({what})")));
        }
    }
    let foreign =
        view.files.keys().chain(view.directories.keys()).filter(|path| !SEED_FILES.contains(&path.as_str()));
    for path in foreign {
        report.push(differs(image, &format!("`{}` does not belong there ({what})", path.escape_debug())));
    }
}

/// The finding that a seed image holds something else than it should.
pub(super) fn differs(image: &str, why: &str) -> Diagnostic {
    Diagnostic::error(Code::SeedDiffers, format!("{image}: {why}")).help("build again")
}

//! A box that was built elsewhere, in parts of another size.

use std::cell::Cell;
use std::io::{self, Read};

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use crate::diag::{Code, Diagnostic};
use crate::emit::{self, Split};
use crate::load;
use crate::names::Digest256;
use crate::project::BuildError;
use crate::verify::{self, Request, Subject};

/// Splits a box, or one that is in parts, into parts smaller than `limit` in `out`. It is verified first: no part of a box that is bad is
/// written. Parts of the same size are the same as when it was built, so a lost one can be had again.
///
/// # Errors
/// Where it is no box, or a bad one; where the parts would take the place of those they are made of; or the machine fails.
pub fn split_box(request: Request<'_>, limit: u64, out: &Utf8Path) -> Result<Split, BuildError> {
    let from = request.path;
    let refused = |finding: Diagnostic| BuildError::Refused(finding.into());
    // What `sha256sum` escapes in its lists: `verify` and other readers would not find parts of such names.
    if let Some(name) = from.file_name().filter(|name| name.contains(['\n', '\r', '\\'])) {
        let message = format!(
            "`{}` has a line end or a backslash in its name, which no list of parts can hold",
            name.escape_debug()
        );
        return Err(refused(Diagnostic::error(Code::BoxPart, message).help("rename it")));
    }
    let whole = Cell::new(None);
    let verification = verify::subject(Request { whole: Some(&whole), ..request })?;
    let name = from.file_name().unwrap_or_default();
    let (name, parts): (&str, Vec<Utf8PathBuf>) = match verification.subject {
        Subject::Box => (name, vec![from.to_owned()]),
        Subject::BoxParts => {
            let parts = verification.parts.iter().map(|part| from.with_file_name(&part.path)).collect();
            (name.strip_suffix(".sha256").unwrap_or(name), parts)
        }
        _ => {
            let message = format!("{from} is no box, and no list of the parts of one");
            let help = "name `….tar.gz`, or `….tar.gz.sha256` where it is in parts";
            return Err(refused(Diagnostic::error(Code::BoxDamaged, message).help(help)));
        }
    };
    if verification.report.has_errors() {
        return Err(BuildError::Refused(verification.report));
    }
    let here = from.parent().filter(|parent| !parent.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    if verification.subject == Subject::BoxParts && same(here, out) {
        let message = format!("the parts in {here} would be replaced by those that are made of them");
        let help = "name another directory with `--out`";
        return Err(refused(Diagnostic::error(Code::OutputInTheWay, message).help(help)));
    }
    let total = parts.iter().map(|part| load::size(part)).sum::<Result<u64, _>>()?;
    let mut reader = Again {
        inner: load::joined(&parts)?,
        digest: Sha256::new(),
        verified: whole.get(),
        passed: Cell::new(0),
        total,
        progress: request.progress,
    };
    Ok(emit::split(&mut reader, out, name, limit)?)
}

/// Whether two paths lead to the same directory; one that is not there yet is another one.
fn same(one: &Utf8Path, other: &Utf8Path) -> bool {
    one.canonicalize_utf8().is_ok_and(|one| other.canonicalize_utf8().is_ok_and(|other| one == other))
}

/// Reads a box again, says how many bytes have been read, and at their end whether they are those that were verified: where
/// they are not, nothing is published.
struct Again<'p> {
    inner: Box<dyn Read>,
    digest: Sha256,
    verified: Option<Digest256>,
    passed: Cell<u64>,
    total: u64,
    progress: &'p dyn Fn(u64, u64),
}

impl Read for Again<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        if count == 0 && !into.is_empty() {
            let digest = Digest256::from_bytes(self.digest.clone().finalize().into());
            return if self.verified == Some(digest) {
                Ok(0)
            } else {
                Err(io::Error::other("it is not what was verified: it has changed since"))
            };
        }
        self.digest.update(into.get(..count).unwrap_or_default());
        self.passed.set(self.passed.get() + count as u64);
        (self.progress)(self.passed.get(), self.total);
        Ok(count)
    }
}

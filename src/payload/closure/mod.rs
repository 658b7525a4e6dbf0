//! Whether what is wanted can be installed with what the image has and the payload brings, and nothing else.
//!
//! Chosen is as dnf chooses: what the image has is enough where it is; else the newest package of the payload that provides it.
//! Where one leads nowhere, the search begins anew without it. The proof is afterwards and does not depend on how it was chosen: every requirement of
//! every package that is then installed is looked at again, those of the image's own packages too, because a package of the
//! payload may take the place of one of them.

mod answer;
mod choice;
mod packages;

use std::collections::BTreeSet;

use super::{Installed, Relation, Rpm};
use packages::Packages;

/// Packages that are left out, one after the other, to see whether the rest is complete.
const MAX_TRIES: usize = 64;

/// What is to be installed where, and what there is for it.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// What the image has.
    pub image: &'q [Installed],
    /// What the payload brings.
    pub payload: &'q [&'q Rpm],
    /// What is to be there in the end, with who wants it.
    pub wanted: &'q [(String, Relation)],
    /// The version of the host's rpm.
    pub rpm: &'q str,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// The packages of the payload that are installed, as places in [`Question::payload`], in its order.
    pub installed: Vec<usize>,
    /// Requirements that nothing provides.
    pub unmet: Vec<Unmet>,
    /// Packages that cannot be installed together.
    pub clashes: Vec<Clash>,
    /// The search was given up because it takes too long: the rest is no answer.
    pub exhausted: bool,
}

/// A requirement that nothing provides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmet {
    /// The package, or whoever wants it.
    pub who: String,
    /// Whether it is a package of the image.
    pub of_image: bool,
    /// What it requires.
    pub requirement: String,
    /// The part of a rich dependency that is missing, where that is not all of it.
    pub missing: Vec<String>,
    /// What comes near: packages that provide the name in other versions, or that are not installed for a reason.
    pub near: Vec<String>,
}

/// Two packages that cannot be installed together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clash {
    /// The package that says so.
    pub who: String,
    /// What it does not go together with.
    pub conflict: String,
    /// The package that is that.
    pub with: String,
}

/// Answers it.
#[must_use]
pub fn closure(question: &Question<'_>) -> Closure {
    let mut packages = Packages::new(question);
    let mut search = |without: &BTreeSet<usize>| {
        packages.begin(without);
        while packages.round() {}
        let answer = packages.answer();
        let culprit = packages.culprit(&answer);
        (answer, culprit)
    };
    let mut without = BTreeSet::new();
    let (first, mut culprit) = search(&without);
    if first.exhausted {
        return first;
    }
    while let Some(at) = culprit.filter(|_| without.len() < MAX_TRIES) {
        without.insert(at);
        let answer;
        (answer, culprit) = search(&without);
        if answer.exhausted {
            break;
        }
        if answer.unmet.is_empty() && answer.clashes.is_empty() {
            return answer;
        }
    }
    // What is said is what is wrong with the choice that dnf makes first.
    first
}

/// Looks at all packages of the payload as if every one of them were installed, and nothing else were.
#[must_use]
pub fn all_together(payload: &[&Rpm], rpm: &str) -> Closure {
    let mut packages = Packages::new(&Question { image: &[], payload, wanted: &[], rpm });
    packages.install_all();
    packages.answer()
}

#[cfg(test)]
mod tests;

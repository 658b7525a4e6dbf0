//! Which packages of the payload are installed.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::Closure;
use super::packages::{Package, Packages, leaves};
use crate::payload::{Comparison, Nevra, Requirement, evr};

impl<'q> Packages<'q> {
    /// Begins anew with what the image has, and without these packages.
    pub fn begin(&mut self, without: &BTreeSet<usize>) {
        self.present = self.all.iter().map(|package| package.payload.is_none()).collect();
        self.gone = (0..self.all.len()).map(|at| without.contains(&at)).collect();
    }

    /// A package of the payload that cannot be installed, if there is one that might not have to be. What is wanted itself has to
    /// be: dnf of EL 8 takes the newest of it or nothing (`best=True` in its dnf.conf).
    pub fn culprit(&self, answer: &Closure) -> Option<usize> {
        let who = answer.unmet.iter().map(|unmet| &unmet.who);
        let who = who.chain(answer.clashes.iter().flat_map(|clash| [&clash.who, &clash.with]));
        let of_payload = self.all.iter().enumerate().filter(|(_, package)| package.payload.is_some());
        let places: HashMap<String, usize> =
            of_payload.rev().map(|(at, package)| (package.nevra.to_string(), at)).collect();
        let place = |who: &String| places.get(who).copied();
        let wanted: HashSet<usize> = self
            .wanted
            .iter()
            .filter_map(|(_, wanted)| wanted.as_ref().ok())
            .flat_map(|one| self.candidates(one))
            .collect();
        who.filter_map(place).find(|at| self.is_present(*at) && !wanted.contains(at))
    }

    /// Installs what helps with everything that is not met now; whether there was anything.
    pub fn round(&mut self) -> bool {
        let mut changed = false;
        for place in 0..self.wanted.len() {
            changed |= self.help(None, place);
        }
        for (at, place) in self.not_met().collect::<Vec<_>>() {
            changed |= self.help(Some(at), place);
        }
        changed
    }

    /// Installs a package for this requirement, if it is still not met.
    fn help(&mut self, who: Option<usize>, place: usize) -> bool {
        let required = match who {
            None => self.wanted.get(place).map(|(_, wanted)| wanted),
            Some(at) => {
                self.all.get(at).filter(|_| self.is_present(at)).and_then(|package| package.requires.get(place))
            }
        };
        let Some(Ok(required)) = required else { return false };
        if self.met(required) || self.is_exhausted() {
            return false;
        }
        // A package of the image that would lose something may be newer in the payload.
        let helps = self.choose(required).or_else(|| who.and_then(|at| self.upgrade(at)));
        if let Some(at) = helps {
            self.install(at);
        }
        helps.is_some()
    }

    pub fn install_all(&mut self) {
        self.present.fill(true);
    }

    /// The package of the payload that helps.
    fn choose(&self, requirement: &Requirement) -> Option<usize> {
        match requirement {
            Requirement::Plain(relation) => self.best(&self.candidates(requirement), &relation.name),
            Requirement::With(all) => self.best(&self.candidates(requirement), &first_name(all)),
            Requirement::Without(two) => self.best(&self.candidates(requirement), &first_name(two.as_slice())),
            Requirement::And(all) => all.iter().filter(|one| !self.met(one)).find_map(|one| self.choose(one)),
            Requirement::Or(all) => all.iter().find_map(|one| self.choose(one)),
            Requirement::If(two, otherwise) => match (self.met(&two[1]), otherwise) {
                (true, _) => self.choose(&two[0]),
                (false, Some(otherwise)) => self.choose(otherwise),
                (false, None) => None,
            },
            Requirement::Unless(two, otherwise) => match (self.met(&two[1]), otherwise) {
                (false, _) => self.choose(&two[0]),
                (true, otherwise) => otherwise.as_ref().and_then(|otherwise| self.choose(otherwise)),
            },
        }
    }

    /// The one that dnf would take: of that very name first, then the newest.
    fn best(&self, candidates: &[usize], name: &str) -> Option<usize> {
        let may = |at: &usize| {
            let free = !self.is_present(*at) && !self.gone.get(*at).copied().unwrap_or(true);
            self.all.get(*at).is_some_and(|package| free && package.payload.is_some() && !self.is_older(package))
        };
        let order = |one: &usize, other: &usize| {
            let (one, other) = (self.all.get(*one), self.all.get(*other));
            let named = |package: Option<&Package<'_>>| package.is_some_and(|package| package.nevra.name == name);
            let native = |package: Option<&Package<'_>>| package.is_some_and(|package| package.nevra.arch != "i686");
            let names = |package: Option<&Package<'q>>| package.map(|package| package.nevra.name.as_str());
            let versions = one.zip(other).map_or(Ordering::Equal, |(a, b)| evr::newer(a.nevra, b.nevra));
            let by_name = named(one).cmp(&named(other)).then(native(one).cmp(&native(other)));
            // Of several names the first by its letters, so that there is one answer.
            by_name.then_with(|| names(other).cmp(&names(one))).then(versions)
        };
        candidates.iter().copied().filter(may).max_by(order)
    }

    /// Whether the same package is installed already, as new or newer: dnf goes back to no older one.
    pub fn is_older(&self, package: &Package<'_>) -> bool {
        self.spend(self.all.len());
        let same = |(at, other): (usize, &Package<'_>)| {
            self.is_present(at)
                && is_same(other.nevra, package.nevra)
                && evr::newer(package.nevra, other.nevra).is_le()
        };
        self.all.iter().enumerate().any(same)
    }

    fn upgrade(&self, at: usize) -> Option<usize> {
        let package = self.all.get(at).filter(|package| package.payload.is_none())?;
        let same = self.all.iter().enumerate().filter(|(_, other)| is_same(other.nevra, package.nevra));
        let candidates: Vec<usize> = same.map(|(at, _)| at).collect();
        self.best(&candidates, &package.nevra.name)
    }

    /// Installs it, in place of what it is newer than or obsoletes.
    fn install(&mut self, at: usize) {
        let Some(package) = self.all.get(at) else { return };
        self.spend(self.all.len().saturating_mul(package.obsoletes.len()));
        let obsolete = |other: &Package<'_>| {
            package.obsoletes.iter().any(|relation| {
                // By the name of the package alone, never by what it provides.
                relation.name == other.nevra.name
                    && relation.version.as_ref().is_none_or(|(sign, version)| {
                        evr::overlap((*sign, version), (Comparison::Equal, &other.nevra.evr()))
                    })
            })
        };
        let replaced = |other: &Package<'_>| is_same(other.nevra, package.nevra) || obsolete(other);
        let all = self.all.iter().enumerate();
        let leave: Vec<usize> =
            all.filter(|(other, that)| *other != at && replaced(that)).map(|(at, _)| at).collect();
        for leaves in leave.into_iter().filter(|leaves| self.is_present(*leaves)).collect::<Vec<_>>() {
            self.present[leaves] = false;
            self.gone[leaves] = true;
        }
        self.present[at] = true;
    }
}

/// Whether one takes the place of the other: by name and architecture, as packages of two architectures stand side by side.
fn is_same(one: &Nevra, other: &Nevra) -> bool {
    one.name == other.name && (one.arch == other.arch || one.arch == "noarch" || other.arch == "noarch")
}

fn first_name(requirements: &[Requirement]) -> String {
    let mut name = None;
    requirements
        .iter()
        .for_each(|one| leaves(one, &mut |relation| name = name.take().or(Some(relation.name.clone()))));
    name.unwrap_or_default()
}

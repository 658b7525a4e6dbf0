//! What is said in the end.

use std::collections::BTreeMap;

use super::packages::{Package, Packages, Required, leaves};
use super::{Clash, Closure, Unmet};
use crate::payload::{Relation, Requirement};

impl<'q> Packages<'q> {
    pub fn answer(&self) -> Closure {
        let mut unmet: Vec<Unmet> = Vec::new();
        for (who, wanted) in &self.wanted {
            unmet.extend(self.unmet((*who).to_owned(), false, wanted));
        }
        for (at, place) in self.not_met().filter(|open| !self.broken.contains(open)) {
            let Some(package) = self.all.get(at) else { continue };
            let required = package.requires.get(place);
            let who = package.nevra.to_string();
            unmet.extend(required.and_then(|required| self.unmet(who, package.payload.is_none(), required)));
        }
        let installed = self.installed().filter_map(|(_, package)| package.payload).collect();
        let mut clashes: Vec<Clash> = self.installed().flat_map(|(at, package)| self.clashes(at, package)).collect();
        unmet.sort();
        unmet.dedup();
        clashes.sort();
        clashes.dedup();
        Closure { installed, unmet, clashes, exhausted: self.is_exhausted() }
    }

    fn unmet(&self, who: String, of_image: bool, required: &Required<'_>) -> Option<Unmet> {
        match required {
            Ok(requirement) if self.met(requirement) => None,
            Ok(requirement) => {
                let (mut missing, mut near) = (Vec::new(), BTreeMap::new());
                self.missing(requirement, &mut missing, &mut near);
                let text = requirement.to_string();
                missing.retain(|part| *part != text);
                let near = near.into_values().take(5).collect();
                Some(Unmet { who, of_image, requirement: text, missing, near })
            }
            Err((relation, why)) => {
                let near = vec![format!("it cannot be read: {why}")];
                Some(Unmet { who, of_image, requirement: relation.to_string(), missing: Vec::new(), near })
            }
        }
    }

    /// The parts that would have to be there, and what comes near to them.
    fn missing(&self, requirement: &Requirement, parts: &mut Vec<String>, near: &mut BTreeMap<usize, String>) {
        match requirement {
            _ if self.met(requirement) => {}
            Requirement::Plain(relation) => {
                parts.push(relation.to_string());
                self.near(relation, near);
            }
            Requirement::With(all) => {
                parts.push(requirement.to_string());
                all.iter().for_each(|one| leaves(one, &mut |relation| self.near(relation, near)));
            }
            Requirement::Without(two) => {
                parts.push(requirement.to_string());
                leaves(&two[0], &mut |relation| self.near(relation, near));
            }
            Requirement::And(all) | Requirement::Or(all) => {
                all.iter().for_each(|one| self.missing(one, parts, near));
            }
            Requirement::If(two, otherwise) | Requirement::Unless(two, otherwise) => {
                let first = self.met(&two[1]) == matches!(requirement, Requirement::If(..));
                match (first, otherwise) {
                    (true, _) => self.missing(&two[0], parts, near),
                    (false, Some(otherwise)) => self.missing(otherwise, parts, near),
                    (false, None) => parts.push(format!("`{}` must not be there", two[1])),
                }
            }
        }
    }

    fn near(&self, relation: &Relation, near: &mut BTreeMap<usize, String>) {
        for (at, provides) in self.named(&relation.name).iter().take_while(|_| !self.spend(1)) {
            // Said of each package once, by the first of what it provides.
            let Some(package) = self.all.get(*at).filter(|_| !near.contains_key(at)) else { continue };
            let place = if package.payload.is_some() { "the payload" } else { "the image" };
            let why = match (self.is_present(*at), self.gone.get(*at)) {
                (_, Some(true)) => ", and another takes its place",
                (false, _) if self.is_older(package) => ", and is not newer than what is installed",
                _ => "",
            };
            near.insert(*at, format!("{} of {place} provides {provides}{why}", package.nevra));
        }
    }

    fn clashes(&self, at: usize, package: &Package<'q>) -> Vec<Clash> {
        let mut clashes = Vec::new();
        for relation in package.conflicts {
            let with = match Requirement::of(relation) {
                Ok(Requirement::Plain(_)) => self.matching(relation).collect(),
                // A condition is about all packages, and not about one of them.
                Ok(rich) if self.met(&rich) => vec![at],
                _ => Vec::new(),
            };
            let rich = relation.name.starts_with('(');
            for other in with.into_iter().filter(|other| (*other != at || rich) && self.is_present(*other)) {
                let with = self.all.get(other).map(|package| package.nevra.to_string()).unwrap_or_default();
                clashes.push(Clash { who: package.nevra.to_string(), conflict: relation.to_string(), with });
            }
        }
        clashes
    }
}

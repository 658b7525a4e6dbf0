//! All packages there are, and what is met by those of them that are installed.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

use super::Question;
use crate::payload::package::Files;
use crate::payload::{Nevra, Relation, Requirement, evr, rpmlib};

/// Comparisons after which no answer is looked for. An image and a payload of some hundred packages each take some hundred thousand;
/// files that are made to take for ever take seconds.
const MAX_STEPS: usize = 10_000_000;

/// A package, wherever it is.
pub(super) struct Package<'q> {
    pub nevra: &'q Nevra,
    pub provides: &'q [Relation],
    pub requires: Vec<Required<'q>>,
    pub conflicts: &'q [Relation],
    pub obsoletes: &'q [Relation],
    pub files: &'q Files,
    /// Its place in the payload; none for one of the image.
    pub payload: Option<usize>,
}

/// What a package requires, or why that cannot be read.
pub(super) type Required<'q> = Result<Requirement, (&'q Relation, String)>;

fn read(relations: &[Relation]) -> Vec<Required<'_>> {
    relations.iter().map(|relation| Requirement::of(relation).map_err(|why| (relation, why))).collect()
}

/// All packages.
pub(super) struct Packages<'q> {
    pub all: Vec<Package<'q>>,
    /// Whether it is installed in the end.
    pub present: Vec<bool>,
    /// Whether it was once and is not any more: it does not come back.
    pub gone: Vec<bool>,
    /// Requirements of the image that were not met before anything was installed, as package and place: not our fault.
    pub broken: BTreeSet<(usize, usize)>,
    /// What is wanted, with who wants it.
    pub wanted: Vec<(&'q str, Required<'q>)>,
    /// Who provides a name, and how.
    providers: HashMap<&'q str, Vec<(usize, &'q Relation)>>,
    /// Who has a file that somebody requires.
    owners: HashMap<String, Vec<usize>>,
    steps: Cell<usize>,
    rpm: &'q str,
}

impl<'q> Packages<'q> {
    pub fn new(question: &Question<'q>) -> Self {
        let image = question.image.iter().map(|installed| Package {
            nevra: &installed.nevra,
            provides: &installed.provides,
            requires: read(&installed.requires),
            conflicts: &installed.conflicts,
            obsoletes: &installed.obsoletes,
            files: &installed.files,
            payload: None,
        });
        let payload = question.payload.iter().enumerate().map(|(place, rpm)| Package {
            nevra: &rpm.nevra,
            provides: &rpm.provides,
            requires: read(&rpm.requires),
            conflicts: &rpm.conflicts,
            obsoletes: &rpm.obsoletes,
            files: &rpm.files,
            payload: Some(place),
        });
        let all: Vec<Package<'q>> = image.chain(payload).collect();
        let mut providers: HashMap<&str, Vec<(usize, &Relation)>> = HashMap::new();
        for (at, package) in all.iter().enumerate() {
            for provided in package.provides {
                providers.entry(&provided.name).or_default().push((at, provided));
            }
        }
        let wanted = question.wanted.iter();
        let wanted = wanted.map(|(who, what)| (who.as_str(), Requirement::of(what).map_err(|why| (what, why))));
        let mut packages = Self {
            present: all.iter().map(|package| package.payload.is_none()).collect(),
            gone: vec![false; all.len()],
            broken: BTreeSet::new(),
            wanted: wanted.collect(),
            owners: HashMap::new(),
            steps: Cell::new(0),
            rpm: question.rpm,
            providers,
            all,
        };
        packages.find_owners();
        packages.broken = packages.not_met().collect();
        packages
    }

    /// Finds who has the files that are required, in one pass over all files.
    fn find_owners(&mut self) {
        let mut paths = BTreeSet::new();
        let mut add = |relation: &Relation| {
            if relation.name.starts_with('/') {
                paths.insert(relation.name.clone());
            }
        };
        let requires = self.all.iter().flat_map(|package| &package.requires);
        for required in requires.chain(self.wanted.iter().map(|(_, wanted)| wanted)).flatten() {
            leaves(required, &mut add);
        }
        self.all.iter().flat_map(|package| package.conflicts).for_each(add);
        let spelt: Vec<(String, &String)> =
            paths.iter().flat_map(|path| spellings(path).into_iter().map(move |spelling| (spelling, path))).collect();
        // By directory and name, as packages have them.
        let mut sought: HashMap<&str, HashMap<&str, Vec<&String>>> = HashMap::new();
        for (spelling, path) in &spelt {
            let (directory, name) = spelling.split_at(spelling.rfind('/').map_or(0, |at| at + 1));
            sought.entry(directory).or_default().entry(name).or_default().push(path);
        }
        for (at, package) in self.all.iter().enumerate() {
            for (directory, file) in package.files.iter() {
                let found = sought.get(directory).and_then(|names| names.get(file.name.as_str()));
                for path in found.into_iter().flatten() {
                    self.owners.entry((*path).clone()).or_default().push(at);
                }
            }
        }
    }

    /// Counts steps. Whether there have been too many: then nothing is looked for any more.
    pub fn spend(&self, steps: usize) -> bool {
        self.steps.set(self.steps.get().saturating_add(steps));
        self.is_exhausted()
    }

    /// Whether an answer is none, because it would take too long.
    pub fn is_exhausted(&self) -> bool {
        self.steps.get() > MAX_STEPS
    }

    pub fn is_present(&self, at: usize) -> bool {
        self.present.get(at).copied().unwrap_or_default()
    }

    /// The packages that are installed.
    pub fn installed(&self) -> impl Iterator<Item = (usize, &Package<'q>)> {
        self.all.iter().enumerate().filter(|(at, _)| self.is_present(*at))
    }

    /// What installed packages require and do not get, as package and place.
    pub fn not_met(&self) -> impl Iterator<Item = (usize, usize)> {
        let required = self.installed().flat_map(|(at, package)| {
            package.requires.iter().enumerate().map(move |(place, required)| (at, place, required))
        });
        let open = required.filter(|(_, _, required)| required.as_ref().map_or(true, |required| !self.met(required)));
        open.map(|(at, place, _)| (at, place))
    }

    /// The packages that provide this name, in whatever version, with how they do.
    pub fn named(&self, name: &str) -> &[(usize, &'q Relation)] {
        self.providers.get(name).map_or(&[], Vec::as_slice)
    }

    /// The packages that are what is required, installed or not; one may come twice.
    pub fn matching(&self, relation: &Relation) -> impl Iterator<Item = usize> {
        let named = self.named(&relation.name).iter().take_while(|_| !self.spend(1));
        let named = named.filter(|(_, provided)| provides(provided, relation)).map(|(at, _)| *at);
        named.chain(self.owners_of(relation).iter().copied())
    }

    /// The packages that have the file that is required.
    fn owners_of(&self, relation: &Relation) -> &[usize] {
        let owners = self.owners.get(&relation.name).filter(|_| relation.version.is_none());
        owners.map_or(&[], Vec::as_slice)
    }

    /// Whether one package alone is what is required: the inside of `with` and `without`.
    fn is(&self, at: usize, requirement: &Requirement) -> bool {
        match requirement {
            Requirement::Plain(relation) => self.matching(relation).any(|matching| matching == at),
            Requirement::And(all) | Requirement::With(all) => all.iter().all(|one| self.is(at, one)),
            Requirement::Or(all) => all.iter().any(|one| self.is(at, one)),
            Requirement::Without(two) => self.is(at, &two[0]) && !self.is(at, &two[1]),
            // rpm does not take a condition there.
            Requirement::If(..) | Requirement::Unless(..) => false,
        }
    }

    /// The packages that are it, where it is about one package.
    pub fn candidates(&self, requirement: &Requirement) -> Vec<usize> {
        match requirement {
            Requirement::Plain(relation) => self.matching(relation).collect(),
            Requirement::With(_) | Requirement::Without(_) => {
                (0..self.all.len()).filter(|at| self.is(*at, requirement)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether what is installed is enough for it.
    pub fn met(&self, requirement: &Requirement) -> bool {
        match requirement {
            Requirement::Plain(relation) => match rpmlib::satisfies(self.rpm, relation) {
                Some(answer) => answer,
                None => self.matching(relation).any(|at| self.is_present(at)),
            },
            Requirement::And(all) => all.iter().all(|one| self.met(one)),
            Requirement::Or(all) => all.iter().any(|one| self.met(one)),
            Requirement::With(_) | Requirement::Without(_) => {
                self.candidates(requirement).iter().any(|at| self.is_present(*at))
            }
            Requirement::If(two, otherwise) => match (self.met(&two[1]), otherwise) {
                (true, _) => self.met(&two[0]),
                (false, Some(otherwise)) => self.met(otherwise),
                (false, None) => true,
            },
            Requirement::Unless(two, otherwise) => match (self.met(&two[1]), otherwise) {
                (false, _) => self.met(&two[0]),
                (true, Some(otherwise)) => self.met(otherwise),
                (true, None) => false,
            },
        }
    }
}

/// Whether what a package provides is what is required; the name is the same.
fn provides(provided: &Relation, relation: &Relation) -> bool {
    match (&provided.version, &relation.version) {
        (Some((sign, version)), Some((wanted_sign, wanted))) => {
            evr::overlap((*sign, version), (*wanted_sign, wanted))
        }
        // As in rpm and libsolv: what is provided without a version is there in every one.
        _ => true,
    }
}

/// Calls it with every relation in a requirement.
pub(super) fn leaves(requirement: &Requirement, call: &mut impl FnMut(&Relation)) {
    match requirement {
        Requirement::Plain(relation) => call(relation),
        Requirement::And(all) | Requirement::Or(all) | Requirement::With(all) => {
            all.iter().for_each(|one| leaves(one, call));
        }
        Requirement::Without(two) => two.iter().for_each(|one| leaves(one, call)),
        Requirement::If(two, otherwise) | Requirement::Unless(two, otherwise) => {
            two.iter().chain(otherwise.as_deref()).for_each(|one| leaves(one, call));
        }
    }
}

/// A path as it is required, and as it is where `/bin`, `/sbin`, `/lib` and `/lib64` lead below `/usr`: on EL 7 and later they
/// are symbolic links, and rpm looks through them.
fn spellings(path: &str) -> Vec<String> {
    const MERGED: [&str; 4] = ["/bin/", "/sbin/", "/lib/", "/lib64/"];
    let below = path.strip_prefix("/usr").filter(|rest| MERGED.iter().any(|directory| rest.starts_with(directory)));
    let other = match below {
        Some(below) => Some(below.to_owned()),
        None => MERGED.iter().any(|directory| path.starts_with(directory)).then(|| format!("/usr{path}")),
    };
    std::iter::once(path.to_owned()).chain(other).collect()
}

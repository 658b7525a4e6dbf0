//! Versions as rpm compares them.

use std::cmp::Ordering;

use super::{Comparison, Nevra};

/// Epoch, version and release, as requirements and packages name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evr<'t> {
    /// None is the same as 0.
    epoch: &'t str,
    version: &'t str,
    /// Without one, any.
    release: Option<&'t str>,
}

impl<'t> Evr<'t> {
    /// Takes `epoch:version-release` apart; epoch and release may be missing (`parseEVR` in lib/rpmver.c).
    #[must_use]
    pub fn of(text: &'t str) -> Self {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (epoch, rest) = match text.split_at_checked(digits).map(|(epoch, rest)| (epoch, rest.strip_prefix(':'))) {
            Some((epoch, Some(rest))) => (epoch, rest),
            _ => ("", text),
        };
        let (version, release) =
            rest.rsplit_once('-').map_or((rest, None), |(version, release)| (version, Some(release)));
        Self { epoch: if epoch.is_empty() { "0" } else { epoch }, version, release }
    }

    /// Epoch, version and release.
    #[must_use]
    pub const fn parts(self) -> (&'t str, &'t str, Option<&'t str>) {
        (self.epoch, self.version, self.release)
    }

    /// Compares them; the releases only where both have one.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        let releases = || match (self.release, other.release) {
            (Some(ours), Some(theirs)) => compare(ours, theirs),
            _ => Ordering::Equal,
        };
        compare(self.epoch, other.epoch).then_with(|| compare(self.version, other.version)).then_with(releases)
    }
}

/// Orders packages of one name by their versions.
#[must_use]
pub fn newer(one: &Nevra, other: &Nevra) -> Ordering {
    let rest = || compare(&one.version, &other.version).then_with(|| compare(&one.release, &other.release));
    one.epoch.cmp(&other.epoch).then_with(rest)
}

/// Whether a version is in both ranges (`rpmverOverlap`).
#[must_use]
pub fn overlap(one: (Comparison, &str), other: (Comparison, &str)) -> bool {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    let less = |sign| matches!(sign, Less | LessOrEqual);
    let greater = |sign| matches!(sign, Greater | GreaterOrEqual);
    let equal = |sign| matches!(sign, Equal | LessOrEqual | GreaterOrEqual);
    let both = |has: fn(Comparison) -> bool| has(one.0) && has(other.0);
    let (ours, theirs) = (Evr::of(one.1), Evr::of(other.1));
    match ours.compare(theirs) {
        // `= 2` is every release of 2, the one that is older than `2-1` too.
        Ordering::Equal if ours.release.is_none() && theirs.release.is_some() && equal(one.0) => true,
        Ordering::Equal if ours.release.is_some() && theirs.release.is_none() && equal(other.0) => true,
        Ordering::Less => greater(one.0) || less(other.0),
        Ordering::Greater => less(one.0) || greater(other.0),
        Ordering::Equal => both(equal) || both(less) || both(greater),
    }
}

/// Compares two versions or two releases (`rpmvercmp` in rpmio/rpmvercmp.c): runs of digits and of letters one after the
/// other, whatever separates them. `~` sorts before everything, the end too, and `^` right after the end.
#[must_use]
pub fn compare(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    loop {
        (one, other) = (skip(one), skip(other));
        match (one.first(), other.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                (one, other) = (&one[1..], &other[1..]);
                continue;
            }
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            // Longer is newer, and so is what follows a `^`, which is older than anything else that follows.
            (None | Some(b'^'), Some(_)) => return Ordering::Less,
            (Some(_), None | Some(b'^')) => return Ordering::Greater,
            (Some(_), Some(_)) => {}
        }
        let digits = one.first().is_some_and(u8::is_ascii_digit);
        let (ours, rest) = run(one, digits);
        let (theirs, other_rest) = run(other, digits);
        if theirs.is_empty() {
            // Numbers are newer than letters.
            return if digits { Ordering::Greater } else { Ordering::Less };
        }
        let order = if digits { number(ours, theirs) } else { ours.cmp(theirs) };
        if order != Ordering::Equal {
            return order;
        }
        (one, other) = (rest, other_rest);
    }
}

fn skip(text: &[u8]) -> &[u8] {
    let separators = text.iter().take_while(|byte| !byte.is_ascii_alphanumeric() && !b"~^".contains(byte)).count();
    &text[separators..]
}

fn run(text: &[u8], digits: bool) -> (&[u8], &[u8]) {
    let of_it = |byte: &&u8| if digits { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
    text.split_at(text.iter().take_while(of_it).count())
}

/// Numbers of any length.
fn number(one: &[u8], other: &[u8]) -> Ordering {
    let without_zeros = |text: &'_ [u8]| text.iter().take_while(|byte| **byte == b'0').count();
    let (one, other) = (&one[without_zeros(one)..], &other[without_zeros(other)..]);
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn versions_are_ordered_as_by_rpm() {
        // Each is older than the next. From the cases of rpm's own tests/rpmvercmp.at, and from real packages.
        let order = [
            "1.0~rc1~git123",
            "1.0~rc1",
            "1.0",
            "1.0^",
            "1.0^git1~pre",
            "1.0^git1",
            "1.0^git1^git2",
            "1.0a",
            "1.0.a",
        ];
        let order = [
            &order[..],
            &["1.0.1", "1.05", "1.10", "1.10abc", "2", "2a", "2.0", "2.0.1", "10xyz", "20101121", "20101122"],
        ]
        .concat();
        for pair in order.windows(2) {
            // `1.0a` and `1.0.a` are equal: what separates does not count.
            let expected = if pair == ["1.0a", "1.0.a"] { Ordering::Equal } else { Ordering::Less };
            assert_eq!(compare(pair[0], pair[1]), expected, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), expected.reverse(), "{pair:?}");
        }
        for (one, other) in
            [("1.0", "1.0"), ("5.5p1", "5.5p1"), ("1_0", "1.0"), ("001", "1"), ("a+", "a_"), ("+", "_")]
        {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} {other}");
        }
        assert_eq!(compare("a", "1"), Ordering::Less);
        assert_eq!(compare("1b.fc17", "1.fc17"), Ordering::Less);
    }

    #[test]
    fn what_is_missing_is_not_compared() {
        let compare = |one, other| Evr::of(one).compare(Evr::of(other));
        assert_eq!(compare("1.1.1k", "1.1.1k-7.el8"), Ordering::Equal);
        assert_eq!(compare("1:1.0", "2.0"), Ordering::Greater);
        assert_eq!(compare("0:1.0-1", "1.0-1"), Ordering::Equal);
        assert_eq!(compare("1-2", "1-10"), Ordering::Less);
    }

    #[test]
    fn ranges_overlap_or_do_not() {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        let cases = [
            ((Equal, "1"), (GreaterOrEqual, "1"), true),
            ((Equal, "1"), (Greater, "1"), false),
            ((Equal, "1-5"), (Equal, "1"), true),
            ((Equal, "1-5"), (Greater, "1"), false),
            ((Equal, "1"), (Less, "1-5"), true),
            ((Equal, "1"), (Greater, "1-5"), true),
            ((Less, "1"), (Greater, "1-5"), false),
            ((Less, "1"), (Greater, "1"), false),
            ((LessOrEqual, "1"), (GreaterOrEqual, "1"), true),
            ((Less, "2"), (GreaterOrEqual, "1"), true),
            ((Less, "1"), (Less, "1"), true),
            ((Equal, "1:1"), (GreaterOrEqual, "2"), true),
        ];
        for (one, other, expected) in cases {
            assert_eq!(overlap(one, other), expected, "{one:?} {other:?}");
            assert_eq!(overlap(other, one), expected, "{other:?} {one:?}");
        }
    }
}

use rpm::{Dependency, PackageBuilder};

use super::{Closure, Question, closure};
use crate::payload::{Installed, Relation, Rpm, fixture, inventory, read_rpm, rpm_of};

fn rpm(name: &str, version: &str, says: impl FnOnce(&mut PackageBuilder)) -> Rpm {
    let mut builder = fixture::builder(name, version);
    says(&mut builder);
    read_rpm(fixture::bytes(&mut builder).as_slice(), None).expect("an RPM")
}

fn plain(name: &str, version: &str) -> Rpm {
    rpm(name, version, |_| ())
}

fn requires(name: &str, version: &str, requirement: &str) -> Rpm {
    rpm(name, version, |builder| {
        builder.requires(Dependency::any(requirement));
    })
}

fn image(lines: &str) -> Vec<Installed> {
    inventory(&lines.replace(' ', "\t")).expect("a list")
}

/// An image with nothing but what every test needs.
const NOTHING: &str = "package nothing 0 1 1 noarch\n";

fn ask(image_has: &str, payload: &[Rpm], wanted: &[&str]) -> Closure {
    ask_of("8", image_has, payload, wanted)
}

fn ask_of(major: &str, image_has: &str, payload: &[Rpm], wanted: &[&str]) -> Closure {
    let relation = |name: &&str| Relation { name: (*name).to_owned(), version: None, before_scripts: false };
    let wanted: Vec<_> = wanted.iter().map(|name| ("the test".to_owned(), relation(name))).collect();
    let payload: Vec<&Rpm> = payload.iter().collect();
    let image = image(image_has);
    closure(&Question { image: &image, payload: &payload, wanted: &wanted, rpm: rpm_of(major) })
}

/// What is missing, as `who: requirement`.
fn unmet(answer: &Closure) -> Vec<String> {
    answer.unmet.iter().map(|unmet| format!("{}: {}", unmet.who, unmet.requirement)).collect()
}

#[test]
fn what_is_wanted_brings_what_it_needs_and_nothing_else() {
    let payload = [requires("a", "1", "b"), requires("b", "1", "c"), plain("c", "1"), plain("d", "1")];
    let answer = ask(NOTHING, &payload, &["a"]);
    assert_eq!((answer.installed.as_slice(), unmet(&answer).len()), (&[0, 1, 2][..], 0), "{answer:?}");
    // What the image has is enough.
    let has_b = "package b 0 9 1 x86_64\nprovides b = 9-1\n";
    assert_eq!(ask(has_b, &payload, &["a"]).installed, [0]);
}

#[test]
fn what_nothing_provides_is_named_with_who_needs_it_and_what_comes_near() {
    let needs = rpm("a", "1", |builder| {
        builder.requires(Dependency::greater_eq("lib", "2")).requires(Dependency::any("libx.so.1()(64bit)"));
    });
    let answer = ask("package lib 0 1.9 3 x86_64\nprovides lib = 1.9-3\n", &[needs], &["a", "zzz"]);
    let expected = ["a-1-1.el8.x86_64: lib >= 2", "a-1-1.el8.x86_64: libx.so.1()(64bit)", "the test: zzz"];
    assert_eq!(unmet(&answer), expected);
    assert_eq!(answer.unmet[0].near, ["lib-1.9-3.x86_64 of the image provides lib = 1.9-3"]);
    assert!(answer.unmet[1].near.is_empty());
}

#[test]
fn the_newest_is_taken_and_never_an_older_one() {
    let payload = [plain("lib", "2"), plain("lib", "10"), plain("lib", "9")];
    assert_eq!(ask(NOTHING, &payload, &["lib"]).installed, [1]);
    let needs = rpm("a", "1", |builder| {
        builder.requires(Dependency::less("lib", "3"));
    });
    let payload = [needs, plain("lib", "2")];
    let answer = ask("package lib 0 3 1 x86_64\nprovides lib = 3-1\n", &payload, &["a"]);
    assert_eq!(unmet(&answer), ["a-1-1.el8.x86_64: lib < 3"]);
    assert!(answer.unmet[0].near.iter().any(|near| near.contains("not newer than what is installed")), "{answer:?}");
}

#[test]
fn what_leads_nowhere_is_left_out() {
    let payload = [
        requires("a", "1", "virtual"),
        rpm("b", "1", |builder| {
            builder.provides(Dependency::any("virtual")).requires(Dependency::any("never-there"));
        }),
        rpm("c", "1", |builder| {
            builder.provides(Dependency::any("virtual"));
        }),
    ];
    assert_eq!(ask(NOTHING, &payload, &["a"]).installed, [0, 2]);
    // Where nothing helps, what is said is about the first choice.
    let answer = ask(NOTHING, &payload[..2], &["a"]);
    assert_eq!(unmet(&answer), ["b-1-1.el8.x86_64: never-there"]);
}

#[test]
fn an_upgrade_that_breaks_the_image_is_found() {
    let has = "package tool 0 1 1 x86_64\nprovides tool = 1-1\nrequires lib = 1-1\n\
        package lib 0 1 1 x86_64\nprovides lib = 1-1\n";
    let needs = || {
        rpm("a", "1", |builder| {
            builder.requires(Dependency::greater_eq("lib", "2"));
        })
    };
    let answer = ask(has, &[needs(), plain("lib", "2")], &["a"]);
    assert_eq!(unmet(&answer), ["tool-1-1.x86_64: lib = 1-1"]);
    assert!(answer.unmet[0].of_image, "{answer:?}");
    // With a tool that goes with the new library, all is well.
    let tool = rpm("tool", "2", |builder| {
        builder.requires(Dependency::greater_eq("lib", "2"));
    });
    let answer = ask(has, &[needs(), plain("lib", "2"), tool], &["a"]);
    assert_eq!((answer.installed.as_slice(), unmet(&answer).len()), (&[0, 1, 2][..], 0), "{answer:?}");
}

#[test]
fn what_was_broken_before_is_not_blamed_on_the_payload() {
    let has = "package tool 0 1 1 x86_64\nrequires never-there\t\t\n";
    assert!(ask(has, &[plain("a", "1")], &["a"]).unmet.is_empty());
}

#[test]
fn obsolete_packages_go() {
    let has = "package old 0 1 1 x86_64\nprovides old = 1-1\npackage user 0 1 1 x86_64\nrequires old\t\t\n";
    let new = rpm("new", "2", |builder| {
        builder.obsoletes(Dependency::less("old", "2"));
    });
    let answer = ask(has, &[new], &["new"]);
    assert_eq!(unmet(&answer), ["user-1-1.x86_64: old"]);
    assert!(answer.unmet[0].near[0].contains("another takes its place"), "{answer:?}");
}

#[test]
fn conflicts_are_found() {
    let has = "package old 0 1 1 x86_64\nprovides old = 1-1\n";
    let new = rpm("new", "2", |builder| {
        builder.conflicts(Dependency::less("old", "2")).conflicts(Dependency::any("new"));
    });
    let answer = ask(has, &[new], &["new"]);
    let clashes = answer.clashes.iter().map(|clash| format!("{} {} {}", clash.who, clash.conflict, clash.with));
    assert_eq!(clashes.collect::<Vec<_>>(), ["new-2-1.el8.x86_64 old < 2 old-1-1.x86_64"]);
}

#[test]
fn rich_dependencies_are_met_or_not() {
    let has = "package b 0 1 1 x86_64\nprovides b = 1-1\nprovides both = 1\nprovides also = 1\n";
    for (requirement, met) in [
        ("(b and both)", true),
        ("(b and c)", false),
        ("(c or b)", true),
        ("(c or d)", false),
        ("(c if b)", false),
        ("(c if d)", true),
        ("(c if d else b)", true),
        ("(b if d else c)", false),
        ("(b unless c)", true),
        ("(b unless both)", false),
        ("(both with also)", true),
        ("(both with b >= 2)", false),
        ("(both without c)", true),
        ("(both without also)", false),
    ] {
        let answer = ask(has, &[requires("a", "1", requirement)], &["a"]);
        assert_eq!(answer.unmet.is_empty(), met, "{requirement}: {answer:?}");
    }
    let answer = ask(has, &[requires("a", "1", "(b and (c or d))")], &["a"]);
    assert_eq!(answer.unmet[0].missing, ["c", "d"]);
    // What helps is installed.
    let payload = [requires("a", "1", "((c if b) and (x or d))"), plain("c", "1"), plain("d", "1"), plain("e", "1")];
    assert_eq!(ask(has, &payload, &["a"]).installed, [0, 1, 2]);
}

#[test]
fn files_are_found_where_bin_leads_below_usr() {
    let has = "package bash 0 5 1 x86_64\nfile /usr/bin/sh\nfile /sbin/ldconfig\n";
    let payload =
        [requires("a", "1", "/bin/sh"), requires("b", "1", "/usr/sbin/ldconfig"), requires("c", "1", "/bin/x")];
    let answer = ask(has, &payload, &["a", "b", "c", "/usr/bin/sh"]);
    assert_eq!(unmet(&answer), ["c-1-1.el8.x86_64: /bin/x"]);
}

#[test]
fn what_only_a_newer_rpm_can_is_found() {
    let needs = || {
        rpm("a", "1", |builder| {
            builder.requires(Dependency::less_eq("rpmlib(RichDependencies)", "4.12.0-1"));
        })
    };
    assert!(ask_of("8", NOTHING, &[needs()], &["a"]).unmet.is_empty());
    let seven = ask_of("7", NOTHING, &[needs()], &["a"]);
    assert!(unmet(&seven).iter().any(|text| text.ends_with("rpmlib(RichDependencies) <= 4.12.0-1")), "{seven:?}");
}

#[test]
fn a_requirement_that_cannot_be_read_is_not_met() {
    let answer = ask(NOTHING, &[requires("a", "1", "(b and c or d)")], &["a"]);
    assert_eq!(unmet(&answer), ["a-1-1.el8.x86_64: (b and c or d)"]);
    assert!(answer.unmet[0].near[0].contains("do not go together"), "{answer:?}");
}

/// The line, once with each number for `#`.
fn numbered(line: &str, count: usize) -> String {
    (0..count).map(|number| line.replace('#', &number.to_string())).collect()
}

#[test]
fn what_is_made_to_take_for_ever_is_given_up() {
    let pairs = |count| NOTHING.to_owned() + &numbered("provides a = #\nrequires a = x#\n", count);
    assert!(ask(&pairs(4_000), &[plain("d", "1")], &["d"]).exhausted);
    assert!(!ask(&pairs(200), &[plain("d", "1")], &["d"]).exhausted);
}

#[test]
fn many_files_are_looked_through_once() {
    let (required, files) = (numbered("requires /opt/x/#  (none)\n", 40_000), numbered("file /opt/x/#\n", 40_000));
    let list = format!("{NOTHING}{required}requires /usr/bin/env  (none)\n{files}file /bin/env\n");
    // A pass over all files for each would take minutes.
    let answer = ask(&list, &[], &["/opt/x/7"]);
    assert!(!answer.exhausted && answer.unmet.is_empty(), "{} are missing", answer.unmet.len());
    assert_eq!(ask(&list, &[], &["/opt/x/40000"]).unmet.len(), 1);
}

use super::parse;
use crate::diag::{Sources, Style, render};

const GOOD: &str = "apiVersion: cfy-seed/v1\nname: prod\n";

#[test]
fn every_mistake_is_found_in_one_pass_with_its_place() {
    let text = "apiVersion: cfy-seed/v2\nname: Prod\nhsots: []\ncloudify: {version: 7.0, rpm: {sha256: abc}}\n\
                hosts:\n  - {name: db-1, roles: [databse], private_ip: fe80::1}\n  - 3\npki: {key: ed25519}\n";
    let mut sources = Sources::default();
    let parsed = parse("cluster.yaml", text, &mut sources);
    let found: Vec<(usize, String)> = parsed
        .report
        .sorted()
        .iter()
        .map(|d| (sources.line_column(d.labels[0].span).expect("a place").0, d.code.to_string()))
        .collect();
    let expected = [
        (1, "CFY-S010"),
        (2, "CFY-S006"),
        (3, "CFY-S003"),
        (4, "CFY-S005"),
        (4, "CFY-S006"),
        (6, "CFY-S007"),
        (6, "CFY-S006"),
        (7, "CFY-S005"),
        (8, "CFY-S007"),
    ];
    let expected: Vec<(usize, String)> = expected.iter().map(|(l, c)| (*l, (*c).to_owned())).collect();
    assert_eq!(found, expected, "{}", render(&parsed.report, &sources, Style::default()));
}

#[test]
fn a_secret_is_in_no_excerpt_and_in_no_message() {
    for (text, broken) in [
        (format!("{GOOD}credentials: {{admin_password: hunter2, nonsense: 1}}\n"), false),
        (format!("{GOOD}credentials: {{admin_password: 12345678}}\n"), false),
        (format!("{GOOD}credentials:\n  admin_password: \"hunter2\n  x: [\n"), true),
    ] {
        let mut sources = Sources::default();
        let parsed = parse("cluster.yaml", &text, &mut sources);
        assert_eq!(parsed.spec.is_none(), broken);
        let shown = render(&parsed.report, &sources, Style::default());
        assert!(!parsed.report.is_empty());
        assert!(!shown.contains("hunter2") && !shown.contains("12345678"), "{shown}");
        assert!(!format!("{parsed:?}").contains("hunter2"));
    }
}

#[test]
fn an_empty_file_and_a_list_are_refused_with_advice() {
    for text in ["", "# nothing\n", "- a\n", "just text\n"] {
        let mut sources = Sources::default();
        let parsed = parse("cluster.yaml", text, &mut sources);
        assert!(parsed.report.has_errors(), "{text:?}");
    }
}

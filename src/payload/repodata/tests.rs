use std::io::Read as _;

use super::repodata;
use crate::names::Digest256;
use crate::payload::{Rpm, fixture, read_rpm};

fn rpm() -> Rpm {
    read_rpm(fixture::bytes(&mut fixture::whole()).as_slice(), None).expect("an RPM")
}

fn open(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).expect("gzip");
    text
}

#[test]
fn the_index_names_what_there_is() {
    let rpm = rpm();
    let files = repodata(&[("packages/a.rpm", &rpm)], 1_700_000_000).expect("memory");
    let names: Vec<_> = files.iter().map(|(path, _)| path.rsplit('-').next().expect("a name")).collect();
    assert_eq!(names, ["primary.xml.gz", "filelists.xml.gz", "other.xml.gz", "repodata/repomd.xml"]);
    let index = String::from_utf8(files[3].1.clone()).expect("text");
    assert!(index.contains("<revision>1700000000</revision>"));
    for (path, bytes) in &files[..3] {
        let open = open(bytes);
        let digest = Digest256::of(bytes);
        assert_eq!(*path, format!("repodata/{digest}-{}", path.rsplit('-').next().expect("a name")));
        for part in [
            format!("<checksum type=\"sha256\">{digest}</checksum>"),
            format!("<open-checksum type=\"sha256\">{}</open-checksum>", Digest256::of(open.as_bytes())),
            format!("<location href=\"{path}\"/>"),
            format!("<size>{}</size>", bytes.len()),
            format!("<open-size>{}</open-size>", open.len()),
        ] {
            assert!(index.contains(&part), "{part}\n{index}");
        }
        // No time, no name, no system in the header of gzip.
        assert_eq!(bytes[..4], [0x1f, 0x8b, 8, 0]);
        assert_eq!(bytes[4..8], [0; 4]);
        assert_eq!(bytes[9], 255);
    }
}

#[test]
fn a_package_is_described() {
    let rpm = rpm();
    let files = repodata(&[("packages/a&b.rpm", &rpm)], 7).expect("memory");
    let primary = open(&files[0].1);
    for part in [
        "packages=\"1\"",
        "<version epoch=\"1\" ver=\"1.2.3\" rel=\"1.el8\"/>",
        "<location href=\"packages/a&amp;b.rpm\"/>",
        "<time file=\"7\" build=\"1700000000\"/>",
        "<rpm:entry name=\"openssl\" flags=\"GE\" epoch=\"1\" ver=\"1.1.1k\"/>",
        "<rpm:entry name=\"(a or (b with c &gt;= 2))\"/>",
        "<rpm:entry name=\"virtual\" flags=\"EQ\" epoch=\"0\" ver=\"7\"/>",
        "<file type=\"dir\">/etc/cfy-test</file>",
        "<file>/usr/bin/cfy-test</file>",
    ] {
        assert!(primary.contains(part), "{part}\n{primary}");
    }
    assert!(!primary.contains("rpmlib(") && !primary.contains("/var/log"), "{primary}");
    assert!(open(&files[1].1).contains("<file type=\"ghost\">/var/log/cfy-test.log</file>"));
    let other = open(&files[2].1);
    assert!(other.contains("date=\"1690000000\">- first</changelog>"), "{other}");
}

#[test]
fn the_same_packages_give_the_same_bytes() {
    let rpm = rpm();
    let make = |time| repodata(&[("a", &rpm), ("b", &rpm)], time).expect("memory");
    assert_eq!(make(1), make(1));
    assert_ne!(make(1), make(2));
    assert!(repodata(&[], 1).expect("memory").len() == 4);
}

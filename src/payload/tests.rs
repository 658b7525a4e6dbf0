use std::io::{self, Read};
use std::sync::LazyLock;

use super::fixture::{Parts, Signer, armoured, bytes, whole};
use super::*;
use crate::names::Digest256;

static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| bytes(&mut whole()));
static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::new);

fn read(bytes: &[u8]) -> Result<Rpm, RpmError> {
    read_rpm(bytes, None)
}

fn keys(signer: &Signer) -> PublicKeys {
    PublicKeys::parse(armoured(&signer.public()).as_bytes()).expect("a key")
}

#[test]
fn a_package_tells_what_it_is() {
    let rpm = read(&WHOLE).expect("an RPM");
    assert_eq!(rpm.nevra.to_string(), "cfy-test-1:1.2.3-1.el8.x86_64");
    assert_eq!(rpm.nevra.evr(), "1:1.2.3-1.el8");
    assert_eq!((rpm.digests.size, rpm.digests.sha256), (WHOLE.len() as u64, Digest256::of(&WHOLE)));
    let start = usize::try_from(rpm.digests.header_start).expect("small");
    assert_eq!(WHOLE[start..start + 4], [0x8e, 0xad, 0xe8, 1]);
    assert_eq!(WHOLE[usize::try_from(rpm.digests.header_end).expect("small")..][..6], *b"070701", "the payload");
    let has = |list: &[Relation], text: &str| list.iter().any(|relation| relation.to_string() == text);
    assert!(has(&rpm.requires, "openssl >= 1:1.1.1k") && has(&rpm.requires, "(a or (b with c >= 2))"), "{rpm:#?}");
    assert!(has(&rpm.provides, "cfy-test = 1:1.2.3-1.el8") && has(&rpm.provides, "virtual = 7"), "{rpm:#?}");
    assert!(has(&rpm.conflicts, "old < 2") && has(&rpm.obsoletes, "older"));
    let files: Vec<_> = rpm.files.iter().map(|(above, file)| (format!("{above}{}", file.name), file.kind)).collect();
    let expected = [
        ("/etc/cfy-test", FileKind::Directory),
        ("/usr/bin/cfy-test", FileKind::File),
        ("/var/log/cfy-test.log", FileKind::Ghost),
    ];
    assert_eq!(files, expected.map(|(path, kind)| (path.to_owned(), kind)));
    assert!(rpm.files.contains("/usr/bin/cfy-test") && !rpm.files.contains("/usr/bin") && !rpm.files.contains("x"));
    assert_eq!((rpm.changes.len(), rpm.changes[0].text.as_str()), (1, "- first"));
    assert_eq!(rpm.signed, Signed::No);
}

#[test]
fn a_header_tells_the_same_as_the_whole() {
    let el7 = || Parts::of(&mut whole()).into_el7();
    let mut signed = Parts::of(&mut whole());
    let header = signed.header_bytes();
    signed.sign(268, SIGNER.sign(&header));
    let keys = keys(&SIGNER);
    for bytes in [WHOLE.clone(), el7().bytes(), signed.bytes()] {
        let rpm = read_rpm(bytes.as_slice(), Some(&keys)).expect("an RPM");
        // Of the payload nothing is read.
        let header = &bytes[..usize::try_from(rpm.digests.header_end).expect("small")];
        let read = read_header(header, Some(&keys), rpm.digests.size, rpm.digests.sha256).expect("a header");
        assert_eq!(read, Some(rpm));
    }
    let mut both = el7();
    let signed = [both.header_bytes(), both.payload.clone()].concat();
    both.sign(1002, SIGNER.sign_3(&signed));
    let digest = Digest256::of(b"");
    let read = read_header(both.bytes().as_slice(), Some(&keys), 1, digest).expect("a header");
    assert_eq!(read, None, "its signature is over the payload");
    assert!(read_header(both.bytes().as_slice(), None, 1, digest).expect("a header").is_some());
}

#[test]
fn every_cut_is_found() {
    for length in 0..WHOLE.len() {
        match read(&WHOLE[..length]) {
            Err(RpmError::NotAnRpm) => assert!(length < 96),
            Err(RpmError::CutOff(part)) => {
                assert!(!part.is_empty() && length >= 4);
            }
            // A payload without the tag for its size is caught by its digest.
            Err(RpmError::Digest { part: "payload", .. }) => {}
            other => panic!("{length} of {} bytes: {other:?}", WHOLE.len()),
        }
    }
}

#[test]
fn every_changed_byte_after_the_signatures_is_found() {
    let start = usize::try_from(read(&WHOLE).expect("an RPM").digests.header_start).expect("small");
    let original = Digest256::of(&WHOLE);
    let mut changed = WHOLE.clone();
    for at in 0..changed.len() {
        for bit in [1, 0x80] {
            changed[at] ^= bit;
            match read(&changed) {
                // What the lead and the padding say nobody reads; the lock file has the digest of the whole file.
                Ok(rpm) => assert!(at < start && rpm.digests.sha256 != original, "byte {at} changed unseen"),
                Err(error) => assert!(!error.is_machine_failure(), "byte {at}: {error}"),
            }
            changed[at] ^= bit;
        }
    }
}

#[test]
fn what_is_longer_than_it_says_is_found_before_its_end() {
    struct Endless<'b>(&'b [u8], u64);
    impl Read for Endless<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                self.1 += into.len() as u64;
                assert!(self.1 < 16 << 20, "read for ever");
                into.fill(7);
                return Ok(into.len());
            }
            self.0.read(into)
        }
    }
    let el7 = Parts::of(&mut whole()).into_el7().bytes();
    let error = read_rpm(Endless(&el7, 0), None).expect_err("endless");
    assert!(matches!(error, RpmError::WrongSize { .. }), "{error}");
}

#[test]
fn packages_of_el_7_are_checked_by_what_they_have() {
    let parts = Parts::of(&mut whole()).into_el7();
    let good = parts.bytes();
    assert_eq!(read(&good).expect("an RPM").nevra.name, "cfy-test");
    for at in good.len() - parts.payload.len()..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let error = read(&bad).expect_err("a changed payload");
        assert!(matches!(error, RpmError::Digest { digest: "MD5", .. }), "{error}");
    }
    let mut without = parts;
    without.signature.retain(|entry| entry.tag != 1004);
    assert!(matches!(read(&without.bytes()), Err(RpmError::NoDigest("payload"))));
}

/// A file of a lead, a small signature header, and the given header.
fn hostile(entries: u32, size: u32, index: &[[u32; 4]], data: &[u8]) -> Vec<u8> {
    let header = |entries: u32, size: u32, index: &[[u32; 4]], data: &[u8]| {
        let mut bytes = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
        bytes.extend([entries, size].iter().flat_map(|number| number.to_be_bytes()));
        bytes.extend(index.iter().flatten().flat_map(|number| number.to_be_bytes()));
        bytes.extend(data);
        bytes
    };
    let mut bytes = WHOLE[..96].to_vec();
    bytes.extend(header(1, 8, &[[1000, 4, 0, 1]], &[0; 8]));
    bytes.extend(header(entries, size, index, data));
    bytes
}

#[test]
fn hostile_headers_are_refused_without_being_believed() {
    type Case<'c> = (&'c str, u32, u32, &'c [[u32; 4]], &'c [u8]);
    let all = vec![[1000, 8, 0, 16]; 4000];
    let cases: &[Case<'_>] = &[
        ("65536 entries", 65_536, 0, &[], b""),
        ("4294967295 entries", u32::MAX, u32::MAX, &[], b""),
        ("16777216 bytes", 1, 1 << 24, &[], b""),
        ("ends inside", 1, 0x00ff_ffff, &[[1000, 6, 0, 1]], b"x\0"),
        ("no entry", 0, 2, &[], b"x\0"),
        ("outside of its data", 1, 2, &[[1000, 6, 3, 1]], b"x\0"),
        ("outside of its data", 1, 2, &[[1000, 6, u32::MAX, 1]], b"x\0"),
        ("outside of its data", 1, 2, &[[1000, 6, 0x8000_0000, 1]], b"x\0"),
        ("larger than the data", 1, 8, &[[1000, 4, 0, u32::MAX]], &[0; 8]),
        ("larger than the data", 1, 8, &[[1000, 5, 0, 0x2000_0000]], &[0; 8]),
        ("larger than the data", 1, 8, &[[1000, 7, 4, 5]], &[0; 8]),
        ("is empty", 1, 8, &[[1000, 8, 0, 0]], &[0; 8]),
        ("not aligned", 1, 8, &[[1000, 4, 2, 1]], &[0; 8]),
        ("unknown type", 1, 8, &[[1000, 10, 0, 1]], &[0; 8]),
        ("has no end", 1, 2, &[[1000, 6, 0, 1]], b"xx"),
        ("has no end", 1, 2, &[[1000, 8, 0, 2]], b"x\0"),
        ("more than 262144 texts", 1, 2, &[[1000, 8, 0, u32::MAX]], b"x\0"),
        ("single text", 1, 2, &[[1000, 6, 0, 2]], b"\0\0"),
        ("overlap", 4000, 16, &all, &[0; 16]),
    ];
    for (part, entries, size, index, data) in cases {
        let error = read(&hostile(*entries, *size, index, data)).expect_err(part).to_string();
        assert!(error.contains(part), "`{part}` expected: {error}");
    }
}

#[test]
fn other_files_are_told_apart() {
    for other in [&b""[..], b"<html>", &[0; 4096]] {
        assert!(matches!(read(other), Err(RpmError::NotAnRpm)));
    }
    let mut source = WHOLE.clone();
    source[7] = 1;
    assert!(matches!(read(&source), Err(RpmError::Source)));
}

#[test]
fn names_that_would_leave_their_directory_are_refused() {
    for (tag, text) in [(1000, "../../etc/x"), (1000, "a/b"), (1001, ""), (1002, "1\n2"), (1022, "x<y")] {
        let mut parts = Parts::of(&mut whole());
        for entry in parts.header.iter_mut().filter(|entry| entry.tag == tag) {
            entry.data = rpm::IndexData::StringTag(text.to_owned());
        }
        let error = read(&parts.into_el7().bytes()).expect_err(text).to_string();
        assert!(error.contains("cannot be one") || error.contains("makes no sense"), "{error}");
    }
}

#[test]
fn signatures_are_checked_against_the_keys_that_are_given() {
    let mut parts = Parts::of(&mut whole());
    let header = parts.header_bytes();
    parts.sign(268, SIGNER.sign(&header));
    let good = parts.bytes();
    assert_eq!(read(&good).expect("an RPM").signed, Signed::Unchecked);
    let id = keys(&SIGNER).ids()[0].clone();
    let judged = |bytes: &[u8], keys: &PublicKeys| read_rpm(bytes, Some(keys)).expect("an RPM").signed;
    assert_eq!(judged(&good, &keys(&SIGNER)), Signed::Good(id.clone()));
    assert_eq!(judged(&good, &keys(&Signer::new())), Signed::UnknownKey(id.clone()));
    let both = PublicKeys::together([keys(&Signer::new()), keys(&SIGNER)]).expect("two");
    assert_eq!(judged(&good, &both), Signed::Good(id.clone()));
    assert_eq!(judged(&WHOLE, &keys(&SIGNER)), Signed::No);

    let mut bad = Parts::of(&mut whole());
    bad.sign(268, SIGNER.sign(b"another header"));
    assert_eq!(judged(&bad.bytes(), &keys(&SIGNER)), Signed::Bad(id));
    let mut nonsense = Parts::of(&mut whole());
    nonsense.sign(268, vec![1, 2, 3]);
    assert!(matches!(judged(&nonsense.bytes(), &keys(&SIGNER)), Signed::Unusable(_)));
}

#[test]
fn on_el_7_only_the_signature_over_header_and_payload_counts() {
    let parts = || Parts::of(&mut whole()).into_el7();
    let judged = |parts: &Parts| read_rpm(parts.bytes().as_slice(), Some(&keys(&SIGNER))).expect("an RPM").signed;
    let header = parts().header_bytes();
    let both = [header.as_slice(), &parts().payload].concat();
    let mut good = parts();
    good.sign(268, SIGNER.sign_3(&header));
    good.sign(1002, SIGNER.sign_3(&both));
    assert!(matches!(judged(&good), Signed::Good(_)), "{:?}", judged(&good));
    let mut only = parts();
    only.sign(268, SIGNER.sign_3(&header));
    assert!(matches!(judged(&only), Signed::Unusable(why) if why.contains("covers the header only")));
    let mut bad = parts();
    bad.sign(268, SIGNER.sign_3(&header));
    bad.sign(1002, SIGNER.sign_3(&header));
    assert!(matches!(judged(&bad), Signed::Bad(_)));
}

#[test]
fn files_that_are_no_public_keys_are_told_apart() {
    let public = SIGNER.public();
    assert_eq!(PublicKeys::parse(&public).expect("binary").owners(), ["A test <test@example.com>"]);
    let private = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n-----END PGP PRIVATE KEY BLOCK-----\n";
    let mut secret = public.clone();
    secret[0] = 0x95;
    let mut other = public.clone();
    other[8] = 17;
    let text = armoured(&public);
    let checksum = text.replace("-----END", "=AAAA\n-----END");
    for (bytes, expected) in [
        (&b""[..], "is no OpenPGP public key"),
        (b"ssh-rsa AAAA", "is no OpenPGP public key"),
        (&[0xff; 40], "is no OpenPGP public key"),
        (private.as_bytes(), "holds a private key"),
        (&secret, "holds a private key"),
        (&other, "has no RSA key"),
        (&public[..public.len() - 1], "is damaged"),
        (&text.as_bytes()[..text.len() - 10], "is damaged"),
        (checksum.as_bytes(), "its checksum is another one"),
    ] {
        let error = PublicKeys::parse(bytes).expect_err(expected).to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let again = keys(&SIGNER).to_armour();
    assert_eq!(PublicKeys::parse(again.as_bytes()), Ok(keys(&SIGNER)));
    for length in 0..public.len() {
        let _ = PublicKeys::parse(&public[..length]);
    }
}

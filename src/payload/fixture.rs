//! Small packages for tests, the same bytes on every run.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use md5::{Digest as _, Md5};
use rpm::{
    BuildConfig, CompressionType, Dependency, FileOptions, Header, HeaderEntry, IndexData, IndexSignatureTag,
    IndexTag, PackageBuilder,
};

use super::read::hexadecimal;

/// Tags of OpenPGP packets.
const SIGNATURE: u8 = 2;
const PUBLIC_KEY: u8 = 6;
const USER_ID: u8 = 13;

pub(crate) fn builder(name: &str, version: &str) -> PackageBuilder {
    let mut builder = PackageBuilder::new(name, version, "Apache-2.0", "x86_64", "A package for tests");
    let config = BuildConfig::v4().source_date(1_700_000_000_u32).compression(CompressionType::None);
    builder.using_config(config.reserved_space(None)).release("1.el8").build_host("builder");
    builder
}

pub(crate) fn bytes(builder: &mut PackageBuilder) -> Vec<u8> {
    let mut bytes = Vec::new();
    builder.build().expect("a package").write(&mut bytes).expect("memory");
    bytes
}

/// A package with something of everything.
pub(crate) fn whole() -> PackageBuilder {
    let mut builder = builder("cfy-test", "1.2.3");
    builder
        .epoch(1)
        .description("More about it")
        .requires(Dependency::greater_eq("openssl", "1:1.1.1k"))
        .requires(Dependency::any("(a or (b with c >= 2))"))
        .provides(Dependency::eq("virtual", "7"))
        .conflicts(Dependency::less("old", "2"))
        .obsoletes(Dependency::any("older"))
        .add_changelog_entry("A B <a@example.com> - 1.2.3-1", "- first", 1_690_000_000_u32)
        .with_file_contents("hello", FileOptions::new("/usr/bin/cfy-test").permissions(0o755))
        .expect("a file")
        .with_dir_entry(FileOptions::dir("/etc/cfy-test"))
        .expect("a directory")
        .with_ghost(FileOptions::ghost("/var/log/cfy-test.log"))
        .expect("a ghost");
    builder
}

/// The three headers' worth of a package, for tests that put it together in another way.
pub(crate) struct Parts {
    pub header: Vec<HeaderEntry>,
    pub signature: Vec<HeaderEntry>,
    pub payload: Vec<u8>,
}

impl Parts {
    pub(crate) fn of(builder: &mut PackageBuilder) -> Self {
        let package = builder.build().expect("a package");
        let entries = |all: Vec<(u32, IndexData)>, region: u32| {
            all.into_iter().filter(|(tag, _)| *tag != region).map(|(tag, data)| HeaderEntry::new(tag, data)).collect()
        };
        let mut payload = Vec::new();
        package.write(&mut payload).expect("memory");
        let start = package.metadata.get_package_segment_offsets().payload;
        payload.drain(..usize::try_from(start).expect("small"));
        let header = package.metadata.header.get_all_entries().expect("entries");
        let signature = package.metadata.signature.get_all_entries().expect("entries");
        Self { header: entries(header, 63), signature: entries(signature, 62), payload }
    }

    /// The header as it stands in the file.
    pub(crate) fn header_bytes(&self) -> Vec<u8> {
        let mut package = builder("x", "1").build().expect("a package");
        package.metadata.header = Header::from_entries(self.header.clone(), IndexTag::RPMTAG_HEADERIMMUTABLE);
        package.metadata.header_bytes().expect("memory")
    }

    pub(crate) fn sign(&mut self, tag: u32, signature: Vec<u8>) {
        self.signature.push(HeaderEntry::new(tag, IndexData::Bin(signature)));
    }

    /// As rpm of EL 7 writes packages: no SHA-256 anywhere, and MD5 over header and payload.
    pub(crate) fn into_el7(mut self) -> Self {
        self.header.retain(|entry| !(5092..=5097).contains(&entry.tag));
        let header = self.header_bytes();
        let sha1 = hexadecimal(digest(&SHA1_FOR_LEGACY_USE_ONLY, &header).as_ref());
        let md5 = Md5::new().chain_update(&header).chain_update(&self.payload).finalize();
        let size = u32::try_from(header.len() + self.payload.len()).expect("small");
        self.signature = vec![
            HeaderEntry::new(269, IndexData::StringTag(sha1)),
            HeaderEntry::new(1000, IndexData::Int32(vec![size])),
            HeaderEntry::new(1004, IndexData::Bin(md5.to_vec())),
        ];
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut package = builder("x", "1").build().expect("a package");
        package.metadata.header = Header::from_entries(self.header.clone(), IndexTag::RPMTAG_HEADERIMMUTABLE);
        package.metadata.signature =
            Header::from_entries(self.signature.clone(), IndexSignatureTag::HEADER_SIGNATURES);
        let mut bytes = Vec::new();
        package.metadata.write(&mut bytes).expect("memory");
        bytes.extend_from_slice(&self.payload);
        bytes
    }
}

/// Somebody who signs packages.
pub(crate) struct Signer {
    pair: KeyPair,
    key: Vec<u8>,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let public = pair.public_key();
        let mut key = vec![4, 0, 0, 0, 0, 1];
        for number in [public.modulus(), public.exponent()] {
            let number = number.big_endian_without_leading_zero();
            let bits = number.len() * 8 - number[0].leading_zeros() as usize;
            key.extend(u16::try_from(bits).expect("small").to_be_bytes());
            key.extend(number);
        }
        Self { pair, key }
    }

    /// The public key and its owner, as packets: the first of the old kind, the second of the new one.
    pub(crate) fn public(&self) -> Vec<u8> {
        let length = u16::try_from(self.key.len()).expect("small").to_be_bytes();
        let owner = b"A test <test@example.com>";
        let head = [0xc0 | USER_ID, u8::try_from(owner.len()).expect("short")];
        [&[0x80 | PUBLIC_KEY << 2 | 1][..], &length, &self.key, &head, owner].concat()
    }

    pub(crate) fn id(&self) -> [u8; 8] {
        let length = u16::try_from(self.key.len()).expect("small").to_be_bytes();
        let fingerprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[&[0x99], &length[..], &self.key].concat());
        fingerprint.as_ref()[12..].try_into().expect("8 bytes")
    }

    fn number(&self, message: &[u8]) -> Vec<u8> {
        let mut value = vec![0; self.pair.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut value).expect("a signature");
        // 2048 bits, also where the first are zeros: readers have to take that.
        [&[0, 0, 8, 0][..], &value].concat()
    }

    /// A signature of version 4.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let hashed = [&[4, 0, 1, 8, 0, 10][..], &[9, 16], &self.id()].concat();
        let trailer = [4, 0xff, 0, 0, 0, u8::try_from(hashed.len()).expect("short")];
        let number = self.number(&[message, &hashed, &trailer].concat());
        packet(&[&hashed[..], &[0, 0], &number].concat())
    }

    /// A signature of version 3.
    pub(crate) fn sign_3(&self, message: &[u8]) -> Vec<u8> {
        let hashed = [0, 1, 2, 3, 4];
        let number = self.number(&[message, &hashed].concat());
        packet(&[&[3, 5][..], &hashed, &self.id(), &[1, 8], &number].concat())
    }
}

fn packet(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("small").to_be_bytes();
    [&[0x80 | SIGNATURE << 2 | 1][..], &length, body].concat()
}

/// ASCII armour, without the optional checksum.
pub(crate) fn armoured(packets: &[u8]) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(packets);
    format!(
        "A key:\n-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: test\n\n{body}\n-----END PGP PUBLIC KEY BLOCK-----\n"
    )
}

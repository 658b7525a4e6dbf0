//! Packages for tests of payloads, the same bytes on every run.

use rpm::{BuildConfig, CompressionType, Dependency, FileOptions, PackageBuilder};

use super::Scratch;

/// A package of EL 8, to which a test adds what it says of itself.
pub fn package(name: &str, version: &str) -> PackageBuilder {
    let mut builder = PackageBuilder::new(name, version, "MIT", "x86_64", "A package for tests");
    let config = BuildConfig::v4().source_date(1_700_000_000_u32).compression(CompressionType::None);
    builder.using_config(config).release("1.el8");
    builder
        .with_file_contents(format!("of {name}\n"), FileOptions::new(format!("/opt/{name}/file")))
        .expect("a file");
    builder
}

pub fn bytes(builder: &mut PackageBuilder) -> Vec<u8> {
    let mut bytes = Vec::new();
    builder.build().expect("a package").write(&mut bytes).expect("memory");
    bytes
}

/// A list of an image with these packages.
pub fn image(packages: &[&str]) -> String {
    let one = |name: &&str| format!("package\t{name}\t0\t1\t1.el8\tx86_64\nprovides\t{name}\t=\t1-1.el8\n");
    packages.iter().map(one).collect()
}

/// What hosts of Cloudify 7.0 on EL 8 want, by the contract.
pub const WANTED: [&str; 20] = [
    "checkpolicy",
    "compat-openssl10",
    "cronie",
    "dbus-glib",
    "glibc-langpack-en",
    "glibc-locale-source",
    "initscripts",
    "iproute",
    "libpq",
    "libselinux-utils",
    "logrotate",
    "ncurses",
    "openssh-clients",
    "openssl",
    "policycoreutils-python-utils",
    "python3-setuptools",
    "sed",
    "sudo",
    "tar",
    "which",
];

/// A cluster of one host whose prerequisites come from the payload: `libpq`, which needs `libpq-common`, from packages in
/// `new/`, everything else from the image in `new/image`.
pub fn offline() -> Scratch {
    let scratch = Scratch::fixture("all-in-one");
    let spec = std::fs::read_to_string(scratch.spec()).expect("a spec");
    scratch.write("cluster.yaml", spec + "os_packages: {from: payload}\n");
    let needs = bytes(package("libpq", "13.5").requires(Dependency::greater_eq("libpq-common", "13")));
    scratch.write("new/libpq.rpm", needs);
    scratch.write("new/common.rpm", bytes(&mut package("libpq-common", "13.5")));
    let others: Vec<&str> = WANTED.into_iter().filter(|name| *name != "libpq").collect();
    scratch.write("new/image", image(&others));
    scratch
}

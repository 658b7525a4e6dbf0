//! Texts that want to hang a reader, or to fill the machine's memory; words that YAML twists; files of somebody else.

use std::fs;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cfy_seed::names::{Credential, Secret};
use cfy_seed::plan::credential::check_credential;

use crate::support::{Scratch, cfy_seed, mode, skip};

/// KiB of address space, more than what stays in memory: the least that would tell a leak from a reader.
const MEMORY: &str = "262144";

/// `check` of one text in bounded memory and time: exit code (124: the time is over) and what was said.
fn bounded(scratch: &Scratch, text: impl AsRef<[u8]>) -> (Option<i32>, String) {
    scratch.write("hostile.yaml", text);
    limited(scratch, "check", "hostile.yaml")
}

/// One command of one file in bounded memory and time.
fn limited(scratch: &Scratch, command: &str, file: &str) -> (Option<i32>, String) {
    let limited = "ulimit -v \"$1\"; exec timeout 60 \"$0\" \"$2\" \"$3\"";
    let output = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_cfy-seed"), MEMORY, command, file])
        .current_dir(scratch.path())
        .output()
        .expect("sh");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

fn aliases() -> String {
    let level = |at: usize| {
        let of = if at == 0 { "x".to_owned() } else { format!("*a{}", at - 1) };
        format!("a{at}: &a{at} [{}]\n", vec![of; 10].join(", "))
    };
    lines(12, level)
}

#[test]
fn no_text_takes_long_or_much_memory() {
    let scratch = Scratch::new();
    let indented = |count: usize| lines(count, |at| format!("{}a:\n", " ".repeat(at)));
    let hosts = |line: &str| format!("name: x\nhosts:\n{}", line.repeat(30_000));
    let keys = |count: usize| lines(count, |at| format!("key{at}: 1\n"));
    let wide = format!("name: \"{}\"\n", "ä".repeat(1 << 20));
    let cases: [(&str, &str, Vec<u8>); 18] = [
        ("50 MB", "CFY-S009", b"name: x\n".repeat(50 << 17)),
        ("100,000 brackets", "CFY-S001", b"[".repeat(100_000)),
        ("100,000 braces", "CFY-S001", b"{a: ".repeat(100_000)),
        ("100,000 dashes", "CFY-S001", b"- ".repeat(100_000)),
        ("100,000 question marks", "CFY-S001", b"? ".repeat(100_000)),
        ("2,000 levels", "CFY-S001", indented(2000).into()),
        ("an alias bomb", "CFY-S001", aliases().into()),
        ("an anchor in itself", "CFY-S001", b"name: &a [*a]\n".to_vec()),
        ("30,000 hosts that are none", "CFY-S005", hosts("- x\n").into()),
        ("30,000 empty hosts", "CFY-S004", hosts("- {}\n").into()),
        ("20,000 keys", "CFY-S003", keys(20_000).into()),
        ("a key 20,000 times", "CFY-S002", b"name: x\n".repeat(20_000)),
        ("a text of a MiB", "CFY-S006", wide.into()),
        ("3 MiB of comments", "CFY-S004", b"# xxxxxxxxxxxx\n".repeat(200_000)),
        ("3 MiB of anchors", "CFY-S001", lines(150_000, |at| format!("- &a{at} x\n")).into()),
        ("NUL", "CFY-S008", b"name: x\0y\n".to_vec()),
        ("Latin-1", "CFY-S008", b"name: caf\xe9\n".to_vec()),
        ("tabs", "CFY-S001", b"hosts:\n\t- name: x\n".to_vec()),
    ];
    for (what, code, text) in cases {
        let (status, said) = bounded(&scratch, text);
        assert_eq!(status, Some(1), "{what}: {}", &said[..said.len().min(2000)]);
        assert!(said.contains(&format!("error[{code}]")), "{what}: {}", &said[..said.len().min(2000)]);
        assert!(said.len() < 1 << 20, "{what} is answered with {} bytes", said.len());
    }
}

fn both(number: u32) -> [u8; 8] {
    [number.to_le_bytes(), number.to_be_bytes()].concat().try_into().expect("eight")
}

/// A directory record of ISO 9660 (ECMA-119 9.1).
fn record(identifier: &[u8], (sector, size): (u32, u32), flags: u8, system_use: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0, 0][..], &both(sector), &both(size), &[0; 7], &[flags, 0, 0, 1, 0, 0, 1]].concat();
    bytes.push(u8::try_from(identifier.len()).expect("short"));
    bytes.extend(identifier);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes.extend(system_use);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes[0] = u8::try_from(bytes.len()).expect("short");
    bytes
}

fn name(part: &[u8], goes_on: bool) -> Vec<u8> {
    [&[b'N', b'M', u8::try_from(5 + part.len()).expect("short"), 1, u8::from(goes_on)], part].concat()
}

/// Sectors before what an image of these tests has of its own.
const FIRST: u32 = 18;

/// A seed image: these sectors, and then a root with these records.
fn seed_image(sectors: &[u8], records: &[Vec<u8>]) -> Vec<u8> {
    let place = FIRST + u32::try_from(sectors.len() / 2048).expect("small");
    let rock_ridge = [&b"SP\x07\x01\xbe\xef\0"[..], b"ER\x12\x01\x0a\0\0\x01RRIP_1991A"].concat();
    let mut directory = Vec::new();
    let own = [record(&[0], (place, 2048), 2, &rock_ridge), record(&[1], (place, 2048), 2, &[])];
    for record in own.iter().chain(records) {
        if directory.len() % 2048 + record.len() > 2048 {
            directory.resize(directory.len().next_multiple_of(2048), 0);
        }
        directory.extend(record);
    }
    directory.resize(directory.len().next_multiple_of(2048), 0);
    let mut descriptor = vec![0; 2048];
    descriptor[..7].copy_from_slice(b"\x01CD001\x01");
    descriptor[40..72].copy_from_slice(b"CIDATA                          ");
    let size = u32::try_from(directory.len()).expect("small");
    descriptor[80..88].copy_from_slice(&both(place + size / 2048));
    descriptor[128..132].copy_from_slice(&[0, 8, 8, 0]);
    descriptor[156..190].copy_from_slice(&record(&[0], (place, size), 2, &[]));
    let mut end = vec![0; 2048];
    end[..7].copy_from_slice(b"\xffCD001\x01");
    [vec![0; 16 * 2048], descriptor, end, sectors.to_vec(), directory].concat()
}

/// Small images that say they have much: each file is the whole image, each name the same long one, and many names that are
/// long by themselves.
#[test]
fn no_image_takes_much_memory() {
    let scratch = Scratch::new();
    let file = |at: usize| format!("F{at:06}").into_bytes();
    let overlap: Vec<_> = (0..10_000).map(|at| record(&file(at), (0, 400 << 10), 0, &[])).collect();
    let area: Vec<u8> = [name(&[b'n'; 240], true).repeat(8), name(b"z", false)].concat();
    let length = u32::try_from(area.len()).expect("small");
    let continued = [&b"CE\x1c\x01"[..], &both(FIRST), &both(0), &both(length)].concat();
    let mut area = area;
    area.resize(2048, 0);
    let one = [record(b"A", (0, 0), 0, &continued)];
    let shared: Vec<_> = (0..100_000)
        .map(|at| record(&file(at), (0, 0), 0, &[name(&file(at), true), continued.clone()].concat()))
        .collect();
    let long: Vec<_> = (0..190_000)
        .map(|at| record(&file(at), (0, 0), 0, &[name(&file(at), true), name(&[b'n'; 180], false)].concat()))
        .collect();
    let many: Vec<_> = (0..150_000).map(|at| record(&file(at), (0, 0), 0, &[])).collect();
    for (what, image, said) in [
        ("each file is the image", seed_image(&[], &overlap), "two of its pieces overlap"),
        ("a long name", seed_image(&area, &one), "a Rock Ridge name of more than 255 bytes"),
        ("each name is the same", seed_image(&area, &shared), "of more than 255 bytes"),
        ("many long names", seed_image(&[], &long), "it has more bytes of names than are read"),
        ("many files", seed_image(&[], &many), "more than 64 files and directories"),
    ] {
        scratch.write("seed.iso", image);
        let (status, told) = limited(&scratch, "verify", "seed.iso");
        assert_eq!(status, Some(1), "{what}: {}", &told[..told.len().min(2000)]);
        assert!(told.contains(said), "{what}: {}", &told[..told.len().min(2000)]);
        assert!(told.len() < 1 << 20, "{what} is answered with {} bytes", told.len());
    }
}

fn packed(bytes: usize) -> String {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut gzip, &vec![b'a'; bytes]).expect("memory");
    STANDARD.encode(gzip.finish().expect("memory"))
}

/// Hosts of which each has as much as one may have.
#[test]
fn no_number_of_hosts_takes_much_memory() {
    let scratch = Scratch::fixture("all-in-one");
    cfy_seed(scratch.path()).args(&["build", "--vault", "vault"]).exits(0);
    let tree = scratch.join("out/single");
    let manifest = fs::read_to_string(tree.join("manifest.json")).expect("a manifest");
    let mut manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let host = manifest["hosts"][0].clone();
    let content =
        format!("#cloud-config\nwrite_files:\n- {{path: /x, encoding: gz+b64, content: '{}'}}\n", packed(15 << 20));
    let hosts = (0..16).map(|at| {
        let mut host = host.clone();
        host["name"] = format!("h{at}").into();
        let directory = tree.join(format!("hosts/h{at}"));
        fs::create_dir(&directory).expect("a directory");
        fs::set_permissions(&directory, mode(0o700)).expect("a mode");
        fs::write(directory.join("user-data"), &content).expect("written");
        fs::set_permissions(directory.join("user-data"), mode(0o600)).expect("a mode");
        host
    });
    manifest["hosts"] = hosts.collect();
    fs::write(tree.join("manifest.json"), manifest.to_string()).expect("written");
    let (status, told) = limited(&scratch, "verify", "out/single");
    assert_eq!(status, Some(1), "{}", &told[..told.len().min(2000)]);
    // Where memory ends, gzip's reader says so.
    assert!(!told.contains("cannot be read"), "{told}");
    assert!(
        told.contains("`h0`: user-data has no digest list") && told.contains("`h15`: the bundle lacks"),
        "{told}"
    );
}

/// User-data of some KiB whose files have gigabytes, each of them few enough by itself.
#[test]
fn no_user_data_takes_much_memory() {
    let scratch = Scratch::new();
    let text = |first: &str, content: &str, count: usize| {
        let entry = |at: usize| format!("- {{path: /x{at}, {first}, content: *a}}\n");
        format!(
            "#cloud-config\nwrite_files:\n- {{path: /x, {first}, content: &a '{content}'}}\n{}",
            lines(count, entry)
        )
    };
    let gzip = "encoding: gz+b64";
    for (what, said, text) in [
        ("one file of 60 MiB", "far more than", text(gzip, &packed(60 << 20), 0)),
        ("many files of 8 MiB", "far more than", text(gzip, &packed(8 << 20), 40)),
        ("a text many times", "more than the files", text("encoding: text/plain", &"x".repeat(1 << 20), 40)),
        ("base64 many times", "more than the files", text("encoding: b64", &"AAAA".repeat(1 << 18), 40)),
        ("aliases that YAML's reader refuses", "is not YAML", text(gzip, &packed(8 << 20), 20_000)),
    ] {
        assert!(text.len() < 2 << 20);
        scratch.write("user-data.nocloud", text);
        let (status, told) = limited(&scratch, "verify", "user-data.nocloud");
        assert_eq!(status, Some(1), "{what}: {}", &told[..told.len().min(2000)]);
        assert!(told.contains("error[CFY-B022]") && told.contains(said), "{what}: {told}");
    }
}

/// The limit itself works: a program that takes more does not come through.
#[test]
fn the_bound_is_one() {
    let hungry = "ulimit -v \"$0\"; exec python3 -c 'x = bytearray(300 << 20)'";
    let output = Command::new("sh").args(["-c", hungry, MEMORY]).output().expect("sh");
    assert!(!output.status.success());
}

/// What stands in quotes is taken to the byte or refused; what stands without them too, and is never taken for something
/// else than the text that was written.
#[test]
fn a_credential_is_taken_to_the_byte_or_refused() {
    let scratch = Scratch::new();
    let odd = [
        "TOP'SECRET",
        "TOP\"SECRET",
        "TOP\\SECRET",
        "TOP%SECRET",
        "TOP#SECRET",
        "TOP #SECRET",
        "TOP:SECRET",
        "TOP: SECRET",
        "TOP@SECRET",
        "TOP\nSECRET",
        "-TOPSECRET",
        "yes",
        "No",
        "on",
        "null",
        "~",
        "0x10",
        "0o17",
        "1_000",
        "22:22",
        "2024-01-01",
        "=",
        "<<",
        ".inf",
        "1e3",
    ];
    let spec = |name: &str, written: &str| {
        format!(
            "apiVersion: cfy-seed/v1\nname: single\ncredentials:\n  {name}: {written}\n\
             cloudify: {{version: \"7.0.4\", edition: community, rpm: {{preinstalled: true}}}}\n\
             hosts:\n  - {{name: cloudify, roles: [database, broker, manager], private_ip: 10.0.0.31}}\n"
        )
    };
    let (mut taken, mut refused) = (0, 0);
    for name in ["admin_password", "postgres_password", "erlang_cookie", "etcd_root_password", "rabbitmq_password"] {
        let which = Credential::ALL.iter().find(|known| known.as_str() == name).expect(name);
        for text in odd {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            for (written, quoted) in [(format!("\"{escaped}\""), true), (text.to_owned(), false)] {
                scratch.write("cluster.yaml", spec(name, &written));
                let said = cfy_seed(scratch.path()).args(&["credentials", "--pipe", name]).run();
                assert!(!said.stderr.contains("SECRET"), "{name} {written}: {}", said.stderr);
                if quoted {
                    let fits = check_credential(*which, &Secret::new(text)).is_ok();
                    assert_eq!(said.code, Some(i32::from(!fits)), "{name} {written}: {}", said.stderr);
                }
                if said.code == Some(0) {
                    // Without quotes a comment is one, whatever was meant.
                    let meant = if quoted { text } else { text.split(" #").next().expect("a part") };
                    assert_eq!(said.stdout, format!("{meant}\n"), "{name} {written}");
                    taken += 1;
                } else {
                    let codes = ["CFY-P018", "CFY-S001", "CFY-S005", "CFY-S003"];
                    assert!(codes.iter().any(|code| said.stderr.contains(code)), "{name} {written}: {}", said.stderr);
                    assert!(said.stderr.contains("cluster.yaml:"), "{name} {written} has no place: {}", said.stderr);
                    refused += 1;
                }
            }
        }
    }
    assert!(taken > 50 && refused > 50, "{taken} taken, {refused} refused");
}

/// As a user who may not read them: a spec, a licence, a vault; and a place that this user may not write to.
#[test]
fn files_of_another_user_are_named() {
    let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
    if !Command::new("setpriv").args(nobody).arg("true").status().is_ok_and(|status| status.success()) {
        return skip("this user may not become another one");
    }
    let scratch = Scratch::fixture("nine-node");
    fs::set_permissions(scratch.path(), mode(0o755)).expect("a mode");
    let program = scratch.join("cfy-seed");
    fs::copy(env!("CARGO_BIN_EXE_cfy-seed"), &program).expect("a copy that everybody can reach");
    let run = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(nobody).arg(&program).args(words).current_dir(scratch.path());
        let output = command.output().expect("setpriv");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("panicked") && !said.contains("bug in cfy-seed"), "{said}");
        (output.status.code(), said)
    };
    let denied = |words: &[&str], status: i32, code: &str, file: &str| {
        let (exit, said) = run(words);
        assert_eq!(exit, Some(status), "{said}");
        assert!(said.contains(code) && said.contains(file) && said.contains("ermission"), "{file}: {said}");
    };
    denied(&["check"], 1, "[CFY-S009]", "cluster.yaml");
    fs::set_permissions(scratch.spec(), mode(0o644)).expect("a mode");
    denied(&["check"], 1, "[CFY-P016]", "license.yaml");
    for file in ["license.yaml", "repo.asc"] {
        fs::set_permissions(scratch.join(file), mode(0o644)).expect("a mode");
    }
    assert_eq!(run(&["check"]).0, Some(0));
    denied(&["build", "--vault", "vault", "--out", "/tmp"], 2, "", "vault");
    denied(&["build"], 2, "", "golden.vault");
    assert!(!scratch.join("out").exists());
}

#[test]
fn a_read_only_disk_is_the_machines_failure() {
    let scratch = Scratch::fixture("all-in-one");
    let script = "
        mkdir disk && mount -t tmpfs -o size=4m tmpfs disk && \"$0\" build --vault vault --out disk || exit 99
        find disk -type f -exec sha256sum {} + | sort > before
        mount -o remount,ro disk || exit 99
        sed -i 's/^name: single/generation: 2\\n&/' cluster.yaml
        \"$0\" build --vault vault --out disk; rc=$?
        find disk -type f -exec sha256sum {} + | sort > after
        cmp before after || exit 98
        exit $rc";
    let probe = Command::new("unshare").args(["--mount", "true"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        return skip("this user may not mount a small file system");
    }
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_cfy-seed")])
        .current_dir(scratch.path())
        .output()
        .expect("unshare");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("ead-only file system") && said.contains("disk") && !said.contains("bug"), "{said}");
}

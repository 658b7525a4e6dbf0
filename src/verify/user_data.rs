//! `user-data.<target>`: would the target's datasource get user-data out of it, and the same as the host's seed?

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::host::HostBundle;
use super::tree::HostTree;
use crate::diag::{Code, Diagnostic, Report, SourceId};
use crate::names::{CloudInitRelease, Encoding};
use crate::profile::{Beside, Profiles, Target, Unit};
use crate::yaml::{self, NodeKind};

/// Before the name of a target.
pub const PREFIX: &str = "user-data.";
/// What gzip may grow to: no target takes more than a few MiB, and a bomb stops here.
const MAX_TEXT: u64 = 64 << 20;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const HEADER: &[u8] = b"#cloud-config";

/// User-data out of what it is encoded in, whatever that is.
///
/// # Errors
/// Why nobody would take it out.
pub fn decoded(file: &[u8]) -> Result<Vec<u8>, String> {
    decode(file).map(|(_, text)| text)
}

/// Whether a file begins like user-data, in whatever encoding.
pub fn begins(beginning: &[u8]) -> bool {
    /// More than it takes to know.
    const ENOUGH: usize = 4096;
    let first = beginning.get(..ENOUGH).unwrap_or(beginning);
    let unpacked = |bytes: &[u8]| {
        let mut text = [0; HEADER.len()];
        let read = flate2::read::GzDecoder::new(bytes).read_exact(&mut text);
        read.is_ok() && text == *HEADER
    };
    let plain = |bytes: &[u8]| bytes.starts_with(HEADER) || bytes.starts_with(&GZIP) && unpacked(bytes);
    let mut compact: Vec<u8> = first.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    compact.truncate(compact.len() / 4 * 4);
    plain(first) || STANDARD.decode(compact).is_ok_and(|inside| plain(&inside))
}

/// Takes user-data out of what it is encoded in, as bytes say it: nothing where it is in nothing that anybody takes off.
fn decode(file: &[u8]) -> Result<(Encoding, Vec<u8>), String> {
    if file.starts_with(HEADER) {
        return Ok((Encoding::Plain, file.to_vec()));
    }
    if file.starts_with(&GZIP) {
        return Ok((Encoding::Gzip, gunzip(file, MAX_TEXT)?));
    }
    let compact: Vec<u8> = file.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let inside = STANDARD.decode(compact).map_err(|_| "is neither `#cloud-config`, gzip nor base64".to_owned())?;
    if inside.starts_with(&GZIP) {
        return Ok((Encoding::GzipBase64, gunzip(&inside, MAX_TEXT)?));
    }
    if inside.starts_with(HEADER) {
        return Ok((Encoding::Base64, inside));
    }
    Err("is base64 of neither `#cloud-config` nor gzip: it may have been encoded twice".to_owned())
}

/// What one gzip member holds, where that is not more than `most`.
pub(super) fn gunzip(bytes: &[u8], most: u64) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let read = flate2::read::GzDecoder::new(bytes).take(most + 1).read_to_end(&mut text);
    match read {
        Err(error) => Err(format!("is gzip that cannot be read: {error}")),
        Ok(_) if text.len() as u64 > most => Err("is gzip of far more than user-data can be".to_owned()),
        Ok(_) if !text.starts_with(HEADER) && bytes.starts_with(&GZIP) && text.starts_with(&GZIP) => {
            Err("went through gzip twice".to_owned())
        }
        Ok(_) => Ok(text),
    }
}

/// Checks user-data of which nobody says for which target it is.
pub fn check_text(name: &str, file: &[u8]) -> (Report, Option<HostBundle>) {
    match decode(file) {
        Ok((_, text)) => HostBundle::read(name, &text),
        Err(why) => {
            let message = format!("{}: it {why}", name.escape_debug());
            (Diagnostic::error(Code::EncodingNotDecoded, message).help("build again").into(), None)
        }
    }
}

/// Checks one file `user-data.<target>` by itself. `name` is what messages call it, `network_config` what goes with it.
pub fn check(
    name: &str,
    target: &Target,
    profiles: &Profiles,
    file: &[u8],
    network_config: &[u8],
) -> (Report, Option<HostBundle>) {
    let wrong = |what: &str| {
        let message = format!("{}: {what}", name.escape_debug());
        let help = "use the file as `build` wrote it for this target, or build again";
        Diagnostic::error(Code::EncodingNotDecoded, message).help(help)
    };
    let (encoding, text) = match decode(file) {
        Ok(decoded) => decoded,
        Err(why) => return (wrong(&format!("it {why}")).into(), None),
    };
    let (mut report, bundle) = HostBundle::read(name, &text);
    let platform = bundle.as_ref().and_then(|bundle| profiles.platforms().iter().find(|one| bundle.is_for(one)));
    // Where nothing says which system it is for, whatever some release decodes is let through.
    let newest = CloudInitRelease { year: u16::MAX, number: 0 };
    let cloud_init = platform.map_or(newest, |platform| platform.cloud_init);
    if !target.decodes(encoding, cloud_init) {
        let with = platform.map_or_else(String::new, |platform| format!(" with {}", platform.platform));
        report.push(wrong(&format!(
            "it is in {encoding}, of which cloud-init would run nothing on {}{with}",
            target.title
        )));
    }
    let used = counted(target.limit.counts, file) + beside(target, &text, network_config);
    if used > target.limit.bytes {
        let (limit, unit) = (target.limit.bytes, target.limit.in_words());
        let message = format!("{}: it has {used} {unit}, and {} takes {limit}", name.escape_debug(), target.title);
        report.push(Diagnostic::error(Code::OverLimit, message).help("build again with another `--pack`"));
    }
    (report, bundle)
}

fn counted(unit: Unit, file: &[u8]) -> u64 {
    let bytes = file.len() as u64;
    match unit {
        Unit::Raw => bytes,
        Unit::Base64 => STANDARD.encode(file).len() as u64,
        Unit::Characters => String::from_utf8_lossy(file).chars().count() as u64,
    }
}

/// What the platform counts beside it: keys that may log in stand in user-data too.
fn beside(target: &Target, text: &[u8], network_config: &[u8]) -> u64 {
    let counted = target.limit.beside.iter().map(|one| match one {
        Beside::NetworkConfig => network_config.len(),
        Beside::SshKeys => "user_data".len() + "ssh_authorized_keys".len() + ssh_keys(text),
    });
    counted.sum::<usize>() as u64
}

/// The bytes of all keys that may log in, a line each.
fn ssh_keys(text: &[u8]) -> usize {
    let Some(config) = std::str::from_utf8(text).ok().and_then(|text| yaml::parse(text, SourceId::default()).0)
    else {
        return 0;
    };
    let users = match config.get("users").map(|users| &users.kind) {
        Some(NodeKind::List(users)) => users.as_slice(),
        _ => &[],
    };
    let lists = users.iter().chain([&config]).filter_map(|node| node.get("ssh_authorized_keys"));
    let keys = lists.flat_map(|list| match &list.kind {
        NodeKind::List(keys) => keys.as_slice(),
        _ => &[],
    });
    keys.map(|key| if let NodeKind::Text(key) = &key.kind { key.len() + 1 } else { 0 }).sum()
}

/// Checks what one host of a tree has for its targets, against its seed.
pub fn check_host(host: &HostTree<'_>, seed: &HostBundle, profiles: &Profiles) -> Report {
    let mut report = Report::default();
    let network_config = host.bytes("network-config").unwrap_or_default();
    for (file, target_name) in host.files.keys().filter_map(|file| Some((*file, file.strip_prefix(PREFIX)?))) {
        let path = format!("hosts/{}/{file}", host.facts.name);
        let Some(target) = profiles.target(target_name) else {
            report.push(unknown_target(&path, target_name));
            continue;
        };
        let Some(bytes) = host.bytes(file) else {
            let message = format!("{}: it is larger than any target takes", path.escape_debug());
            report.push(Diagnostic::error(Code::OverLimit, message).help("build again"));
            continue;
        };
        let (found, bundle) = check(&path, target, profiles, bytes, network_config);
        report.extend(found);
        if let Some(other) = bundle.and_then(|bundle| bundle.difference(seed)) {
            let message = format!("{}: {other} is not what the host's seed says", path.escape_debug());
            report.push(Diagnostic::error(Code::TargetsDiffer, message).help("build again"));
        }
        report.extend(companions(host, target_name, bytes, network_config));
    }
    report
}

/// The finding that nobody knows what a file is for.
pub fn unknown_target(path: &str, target: &str) -> Diagnostic {
    let message = format!("{}: no target `{}` is known", path.escape_debug(), target.escape_debug());
    Diagnostic::error(Code::FileOfUnknownTarget, message).help("for a target of your own give `--profiles`")
}

/// Files that go with user-data say what it and the host's seed say.
fn companions(host: &HostTree<'_>, target: &str, user_data: &[u8], network_config: &[u8]) -> Report {
    let mut report = Report::default();
    let mut differs = |file: &str, what: &str| {
        let message = format!("hosts/{}/{}: {what}", host.facts.name, file.escape_debug());
        report.push(Diagnostic::error(Code::TargetsDiffer, message).help("build again"));
    };
    let read = |bytes: &[u8]| yaml::parse(std::str::from_utf8(bytes).ok()?, SourceId::default()).0;
    let text_at = |node: &yaml::Node, path: &[&str]| {
        let found = path.iter().try_fold(node, |node, key| node.get(key))?;
        if let NodeKind::Text(text) = &found.kind { Some(text.clone()) } else { None }
    };
    let metadata = format!("meta-data.{target}");
    if let Some(bytes) = host.bytes(&metadata) {
        let unpacked = STANDARD.decode(bytes).ok().and_then(|packed| gunzip(&packed, MAX_TEXT).ok());
        let (found, seed) = (unpacked.and_then(|text| read(&text)), host.bytes("meta-data").and_then(read));
        for key in ["instance-id", "local-hostname"] {
            let of = |node: &Option<yaml::Node>| node.as_ref().and_then(|node| text_at(node, &[key]));
            if of(&found).is_none() || of(&found) != of(&seed) {
                differs(&metadata, &format!("`{key}` is not that of meta-data"));
            }
        }
        let plain = |node: Option<&yaml::Node>| node.and_then(|node| yaml::to_text(node).ok());
        let network = plain(found.as_ref().and_then(|node| node.get("network")));
        if network.is_none() || network != plain(read(network_config).as_ref()) {
            differs(&metadata, "`network` is not network-config");
        }
    }
    let secret = format!("secret.{target}.yaml");
    if let Some(bytes) = host.bytes(&secret) {
        let found = read(bytes);
        for (key, wanted) in [("userdata", user_data), ("networkdata", network_config)] {
            let data = found.as_ref().and_then(|node| text_at(node, &["data", key]));
            if data.and_then(|text| STANDARD.decode(text).ok()).as_deref() != Some(wanted) {
                differs(&secret, &format!("`data.{key}` is not the file beside it"));
            }
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"#cloud-config\n{}\n";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::GzEncoder::new(bytes, flate2::Compression::best()).read_to_end(&mut out).expect("memory");
        out
    }

    #[test]
    fn every_encoding_is_known_by_its_bytes() {
        let base64 = |bytes: &[u8]| STANDARD.encode(bytes).into_bytes();
        for (encoding, file) in [
            (Encoding::Plain, TEXT.to_vec()),
            (Encoding::Gzip, gzip(TEXT)),
            (Encoding::Base64, base64(TEXT)),
            (Encoding::GzipBase64, base64(&gzip(TEXT))),
        ] {
            assert_eq!(decode(&file), Ok((encoding, TEXT.to_vec())));
        }
        for (file, why) in [
            (Vec::new(), "neither"),
            (b"\xef\xbb\xbf#cloud-config\n".to_vec(), "neither"),
            (base64(&base64(TEXT)), "encoded twice"),
            (gzip(&gzip(TEXT)), "twice"),
            (gzip(TEXT)[..20].to_vec(), "cannot be read"),
        ] {
            assert!(decode(&file).expect_err("refused").contains(why), "{why}");
        }
    }

    #[test]
    fn a_bomb_stops() {
        let bomb = gzip(&vec![b'#'; usize::try_from(MAX_TEXT).expect("small") + 1]);
        assert!(bomb.len() < 1 << 20);
        assert!(decode(&bomb).expect_err("refused").contains("far more"));
    }
}

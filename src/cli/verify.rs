//! `cfy-seed verify`

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::diag::{self, Report, Sources};
use crate::load::{self, Limits, Unpacked};
use crate::profile::Profiles;
use crate::project::OwnDirectories;
use crate::verify::{self, Verified};
use crate::world::{RealWorld, World as _};

use super::args::{Format, Verify};
use super::exit::{Exit, Failure};
use super::output::Output;

/// Where `build` puts its trees.
const OUT: &str = "out";
/// No seed image is larger; a box will be read in another way.
const MAX_IMAGE: u64 = 256 << 20;

/// Only boxes have them.
const SIGNATURE: &str = "SHA256SUMS.sig";
const PUBLIC_KEY: &str = "box-key.pem";
/// A list of 999 parts has less.
const MAX_LIST: u64 = 1 << 20;
/// A public key has some hundred bytes.
const MAX_KEY: u64 = 64 << 10;

pub fn run(request: &Verify, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let (mut sources, mut report) = (Sources::default(), Report::default());
    let profiles = own.profiles(&mut sources, &mut report)?;
    if report.has_errors() {
        output.report(&report, &sources);
        return Ok(Exit::BadInput);
    }
    let path = match &request.path {
        Some(path) => path.clone(),
        None => only_tree()?,
    };
    let now = RealWorld.now();
    let read = match load::tree(&path, Limits::BUNDLE) {
        Err(load::LoadError::NotADirectory { .. }) if path.extension() == Some("sha256") => {
            let parts = parts(&path, None)?;
            Some(load::archive(&path, &parts, Limits::BUNDLE)?)
        }
        Err(load::LoadError::NotADirectory { .. }) if list_of(&path).is_some() => {
            let list = list_of(&path).unwrap_or_default();
            parts(&list, path.file_name())?;
            output.say(&format!("{path}: as it was written; the other parts were not looked at"));
            return Ok(Exit::Done);
        }
        Err(load::LoadError::NotADirectory { .. }) if is_user_data(&path) => None,
        Err(load::LoadError::NotADirectory { .. }) if is_archive(&path)? => {
            Some(load::archive(&path, &[&path], Limits::BUNDLE)?)
        }
        Err(load::LoadError::NotADirectory { .. }) => None,
        other => Some(Unpacked { tree: other?, damage: None }),
    };
    let mut fingerprint = None;
    let verified = match &read {
        Some(Unpacked { tree, damage }) => {
            let mut verified = verify::built_tree(tree, &profiles, now);
            verified.report.extend(damage.iter().filter_map(load::LoadError::diagnostic).collect());
            if request.key.is_some() || is_box(&path, tree) {
                let key = read_key(request.key.as_deref())?;
                match verify::signature(tree, key.as_deref()) {
                    Ok(good) => fingerprint = Some(good),
                    Err(finding) => verified.report.push(finding),
                }
            }
            verified
        }
        None => image_or_user_data(&path, &profiles, now)?,
    };
    let sources = Sources::default();
    match request.format {
        Format::Json => output.data(&diag::json(&verified.report, &sources))?,
        Format::Text => output.report(&verified.report, &sources),
    }
    if verified.report.has_errors() {
        return Ok(Exit::BadInput);
    }
    let Verified { hosts, files, .. } = verified;
    output.say(&format!("{path}: {}, {files} files, everything as it was built", super::check::hosts(hosts)));
    if let Some(fingerprint) = fingerprint {
        let whose = if request.key.is_some() { "that was given" } else { "in it; compare its fingerprint" };
        output.say(&format!("signed with the key {whose}: SHA-256 {fingerprint}"));
    }
    Ok(Exit::Done)
}

/// The public key that a user names.
pub fn read_key(path: Option<&Utf8Path>) -> Result<Option<Vec<u8>>, Failure> {
    Ok(path.map(|path| load::bytes(path, MAX_KEY)).transpose()?)
}

/// The list that a part of a box stands in, by its name.
fn list_of(path: &Utf8Path) -> Option<Utf8PathBuf> {
    let (name, number) = path.file_name()?.rsplit_once(".part-")?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| path.with_file_name(format!("{name}.sha256")))
}

/// Checks the parts of a box by their list, or one of them; all of them in their order.
fn parts(list: &Utf8Path, only: Option<&str>) -> Result<Vec<Utf8PathBuf>, Failure> {
    let listed = verify::parts(&load::bytes(list, MAX_LIST)?).map_err(|finding| Failure::Findings(finding.into()))?;
    let mut found = BTreeMap::new();
    for name in listed.keys().filter(|name| only.is_none_or(|only| only == *name)) {
        let digest = match load::digest(&list.with_file_name(name)) {
            Ok(digest) => Some(digest),
            Err(load::LoadError::Missing { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        found.insert(name.clone(), digest);
    }
    let report = verify::check_parts(&listed, &found);
    if report.has_errors() {
        return Err(Failure::Findings(report));
    }
    if found.is_empty() {
        return Err(Failure::Usage(format!("{list} does not list this part")));
    }
    Ok(listed.keys().map(|name| list.with_file_name(name)).collect())
}

/// Whether it is gzip, as boxes are.
fn is_archive(path: &Utf8Path) -> Result<bool, Failure> {
    let mut first = [0; 2];
    Ok(load::prefix(path, &mut first)? == 2 && first == [0x1f, 0x8b])
}

/// Whether it must have a signature: an archive is always a box.
fn is_box(path: &Utf8Path, tree: &load::LoadedTree) -> bool {
    !path.is_dir() || tree.files.contains_key(PUBLIC_KEY) || tree.files.contains_key(SIGNATURE)
}

/// Whether its name is that of user-data for a target.
fn is_user_data(path: &Utf8Path) -> bool {
    path.file_name().is_some_and(|name| name.starts_with(verify::USER_DATA))
}

fn image_or_user_data(path: &Utf8Path, profiles: &Profiles, now: time::OffsetDateTime) -> Result<Verified, Failure> {
    let bytes = load::bytes(path, MAX_IMAGE)?;
    let name = path.file_name().unwrap_or("the image");
    let user_data = verify::user_data(name, &bytes, profiles, now);
    Ok(user_data.unwrap_or_else(|| verify::seed_image(name, &bytes, now)))
}

/// The only tree below `out`.
fn only_tree() -> Result<Utf8PathBuf, Failure> {
    let out = Utf8Path::new(OUT);
    let trees = load::directories(out)?;
    match trees.as_slice() {
        [only] => Ok(out.join(only)),
        [] => Err(Failure::Usage("nothing is built below out; name a built tree or a seed image".into())),
        several => Err(Failure::Usage(format!("several trees below out ({}); name one", several.join(", ")))),
    }
}

//! Version, and where the installer comes from.

use crate::diag::{Code, Diagnostic, Report, Span, nearest};
use crate::names::CloudifyVersion;
use crate::plan::{Attachment, AttachmentKind, Attachments, PackageSource, Refusal, RepoSource, RpmSource};
use crate::profile::{Contract, Profiles};
use crate::spec::{Cloudify, Edition, OsPackages, PackagesFrom, Repo, Rpm, require};
use crate::yaml::Field;

/// The contract that speaks for the version.
pub fn contract<'p>(report: &mut Report, cloudify: &Cloudify, profiles: &'p Profiles) -> Option<&'p Contract> {
    let (version, span) = cloudify.version.spanned()?;
    let contract = profiles.contract(*version);
    if contract.is_none() {
        let known: Vec<&str> = profiles.versions().collect();
        let message = format!("Cloudify {version} is not supported");
        let help = format!("{}; known are {}", why_not(*version), known.join(", "));
        report.push(Diagnostic::error(Code::UnsupportedVersion, message).at(span, "this version").help(help));
    }
    contract
}

fn why_not(version: CloudifyVersion) -> &'static str {
    match (version.major, version.minor) {
        (0..=4, _) | (5, 0) => {
            "its manager config needs ids that exist only after other hosts are installed, so no host can install itself; take 5.1 or newer"
        }
        _ => "nothing is known of what it accepts",
    }
}

pub(super) fn suggest(written: &str, names: &[&str]) -> String {
    match nearest(written, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? known are {}", names.join(", ")),
        None => format!("known are {}", names.join(", ")),
    }
}

/// Where the installer comes from; exactly one source.
pub fn rpm(report: &mut Report, cloudify: &Cloudify, place: Span, files: &Attachments) -> Option<RpmSource> {
    require(report, &cloudify.rpm, "rpm", "rpm: {url: \"http://…\", sha256: \"…\"}", place);
    let (rpm, span) = cloudify.rpm.spanned()?;
    let given = [rpm.url.is_absent(), rpm.repo.is_absent(), rpm.payload.is_absent(), rpm.preinstalled.is_absent()];
    if given.iter().filter(|absent| !**absent).count() != 1 {
        let message = "the installer's RPM needs exactly one source";
        let wrong = Diagnostic::error(Code::RpmSource, message).at(span, "in this mapping");
        report
            .push(wrong.help("give one of `url` (with `sha256`), `repo`, `payload: true`, or `preinstalled: true`"));
        return None;
    }
    if let Some(digest) = rpm.sha256.span().filter(|_| rpm.url.is_absent()) {
        let wrong = Diagnostic::error(Code::RpmSource, "`sha256` goes with `url`").at(digest, "no `url` beside it");
        report.push(
            wrong.help("remove it; packages of a repository are checked by their signature, the payload as a whole"),
        );
    }
    rpm_source(report, rpm, span, files)
}

fn rpm_source(report: &mut Report, rpm: &Rpm, span: Span, files: &Attachments) -> Option<RpmSource> {
    if let Some((url, url_span)) = rpm.url.spanned() {
        if rpm.sha256.is_absent() {
            let missing = Diagnostic::warning(Code::RpmDigestMissing, "the installer's digest is not given");
            report.push(
                missing
                    .at(url_span, "hosts cannot check what they download from here")
                    .help("add the output of `sha256sum FILE` as `sha256`; hosts built without it stop in PREFLIGHT"),
            );
        }
        return Some(RpmSource::Url { url: url.clone(), sha256: rpm.sha256.get().copied() });
    }
    if let Some((repo_spec, repo_span)) = rpm.repo.spanned() {
        let key = files.get(&AttachmentKind::CloudifyRepoKey);
        return repo(report, repo_spec, repo_span, key).map(RpmSource::Repo);
    }
    for (key, field, source) in
        [("payload", &rpm.payload, RpmSource::Payload), ("preinstalled", &rpm.preinstalled, RpmSource::Preinstalled)]
    {
        match field.get() {
            Some(true) => return Some(source),
            Some(false) => {
                let message = format!("`{key}: false` is no source");
                let wrong = Diagnostic::error(Code::RpmSource, message).at(span, "");
                report.push(wrong.help("give `url` with `sha256`, `repo`, or `payload: true`"));
            }
            None => {}
        }
    }
    None
}

/// A repository, its key checked.
pub fn repo(report: &mut Report, repo: &Repo, place: Span, key: Option<&Attachment>) -> Option<RepoSource> {
    require(report, &repo.baseurl, "baseurl", "baseurl: \"http://…\"", place);
    if let Some((path, span)) = repo.gpgkey.spanned() {
        check_key(report, path, span, key);
    } else if repo.gpgkey.is_absent() {
        let unsigned = Diagnostic::warning(Code::UnsignedRepo, "packages of this repository are installed unchecked");
        let help = "name the file with its public key as `gpgkey`; it travels in the bundle";
        report.push(unsigned.at(place, "no `gpgkey`").help(help));
    }
    Some(RepoSource { baseurl: repo.baseurl.get()?.clone(), signed: repo.gpgkey.get().is_some() })
}

fn check_key(report: &mut Report, path: &str, span: Span, key: Option<&Attachment>) {
    let problem = match key {
        None | Some(Attachment::Missing) => "is not there".to_owned(),
        Some(Attachment::Unreadable(why)) => why.clone(),
        Some(Attachment::Bytes(bytes)) => {
            let armoured = |head: &str| bytes.windows(head.len()).any(|window| window == head.as_bytes());
            if armoured("PRIVATE KEY BLOCK") {
                "holds a private key; export the public one with `gpg --armor --export`".to_owned()
            } else if armoured("-----BEGIN PGP PUBLIC KEY BLOCK-----") && std::str::from_utf8(bytes).is_ok() {
                return;
            } else {
                "is no armoured public key; make one with `gpg --armor --export`".to_owned()
            }
        }
    };
    let wrong = Diagnostic::error(Code::BadAttachment, format!("the key file `{}` {problem}", path.escape_debug()));
    report.push(wrong.at(span, "relative to the spec"));
}

/// Where the operating system's packages come from.
pub fn packages(report: &mut Report, field: &Field<OsPackages>, files: &Attachments) -> Option<PackageSource> {
    let Some((packages, place)) = field.spanned() else {
        return field.is_absent().then_some(PackageSource::Image);
    };
    require(report, &packages.from, "from", "from: image", place);
    match packages.from.spanned()? {
        (PackagesFrom::Image, _) => Some(PackageSource::Image),
        (PackagesFrom::SystemRepos, _) => Some(PackageSource::SystemRepos),
        (PackagesFrom::Payload, _) => Some(PackageSource::Payload),
        (PackagesFrom::Repo(spec), span) => {
            repo(report, spec, span, files.get(&AttachmentKind::OsRepoKey)).map(PackageSource::Repo)
        }
    }
}

/// Whether there is a licence to upload, and why the first manager would stop where there should be one.
pub fn license(report: &mut Report, cloudify: &Cloudify, place: Span, files: &Attachments) -> Result<bool, Refusal> {
    if cloudify.edition.get() == Some(&Edition::Community) && cloudify.license.is_absent() {
        return Ok(false);
    }
    let (problem, span) = match (cloudify.license.spanned(), files.get(&AttachmentKind::License)) {
        (Some((path, span)), Some(Attachment::Bytes(bytes))) => {
            let usable = std::str::from_utf8(bytes).is_ok_and(|text| !text.trim().is_empty() && !text.contains('\0'));
            if usable {
                return Ok(true);
            }
            let message = format!("the licence `{}` is empty or not text", path.escape_debug());
            report.push(Diagnostic::error(Code::BadAttachment, message).at(span, "relative to the spec"));
            return Ok(false);
        }
        (Some((path, span)), Some(Attachment::Unreadable(why))) => {
            let message = format!("the licence `{}` {why}", path.escape_debug());
            report.push(Diagnostic::error(Code::BadAttachment, message).at(span, "relative to the spec"));
            return Ok(false);
        }
        (Some((path, span)), _) => (format!("the licence `{}` is not there", path.escape_debug()), span),
        (None, _) => ("no licence is given, and the premium edition needs one".to_owned(), place),
    };
    let fix = "put the licence file beside the spec, name it as `cloudify.license`, and build again";
    let missing = Diagnostic::warning(Code::LicenseMissing, problem.clone()).at(span, "");
    report.push(missing.help(format!("{fix}; the first manager stops in PREFLIGHT until then")));
    Err(Refusal { code: Code::LicenseMissing, cause: problem, fix: fix.into() })
}

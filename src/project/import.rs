//! From the vendor's cluster-manager file to a directory with our spec, its files and its vault.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::diag::{Code, Diagnostic, Label, Report, Severity, SourceId, Sources, Span};
use crate::emit::{self, NewDirectory, VaultLock};
use crate::import::{self, Choices, Draft, FileUse, Files, Loaded, NamedFile, Translation};
use crate::load;
use crate::names::{CloudifyVersion, ClusterName, FileMode};
use crate::plan::Plan;
use crate::profile::Profiles;
use crate::vault::{self, Imported, Incoming, Opened, VaultBytes, VaultError};
use crate::world::World;
use crate::yaml::MAX_TEXT;

use super::build::BuildError;
use super::own::unreadable;
use super::{DEFAULT_SPEC, MAX_ATTACHMENT, OwnDirectories, Project};

/// What is to be imported, and where to.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The vendor's file.
    pub file: Utf8PathBuf,
    /// The directory that is made.
    pub out: Utf8PathBuf,
    /// The cluster's name.
    pub name: ClusterName,
    /// Cloudify's version, where the installer's name does not say it.
    pub version: Option<CloudifyVersion>,
}

/// What an import found and did.
#[derive(Debug, Default)]
pub struct ImportOutcome {
    /// The texts that the report points into.
    pub sources: Sources,
    /// Everything that was found.
    pub report: Report,
    /// What was written; nothing where there are errors.
    pub written: Option<ImportedCluster>,
}

/// What was written.
#[derive(Debug)]
pub struct ImportedCluster {
    /// The directory.
    pub directory: Utf8PathBuf,
    /// Hosts in the spec.
    pub hosts: usize,
    /// Credentials in the vault.
    pub credentials: usize,
    /// Certificates in the vault, without the CA's.
    pub certificates: usize,
}

/// Reads the vendor's file and what it names, and makes a directory of it: all or nothing.
///
/// # Errors
/// When the directory is there already, or the machine fails. What is wrong with the input is in the outcome.
pub fn import_cluster(
    request: &ImportRequest,
    own: &OwnDirectories,
    world: &dyn World,
) -> Result<ImportOutcome, BuildError> {
    let mut outcome = ImportOutcome::default();
    let ImportOutcome { sources, report, .. } = &mut outcome;
    let text = match load::text(&request.file, MAX_TEXT as u64) {
        Ok(text) => text,
        Err(error) => {
            report.push(unreadable(&error));
            return Ok(outcome);
        }
    };
    let read = import::read(request.file.as_str(), &text, sources);
    report.extend(read.report);
    let Some(vendor) = read.vendor else { return Ok(outcome) };
    let beside = request.file.parent().filter(|above| !above.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let choices = Choices {
        name: request.name.clone(),
        version: request.version,
        file: request.file.to_string(),
        directory: load::canonical(beside)?,
    };
    let files: Files =
        vendor.files().into_iter().map(|named| (named.usage, (named.clone(), look_at(beside, &named)))).collect();
    let profiles = Profiles::embedded().map_err(|error| BuildError::Profile(error.to_string()))?;
    let translation = import::translate(&vendor, &files, &choices, &profiles, (sources, report));
    if report.has_errors() {
        return Ok(outcome);
    }
    write(request, own, world, (&translation, &files), &mut outcome)?;
    Ok(outcome)
}

/// Reads a file that the vendor's file names.
fn look_at(beside: &Utf8Path, named: &NamedFile) -> Loaded {
    let path = beside.join(&named.path);
    let loaded = match named.usage {
        FileUse::Installer => load::digest(&path, &|_| ()).map(Loaded::Digest),
        _ => load::bytes(&path, MAX_ATTACHMENT).map(|bytes| Loaded::Bytes(VaultBytes::new(bytes))),
    };
    loaded.unwrap_or_else(|error| Loaded::Unusable(error.to_string()))
}

/// Writes everything beside its place, has it checked there as any spec is, and publishes it if it is good.
fn write(
    request: &ImportRequest,
    own: &OwnDirectories,
    world: &dyn World,
    (translation, files): (&Translation<'_>, &Files),
    outcome: &mut ImportOutcome,
) -> Result<(), BuildError> {
    let staged = NewDirectory::begin(&request.out)?;
    let draft = &translation.draft;
    let mode = if draft.is_secret() { FileMode::SECRET } else { FileMode::PUBLIC };
    staged.file(DEFAULT_SPEC, mode, draft.text().as_bytes())?;
    for beside in &translation.beside {
        // One that could not be read was reported, and the check says what hosts will make of it.
        if let Some((_, Loaded::Bytes(bytes))) = files.get(&beside.usage) {
            staged.file(beside.name, FileMode::PUBLIC, bytes.expose())?;
        }
    }
    if draft.is_secret() {
        let message = format!("{}/{DEFAULT_SPEC} holds a secret, because no vault can make it up", request.out);
        let found = Diagnostic::warning(Code::VendorSecretInSpec, message);
        outcome.report.push(found.help("it has mode 0600: keep it so, and out of places where others read"));
    }
    let mut project = Project::open_with(Some(&staged.path().join(DEFAULT_SPEC)), own, world.now())
        .map_err(|error| BuildError::Profile(error.to_string()))?;
    let places = Places { project: &project.sources, out: &request.out, staged: staged.path() };
    places.take(&project.report, draft, outcome);
    let Some(plan) = project.plan.take().filter(|_| !outcome.report.has_errors()) else { return Ok(()) };
    let certificates = fill_vault(&plan, &project, &staged, world, (translation, files), &mut outcome.report)?;
    if outcome.report.has_errors() {
        return Ok(());
    }
    let directory = staged.publish()?;
    let credentials = translation.credentials.len();
    outcome.written = Some(ImportedCluster { directory, hosts: plan.hosts.len(), credentials, certificates });
    Ok(())
}

/// Puts credentials and certificates into the vault; says how many certificates there are.
fn fill_vault(
    plan: &Plan,
    project: &Project,
    staged: &NewDirectory,
    world: &dyn World,
    (translation, files): (&Translation<'_>, &Files),
    report: &mut Report,
) -> Result<usize, BuildError> {
    let known = |name| plan.identity.credentials.contains(name);
    let credentials: BTreeMap<_, _> =
        translation.credentials.iter().filter(|(name, _)| known(name)).map(|(name, s)| (*name, s.clone())).collect();
    let mut imported = None;
    if translation.certificates {
        imported = take_certificates(plan, world, (translation, files), report)?;
        if report.has_errors() {
            return Ok(0);
        }
    }
    if imported.is_none() && credentials.is_empty() {
        return Ok(0);
    }
    let lock = VaultLock::acquire(&staged.path().join(format!("{}.vault", plan.cluster)))?;
    let Some(Imported { mut opened, certificates, .. }) = imported else {
        let mut opened = Opened::default();
        opened.take_credentials(credentials);
        emit::vault(&lock, vault::begin(&opened)?.iter().map(|(path, bytes)| (path, bytes.expose())))?;
        return Ok(0);
    };
    opened.take_credentials(credentials);
    let (vault, changes) = vault::ensure(Some(opened), &plan.identity, &project.supplied, world, &|_, _| ())?;
    report.extend(changes.report);
    emit::vault(&lock, vault.writes().iter().map(|(path, bytes)| (path, bytes.expose())))?;
    Ok(certificates)
}

/// The hosts' own certificates, if they do for this version of Cloudify; nothing where they do not, which is said.
fn take_certificates(
    plan: &Plan,
    world: &dyn World,
    (translation, files): (&Translation<'_>, &Files),
    report: &mut Report,
) -> Result<Option<Imported>, BuildError> {
    let (mut incoming, mut spans) = (BTreeMap::new(), BTreeMap::new());
    let mut called = BTreeMap::new();
    let mut add = |name: String, usage: FileUse| {
        let Some((named, Loaded::Bytes(bytes))) = files.get(&usage) else { return };
        spans.insert(format!("`{}`", named.path), named.span);
        called.insert(name.clone(), named.path.clone());
        incoming.insert(name, bytes.clone());
    };
    add("ca.crt".to_owned(), FileUse::Ca);
    for machine in &translation.machines {
        add(format!("{}.crt", machine.name.0), FileUse::Certificate(machine.at));
        add(format!("{}.key", machine.name.0), FileUse::Key(machine.at));
    }
    let incoming = Incoming { directory: "DIR".to_owned(), files: incoming, called };
    let placed = |found: &Diagnostic| {
        let place = spans.iter().find(|(path, _)| found.message.contains(path.as_str()));
        let mut found = found.clone();
        found.labels.extend(place.map(|(_, span)| Label { span: *span, text: "this file".into() }));
        found
    };
    match vault::import(None, &plan.identity, &incoming, world.now()) {
        Ok(imported) => {
            report.extend(imported.warnings.iter().map(placed).collect());
            Ok(Some(imported))
        }
        Err(VaultError::Refused(refused)) => {
            let short = |found: &Diagnostic| matches!(found.code, Code::ImportUnfit | Code::ImportIncomplete);
            if refused.iter().any(|found| found.severity == Severity::Error && !short(found)) {
                report.extend(refused.iter().map(placed).collect());
                return Ok(None);
            }
            report.extend(refused.iter().map(|found| as_warning(placed(found))).collect());
            report.push(none_taken(plan));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Certificates that do not do stop nothing: there are two ways on.
fn as_warning(found: Diagnostic) -> Diagnostic {
    Diagnostic { severity: found.severity.max(Severity::Warning), ..found }
}

fn none_taken(plan: &Plan) -> Diagnostic {
    let certificates = plan.identity.hosts.len() + plan.identity.clients.len();
    let message =
        format!("no certificate was carried over: {certificates} are needed, and not all are there and fit");
    Diagnostic::warning(Code::VendorNotCarried, message).help(
        "`build` makes a CA of the cluster's own; to stay with yours, have the requests of `cfy-seed pki csr` signed before \
         the first build",
    )
}

/// Where findings about the draft are shown.
struct Places<'a> {
    project: &'a Sources,
    out: &'a Utf8Path,
    staged: &'a Utf8Path,
}

impl Places<'_> {
    /// Takes over what the check found. Errors point to where the user wrote the value: nothing of the draft will be there.
    fn take(&self, found: &Report, draft: &Draft, outcome: &mut ImportOutcome) {
        let mut ids: BTreeMap<usize, SourceId> = BTreeMap::new();
        let keep = !found.has_errors();
        for diagnostic in found.iter() {
            let mut diagnostic = diagnostic.clone();
            for label in &mut diagnostic.labels {
                let origin = (label.span.source.0 == 0).then(|| draft.origin(label.span.start)).flatten();
                label.span = match origin.filter(|_| !keep) {
                    Some(origin) => origin,
                    None => Span { source: self.id(label.span.source, &mut ids, &mut outcome.sources), ..label.span },
                };
            }
            outcome.report.push(diagnostic);
        }
    }

    fn id(&self, id: SourceId, ids: &mut BTreeMap<usize, SourceId>, sources: &mut Sources) -> SourceId {
        *ids.entry(id.0).or_insert_with(|| {
            let (name, text) = self.project.get(id).map_or(("", ""), |source| (&source.name, &source.text));
            sources.add(name.replace(self.staged.as_str(), self.out.as_str()), text)
        })
    }
}

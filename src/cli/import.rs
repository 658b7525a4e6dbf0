//! `cfy-seed import`

use camino::Utf8PathBuf;

use crate::diag::Severity;
use crate::project::{ImportRequest, OwnDirectories, import_cluster};
use crate::world::RealWorld;

use super::args::Import;
use super::check::{counted, hosts};
use super::exit::{Exit, Failure};
use super::output::Output;

pub fn run(request: &Import, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let out = request.out.clone().unwrap_or_else(|| Utf8PathBuf::from(request.name.as_str()));
    let wanted = ImportRequest {
        file: request.file.clone(),
        out,
        name: request.name.clone(),
        version: request.cloudify_version,
    };
    let outcome = import_cluster(&wanted, own, &RealWorld)?;
    output.report(&outcome.report, &outcome.sources);
    let Some(written) = outcome.written else {
        output.say("nothing was written");
        return Ok(Exit::BadInput);
    };
    let left = outcome.report.count(Severity::Warning) + outcome.report.count(Severity::Note);
    output.say(&format!(
        "{}: {}, {} and {} in its vault; {} to read above",
        written.directory,
        hosts(written.hosts),
        counted(written.credentials, "credential"),
        counted(written.certificates, "certificate"),
        counted(left, "finding"),
    ));
    output.say(&format!(
        "look for DECIDE in {0}/cluster.yaml, then run `cfy-seed check {0}/cluster.yaml`",
        written.directory
    ));
    Ok(Exit::Done)
}

//! `cfy-seed credentials`

use crate::names::Credential;
use crate::project::{OwnDirectories, vault_credentials};

use super::args::Credentials;
use super::check::open;
use super::exit::{Exit, Failure};
use super::output::Output;

pub fn run(request: &Credentials, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    let project = open(request.spec.as_deref(), false, own)?;
    let Some(plan) = &project.plan else {
        output.report(&project.report, &project.sources);
        return Ok(Exit::BadInput);
    };
    let directory = project.vault_directory(request.vault.as_deref(), plan);
    let generated = vault_credentials(&directory, plan)?;
    let Some(name) = &request.name else {
        for credential in &plan.identity.credentials {
            let state = match (project.supplied.contains_key(credential), generated.contains_key(credential)) {
                (true, _) => "given in the spec",
                (false, true) => "in the vault",
                (false, false) => "not generated yet: run `cfy-seed build`",
            };
            output.data(&format!("{:24}{state}\n", credential.as_str()))?;
        }
        return Ok(Exit::Done);
    };
    let Some(credential) = Credential::ALL.iter().find(|credential| credential.as_str() == name.as_str()) else {
        let names: Vec<&str> = Credential::ALL.iter().map(|credential| credential.as_str()).collect();
        return Err(Failure::Usage(format!(
            "no credential `{}`; there are {}",
            name.escape_debug(),
            names.join(", ")
        )));
    };
    if !Output::stdout_is_terminal() && !request.pipe {
        let why = "the output is not a terminal; give `--pipe` if the credential is meant to go there";
        return Err(Failure::Usage(why.into()));
    }
    match project.supplied.get(credential).or_else(|| generated.get(credential)) {
        Some(secret) => {
            output.data(&format!("{}\n", secret.expose()))?;
            Ok(Exit::Done)
        }
        None => {
            output.say(&format!("error: {name} is not in {directory}: run `cfy-seed build` first"));
            Ok(Exit::BadInput)
        }
    }
}

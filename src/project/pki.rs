//! Certificates from a CA outside: requests out, certificates in.

use std::collections::BTreeMap;

use camino::Utf8Path;

use crate::emit::{self, VaultLock};
use crate::load;
use crate::plan::Plan;
use crate::vault::{self, Changes, Imported, Incoming, Requests, SuppliedCa, VaultBytes};
use crate::world::World;

use super::Project;
use super::build::BuildError;
use super::vault::open;

/// What an import did.
#[derive(Debug)]
pub struct ImportedCertificates {
    /// Certificates that are new to the vault, without the CA's.
    pub certificates: usize,
    /// Keys that are new to it.
    pub keys: usize,
    /// What else happened to the vault, and what there is to say.
    pub changes: Changes,
}

impl Project {
    /// Makes the keys that are missing in the vault, and then writes requests for all certificates into a directory, with
    /// what the people of the CA need to sign them.
    ///
    /// # Errors
    /// When the vault has a CA of its own or is not sound, or the machine fails.
    pub fn request_certificates(
        &self,
        plan: &Plan,
        vault: &Utf8Path,
        out: &Utf8Path,
        world: &dyn World,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Requests, BuildError> {
        let lock = VaultLock::acquire(vault)?;
        let opened = open(vault, plan, None)?;
        let requests = vault::request(opened, &plan.identity, world, progress)?;
        // The keys first: a certificate for a key that was lost is of no use.
        emit::vault(&lock, requests.writes().iter().map(|(path, bytes)| (path, bytes.expose())))?;
        emit::requests(out, requests.files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())))?;
        Ok(requests)
    }

    /// Takes certificates, and keys where the vault has none, from a directory into the vault, and completes it.
    ///
    /// # Errors
    /// Everything that is wrong with them; the vault is then as it was. Or the machine fails.
    pub fn import_certificates(
        &self,
        plan: &Plan,
        vault: &Utf8Path,
        from: &Utf8Path,
        world: &dyn World,
    ) -> Result<ImportedCertificates, BuildError> {
        let files = load::certificates(from)?.into_iter().map(|(name, bytes)| (name, VaultBytes::new(bytes)));
        let directory = from.as_str().trim_end_matches('/').to_owned();
        let incoming = Incoming { directory, files: files.collect(), called: BTreeMap::new() };
        let lock = VaultLock::acquire(vault)?;
        // A CA whose key the spec names could sign anew what came in; here it shall not.
        let ca = self.ca.as_ref().map(SuppliedCa::without_key);
        let opened = open(vault, plan, ca.as_ref())?;
        let Imported { opened, certificates, keys, warnings } =
            vault::import(opened, &plan.identity, &incoming, world.now())?;
        let (vault, mut changes) = vault::ensure(Some(opened), &plan.identity, &self.supplied, world, &|_, _| ())?;
        changes.report.extend(warnings);
        emit::vault(&lock, vault.writes().iter().map(|(path, bytes)| (path, bytes.expose())))?;
        Ok(ImportedCertificates { certificates, keys, changes })
    }
}

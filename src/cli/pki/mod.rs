//! `cfy-seed pki`

mod check;
mod csr;
mod import;

use crate::project::OwnDirectories;

use super::args::Pki;
use super::exit::{Exit, Failure};
use super::output::Output;

pub fn run(request: &Pki, own: &OwnDirectories, output: &Output) -> Result<Exit, Failure> {
    match request {
        Pki::Csr(request) => csr::run(request, own, output),
        Pki::Import(request) => import::run(request, own, output),
        Pki::Check(request) => check::run(request, own, output),
    }
}

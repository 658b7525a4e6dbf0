//! `cfy-seed pki`

mod check;
mod csr;
mod import;

use super::args::Pki;
use super::exit::{Exit, Failure};
use super::output::Output;

pub fn run(request: &Pki, output: &Output) -> Result<Exit, Failure> {
    match request {
        Pki::Csr(request) => csr::run(request, output),
        Pki::Import(request) => import::run(request, output),
        Pki::Check(request) => check::run(request, output),
    }
}

//! `cfy-seed schema`, `completions` and `man`: what is generated from the definitions of spec and command line.

use clap::CommandFactory as _;

use crate::spec;

use super::args::{Cli, Completions};
use super::exit::{Exit, Failure};
use super::output::Output;

pub fn schema(output: &Output) -> Result<Exit, Failure> {
    output.data(&spec::json_schema())?;
    Ok(Exit::Done)
}

pub fn completions(request: &Completions, output: &Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(request.shell, &mut Cli::command(), "cfy-seed", &mut script);
    output.data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

pub fn man(output: &Output) -> Result<Exit, Failure> {
    let mut page = Vec::new();
    let command = Cli::command();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for sub in command.get_subcommands() {
        // `display_name` is what the page shows; a command's own name must be static.
        let man = clap_mangen::Man::new(sub.clone().display_name(format!("cfy-seed {}", sub.get_name())));
        man.render_name_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    output.data(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Done)
}

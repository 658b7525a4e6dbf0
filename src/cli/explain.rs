//! `cfy-seed explain`

use crate::diag::{nearest, pages};

use super::args::Explain;
use super::exit::{Exit, Failure};
use super::output::Output;

pub fn run(request: &Explain, output: &Output) -> Result<Exit, Failure> {
    let pages = pages();
    let Some(asked) = &request.code else {
        for page in &pages {
            output.data(&format!("{}  {}\n", page.code, page.title))?;
        }
        return Ok(Exit::Done);
    };
    let upper = asked.to_ascii_uppercase();
    let code = if upper.starts_with("CFY-") { upper } else { format!("CFY-{upper}") };
    match pages.iter().find(|page| page.code == code) {
        Some(page) => {
            output.data(&format!("{}: {}\n\n{}\n", page.code, page.title, page.body))?;
            Ok(Exit::Done)
        }
        None => {
            let hint = nearest(&code, pages.iter().map(|page| page.code));
            let hint = hint.map_or_else(String::new, |code| format!(" (did you mean {code}?)"));
            let text = format!("no code `{}`{hint}; `cfy-seed explain` lists all", asked.escape_debug());
            Err(Failure::Usage(text))
        }
    }
}

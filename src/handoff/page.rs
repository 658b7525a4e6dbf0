//! Pages for people, from templates.

use std::sync::LazyLock;

use tera::{Context, Tera};

use super::HandoffError;
use super::cluster::Page;
use crate::plan::Plan;

/// Name and text of each template.
const TEMPLATES: &[(&str, &str)] = &[
    ("firewall/README.md", include_str!("../../templates/handoff/firewall/README.md")),
    ("firewall/table.md", include_str!("../../templates/handoff/firewall/table.md")),
    ("terraform/aws/README.md", include_str!("../../templates/handoff/terraform/aws/README.md")),
    ("terraform/module.md", include_str!("../../templates/handoff/terraform/module.md")),
    ("terraform/run.md", include_str!("../../templates/handoff/terraform/run.md")),
    ("terraform/state.md", include_str!("../../templates/handoff/terraform/state.md")),
];

static ENGINE: LazyLock<Result<Tera, String>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    tera.add_raw_templates(TEMPLATES.iter().copied()).map_err(|error| error.to_string())?;
    Ok(tera)
});

/// The page of this name.
pub fn render(plan: &Plan, name: &'static str) -> Result<String, HandoffError> {
    let wrong = |reason: String| HandoffError::Page { name, reason };
    let engine = ENGINE.as_ref().map_err(|reason| wrong(reason.clone()))?;
    let context = Context::from_serialize(&Page::new(plan)).map_err(|error| wrong(error.to_string()))?;
    engine.render(name, &context).map_err(|error| wrong(error.to_string()))
}

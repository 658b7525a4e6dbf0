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
    ("terraform/libvirt/README.md", include_str!("../../templates/handoff/terraform/libvirt/README.md")),
    ("terraform/module.md", include_str!("../../templates/handoff/terraform/module.md")),
    ("terraform/openstack/README.md", include_str!("../../templates/handoff/terraform/openstack/README.md")),
    ("terraform/run.md", include_str!("../../templates/handoff/terraform/run.md")),
    ("terraform/sizes.md", include_str!("../../templates/handoff/terraform/sizes.md")),
    ("terraform/state.md", include_str!("../../templates/handoff/terraform/state.md")),
    ("terraform/vsphere/README.md", include_str!("../../templates/handoff/terraform/vsphere/README.md")),
];

static ENGINE: LazyLock<Result<Tera, String>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    // An included text brings no line end of its own: the page has one behind it.
    let texts = TEMPLATES.iter().map(|(name, text)| (*name, text.trim_end()));
    tera.add_raw_templates(texts).map_err(|error| error.to_string())?;
    Ok(tera)
});

/// The page of this name.
pub fn render(plan: &Plan, name: &'static str) -> Result<String, HandoffError> {
    let wrong = |reason: String| HandoffError::Page { name, reason };
    let engine = ENGINE.as_ref().map_err(|reason| wrong(reason.clone()))?;
    let context = Context::from_serialize(&Page::new(plan)).map_err(|error| wrong(error.to_string()))?;
    Ok(engine.render(name, &context).map_err(|error| wrong(error.to_string()))? + "\n")
}

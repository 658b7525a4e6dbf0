//! The JSON Schema of the spec, from its types.

use super::Spec;

/// The schema as pretty JSON with a final line end.
#[must_use]
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(Spec);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

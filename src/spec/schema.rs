//! The JSON Schema of the spec, from its types.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::Spec;

/// The schema as pretty JSON with a final line end.
#[must_use]
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(Spec);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// Every key that stands anywhere in a spec.
pub(super) fn keys() -> &'static BTreeSet<String> {
    static KEYS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let mut keys = BTreeSet::new();
        collect(schemars::schema_for!(Spec).as_value(), &mut keys);
        keys
    });
    &KEYS
}

fn collect(schema: &serde_json::Value, keys: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(entries) => {
            let properties = entries.get("properties").and_then(serde_json::Value::as_object);
            keys.extend(properties.into_iter().flat_map(|properties| properties.keys().cloned()));
            entries.values().for_each(|value| collect(value, keys));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        _ => {}
    }
}

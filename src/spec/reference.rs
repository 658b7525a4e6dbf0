//! `docs/spec.md`, from the JSON Schema: one table for each mapping, every key with type, default and description.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Spec;

const HEAD: &str = "\
# cluster.yaml

<!-- Generated from the types in src/spec/v1.rs and src/spec/v1/; CONTRIBUTING.md says how. -->

Every key of `cfy-seed/v1`. Unknown keys are errors. Paths of files are relative to the spec. Values that only look like
numbers (versions, MAC addresses) stand in quotes. `cfy-seed schema` prints the same as JSON Schema, which
[cluster.schema.json](cluster.schema.json) holds for editors: with `# yaml-language-server: $schema=cluster.schema.json`
as the first line, many of them complete and check the file.

What belongs together beyond types (unique addresses, counts of databases, what an edition allows) is checked by
`cfy-seed check`; `cfy-seed explain` lists those rules by their codes.

```yaml
apiVersion: cfy-seed/v1
name: prod
cloudify:
  version: \"7.0.4\"
  rpm:
    url: \"https://repo.example.com/cloudify-manager-install-7.0.4-ga.el8.x86_64.rpm\"
    sha256: \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"
os: el8
os_packages: {from: {repo: {baseurl: \"https://repo.example.com/el8\"}}}
target: [nocloud]
access:
  user: ops
  ssh_authorized_keys:
    - \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF3g74NGamQ/M4d6ckGm89t4bIBo+yjO2l6dLEzZNGRh operator@example.com\"
network:
  domain: example.com
  dns: [10.0.0.2]
  ntp: [10.0.0.2, ntp.example.com]
  prefix: 24
  gateway: 10.0.0.1
  interface: eth0
timezone: Europe/Berlin
first_boot: {poll: 10s, stall_after: 60m}
pki: {key: rsa-3072, ca_days: 3650, leaf_days: 1825}
hosts:
  - {name: db-1, roles: [database], private_ip: 10.0.0.11}
  - {name: db-2, roles: [database], private_ip: 10.0.0.12}
  - {name: db-3, roles: [database], private_ip: 10.0.0.13}
  - {name: broker-1, roles: [broker], private_ip: 10.0.0.21, mac: \"52:54:00:00:00:21\"}
  - {name: manager-1, roles: [manager], private_ip: 10.0.0.31, public_ip: manager-1.example.org}
  - {name: manager-2, roles: [manager], private_ip: 10.0.0.32, public_ip: manager-2.example.org}
  - {name: lb-1, roles: [load_balancer], private_ip: 10.0.0.41, public_ip: cloudify.example.org}
generation: 1
```
";

/// The marker that begins the default in a description.
const DEFAULT: &str = "Default: ";

/// The reference of the spec as Markdown.
#[must_use]
pub fn reference() -> String {
    let root = schemars::schema_for!(Spec).to_value();
    let reference = Reference { definitions: root.get("$defs").and_then(Value::as_object) };
    let mut out = HEAD.to_owned();
    reference.mapping(&root, "", &mut out);
    out
}

struct Reference<'a> {
    definitions: Option<&'a Map<String, Value>>,
}

impl<'a> Reference<'a> {
    /// Follows `$ref`s into the definitions.
    fn resolve(&self, mut schema: &'a Value) -> &'a Value {
        while let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let found = name.rsplit('/').next().and_then(|name| self.definitions?.get(name));
            let Some(found) = found else { break };
            schema = found;
        }
        schema
    }

    /// The section of one mapping, and then those of the mappings in it. Writing to a `String` cannot fail.
    fn mapping(&self, schema: &'a Value, path: &str, out: &mut String) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        let heading = if path.is_empty() { "The file" } else { path };
        let tick = if path.is_empty() { "" } else { "`" };
        let _ = writeln!(out, "\n## {tick}{heading}{tick}\n\n{}\n", text(schema));
        out.push_str("| key | type | default | description |\n|---|---|---|---|\n");
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (key, property) in properties {
            let (description, default) = self.description(property);
            let default = match default {
                Some(default) => default,
                None if required.contains(&key.as_str()) => "**required**".into(),
                None => "see its keys".into(),
            };
            let _ = writeln!(out, "| `{key}` | {} | {default} | {description} |", self.kind(property));
        }
        for (key, property) in properties {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            self.below(property, &path, out);
        }
    }

    /// The sections of what a key holds.
    fn below(&self, property: &'a Value, path: &str, out: &mut String) {
        let schema = self.resolve(property);
        if let Some(items) = schema.get("items") {
            return self.below(items, &format!("{path}[]"), out);
        }
        for choice in choices(schema) {
            // A word with a mapping behind it, such as `repo` of `os_packages.from`.
            if let Some(properties) = choice.get("properties").and_then(Value::as_object) {
                properties.iter().for_each(|(word, inner)| self.below(inner, &format!("{path}.{word}"), out));
            }
        }
        self.mapping(schema, path, out);
    }

    /// What a key's description says, and the default at its end.
    fn description(&self, property: &'a Value) -> (String, Option<String>) {
        let own = text(property);
        let whole = if own.is_empty() { text(self.resolve(property)) } else { own };
        match whole.split_once(DEFAULT) {
            Some((description, default)) => {
                (description.trim().to_owned(), Some(default.trim().trim_end_matches('.').to_owned()))
            }
            None => (whole, None),
        }
    }

    /// What may stand there.
    fn kind(&self, property: &'a Value) -> String {
        let schema = self.resolve(property);
        if let Some(items) = schema.get("items") {
            return format!("list of {}", self.kind(items));
        }
        let words = choices(schema).map(|choice| match choice.get("const").and_then(Value::as_str) {
            Some(word) => format!("`{word}`"),
            None => {
                let properties = choice.get("properties").and_then(Value::as_object);
                let keys: Vec<&str> = properties.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
                format!("`{{{}: …}}`", keys.join(", "))
            }
        });
        let words: Vec<String> = words.collect();
        if !words.is_empty() {
            return words.join(", ");
        }
        let kind = schema.get("type").and_then(Value::as_str).unwrap_or("anything");
        let name = property.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next());
        match (kind, schema.get("format").and_then(Value::as_str), schema.get("pattern").and_then(Value::as_str)) {
            ("object", ..) => "mapping".into(),
            ("integer", ..) => {
                let bound = |key| property.get(key).or_else(|| schema.get(key)).and_then(Value::as_u64);
                match (bound("minimum"), bound("maximum")) {
                    (Some(least), Some(most)) => format!("number, {least} to {most}"),
                    _ => "number".into(),
                }
            }
            ("boolean", ..) => "`true`, `false`".into(),
            (_, Some("ipv4"), _) => "IPv4 address".into(),
            (_, _, Some(_)) if name == Some("Seconds") => "duration such as `10s`, `5m`, `1h`".into(),
            // A `|` would end the cell of the table.
            (_, _, Some(pattern)) if !pattern.contains('|') && pattern.len() < 40 => format!("text, `{pattern}`"),
            _ => "text".into(),
        }
    }
}

/// The alternatives of an enum.
fn choices(schema: &Value) -> impl Iterator<Item = &Value> {
    schema.get("oneOf").and_then(Value::as_array).into_iter().flatten()
}

/// A description on one line, safe in a table.
fn text(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::reference;

    #[test]
    fn every_key_has_a_description_and_every_optional_value_a_default() {
        let rows: Vec<String> =
            reference().lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
        assert!(rows.len() > 50, "{} rows", rows.len());
        for row in rows {
            let cells: Vec<&str> = row.split(" | ").collect();
            assert_eq!(cells.len(), 4, "{row}");
            assert!(cells[3].len() > 8, "no description: {row}");
            assert!(cells[2] != "see its keys" || cells[1] == "mapping", "no default: {row}");
        }
    }
}

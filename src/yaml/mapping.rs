//! Mappings of the user's own that are kept as they were written, for others to read.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

use super::{Key, Node, NodeKind};

/// The newtype name by which a type says that its values may be secrets, by the names of their keys.
pub(super) const MAPPING: &str = "cfy-seed:mapping";

/// A mapping as it was written. Its values may be secrets, so `Debug` does not show them.
#[derive(Clone, PartialEq, Default)]
pub struct Mapping {
    /// Keys with their values, in the order in which they were written.
    pub entries: Vec<(Key, Node)>,
}

/// What happens to lists where one mapping is laid over another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// The upper one replaces the lower one, as in Cloudify's own merging.
    Replace,
    /// The upper one's items follow the lower one's.
    Append,
}

impl Mapping {
    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(k, _)| k.text == key).map(|(_, value)| value)
    }

    /// Lays another one over this: mappings merge, scalars replace.
    pub fn lay(&mut self, over: &Self, lists: Lists) {
        lay(&mut self.entries, &over.entries, lists);
    }
}

impl Node {
    /// Lays a mapping over this one, if it is one; lists replace.
    pub fn lay(&mut self, over: &Mapping) {
        if let NodeKind::Map(entries) = &mut self.kind {
            lay(entries, &over.entries, Lists::Replace);
        }
    }
}

fn lay(under: &mut Vec<(Key, Node)>, over: &[(Key, Node)], lists: Lists) {
    for (key, value) in over {
        let Some((_, old)) = under.iter_mut().find(|(known, _)| known.text == key.text) else {
            under.push((key.clone(), value.clone()));
            continue;
        };
        match (&mut old.kind, &value.kind) {
            (NodeKind::Map(old), NodeKind::Map(new)) => lay(old, new, lists),
            (NodeKind::List(old), NodeKind::List(new)) if lists == Lists::Append => old.extend(new.iter().cloned()),
            _ => *old = value.clone(),
        }
    }
}

impl NodeKind {
    /// What it is, in words.
    #[must_use]
    pub const fn in_words(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

impl std::fmt::Debug for Mapping {
    /// Without the values: they may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.entries.iter().map(|(key, _)| &key.text)).finish()
    }
}

impl Serialize for Mapping {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries.iter().map(|(key, value)| (&key.text, value)))
    }
}

impl<'de> Deserialize<'de> for Mapping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(MAPPING, MappingVisitor)
    }
}

struct MappingVisitor;

impl<'de> Visitor<'de> for MappingVisitor {
    type Value = Mapping;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Mapping, D::Error> {
        // Not by way of the values, which messages would show.
        match Node::deserialize(deserializer)?.kind {
            NodeKind::Map(entries) => Ok(Mapping { entries }),
            other => Err(de::Error::invalid_type(Unexpected::Other(other.in_words()), &"a mapping")),
        }
    }
}

impl JsonSchema for Mapping {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Mapping".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object"})
    }
}

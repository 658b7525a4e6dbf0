//! Trees out of the decoder: nodes and keys with their places.

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use super::decode::FIELD;
use super::{Key, Node, NodeKind};
use crate::diag::{SourceId, Span};

/// Takes the three numbers of a place off what the decoder hands over.
pub(super) fn place<'de, A: SeqAccess<'de>>(access: &mut A) -> Result<Span, A::Error> {
    let mut next = || access.next_element::<usize>()?.ok_or_else(|| de::Error::custom("no place"));
    Ok(Span { source: SourceId(next()?), start: next()?, end: next()? })
}

/// Visits a value with its place and makes a `T` of it.
struct WithPlace<T, V>(fn(Span, V) -> T);

impl<'de, T, V: Deserialize<'de>> Visitor<'de> for WithPlace<T, V> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value with its place")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<T, A::Error> {
        let span = place(&mut access)?;
        let value = access.next_element()?.ok_or_else(|| de::Error::custom("no value"))?;
        Ok(self.0(span, value))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(FIELD, WithPlace(|span, kind| Self { span, kind }))
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(FIELD, WithPlace(|span, text| Self { span, text }))
    }
}

impl<'de> Deserialize<'de> for NodeKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KindVisitor;
        impl<'de> Visitor<'de> for KindVisitor {
            type Value = NodeKind;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("any value")
            }

            fn visit_unit<E>(self) -> Result<NodeKind, E> {
                Ok(NodeKind::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<NodeKind, E> {
                Ok(NodeKind::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<NodeKind, E> {
                Ok(NodeKind::Int(value.into()))
            }

            fn visit_i128<E>(self, value: i128) -> Result<NodeKind, E> {
                Ok(NodeKind::Int(value))
            }

            fn visit_f64<E>(self, value: f64) -> Result<NodeKind, E> {
                Ok(NodeKind::Float(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<NodeKind, E> {
                Ok(NodeKind::Text(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<NodeKind, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(NodeKind::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<NodeKind, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, value)) = access.next_entry::<Key, Node>()? {
                    entries.push((key, value));
                }
                Ok(NodeKind::Map(entries))
            }
        }
        deserializer.deserialize_any(KindVisitor)
    }
}

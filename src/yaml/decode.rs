//! From a [`Node`] tree to types, with every mistake in one pass.
//!
//! A `serde` deserialiser that records an error where it arises. [`Field`](super::Field) swallows it afterwards, so the
//! derived code of the surrounding type goes on with the next key.

use std::cell::RefCell;

use serde::Deserialize;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::mapping::MAPPING;
use super::refusal::{Refusal, suggestion};
use super::{Key, Node, NodeKind};
use crate::diag::{Code, Diagnostic, Report, Span, nearest};
use crate::names::SECRET;

/// The newtype name by which a type asks for its place.
pub(super) const FIELD: &str = "cfy-seed:field";

/// What came out of decoding.
#[derive(Debug)]
pub struct Decoded<T> {
    /// The value; `None` only where the outermost type itself does not fit.
    pub value: Option<T>,
    /// What was found.
    pub report: Report,
    /// The places of secrets, so that no excerpt shows them.
    pub secrets: Vec<Span>,
}

/// Words by which a key is known that probably holds a secret, wherever it stands.
pub const SECRET_WORDS: &[&str] =
    &["password", "passwd", "token", "cookie", "secret", "credential", "_private", "content", "cmd"];

/// Whether a key probably holds a secret, or several of them.
#[must_use]
pub fn sounds_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// Decodes a tree.
#[must_use]
pub fn decode<T: for<'de> Deserialize<'de>>(node: &Node) -> Decoded<T> {
    let context = Context::default();
    let value = T::deserialize(Decoder { node, context: &context }).ok();
    let Context { report, secrets } = context;
    Decoded { value, report: report.into_inner(), secrets: secrets.into_inner() }
}

#[derive(Default)]
struct Context {
    report: RefCell<Report>,
    secrets: RefCell<Vec<Span>>,
}

impl Context {
    /// Puts a refusal into the report at this place, unless a place further in has done so.
    fn note<T>(&self, span: Span, result: Result<T, Refusal>) -> Result<T, Refusal> {
        result.map_err(|refusal| {
            if !refusal.reported {
                let mut diagnostic = Diagnostic::error(refusal.code, refusal.message.clone()).at(span, "");
                diagnostic.help.clone_from(&refusal.help);
                self.report.borrow_mut().push(diagnostic);
            }
            Refusal { reported: true, ..refusal }
        })
    }
}

#[derive(Clone, Copy)]
struct Decoder<'a> {
    node: &'a Node,
    context: &'a Context,
}

impl<'a> Decoder<'a> {
    fn note<T>(self, result: Result<T, Refusal>) -> Result<T, Refusal> {
        self.context.note(self.node.span, result)
    }

    fn any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.note(match &self.node.kind {
            NodeKind::Null => visitor.visit_unit(),
            NodeKind::Bool(value) => visitor.visit_bool(*value),
            NodeKind::Int(value) => match i64::try_from(*value) {
                Ok(value) => visitor.visit_i64(value),
                Err(_) => visitor.visit_i128(*value),
            },
            NodeKind::Float(value) => visitor.visit_f64(*value),
            NodeKind::Text(value) => visitor.visit_borrowed_str(value),
            NodeKind::List(items) => visitor.visit_seq(Items { items: items.iter(), context: self.context }),
            NodeKind::Map(entries) => visitor.visit_map(self.entries(entries.iter().collect())),
        })
    }

    fn entries(self, entries: Vec<&'a (Key, Node)>) -> Entries<'a> {
        Entries { rest: entries.into_iter(), value: None, context: self.context }
    }

    fn report_unknown(self, key: &Key, value: &Node, fields: &[&str]) {
        let meant = nearest(&key.text, fields.iter().copied()).unwrap_or_default();
        let among = fields.iter().all(|field| sounds_secret(field));
        // No word at all is what is left of a key that a slip of the finger broke.
        let word = !key.text.is_empty() && key.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        self.hide(value, among || !word || sounds_secret(&key.text) || sounds_secret(meant));
        let diagnostic = Diagnostic::error(Code::UnknownKey, format!("unknown key `{}`", key.text.escape_debug()))
            .at(key.span, "not a key here")
            .help(suggestion(&key.text, fields));
        self.context.report.borrow_mut().push(diagnostic);
    }

    /// Keeps what is probably a secret in the wrong place out of excerpts: all of this node, or what stands below keys
    /// that sound so.
    fn hide(self, node: &Node, all: bool) {
        match &node.kind {
            NodeKind::Map(entries) => {
                entries.iter().for_each(|(key, value)| self.hide(value, all || sounds_secret(&key.text)));
            }
            NodeKind::List(items) => items.iter().for_each(|item| self.hide(item, all)),
            _ if all => self.context.secrets.borrow_mut().push(node.span),
            _ => {}
        }
    }

    fn secret<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.hide(self.node, true);
        match &self.node.kind {
            NodeKind::Text(_) => self.note(visitor.visit_newtype_struct(self)),
            // Not by way of `invalid_type`, which would print the value.
            _ => {
                let mut refusal = Refusal::new(Code::WrongType, "expected a secret as text".into());
                refusal.help = Some("put it in quotes, so that it stays text".into());
                self.note(Err(refusal))
            }
        }
    }
}

impl<'de> Deserializer<'de> for Decoder<'de> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.node.kind {
            NodeKind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match name {
            FIELD => visitor.visit_seq(Placed { step: 0, span: self.node.span, context: self.context, inner: self }),
            SECRET => self.secret(visitor),
            MAPPING => {
                self.hide(self.node, !matches!(self.node.kind, NodeKind::Map(_)));
                self.note(visitor.visit_newtype_struct(self))
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let NodeKind::Map(entries) = &self.node.kind else {
            self.hide(self.node, fields.iter().all(|field| sounds_secret(field)));
            // serde's derived code would take a list for the values of the fields, in their order.
            return match self.node.kind {
                NodeKind::List(_) => self.note(Err(de::Error::invalid_type(de::Unexpected::Seq, &"a mapping"))),
                _ => self.any(visitor),
            };
        };
        let (known, unknown): (Vec<_>, Vec<_>) =
            entries.iter().partition(|(key, _)| fields.contains(&key.text.as_str()));
        unknown.iter().for_each(|(key, value)| self.report_unknown(key, value, fields));
        self.note(visitor.visit_map(self.entries(known)))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let choice = match &self.node.kind {
            NodeKind::Text(word) => Choice { word, value: None, context: self.context },
            NodeKind::Map(entries) if entries.len() == 1 => {
                Choice { word: &entries[0].0.text, value: Some(&entries[0].1), context: self.context }
            }
            _ => {
                let list = variants.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
                return self.note(Err(Refusal::new(Code::WrongType, format!("expected one of {list}"))));
            }
        };
        self.note(visitor.visit_enum(choice))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Node>,
    context: &'a Context,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Refusal> {
        let context = self.context;
        let Some(node) = self.items.next() else { return Ok(None) };
        context.note(node.span, seed.deserialize(Decoder { node, context })).map(Some)
    }
}

struct Entries<'a> {
    rest: std::vec::IntoIter<&'a (Key, Node)>,
    value: Option<&'a Node>,
    context: &'a Context,
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Refusal> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(KeyDecoder { key, context: self.context }).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        let node = self.value.take().ok_or_else(|| de::Error::custom("a value without a key"))?;
        self.context.note(node.span, seed.deserialize(Decoder { node, context: self.context }))
    }
}

/// Hands over a key: as text, or as text with its place.
#[derive(Clone, Copy)]
struct KeyDecoder<'a> {
    key: &'a Key,
    context: &'a Context,
}

impl<'de> Deserializer<'de> for KeyDecoder<'de> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.context.note(self.key.span, visitor.visit_borrowed_str(&self.key.text))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match name {
            FIELD => visitor.visit_seq(Placed { step: 0, span: self.key.span, context: self.context, inner: self }),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let word: de::value::StrDeserializer<'_, Refusal> = self.key.text.as_str().into_deserializer();
        self.context.note(self.key.span, visitor.visit_enum(word))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Choice<'a> {
    word: &'a str,
    value: Option<&'a Node>,
    context: &'a Context,
}

impl<'a> EnumAccess<'a> for Choice<'a> {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Result<(V::Value, Self), Refusal> {
        let deserializer: de::value::StrDeserializer<'_, Refusal> = self.word.into_deserializer();
        Ok((seed.deserialize(deserializer)?, self))
    }
}

impl<'a> VariantAccess<'a> for Choice<'a> {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        match self.value {
            None => Ok(()),
            Some(_) => Err(Refusal::new(Code::WrongType, format!("`{}` stands alone, without a value", self.word))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, seed: T) -> Result<T::Value, Refusal> {
        match self.value {
            Some(node) => seed.deserialize(Decoder { node, context: self.context }),
            None => Err(Refusal::new(Code::WrongType, format!("`{}` needs a mapping", self.word))),
        }
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, _: V) -> Result<V::Value, Refusal> {
        Err(de::Error::custom("lists of fixed length are not used here"))
    }

    fn struct_variant<V: Visitor<'a>>(self, fields: &'static [&'static str], v: V) -> Result<V::Value, Refusal> {
        match self.value {
            Some(node) => Decoder { node, context: self.context }.deserialize_struct("", fields, v),
            None => Err(Refusal::new(Code::WrongType, format!("`{}` needs a mapping", self.word))),
        }
    }
}

/// Hands over source, start, end, and then the value.
struct Placed<'a, D> {
    step: u8,
    span: Span,
    context: &'a Context,
    inner: D,
}

impl<'a, D: Deserializer<'a, Error = Refusal> + Copy> SeqAccess<'a> for Placed<'a, D> {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Refusal> {
        let number = match self.step {
            0 => self.span.source.0,
            1 => self.span.start,
            2 => self.span.end,
            3 => {
                self.step = 4;
                return self.context.note(self.span, seed.deserialize(self.inner)).map(Some);
            }
            _ => return Ok(None),
        };
        self.step += 1;
        let number: de::value::UsizeDeserializer<Refusal> = number.into_deserializer();
        seed.deserialize(number).map(Some)
    }
}

//! A value of the spec as it was written: absent, bad (and reported), or good and with its place.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::diag::{SourceId, Span};

use super::decode::FIELD;
use super::node::place;

/// What stands under a key.
///
/// `Bad` is what lets one pass find everything: the decoder has reported the value and goes on.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Field<T> {
    /// The key is not there.
    #[default]
    Absent,
    /// The value was refused and the refusal is in the report.
    Bad,
    /// A value of the right type, and where it stands.
    Good(T, Span),
}

impl<T> Field<T> {
    /// The value, if it is good.
    pub const fn get(&self) -> Option<&T> {
        match self {
            Self::Good(value, _) => Some(value),
            Self::Absent | Self::Bad => None,
        }
    }

    /// The value and its place, if it is good.
    pub const fn spanned(&self) -> Option<(&T, Span)> {
        match self {
            Self::Good(value, span) => Some((value, *span)),
            Self::Absent | Self::Bad => None,
        }
    }

    /// Where the value stands, if it is good.
    pub const fn span(&self) -> Option<Span> {
        match self {
            Self::Good(_, span) => Some(*span),
            Self::Absent | Self::Bad => None,
        }
    }

    /// Whether the key is not there at all.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(FIELD, FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value with its place")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Field<T>, A::Error> {
        let span: Span = place(&mut access)?;
        // The decoder has recorded the error where it arose; here it only must not end the pass.
        Ok(access.next_element::<T>().ok().flatten().map_or(Field::Bad, |value| Field::Good(value, span)))
    }
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A `Field` with a place is made by the decoder only; tests and defaults use this one.
impl<T> From<T> for Field<T> {
    fn from(value: T) -> Self {
        Self::Good(value, Span { source: SourceId(usize::MAX), start: 0, end: 0 })
    }
}

//! Why a value does not fit its type, in the words of people who write YAML.

use std::fmt::Display;

use serde::de::{self, Expected, Unexpected};

use crate::diag::{Code, nearest};

/// An error on its way to the node where it arose.
#[derive(Debug)]
pub struct Refusal {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) reported: bool,
}

impl Refusal {
    pub(super) fn new(code: Code, message: String) -> Self {
        Self { code, message, help: None, reported: false }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(Code::InvalidValue, message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let wanted = wanted(&expected.to_string());
        let mut refusal = Self::new(Code::WrongType, format!("expected {wanted}, found {}", found(unexpected)));
        let scalar = matches!(unexpected, Unexpected::Float(_) | Unexpected::Signed(_) | Unexpected::Bool(_));
        if wanted == "text" && scalar {
            refusal.help = Some("put it in quotes, so that it stays text".into());
        }
        refusal
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let wanted = wanted(&expected.to_string());
        Self::new(Code::InvalidValue, format!("expected {wanted}, found {}", found(unexpected)))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let mut refusal = Self::new(Code::UnknownWord, format!("`{}` is not known here", variant.escape_debug()));
        refusal.help = Some(suggestion(variant, expected));
        refusal
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Code::MissingKey, format!("the key `{field}` is missing"))
    }
}

/// "did you mean" and the list of what would be right.
pub(super) fn suggestion(written: &str, allowed: &[&str]) -> String {
    let list = allowed.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    match nearest(written, allowed.iter().copied()) {
        Some(word) => format!("did you mean `{word}`? known are {list}"),
        None => format!("known are {list}"),
    }
}

/// What serde's derived code calls a type, in the words of people who write YAML.
fn wanted(expected: &str) -> String {
    match expected {
        "a string" => "text".into(),
        "a boolean" => "`true` or `false`".into(),
        "a sequence" => "a list".into(),
        "a map" => "a mapping".into(),
        "u8" => "a whole number of at most 255".into(),
        "u16" | "u32" | "u64" => "a whole number, not negative".into(),
        other if other.starts_with("struct ") => "a mapping".into(),
        other => other.to_owned(),
    }
}

fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(value) => format!("the boolean `{value}`"),
        Unexpected::Signed(value) => format!("the number `{value}`"),
        Unexpected::Unsigned(value) => format!("the number `{value}`"),
        Unexpected::Float(value) => format!("the number `{value:?}`"),
        Unexpected::Str(_) => "text".into(),
        Unexpected::Unit | Unexpected::Option => "nothing".into(),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a mapping".into(),
        other => other.to_string(),
    }
}

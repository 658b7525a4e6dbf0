//! YAML in and out: the only file that names the YAML crate.
//!
//! In: a text, or a value to serialise. Out: a [`Node`] tree that knows where each of its parts stands, or text in
//! which every string is quoted. May not: touch the disk.
//!
//! A tree between text and types, instead of `serde` straight from the text, is what makes every mistake be found in
//! one pass: the decoder in [`decode`] goes on behind a bad value, a `Deserialize` of the YAML crate cannot.

pub mod decode;
mod field;
mod mapping;
mod mask;
mod node;
mod refusal;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_yaml::{Budget, DuplicateKeyPolicy, MergeKeyPolicy, Options, SerializerOptions, Spanned};

use crate::diag::{Code, Diagnostic, SourceId, Span};

pub use field::Field;
pub use mapping::{Lists, Mapping};
pub use mask::{mask, mask_secret_lines};

/// Texts above this many bytes are refused before they are parsed. The largest spec we could think of (a thousand
/// hosts with overrides) has under 1 MiB.
pub const MAX_TEXT: usize = 4 << 20;

/// A part of a document and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where. Of a mapping or sequence in block form only its first byte is known.
    pub span: Span,
    /// What.
    pub kind: NodeKind,
}

/// What a part of a document is. Scalars are resolved as YAML 1.2 does, with `true` and `false` as the only booleans.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeKind {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping; keys are text.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where.
    pub span: Span,
    /// The key.
    pub text: String,
}

impl Node {
    /// The value under a key, where this is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            NodeKind::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, v)| v),
            _ => None,
        }
    }
}

impl Serialize for Node {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.kind {
            NodeKind::Null => serializer.serialize_unit(),
            NodeKind::Bool(value) => serializer.serialize_bool(*value),
            NodeKind::Int(value) => match i64::try_from(*value) {
                Ok(value) => serializer.serialize_i64(value),
                Err(_) => serializer.serialize_i128(*value),
            },
            NodeKind::Float(value) => serializer.serialize_f64(*value),
            NodeKind::Text(value) => serializer.serialize_str(value),
            NodeKind::List(items) => serializer.collect_seq(items),
            NodeKind::Map(entries) => serializer.collect_map(entries.iter().map(|(k, v)| (&k.text, v))),
        }
    }
}

fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    let mut options = Options::default();
    // YAML 1.1's `yes` and `no` would otherwise make a host named `no` a boolean.
    options.strict_booleans = true;
    options.merge_keys = MergeKeyPolicy::Error;
    options.duplicate_keys = duplicate_keys;
    options.reject_unsupported_tags = true;
    options.with_snippet = false;
    let mut budget = Budget::default();
    budget.max_nodes = 100_000;
    budget.max_events = 300_000;
    // Nothing that is read here has a dozen levels; a thread's usual stack of 2 MiB holds these in a debug build too.
    budget.max_depth = 32;
    budget.max_documents = 1;
    options.budget = Some(budget);
    options
}

/// Reads one document.
///
/// A duplicate key does not end the reading: it is reported and the first value counts, so that the other mistakes
/// are found in the same pass.
///
/// Gives the findings, and with them the tree where there is one all the same.
#[must_use]
pub fn parse(text: &str, source: SourceId) -> (Option<Node>, Vec<Diagnostic>) {
    if text.len() > MAX_TEXT {
        let message = format!("the text has {} bytes, and at most {MAX_TEXT} are read", text.len());
        return (None, vec![Diagnostic::error(Code::UnreadableInput, message)]);
    }
    if let Some(at) = text.find('\0') {
        let span = Span { source, start: at, end: at + 1 };
        let found = Diagnostic::error(Code::NotText, "a NUL byte in the text").at(span, "here");
        return (None, vec![found.help("save the file as UTF-8 text")]);
    }
    let place = Place { text, source, offsets: Offsets::new(text) };
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(text, options(DuplicateKeyPolicy::Error)) {
        Ok(raw) => place.finish(raw, Vec::new()),
        Err(first) => {
            let diagnostic = place.diagnose(&first);
            match serde_yaml::from_str_with_options::<Spanned<Raw>>(text, options(DuplicateKeyPolicy::FirstWins)) {
                Ok(raw) => place.finish(
                    raw,
                    vec![
                        Diagnostic { code: Code::DuplicateKey, ..diagnostic }
                            .help("remove one of the two; the first one counts until then"),
                    ],
                ),
                Err(_) => (None, vec![diagnostic]),
            }
        }
    }
}

/// Writes a value as YAML in which every string is quoted, so that readers of YAML 1.1 and 1.2 see the same.
///
/// # Errors
/// When the value cannot be serialised, which is a bug of its type.
pub fn to_text<T: Serialize>(value: &T) -> Result<String, NotSerialisable> {
    let mut options = SerializerOptions::default();
    options.quote_all = true;
    options.prefer_block_scalars = false;
    serde_yaml::to_string_with_options(value, options).map_err(|error| NotSerialisable(error.to_string()))
}

/// A value that cannot be written as YAML: a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot be written as YAML: {0}")]
pub struct NotSerialisable(String);

/// Characters to bytes: the YAML crate counts some of its places in characters only.
struct Offsets {
    ascii: bool,
}

impl Offsets {
    fn new(text: &str) -> Self {
        Self { ascii: text.is_ascii() }
    }

    fn byte(&self, text: &str, chars: usize) -> usize {
        if self.ascii {
            return chars.min(text.len());
        }
        text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
    }
}

struct Place<'a> {
    text: &'a str,
    source: SourceId,
    offsets: Offsets,
}

impl Place<'_> {
    fn finish(&self, raw: Spanned<Raw>, mut found: Vec<Diagnostic>) -> (Option<Node>, Vec<Diagnostic>) {
        let node = self.node(raw, &mut found);
        (Some(node), found)
    }

    fn span(&self, location: serde_yaml::Location) -> Span {
        let span = location.span();
        let to_usize = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let (start, length) = match (span.byte_offset(), span.byte_len()) {
            (Some(start), Some(length)) => (to_usize(start), to_usize(length)),
            _ => {
                let start = self.offsets.byte(self.text, to_usize(span.offset()));
                let end = self.offsets.byte(self.text, to_usize(span.offset().saturating_add(span.len())));
                (start, end - start.min(end))
            }
        };
        let start = start.min(self.text.len());
        let mut end = start.saturating_add(length).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        Span { source: self.source, start, end }
    }

    fn diagnose(&self, error: &serde_yaml::Error) -> Diagnostic {
        let full = error.without_snippet().to_string();
        let message = full.split(" at line ").next().unwrap_or_default();
        Diagnostic::error(Code::YamlSyntax, in_words_of_yaml(message))
            .at_opt(error.location().map(|l| self.span(l)), "")
    }

    fn node(&self, raw: Spanned<Raw>, found: &mut Vec<Diagnostic>) -> Node {
        let span = self.span(raw.referenced);
        let kind = match raw.value {
            Raw::Null => NodeKind::Null,
            Raw::Bool(value) => NodeKind::Bool(value),
            Raw::Int(value) => NodeKind::Int(value),
            Raw::Float(value) => {
                // With leading zeros, or above 64 bits, the YAML crate makes floats of whole numbers, PyYAML other numbers.
                let digits = self.text.get(span.start..span.end).unwrap_or_default().trim_start_matches(['-', '+']);
                if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
                    let found_here = Diagnostic::error(
                        Code::InvalidValue,
                        "a whole number with leading zeros, or of more than 64 bits",
                    );
                    found.push(found_here.at(span, "").help("put it in quotes, so that it stays text"));
                }
                NodeKind::Float(value)
            }
            Raw::Text(value) => NodeKind::Text(value),
            Raw::List(items) => NodeKind::List(items.into_iter().map(|item| self.node(item, found)).collect()),
            Raw::Map(entries) => {
                let mut map = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let span = self.span(key.referenced);
                    match self.key(key, span) {
                        Some(key) => map.push((key, self.node(value, found))),
                        None => {
                            found.push(Diagnostic::error(Code::WrongType, "a key must be text").at(span, "not text"));
                        }
                    }
                }
                NodeKind::Map(map)
            }
        };
        Node { span, kind }
    }

    /// A number or boolean as key is taken as it is written, as every editor's YAML mode does.
    fn key(&self, key: Spanned<Raw>, span: Span) -> Option<Key> {
        let text = match key.value {
            Raw::Text(text) => text,
            Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::Null => self.text.get(span.start..span.end)?.to_owned(),
            Raw::List(_) | Raw::Map(_) => return None,
        };
        Some(Key { span, text })
    }
}

/// The YAML crate speaks of its own options and budgets; people who write specs do not know them.
fn in_words_of_yaml(message: &str) -> String {
    let key = message.strip_prefix("duplicate mapping key: ").and_then(|rest| rest.split(", set ").next());
    if let Some(key) = key {
        return format!("the key `{}` stands here a second time", key.escape_debug());
    }
    match message {
        _ if message.contains("Documents {") => "a second document; a spec is one".into(),
        // Not its name: a secret that begins with `!` and stands without quotes is a tag.
        _ if message.starts_with("unsupported tag") => {
            "tags (`!…`) are not used in specs; quote a text with `!`".into()
        }
        _ if message.contains("merge keys") => "merge keys (`<<`) are not used in specs".into(),
        _ if message.contains("budget breached") => {
            "more nodes than a spec can have; do anchors expand without end?".into()
        }
        other => other.to_owned(),
    }
}

/// What the YAML crate hands over before places are resolved.
enum Raw {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Int(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Int(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::{NodeKind, parse, to_text};
    use crate::diag::{Code, SourceId};

    fn codes(text: &str) -> Vec<Code> {
        parse(text, SourceId(0)).1.into_iter().map(|d| d.code).collect()
    }

    #[test]
    fn words_that_yaml_1_1_twists_stay_text() {
        let text = "a: [yes, 'no', 22:22, 2024-01-01, on]\n";
        let (node, found) = parse(text, SourceId(0));
        assert!(found.is_empty());
        let node = node.expect("a tree");
        let NodeKind::List(items) = &node.get("a").expect("a").kind else { panic!("a list") };
        assert!(items.iter().all(|item| matches!(item.kind, NodeKind::Text(_))));
    }

    #[test]
    fn hostile_texts_end_soon_and_say_so() {
        for (text, code) in [
            ("[".repeat(100_000), Code::YamlSyntax),
            ("a: *b\n".to_owned(), Code::YamlSyntax),
            ("a: !!python/object:os.system {}\n".to_owned(), Code::YamlSyntax),
            ("<<: {a: 1}\n".to_owned(), Code::YamlSyntax),
            ("a: 1\n---\nb: 1\n".to_owned(), Code::YamlSyntax),
            ("a:\n\tb: 1\n".to_owned(), Code::YamlSyntax),
            ("a: 1\0".to_owned(), Code::NotText),
            ("a: 1\na: 2\n".to_owned(), Code::DuplicateKey),
            ("a: 123456789012345678901234567890\n".to_owned(), Code::InvalidValue),
            ("x".repeat(5 << 20), Code::UnreadableInput),
            (bomb(), Code::YamlSyntax),
        ] {
            assert_eq!(codes(&text), [code], "{text:.40}");
        }
    }

    fn bomb() -> String {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        let lines = (1..10).map(|i| {
            let alias = format!("*a{}, ", i - 1).repeat(10);
            format!("a{i}: &a{i} [{}]\n", alias.trim_end_matches(", "))
        });
        text.extend(lines);
        text
    }

    #[test]
    fn places_are_bytes_also_behind_other_alphabets() {
        let text = "ä: ö\nb: {ü: x}\n";
        let (node, _) = parse(text, SourceId(0));
        let node = node.expect("a tree");
        let x = node.get("b").and_then(|b| b.get("ü")).expect("x");
        assert_eq!(&text[x.span.start..x.span.end], "x");
    }

    #[test]
    fn strings_are_quoted_on_the_way_out() {
        assert_eq!(to_text(&["yes", "1:30", "a\nb"]).expect("text"), "- 'yes'\n- '1:30'\n- \"a\\nb\"\n");
    }
}

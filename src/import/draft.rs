//! The text of a spec that knows where its values were written before.

use std::ops::Range;

use crate::diag::Span;
use crate::yaml::{Key, Node, NodeKind};

/// A spec in the making.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    text: String,
    /// Which bytes of it come from where.
    origins: Vec<(Range<usize>, Span)>,
    /// Whether a secret is in it.
    secret: bool,
}

impl Draft {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a secret is in it: then it is for its owner only.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        self.secret
    }

    /// Where that was written which stands at this byte.
    #[must_use]
    pub fn origin(&self, at: usize) -> Option<Span> {
        self.origins.iter().find(|(range, _)| range.contains(&at)).map(|(_, span)| *span)
    }

    pub(super) fn say(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// A word that a name's type has checked, or checks when the spec is read.
    pub(super) fn word(&mut self, word: &str, origin: Span) {
        let start = self.text.len();
        let word = if is_plain(word) { word.to_owned() } else { quoted(word) };
        self.text.push_str(&word);
        self.origins.push((start..self.text.len(), origin));
    }

    /// Any text, in quotes.
    pub(super) fn value(&mut self, value: &str, origin: Span) {
        let start = self.text.len();
        self.text.push_str(&quoted(value));
        self.origins.push((start..self.text.len(), origin));
    }

    /// One entry of a mapping, `indent` deep, on a line of its own.
    pub(super) fn entry(&mut self, indent: &str, key: &str, value: &str, origin: Span) {
        self.say(&format!("{indent}{key}: "));
        self.value(value, origin);
        self.say("\n");
    }

    /// A secret, in quotes.
    pub(super) fn hidden(&mut self, secret: &crate::names::Secret, origin: Span) {
        self.secret = true;
        self.value(secret.expose(), origin);
    }

    /// Entries of a mapping, a line each, so far in.
    pub(super) fn entries(&mut self, entries: &[(Key, Node)], indent: usize) {
        for (key, node) in entries {
            self.say(&" ".repeat(indent));
            self.word(&key.text, key.span);
            match &node.kind {
                NodeKind::Map(below) if !below.is_empty() => {
                    self.say(":\n");
                    self.entries(below, indent + 2);
                }
                _ => {
                    self.say(": ");
                    let start = self.text.len();
                    // JSON is YAML, and quotes every text.
                    self.text.push_str(&serde_json::to_string(node).unwrap_or_default());
                    self.origins.push((start..self.text.len(), node.span));
                    self.say("\n");
                }
            }
        }
    }

    /// Says that what was added may hold secrets.
    pub(super) const fn mark_secret(&mut self) {
        self.secret = true;
    }
}

/// A text that every reader of YAML takes for that very text: a JSON string is one.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Whether a word needs no quotes in YAML 1.1 or 1.2: addresses, and names that are no boolean and not `null`.
fn is_plain(word: &str) -> bool {
    const READ_AS_OTHER: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
    let name = word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && !READ_AS_OTHER.contains(&word.to_ascii_lowercase().as_str());
    name || word.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::{Draft, quoted};
    use crate::diag::{SourceId, Span};

    #[test]
    fn every_text_is_read_as_it_was_and_knows_its_origin() {
        let span = Span { source: SourceId(0), start: 7, end: 9 };
        for text in ["no", "1e3", "a: b", "ü\u{7}\n\"'", "10.0.0.1", "db-1", "~", "on", "0x10", "#"] {
            let mut draft = Draft::default();
            draft.say("a: ");
            draft.word(text, span);
            draft.say("\n");
            let (node, found) = crate::yaml::parse(draft.text(), SourceId(0));
            assert!(found.is_empty(), "{text}: {found:?}");
            let read = node.as_ref().and_then(|node| node.get("a")).map(|node| node.kind.clone());
            assert_eq!(read, Some(crate::yaml::NodeKind::Text(text.to_owned())), "{}", quoted(text));
            assert_eq!(draft.origin(3), Some(span));
            assert_eq!(draft.origin(0), None);
        }
    }
}

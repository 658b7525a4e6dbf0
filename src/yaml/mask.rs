//! Secrets out of texts that excerpts are shown of.

use super::decode::SECRET_WORDS;
use crate::diag::{SourceId, Span};

/// Blanks out the given places and what is secret in addresses, byte for byte, so that all other places stay where they are.
#[must_use]
pub fn mask(text: &str, secrets: &[Span], id: SourceId) -> String {
    let mut bytes = mask_addresses(text).into_bytes();
    for span in secrets.iter().filter(|span| span.source == id) {
        let (start, end) = whole_value(text, span.start, span.end);
        for byte in bytes.get_mut(start..end).into_iter().flatten() {
            if *byte != b'\n' {
                *byte = b'*';
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Blanks out logins and queries of addresses, wherever they stand: `scheme://***@host/path?***`.
fn mask_addresses(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at + 3);
        let end = address.find(|c: char| c.is_whitespace() || "\"'`".contains(c)).unwrap_or(address.len());
        let (address, behind) = address.split_at(end);
        let server = address.find('/').unwrap_or(end);
        let login = address[..server].rfind('@').unwrap_or(0);
        let query = address[login..].find('?').map_or(end, |query| login + query + 1);
        let stars = |text: &str| "*".repeat(text.len());
        masked.extend([before, &stars(&address[..login]), &address[login..query], &stars(&address[query..])]);
        rest = behind;
    }
    masked + rest
}

/// A secret's place, with what a slip of the finger makes of it: an anchor or tag before it, a comment behind it.
fn whole_value(text: &str, start: usize, end: usize) -> (usize, usize) {
    let end = end.min(text.len());
    let start = start.min(end);
    let (Some(before), Some(behind)) = (text.get(..start), text.get(end..)) else { return (0, text.len()) };
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let key = [": ", ":\t"].iter().filter_map(|colon| before[line..].rfind(colon)).max();
    let first = key.map_or(start, |at| line + at + 2);
    let rest = behind.split('\n').next().unwrap_or_default();
    let comment = start == end || rest.trim_start().starts_with('#');
    (first, if comment { end + rest.len() } else { end })
}

/// Blanks out what stands behind a key that sounds like a secret, what is indented below it, and what is secret in addresses. For texts that could
/// not be parsed, whose secrets are therefore not known by type. `is_key` knows the keys that such texts have.
#[must_use]
pub fn mask_secret_lines(text: &str, is_key: impl Fn(&str) -> bool) -> String {
    let text = mask_addresses(text);
    let mut masked = String::with_capacity(text.len());
    let mut above: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        // A text that lost its quotes or its indentation goes on until something else begins.
        if above.is_some_and(|above| indent <= above && begins_entry(line, &is_key)) {
            above = None;
        }
        let from = if above.is_some() { Some(0) } else { behind_secret_key(line) };
        if from.is_some() && above.is_none() {
            above = Some(indent);
        }
        let (shown, hidden) = line.split_at(from.unwrap_or(line.len()));
        masked.push_str(shown);
        masked.extend(hidden.chars().flat_map(|c| match c {
            ' ' | '\t' | '\r' | '\n' => std::iter::repeat_n(c, 1),
            other => std::iter::repeat_n('*', other.len_utf8()),
        }));
    }
    masked
}

/// Whether a line begins an entry of a mapping with a key that such texts have: another word may be what a slip made of a
/// secret's key. An entry of a list is none here, because a dash may be a slip before a secret.
fn begins_entry(line: &str, is_key: &impl Fn(&str) -> bool) -> bool {
    let entry = line.trim_start().split_once(':');
    entry.is_some_and(|(key, rest)| is_key(key) && rest.starts_with(char::is_whitespace))
}

/// Where the value begins that stands behind the first key of a line that sounds like a secret.
fn behind_secret_key(line: &str) -> Option<usize> {
    let line = line.to_ascii_lowercase();
    let key = SECRET_WORDS.iter().filter_map(|word| line.find(word)).min()?;
    line[key..].find(':').map(|colon| key + colon + 1)
}

//! Texts that diagnostics point into.

/// Which text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SourceId(pub usize);

/// A range of bytes in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// Which text.
    pub source: SourceId,
    /// First byte.
    pub start: usize,
    /// One after the last byte.
    pub end: usize,
}

/// A text with the name that its reader knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As the user gave it, such as `cluster.yaml`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// The texts of one run.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    all: Vec<Source>,
}

impl Sources {
    /// Adds a text.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.all.push(Source { name: name.into(), text: text.into() });
        SourceId(self.all.len() - 1)
    }

    /// Puts another text in place of one, which must be as long: places stay valid.
    pub fn replace(&mut self, id: SourceId, text: String) {
        if let Some(source) = self.all.get_mut(id.0).filter(|source| source.text.len() == text.len()) {
            source.text = text;
        }
    }

    /// The text of this id.
    #[must_use]
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.all.get(id.0)
    }

    /// Line and column of the first byte of a span, both from 1; the column counts characters.
    #[must_use]
    pub fn line_column(&self, span: Span) -> Option<(usize, usize)> {
        let text = &self.get(span.source)?.text;
        let before = text.get(..span.start.min(text.len()))?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.get(line_start..)?.trim_start_matches('\u{feff}').chars().count() + 1;
        Some((line, column))
    }
}

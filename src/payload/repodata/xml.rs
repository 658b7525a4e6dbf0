//! XML, as much of it as metadata of repositories needs.

use std::io::{self, BufWriter, Write};

/// A document on its way. Elements are indented, for people who look.
pub(super) struct Xml<W: Write> {
    out: BufWriter<W>,
    depth: usize,
}

impl<W: Write> Xml<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let mut xml = Self { out: BufWriter::with_capacity(1 << 16, out), depth: 0 };
        xml.out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
        Ok(xml)
    }

    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.begin(name, attributes)?;
        self.depth += 1;
        self.out.write_all(b">\n")
    }

    pub(super) fn close(&mut self, name: &str) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        writeln!(self.out, "{:indent$}</{name}>", "", indent = 2 * self.depth)
    }

    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.begin(name, attributes)?;
        self.out.write_all(b"/>\n")
    }

    pub(super) fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) -> io::Result<()> {
        if text.is_empty() {
            return self.empty(name, attributes);
        }
        self.begin(name, attributes)?;
        self.out.write_all(b">")?;
        self.escaped(text)?;
        writeln!(self.out, "</{name}>")
    }

    fn begin(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        write!(self.out, "{:indent$}<{name}", "", indent = 2 * self.depth)?;
        for (name, value) in attributes {
            write!(self.out, " {name}=\"")?;
            self.escaped(value)?;
            self.out.write_all(b"\"")?;
        }
        Ok(())
    }

    fn escaped(&mut self, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(is_special) {
            let (plain, special) = rest.split_at(at);
            self.out.write_all(plain.as_bytes())?;
            let mut characters = special.chars();
            match characters.next() {
                Some('&') => self.out.write_all(b"&amp;")?,
                Some('<') => self.out.write_all(b"&lt;")?,
                Some('>') => self.out.write_all(b"&gt;")?,
                Some('"') => self.out.write_all(b"&quot;")?,
                // What XML 1.0 has no way to say (§2.2): headers come from anywhere.
                _ => self.out.write_all("\u{fffd}".as_bytes())?,
            }
            rest = characters.as_str();
        }
        self.out.write_all(rest.as_bytes())
    }

    /// What it was written to.
    pub(super) fn into_inner(self) -> W {
        // Nothing here fails: it goes to memory.
        match self.out.into_inner() {
            Ok(out) => out,
            Err(error) => error.into_inner().into_parts().0,
        }
    }
}

fn is_special(c: char) -> bool {
    match c {
        '&' | '<' | '>' | '"' | '\u{fffe}' | '\u{ffff}' => true,
        '\t' | '\n' => false,
        c => c < ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::Xml;

    #[test]
    fn what_xml_cannot_say_is_not_said() {
        let mut xml = Xml::new(Vec::new()).expect("memory");
        xml.open("a", &[("b", "<\"&'>")]).expect("memory");
        xml.text("c", &[], "1 < 2\n\u{1b}[31m \u{ffff} ä").expect("memory");
        xml.text("d", &[], "").expect("memory");
        xml.close("a").expect("memory");
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b=\"&lt;&quot;&amp;'&gt;\">\n  \
            <c>1 &lt; 2\n\u{fffd}[31m \u{fffd} ä</c>\n  <d/>\n</a>\n";
        assert_eq!(String::from_utf8(xml.into_inner()).expect("text"), expected);
    }
}

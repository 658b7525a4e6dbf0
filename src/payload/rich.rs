//! Rich dependencies: requirements with `and`, `or`, `if`, `unless`, `with` and `without`.

use super::{Comparison, Relation};

/// Levels of parentheses; nobody was seen to use more than three.
const MAX_DEPTH: usize = 32;

/// What must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// Something that a package provides.
    Plain(Relation),
    /// All of them.
    And(Vec<Self>),
    /// One of them.
    Or(Vec<Self>),
    /// One package that provides all of them.
    With(Vec<Self>),
    /// A package that provides the first and not the second.
    Without(Box<[Self; 2]>),
    /// The first where the second is there; else the third, if there is one.
    If(Box<[Self; 2]>, Option<Box<Self>>),
    /// The first where the second is not there; else the third, and without one it cannot be.
    Unless(Box<[Self; 2]>, Option<Box<Self>>),
}

impl Requirement {
    /// Reads the requirement of a package: its name is a rich dependency when it begins with a parenthesis.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(relation: &Relation) -> Result<Self, String> {
        if !relation.name.starts_with('(') {
            return Ok(Self::Plain(relation.clone()));
        }
        let mut reader = Reader { rest: &relation.name, depth: 0 };
        let read = reader.operand()?;
        if reader.rest.is_empty() { Ok(read) } else { Err(format!("`{}` follows its end", reader.rest)) }
    }
}

impl std::fmt::Display for Requirement {
    /// As one would write it in a spec file; the outermost parentheses are there too.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |f: &mut std::fmt::Formatter<'_>, all: &[Self], word: &str| {
            for (at, one) in all.iter().enumerate() {
                write!(f, "{}{one}", if at == 0 { String::from("(") } else { format!(" {word} ") })?;
            }
            f.write_str(")")
        };
        let condition =
            |f: &mut std::fmt::Formatter<'_>, word: &str, two: &[Self; 2], otherwise: &Option<Box<Self>>| {
                write!(f, "({} {word} {}", two[0], two[1])?;
                match otherwise {
                    Some(otherwise) => write!(f, " else {otherwise})"),
                    None => f.write_str(")"),
                }
            };
        match self {
            Self::Plain(relation) => relation.fmt(f),
            Self::And(all) => list(f, all, "and"),
            Self::Or(all) => list(f, all, "or"),
            Self::With(all) => list(f, all, "with"),
            Self::Without(two) => list(f, two.as_slice(), "without"),
            Self::If(two, otherwise) => condition(f, "if", two, otherwise),
            Self::Unless(two, otherwise) => condition(f, "unless", two, otherwise),
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl Reader<'_> {
    /// A dependency in parentheses, or a relation.
    fn operand(&mut self) -> Result<Requirement, String> {
        self.blanks();
        let Some(rest) = self.rest.strip_prefix('(') else { return self.relation().map(Requirement::Plain) };
        self.rest = rest;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("it has more than {MAX_DEPTH} levels of parentheses"));
        }
        let read = self.inner()?;
        self.depth -= 1;
        self.blanks();
        self.rest = self.rest.strip_prefix(')').ok_or("a parenthesis is not closed")?;
        Ok(read)
    }

    /// What stands in parentheses: operands, between them one word for all of them.
    fn inner(&mut self) -> Result<Requirement, String> {
        let mut operands = vec![self.operand()?];
        let mut words: Vec<String> = Vec::new();
        while let Some(word) = self.word() {
            words.push(word);
            operands.push(self.operand()?);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let all = |word: &str| words.iter().all(|other| *other == word);
        let mut operands = operands.into_iter();
        let mut next = || operands.next().ok_or_else(|| "an operand is missing".to_owned());
        match words.as_slice() {
            // Parentheses around one thing.
            [] => next(),
            ["without"] => Ok(Requirement::Without(Box::new([next()?, next()?]))),
            ["if"] => Ok(Requirement::If(Box::new([next()?, next()?]), None)),
            ["unless"] => Ok(Requirement::Unless(Box::new([next()?, next()?]), None)),
            ["if", "else"] => Ok(Requirement::If(Box::new([next()?, next()?]), Some(Box::new(next()?)))),
            ["unless", "else"] => Ok(Requirement::Unless(Box::new([next()?, next()?]), Some(Box::new(next()?)))),
            [..] if all("and") => Ok(Requirement::And(operands.collect())),
            [..] if all("or") => Ok(Requirement::Or(operands.collect())),
            [..] if all("with") => Ok(Requirement::With(operands.collect())),
            [..] => Err(format!("`{}` do not go together without parentheses", words.join("` and `"))),
        }
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// The word between two operands; none at a closing parenthesis.
    fn word(&mut self) -> Option<String> {
        self.blanks();
        let end = self.rest.find(|c: char| c.is_whitespace() || c == ')' || c == '(').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    /// A name, or a name with a version.
    fn relation(&mut self) -> Result<Relation, String> {
        let name = self.token();
        if name.is_empty() {
            return Err("a name is missing".to_owned());
        }
        self.blanks();
        let signs = self.rest.bytes().take_while(|byte| b"<=>".contains(byte)).count();
        let (sign, rest) = self.rest.split_at(signs);
        let comparison = match sign {
            "" => return Ok(Relation { name, version: None, before_scripts: false }),
            "<" => Comparison::Less,
            "<=" | "=<" => Comparison::LessOrEqual,
            "=" | "==" => Comparison::Equal,
            ">=" | "=>" => Comparison::GreaterOrEqual,
            ">" => Comparison::Greater,
            other => return Err(format!("`{other}` compares nothing")),
        };
        self.rest = rest;
        self.blanks();
        let version = self.token();
        if version.is_empty() {
            return Err(format!("a version is missing after `{name} {sign}`"));
        }
        Ok(Relation { name, version: Some((comparison, version)), before_scripts: false })
    }

    /// Up to a blank or a parenthesis that was not opened in it: `libx.so.1()(64bit)` is one name.
    fn token(&mut self) -> String {
        let mut open = 0_usize;
        let ends = |c: char| match c {
            '(' => {
                open += 1;
                false
            }
            ')' => open.checked_sub(1).map(|less| open = less).is_none(),
            c => c.is_whitespace(),
        };
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        token.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Requirement, String> {
        Requirement::of(&Relation { name: text.to_owned(), version: None, before_scripts: false })
    }

    #[test]
    fn rich_dependencies_are_read_as_they_are_written() {
        for text in [
            "plain",
            "(a and b and c >= 1:2-3)",
            "(a or (b with c < 2 with d))",
            "(a without b = 1)",
            "(a if b)",
            "(a if b else (c and d))",
            "((a or b) unless libx.so.1()(64bit) else c)",
            "(libx.so.1(VER_1)(64bit) and pkgconfig(y) > 3)",
        ] {
            assert_eq!(read(text).map(|read| read.to_string()), Ok(text.to_owned()));
        }
        // What stands in two parentheses is one thing.
        assert_eq!(read("((a))").map(|read| read.to_string()), Ok("a".to_owned()));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let deep = format!("{}a{}", "(".repeat(40), ")".repeat(40));
        for (text, expected) in [
            ("(a", "not closed"),
            ("(a and b or c)", "do not go together"),
            ("(a if b if c)", "do not go together"),
            ("(a without b without c)", "do not go together"),
            ("(a xor b)", "do not go together"),
            ("(a and)", "name is missing"),
            ("(a >= )", "version is missing"),
            ("(a <> 1)", "compares nothing"),
            ("()", "name is missing"),
            ("(a) b", "follows its end"),
            (&deep, "levels of parentheses"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}

//! What is installed on an image, as rpm lists it there (docs/payload.md).

use super::package::Files;
use super::{Comparison, Nevra, Relation};

/// Lines of a list; an image of a server has about 200,000 of them.
const MAX_LINES: usize = 4_000_000;

/// A package that is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// Which one.
    pub nevra: Nevra,
    /// What it provides.
    pub provides: Vec<Relation>,
    /// What it requires.
    pub requires: Vec<Relation>,
    /// What it cannot be installed with.
    pub conflicts: Vec<Relation>,
    /// What it took the place of.
    pub obsoletes: Vec<Relation>,
    /// Its files.
    pub files: Files,
}

/// Why a list is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct InventoryError {
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub why: String,
}

/// Reads a list.
///
/// # Errors
/// The first line that is wrong, or that there is no package.
pub fn inventory(text: &str) -> Result<Vec<Installed>, InventoryError> {
    let mut all: Vec<Reading> = Vec::new();
    let mut lines = 0;
    for (at, line) in text.lines().enumerate() {
        lines = at + 1;
        if lines > MAX_LINES {
            return Err(InventoryError { line: lines, why: format!("more than {MAX_LINES} lines") });
        }
        read_line(line.trim_end_matches('\r'), &mut all).map_err(|why| InventoryError { line: lines, why })?;
    }
    if all.is_empty() {
        let why = "no package: this is not the output of the command in docs/payload.md".to_owned();
        return Err(InventoryError { line: lines.max(1), why });
    }
    Ok(all
        .into_iter()
        .map(|reading| Installed { files: Files::from_paths(reading.paths), ..reading.package })
        .collect())
}

#[derive(Default)]
struct Reading<'t> {
    package: Installed,
    paths: Vec<&'t str>,
}

fn read_line<'t>(line: &'t str, all: &mut Vec<Reading<'t>>) -> Result<(), String> {
    let mut fields = line.split('\t');
    let kind = fields.next().unwrap_or_default();
    let fields: Vec<&str> = fields.collect();
    if let ("package", [name, epoch, version, release, arch]) = (kind, fields.as_slice()) {
        let epoch = match *epoch {
            "(none)" => 0,
            number => number.parse().map_err(|_| format!("`{number}` is no epoch"))?,
        };
        let [name, version, release, arch] = [name, version, release, arch].map(|text| (*text).to_owned());
        let nevra = Nevra { name, epoch, version, release, arch };
        all.push(Reading { package: Installed { nevra, ..Installed::default() }, paths: Vec::new() });
        return Ok(());
    }
    if line.is_empty() {
        return Ok(());
    }
    let unknown = || format!("`{}` is no line of such a list", line.chars().take(60).collect::<String>());
    let Some(Reading { package, paths }) = all.last_mut() else { return Err(unknown()) };
    match (kind, fields.as_slice()) {
        // What a package has none of.
        (_, ["(none)", ..]) => {}
        ("provides", fields) => package.provides.push(relation(fields).ok_or_else(unknown)?),
        ("requires", fields) => package.requires.push(relation(fields).ok_or_else(unknown)?),
        ("conflicts", fields) => package.conflicts.push(relation(fields).ok_or_else(unknown)?),
        ("obsoletes", fields) => package.obsoletes.push(relation(fields).ok_or_else(unknown)?),
        ("file", [path]) if path.starts_with('/') => paths.push(path),
        _ => return Err(unknown()),
    }
    Ok(())
}

fn relation(fields: &[&str]) -> Option<Relation> {
    let &[name, sign, version] = fields else { return None };
    let comparison = match sign.trim() {
        "" => None,
        "<" => Some(Comparison::Less),
        "<=" => Some(Comparison::LessOrEqual),
        "=" => Some(Comparison::Equal),
        ">=" => Some(Comparison::GreaterOrEqual),
        ">" => Some(Comparison::Greater),
        _ => return None,
    };
    let version = comparison.filter(|_| !version.is_empty()).map(|sign| (sign, version.to_owned()));
    Some(Relation { name: name.to_owned(), version, before_scripts: false })
}

#[cfg(test)]
mod tests {
    use super::inventory;

    #[test]
    fn a_list_is_read() {
        let text = "package\tbash\t0\t5.0\t1.el8\tx86_64\nprovides\tbash\t=\t5.0-1.el8\nprovides\t/bin/sh\t\t\n\
            requires\tglibc\t>=\t2.28\nconflicts\t(none)\t(none)\t(none)\nobsoletes\t(none)\t(none)\t(none)\n\
            file\t/usr/bin/bash\nfile\t/usr/bin/sh\n\npackage\tgpg-pubkey\t(none)\t8483c65d\t5ccc5b19\t(none)\n";
        let list = inventory(text).expect("a list");
        assert_eq!(list.iter().map(|one| one.nevra.name.as_str()).collect::<Vec<_>>(), ["bash", "gpg-pubkey"]);
        assert_eq!(
            list[0].provides.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["bash = 5.0-1.el8", "/bin/sh"]
        );
        assert_eq!(list[0].requires[0].to_string(), "glibc >= 2.28");
        assert!(list[0].conflicts.is_empty() && list[0].files.contains("/usr/bin/sh"));
    }

    #[test]
    fn what_is_no_list_is_said_with_its_line() {
        for (text, line, part) in [
            ("", 1, "no package"),
            ("bash-5.0-1.el8.x86_64\n", 1, "no line of such a list"),
            ("package\tx\t0\t1\t1\tnoarch\nrequires\ta\t=>\t1\n", 2, "no line of such a list"),
            ("package\tx\tx\t1\t1\tnoarch\n", 1, "no epoch"),
            ("package\tx\t0\t1\t1\tnoarch\nfile\trelative\n", 2, "no line of such a list"),
        ] {
            let error = inventory(text).expect_err(text);
            assert!(error.line == line && error.why.contains(part), "{error}");
        }
    }
}

//! The pages behind `cfy-seed explain`: one Markdown section per code in `docs/codes/`.

/// One page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The code, such as `CFY-S001`.
    pub code: &'static str,
    /// Its title, a few words.
    pub title: &'static str,
    /// What it means and what to do, as Markdown.
    pub body: &'static str,
}

const FILES: &[&str] = &[
    include_str!("../../docs/codes/spec.md"),
    include_str!("../../docs/codes/plan.md"),
    include_str!("../../docs/codes/vault.md"),
    include_str!("../../docs/codes/payload.md"),
    include_str!("../../docs/codes/bundle.md"),
    include_str!("../../docs/codes/target.md"),
    include_str!("../../docs/codes/guest.md"),
];

/// Every page, in the order of the files.
#[must_use]
pub fn pages() -> Vec<Page> {
    FILES.iter().flat_map(|file| file.split("\n## ").skip(1)).filter_map(page).collect()
}

fn page(section: &'static str) -> Option<Page> {
    let (heading, body) = section.split_once('\n')?;
    let (code, title) = heading.split_once(' ')?;
    Some(Page { code, title, body: body.trim() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Code;
    use super::pages;

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let pages: Vec<_> = pages();
        let written: BTreeSet<&str> = pages.iter().map(|p| p.code).filter(|c| !c.starts_with("CFY-G")).collect();
        let used: BTreeSet<&str> = Code::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(written, used);
        assert_eq!(pages.len(), pages.iter().map(|p| p.code).collect::<BTreeSet<_>>().len(), "a page twice");
        for page in pages {
            assert!(!page.title.is_empty() && page.body.len() > 40, "{} says too little", page.code);
        }
    }
}

//! "Did you mean".

/// The candidate nearest to what was written, if one is near enough to be what was meant.
///
/// Near means a Damerau-Levenshtein distance of at most a third of the longer word (but at least one), compared
/// without case and with `_` and `-` alike.
#[must_use]
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The comparison is quadratic; nobody mistypes a key of this length.
    if written.len() > 80 {
        return None;
    }
    let fold = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
    let folded = fold(written);
    candidates
        .into_iter()
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (written.len().max(candidate.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let mut best = (last[j] + usize::from(l != r)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant_and_nothing_else() {
        let keys = ["private_ip", "public_ip", "name", "roles"];
        assert_eq!(nearest("privat_ip", keys), Some("private_ip"));
        assert_eq!(nearest("privateIp", keys), Some("private_ip"));
        assert_eq!(nearest("nmae", keys), Some("name"));
        assert_eq!(nearest("role", keys), Some("roles"));
        assert_eq!(nearest("zebra", keys), None);
        assert_eq!(nearest("", keys), None);
        assert_eq!(nearest(&"n".repeat(100_000), keys), None);
    }
}

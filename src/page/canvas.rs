//! What both pictures share: names of roles, and texts that fit.

/// Roles in the order in which they are shown, with their names for people.
pub(super) const ROLES: &[(&str, &str)] = &[
    ("database", "Databases"),
    ("broker", "Brokers"),
    ("manager", "Managers"),
    ("all_in_one", "All in one"),
    ("load_balancer", "Load balancer"),
];

/// The name for people of a role, or of whoever else connects.
pub(super) fn title(word: &str) -> &'static str {
    let role = ROLES.iter().find(|(role, _)| *role == word).map(|(_, name)| *name);
    role.unwrap_or(match word {
        "outside_balancer" => "Load balancer (outside)",
        "agent" => "Agents",
        "user" => "People and programs",
        _ => "Others",
    })
}

/// A text of at most so many characters; what was cut out of its middle is an ellipsis, because names of hosts differ at
/// their ends. The whole of it is said beside it.
pub(super) fn cut(text: &str, most: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        return text.to_owned();
    }
    let (head, tail) = (most / 2, letters.len() - (most - most / 2 - 1));
    letters[..head].iter().chain(['…'].iter()).chain(&letters[tail..]).collect()
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn both_ends_of_a_long_name_stay() {
        assert_eq!(cut("broker-1", 8), "broker-1");
        assert_eq!(cut("broker-with-a-long-name-17", 15), "broker-…name-17");
        assert_eq!(cut("größer-ist-länger", 5), "gr…er");
    }
}

//! Accounts and databases of services that cfy-seed does not install.

use super::word;

/// `PostgreSQL` cuts longer names (`NAMEDATALEN`).
const MAX_NAME: usize = 63;

/// Cloudify writes these names unescaped into SQL and addresses (cloudify.md §1.2).
fn sql_word(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn database(text: &str) -> Result<(), String> {
    let why = "expected a database's name: letters, digits, `_`, first a letter, at most 63";
    if sql_word(text) { Ok(()) } else { Err(why.into()) }
}

fn database_user(text: &str) -> Result<(), String> {
    let (user, server) = text.split_once('@').unwrap_or((text, "server"));
    let good = !server.is_empty()
        && server.len() <= MAX_NAME
        && server.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let why = "expected a database user: letters, digits, `_`, first a letter, at most 63; on Azure with `@server`";
    if sql_word(user) && good { Ok(()) } else { Err(why.into()) }
}

fn broker_user(text: &str) -> Result<(), String> {
    let good = (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    let why = "expected a user of RabbitMQ: letters, digits, `_`, `-`, `.`, first a letter, at most 64";
    if good { Ok(()) } else { Err(why.into()) }
}

word!(
    /// The name of a database.
    DatabaseName, "^[A-Za-z_][A-Za-z0-9_]{0,62}$", database
);
word!(
    /// A database's user, on Azure's single servers with `@server` behind it.
    DatabaseUser, "^[A-Za-z_][A-Za-z0-9_]*(@[A-Za-z0-9-]+)?$", database_user
);
word!(
    /// A user of `RabbitMQ`.
    BrokerUser, "^[A-Za-z][A-Za-z0-9._-]{0,63}$", broker_user
);

impl DatabaseUser {
    /// What stands after the `@`.
    #[must_use]
    pub fn server(&self) -> Option<&str> {
        self.as_str().split_once('@').map(|(_, server)| server)
    }
}

#[cfg(test)]
mod tests {
    use super::{BrokerUser, DatabaseName, DatabaseUser};

    #[test]
    fn what_breaks_sql_or_an_address_is_no_name() {
        for text in ["", "1a", "a-b", "a b", "a'b", "a@", "a@b@c", "a@b.c", &"a".repeat(64)] {
            assert!(text.parse::<DatabaseUser>().is_err(), "{text}");
        }
        assert_eq!("cloudify@srv-1".parse::<DatabaseUser>().expect("a user").server(), Some("srv-1"));
        assert!("a@b".parse::<DatabaseName>().is_err());
        assert!("cloudify.mq-1".parse::<BrokerUser>().is_ok());
        assert!("a:b".parse::<BrokerUser>().is_err());
    }
}

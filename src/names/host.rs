//! Names of things on the network.

use super::word;

const MAX_LABEL: usize = 63;
const MAX_DOMAIN: usize = 253;

/// Says what is wrong with one DNS label (RFC 1123 §2.1), lower case only: Cloudify, RabbitMQ and etcd compare
/// names letter by letter.
fn label(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("the name is empty".into());
    }
    if text.len() > MAX_LABEL {
        return Err(format!("{} characters, but one label of a DNS name has at most {MAX_LABEL}", text.len()));
    }
    if let Some(bad) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
        return Err(match bad {
            '.' => "a name is one label without a dot; the domain goes to `network.domain`".into(),
            'A'..='Z' => format!("`{bad}` is upper case; names are lower case everywhere in a cluster"),
            other => format!("`{}` is not a letter a-z, a digit or `-`", other.escape_debug()),
        });
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err("a name neither starts nor ends with `-`".into());
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("a name of digits alone is read as a number or an address; add a letter".into());
    }
    Ok(())
}

fn domain(text: &str) -> Result<(), String> {
    if text.len() > MAX_DOMAIN {
        return Err(format!("{} characters, but a domain has at most {MAX_DOMAIN}", text.len()));
    }
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Err("this is an address; a domain is a name such as `example.com`".into());
    }
    // Inner labels of digits alone are legal (RFC 1123 §2.1); only the last one must not look like an address.
    let labels: Vec<&str> = text.split('.').collect();
    for (index, part) in labels.iter().enumerate() {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if digits && index + 1 < labels.len() && part.len() <= MAX_LABEL {
            continue;
        }
        label(part).map_err(|why| format!("label `{}`: {why}", part.escape_debug()))?;
    }
    Ok(())
}

/// Cloudify itself adds `default` and `external` to a host's networks (cloudify.md §1.2).
fn network(text: &str) -> Result<(), String> {
    match text {
        "default" => Err("Cloudify calls the network of `private_ip` so".into()),
        "external" => Err("Cloudify calls the network of `public_ip` so".into()),
        _ => label(text),
    }
}

/// Says what is wrong with an `http` or `https` address. Only what would break curl, yum or a shell-free record
/// file is refused; whether anything answers there is not our business.
fn web_url(text: &str) -> Result<(), String> {
    url(text, "http")
}

fn ldap_url(text: &str) -> Result<(), String> {
    url(text, "ldap")
}

/// An address of this scheme, or of its form over TLS, which has an `s` more.
fn url(text: &str, scheme: &str) -> Result<(), String> {
    let rest = text.strip_prefix(scheme).map(|rest| rest.strip_prefix('s').unwrap_or(rest));
    let Some(rest) = rest.and_then(|rest| rest.strip_prefix("://")) else {
        return Err(format!("an address here starts with `{scheme}://` or `{scheme}s://`"));
    };
    if let Some(bad) = text.chars().find(|c| !c.is_ascii_graphic() || "\"'`<>\\^{|}".contains(*c)) {
        return Err(format!("`{}` must be percent-encoded in an address", bad.escape_debug()));
    }
    if rest.split('/').next().is_none_or(str::is_empty) {
        return Err("the host is missing after `//`".into());
    }
    if text.len() > 2048 {
        return Err("longer than 2048 characters".into());
    }
    Ok(())
}

word!(
    /// A host's short name: one DNS label of at most 63, lower case.
    HostName, "^(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", label
);
word!(
    /// The cluster's name: one DNS label; it is part of file names and instance-ids.
    ClusterName, "^(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", label
);
word!(
    /// The name of a network beside the one that every host has: one label.
    NetworkName, "^(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", network
);
word!(
    /// A DNS domain or host name of one or more labels.
    DomainName, "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$", domain
);
word!(
    /// An `http://` or `https://` address.
    WebUrl, "^https?://[!-~]+$", web_url
);
word!(
    /// An `ldap://` or `ldaps://` address.
    LdapUrl, "^ldaps?://[!-~]+$", ldap_url
);

impl WebUrl {
    /// The address for people and reports: `***` stands for a login and for a query, either of which may be a secret.
    #[must_use]
    pub fn shown(&self) -> String {
        let Some((scheme, rest)) = self.0.split_once("://") else { return self.0.clone() };
        let (server, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let server = server.rsplit_once('@').map_or_else(|| server.to_owned(), |(_, server)| format!("***@{server}"));
        let shown = format!("{scheme}://{server}{path}");
        shown.split_once('?').map_or_else(|| shown.clone(), |(place, _)| format!("{place}?***"))
    }
}

impl LdapUrl {
    /// Whether it is spoken to over TLS from the first byte on.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.as_str().starts_with("ldaps:")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_would_be_right() {
        for (text, part) in [
            ("", "empty"),
            ("db_1", "`_` is not"),
            ("Db-1", "upper case"),
            ("db.example.com", "network.domain"),
            ("-db", "starts nor ends"),
            ("10", "digits alone"),
            ("db\n", "`\\n` is not"),
        ] {
            let error = text.parse::<HostName>().expect_err(text).to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
        assert!("x".repeat(64).parse::<HostName>().is_err());
        assert!("x".repeat(63).parse::<HostName>().is_ok());
        assert!("default".parse::<NetworkName>().is_err() && "agents".parse::<NetworkName>().is_ok());
        assert!("1.example.com".parse::<DomainName>().is_ok());
        assert!("10.0.0.1".parse::<DomainName>().is_err());
        assert!("http://mirror:8000/a%20b/".parse::<WebUrl>().is_ok());
        assert!("http:///x".parse::<WebUrl>().is_err());
        for (text, shown) in [
            ("http://mirror:8000/a%20b/", "http://mirror:8000/a%20b/"),
            ("https://al:tok@mirror/x", "https://***@mirror/x"),
            ("https://al:t?k@mirror/x?sig=y", "https://***@mirror/x?***"),
            ("https://mirror/x.rpm?sig=y@z", "https://mirror/x.rpm?***"),
        ] {
            assert_eq!(text.parse::<WebUrl>().expect(text).shown(), shown);
        }
        assert!("ftp://x".parse::<WebUrl>().is_err());
        assert!("ldaps://dc-1.example.com:636".parse::<LdapUrl>().is_ok_and(|url| url.is_encrypted()));
        assert!("ldap://10.0.0.5".parse::<LdapUrl>().is_ok_and(|url| !url.is_encrypted()));
        assert!("http://dc-1".parse::<LdapUrl>().is_err());
    }
}

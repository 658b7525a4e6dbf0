//! Addresses, links, and how long things take.

use std::net::Ipv4Addr;

use super::{DomainName, InvalidName, as_text, word};

/// A host's IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostAddress(Ipv4Addr);

impl HostAddress {
    /// The address.
    #[must_use]
    pub const fn ip(self) -> Ipv4Addr {
        self.0
    }
}

impl std::fmt::Display for HostAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for HostAddress {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if text.parse::<std::net::Ipv6Addr>().is_ok() {
            return Err(InvalidName("IPv6 is not supported yet: not every part of a cluster works with it".into()));
        }
        let Ok(ip) = text.parse::<Ipv4Addr>() else {
            return Err(InvalidName(match text.split_once('/') {
                Some((ip, _)) if ip.parse::<Ipv4Addr>().is_ok() => {
                    "an address without a prefix; the prefix length has a key of its own".into()
                }
                _ => "expected an IPv4 address such as `10.0.0.11`, each part 0 to 255 without leading zeros".into(),
            }));
        };
        let refused = [
            (ip.is_unspecified(), "the unspecified address"),
            (ip.is_loopback(), "a loopback address, which no other host can reach"),
            (ip.is_multicast(), "a multicast address"),
            (ip.is_broadcast(), "the broadcast address"),
            (ip.is_link_local(), "a link-local address, which changes at boot"),
        ];
        match refused.iter().find(|(is, _)| *is) {
            Some((_, what)) => Err(InvalidName(format!("{ip} is {what}"))),
            None => Ok(Self(ip)),
        }
    }
}

/// Where a host is reached from outside: an address or a DNS name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PublicAddress {
    /// An IPv4 address.
    Ip(HostAddress),
    /// A DNS name.
    Name(DomainName),
}

impl std::fmt::Display for PublicAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl std::str::FromStr for PublicAddress {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let address_like = text.bytes().all(|b| b.is_ascii_digit() || b == b'.') || text.contains(':');
        if address_like { text.parse().map(Self::Ip) } else { text.parse().map(Self::Name) }
    }
}

/// A span of time in whole seconds, written `10s`, `60m` or `2h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(u32);

impl Seconds {
    /// So many seconds.
    #[must_use]
    pub const fn new(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The number of seconds.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            s if s > 0 && s % 3600 == 0 => write!(f, "{}h", s / 3600),
            s if s > 0 && s % 60 == 0 => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

impl std::str::FromStr for Seconds {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let wrong = || InvalidName("expected a time span such as `10s`, `60m` or `2h`".into());
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            _ => return Err(wrong()),
        };
        let number =
            text.get(..text.len() - 1).filter(|n| n.bytes().all(|b| b.is_ascii_digit())).ok_or_else(wrong)?;
        let number: u32 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(unit).map(Self).ok_or_else(wrong)
    }
}

fn mac(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split(':').collect();
    let good = parts.len() == 6
        && parts.iter().all(|p| p.len() == 2 && p.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    if !good {
        return Err("expected a MAC address such as `52:54:00:12:34:56`, lower case, in quotes".into());
    }
    let multicast = u8::from_str_radix(parts[0], 16).is_ok_and(|first| first & 1 == 1);
    if multicast || parts.iter().all(|p| *p == "00") {
        return Err("this is not the address of one network card".into());
    }
    Ok(())
}

fn interface(text: &str) -> Result<(), String> {
    let good = (1..=15).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if good && text != "lo" { Ok(()) } else { Err("expected an interface name such as `eth0` or `ens192`".into()) }
}

/// Accounts and groups that EL images have: `useradd` refuses the name of a group, and an account that is there is not
/// made anew, so nobody could log in. Those of the package `setup`, and of services that stock images run.
const EL_ACCOUNTS: &[&str] = &[
    "adm",
    "audio",
    "bin",
    "cdrom",
    "chrony",
    "daemon",
    "dbus",
    "dialout",
    "disk",
    "floppy",
    "ftp",
    "games",
    "halt",
    "haproxy",
    "input",
    "kmem",
    "kvm",
    "lock",
    "lp",
    "mail",
    "man",
    "mem",
    "nobody",
    "operator",
    "polkitd",
    "render",
    "rpc",
    "shutdown",
    "sshd",
    "sssd",
    "sync",
    "sys",
    "systemd-coredump",
    "systemd-journal",
    "systemd-network",
    "systemd-resolve",
    "tape",
    "tcpdump",
    "tss",
    "tty",
    "unbound",
    "users",
    "utempter",
    "utmp",
    "video",
    "wheel",
];

fn user(text: &str) -> Result<(), String> {
    let good = (1..=32).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    match text {
        _ if !good => Err("expected a user name: a-z, 0-9, `_`, `-`, first a letter, at most 32".into()),
        "root" => Err("`root` has no login by key on EL images; name a user of your own".into()),
        "cfyuser" | "rabbitmq" | "postgres" | "etcd" | "nginx" => {
            Err(format!("`{text}` is made by Cloudify's own packages; choose another name"))
        }
        _ if EL_ACCOUNTS.contains(&text) => {
            Err(format!("`{text}` is an account or group of the system's own on EL; choose another name"))
        }
        _ => Ok(()),
    }
}

fn ssh_key(text: &str) -> Result<(), String> {
    let mut words = text.split(' ');
    let kind = words.next().unwrap_or_default();
    let blob = words.next().unwrap_or_default();
    if text.contains("PRIVATE KEY") {
        return Err("this is a private key; the public one is in the file that ends in `.pub`".into());
    }
    let known = kind.starts_with("ssh-") || kind.starts_with("ecdsa-sha2-") || kind.starts_with("sk-");
    let encoded = blob.len() > 40 && blob.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    if !known || !encoded || text.chars().any(char::is_control) || text.len() > 16_384 {
        return Err("expected one line of an OpenSSH public key, such as `ssh-ed25519 AAAA… name`".into());
    }
    Ok(())
}

fn time_zone(text: &str) -> Result<(), String> {
    let good = text.split('/').all(|part| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'))
    });
    if good && text.len() <= 64 {
        Ok(())
    } else {
        Err("expected a time zone such as `Europe/Berlin` or `UTC`".into())
    }
}

word!(
    /// A network card's address, lower case with colons.
    MacAddress, "^[0-9a-f]{2}(:[0-9a-f]{2}){5}$", mac
);
word!(
    /// A network interface's name, at most 15 bytes as the kernel has it.
    InterfaceName, "^[A-Za-z][A-Za-z0-9._-]{0,14}$", interface
);
word!(
    /// A user's name as `useradd` of EL takes it.
    UserName, "^[a-z_][a-z0-9_-]{0,31}$", user
);
word!(
    /// One line of an OpenSSH public key.
    SshPublicKey, "^(ssh-|ecdsa-sha2-|sk-).+$", ssh_key
);
word!(
    /// A time zone's name in the tz database.
    TimeZone, "^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$", time_zone
);

as_text!(HostAddress, schemars::json_schema!({ "type": "string", "format": "ipv4" }));
as_text!(PublicAddress, schemars::json_schema!({ "type": "string", "minLength": 1 }));
as_text!(Seconds, schemars::json_schema!({ "type": "string", "pattern": "^[0-9]+[smh]$" }));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_what_would_be_right() {
        for (text, part) in [
            ("fe80::1", "IPv6"),
            ("10.0.0.1/24", "prefix"),
            ("10.0.0.256", "0 to 255"),
            ("010.0.0.1", "leading zeros"),
            ("127.0.0.1", "loopback"),
            ("224.0.0.1", "multicast"),
            ("0.0.0.0", "unspecified"),
            ("169.254.1.1", "link-local"),
        ] {
            let error = text.parse::<HostAddress>().expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(matches!("cfy.example.com".parse(), Ok(PublicAddress::Name(_))));
        assert!(matches!("10.0.0.1".parse(), Ok(PublicAddress::Ip(_))));
        assert!("10.0.0".parse::<PublicAddress>().is_err());
    }

    #[test]
    fn time_spans_read_what_they_print() {
        for (text, seconds) in [("10s", 10), ("60m", 3600), ("2h", 7200), ("0s", 0)] {
            let span: Seconds = text.parse().expect(text);
            assert_eq!(span.get(), seconds);
            assert_eq!(span.to_string().parse::<Seconds>(), Ok(span));
        }
        for text in ["", "s", "10", "-1s", "+1s", "1.5h", "99999999h", "é"] {
            assert!(text.parse::<Seconds>().is_err(), "{text}");
        }
    }

    #[test]
    fn keys_users_and_links_are_checked() {
        assert!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh4eHh4eHh4eHh4eHh4eHh4 me".parse::<SshPublicKey>().is_ok());
        assert!("-----BEGIN OPENSSH PRIVATE KEY-----".parse::<SshPublicKey>().is_err());
        assert!("root".parse::<UserName>().is_err());
        assert!("operator".parse::<UserName>().is_err(), "an account of EL, without a shell");
        assert!("cloud-user".parse::<UserName>().is_ok());
        assert!("52:54:00:12:34:56".parse::<MacAddress>().is_ok());
        assert!("01:00:5e:00:00:01".parse::<MacAddress>().is_err());
        assert!("averyveryverylongname".parse::<InterfaceName>().is_err());
        assert!("../etc/passwd".parse::<TimeZone>().is_err());
        assert!("America/Argentina/Buenos_Aires".parse::<TimeZone>().is_ok());
    }
}

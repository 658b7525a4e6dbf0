//! Credentials that some part of Cloudify breaks on.

use crate::diag::{Code, Diagnostic, Report};
use crate::names::{Credential, Secret};
use crate::spec::Spec;
use crate::yaml::Field;

/// Longest credential: the limit of an Erlang cookie, and nobody tried the others beyond it.
const MAX_LENGTH: usize = 255;

/// The credentials that the spec gives, by name.
#[must_use]
pub fn supplied(spec: &Spec) -> Vec<(Credential, &Field<Secret>)> {
    Credential::ALL
        .iter()
        .filter_map(|name| Some((*name, field(spec, *name)?)))
        .filter(|(_, f)| !f.is_absent())
        .collect()
}

fn field(spec: &Spec, name: Credential) -> Option<&Field<Secret>> {
    let given = spec.credentials.get();
    Some(match name {
        Credential::LdapPassword => &spec.ldap.get()?.password,
        Credential::AdminPassword => &given?.admin_password,
        Credential::PostgresPassword => &given?.postgres_password,
        Credential::CloudifyDbPassword => &given?.cloudify_db_password,
        Credential::EtcdClusterToken => &given?.etcd_cluster_token,
        Credential::EtcdRootPassword => &given?.etcd_root_password,
        Credential::EtcdPatroniPassword => &given?.etcd_patroni_password,
        Credential::PatroniRestPassword => &given?.patroni_rest_password,
        Credential::ReplicatorPassword => &given?.replicator_password,
        Credential::DbMonitoringPassword => &given?.db_monitoring_password,
        Credential::RabbitmqPassword => &given?.rabbitmq_password,
        Credential::ErlangCookie => &given?.erlang_cookie,
        Credential::PrometheusPassword => &given?.prometheus_password,
    })
}

/// Checks every credential that the spec gives.
pub fn check(report: &mut Report, spec: &Spec) {
    for (name, field) in supplied(spec) {
        let Some((secret, span)) = field.spanned() else { continue };
        if let Err(why) = check_credential(name, secret) {
            let message = format!("`{}`: {why}", name.as_str());
            let wrong = Diagnostic::error(Code::BadCredential, message).at(span, "not shown");
            report.push(wrong.help("letters and digits, first a letter, 8 to 64 of them, are always safe"));
        }
    }
}

/// Whether Cloudify can work with this credential. The message is a clause that says what would be right and never
/// shows anything of the value.
///
/// # Errors
/// What breaks it, by cloudify.md §1.2: Cloudify writes most of them unescaped into SQL, URLs and configuration files.
pub fn check_credential(which: Credential, value: &Secret) -> Result<(), String> {
    use Credential as C;
    let text = value.expose();
    if text.is_empty() && which == Credential::LdapPassword {
        return Err("it is empty; leave it out with `username` where users look themselves up".into());
    }
    if text.is_empty() {
        return Err("it is empty; leave the key out to have one generated".into());
    }
    if text.len() > MAX_LENGTH {
        return Err(format!("it is longer than {MAX_LENGTH} characters"));
    }
    if text.starts_with('<') && text.ends_with('>') {
        return Err("it is a `<placeholder>` that was never filled in".into());
    }
    if text.starts_with('-') {
        return Err(
            "it starts with `-` and would be taken for an option where Cloudify passes it to a program".into()
        );
    }
    match which {
        C::LdapPassword => only(text, "printable characters", |c| !c.is_control()),
        C::AdminPassword => only(text, "printable ASCII characters", |c| c.is_ascii_graphic() || c == ' '),
        C::CloudifyDbPassword | C::PostgresPassword => {
            let why = "letters, digits, `_` and `-`, because Cloudify writes it unescaped into SQL, a .pgpass line and a URL";
            only(text, why, |c| c.is_ascii_alphanumeric() || "_-".contains(c))
        }
        C::ErlangCookie => only(text, "letters and digits", |c| c.is_ascii_alphanumeric()),
        C::DbMonitoringPassword => only(
            text,
            "printable ASCII characters except quotes, `\\`, `%`, `@`, `:`, `/`, `?` and `#`, \
             because Cloudify writes it unescaped into a URL",
            |c| plain(c) && !"%@:/?#".contains(c),
        ),
        C::EtcdRootPassword => only(
            text,
            "printable ASCII characters except quotes, `\\` and `:`, which ends the user's name in `root:…`",
            |c| plain(c) && c != ':',
        ),
        C::PrometheusPassword => prometheus(text),
        C::EtcdClusterToken
        | C::EtcdPatroniPassword
        | C::PatroniRestPassword
        | C::ReplicatorPassword
        | C::RabbitmqPassword => only(text, "printable ASCII characters except quotes and `\\`", plain),
    }
}

/// What stands in quotes of every kind without escapes.
fn plain(c: char) -> bool {
    c.is_ascii_graphic() && !"'\"`\\".contains(c)
}

fn only(text: &str, allowed: &str, check: impl Fn(char) -> bool) -> Result<(), String> {
    if text.chars().all(check) { Ok(()) } else { Err(format!("it may only have {allowed}")) }
}

/// Cloudify writes it unquoted into `prometheus.yml`, where YAML must read it as text again.
fn prometheus(text: &str) -> Result<(), String> {
    let why =
        "printable ASCII characters except quotes, `\\`, `#` and `:`, because Cloudify writes it unquoted into YAML";
    only(text, why, |c| plain(c) && !"#:".contains(c))?;
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err("it must start with a letter, because Cloudify writes it unquoted into YAML".into());
    }
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    if words.contains(&text.to_ascii_lowercase().as_str()) {
        return Err("it is a word that YAML does not read as text".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_credential;
    use crate::names::{Credential, Secret};

    #[test]
    fn what_breaks_cloudify_is_refused_and_not_shown() {
        use Credential as C;
        for (which, value) in [
            (C::AdminPassword, ""),
            (C::AdminPassword, "-secret"),
            (C::AdminPassword, "<removed>"),
            (C::AdminPassword, "zwölf"),
            (C::AdminPassword, "a\nb"),
            (C::CloudifyDbPassword, "it's"),
            (C::PostgresPassword, "p@ss"),
            (C::ErlangCookie, "with_underscore"),
            (C::DbMonitoringPassword, "100%"),
            (C::EtcdRootPassword, "a:b"),
            (C::EtcdClusterToken, "a'b"),
            (C::PrometheusPassword, "12345678"),
            (C::PrometheusPassword, "True"),
            (C::PrometheusPassword, "a#b"),
            (C::RabbitmqPassword, "a b"),
            (C::ReplicatorPassword, "<password>"),
        ] {
            let error = check_credential(which, &Secret::new(value)).expect_err(value);
            assert!(value.len() < 3 || !error.contains(value), "{error}");
        }
        assert!(check_credential(C::ErlangCookie, &Secret::new("x".repeat(256))).is_err());
        for (which, value) in [
            (C::AdminPassword, "corr\"ect: horse#'"),
            (C::RabbitmqPassword, "a%b@c:d"),
            (C::PostgresPassword, "a_b-c"),
        ] {
            assert_eq!(check_credential(which, &Secret::new(value)), Ok(()));
        }
    }
}

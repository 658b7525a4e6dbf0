//! What the people of a CA outside need to sign requests: a sheet for them, and the extensions for OpenSSL.

use std::fmt::Write as _;

use super::change::Subject;
use super::request::Request;
use crate::plan::Identity;

/// The sheet's file.
pub(super) const SHEET: &str = "signing-sheet.txt";

/// The extensions' file.
pub(super) const EXTENSIONS: &str = "extensions.cnf";

/// A section of extensions for each request, in the form that `openssl x509 -req -extfile` takes.
pub(super) fn extensions(requests: &[Request]) -> String {
    let mut out =
        String::from("# openssl x509 -req -extfile extensions.cnf -extensions SECTION: see signing-sheet.txt\n");
    for request in requests {
        let _ = write!(
            out,
            "\n[{}]\nbasicConstraints = critical, CA:FALSE\nkeyUsage = critical, {KEY_USAGE}\nextendedKeyUsage = {}\n\
             subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n",
            section(&request.subject),
            purposes(request),
        );
        if let Some(names) = names(request) {
            let _ = writeln!(out, "subjectAltName = {names}");
        }
    }
    out
}

/// The sheet: what the CA must be like, and for each request what is asked for, with the command that grants it.
pub(super) fn sheet(identity: &Identity, requests: &[Request]) -> String {
    let days = identity.leaf_days;
    let mut out = format!(
        "Signing sheet of the Cloudify cluster `{}`: {} certificates\n\n\
         Every certificate must be signed by one self-signed RSA CA, with SHA-256 or better, PKCS#1 v1.5 (no RSA-PSS).\n\
         Subject, names (SAN), usages (EKU) and key are as in the request. Names are compared letter by letter: addresses\n\
         are wanted twice, as IP and as DNS. Wildcards do not count. More names than these are no harm.\n\n\
         With OpenSSL, in this directory, with the CA's certificate as `ca.crt` and its key wherever it is (CAKEY):\n\
         the extensions come from `{EXTENSIONS}`, for `openssl x509 -req` leaves those of a request out.\n\n\
         Back come `ca.crt` and a `.crt` for each request, PEM, one certificate a file. Then, where the vault is:\n\n    \
         cfy-seed pki import DIR\n",
        identity.cluster,
        requests.len(),
    );
    for request in requests {
        let stem = request.subject.stem();
        let _ = write!(
            out,
            "\n{stem}.csr: {}\n    subject     CN = {}\n    names       {}\n    key usage   {KEY_USAGE}\n    purposes    {}\n    \
             validity    {days} days\n    public key  RSA {}, SHA-256 {}\n\n    \
             openssl x509 -req -in {stem}.csr -CA ca.crt -CAkey CAKEY -CAcreateserial -sha256 -days {days} \
             -extfile {EXTENSIONS} -extensions {} -out {stem}.crt\n",
            request.subject,
            request.leaf.common_name,
            names(request).unwrap_or_else(|| "none".to_owned()),
            purposes(request),
            request.bits,
            request.public,
            section(&request.subject),
        );
    }
    out
}

const KEY_USAGE: &str = "digitalSignature, keyEncipherment";

/// With an underscore, which no host name has: so no host can be called as a section that OpenSSL gives a meaning to.
fn section(subject: &Subject) -> String {
    match subject {
        Subject::Ca => "ca".to_owned(),
        Subject::Host(host) => format!("host_{host}"),
        Subject::Client(client) => format!("client_{client}"),
    }
}

const fn purposes(request: &Request) -> &'static str {
    if request.leaf.usages.server { "serverAuth, clientAuth" } else { "clientAuth" }
}

fn names(request: &Request) -> Option<String> {
    let dns = request.leaf.dns.iter().map(|name| format!("DNS:{name}"));
    let all: Vec<String> = dns.chain(request.leaf.ips.iter().map(|ip| format!("IP:{ip}"))).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

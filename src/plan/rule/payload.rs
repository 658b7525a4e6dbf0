//! Where hosts find the payload.

use crate::diag::{Code, Diagnostic, Report};
use crate::names::WebUrl;
use crate::plan::{PackageSource, RpmSource};
use crate::spec::Spec;

/// The web server that has the payload. `packages` and `rpm` are what the spec says of where those come from, if it does.
pub fn url(
    report: &mut Report,
    spec: &Spec,
    packages: Option<&PackageSource>,
    rpm: Option<&RpmSource>,
) -> Option<WebUrl> {
    let (payload, place) = spec.payload.spanned()?;
    let elsewhere = packages.is_some_and(|source| *source != PackageSource::Payload)
        && rpm.is_some_and(|source| *source != RpmSource::Payload);
    if elsewhere {
        let unused = Diagnostic::warning(Code::PayloadPlaceUnused, "hosts take nothing from the payload");
        let help = "write `os_packages: {from: payload}` or `rpm: {payload: true}`, or remove `payload`";
        report.push(unused.at(place, "so this is not used").help(help));
    }
    let (url, span) = payload.url.spanned()?;
    let (_, rest) = url.as_str().split_once("://")?;
    // Hosts say on their consoles where they look, and put the names of files behind the address.
    let why = if rest.split('/').next().is_some_and(|server| server.contains('@')) {
        "has a login in it, which hosts would show on their consoles"
    } else if rest.contains(['?', '#']) {
        "has a query, and hosts put the names of files behind it"
    } else {
        return Some(url.clone());
    };
    let wrong = Diagnostic::error(Code::PayloadUrl, format!("the address of the payload {why}")).at(span, "");
    report.push(wrong.help("give the address of a directory, such as `http://10.0.0.1/payload`"));
    None
}

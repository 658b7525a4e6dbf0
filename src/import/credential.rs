//! Credentials of the vendor's file: where they stand, whether Cloudify can work with them, and where they go.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Report, Span};
use crate::names::{Credential, Secret};
use crate::plan::credential::check_credential;
use crate::yaml::Field;

use super::vendor::Vendor;

/// Credentials by name, with their places.
pub(super) type Credentials = BTreeMap<Credential, (Secret, Span)>;

/// Users that keep the names they have with cfy-seed.
const USERS: [(&str, &str); 5] = [
    ("the manager", "admin"),
    ("Patroni", "patroni"),
    ("the database's monitoring", "cloudify_db_monitoring"),
    ("RabbitMQ", "cloudify"),
    ("Prometheus", "monitoring_user"),
];

/// The credentials of the file, those of own configs before those of `credentials`, as with the tool.
pub(super) fn credentials(
    vendor: &Vendor,
    own: impl Iterator<Item = (Credential, Secret, Span)>,
    report: &mut Report,
) -> Credentials {
    let mut found = Credentials::new();
    for (name, secret, span) in own {
        if let Some((first, first_span)) = found.get(&name) {
            if *first != secret {
                let message = format!("two values for `{}`", name.as_str());
                let differ = Diagnostic::error(Code::VendorMachines, message);
                let differ = differ.at(span, "another one").at(*first_span, "than here");
                report.push(differ.help("a cluster has one: write the right one into every config"));
            }
            continue;
        }
        found.insert(name, (secret, span));
    }
    for (name, field) in written(vendor) {
        let Some((secret, span)) = field.spanned() else { continue };
        found.entry(name).or_insert_with(|| (secret.clone(), span));
    }
    for (name, (secret, span)) in &found {
        if let Err(why) = check_credential(*name, secret) {
            let message = format!("`{}`: {why}", name.as_str());
            let wrong = Diagnostic::error(Code::BadCredential, message).at(*span, "not shown");
            report.push(wrong.help("choose another, or leave it empty to have one generated"));
        }
    }
    users(vendor, report);
    found
}

fn written(vendor: &Vendor) -> Vec<(Credential, &Field<Secret>)> {
    use Credential as C;
    let mut all = Vec::new();
    if let Some(database) = vendor.external_db_configuration.get() {
        all.push((C::PostgresPassword, &database.server_password));
        all.push((C::CloudifyDbPassword, &database.cloudify_password));
    }
    let Some(given) = vendor.credentials.get() else { return all };
    if let Some(manager) = given.manager.get() {
        all.push((C::AdminPassword, &manager.admin_password));
    }
    if let Some(postgresql) = given.postgresql.get() {
        all.push((C::PostgresPassword, &postgresql.postgres_password));
        let cluster = postgresql.cluster.get();
        if let Some(etcd) = cluster.and_then(|cluster| cluster.etcd.get()) {
            all.push((C::EtcdClusterToken, &etcd.cluster_token));
            all.push((C::EtcdRootPassword, &etcd.root_password));
            all.push((C::EtcdPatroniPassword, &etcd.patroni_password));
        }
        if let Some(patroni) = cluster.and_then(|cluster| cluster.patroni.get()) {
            all.push((C::PatroniRestPassword, &patroni.rest_password));
        }
        if let Some(replication) = cluster.and_then(|cluster| cluster.postgres.get()) {
            all.push((C::ReplicatorPassword, &replication.replicator_password));
        }
        if let Some(monitoring) = postgresql.db_monitoring.get() {
            all.push((C::DbMonitoringPassword, &monitoring.password));
        }
    }
    if let Some(rabbitmq) = given.rabbitmq.get() {
        all.push((C::RabbitmqPassword, &rabbitmq.password));
        all.push((C::ErlangCookie, &rabbitmq.erlang_cookie));
    }
    if let Some(prometheus) = given.prometheus.get() {
        all.push((C::PrometheusPassword, &prometheus.password));
    }
    all
}

/// Says which users will be called otherwise.
fn users(vendor: &Vendor, report: &mut Report) {
    let Some(given) = vendor.credentials.get() else { return };
    let postgresql = given.postgresql.get();
    let patroni = postgresql.and_then(|postgresql| postgresql.cluster.get()?.patroni.get());
    let fields = [
        given.manager.get().map(|manager| &manager.admin_username),
        patroni.map(|patroni| &patroni.rest_user),
        postgresql.and_then(|postgresql| postgresql.db_monitoring.get()).map(|login| &login.username),
        given.rabbitmq.get().map(|rabbitmq| &rabbitmq.username),
        given.prometheus.get().map(|login| &login.username),
    ];
    for ((what, ours), field) in USERS.iter().zip(fields) {
        let Some((name, span)) = field.and_then(Field::spanned) else { continue };
        if name != ours {
            let message = format!("the user `{}` of {what} will be called `{ours}`", name.escape_debug());
            let renamed = Diagnostic::warning(Code::VendorNotCarried, message).at(span, "not carried over");
            report.push(renamed.help("hosts ask each other by this name; whoever else logs in must use it too"));
        }
    }
}

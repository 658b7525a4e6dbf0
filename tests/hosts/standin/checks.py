"""What `cfy_manager validate` and the start of `install` refuse: cloudify.md §2.2, in its order."""

import ipaddress
import os
import re
import shutil
import subprocess

from . import certs, config as loading, release
from .errors import InstallError

# §2.2 env: the four must stand in PATH literally; a child of systemd or cloud-init has no /sbin and /bin
PATH_DIRECTORIES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")

# §2.2 packages
PACKAGES = {
    "7": ["sudo", "logrotate", "yum", "python-setuptools", "python-backports",
          "python-backports-ssl_match_hostname"],
    "8": ["sudo", "logrotate", "yum", "python3-setuptools"],
    "manager_service": ["sed"],
    "queue_service": ["initscripts"],
}


def validate(config):
    check_addresses(config)
    if not config["validations"]["skip_validations"]:
        check_path(os.environ.get("PATH", ""))
        check_memory(config)
        check_disk(config)
        check_distro(config)
        check_sudo()
    check_database(config)
    check_client_certificates(config)
    check_manager_certificates(config)
    check_packages(config)


def has(config, service):
    return service in config["services_to_install"]


def is_cluster(config):
    return bool(config["postgresql_server"]["cluster"]["nodes"])


def shares_database(config):
    """A manager whose database is elsewhere: one of a cluster of managers, or the only one of a split installation."""
    return is_cluster(config) or loading.database_host(config) is not None


def is_ip(text):
    try:
        ipaddress.ip_address(text)
        return True
    except ValueError:
        return False


def check_addresses(config):
    manager = config["manager"]
    if not manager["private_ip"]:
        raise InstallError("Private IP not set in the config.")
    if not manager["public_ip"]:
        raise InstallError("Public IP not set in the config.")
    private = manager["private_ip"]
    if is_ip(private) and private not in loading.local_addresses():
        raise InstallError(f"The provided private IP ({private}) is not associated with any INET-type address "
                           "available on this machine")


def check_path(path):
    for directory in PATH_DIRECTORIES:
        if not re.search(rf"(^|:){directory}/?(:|$)", path):
            raise InstallError(f"Environment variables mismatch: PATH must match (^|:){directory}")


def check_memory(config):
    wanted = config["validations"]["minimum_required_total_physical_memory_in_mb"]
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    if total < wanted:
        raise InstallError(f"The provided host does not have enough memory: {total} MB, {wanted} MB wanted")


def check_disk(config):
    wanted = config["validations"]["minimum_required_available_disk_space_in_gb"]
    if shutil.disk_usage("/opt").free < wanted * 2**30:
        raise InstallError("The provided host does not have enough disk space")


def check_distro(config):
    found = os_release()
    if found["ID"] not in config["validations"]["supported_distros"]:
        raise InstallError(f"Cloudify manager does not support the current distro (`{found['ID']}`)")
    major = found["VERSION_ID"].split(".")[0]
    if major not in [str(version) for version in config["validations"]["supported_distro_versions"]]:
        raise InstallError(f"Cloudify manager does not support the current distro version (`{major}`)")


def os_release():
    with open("/etc/os-release", encoding="utf-8") as text:
        return dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text.read(), re.M))


def check_sudo():
    if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode != 0:
        raise InstallError("Failed executing 'sudo'. Please ensure that it is installed and usable")


def check_database(config):
    server, client = config["postgresql_server"], config["postgresql_client"]
    database, manager = has(config, "database_service"), has(config, "manager_service")
    if database and manager and (is_cluster(config) or client["host"] not in ("localhost", "127.0.0.1")):
        raise InstallError("Cannot install database_service when connecting to an external database")
    if is_cluster(config) and not server["postgres_password"] and (database or not client["server_password"]):
        raise InstallError("When using an external database with a Postgres Cluster, postgres_password must be set")
    if manager and not database and not (client["server_password"] or server["postgres_password"]):
        raise InstallError("When using an external database, postgres_password must be set")
    if server["ssl_client_verification"] and not server["ssl_only_connections"]:
        raise InstallError("When using ssl_client_verification, ssl_only_connections must be enabled")
    if client["server_username"] == client["cloudify_username"]:
        raise InstallError("postgresql_client.server_username and cloudify_username must differ")
    if database and not is_cluster(config) and server["enable_remote_connections"] != bool(server["postgres_password"]) \
            and not manager:
        raise InstallError("When using an external database, both enable_remote_connections and postgres_password "
                           "must be set")
    if manager and not database and not (server["ca_path"] or client["ca_path"]):
        raise InstallError("If Postgresql requires SSL communication a CA certificate must be provided")
    if not is_cluster(config):
        return
    if manager and any("ip" not in node for node in server["cluster"]["nodes"].values()):
        raise InstallError("When using a Postgres Cluster ip must be set for each DB node")
    if database:
        check_database_cluster(server)


def check_database_cluster(server):
    cluster = server["cluster"]
    secrets = [cluster["etcd"][key] for key in ("cluster_token", "root_password", "patroni_password")]
    secrets += [cluster["patroni"]["rest_password"], cluster["postgres"]["replicator_password"]]
    if len(cluster["nodes"]) < 2 or not all(secrets):
        raise InstallError("Problems detected in postgresql_server.cluster configuration")
    for secret in secrets:
        if not isinstance(secret, str):
            raise AttributeError(f"'{type(secret).__name__}' object has no attribute 'replace'")  # §1.1: quote them
    if not (server["cert_path"] and server["key_path"] and server["ca_path"]):
        raise InstallError("If Postgresql requires SSL communication a CA certificate, a certificate and a key "
                           "must be provided")


def check_client_certificates(config):
    """§1.2 ssl_client_verification, §6.2 client certs: CN `cloudify` (fixed) and CN = server_username."""
    client, files = config["postgresql_client"], config["ssl_inputs"]
    if not (has(config, "manager_service") and client["ssl_client_verification"]):
        return
    wanted = {"postgresql_client": ("cloudify", "Client certificates require"),
              "postgresql_superuser_client": (client["server_username"], "Client superuser certificates require")}
    if not release.wants_superuser_client():
        del wanted["postgresql_superuser_client"]
    for stem, (name, words) in wanted.items():
        # the superuser's key is compared only in configure (§2.3)
        cert = (certs.read_cert(files[f"{stem}_cert_path"]) if stem == "postgresql_superuser_client" else
                certs.check_pair(files[f"{stem}_cert_path"], files[f"{stem}_key_path"]))
        if release.wants_superuser_client() and certs.common_name(cert) != name:
            raise InstallError(f'{words} their CN to be set to "{name}"')


def check_manager_certificates(config):
    files = config["ssl_inputs"]
    if not has(config, "manager_service"):
        return
    if files["external_cert_path"] and not config["manager"]["security"]["ssl_enabled"]:
        raise InstallError("`ssl_enabled` was set to false and an external certificate was given")
    if files["ca_key_path"] and not files["ca_cert_path"]:
        raise InstallError("Internal CA key provided, but the internal CA cert was not")
    internal = files["internal_cert_path"], files["internal_key_path"]
    if files["ca_cert_path"] and not files["ca_key_path"] and not all(internal):
        raise InstallError("If ca_cert_path was provided, but ca_key_path was not provided, both "
                           "internal_cert_path and internal_key_path must be provided.")
    if any(internal):
        cert = certs.check_pair(*internal)
        if release.checks_names():
            certs.check_names(cert, [*config["networks"].values(), config["manager"]["public_ip"]])
    if files["external_cert_path"] or files["external_key_path"]:
        if release.checks_names() and is_ip(config["manager"]["public_ip"]):
            raise InstallError("When public_ip is an IP address (not a hostname or FQDN), the external certificate "
                               "cannot be provided")
        external = certs.check_pair(files["external_cert_path"], files["external_key_path"])
        if not certs.is_self_signed(external) and not files["external_ca_cert_path"]:
            raise InstallError("If the external certificate is signed by a CA, the `external_ca_cert_path` must be "
                               "provided")
        if release.checks_names() and config["manager"]["public_ip"] not in certs.names(external):
            raise InstallError("External cert must contain the public address")


def check_packages(config):
    major = os_release()["VERSION_ID"].split(".")[0]
    wanted = list(PACKAGES[major])
    if has(config, "monitoring_service"):             # nginx
        wanted.append(release.openssl()[major])
    for service in config["services_to_install"]:
        wanted += PACKAGES.get(service, [])
    answer = subprocess.run(["rpm", "-q", *wanted], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        missing = re.findall(r"package (\S+) is not installed", answer.stdout)
        raise InstallError(f"Prerequisite packages for {config['services_to_install'][0]} missing: "
                           + ", ".join(missing))

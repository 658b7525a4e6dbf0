"""`cfy_manager install`, `validate` and `remove`: the order of cloudify.md §2.1."""

import contextlib
import os
import subprocess

from . import (certs, checks, config as loading, control, facts, faults, install_broker, install_database, install_manager,
               journal, markers, places)
from .errors import InstallError

PASSWORD_LINE = "Manager password is "


def validate(paths):
    """Loads, checks, changes nothing. DB, RabbitMQ and Prometheus certificates are not looked at (§2.3)."""
    checks.validate(loading.load(paths))


def install(paths):
    config = loading.load(paths)
    services = config["services_to_install"]
    journal.note("gate-facts", services=services, host=config["manager"]["hostname"],
                 address=config["manager"]["private_ip"], installed=markers.finished(services),
                 **facts.observe(config))
    faults.reach("started")    # after the facts: a held install must not be credited with what came while it stood
    markers.early("packages.yaml")
    install_components(config)
    faults.reach("packages")
    control.ensure_supervisor()
    checks.validate(config)
    faults.reach("validated")
    faults.after_validation()
    markers.early("components.yaml")
    if checks.has(config, "database_service"):            # §3.1
        install_database.install(config)
    if checks.has(config, "queue_service"):
        install_broker.install(config)
    if checks.has(config, "monitoring_service"):
        copy_monitoring_certificates(config)
    if checks.has(config, "manager_service"):
        install_manager.install(config)
        install_manager.finish(config)
    elif checks.has(config, "monitoring_service"):
        serve_monitoring(config)                          # on these hosts 8009 is the last thing to come
    faults.reach("before-markers")
    markers.finish(services)
    if checks.has(config, "manager_service"):
        print(f"Manager is up at {config['manager']['public_ip']}")
        print(f"Manager username is {config['manager']['security']['admin_username']}")
        print(f"{PASSWORD_LINE}{install_manager.admin_password(config)}", flush=True)


def install_components(config):
    """What yum brings from /opt/cloudify/sources before anything is validated (§0.10). Of all that, tests need psql:
    PostgreSQL's packages are on managers and database nodes."""
    if checks.has(config, "manager_service") or checks.has(config, "database_service"):
        with contextlib.suppress(FileExistsError):
            places.PSQL.symlink_to(places.SOURCES / "psql")


def copy_monitoring_certificates(config):
    prometheus = config["prometheus"]
    files = prometheus["cert_path"], prometheus["key_path"], prometheus["ca_path"]
    if any(files):
        certs.check_pair(*files)
    elif not checks.has(config, "manager_service") or checks.shares_database(config):
        raise InstallError("Cannot generate self-signed certificates for Prometheus in a cluster")
    else:
        files = certs.make_self_signed(places.ETC / "self-signed", [config["manager"]["private_ip"], "localhost"])
    for source, name in zip(files, ("cert", "key", "ca_cert")):
        places.copy(source, places.SSL / f"monitoring_{name}.pem", 0o440)


def serve_monitoring(config):
    """nginx for 8009 alone. A manager installed on this host earlier keeps its own settings."""
    if (places.SUPERVISOR_PROGRAMS / "cloudify-restservice.json").exists():
        return
    credentials = config["prometheus"]["credentials"]
    control.program("nginx", {"monitoring": [credentials["username"], credentials["password"]], "manager": False,
                              "databases": [], "brokers": [], "admin": None})


def remove(paths):
    """Undo a role (§5.3): deletes a database node's data, leaves the database of a manager alone."""
    config = loading.load(paths)
    programs = {"database_service": ["postgresql-14", "patroni", "etcd"], "queue_service": ["cloudify-rabbitmq"],
                "manager_service": ["cloudify-restservice", "nginx"]}
    for service in config["services_to_install"]:
        for name in programs.get(service, ()):
            (places.SUPERVISOR_PROGRAMS / f"{name}.json").unlink(missing_ok=True)
    if control.answers():
        control.must("update")
    if checks.has(config, "database_service"):
        install_database.remove()
    if checks.has(config, "queue_service"):
        install_broker.remove()
    markers.clear(config["services_to_install"])


def become_root(argv):
    """Root is had by running itself again under sudo (§2.1)."""
    if os.geteuid() != 0:
        os.execv("/usr/bin/sudo", ["sudo", "-n", "/usr/bin/cfy_manager", *argv])


def version():
    return subprocess.run(["rpm", "-q", "--qf", "%{VERSION}", "cloudify-manager-install"], capture_output=True,
                          text=True, check=False).stdout

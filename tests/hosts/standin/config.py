"""Loading the configuration: cloudify.md §1.1."""

import copy
import socket
import subprocess

import yaml

from . import places, release
from .errors import InstallError

SERVICES = ["database_service", "queue_service", "manager_service", "monitoring_service", "entropy_service"]

# The part of the package's config.yaml that anything here reads (cloudify.md §1.2).
DEFAULTS = {
    "manager": {
        "private_ip": "", "public_ip": "", "hostname": "", "cloudify_license_path": "",
        "security": {"ssl_enabled": release.version() >= (6, 0), "admin_username": "admin", "admin_password": ""},
    },
    "networks": {},
    "services_to_install": SERVICES,
    "postgresql_server": {
        "postgres_password": "", "cert_path": "", "key_path": "", "ca_path": "",
        "ssl_enabled": False, "enable_remote_connections": False,
        "ssl_client_verification": False, "ssl_only_connections": False,
        "cluster": {
            "nodes": {},
            "etcd": {"cluster_token": "", "root_password": "", "patroni_password": ""},
            "patroni": {"rest_user": "patroni", "rest_password": ""},
            "postgres": {"replicator_password": ""},
        },
    },
    "postgresql_client": {
        "host": "localhost", "ca_path": "", "ssl_enabled": False, "ssl_client_verification": False,
        "server_username": "postgres", "server_password": "", "server_db_name": "postgres",
        "cloudify_username": "cloudify", "cloudify_password": "cloudify", "cloudify_db_name": "cloudify_db",
    },
    "rabbitmq": {
        "username": "cloudify", "password": "c10udify", "cluster_members": {}, "cert_path": "", "key_path": "",
        "ca_path": "", "nodename": "", "join_cluster": "", "erlang_cookie": "", "use_long_name": False,
        "is_external": False, "management_only_local": True,
    },
    "prometheus": {
        "cert_path": "", "key_path": "", "ca_path": "",
        "credentials": {"username": "monitoring_user", "password": "m0n1torify"},
    },
    "ssl_inputs": {name: "" for name in (
        "internal_cert_path", "internal_key_path", "ca_cert_path", "ca_key_path", "ca_key_password",
        "external_cert_path", "external_key_path", "external_ca_cert_path",
        "postgresql_client_cert_path", "postgresql_client_key_path",
        "postgresql_superuser_client_cert_path", "postgresql_superuser_client_key_path")},
    "validations": {
        "skip_validations": False, "minimum_required_total_physical_memory_in_mb": 1838,
        "minimum_required_available_disk_space_in_gb": 1,
        "supported_distros": ["centos", "rhel", "redhat"],
        "supported_distro_versions": ["7", "8"] if release.version() >= (6, 4) else ["7"],
    },
    "sanity": {"skip_sanity": False},
}


def load(paths):
    """Defaults, then each file deep-merged from left to right; no file at all means /etc/cloudify/config.yaml."""
    config = copy.deepcopy(DEFAULTS)
    found = False
    for path in paths or [places.ETC / "config.yaml"]:
        file = below_etc(path)
        if not file.is_file():
            continue  # silently, as the real one: needed for teardown, fatal for a typo
        found = True
        with open(file, encoding="utf-8") as text:
            # ruamel reads YAML 1.2, PyYAML 1.1: every string we are given is quoted, so both read the same
            merge(config, yaml.safe_load(text) or {})
    if not found:
        # §1.1: "a typo in -c installs an all-in-one with defaults". §1.2 lets an empty private_ip fail; the more
        # dangerous reading is taken, so that no test passes by luck.
        config["manager"]["private_ip"] = config["manager"]["public_ip"] = first_address()
    if not config["manager"]["hostname"]:
        config["manager"]["hostname"] = socket.gethostname()
    networks = config["networks"]
    networks.setdefault("default", config["manager"]["private_ip"])   # §1.2 networks, 7.0
    networks.setdefault("external", config["manager"]["public_ip"])
    return config


def below_etc(path):
    """Every -c path must lie under /etc/cloudify; relative ones are taken from there."""
    file = (places.ETC / path).resolve()
    if not file.is_relative_to(places.ETC.resolve()):
        raise InstallError(f"Expected configuration files to be in /etc/cloudify, but got: {path}")
    return file


def merge(into, new):
    """Mappings merge, lists and scalars replace; unknown keys are accepted."""
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def local_addresses():
    """IPv4 addresses of this host's interfaces."""
    lines = subprocess.run(["ip", "-4", "-o", "addr"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[3].split("/")[0] for line in lines]


def first_address():
    return next((address for address in local_addresses() if not address.startswith("127.")), "127.0.0.1")


def database_nodes(config):
    """Addresses of the database cluster, in the order of the file."""
    nodes = config["postgresql_server"]["cluster"]["nodes"]
    if any("ip" not in node for node in nodes.values()):
        raise KeyError("ip")  # what the database side trips over: §1.2 cluster.nodes
    return [node["ip"] for node in nodes.values()]


def database_host(config):
    """Address of a database that is no cluster and not on this host, else None."""
    host = config["postgresql_client"]["host"]
    return None if host in ("localhost", "127.0.0.1") else host.split(":")[0]


def brokers(config):
    """{node name: address} of the broker cluster."""
    members = {}
    for name, member in config["rabbitmq"]["cluster_members"].items():
        networks = member.get("networks", {})
        if "default" not in networks:
            raise KeyError("default")  # §1.2 cluster_members
        members[name] = networks["default"]
    return members

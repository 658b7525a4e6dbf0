"""A nine-node cluster's certificates, role configs and seeds made by hand: to try the stand-in without cfy-seed."""

import base64
import json

from .system import run

DATABASES = {f"db-{i}": f"10.0.0.1{i}" for i in (1, 2, 3)}
BROKERS = {f"broker-{i}": f"10.0.0.2{i}" for i in (1, 2, 3)}
MANAGERS = {f"manager-{i}": f"10.0.0.3{i}" for i in (1, 2, 3)}
HOSTS = {**DATABASES, **BROKERS, **MANAGERS}
BUNDLE = "/etc/cloudify/bundle"
PROMETHEUS = {"cert_path": f"{BUNDLE}/host.crt", "key_path": f"{BUNDLE}/host.key", "ca_path": f"{BUNDLE}/ca.crt",
              "credentials": {"username": "monitor", "password": "mON1"}}
RABBIT = {"username": "cloudify", "password": "rABBIT1", "ca_path": f"{BUNDLE}/ca.crt",
          "cluster_members": {name: {"networks": {"default": ip}} for name, ip in BROKERS.items()}}
NODES = {"nodes": {name: {"ip": ip} for name, ip in DATABASES.items()}}


def make_ca(directory):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test CA", "-days", "30",
        "-keyout", directory / "ca.key", "-out", directory / "ca.crt")


def make_leaf(directory, name, common_name, addresses):
    names = ",".join([f"DNS:{address}" for address in addresses]
                     + [f"IP:{address}" for address in addresses if address[0].isdigit()])
    extra = ["-addext", f"subjectAltName={names}"] if names else []
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={common_name}", "-days", "30",
        "-CA", directory / "ca.crt", "-CAkey", directory / "ca.key", "-addext", "basicConstraints=CA:FALSE", *extra,
        "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.crt")


def role_config(name):
    """What a bundle would configure this host with (cloudify.md §1.3)."""
    ip = HOSTS[name]
    common = {"manager": {"private_ip": ip, "public_ip": ip, "hostname": name}, "prometheus": PROMETHEUS}
    own = {"cert_path": f"{BUNDLE}/host.crt", "key_path": f"{BUNDLE}/host.key"}
    if name in DATABASES:
        secrets = {"etcd": {"cluster_token": "tOKEN1", "root_password": "rOOT1", "patroni_password": "pATRONI1"},
                   "patroni": {"rest_password": "rEST1"}, "postgres": {"replicator_password": "rEPL1"}}
        return {**common, "services_to_install": ["database_service", "monitoring_service"], "postgresql_server": {
            **own, "ca_path": f"{BUNDLE}/ca.crt", "postgres_password": "pG1", "ssl_client_verification": True,
            "ssl_only_connections": True, "cluster": {**NODES, **secrets}}}
    if name in BROKERS:
        joins = {} if name == "broker-1" else {"join_cluster": "broker-1"}
        return {**common, "services_to_install": ["queue_service", "monitoring_service"],
                "rabbitmq": {**RABBIT, **own, **joins, "nodename": name, "erlang_cookie": "cOOKIE1"}}
    common["manager"]["security"] = {"ssl_enabled": True, "admin_password": "aDMIN1"}
    return {**common, "services_to_install": ["manager_service", "monitoring_service", "entropy_service"],
            "rabbitmq": RABBIT,
            "postgresql_server": {"ca_path": f"{BUNDLE}/ca.crt", "postgres_password": "pG1", "cluster": NODES},
            "postgresql_client": {"ssl_enabled": True, "ssl_client_verification": True, "server_password": "pG1",
                                  "cloudify_password": "cFY1"},
            "ssl_inputs": {"internal_cert_path": f"{BUNDLE}/host.crt", "internal_key_path": f"{BUNDLE}/host.key",
                           "ca_cert_path": f"{BUNDLE}/ca.crt",
                           "postgresql_client_cert_path": f"{BUNDLE}/cloudify.crt",
                           "postgresql_client_key_path": f"{BUNDLE}/cloudify.key",
                           "postgresql_superuser_client_cert_path": f"{BUNDLE}/postgres.crt",
                           "postgresql_superuser_client_key_path": f"{BUNDLE}/postgres.key"}}


def make_tree(directory):
    """<directory>/hosts/<host>/seed.iso for all nine: certificates, config, RPM installed, nothing started."""
    pki = directory / "pki"
    pki.mkdir(parents=True)
    make_ca(pki)
    for name, ip in HOSTS.items():
        make_leaf(pki, name, name, [ip, name])
    for name in ("cloudify", "postgres"):
        make_leaf(pki, name, name, [])
    for name, ip in HOSTS.items():
        make_seed(directory / "hosts" / name, name, ip, pki)
    return directory


def make_seed(directory, name, ip, pki):
    directory.mkdir(parents=True)
    files = {f"{BUNDLE}/host.crt": pki / f"{name}.crt", f"{BUNDLE}/host.key": pki / f"{name}.key",
             f"{BUNDLE}/ca.crt": pki / "ca.crt"}
    if name in MANAGERS:
        for client in ("cloudify", "postgres"):
            for kind in ("crt", "key"):
                files[f"{BUNDLE}/{client}.{kind}"] = pki / f"{client}.{kind}"
    contents = {path: source.read_bytes() for path, source in files.items()}
    contents["/etc/cloudify/role.yaml"] = json.dumps(role_config(name)).encode()
    contents["/etc/hosts"] = "".join(f"{address} {host}\n" for host, address in
                                     {"localhost": "127.0.0.1", **HOSTS}.items()).encode()
    contents["/etc/yum.repos.d/cloudify.repo"] = (
        b"[cloudify]\nname=cloudify\nbaseurl=http://10.0.0.1:8000/cloudify\ngpgcheck=1\nrepo_gpgcheck=1\n"
        b"gpgkey=http://10.0.0.1:8000/RPM-GPG-KEY\n")
    user_data = {
        "hostname": name, "manage_etc_hosts": False,
        "write_files": [{"path": path, "permissions": "0600" if path.endswith(".key") else "0644", "encoding": "b64",
                         "content": base64.b64encode(content).decode()} for path, content in contents.items()],
        "runcmd": [["sh", "-c", "dnf -y -q install cloudify-manager-install && mkdir -p /var/lib/cfy-seed && "
                                "echo '{\"state\": \"READY\"}' > /var/lib/cfy-seed/status.json"]]}
    network = {"version": 1, "config": [{"type": "physical", "name": "eth0",
                                         "subnets": [{"type": "static", "address": f"{ip}/24"}]}]}
    parts = {"user-data": "#cloud-config\n" + json.dumps(user_data), "network-config": json.dumps(network),
             "meta-data": json.dumps({"instance-id": f"handmade-{name}", "local-hostname": name})}
    for part, text in parts.items():
        (directory / part).write_text(text, encoding="utf-8")
    run("xorriso", "-as", "mkisofs", "-quiet", "-V", "CIDATA", "-J", "-R", "-o", directory / "seed.iso",
        *(directory / part for part in parts))

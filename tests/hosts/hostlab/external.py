"""Services that are nobody's host, on the bridge's own address."""

import os
import subprocess
import sys

from . import network
from .cgroups import Cgroup
from .system import HERE, run

USER = "dbadmin"


def make_ca(directory):
    """<directory>/rds-ca.pem: the CA that an operator gets from whoever runs the database."""
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=database provider",
        "-keyout", directory / "rds-ca.key", "-out", directory / "rds-ca.pem")


def start_database(lab, directory, password):
    """A server of PostgreSQL whose certificate that CA signed; it ends with the run."""
    data = directory / "external/var/lib/pgsql/14/data"
    data.mkdir(parents=True)
    address = lab.bridge.address
    # an address twice, as on the hosts: old clients look at DNS names only (cloudify.md §6.2)
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=database",
        "-addext", f"subjectAltName=IP:{address},DNS:{address}", "-CA", directory / "rds-ca.pem",
        "-CAkey", directory / "rds-ca.key", "-keyout", data / "server.key", "-out", data / "server.crt")
    (data / "root.crt").write_bytes((directory / "rds-ca.pem").read_bytes())
    (directory / "password").write_text(password, encoding="ascii")
    environment = {**os.environ, "CFY_STANDIN_ROOT": str(directory / "external"), "PYTHONPATH": str(HERE)}
    subprocess.Popen([*network.in_namespace(lab.bridge.namespace), sys.executable, "-B", "-m", "standin.external",
                      address, USER, str(directory / "password")], stdin=subprocess.DEVNULL, env=environment,
                     start_new_session=True, preexec_fn=Cgroup(lab.bridge.namespace).enter)

"""queue_service: cloudify.md §3.3, with gates.md §1 where they differ."""

import asyncio
import shutil
import socket
import subprocess
import time

from . import certs, config as loading, control, faults, markers, places, release, wire
from .errors import InstallError

START_TRIES, JOIN_CHECKS, PAUSE = 20, 20, 0.3    # 20 × 3 s, 20 × 5 s
STOPPED = 1.2                                    # beam outlives the stop


def install(config):
    rabbit, own = config["rabbitmq"], config["manager"]["private_ip"]
    members = loading.brokers(config)
    cluster = len(members) > 1
    if cluster and not rabbit["erlang_cookie"]:
        raise InstallError("erlang_cookie must be set for a rabbitmq cluster")
    if cluster and not rabbit["nodename"]:
        raise InstallError("nodename must be set for a rabbitmq cluster")
    if not isinstance(rabbit["erlang_cookie"], str):
        raise AttributeError("'int' object has no attribute 'strip'")   # §1.1: numbers stay numbers
    name = rabbit["nodename"] or "localhost"
    if not rabbit["use_long_name"]:
        name = name.split(".", 1)[0]
    places.write(places.ERLANG_COOKIE, rabbit["erlang_cookie"] or "all-in-one", 0o400)
    add_unresolvable(members)
    copy_certificates(config, cluster, own)
    joins = bool(rabbit["join_cluster"]) and rabbit["join_cluster"] != name
    if control.ask("status", "cloudify-rabbitmq")[0] == 0:
        control.must("stop", "cloudify-rabbitmq")     # a finished one keeps its data and is only restarted (§5.3)
        time.sleep(STOPPED)
    if not markers.configured("queue_service"):
        shutil.rmtree(places.MNESIA, ignore_errors=True)
        if not joins:
            faults.reach("reset")                 # a joiner's is over when its app is reset, too
    control.ask("start", "cloudify-rabbitmq")
    control.program("cloudify-rabbitmq", {"node": f"rabbit@{name}", "ip": own, "user": rabbit["username"],
                                          "password": rabbit["password"], "first": not joins,
                                          "open": release.broker_is_open(config)})
    wait_for_start()
    if joins:
        join(f"rabbit@{rabbit['join_cluster']}")
        wait_for_members(config, own, {f"rabbit@{name}", f"rabbit@{rabbit['join_cluster']}"})


def copy_certificates(config, cluster, own):
    rabbit = config["rabbitmq"]
    files = rabbit["cert_path"], rabbit["key_path"], rabbit["ca_path"]
    if any(files):
        certs.check_pair(*files)
    elif cluster:
        raise InstallError("Cannot generate self-signed certificates for a rabbitmq cluster")
    else:
        files = certs.make_self_signed(places.ETC / "self-signed", ["localhost", "127.0.0.1", own])
    for source, name in zip(files, ("cert", "key", "ca")):
        places.copy(source, places.SSL / f"rabbitmq-{name}.pem", 0o440)


def add_unresolvable(members):
    """Only names that do not resolve at all get a line in /etc/hosts."""
    for name, address in members.items():
        try:
            socket.gethostbyname(name)
        except OSError:
            with open(places.ROOT / "etc/hosts", "a", encoding="ascii") as hosts:
                hosts.write(f"{address} {name}\n")


def wait_for_start():
    for _ in range(START_TRIES):
        if control.ask("rabbitmqctl", "status")[0] == 0:
            return
        time.sleep(PAUSE)
    raise InstallError("Failed to connect to localhost:5671")


def join(node):
    """stop_app, reset, join_cluster once, start_app."""
    control.must("rabbitmqctl", "stop_app")
    control.must("rabbitmqctl", "reset")
    faults.reach("reset")
    code, text = control.ask("rabbitmqctl", "join_cluster", node)
    if code == 0:
        faults.reach("joined")
    control.must("rabbitmqctl", "start_app")      # it starts alone again after a failure
    if code != 0:
        raise InstallError(f"Failed to join {node}: {text}")


def wait_for_members(config, own, wanted):
    context = wire.client_context(places.SSL / "rabbitmq-ca.pem")
    login = config["rabbitmq"]["username"], config["rabbitmq"]["password"]
    for _ in range(JOIN_CHECKS):
        answer = asyncio.run(wire.try_call(own, 15671, "/api/nodes", context, auth=login))
        if answer and answer.status == 200 and wanted <= {node["name"] for node in answer.json()}:
            return
        time.sleep(PAUSE)
    raise InstallError(f"not all of {sorted(wanted)} are in the cluster")


def remove():
    subprocess.run(["rm", "-rf", places.MNESIA], check=True)

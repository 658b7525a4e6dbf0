"""Talking to the supervisor: supervisorctl, rabbitmqctl, and what the installer itself asks of it."""

import json
import socket
import subprocess
import sys
import time

from . import places, wire
from .errors import InstallError


def ask(*words, timeout=20):
    """(exit code, text)"""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(timeout)
        line.connect(str(places.SUPERVISOR_SOCKET))
        line.sendall(json.dumps(words).encode() + b"\n")
        code, text = json.loads(line.makefile().readline())
    return code, text


def program(name, settings):
    """Write a program's settings and have it (re)started."""
    places.write(places.SUPERVISOR_PROGRAMS / f"{name}.json", json.dumps(settings, indent=1), 0o600)
    must("update")


def must(*words):
    code, text = ask(*words)
    if code != 0:
        raise InstallError(text)
    return text


def ensure_supervisor(bound=10.0):
    """systemd starts it, and again after every reboot: the services outlive the install that made them."""
    if not places.SUPERVISOR_SOCKET.exists() or not answers():
        subprocess.run(["systemctl", "enable", "--now", "supervisord.service"], check=True, capture_output=True)
    end = time.monotonic() + bound
    while not answers():
        if time.monotonic() > end:
            raise InstallError("supervisord does not answer")
        time.sleep(0.1)


def answers():
    try:
        ask("status")
        return True
    except OSError:
        return False


def supervisorctl():
    words = sys.argv[1:]
    if words[:1] == ["-c"]:
        words = words[2:]
    return print_answer(*words)


def rabbitmqctl():
    """Commands for this node go through the supervisor; -n asks another one with our cookie (gates.md §2 recipe 1)."""
    words = [word for word in sys.argv[1:] if word not in ("--longnames", "-q", "--quiet")]
    if words[:1] != ["-n"]:
        return print_answer("rabbitmqctl", *words)
    node, command, *rest = words[1:]
    if command != "forget_cluster_node" or len(rest) != 1:
        print(f"rabbitmqctl stand-in: {command} is not known for other nodes", file=sys.stderr)
        return 64
    from . import rabbitmq  # only here: it needs the network
    import asyncio
    context = wire.client_context(places.SSL / "rabbitmq-ca.pem")
    context.check_hostname = False
    try:
        answer = asyncio.run(wire.call(rabbitmq.address_of(node), 25672, "/forget", context, method="POST", timeout=5,
                                       content={"node": rest[0]}, headers={"Cookie": rabbitmq.cookie()}))
    except (OSError, asyncio.TimeoutError):
        answer = None
    if answer is None or answer.status != 200:
        print(f"Error: unable to perform an operation on node '{node}'", file=sys.stderr)
        return 69
    problem = answer.json()
    if "error" in problem:
        print(problem["error"], file=sys.stderr)
        return problem["rc"]
    return 0


def print_answer(*words):
    if not words:
        print("a command is needed", file=sys.stderr)
        return 64
    try:
        code, text = ask(*words)
    except OSError as problem:
        code, text = 69, f"unix://{places.SUPERVISOR_SOCKET}: {problem}"
    print(text, file=sys.stderr if code else sys.stdout)
    return code

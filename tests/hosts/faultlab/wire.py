"""Faults on the wire between one host and one peer, without a packet filter: not every kernel has one, nor netem.

The host that asks gets the peer's address on its own loopback, so that what it says to the peer ends on the host itself:
at nobody (refused), at an impostor with another CA, or at a relay with slow lines to the real peer. Silence is a wrong
entry in its neighbour table.
"""

import json
import subprocess
import sys

from hostlab import network
from hostlab.cgroups import Cgroup
from hostlab.system import HERE, run

NOWHERE = "02:00:00:00:de:ad"
PORTS = (443, 2379, 2380, 8008, 15671)


class Wire:
    def __init__(self, lab, directory):
        self.lab, self.directory = lab, directory
        self.processes = {}

    def refuse(self, host, *peers):
        # Others must not get this host's answer when they ask who has the peer's address.
        run(*network.in_namespace(host.namespace), "sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1")
        for peer in peers:
            run("ip", "-n", host.namespace, "addr", "replace", f"{peer}/32", "dev", "lo")

    def impostor(self, host, *peers):
        """Somebody who answers with the right words, the right names and the wrong CA."""
        self.refuse(host, *peers)
        names = ",".join(f"IP:{peer},DNS:{peer}" for peer in peers)
        pair = self.directory / f"impostor-{host.name}"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={peers[0]}",
            "-addext", f"subjectAltName={names}", "-keyout", f"{pair}.key", "-out", f"{pair}.crt")
        self.start(host, {"kind": "impostor", "peers": peers, "ports": PORTS, "pair": str(pair)})

    def slow(self, host, seconds, *peers):
        """Every packet of bytes takes so long, in each direction."""
        self.refuse(host, *peers)
        self.start(host, {"kind": "relay", "peers": peers, "ports": PORTS, "delay": seconds,
                          "beyond": str(network.NAMESPACES / self.lab.bridge.namespace)})

    def drop(self, host, *peers):
        for peer in peers:
            run("ip", "-n", host.namespace, "neigh", "replace", peer, "lladdr", NOWHERE, "dev", "eth0", "nud",
                "permanent")

    def start(self, host, what):
        group = Cgroup(f"{self.lab.prefix}-wire-{host.name}")
        command = [*network.in_namespace(host.namespace), sys.executable, "-B", "-m", "faultlab.tollgate",
                   json.dumps(what)]
        process = subprocess.Popen(command, cwd=HERE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   start_new_session=True, preexec_fn=group.enter)
        process.stdout.readline()      # it listens
        self.processes[host.name] = group

    def heal(self, host, *peers):
        if host.name in self.processes:
            self.processes.pop(host.name).kill()
        for peer in peers:
            run("ip", "-n", host.namespace, "addr", "del", f"{peer}/32", "dev", "lo", check=False)
            run("ip", "-n", host.namespace, "neigh", "del", peer, "dev", "eth0", check=False)

"""A bridge in a network namespace of its own, without uplink: what is on it can reach nothing else."""

import ipaddress
import subprocess
import sys
from pathlib import Path

from .cgroups import Cgroup
from .system import Failure, run

NAMESPACES = Path("/run/netns")
HTTP_PORT = 8000


def in_namespace(name):
    """Command prefix. Not `ip netns exec`: it mounts another /sys and hides the cgroups."""
    return ["nsenter", f"--net={NAMESPACES / name}"]


def make_namespace(name):
    run("ip", "netns", "add", name)
    run("ip", "-n", name, "link", "set", "lo", "up")
    run(*in_namespace(name), "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
        "net.ipv6.conf.default.disable_ipv6=1")


def remove_namespace(name):
    if (NAMESPACES / name).exists():
        run("ip", "netns", "del", name)


class Bridge:
    """The switch of one run, and the web server behind it (the first address of the hosts' network)."""

    def __init__(self, prefix, first_host_address):
        self.namespace = f"{prefix}-bridge"
        network = ipaddress.ip_interface(f"{first_host_address}/24").network
        self.address = str(network.network_address + 1)

    def up(self):
        make_namespace(self.namespace)
        run("ip", "-n", self.namespace, "link", "add", "br0", "type", "bridge", "forward_delay", "0")
        run("ip", "-n", self.namespace, "addr", "add", f"{self.address}/24", "dev", "br0")
        run("ip", "-n", self.namespace, "link", "set", "br0", "up")

    def plug(self, host_namespace, port, mac=None):
        """A cable from the bridge to a new eth0 of a host."""
        address = ["address", mac] if mac else []
        run("ip", "link", "add", f"port{port}", "netns", self.namespace, "type", "veth",
            "peer", "name", "eth0", *address, "netns", host_namespace)
        run("ip", "-n", self.namespace, "link", "set", f"port{port}", "master", "br0", "up")

    def connect(self, port, on=True):
        """Switch a port off or on. The host's own end shows no carrier while it is off."""
        run("ip", "-n", self.namespace, "link", "set", f"port{port}", "up" if on else "down")

    def plug_machine(self):
        """A cable from the bridge to a virtual machine: the tap that its emulator opens in this namespace."""
        run("ip", "-n", self.namespace, "tuntap", "add", "dev", "tap0", "mode", "tap")
        run("ip", "-n", self.namespace, "link", "set", "tap0", "master", "br0", "up")
        return "tap0"

    def serve(self, directory, log):
        """Serve a directory at http://ADDRESS:8000/ until the run's cgroups are killed."""
        command = [*in_namespace(self.namespace), sys.executable, "-m", "http.server", "--directory", str(directory),
                   "--bind", self.address, str(HTTP_PORT)]
        with open(log, "wb") as out:
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                             preexec_fn=Cgroup(self.namespace).enter)
        try:
            run(*in_namespace(self.namespace), "curl", "-s", "--noproxy", "*", "--retry", "20",
                "--retry-connrefused", "--retry-delay", "1", "-m", "30", "-o", "/dev/null",
                f"http://{self.address}:{HTTP_PORT}/")
        except Failure as failure:
            raise Failure(f"the repository server does not answer: {failure}; see {log}") from failure

"""One host: an overlay, a network namespace with eth0, and systemd as PID 1 of its own namespaces."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from . import network
from .artefacts import remove_tree
from .cgroups import Cgroup
from .system import HERE, Failure, run


class Host:
    def __init__(self, name, home, prefix):
        self.name = name
        self.home = home
        self.root = home / "root"
        self.namespace = f"{prefix}-{name}"
        self.cgroup = Cgroup(self.namespace)

    # -- life -----------------------------------------------------------------------------------------------------

    def create(self, lower, seed_iso, platform):
        """A blank machine with its seed in the drive (unpacked: this kernel may have no iso9660)."""
        for part in ("upper", "work", "root"):
            (self.home / part).mkdir(parents=True)
        options = f"lowerdir={':'.join(map(str, lower))},upperdir={self.home}/upper,workdir={self.home}/work"
        run("mount", "-t", "overlay", self.namespace, "-o", options, self.root)
        self.insert(seed_iso)
        if platform == "el7":
            (self.root / "etc/os-release").write_text('NAME="CentOS Linux"\nID="centos"\nID_LIKE="rhel fedora"\n'
                                                      'VERSION_ID="7"\n', encoding="ascii")
            (self.root / "etc/redhat-release").write_text("CentOS Linux release 7.9.2009 (stand-in)\n",
                                                          encoding="ascii")
        network.make_namespace(self.namespace)

    def insert(self, seed_iso):
        """Put this seed in the drive, instead of the one that is there."""
        seed = self.root / "var/lib/cloud/seed/nocloud"
        remove_tree(seed)
        seed.mkdir(parents=True)
        run("xorriso", "-osirrox", "on", "-indev", seed_iso, "-extract", "/", seed)

    def network_config(self):
        file = self.root / "var/lib/cloud/seed/nocloud/network-config"
        return file.read_text(encoding="utf-8") if file.is_file() else ""

    def mac(self):
        """The MAC address that the seed expects, or None."""
        found = re.search(r"(?i)\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", self.network_config())
        return found.group(0) if found else None

    def static_address(self):
        found = re.search(r"""\baddress["']?:\s*["']?(\d+\.\d+\.\d+\.\d+)""", self.network_config())
        return found.group(1) if found else None

    def lease(self, address):
        """What DHCP would give, for a seed that asks for it."""
        (self.root / "etc/sysconfig/network-lease").write_text(f"{address}/24\n", encoding="ascii")

    def boot(self):
        if self.is_on():
            raise Failure(f"{self.name} is on already")
        if not os.path.ismount(self.root):
            raise Failure(f"{self.name} is not there")
        self.cgroup.kill()
        run("ip", "-n", self.namespace, "addr", "flush", "dev", "eth0")  # a power cycle forgets addresses
        run("ip", "-n", self.namespace, "link", "set", "eth0", "down")
        fifo = self.listen_to_console()
        command = [*network.in_namespace(self.namespace), "unshare", "--mount", HERE / "rootfs/pid1", self.root, fifo]
        with open(fifo, "r+b", buffering=0) as console:
            started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                       start_new_session=True, preexec_fn=self.cgroup.enter)
        (self.home / "pid").write_text(str(started.pid), encoding="ascii")
        self.wait_for_systemd()

    def wait_for_systemd(self, bound=30.0):
        """Until PID 1 is systemd on the host's own root. Whoever entered earlier would be on this machine's root."""
        end = time.monotonic() + bound
        while True:
            pid = self.pid1()
            try:
                if pid and Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "systemd":
                    return
            except OSError:
                pass  # it is just becoming something else
            if time.monotonic() > end:
                raise Failure(f"{self.name} has no systemd after {bound:.0f} s:\n{self.console()[-2000:]}")
            time.sleep(0.02)

    def listen_to_console(self):
        """A fifo that never blocks the host: `cat` keeps it open at both ends and copies it to `console`."""
        fifo, log, group = self.home / "console.fifo", self.home / "console", Cgroup(f"{self.namespace}.console")
        if not fifo.exists():
            os.mkfifo(fifo)
        if not group.processes():
            with open(fifo, "r+b", buffering=0) as both_ends, open(log, "ab") as out:
                subprocess.Popen(["cat"], stdin=both_ends, stdout=out, start_new_session=True,
                                 preexec_fn=group.enter)
        return fifo

    def pid1(self):
        """The host's PID 1 as this machine numbers it, or None."""
        try:
            parent = int((self.home / "pid").read_text(encoding="ascii"))
            if parent not in self.cgroup.processes():
                return None  # the number is somebody else's by now
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
            return int(children[0]) if children else None
        except (OSError, ValueError):
            return None

    def is_on(self):
        return self.pid1() is not None

    def cut(self):
        """A power cut: SIGKILL to PID 1, and the kernel ends everything else of the host. Its link goes down first, so
        that peers meet silence and no refusal (gates.md, "Method")."""
        pid = self.pid1()
        if pid is None:
            raise Failure(f"{self.name} is off already")
        run("ip", "-n", self.namespace, "link", "set", "eth0", "down")
        os.kill(pid, signal.SIGKILL)
        self.cgroup.kill()

    def destroy(self):
        self.cgroup.kill()
        Cgroup(f"{self.namespace}.console").kill()
        end = time.monotonic() + 20
        while os.path.ismount(self.root):
            try:
                run("umount", self.root)
            except Failure:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        network.remove_namespace(self.namespace)
        remove_tree(self.home)

    # -- faults, for the stand-in: README.md "Faults" --------------------------------------------------------------

    @property
    def faults(self):
        directory = self.root / "var/lib/cfy-standin/faults"
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def fault(self, name, text=""):
        """Set one; None takes it away."""
        if text is None:
            (self.faults / name).unlink(missing_ok=True)
        else:
            (self.faults / name).write_text(text, encoding="ascii")

    # -- looking at it --------------------------------------------------------------------------------------------

    def command(self, *argv):
        """The command line that runs argv on the host."""
        pid = self.pid1()
        if pid is None:
            raise Failure(f"{self.name} is off")
        return ["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "-C", "--", *argv]

    def sh(self, *argv, timeout=60, check=True):
        return run(*self.command(*argv), timeout=timeout, check=check)

    def read(self, path):
        """Text of a file on the host, '' if it is not there."""
        try:
            return (self.root / path.lstrip("/")).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def status(self):
        """The host's own status file; {} before it says anything."""
        try:
            return json.loads(self.read("/var/lib/cfy-seed/status.json"))
        except ValueError:
            return {}

    def journal(self):
        """What the stand-in installer wrote about itself: a list of events."""
        return [json.loads(line) for line in self.read("/var/lib/cfy-standin/journal").splitlines() if line]

    def unit_processes(self, unit):
        """The processes of a systemd unit of the host, as this machine numbers them."""
        groups = [directory for directory, _, _ in os.walk(self.cgroup.path) if Path(directory).name == unit]
        return [pid for group in groups for pid in Cgroup(group).processes()]

    def console(self):
        file = self.home / "console"
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""

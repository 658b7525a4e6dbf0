"""A process beside a run that looks at all processes of all hosts five times a second, from outside.

    python3 -m faultlab.watcher OUT NAME=CGROUP=ROOT…        until SIGTERM; then OUT has what was seen, as JSON

Per host: every command line there was (secrets must not be among them), the moments at which two installs ran at once, and
CPU seconds of cfy-firstboot.service by phase, with those of the package manager and of `cfy_manager validate` apart.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from hostlab.cgroups import Cgroup

PERIOD = 0.2
TICKS = os.sysconf("SC_CLK_TCK")
UNIT = "system.slice/cfy-firstboot.service"
OTHERS = ("yum", "dnf", "cfy_manager")      # what the driver runs, but is not


def read(path):
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def cpu_of(pid):
    """User and system seconds of a process and of its children that have ended."""
    fields = read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS if len(fields) > 14 else 0.0


class Host:
    def __init__(self, cgroup, root):
        self.cgroup, self.root = Cgroup(cgroup), Path(root)
        self.lines, self.doubles = set(), []
        self.phases = {}       # phase -> CPU seconds of the unit
        self.others = {}       # (phase, pid) -> CPU seconds of yum, …
        self.last = 0.0

    def look(self):
        mine = self.cgroup.path / UNIT / "cgroup.procs"
        ours = set(read(mine).split())
        phase, installs = self.phase(), []
        for pid in self.cgroup.processes():
            words = read(f"/proc/{pid}/cmdline").split(b"\0")[:-1]
            line = b" ".join(words).decode(errors="replace")
            if not line:
                continue
            self.lines.add(line)
            if any(word.endswith(b"/cfy_manager") for word in words[:3]) and b"install" in words:
                installs.append(pid)
            if str(pid).encode() in ours and any(Path(word.decode(errors="replace")).name.startswith(OTHERS)
                                                 for word in words[:3]):
                self.others[phase, pid] = max(cpu_of(pid), self.others.get((phase, pid), 0.0))
        if len(installs) > 1:
            self.doubles.append((time.time(), installs))
        self.count_cpu(phase)

    def phase(self):
        try:
            status = json.loads(read(self.root / "var/lib/cfy-seed/status.json"))
        except ValueError:
            return "before"
        return status.get("phase", "before")

    def count_cpu(self, phase):
        text = read(self.cgroup.path / UNIT / "cpu.stat")
        if not text:
            return
        now = int(text.split()[1]) / 1e6
        # a driver that was killed or rebooted starts again from nothing
        self.phases[phase] = self.phases.get(phase, 0.0) + (now - self.last if now >= self.last else now)
        self.last = now

    def report(self):
        others = {}
        for (phase, _), seconds in self.others.items():
            others[phase] = others.get(phase, 0.0) + seconds
        return {"lines": sorted(self.lines), "doubles": self.doubles, "cpu": self.phases, "others": others}


def main(out, *given):
    hosts = {}
    for text in given:
        name, cgroup, root = text.split("=", 2)
        hosts[name] = Host(cgroup, root)
    over = []
    signal.signal(signal.SIGTERM, lambda *_: over.append(True))
    while not over:
        begin = time.monotonic()
        for host in hosts.values():
            host.look()
        time.sleep(max(0.02, PERIOD - (time.monotonic() - begin)))
    Path(out).write_text(json.dumps({name: host.report() for name, host in hosts.items()}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""One cgroup per host: it is how every process of a host is found and ended, whatever became of its parents."""

import os
import time
from pathlib import Path

from .system import Failure, cache, run


def tree_root():
    """Where cgroup2 is mounted here (a machine with cgroup1 only gets its own mount)."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    for line in mounts.splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(where)
    own = cache() / "cgroup2"
    own.mkdir(exist_ok=True)
    run("mount", "-t", "cgroup2", "none", own)
    return own


class Cgroup:
    def __init__(self, name):
        self.path = tree_root() / name

    def enter(self):
        """For a child before its exec."""
        self.path.mkdir(exist_ok=True)
        (self.path / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")

    def processes(self):
        found = []
        for directory, _, _ in os.walk(self.path):      # passes by what goes away meanwhile
            try:
                found += [int(line) for line in Path(directory, "cgroup.procs").read_text(encoding="ascii").split()]
            except OSError:
                continue
        return found

    def kill(self, bound=20.0):
        """SIGKILL to all, then remove the group; returns when none is left."""
        if not self.path.is_dir():
            return
        (self.path / "cgroup.kill").write_text("1", encoding="ascii")
        end = time.monotonic() + bound
        while self.processes():
            if time.monotonic() > end:
                raise Failure(f"{self.path.name}: processes {self.processes()} outlive SIGKILL")
            time.sleep(0.02)
        while True:
            groups = sorted(self.path.rglob("*"), reverse=True)
            try:
                for group in [g for g in groups if g.is_dir()] + [self.path]:
                    group.rmdir()
                return
            except OSError as busy:
                if time.monotonic() > end:
                    raise Failure(f"cannot remove the cgroup {self.path}: {busy}") from busy
                time.sleep(0.05)


def named(prefix):
    return [Cgroup(path.name) for path in tree_root().glob(prefix + "*") if path.is_dir()]

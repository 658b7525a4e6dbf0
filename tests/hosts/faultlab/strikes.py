"""SIGKILL of the driver, SIGKILL of the install, power cut: each at an exact moment of an exact phase.

A strike is armed (something holds the host at that moment), waits until the host stands there, strikes, and lets go.
INSTALL is held by the stand-in at its stages. Other phases are held in the `sync` that keeps a stamp, with a slow one in
front of the real one: skip 0 and 1 are before and after a file came into its place. A WAIT is held in one of its probes.
"""

import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from hostlab.gates import SERVICES
from hostlab.system import Failure

from .story import alive, pause, until

DRIVER, INSTALL, CUT = "driver killed", "install killed", "power cut"
KINDS = (DRIVER, INSTALL, CUT)
PHASES = ("PREFLIGHT", "PAYLOAD", "PACKAGES", "CONFIGURE", "WAIT", "HEALTH", "SCRUB")
ROLELESS = PHASES[:3]
# A role gets there once: an install that comes again finds the work done, or done by another host, or keeps its data.
ONCE = ("etcd-lock", "reset", "joined", "database-created", "populated")


def slow_tools(host):
    """The hooks for phases, before the first boot."""
    for tool in ("sync", "curl", "timeout"):
        shutil.copy(Path(__file__).with_name("slow-tool"), host.root / "usr/local/sbin" / tool)


def installed(host, role):
    return all((host.root / "etc/cloudify" / kind / SERVICES[role]).exists() for kind in (".installed", ".configured"))


def boot_again(run, host):
    if not host.is_on():
        yield from pause(run.dice.uniform(0.2, 2.5))
        run.lab.power(host.name)


@dataclass
class Strike:
    kind: str
    phase: str
    role: str = ""
    stage: str = ""         # of INSTALL
    skip: int = 0
    after: tuple = ()       # roles that the host installs before this one
    mark: int = -1          # length of the journal when it was armed

    def __str__(self):
        where = "/".join(part for part in (self.phase, self.role, self.stage) if part)
        return f"{self.kind} in {where}" + (" (later)" if self.skip else "")

    @property
    def hook(self):
        return "probe" if self.phase == "WAIT" else "sync"

    # -- holding ----------------------------------------------------------------------------------------------------

    def arm(self, _run, host):
        if self.mark >= 0 or not all(installed(host, role) for role in self.after):
            return
        self.mark = len(host.journal())
        if self.stage:
            host.fault(f"hold-{self.stage}")
            return
        words = {"SCRUB": '"state":"READY"'}.get(self.phase, f'"phase":"{self.phase}","role":"{self.role}"')
        host.fault(f"held-{self.hook}", None)
        host.fault(f"skip-{self.hook}", f"{self.skip}\n")
        host.fault(f"hold-{self.hook}", words + "\n")

    def let_go(self, host):
        host.fault(f"hold-{self.stage or self.hook}", None)

    def reached(self, host):
        if self.mark < 0:
            self.arm(None, host)
            return False
        if self.stage:
            return any(entry.get("stage") == self.stage for entry in host.journal()[self.mark:])
        return (host.faults / f"held-{self.hook}").exists()

    def missed(self, host):
        """It can no longer get there."""
        if self.phase == "SCRUB":
            return False
        return host.status().get("state") == "READY" or bool(
            self.role and self.phase in ("CONFIGURE", "WAIT", "INSTALL") and installed(host, self.role)
            and (self.stage or self.phase == "WAIT"))

    # -- striking ---------------------------------------------------------------------------------------------------

    def strike(self, run, host):
        there = False

        def question():
            nonlocal there
            alive(host)
            over = self.missed(host)     # asked first: a host may get there and be over in between
            there = self.reached(host)
            if not there and host.status().get("state") == "FAILED":
                raise Failure(f"{host.name} is FAILED {host.status().get('code')}: {host.status().get('cause')}")
            return there or over
        yield from until(question, 400, f"{host.name} gets to where it is struck: {self}")
        row = run.row(host, str(self))
        if there:
            self.hit(run, host)
        else:
            run.settle(row, "not reached", good=False)
        self.let_go(host)

    def hit(self, run, host):
        if self.kind == CUT:
            run.lab.cut(host.name)
        elif self.kind == DRIVER:
            host.sh("systemctl", "kill", "--kill-who=main", "--signal=SIGKILL", "cfy-firstboot.service")
        else:
            unit = f"cfy-install@{self.role}.service"
            host.sh("systemctl", "kill", "--kill-who=main", "--signal=SIGKILL", unit)
            for pid in host.unit_processes(unit):
                if "cfy_manager" in command_line(pid):
                    os.kill(pid, signal.SIGKILL)
        run.ended(host, self.kind)


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


@dataclass
class CutSoon:
    """A power cut so many seconds after the host was switched on, wherever it is: in cloud-init, mostly."""

    seconds: float

    def arm(self, run, host):
        pass

    def strike(self, run, host):
        yield from pause(self.seconds)
        row = run.row(host, f"power cut {self.seconds:.1f} s after it was switched on")
        phase = host.status().get("phase", "cloud-init")
        run.lab.cut(host.name)
        run.ended(host, CUT)
        row.fault += f" ({phase})"


def sequence(run, host, acts, delay, bound):
    """The task of one host: everything that happens to it, from its first boot until it is READY."""
    if acts:
        slow_tools(host)
    for act in acts:
        if getattr(act, "early", False):
            act.arm(run, host)
    if acts:
        acts[0].arm(run, host)
    yield from pause(delay)
    for act in acts:
        if hasattr(act, "before_boot"):
            yield from act.before_boot(run)
    run.lab.power(host.name)
    for act, following in zip(acts, [*acts[1:], None]):
        yield from act.strike(run, host)
        if following:
            following.arm(run, host)
        yield from boot_again(run, host)
    yield from run.ready(host, bound)
    for row in run.rows:
        if row.host == host.name and not row.outcome:
            run.settle(row, "READY")

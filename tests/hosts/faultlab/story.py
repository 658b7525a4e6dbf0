"""One run: its hosts, the tasks that play on them at the same time, and what became of each fault."""

import random
import time
from dataclasses import asdict, dataclass, field

from hostlab.system import Failure

TICK = 0.1
# A host has this long from a fault until it is READY; a whole chain of nine installs, each disturbed, may lie between.
BOUND = 420
MOURNING = 60


@dataclass
class Row:
    """A line of the table."""

    host: str
    fault: str
    struck: float = -1.0      # seconds since the first host was switched on
    outcome: str = ""
    seconds: float = -1.0     # from the fault to the outcome
    good: bool = False

    def as_dict(self):
        return asdict(self)


def until(question, bound, what):
    """Wait, in a task, until question() is true."""
    end = time.monotonic() + bound
    while not question():
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {bound:.0f} s")
        yield


def pause(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def alive(host):
    """While systemd moves all processes to a scope of its own, for a moment none is where we look."""
    for _ in range(10):
        if host.is_on():
            return
        time.sleep(0.05)
    raise Failure(f"{host.name} went off by itself; its last words:\n{host.console()[-400:]}")


@dataclass
class Run:
    """What tasks share."""

    name: str
    cluster: object
    lab: object
    check: object
    dice: random.Random
    wire: object = None
    rows: list = field(default_factory=list)
    ends: dict = field(default_factory=dict)     # host -> [(time of day, what was killed)], for the proofs
    delays: dict = field(default_factory=dict)   # host -> seconds until it was switched on
    all_ready: float = -1.0
    begin: float = 0.0

    def start(self):
        self.begin = time.monotonic()

    def role(self, host):
        """The first role that a host installs."""
        return self.cluster.hosts[host.name][1][0]

    def clock(self):
        return time.monotonic() - self.begin

    def row(self, host, fault):
        row = Row(host.name, fault, self.clock())
        self.rows.append(row)
        print(f"{row.struck:6.1f} s  {host.name}: {fault}", flush=True)
        return row

    def ended(self, host, what):
        self.ends.setdefault(host.name, []).append((time.time(), what))

    def settle(self, row, outcome, good=True):
        row.outcome, row.seconds, row.good = outcome, self.clock() - row.struck, good
        print(f"{self.clock():6.1f} s  {row.host}: {row.fault}: {outcome}", flush=True)

    # -- waiting for what a host says of itself ---------------------------------------------------------------------

    def says(self, host, bound, state, code="", word=""):
        """Until the host's status file says so."""
        def question():
            status = host.status()
            alive(host)
            if status.get("state") == "FAILED" and state != "FAILED":
                raise Failure(f"{host.name} is FAILED {status.get('code')} {status.get('cause')}")
            return (status.get("state") == state and status.get("code", "") in (code, code and f"CFY-{code}")
                    and word in status.get("cause", ""))
        yield from until(question, bound, f"{host.name}: {state} {code} {word}".rstrip())

    def ready(self, host, bound=BOUND):
        yield from self.says(host, bound, "READY")


def play(run, tasks, bound):
    """Let tasks (generators) take turns until all have ended; one that fails does not stop the others."""
    end = time.monotonic() + bound
    left = dict(tasks)
    while left:
        for name, task in list(left.items()):
            try:
                if time.monotonic() > end:
                    raise Failure("the run is over, and this host is not READY")
                next(task)
            except StopIteration:
                del left[name]
            except Failure as failure:
                del left[name]
                # The others may wait for this one for ever. What they have left to say, they say soon.
                end = min(end, time.monotonic() + MOURNING)
                run.check.that(False, f"{run.name}: {name}", failure)
                for row in run.rows:
                    if row.host == name and not row.outcome:
                        run.settle(row, f"LOST: {failure}"[:120], good=False)
        time.sleep(TICK)

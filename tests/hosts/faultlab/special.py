"""Faults that are no strike: peers and wire, packages, clock, address, installers that fail, second seeds.

Each makes its own row, and heals what it broke; what follows is the host's way to READY.
"""

from dataclasses import dataclass

from hostlab.system import Failure

from .strikes import CUT, installed
from .story import pause, until

STALL = 60.0       # first_boot.stall_after of the runs that need it: the smallest that a spec may have
# From the moment on which the host must say so: a round of probes that all time out, and one poll more.
LOUD = 45.0
# What a host says and goes on trying.
WAITING_CODES = ("G022", "G033", "G050", "G051", "G063", "G064")
LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def at_phase(run, host, phase, role="", bound=300):
    def question():
        status = host.status()
        return status.get("phase") == phase and status.get("role") == role
    yield from until(question, bound, f"{host.name} comes to {phase}")


def spoken(host, row, run, code, word, bound, state=""):
    """Until the host says this code aloud: in its status, on the console and to who is about to log in."""
    state = state or ("STALLED" if code in WAITING_CODES else "FAILED")
    yield from run.says(host, bound, state, code, word)
    row.fault += f" → {state} {code}"
    seconds = run.clock() - row.struck
    yield from pause(0.3)
    issue = host.read("/etc/issue") + host.read("/etc/issue.d/cfy-seed.issue")
    for where, text in (("console", host.console()), ("issue", issue)):
        run.check.that(f"CFY-{code}" in text, f"{run.name}: {host.name}: the {where} names CFY-{code}")
    print(f"{run.clock():6.1f} s  {host.name}: {code} after {seconds:.0f} s: {host.status().get('cause')}", flush=True)


def stalled(run, names):
    yield from until(lambda: all(run.lab.host(name).status().get("state") == "STALLED" for name in names), STALL + 180,
                     f"{', '.join(names)} stall")


def retry(run, host):
    """And until the host says something new."""
    before = host.status()["since"]
    host.sh("/usr/local/sbin/cfy-firstboot", "retry")
    yield from until(lambda: host.status().get("since", before) != before, 60, f"{run.name}: {host.name} tries again")


@dataclass
class Wired:
    """The way to peers is bad while the host waits for them: STALLED with CFY-G050, then healed."""

    how: str                        # a method of Wire
    peers: tuple
    word: str                       # what the host says of it
    options: tuple = ()
    stalls: bool = True
    behind: str = ""                # this host must be READY, and the bad way alone keeps us

    def arm(self, run, host):
        pass

    def strike(self, run, host):
        run.wire.refuse(host, *self.peers)      # a listener here would be a port that is taken, for PREFLIGHT
        yield from at_phase(run, host, "PACKAGES")
        if self.how == "drop":
            run.wire.heal(host, *self.peers)
        getattr(run.wire, self.how)(host, *self.options, *self.peers)
        yield from at_phase(run, host, "WAIT", run.role(host))
        row = run.row(host, {"refuse": "peers refuse", "impostor": "peers answer with a wrong certificate",
                             "slow": f"peers are slow, {self.options and self.options[0]} s a packet",
                             "drop": "peers' packets are dropped"}[self.how])
        if self.stalls:
            yield from spoken(host, row, run, "G050", "" if self.behind else self.word, STALL + LOUD)
            if self.behind:
                yield from run.ready(run.lab.host(self.behind))
                yield from until(lambda: self.word in host.console().splitlines()[-1], 60,
                                 f"{host.name} waits for nothing else: {self.word}")
            run.check.equal([entry for entry in host.journal() if entry.get("command") == "install"], [],
                            f"{run.name}: {host.name} installs nothing meanwhile")
        else:
            # No longer than that: its own services want the ports on which the relay listens.
            yield from at_phase(run, host, "INSTALL", run.role(host))
        run.wire.heal(host, *self.peers)


@dataclass
class Late:
    """A host that is switched on when its peers have stalled (StallsBehind looks at what they say)."""

    followers: tuple

    def before_boot(self, run):
        yield from stalled(run, self.followers)

    def arm(self, run, host):
        pass

    def strike(self, run, host):
        run.row(host, f"comes late, {run.clock():.0f} s after the first, past the stall time of its peers")
        yield


@dataclass
class StallsBehind:
    """Waits for a host that is late: STALLED with CFY-G050, and goes on by itself."""

    whom: str

    def arm(self, run, host):
        pass

    def strike(self, run, host):
        yield from at_phase(run, host, "WAIT", run.role(host))
        row = run.row(host, f"{self.whom} is late")
        yield from spoken(host, row, run, "G050", self.whom, STALL + LOUD)


@dataclass
class Install:
    """The installer fails N times, or hangs."""

    file: str
    text: str
    fault: str
    code: str = ""
    followers: tuple = ()       # it is not healed before these have stalled, too

    def arm(self, run, host):
        host.fault(self.file, self.text)

    def strike(self, run, host):
        def ended(code):
            return [entry for entry in host.journal() if entry["event"] == "end" and entry["command"] == "install"
                    and entry["rc"] in code]
        yield from until(lambda: any(entry["event"] == "start" and entry["command"] == "install"
                                     for entry in host.journal()), 400, f"{host.name} installs")
        row = run.row(host, self.fault)
        if self.code:
            yield from spoken(host, row, run, self.code, "", STALL + LOUD + 30)
        elif self.file == "fail-install":
            yield from until(lambda: len(ended((1,))) == int(self.text), 120, f"{host.name} fails {self.text} times")
        else:
            yield from until(lambda: ended((0,)), 120, f"{host.name} has hung, and ends")
        yield from stalled(run, self.followers)
        host.fault(self.file, None)
        if self.code == "G060":
            run.check.equal(len(ended((1,))), 3, f"{run.name}: {host.name} tried three times")
            yield from retry(run, host)


@dataclass
class Clock:
    """The driver's clock is a day early, and a bit: certificates are valid from one day back (DESIGN.md §5).

    Container hosts share the kernel's clock, so libfaketime shows another one, to the driver and what it starts. It is put
    right while the host waits for that, or after it gave up.
    """

    gives_up: bool
    early = True

    def arm(self, run, host):
        unit = host.root / "etc/systemd/system/cfy-firstboot.service.d"
        if unit.is_dir():
            return
        unit.mkdir(parents=True)
        (unit / "clock.conf").write_text(
            f"[Service]\nEnvironment=LD_PRELOAD={LIBRARY} FAKETIME_NO_CACHE=1 FAKETIME_DONT_RESET=1 "
            "FAKETIME_TIMESTAMP_FILE=/etc/faketimerc FAKETIME_DONT_FAKE_MONOTONIC=1\n", encoding="ascii")
        (host.root / "etc/faketimerc").write_text("-25h\n", encoding="ascii")

    def strike(self, run, host):
        yield from at_phase(run, host, "PREFLIGHT")
        row = run.row(host, "clock a day early")
        if self.gives_up:
            yield from spoken(host, row, run, "G011", "", 120)
        else:
            yield from pause(6)
            run.check.equal(host.status().get("phase"), "PREFLIGHT", f"{run.name}: {host.name} waits for its clock")
        (host.root / "etc/faketimerc").write_text("+0\n", encoding="ascii")
        if self.gives_up:
            yield from retry(run, host)


@dataclass
class Address:
    """The network gave the host another address than its seed says."""

    right: str
    early = True

    def arm(self, run, host):
        file = host.root / "var/lib/cloud/seed/nocloud/network-config"
        file.write_text(host.network_config().replace(self.right, "10.0.0.99"), encoding="utf-8")

    def strike(self, run, host):
        yield from at_phase(run, host, "PREFLIGHT")
        row = run.row(host, "wrong own address")
        yield from spoken(host, row, run, "G010", self.right, 120)
        for file in (host.root / "etc/sysconfig/network-scripts").glob("ifcfg-eth*"):
            file.write_text(file.read_text(encoding="utf-8").replace("10.0.0.99", self.right), encoding="utf-8")
        host.sh("systemctl", "restart", "network.service")
        yield from retry(run, host)


@dataclass
class Twice:
    """The driver is started by hand while it runs."""

    phase: str = "WAIT"
    role: str = ""

    def arm(self, run, host):
        pass

    def strike(self, run, host):
        yield from at_phase(run, host, self.phase, self.role)
        row = run.row(host, "the driver is started twice")
        before = host.unit_processes("cfy-firstboot.service")[:1]
        said = host.sh("bash", "-c", "/usr/local/sbin/cfy-firstboot run; echo rc $?", timeout=20)
        run.check.that("CFY-G002" in said and said.rstrip().endswith("rc 1"),
                       f"{run.name}: {host.name}: the second driver says CFY-G002 and ends", said)
        row.fault += " → CFY-G002"
        run.check.equal(host.unit_processes("cfy-firstboot.service")[:1], before,
                        f"{run.name}: {host.name}: the first one goes on")


@dataclass
class Seed:
    """Another seed from the first boot on, of the same host and vault."""

    tree: object
    early = True

    def arm(self, run, host):
        if not host.console():
            host.insert(self.tree / "hosts" / host.name / "seed.iso")

    def strike(self, run, host):
        run.row(host, "another source of the RPM than its peers have")
        yield


@dataclass
class Payload(Seed):
    """Packages that cannot be had: said with a code, then healed, then READY."""

    fault: str = ""
    phase: str = "PACKAGES"
    code: str = ""
    word: str = ""
    break_it: object = None       # (run, host), when the host stands before that phase
    heal: object = None           # (run, host)
    goes_on: bool = False         # by itself, without a retry
    quiet: bool = False           # it must come back before the host says anything
    state: str = ""
    armed: bool = False

    def arm(self, run, host):
        if self.armed:
            return
        self.armed = True
        if self.tree:
            super().arm(run, host)
        if self.break_it:
            host.fault("skip-sync", "0\n")
            host.fault("hold-sync", '"phase":"PREFLIGHT"\n')

    def strike(self, run, host):
        if self.break_it:
            yield from until((host.faults / "held-sync").exists, 60, f"{host.name} stands in PREFLIGHT")
            self.break_it(run, host)
            host.fault("hold-sync", None)
        yield from at_phase(run, host, self.phase, bound=120)
        row = run.row(host, self.fault)
        if self.quiet:
            yield from run.says(host, 50, "WAITING")
        else:
            yield from spoken(host, row, run, self.code, self.word, STALL + LOUD, self.state)
        run.check.equal([call for call in host.journal() if call["event"] == "start"], [],
                        f"{run.name}: {host.name} has run nothing of such an RPM")
        self.heal(run, host)
        if not self.goes_on:
            yield from retry(run, host)


@dataclass
class NewSeed:
    """A second seed with a new instance-id arrives while the host waits: it starts anew, and does no harm."""

    tree: object
    role: str

    def arm(self, run, host):
        pass

    def strike(self, run, host):
        yield from at_phase(run, host, "WAIT", self.role)
        row = run.row(host, "second seed with a new instance-id before READY")
        run.lab.cut(host.name)
        run.ended(host, CUT)
        host.insert(self.tree / "hosts" / host.name / "seed.iso")
        run.lab.power(host.name)
        yield from until(lambda: host.status().get("generation") == 2, 60, f"{host.name} is of generation 2")
        row.fault += " → generation 2"


@dataclass
class LostMarkers:
    """The markers of a role that was healthy once are gone: never installed again."""

    role: str

    def arm(self, run, host):
        pass

    def strike(self, run, host):
        stamp = host.root / f"var/lib/cfy-seed/stamps/HEALTH{self.role}"
        yield from until(lambda: stamp.exists() and host.status().get("role") not in ("", self.role), 400,
                         f"{host.name} has a healthy {self.role}")
        row = run.row(host, f"markers of {self.role} lost after it was healthy")
        if not installed(host, self.role):
            raise Failure(f"{host.name} has no markers to lose")
        places = [host.root / "etc/cloudify" / kind for kind in (".installed", ".configured")]
        run.lab.cut(host.name)
        run.ended(host, CUT)
        for place in places:
            place.rename(place.with_name(place.name + ".lost"))
        run.lab.power(host.name)
        yield from spoken(host, row, run, "G065", "", 60)
        for place in places:
            place.with_name(place.name + ".lost").rename(place)
        yield from retry(run, host)

"""The list of runs: which host meets what. Everything random comes from the run's own dice."""

import shutil
from dataclasses import dataclass

from .clusters import SHAPES
from .special import (Address, Clock, Install, Late, LostMarkers, NewSeed, Payload, Seed, StallsBehind, Twice, Wired)
from .strikes import CUT, DRIVER, INSTALL, ONCE, PHASES, ROLELESS, CutSoon, Strike

ROLES = ("database", "broker", "manager")
EARLY = ["started", "packages", "validated"]
# INSTALL of each host, in an order in which database 1 stands at one of EARLY while database 2 holds the lock of etcd
# to be struck there: whoever first sees a quorum takes the lock, and that must be database 2 then. What a role does
# only once stands so that whatever strikes with it comes later in an install.
STAGES = {
    "database-1": ["started", "patroni-started", "packages", "validated", "before-markers"],
    "database-2": ["packages", "patroni-started", "started", "before-markers", "validated", "etcd-lock"],
    "database-3": [*EARLY, "patroni-started", "before-markers"],
    "broker-1": ["reset", "before-markers", *EARLY],
    "broker-2": ["started", "reset", "packages", "joined", "validated", "before-markers"],
    "broker-3": ["reset", "packages", "joined", "validated", "before-markers", "started"],
    "manager-1": ["started", "database-created", "packages", "populated", "validated", "before-markers"],
    "manager-2": [*EARLY, "before-markers"],
    "manager-3": ["before-markers", *EARLY],
}
SHIFT = {INSTALL: 0, CUT: 2, DRIVER: 4}
ROUNDS = 6         # the longest list of stages
# Three rounds of compact hosts take every second stage of these lists, from here on (first, second and third host).
TURNS = {"database": (1, 1, 1), "broker": (0, 0, 0), "manager": (1, 1, 1)}
UNGATED = ("database-1", "broker-1")     # they wait for nobody
ORDERS = 30        # boot orders in all


@dataclass(frozen=True)
class Plan:
    name: str
    shape: str
    acts: object                       # (run, cluster) -> {host: [act]}
    stall_after: str = "60m"
    spread: float = 4.0                # seconds over which the hosts are switched on
    reboot_all: bool = False
    second_seed: bool = False          # after READY, on hosts that pinned themselves
    undisturbed: bool = False          # measures what the script itself costs

    def delays(self, dice):
        """When each host is switched on, in a random order."""
        hosts = list(SHAPES[self.shape])
        dice.shuffle(hosts)
        return {host: dice.uniform(0, self.spread) for host in hosts}


def strikes_in_install(position, role, number, dice, after=()):
    """Each kind once. What a role does only once is struck first, in its order; the driver's death, which ends no
    install, is last, or whatever follows it comes later in the same install."""
    stages = STAGES[position]

    def at(kind):
        return Strike(kind, "INSTALL", role, stages[(number + SHIFT[kind]) % len(stages)], after=after)
    ending = [at(INSTALL), at(CUT)]
    dice.shuffle(ending)
    acts = [*ending, at(DRIVER)]
    once = sorted((act for act in acts if act.stage in ONCE), key=lambda act: ONCE.index(act.stage))
    rest = [act for act in acts if act not in once]
    if once and once[-1].kind == DRIVER:
        rest.sort(key=lambda act: act.stage != "before-markers")
    return once + rest


def strikes_around(position, role, number, shift):
    """Three of the other phases: (before INSTALL, after it). Six rounds have all fourteen."""
    kinds = [(phase, kind) for kind in (DRIVER, CUT) for phase in PHASES]
    chosen = [kinds[(3 * number + i + shift) % len(kinds)] for i in range(3)]
    chosen.sort(key=lambda pair: PHASES.index(pair[0]))
    acts = [Strike(kind, phase, "" if phase in (*ROLELESS, "SCRUB") else role,
                   skip=0 if phase == "WAIT" else (number + i) % 2)
            for i, (phase, kind) in enumerate(chosen) if not (phase == "WAIT" and position in UNGATED)]
    before = [act for act in acts if act.phase not in ("HEALTH", "SCRUB")]
    return before, [act for act in acts if act.phase in ("HEALTH", "SCRUB")]


def nine(number):
    def acts(run, cluster):
        found = {}
        for index, (host, (_, (role,))) in enumerate(cluster.hosts.items()):
            position = f"{role}-{index % 3 + 1}"
            before, after = strikes_around(position, role, number, 5 * index)
            found[host] = [*before, *strikes_in_install(position, role, number, run.dice), *after]
        return found
    return Plan(f"nine-{number + 1}", "nine-node", acts)


def three(number):
    """Compact hosts: the three hosts share what nine have each for itself; a third of the rounds."""
    def acts(run, cluster):
        found = {}
        for index, host in enumerate(cluster.hosts):
            found[host] = []
            for place, role in enumerate(ROLES):
                position, turn = f"{role}-{index + 1}", 2 * number + TURNS[role][index]
                before, after = strikes_around(position, role, number + 3 * (index % 2), 0)
                if place:        # done by the first role, once
                    before = [act for act in before if act.phase not in ROLELESS]
                if role != "manager":
                    after = [act for act in after if act.phase != "SCRUB"]
                struck = strikes_in_install(position, role, turn, run.dice, ROLES[:place])
                for act in (*before, *after):
                    act.after = ROLES[:place]
                found[host] += [*before, *struck, *after]
        return found
    return Plan(f"three-{number + 1}", "three-node", acts)


def nothing(_run, _cluster):
    return {}


def order(number):
    """A boot order with delays, and a host or two that lose power while cloud-init is at work."""
    shape = ("nine-node", "three-node")[number % 2]

    def acts(run, cluster):
        victims = run.dice.sample(list(cluster.hosts), 2)
        return {host: [CutSoon(run.dice.uniform(0.4, 3.5))] for host in victims}
    return Plan(f"order-{number + 1}", shape, acts, spread=(8.0, 15.0, 25.0)[number % 3], reboot_all=number % 3 == 0)


def wire(_run, cluster):
    db, broker, manager = (cluster.addresses(role) for role in ROLES)
    return {
        "db-1": [Twice("HEALTH", "database")],
        "db-2": [Wired("drop", (db["db-1"],), "no connection")],
        "db-3": [Wired("impostor", (db["db-1"], db["db-2"]), "curl exit 60")],
        "broker-2": [Wired("refuse", (broker["broker-1"],), "curl exit 7")],
        "manager-1": [Wired("impostor", (*db.values(), *broker.values()), "curl exit 60")],
        "manager-2": [Wired("slow", (manager["manager-1"],), "curl exit 28", options=(2.5,),
                            behind="manager-1")],
        "manager-3": [Wired("slow", (manager["manager-1"], manager["manager-2"]), "", options=(0.3,), stalls=False)],
    }


def late(_run, _cluster):
    return {
        "db-1": [Late(("db-2", "db-3"))],
        "db-2": [StallsBehind("db-1")],
        "db-3": [StallsBehind("db-1")],
        "broker-1": [Install("hang-install", "0", "cfy_manager hangs", code="G064", followers=("broker-2",))],
        "broker-2": [StallsBehind("broker-1")],
        "manager-2": [StallsBehind("manager-1")],
        "manager-3": [Install("fail-install", "1", "cfy_manager fails once")],
    }


def payload(_run, cluster):
    made = cluster.made.installer_rpm
    staged = cluster.www / "staged" / made.name
    staged.parent.mkdir()
    staged.write_bytes(made.read_bytes()[::-1])
    digest = cluster.build("digest", cluster.rpm_by_url(f"staged/{made.name}"))
    by_url = cluster.build("by-url", cluster.rpm_by_url(f"cloudify/{made.name}"))
    unsigned = cluster.build("unsigned", cluster.unsigned_repository("unsigned"))

    def mend_repository(_run, _host):
        shutil.rmtree(cluster.www / "unsigned")
        (cluster.www / "unsigned").symlink_to(cluster.made.www / "cloudify")

    def cut_off(run, host):
        run.wire.refuse(host, run.lab.bridge.address)

    def connect(run, host):
        run.wire.heal(host, run.lab.bridge.address)

    def fill(_run, host):
        host.sh("sh", "-c", "mkdir -p /var/lib/cfy-seed/payload && "
                            "mount -t tmpfs -o size=16k tmpfs /var/lib/cfy-seed/payload")

    def unfill(_run, host):
        host.sh("umount", "/var/lib/cfy-seed/payload")
    return {
        "db-1": [Payload(digest, "RPM with a wrong digest", "PAYLOAD", "G020",
                         heal=lambda _run, _host: staged.write_bytes(made.read_bytes()))],
        "db-2": [Payload(None, "repository gone and back", "PACKAGES", "G033", break_it=cut_off, heal=connect,
                         goes_on=True)],
        "db-3": [Payload(None, "repository gone and back at once", "PACKAGES", break_it=cut_off, heal=connect,
                         goes_on=True, quiet=True)],
        "broker-1": [Payload(unsigned, "unsigned RPM", "PACKAGES", "G031", heal=mend_repository)],
        "broker-2": [Payload(by_url, "disk full while staging", "PAYLOAD", "G013", "curl exit 23", break_it=fill,
                             heal=unfill, goes_on=True, state="STALLED")],
        "broker-3": [Payload(by_url, "download refused", "PAYLOAD", "G022", "curl exit 7", break_it=cut_off,
                             heal=connect, goes_on=True)],
        "manager-1": [Seed(by_url), Twice("WAIT", "manager")],
    }


def environment(_run, cluster):
    again = cluster.build("again", generation=2)
    return {
        "db-1": [Clock(gives_up=False)],
        "db-2": [Clock(gives_up=True)],
        "broker-1": [Address(cluster.hosts["broker-1"][0])],
        "broker-3": [Install("fail-install", "99", "cfy_manager fails always", code="G060")],
        "db-3": [Install("hang-install", "6", "cfy_manager hangs for a while")],
        "manager-1": [Install("fail-install", "2", "cfy_manager fails twice")],
        "manager-2": [NewSeed(again, "manager")],
        "manager-3": [NewSeed(again, "manager"), Twice("WAIT", "manager")],
    }


def compact(_run, _cluster):
    return {
        "node-1": [Install("fail-install", "1", "cfy_manager fails once"), LostMarkers("database")],
        "node-2": [Install("hang-install", "0", "cfy_manager hangs", code="G064", followers=("node-3",)),
                   Twice("WAIT", "broker")],
        "node-3": [StallsBehind("node-2")],
    }


def compact_late(_run, cluster):
    node = cluster.addresses("database")
    return {
        "node-1": [Late(("node-2", "node-3"))],
        "node-2": [StallsBehind("node-1")],
        "node-3": [Wired("impostor", (node["node-1"], node["node-2"]), "curl exit 60")],
    }


def plans():
    listed = [Plan("undisturbed", "nine-node", nothing, undisturbed=True, reboot_all=True, second_seed=True)]
    listed += [nine(number) for number in range(ROUNDS)]
    listed += [three(number) for number in range(ROUNDS // 2)]
    listed += [
        Plan("wire", "nine-node", wire, stall_after="1m"),
        Plan("late", "nine-node", late, stall_after="1m"),
        Plan("payload", "nine-node", payload, stall_after="1m"),
        Plan("environment", "nine-node", environment, stall_after="1m"),
        Plan("compact", "three-node", compact, stall_after="1m", reboot_all=True, second_seed=True),
        Plan("compact-late", "three-node", compact_late, stall_after="1m"),
    ]
    listed += [order(number) for number in range(ORDERS - len(listed))]
    return {plan.name: plan for plan in listed}


def sample(dice):
    """Three runs of about four minutes in all, others with every commit."""
    names = list(plans())
    matrix = [name for name in names if name.startswith("nine-")]
    small = [name for name in names if name.startswith("three-")]
    special = [name for name in names if name in ("late", "payload", "environment", "wire", "compact", "compact-late")]
    return [dice.choice(matrix), dice.choice(small + special), "undisturbed"]

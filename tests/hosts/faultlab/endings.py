"""What every run ends with: proofs, secrets, and what some do to READY hosts."""

import json
import subprocess
import sys
import time

from hostlab import gates, secrets
from hostlab.cgroups import Cgroup
from hostlab.checking import check_ready_host
from hostlab.system import HERE, Failure

from . import leaks, proofs

# Rounds in a row that each gate asks for (src/plan/gate.rs).
HOLDS = {"broker": 2, "first manager": 2, "manager": 3}
POLL = 2.0
# From the last good round to the installer's first line: the probes themselves, systemd, bash, Python; on two cores that
# other hosts use as well.
SLACK = 2.0
CPU_BOUND = 3.0


class Watcher:
    """The process of watcher.py."""

    def __init__(self, lab, out):
        self.out = out
        given = [f"{name}={host.cgroup.path.name}={host.root}" for name, host in lab.hosts.items()]
        self.process = subprocess.Popen([sys.executable, "-B", "-m", "faultlab.watcher", str(out), *given], cwd=HERE,
                                        stdin=subprocess.DEVNULL, preexec_fn=Cgroup(f"{lab.prefix}-watcher").enter)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        return json.loads(self.out.read_text(encoding="utf-8"))


def says_ok(run, name):
    host = run.lab.host(name)
    return host.is_on() and host.sh("curl", "-s", "--noproxy", "*", "-m", "5", "--cacert", "/etc/cloudify/cfy-seed/ca.crt",
                                    f"https://{managers(run)[name]}/api/v3.1/ok", check=False).strip() == '"OK"'


def driver_is_done(host):
    """In this boot: it ran, and ended well."""
    try:
        shown = host.sh("systemctl", "show", "cfy-firstboot.service", "-p", "ExecMainStatus", "-p", "ActiveState", "-p",
                        "ExecMainExitTimestampMonotonic", timeout=15)
    except Failure:
        return False
    facts = dict(line.split("=", 1) for line in shown.split())
    return facts.get("ActiveState") == "inactive" and facts["ExecMainStatus"] == "0" and \
        facts["ExecMainExitTimestampMonotonic"] not in ("", "0")


def installs(run):
    return {name: len(gates.installs(host.journal())) for name, host in run.lab.hosts.items()}


def managers(run):
    return run.cluster.addresses("manager")


def stay_ready(run, row, hosts, before):
    """After a boot of READY hosts: their drivers end well, nothing is installed, managers serve."""
    check = run.check
    good = check.within(120, lambda: all(driver_is_done(host) for host in hosts), f"{run.name}: {row.fault}: drivers end")
    good &= check.within(90, lambda: all(says_ok(run, name) for name in managers(run)),
                         f"{run.name}: {row.fault}: all managers say /ok")
    states = {host.name: host.status().get("state") for host in hosts}
    good &= check.equal(states, dict.fromkeys(states, "READY"), f"{run.name}: {row.fault}: they are READY")
    good &= check.equal(installs(run), before, f"{run.name}: {row.fault}: nobody installed anything")
    run.settle(row, "READY" if good else "NOT READY", good)


def reboot_all(run):
    """All hosts lose power together, and come back in another order."""
    hosts, before = list(run.lab.hosts.values()), installs(run)
    row = run.row(hosts[0], "all hosts rebooted together after READY")
    row.host = "all"
    for host in hosts:
        run.lab.cut(host.name)
    run.dice.shuffle(hosts)
    for host in hosts:
        run.lab.power(host.name)
        time.sleep(run.dice.uniform(0, 0.7))
    stay_ready(run, row, hosts, before)


def second_seed(run):
    """A pinned host must not look at a seed with a new instance-id."""
    tree = run.cluster.build("second", generation=2)
    before = installs(run)
    for host in run.dice.sample(list(run.lab.hosts.values()), 2):
        row = run.row(host, "second seed with a new instance-id after READY")
        run.lab.cut(host.name)
        host.insert(tree / "hosts" / host.name / "seed.iso")
        run.lab.power(host.name)
        stay_ready(run, row, [host], before)
        run.check.equal(host.status().get("generation"), 1, f"{run.name}: {host.name} is of generation 1 as before")
        own = host.sh("ip", "-o", "-4", "addr", "show", "dev", "eth0")
        run.check.that(f" {run.cluster.hosts[host.name][0]}/" in own, f"{run.name}: {host.name} has its address", own)


def look_for_secrets(run, seen, scratch):
    words = secrets.generated(run.cluster.vault) + secrets.private_keys(run.cluster.vault)
    run.check.that(len(words) > 15, f"{run.name}: the vault has secrets to look for")
    for name, host in run.lab.hosts.items():
        check_ready_host(run.check, host, "faults", words, generation=host.status().get("generation", 1))
        found = leaks.found(host, words, seen[name]["lines"], scratch)
        run.check.equal(found, [], f"{run.name}: {name}: no secret in memory file systems, arguments, journal or archive")


def prove(run, seen):
    members = {role: run.cluster.addresses(role) for role in gates.SERVICES}
    journals = {name: host.journal() for name, host in run.lab.hosts.items()}
    proofs.check(run.check, run.name, members, journals, run.ends, {name: had["doubles"] for name, had in seen.items()})


def measure(run, seen):
    """What the script costs where nothing disturbed it: done-when 4. Returns both tables."""
    members = {role: run.cluster.addresses(role) for role in gates.SERVICES}
    stamps = {}
    for name, host in run.lab.hosts.items():
        file = host.root / "var/lib/cfy-seed/stamps/HEALTHdatabase"
        stamps[name] = file.stat().st_mtime if file.exists() else None
    journals = {name: host.journal() for name, host in run.lab.hosts.items()}
    late = [{"host": name, "role": role, "seconds": seconds, "bound": POLL * HOLDS[kind] + SLACK}
            for name, role, kind, seconds in proofs.overheads(members, journals, stamps)]
    for entry in late:
        run.check.that(entry["seconds"] <= entry["bound"],
                       f"{run.name}: {entry['host']} installs as {entry['role']} at most {entry['bound']:.0f} s after "
                       "what it waits for", f"{entry['seconds']:.1f} s")
    cpu = {}
    for name, had in seen.items():
        own = {phase: max(0.0, spent - had["others"].get(phase, 0.0)) for phase, spent in had["cpu"].items()}
        cpu[name] = {"all": sum(had["cpu"].values()), "script": sum(own.values()) - own.get("WAIT", 0.0),
                     "waiting": own.get("WAIT", 0.0), "phases": own}
        run.check.that(cpu[name]["script"] < CPU_BOUND, f"{run.name}: {name}: the script costs less than {CPU_BOUND:.0f} s "
                       "of CPU", f"{cpu[name]}")
    return {"overhead": late, "cpu": cpu}

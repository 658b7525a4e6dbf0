"""What the hosts' own journals must prove after every run, whatever happened: done-when 2 of the first boot.

- no install began before its gate held, re-runs included;
- none began after that role was installed (but database 1 once, where nobody had switched etcd's authentication on);
- no host ran two at once.
"""

from hostlab import gates

# The driver saw its gate hold so long ago at most when the installer looks itself. A peer that was struck in between
# is not the driver's fault, nor one whose own install runs again just then: after a power cut its services come back by
# themselves, a gate takes them for finished, and the second run restarts them.
BETWEEN = 4.0
LOOKING = 3.0


def lives(journal, ends):
    """[(role, begin, end, facts, rc)] of the installs of a host, in order. ends: [(time, what)] that was killed there.

    An install without an end of its own ended when it or its host was struck; infinity where nobody struck.
    """
    found = []
    for start, end, facts in gates.installs(journal):
        struck = [when for when, what in ends if when >= start["time"] and what != "driver killed"]
        over = end["time"] if end else min(struck, default=float("inf"))
        found.append((role_of(facts), start["time"], over, facts, end["rc"] if end else None))
    return found


def role_of(facts):
    if facts is None:
        return None
    return next((role for role, service in gates.SERVICES.items() if service in facts["services"]), None)


def early(role, facts, name, hosts):
    """What was missing of the gate when this install began. hosts: {name: address} of the role, in the spec's order."""
    names = list(hosts)
    earlier = {other: hosts[other] for other in names[:names.index(name)]}
    return gates.PROBLEMS[role](facts, earlier, hosts)


def disturbed_meanwhile(name, begin, ends, calls):
    """Other hosts that were struck, or installed again, between the driver's look at the gate and the installer's. A
    driver serves nobody, so its death is no excuse."""
    low, high = begin - BETWEEN, begin + LOOKING
    struck = {other for other, list_ in ends.items()
              if any(low <= when <= high and what != "driver killed" for when, what in list_)}
    again = set()
    for other, lives_ in calls.items():
        seen = set()
        for role, start, over, _, _ in lives_:
            if role in seen and start <= high and over >= low:
                again.add(other)
            seen.add(role)
    return sorted(f"{other} {'was struck' if other in struck else 'installed again'}" for other in (struck | again) - {name})


def cured(role, name, hosts, facts):
    """The one re-run that is allowed: database 1, where the cluster is healthy and nobody switched authentication on."""
    if role != "database" or name != next(iter(hosts)):
        return False
    seen = list(facts["databases"].values())
    return any(node["health"] for node in seen) and not any(node["auth"] for node in seen)


def problems(members, journals, ends):
    """members: {role: {name: address}}; journals: {name: journal}; ends: {name: [(time, what)]}. (problems, excuses)"""
    found, excuses = [], []
    everybody = {name: lives(journal, ends.get(name, [])) for name, journal in journals.items()}
    for name, journal in journals.items():
        calls = everybody[name]
        for earlier, later in zip(calls, calls[1:]):
            if earlier[2] > later[1]:
                found.append(f"{name}: an install began at {later[1]:.1f} while the one of {earlier[1]:.1f} ran")
        done = set()
        for role, begin, _, facts, code in calls:
            if facts is None:
                continue            # struck before it looked, and before it did anything
            if (role in done or facts["installed"]) and not cured(role, name, members[role], facts):
                found.append(f"{name}: {role} was installed again after success")
            if code == 0:
                done.add(role)
            missing = early(role, facts, name, members[role])
            excuse = disturbed_meanwhile(name, begin, ends, everybody)
            if missing and excuse:
                excuses.append(f"{name} as {role}: {missing}, when {', '.join(excuse)}")
            elif missing:
                found.append(f"{name}: {role} began before its gate held: {missing}")
        for role, hosts in members.items():
            if name in hosts and role not in done and not finished_without_end(role, calls, journal):
                found.append(f"{name}: no install as {role} ended well")
    return found, excuses


def finished_without_end(role, calls, journal):
    """Struck after its markers were written, before it said that it ended."""
    mine = [call for call in calls if call[0] == role]
    if not mine or mine[-1][4] is not None:
        return False
    pid = mine[-1][3]["pid"]
    return any(entry.get("stage") == "before-markers" and entry["pid"] == pid and entry["time"] > mine[-1][1]
               for entry in journal)


def check(checks, run_name, members, journals, ends, doubles):
    found, excuses = problems(members, journals, ends)
    for kind, word in (("began before its gate held", "every install began after its gate held, re-runs included"),
                       ("again after success", "nothing was installed again after success"),
                       ("while the one of", "no host ran two installs at once"),
                       ("ended well", "every role has an install that ended well")):
        checks.equal([text for text in found if kind in text], [], f"{run_name}: {word}")
    checks.equal({name: seen for name, seen in doubles.items() if seen}, {},
                 f"{run_name}: nobody saw two installs at once among the processes of a host")
    for excuse in excuses:
        print(f"        excused: {excuse}")


def overheads(members, journals, stamps):
    """[(host, role, gate, seconds)]: from what its gate waits for to the start of an install, where nothing disturbed it.

    What it waits for is there when the predecessor's install ends (brokers, managers; the last broker before the first
    manager), when a database's start is over (before the second), when its host calls it healthy (before the third:
    stamps, by host). An install that began before that took no time.
    """
    databases, brokers, managers = (list(members[role]) for role in ("database", "broker", "manager"))
    pairs = [(name, "broker", "broker", moment(journals[before], "broker", "end"))
             for name, before in zip(brokers[1:], brokers)]
    pairs += [(name, "manager", "manager", moment(journals[before], "manager", "end"))
              for name, before in zip(managers[1:], managers)]
    pairs.append((managers[0], "manager", "first manager", max(
        [moment(journals[name], "broker", "end") for name in brokers] + [stamps[name] for name in databases])))
    return [(name, role, gate, max(0.0, moment(journals[name], role, "start") - healthy))
            for name, role, gate, healthy in pairs]


def moment(journal, role, which):
    """When the first install of that role began or ended."""
    for start, end, facts in gates.installs(journal):
        if role_of(facts) == role:
            return (start if which == "start" else end)["time"]
    raise ValueError(f"no install as {role}")

"""Did every install start only after its gate held? DESIGN.md §4 "Gates", against what the hosts' own journals say.

The stand-in observes, at the start of each install and with its own code, the facts that the gate demands.
"""

# role -> the service whose install it is
SERVICES = {"database": "database_service", "broker": "queue_service", "manager": "manager_service"}


def installs(journal):
    """[(start, end or None, facts)] of the `cfy_manager install` calls in one host's journal, in order."""
    found, latest = [], {}     # a host that rebooted gives the same numbers to other processes
    for entry in journal:
        if entry["event"] == "start":
            latest[entry["pid"]] = call = [entry, None, None]
            if entry["command"] == "install":
                found.append(call)
        call = latest.get(entry["pid"])
        if call and entry["event"] == "gate-facts":
            call[2] = entry
        elif call and entry["event"] == "end":
            call[1] = entry
    return found


def check_role_order(check, role, hosts):
    """hosts: {name: (address, journal)} of one role, in the order of the spec."""
    names = list(hosts)
    for index, (name, (_, journal)) in enumerate(hosts.items()):
        calls = [call for call in installs(journal) if call[2] is None or SERVICES[role] in call[2]["services"]]
        codes = [call[1]["rc"] if call[1] else None for call in calls]
        if not check.equal(codes, [0], f"{name}: exactly one install as {role}, and it ended well"):
            continue
        earlier = {other: hosts[other][0] for other in names[:index]}
        everybody = {other: address for other, (address, _) in hosts.items()}
        problems = PROBLEMS[role](calls[0][2], earlier, everybody)
        check.equal(problems, [], f"{name}: its gate as {role} held when its install started")


def check_role_by_role(check, hosts, journals):
    """hosts: {name: roles}. Where hosts share roles, nobody began with one before everybody had finished the earlier."""
    if all(len(roles) == 1 for roles in hosts.values()):
        return
    spans = {role: [(call[0]["time"], call[1]["time"]) for journal in journals.values() for call in installs(journal)
                    if call[1] and call[2] and SERVICES[role] in call[2]["services"]] for role in SERVICES}
    for role, following in (("database", "broker"), ("broker", "manager")):
        last, first = max(end for _, end in spans[role]), min(start for start, _ in spans[following])
        check.that(last <= first, f"every {role} was there before the first {following} began", f"{last} > {first}")


def check_one_at_a_time(check, name, journal):
    """No host ever ran two installs at once."""
    calls = sorted(installs(journal), key=lambda call: call[0]["time"])
    overlapping = [later[0]["time"] for first, later in zip(calls, calls[1:])
                   if first[1] is None or first[1]["time"] > later[0]["time"]]
    check.equal(overlapping, [], f"{name}: never two installs at once")


def check_none_after_success(check, name, journal):
    """No role was installed again after an install of it had ended well."""
    again = [call[2]["services"] for call in installs(journal) if call[2] and call[2]["installed"]]
    check.equal(again, [], f"{name}: nothing was installed again after success")


def database_usable(facts, streaming):
    """The `database` probe: exactly one leader, a synchronous standby, so many streaming ones."""
    if [list(seen) for seen in facts["databases"].values()] == [["open"]]:   # one server, no cluster
        return [] if all(seen["open"] for seen in facts["databases"].values()) else ["the database is closed"]
    leaders = [seen for seen in facts["databases"].values() if seen["leader"]]
    if len(leaders) != 1:
        return [f"{len(leaders)} database leaders"]
    if leaders[0]["sync"] < 1 or leaders[0]["streaming"] < streaming:
        return [f"{leaders[0]['sync']} synchronous and {leaders[0]['streaming']} streaming standbys"]
    return []


def brokers_running(facts, asked, names):
    wanted = {f"rabbit@{name}" for name in names}
    return [f"{broker} misses {sorted(wanted - set(facts['brokers'][broker]['running']))}" for broker in asked
            if not wanted <= set(facts["brokers"].get(broker, {"running": []})["running"])]


def database_problems(facts, earlier, everybody):
    quorum = len(everybody) // 2 + 1
    seen = {name: facts["databases"][address] for name, address in earlier.items()}
    if len(earlier) < quorum:
        return [f"{name} has no open 2380" for name, node in seen.items() if not node["tcp2380"]]
    problems = [f"{name} is not healthy" for name, node in seen.items() if not node["health"]]
    problems += [f"{name} has no authentication" for name, node in seen.items() if not node["auth"]]
    return problems + database_usable(facts, 1)


def broker_problems(facts, earlier, _everybody):
    return brokers_running(facts, earlier, earlier)


def manager_problems(facts, earlier, _everybody):
    if earlier:
        return [f"{name} does not say /ok" for name, address in earlier.items() if not facts["managers"].get(address)]
    everyone = list(facts["brokers"])
    return database_usable(facts, len(facts["databases"]) - 1) + brokers_running(facts, everyone, everyone)


PROBLEMS = {"database": database_problems, "broker": broker_problems, "manager": manager_problems}

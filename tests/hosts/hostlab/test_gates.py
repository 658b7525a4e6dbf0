"""Would the order check notice a host that started too early? Forged journals."""

import unittest

from hostlab import gates

GOOD_DATABASE = {"tcp2380": True, "health": True, "auth": True, "leader": False}
LEADER = GOOD_DATABASE | {"leader": True, "streaming": 2, "sync": 1}
DATABASES = {"10.0.0.11": LEADER, "10.0.0.12": GOOD_DATABASE, "10.0.0.13": GOOD_DATABASE}
ALL = {"status": 200, "running": ["rabbit@b1", "rabbit@b2", "rabbit@b3"]}
BROKERS = {"b1": ALL, "b2": ALL, "b3": ALL}


def journal(service, pid=1, rc=0, time=1.0, installed=False, **facts):
    return [{"event": "start", "command": "install", "pid": pid, "time": time},
            {"event": "gate-facts", "services": [service], "pid": pid, "time": time + 0.1,
             "installed": installed, **facts},
            {"event": "end", "command": "install", "pid": pid, "time": time + 2, "rc": rc}]


class Recorder:
    def __init__(self):
        self.failures = []

    def equal(self, found, expected, what):
        if found != expected:
            self.failures.append(what)
        return found == expected


def problems(role, hosts):
    check = Recorder()
    gates.check_role_order(check, role, hosts)
    return check.failures


class Databases(unittest.TestCase):
    def hosts(self, second, third):
        return {"d1": ("10.0.0.11", journal("database_service", databases={})),
                "d2": ("10.0.0.12", journal("database_service", databases=second)),
                "d3": ("10.0.0.13", journal("database_service", databases=third))}

    def test_the_right_order_passes(self):
        open_only = {"10.0.0.11": {"tcp2380": True, "health": False, "auth": False, "leader": False}}
        self.assertEqual(problems("database", self.hosts(open_only, DATABASES)), [])

    def test_a_second_one_before_the_first_is_noticed(self):
        closed = {"10.0.0.11": {"tcp2380": False, "health": False, "auth": False, "leader": False}}
        self.assertIn("d2: its gate", problems("database", self.hosts(closed, DATABASES))[0])

    def test_a_third_one_before_the_standby_streams_is_noticed(self):
        alone = {"10.0.0.11": LEADER | {"streaming": 0, "sync": 0}, "10.0.0.12": GOOD_DATABASE}
        self.assertIn("d3: its gate", problems("database", self.hosts({"10.0.0.11": GOOD_DATABASE}, alone))[0])

    def test_a_third_one_before_the_authentication_is_noticed(self):
        unlocked = DATABASES | {"10.0.0.12": GOOD_DATABASE | {"auth": False}}
        self.assertIn("d3: its gate", problems("database", self.hosts({"10.0.0.11": GOOD_DATABASE}, unlocked))[0])


class Others(unittest.TestCase):
    def test_a_broker_before_its_predecessor_runs_is_noticed(self):
        hosts = {"b1": ("1", journal("queue_service", brokers={})),
                 "b2": ("2", journal("queue_service", brokers={"b1": {"running": []}}))}
        self.assertEqual(len(problems("broker", hosts)), 1)

    def test_managers(self):
        first = journal("manager_service", databases=DATABASES, brokers=BROKERS, managers={})
        second = journal("manager_service", databases=DATABASES, brokers=BROKERS, managers={"1": True})
        self.assertEqual(problems("manager", {"m1": ("1", first), "m2": ("2", second)}), [])
        early = journal("manager_service", databases=DATABASES, brokers=BROKERS, managers={"1": False})
        self.assertEqual(len(problems("manager", {"m1": ("1", first), "m2": ("2", early)})), 1)
        few = journal("manager_service", databases=DATABASES, managers={},
                      brokers=BROKERS | {"b3": {"running": ["rabbit@b3"]}})
        self.assertEqual(len(problems("manager", {"m1": ("1", few)})), 1)

    def test_a_second_install_is_noticed(self):
        twice = journal("queue_service", brokers={}) + journal("queue_service", pid=2, time=9.0, brokers={})
        self.assertEqual(len(problems("broker", {"b1": ("1", twice)})), 1)

    def test_a_failed_or_unfinished_install_is_noticed(self):
        self.assertEqual(len(problems("broker", {"b1": ("1", journal("queue_service", rc=1, brokers={}))})), 1)
        self.assertEqual(len(problems("broker", {"b1": ("1", journal("queue_service", brokers={})[:2])})), 1)

    def test_an_install_after_success_is_noticed(self):
        check = Recorder()
        gates.check_none_after_success(check, "b1", journal("x", rc=1) + journal("x", time=9.0))
        self.assertEqual(check.failures, [])
        gates.check_none_after_success(check, "b1", journal("x") + journal("x", time=9.0, installed=True))
        self.assertEqual(len(check.failures), 1)

    def test_a_number_that_another_process_had_before_a_reboot_is_not_mixed_up(self):
        cut, whole = journal("x", brokers={"b1": {}})[:2], journal("x", time=50.0, brokers={})
        calls = gates.installs(cut + whole)
        self.assertEqual([call[1] and call[1]["time"] for call in calls], [None, 52.0])
        self.assertEqual([call[2]["brokers"] for call in calls], [{"b1": {}}, {}])

    def test_two_at_once_are_noticed(self):
        check = Recorder()
        gates.check_one_at_a_time(check, "b1", journal("x") + journal("x", pid=2, time=2.0))
        self.assertEqual(len(check.failures), 1)


if __name__ == "__main__":
    unittest.main()

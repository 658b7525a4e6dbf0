"""Would the proofs notice it? Forged journals, and whether the list of runs covers what it must."""

import random
import unittest
from types import SimpleNamespace

from faultlab import plans, proofs
from faultlab.clusters import SHAPES
from faultlab.strikes import CUT, DRIVER, KINDS, PHASES, ROLELESS, Strike

CLOSED = {"tcp2380": False, "health": False, "auth": False, "leader": False}
OPEN = CLOSED | {"tcp2380": True}
OPEN_HEALTHY = OPEN | {"health": True}
ALONE = {"b1": {"running": []}}
MEMBERS = {"database": {"d1": "10.0.0.11", "d2": "10.0.0.12", "d3": "10.0.0.13"}, "broker": {"b1": "1", "b2": "2"},
           "manager": {}}


def call(role, pid=1, rc=0, time=10.0, installed=False, **facts):
    lines = [{"event": "start", "command": "install", "pid": pid, "time": time},
             {"event": "gate-facts", "services": [proofs.gates.SERVICES[role]], "pid": pid, "time": time + 0.1,
              "installed": installed, **facts}]
    return lines if rc is None else [*lines, {"event": "end", "command": "install", "pid": pid, "time": time + 2, "rc": rc}]


def found(journals, ends=None):
    return proofs.problems(MEMBERS, journals, ends or {})[0]


class Proofs(unittest.TestCase):
    def test_a_killed_install_and_its_second_run_pass(self):
        journal = call("broker", rc=None, brokers={}) + call("broker", pid=2, time=20.0, brokers={})
        self.assertEqual(found({"b1": journal}, {"b1": [(11.0, "power cut")]}), [])

    def test_a_second_one_beside_an_install_that_nobody_killed_is_noticed(self):
        journal = call("broker", rc=None, brokers={}) + call("broker", pid=2, time=20.0, brokers={})
        self.assertIn("while the one of", found({"b1": journal})[0])
        self.assertIn("while the one of", found({"b1": journal}, {"b1": [(11.0, "driver killed")]})[0])
        self.assertIn("while the one of", found({"b1": journal}, {"b1": [(21.0, "power cut")]})[0])

    def test_a_second_run_before_its_gate_is_noticed(self):
        good = {"b1": {"running": ["rabbit@b1"]}}
        journal = call("broker", rc=1, brokers=good) + call("broker", pid=2, time=20.0, brokers=ALONE)
        self.assertIn("before its gate", found({"b2": journal})[0])

    def test_a_peer_that_was_struck_in_between_excuses_and_one_struck_earlier_does_not(self):
        journal = call("broker", brokers=ALONE)
        missing, excuses = proofs.problems(MEMBERS, {"b2": journal}, {"b1": [(9.0, "power cut")]})
        self.assertEqual((missing, len(excuses)), ([], 1))
        self.assertIn("before its gate", found({"b2": journal}, {"b1": [(2.0, "power cut")]})[0])
        self.assertIn("before its gate", found({"b2": journal}, {"b2": [(9.0, "power cut")]})[0])
        self.assertIn("before its gate", found({"b2": journal}, {"b1": [(9.0, "driver killed")]})[0])

    def test_a_peer_that_installs_again_excuses_and_its_first_install_does_not(self):
        late = call("broker", time=21.0, brokers=ALONE)
        first = call("broker", rc=None, time=2.0, brokers={})
        again = first + call("broker", pid=2, time=20.0, brokers={})
        cut = {"b1": [(4.0, "power cut")]}
        self.assertEqual(found({"b1": again, "b2": late}, cut), [])
        self.assertIn("before its gate", found({"b1": call("broker", time=20.0, brokers={}), "b2": late})[0])

    def test_an_install_after_success_is_noticed(self):
        journal = call("broker", brokers={}) + call("broker", pid=2, time=20.0, installed=True, brokers={})
        self.assertIn("again after success", found({"b1": journal})[0])
        forgotten = call("broker", brokers={}) + call("broker", pid=2, time=20.0, brokers={})
        self.assertIn("again after success", found({"b1": forgotten})[0])

    def test_only_a_first_database_without_authentication_may_run_again(self):
        def journal(node):
            return call("database", databases={}) + call("database", pid=2, time=20.0, installed=True,
                                                         databases={"10.0.0.12": node})
        self.assertEqual(found({"d1": journal(OPEN_HEALTHY)}), [])
        for node in (OPEN_HEALTHY | {"auth": True}, OPEN):
            self.assertIn("again after success", found({"d1": journal(node)})[0])
        second = call("database", databases={"10.0.0.11": OPEN}) + call(
            "database", pid=2, time=20.0, installed=True, databases={"10.0.0.11": OPEN_HEALTHY})
        self.assertIn("again after success", found({"d2": second})[0])

    def test_a_role_that_never_ended_well_is_noticed(self):
        self.assertIn("ended well", found({"b1": call("broker", rc=1, brokers={})})[0])
        self.assertIn("ended well", found({"b1": []})[0])
        cut = call("broker", rc=None, brokers={}) + [{"event": "stage", "stage": "before-markers", "pid": 1, "time": 12.0}]
        self.assertEqual(found({"b1": cut}, {"b1": [(12.1, "power cut")]}), [])


class Coverage(unittest.TestCase):
    def strikes(self, shape):
        found_ = set()
        for plan in plans.plans().values():
            if plan.name.startswith(("nine-", "three-")) and plan.shape == shape:
                run = SimpleNamespace(dice=random.Random(plan.name))
                for host, acts in plan.acts(run, SimpleNamespace(hosts=SHAPES[shape])).items():
                    found_ |= {(host, act.role, act.phase, act.stage, act.kind) for act in acts if isinstance(act, Strike)}
        return found_

    def test_every_stage_of_every_host_of_nine_is_struck_in_every_way(self):
        strikes = self.strikes("nine-node")
        for index, (host, (_, (role,))) in enumerate(SHAPES["nine-node"].items()):
            for stage in plans.STAGES[f"{role}-{index % 3 + 1}"]:
                for kind in KINDS:
                    self.assertIn((host, role, "INSTALL", stage, kind), strikes)

    def test_every_phase_of_every_host_of_nine_is_struck(self):
        strikes = {(host, phase, kind) for host, _, phase, _, kind in self.strikes("nine-node")}
        for host in SHAPES["nine-node"]:
            for phase in PHASES:
                for kind in (DRIVER, CUT):
                    if phase == "WAIT" and host in ("db-1", "broker-1"):
                        continue
                    self.assertIn((host, phase, kind), strikes)

    def test_compact_hosts_meet_every_stage_of_every_role(self):
        strikes = {(role, stage, kind) for _, role, _, stage, kind in self.strikes("three-node")}
        for position, stages in plans.STAGES.items():
            for stage in stages:
                for kind in KINDS:
                    self.assertIn((position.partition("-")[0], stage, kind), strikes)

    def test_compact_hosts_are_struck_in_every_phase(self):
        strikes = {(role, phase, kind) for _, role, phase, _, kind in self.strikes("three-node")}
        for kind in (DRIVER, CUT):
            for phase in (*ROLELESS, "SCRUB"):
                self.assertIn(("", phase, kind), strikes)
            for role in plans.ROLES:
                for phase in ("CONFIGURE", "WAIT", "HEALTH"):
                    self.assertIn((role, phase, kind), strikes)

    def test_database_1_is_early_where_database_2_is_struck_holding_the_lock(self):
        for number in range(plans.ROUNDS):
            for kind in KINDS[1:]:
                stages = plans.STAGES["database-2"]
                if stages[(number + plans.SHIFT[kind]) % len(stages)] == "etcd-lock":
                    first = plans.STAGES["database-1"]
                    for other in KINDS[1:]:
                        self.assertIn(first[(number + plans.SHIFT[other]) % len(first)], plans.EARLY)

    def test_after_a_driver_that_died_in_the_middle_the_same_install_still_gets_to_the_next_strike(self):
        order = ("started", "packages", "validated", "etcd-lock", "patroni-started", "reset", "joined", "database-created",
                 "populated", "before-markers")
        for position in plans.STAGES:
            for number in range(plans.ROUNDS):
                acts = plans.strikes_in_install(position, "x", number, random.Random(number))
                for act, following in zip(acts, acts[1:]):
                    if act.kind == DRIVER:
                        self.assertLess(order.index(act.stage), order.index(following.stage), (position, number))

    def test_there_are_thirty_boot_orders(self):
        self.assertEqual(len(plans.plans()), 30)
        plan = plans.plans()["order-1"]
        self.assertNotEqual(plan.delays(random.Random(1)), plan.delays(random.Random(2)))
        self.assertEqual(plan.delays(random.Random(1)), plan.delays(random.Random(1)))


if __name__ == "__main__":
    unittest.main()

"""gates.md §1 "DB": what Patroni's API says, when, and who may lead."""

import asyncio
import json
import time
import unittest
from types import SimpleNamespace

from standin import sandbox  # first: it moves every path
from standin import patroni, places, wire

IPS = ["10.0.0.11", "10.0.0.12", "10.0.0.13"]


def member(index, quorum=True, state="running", alive=(0, 1, 2), since=60, **keys):
    """One of three, whose etcd holds these keys. since: seconds in this state."""
    etcd = SimpleNamespace(quorum=quorum, state={"keys": keys}, alive={IPS[i]: {} for i in alive if i != index})
    made = patroni.Patroni({"ip": IPS[index], "members": IPS}, {"etcd": etcd})
    made.state, made.since = state, time.monotonic() - since
    return made


def states(*values):
    return {f"state/{ip}": value for ip, value in zip(IPS, values)}


def get(made, path="/"):
    answer = asyncio.run(made.answer(wire.Request("GET", path, {}, b"")))
    return answer.status, json.loads(answer.body or b"null")


class Api(unittest.TestCase):
    def setUp(self):
        places.write(places.PATRONI / "data", "")
        self.healthy = {"leader": IPS[0], "sync": IPS[1], **states("running", "running", "running")}

    def codes(self, made):
        return {path for path in ("/", "/leader", "/primary", "/health", "/readiness", "/liveness", "/replica", "/sync",
                                  "/async") if get(made, path)[0] == 200}

    def test_the_code_table_of_three_healthy_nodes(self):
        self.assertEqual(self.codes(member(0, **self.healthy)),
                         {"/", "/leader", "/primary", "/health", "/readiness", "/liveness"})
        self.assertEqual(self.codes(member(1, **self.healthy)),
                         {"/health", "/replica", "/sync", "/readiness", "/liveness"})
        self.assertEqual(self.codes(member(2, **self.healthy)),
                         {"/health", "/replica", "/async", "/readiness", "/liveness"})

    def test_the_leader_lists_its_standbys(self):
        body = get(member(0, **self.healthy))[1]
        self.assertEqual((body["state"], body["role"]), ("running", "master"))
        self.assertEqual([(entry["application_name"], entry["state"], entry["sync_state"])
                          for entry in body["replication"]],
                         [("pg10_0_0_12", "streaming", "sync"), ("pg10_0_0_13", "streaming", "async")])

    def test_a_replica_under_way_is_two_entries_of_pg_basebackup(self):
        made = member(0, leader=IPS[0], **states("running", "creating replica"))
        entries = get(made)[1]["replication"]
        self.assertEqual([(entry["application_name"], entry["state"]) for entry in entries],
                         [("pg_basebackup", "backup"), ("pg_basebackup", "streaming")])
        self.assertFalse(made.can_write())

    def test_leader_says_200_before_anything_can_be_written(self):
        fresh = member(0, leader=IPS[0], since=0.1, **states("running"))
        self.assertEqual((get(fresh, "/leader")[0], get(fresh, "/")[0]), (200, 503))
        alone = member(0, alive=(), **self.healthy)      # synchronous_mode_strict
        self.assertEqual(get(alone, "/leader")[0], 200)
        self.assertFalse(alone.can_write())

    def test_before_it_is_initialised_everything_is_503_but_liveness(self):
        (places.PATRONI / "data").unlink()
        made = member(0, state="initializing new cluster", leader=IPS[0])
        self.assertEqual(self.codes(made), {"/liveness"})
        self.assertTrue(get(made)[1]["cluster_unlocked"])

    def test_a_restart_is_a_short_break(self):
        made = member(0, state="stopped", since=0, **self.healthy)
        seen = []
        for later in (0, 0.1, patroni.STARTING + 0.3):
            made.start_server(time.monotonic() + later)
            seen.append(made.state)
        self.assertEqual(seen, ["starting", "starting", "running"])

    def test_without_quorum_it_opens_nothing(self):
        made = member(0, quorum=False)
        asyncio.run(made.tick())
        self.assertIsNone(made.server)


class Race(unittest.TestCase):
    def contends(self, index, gone, **keys):
        """Does this member write itself into the leader key, the old leader being away for so many seconds?"""
        made, written = member(index, **keys), []

        async def write(operation):
            written.append(operation["value"])
        made.etcd.write = write
        now = time.monotonic()
        made.gone = {IPS[0]: now - gone}
        asyncio.run(made.race(now))
        return written == [IPS[index]]

    def test_only_the_synchronous_standby_takes_over_and_only_when_the_lock_is_old(self):
        keys = {"leader": IPS[0], "eligible": IPS[:2]}
        self.assertFalse(self.contends(1, 1, **keys))
        self.assertTrue(self.contends(1, 4, **keys))
        self.assertFalse(self.contends(2, 4, **keys))

    def test_any_of_them_is_the_first(self):
        self.assertTrue(self.contends(2, 0))


if __name__ == "__main__":
    unittest.main()

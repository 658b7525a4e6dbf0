"""The parts of the services that need no host: etcd's store, RabbitMQ's membership, TLS and HTTP."""

import asyncio
import unittest

from standin import sandbox  # first: it moves every path
from standin import etcd, places, postgres, rabbitmq, tables, wire


class Store(unittest.TestCase):
    def test_a_role_can_be_added_once(self):
        locked = etcd.apply(etcd.FRESH, {"op": "role-add", "name": etcd.LOCK_ROLE})
        with self.assertRaisesRegex(etcd.Refused, "already exists"):
            etcd.apply(locked, {"op": "role-add", "name": etcd.LOCK_ROLE})
        self.assertEqual(etcd.apply(locked, {"op": "role-remove", "name": etcd.LOCK_ROLE})["roles"], [])

    def test_authentication_needs_a_root_user(self):
        with self.assertRaises(etcd.Refused):
            etcd.apply(etcd.FRESH, {"op": "auth-enable"})
        self.assertTrue(etcd.apply(etcd.apply(etcd.FRESH, {"op": "user-add", "name": "root"}),
                                   {"op": "auth-enable"})["auth"])

    def test_put_compares_with_what_was(self):
        first = etcd.apply(etcd.FRESH, {"op": "put", "name": "leader", "value": "a", "previous": None})
        with self.assertRaisesRegex(etcd.Refused, "changed meanwhile"):
            etcd.apply(first, {"op": "put", "name": "leader", "value": "b", "previous": None})

    def test_an_operation_is_done_once(self):
        operation = {"op": "role-add", "name": etcd.LOCK_ROLE, "id": "x"}
        first = etcd.apply(etcd.FRESH, operation)
        self.assertIs(etcd.apply(first, operation), first)   # repeated, because its answer was lost

    def test_a_member_takes_one_successor_of_a_state(self):
        member = etcd.Etcd({"ip": "127.0.0.1", "members": ["127.0.0.1", "127.0.0.2"], "root_password": "x"}, {})
        one, other = (etcd.apply(etcd.FRESH, {"op": "put", "name": "x", "value": value}) for value in (1, 2))
        self.assertTrue(member.accepts(etcd.FRESH, one))
        self.assertTrue(member.accepts(etcd.FRESH, one))     # again, because its answer was lost
        self.assertFalse(member.accepts(etcd.FRESH, other))

    def test_health_is_true_only_with_a_quorum(self):
        member = etcd.Etcd({"ip": "127.0.0.1", "members": ["127.0.0.1", "127.0.0.2", "127.0.0.3"],
                            "root_password": "x"}, {})

        def health():
            answer = asyncio.run(member.answer_client(wire.Request("GET", "/health", {}, b"")))
            return answer.status, answer.body
        member.synced, member.alive = True, {"127.0.0.2": {}}
        self.assertEqual(health(), (200, b'{"health":"true"}'))
        member.alive = {}
        self.assertEqual(health(), (503, b'{"health":"false"}'))

    def test_the_old_state_is_left_alone(self):
        etcd.apply(etcd.FRESH, {"op": "put", "name": "x", "value": 1})
        self.assertEqual(etcd.FRESH["keys"], {})


class Broker(unittest.TestCase):
    def broker(self, first):
        return rabbitmq.RabbitMQ({"node": "rabbit@one", "ip": "127.0.0.1", "user": "u", "password": "p", "first": first},
                                 {})

    def test_a_joiner_before_its_join_knows_no_user(self):
        request = wire.Request("GET", "/api/nodes", {"authorization": "Basic dTpw"}, b"")
        self.assertEqual(asyncio.run(self.broker(first=False).answer_api(request)).status, 401)
        answer = asyncio.run(self.broker(first=True).answer_api(request))
        self.assertEqual(answer.body, b'[{"name":"rabbit@one","running":true}]')

    def test_a_known_member_cannot_join_again(self):
        broker = self.broker(first=True)
        broker.doors = [None]
        broker.data["members"].append("rabbit@two")
        self.assertIn("inconsistent_cluster", asyncio.run(broker.admit("rabbit@two"))["error"])

    def test_with_two_members_a_stopped_one_pauses_the_other_and_a_silent_one_first_hangs_it(self):
        """gates.md §1 "pause_minority bites while only two nodes are joined"."""
        broker = self.broker(first=True)
        broker.data["members"] = ["rabbit@one", "rabbit@two"]

        def sees(said, now):
            broker.believe({"rabbit@two": said}, now)
            return broker.is_majority(len(broker.running)), broker.hanging
        self.assertEqual(sees({"serves": True}, 100.0), (True, False))
        self.assertEqual(sees(rabbitmq.GONE, 100.5), (False, False))          # stopped: paused at once
        self.assertEqual(sees({"serves": True}, 101.0), (True, False))
        self.assertEqual(sees(None, 102.0), (True, True))                     # cut: the API hangs …
        self.assertTrue(broker.is_running("rabbit@two"))
        self.assertEqual(sees(None, 101.1 + rabbitmq.NET_TICK), (False, False))   # … until the net tick
        self.assertEqual(sees({"serves": True}, 110.0), (True, False))

    def test_of_three_members_two_go_on(self):
        broker = self.broker(first=True)
        broker.data["members"] = ["rabbit@one", "rabbit@two", "rabbit@three"]
        broker.believe({"rabbit@two": {"serves": True}, "rabbit@three": {"serves": True}}, 100.0)
        broker.believe({"rabbit@two": {"serves": True}, "rabbit@three": None}, 101.0)
        self.assertEqual((broker.is_majority(len(broker.running)), broker.hanging), (True, False))

    def test_a_member_that_never_answered_since_the_start_is_not_counted(self):
        broker = self.broker(first=True)
        broker.data["members"] = ["rabbit@one", "rabbit@two", "rabbit@three"]
        broker.believe({"rabbit@two": None, "rabbit@three": None}, 1.0)
        self.assertFalse(broker.is_majority(len(broker.running)))

    def test_a_hanging_broker_answers_nothing(self):
        broker = self.broker(first=True)
        broker.hanging = True
        with self.assertRaises(asyncio.TimeoutError):
            asyncio.run(asyncio.wait_for(broker.answer_api(wire.Request("GET", "/api/nodes", {}, b"")), 0.3))

    def test_a_broker_that_does_not_serve_admits_nobody(self):
        self.assertEqual(asyncio.run(self.broker(first=True).admit("rabbit@two")), {"error": "mnesia_not_running"})

    def test_a_member_that_is_not_there_reads_500(self):
        request = wire.Request("GET", "/api/nodes/rabbit@two", {"authorization": "Basic dTpw"}, b"")
        self.assertEqual(asyncio.run(self.broker(first=True).answer_api(request)).status, 500)


class Logins(unittest.TestCase):
    """gates.md §1 "psql from a manager"."""

    def setUp(self):
        (places.PGSQL / "tables.json").unlink(missing_ok=True)

    def log_in(self, user="postgres", password="pw", names=("postgres",), address="10.0.0.31", database="postgres"):
        server = postgres.Postgres({"users": {"postgres": "pw"}, "clientcert": True, "local": ["10.0.0.11"]}, {})
        hello = {"user": user, "password": password, "database": database}
        return asyncio.run(server.welcome(hello, list(names), address))["read_only"]

    def test_the_certificate_must_name_the_user(self):
        self.assertFalse(self.log_in())
        with self.assertRaisesRegex(tables.DatabaseError, "requires a valid client certificate"):
            self.log_in(names=())
        with self.assertRaisesRegex(tables.DatabaseError, "password authentication failed"):
            self.log_in(names=("cloudify",))

    def test_database_hosts_need_none(self):
        self.assertFalse(self.log_in(names=(), address="10.0.0.11"))

    def test_password_and_database_must_be_right(self):
        with self.assertRaisesRegex(tables.DatabaseError, "password authentication failed"):
            self.log_in(password="other")
        with self.assertRaisesRegex(tables.DatabaseError, 'database "cloudify_db" does not exist'):
            self.log_in(database="cloudify_db")


class Wire(unittest.TestCase):
    def test_tls_is_verified_and_a_client_certificate_is_demanded(self):
        ca, _ = sandbox.make_cert("wire-ca")
        cert, key = sandbox.make_cert("wire", issuer="wire-ca", names="IP:127.0.0.1", common_name="peer")
        other, _ = sandbox.make_cert("wire-other")

        async def answer(request):
            return wire.reply(200, {"path": request.path, "peer": request.peer_names, "login": request.credentials()})

        async def scene():
            server = await wire.listen(answer, "127.0.0.1", 0, wire.server_context(cert, key, ca, demand_client=True))
            port = server.sockets[0].getsockname()[1]
            good = await wire.call("127.0.0.1", port, "/x", wire.client_context(ca, cert, key), auth=("u", "p"))
            self.assertEqual(good.json(), {"path": "/x", "peer": ["peer"], "login": ["u", "p"]})
            self.assertIsNone(await wire.try_call("127.0.0.1", port, "/x", wire.client_context(ca)))
            self.assertIsNone(await wire.try_call("127.0.0.1", port, "/x", wire.client_context(other, cert, key)))
            server.close()
        asyncio.run(scene())


if __name__ == "__main__":
    unittest.main()

"""cloudify.md §2.1, §3.2, §3.3, §5.3: the order of an install, what it leaves where it ends early, what a re-run does."""

import contextlib
import io
import json
import unittest
from unittest import mock

from standin import sandbox  # first: it moves every path
from standin import (certs, checks, control, etcd, facts, install, install_broker, install_database, markers,
                     places, wire)
from standin.errors import InstallError

CREDENTIALS = "etcd: {cluster_token: x, root_password: rOOT, patroni_password: x}"
DATABASE = f"""\
manager: {{private_ip: 127.0.0.1, public_ip: 127.0.0.1, hostname: db}}
postgresql_server: {{postgres_password: x, cluster: {{nodes: {{a: {{ip: 127.0.0.1}}, b: {{ip: 127.0.0.2}}}}, {CREDENTIALS}}}}}
services_to_install: [database_service]
"""
BROKER = """\
manager: {private_ip: 127.0.0.1, public_ip: 127.0.0.1, hostname: b2}
rabbitmq: {cert_path: a, key_path: b, ca_path: c, erlang_cookie: x, nodename: localhost, join_cluster: b1, cluster_members: {
  localhost: {networks: {default: 127.0.0.1}}, b1: {networks: {default: 127.0.0.1}}}}
services_to_install: [queue_service]
"""


class Etcd:
    """Stands for the network to one etcd with a quorum, or without."""

    def __init__(self, quorum=True):
        self.state, self.quorum = dict(etcd.FRESH), quorum

    async def try_call(self, *args, **options):
        return await self.call(*args, **options) if self.quorum else None

    async def call(self, _ip, _port, path, _context, content=None, method="GET", auth=None, **_options):
        if path == "/v2/keys/":
            return wire.reply(401 if self.state["auth"] else 200)
        operation = content or {"op": "role-remove", "name": path.rsplit("/", 1)[1]}
        assert method == "POST" or auth == ("root", "rOOT")
        try:
            self.state = etcd.apply(self.state, operation)
        except etcd.Refused:
            return wire.reply(409)
        return wire.reply(200)


class Host(unittest.TestCase):
    """A host of which nothing runs: what an install asks of it is recorded."""

    def setUp(self):
        self.asked, self.running = [], set()
        self.etcd = Etcd()
        patches = [mock.patch.object(control, "ensure_supervisor"), mock.patch.object(control, "ask", self.ask),
                   mock.patch.object(control, "program", self.program), mock.patch.object(facts, "observe", lambda _: {}),
                   mock.patch.object(checks, "validate"), mock.patch.object(certs, "check_pair"),
                   mock.patch.object(places, "copy"), mock.patch.object(wire, "client_context"),
                   mock.patch.object(wire, "try_call", lambda *a, **o: self.etcd.try_call(*a, **o)),
                   mock.patch.object(wire, "call", lambda *a, **o: self.etcd.call(*a, **o)),
                   mock.patch.object(install_database, "leave_startup_check"),
                   mock.patch.object(install_broker, "wait_for_members"),
                   mock.patch.object(install_broker.time, "sleep"),
                   mock.patch.object(install_database, "AUTH_PAUSE", 0)]
        for patch in patches:
            patch.start()
            self.addCleanup(patch.stop)
        markers.clear(["database_service", "queue_service"])
        for file in (markers.INSTALLED / "components.yaml", places.PSQL, places.JOURNAL):
            file.unlink(missing_ok=True)
        places.PSQL.parent.mkdir(parents=True, exist_ok=True)

    def ask(self, *words, **_options):
        self.asked.append(" ".join(words))
        if words[0] == "status":
            return (0 if set(words[1:]) <= self.running else 3), ""
        return 0, ""

    def program(self, name, _settings):
        self.running.add(name)

    def install(self, text):
        """The output."""
        (sandbox.ETC / "role.yaml").write_text(text, encoding="utf-8")
        self.asked.clear()
        with contextlib.redirect_stdout(io.StringIO()) as out:
            install.install(["role.yaml"])
        return out.getvalue()

    def events(self, name):
        lines = places.JOURNAL.read_text(encoding="utf-8").splitlines()
        return [entry for entry in map(json.loads, lines) if entry["event"] == name]

    def stages(self):
        return [entry["stage"] for entry in self.events("stage")]


class Order(Host):
    def test_a_validation_costs_an_install(self):
        checks.validate.side_effect = InstallError("refused")
        with self.assertRaises(InstallError):
            self.install(DATABASE)
        self.assertEqual(self.stages(), ["started", "packages"])
        self.assertTrue(places.PSQL.is_symlink())             # yum has run by then (§0.10)
        self.assertTrue((markers.INSTALLED / "packages.yaml").exists())
        self.assertFalse((markers.INSTALLED / "components.yaml").exists())

    def test_some_of_it_is_only_found_in_configure(self):
        certs.check_pair.side_effect = InstallError("does not match")
        with self.assertRaises(InstallError):
            self.install(BROKER)
        self.assertEqual(self.stages(), ["started", "packages", "validated"])
        self.assertFalse(markers.finished(["queue_service"]))

    def test_the_stages_of_a_database(self):
        self.install(DATABASE)
        self.assertEqual(self.stages(), ["started", "packages", "validated", "etcd-lock", "patroni-started",
                                         "before-markers"])

    def test_the_stages_of_a_joiner(self):
        self.install(BROKER)
        self.assertEqual(self.stages(), ["started", "packages", "validated", "reset", "joined", "before-markers"])

    def test_the_markers_come_at_the_very_end_and_the_journal_knows_them(self):
        seen = []
        with mock.patch.object(install.faults, "reach", lambda _: seen.append(markers.finished(["database_service"]))):
            self.install(DATABASE)
        self.assertNotIn(True, seen)
        self.install(DATABASE)
        self.assertEqual([entry["installed"] for entry in self.events("gate-facts")], [False, True])


class EtcdLock(Host):
    def test_who_sees_the_quorum_sets_the_authentication(self):
        self.install(DATABASE)
        self.assertTrue(self.etcd.state["auth"])
        self.assertEqual(self.etcd.state["roles"], ["patroni"])     # the lock is removed
        self.assertIn("requires authentication", self.install(DATABASE))

    def test_a_cut_in_the_lock_window_leaves_etcd_open_for_every_later_run(self):
        with mock.patch.object(install_database.faults, "reach", self.die_at("etcd-lock")), \
                self.assertRaises(KeyboardInterrupt):
            self.install(DATABASE)
        for _ in range(2):
            self.assertIn("already exists", self.install(DATABASE))
            self.assertFalse(self.etcd.state["auth"])
        for operation in ({"op": "role-remove", "name": etcd.LOCK_ROLE}, {"op": "user-remove", "name": "root"}):
            self.etcd.state = etcd.apply(self.etcd.state, operation)     # gates.md §2 recipe 2
        self.install(DATABASE)
        self.assertTrue(self.etcd.state["auth"])

    @staticmethod
    def die_at(stage):
        def reach(name):
            if name == stage:
                raise KeyboardInterrupt
        return reach

    def test_nobody_sets_it_when_no_install_saw_a_quorum_and_a_rerun_does(self):
        self.etcd.quorum = False
        self.assertIn("no quorum yet", self.install(DATABASE))
        self.assertTrue(markers.finished(["database_service"]))
        self.etcd.quorum = True
        self.assertFalse(self.etcd.state["auth"])
        self.install(DATABASE)
        self.assertTrue(self.etcd.state["auth"])


class Again(Host):
    def test_a_finished_database_restarts_patroni(self):
        self.install(DATABASE)
        self.assertNotIn("restart patroni", self.asked)
        self.install(DATABASE)
        self.assertIn("restart patroni", self.asked)

    def test_a_single_database_restarts_with_its_new_certificates(self):
        single = "manager: {private_ip: 127.0.0.1, public_ip: 127.0.0.1}\nservices_to_install: [database_service]\n"
        for asked in (self.assertNotIn, self.assertIn):
            self.install(single)
            asked("restart postgresql-14", self.asked)

    def test_a_finished_joiner_keeps_its_data_leaves_and_joins_again(self):
        kept = places.MNESIA / "kept"
        places.write(kept, "")
        self.install(BROKER)
        self.assertFalse(kept.exists())
        places.write(kept, "")
        self.install(BROKER)
        self.assertTrue(kept.exists())
        self.assertEqual([words for words in self.asked if "status" not in words],
                         ["stop cloudify-rabbitmq", "start cloudify-rabbitmq", "rabbitmqctl stop_app", "rabbitmqctl reset",
                          "rabbitmqctl join_cluster rabbit@b1", "rabbitmqctl start_app"])

    def test_a_join_is_tried_once(self):
        tried = []

        def refuse(*words, **_options):
            tried.append(words[-1])
            return (69, "mnesia_not_running") if "join_cluster" in words else (0, "")
        with mock.patch.object(control, "ask", refuse), self.assertRaisesRegex(InstallError, "mnesia_not_running"):
            install_broker.join("rabbit@b1")
        self.assertEqual(tried, ["stop_app", "reset", "rabbit@b1", "start_app"])      # it starts alone again


if __name__ == "__main__":
    unittest.main()

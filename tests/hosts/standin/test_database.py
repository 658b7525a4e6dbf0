"""cloudify.md §3.4: what a first manager leaves in the database where it dies; psql and the recovery of it."""

import asyncio
import contextlib
import io
import json
import os
import pwd
import sys
import unittest
import warnings
from unittest import mock

from standin import sandbox  # first: it moves every path
from standin import install_manager, places, postgres, psql, tables
from standin.errors import InstallError

RECOVERY = (tables.TERMINATE, *tables.DROP_DATABASE, tables.DROP_ROLE)
HALF_MADE = {"roles": ["cloudify"], "databases": list(tables.DATABASES), "migrated": True, "populated": False,
             "managers": {}}
CONFIG = {"manager": {"hostname": "m1", "private_ip": "10.0.0.31", "security": {"admin_password": "x"}},
          "postgresql_client": {"cloudify_db_name": "cloudify_db", "cloudify_username": "cloudify"}}


class InMemory:
    """install_manager.Database without a network: the statements are applied here."""

    def __init__(self, synchronous=True, kept=tables.EMPTY):
        self.kept, self.synchronous = kept, synchronous

    async def find_leader(self):
        pass

    async def open(self, _database):
        return self

    async def ask(self, **statement):
        if statement["do"] != "read":
            self.kept = tables.apply(self.kept, statement)
        return self.kept

    async def say(self, question):
        try:
            return await question
        except tables.DatabaseError as error:
            raise InstallError(f"psql: {error}") from error

    async def run(self, _database, *statements):
        return [await self.say(self.ask(**statement)) for statement in statements][-1]

    def close(self):
        pass


class FirstManager(unittest.TestCase):
    def configure(self, database, brokers=None, **manager):
        config = {**CONFIG, "manager": {**CONFIG["manager"], **manager}}
        with mock.patch.object(install_manager, "check_brokers", brokers or mock.AsyncMock()), \
                contextlib.redirect_stdout(io.StringIO()):
            asyncio.run(install_manager.configure(config, database))

    def fails(self, database, words, **more):
        with self.assertRaisesRegex(InstallError, words):
            self.configure(database, **more)

    def test_it_populates_with_one_commit_at_the_end(self):
        database = InMemory()
        self.configure(database)
        self.assertTrue(database.kept["populated"])
        self.assertEqual(database.kept["managers"], {"m1": {"ip": "10.0.0.31", "finished": False}})

    def test_without_brokers_the_database_stays_half_made_for_every_later_run(self):
        database = InMemory()
        self.fails(database, "no brokers", brokers=mock.AsyncMock(side_effect=InstallError("no brokers")))
        self.assertEqual(database.kept, HALF_MADE)
        for hostname in ("m1", "m2"):
            self.fails(database, "neither a tenant nor an admin", hostname=hostname)
        self.assertEqual(database.kept, HALF_MADE)

    def test_without_a_synchronous_standby_too(self):
        database = InMemory(synchronous=False)
        self.fails(database, "no synchronous standby")
        database.synchronous = True
        self.fails(database, 'relation "managers" does not exist')

    def test_killed_before_the_migrations_it_leaves_no_tables(self):
        database = InMemory()
        with mock.patch.object(install_manager.faults, "reach", side_effect=KeyboardInterrupt), \
                self.assertRaises(KeyboardInterrupt):
            self.configure(database)
        self.fails(database, 'relation "managers" does not exist')

    def test_two_at_once_the_second_dies_in_create_user(self):
        self.fails(InMemory(kept={**tables.EMPTY, "roles": ["cloudify"]}), 'role "cloudify" already exists')

    def test_the_next_one_joins_only_when_the_first_is_finished(self):
        database = InMemory()
        self.configure(database)
        self.fails(database, "m1 is not finished", hostname="m2")
        self.configure(database)      # the first again: "just reconfiguring"
        database.kept = tables.apply(database.kept, {"do": "finish-manager", "name": "m1"})
        self.configure(database, hostname="m2")
        self.assertEqual(sorted(database.kept["managers"]), ["m1", "m2"])


class LeaderSearch(unittest.TestCase):
    def test_without_a_leader_nothing_is_changed_and_it_may_be_repeated(self):
        with mock.patch.object(install_manager.Database, "__init__", lambda self: None):
            database = install_manager.Database()
        database.has_leader, database.run = mock.AsyncMock(return_value=False), mock.AsyncMock()
        with mock.patch.object(install_manager, "LEADER_PAUSE", 0):
            for _ in range(2):
                with self.assertRaisesRegex(InstallError, "No DB leader found in 10 attempts"):
                    asyncio.run(install_manager.configure(CONFIG, database))
        self.assertEqual(database.has_leader.await_count, 20)
        database.run.assert_not_awaited()


class Sql(unittest.TestCase):
    def test_only_these_statements_are_known(self):
        self.assertEqual(tables.select(HALF_MADE, tables.fold(" SELECT  count(*)\nFROM managers ; "), "cloudify_db"), 0)
        self.assertIsNone(tables.select(HALF_MADE, "SELECT count(*) FROM tenants", "cloudify_db"))
        self.assertIsNone(tables.drop(HALF_MADE, "DROP DATABASE cloudify_db", ()))

    def test_tables_are_there_only_after_the_migrations(self):
        for kept, database in (({**HALF_MADE, "migrated": False}, "cloudify_db"), (HALF_MADE, "postgres")):
            with self.assertRaisesRegex(tables.DatabaseError, 'relation "managers" does not exist'):
                tables.select(kept, tables.COUNT_MANAGERS, database)

    def test_the_order_of_drops_matters(self):
        with self.assertRaisesRegex(tables.DatabaseError, "objects depend on it"):
            tables.drop(HALF_MADE, tables.DROP_ROLE, ())
        with self.assertRaisesRegex(tables.DatabaseError, "being accessed by other users"):
            tables.drop(HALF_MADE, "DROP DATABASE IF EXISTS cloudify_db", {"cloudify_db"})
        kept = HALF_MADE
        for sql in (*tables.DROP_DATABASE, tables.DROP_ROLE):
            kept, _, notice = tables.drop(kept, sql, ())
            self.assertIsNone(notice)
        self.assertEqual(kept, tables.EMPTY)
        self.assertIn("skipping", tables.drop(kept, tables.DROP_ROLE, ())[2])


class Psql(unittest.TestCase):
    """Against a real server, over TLS, with a client certificate."""

    @classmethod
    def setUpClass(cls):
        cls.ca, _ = sandbox.make_cert("sql-ca")
        cls.pairs = {name: sandbox.make_cert(f"sql-{name}", issuer="sql-ca", common_name=name, names=san)
                     for name, san in (("server", "IP:127.0.0.1,DNS:127.0.0.1"), ("ip-only", "IP:127.0.0.1,DNS:db-1"),
                                       ("postgres", ""), ("cloudify", ""))}

    def setUp(self):
        self.use(*self.pairs["server"])
        places.write(places.PGSQL / "tables.json", json.dumps(HALF_MADE))

    def use(self, cert, key):
        for source, name in ((cert, "server.crt"), (key, "server.key"), (self.ca, "root.crt")):
            places.copy(source, places.PGSQL / name, 0o600)

    def psql(self, *commands, dbname="postgres", holding=(), conninfo=None, **changes):
        """(exit code, stdout, stderr) of psql against a server on a port of its own."""
        async def scene():
            server = postgres.Postgres({"address": "127.0.0.1", "port": 0, "clientcert": True, "local": [],
                                        "users": {"postgres": "pw"}}, {})
            await server.open()
            port = server.server.sockets[0].getsockname()[1]
            tls = psql.context({"sslrootcert": self.ca, **dict(zip(("sslcert", "sslkey"), self.pairs["postgres"]))})
            held = [await postgres.Session.open("127.0.0.1", tls, "postgres", "pw", database=name, port=port)
                    for name in holding]
            try:
                return await asyncio.to_thread(self.call, commands, conninfo or f"service=cfy-seed dbname={dbname}",
                                               {"port": port, **changes})
            finally:
                for session in held:
                    await session.hang_up()
                await server.close()
        return asyncio.run(scene())

    def call(self, commands, conninfo, options):
        cert, key = self.pairs["postgres"]
        os.chmod(key, 0o600)
        options = {"host": "127.0.0.1", "target_session_attrs": "read-write", "user": "postgres", "password": "pw",
                   "sslmode": "verify-full", "sslrootcert": self.ca, "sslcert": cert, "sslkey": key, **options}
        file = sandbox.ROOT / "pg_service.conf"
        file.write_text("[cfy-seed]\n" + "".join(f"{name}={value}\n" for name, value in options.items()))
        argv = ["psql", "-X", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-d", conninfo]
        for command in commands:
            argv += ["-c", command]
        out, err = io.StringIO(), io.StringIO()
        with mock.patch.object(sys, "argv", argv), mock.patch.dict(os.environ, PGSERVICEFILE=str(file)), \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)   # of the server's side of a connection that just ended
            return psql.main(), out.getvalue(), err.getvalue()

    def test_it_answers_as_psql_does(self):
        self.assertEqual(self.psql(tables.COUNT_DATABASES), (0, "1\n", ""))
        self.assertEqual(self.psql(tables.COUNT_MANAGERS, dbname="cloudify_db"), (0, "0\n", ""))
        self.assertEqual(self.psql("SELECT 1", tables.COUNT_DATABASES), (1, "", "ERROR:  syntax error\n"))

    def test_the_recovery_ends_other_sessions_and_drops_everything(self):
        code, _, err = self.psql(*RECOVERY[1:], holding=["cloudify_db"])
        self.assertEqual((code, err), (1, 'ERROR:  database "cloudify_db" is being accessed by other users\n'))
        code, out, err = self.psql(*RECOVERY, holding=["cloudify_db", "postgres"])
        self.assertEqual((code, out, err), (0, "t\n" + "DROP DATABASE\n" * 3 + "DROP ROLE\n", ""))
        self.assertEqual(json.loads((places.PGSQL / "tables.json").read_text()), tables.EMPTY)
        code, out, err = self.psql(*RECOVERY)     # again, as after a cut: nothing to do
        self.assertEqual((code, err.count("skipping")), (0, 4))
        self.assertEqual(self.psql(tables.COUNT_DATABASES)[1], "0\n")

    def test_what_cannot_connect_ends_with_2(self):
        cloudify = dict(zip(("sslcert", "sslkey"), self.pairs["cloudify"]))
        for words, changes in (("password authentication failed", {"password": "other"}),
                               ("password authentication failed", cloudify),
                               ("requires a valid client certificate", {"sslcert": "/nowhere"}),
                               ("root certificate file", {"sslrootcert": "/nowhere"}),
                               ("Connection refused", {"port": 1}), ("syntax error in service file", {"bogus": "1"})):
            with self.subTest(words):
                code, out, err = self.psql(tables.COUNT_DATABASES, **changes)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(words, err)
        self.assertIn('database "other" does not exist', self.psql("x", dbname="other")[2])

    def test_a_server_whose_address_is_no_dns_name_is_refused(self):
        self.use(*self.pairs["ip-only"])
        code, _, err = self.psql(tables.COUNT_DATABASES)
        self.assertEqual(code, 2)
        self.assertIn("does not match host name", err)

    def test_hosts_are_tried_in_their_order(self):
        self.assertEqual(self.psql(tables.COUNT_DATABASES, host="127.0.0.2,127.0.0.1")[:2], (0, "1\n"))

    def test_without_a_host_the_socket_believes_the_systems_user(self):
        name = pwd.getpwuid(os.geteuid()).pw_name
        self.assertEqual(self.psql(tables.COUNT_DATABASES, conninfo=f"user={name} dbname=postgres"), (0, "1\n", ""))
        code, _, err = self.psql(tables.COUNT_DATABASES, conninfo="user=somebody dbname=postgres")
        self.assertEqual(code, 2)
        self.assertIn('Peer authentication failed for user "somebody"', err)

    def test_the_journal_has_every_statement(self):
        self.psql(*RECOVERY)
        told = [json.loads(line) for line in places.JOURNAL.read_text(encoding="utf-8").splitlines()]
        told = [entry for entry in told if entry["event"] == "psql"][-len(RECOVERY):]
        self.assertEqual([entry["sql"] for entry in told], list(RECOVERY))
        self.assertEqual({entry["rc"] for entry in told}, {0})


if __name__ == "__main__":
    unittest.main()

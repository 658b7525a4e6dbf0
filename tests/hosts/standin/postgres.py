"""PostgreSQL on 5432: SSLRequest, TLS, who may log in, and the few facts that managers keep in it.

Inside TLS it speaks one JSON line each way instead of the real protocol: first who logs in to which database, then
statements. What is refused, and in which words, is gates.md §1 "psql from a manager"; what is kept is in tables.py.
"""

import asyncio
import contextlib
import json
import pwd
import socket
import ssl
import struct

from . import places, tables as keeping, wire
from .etcd import NoQuorum, Refused
from .tables import DatabaseError

PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
SSL_REQUEST = struct.pack("!II", 8, 80877103)
BLOCKED = 30  # how long a blocked statement may hang before the server gives up on the client


class Postgres:
    """settings: {address, users: {name: password}, clientcert: bool, local: [ip…], cluster: bool}; a cluster's data
    live in etcd, those of a single server in a file."""

    def __init__(self, settings, programs):
        self.settings = settings
        self.programs = programs
        self.file = places.PGSQL / "tables.json"
        self.sessions = {}                    # writer -> database
        self.one_at_a_time = asyncio.Lock()
        self.server = self.local = self.task = None

    async def start(self):
        self.task = asyncio.create_task(self.watch())

    async def stop(self):
        self.task.cancel()
        await self.close()

    async def close(self):
        await wire.close(self.server, self.local)
        self.server = self.local = None
        for writer in list(self.sessions):
            writer.transport.abort()

    async def watch(self):
        """Patroni starts and stops the server of a cluster: a restart of it is a short break here, too."""
        while True:
            up = self.patroni.state == "running" if self.patroni else not self.settings.get("cluster")
            try:
                if up and self.server is None:
                    await self.open()
                elif not up and self.server is not None:
                    await self.close()
            except OSError:
                pass   # the address is still in use: next round
            await asyncio.sleep(0.2)

    async def open(self):
        cluster = self.settings.get("cluster")
        directory = places.PATRONI if cluster else places.PGSQL
        names = ("db.crt", "db.key", "ca.crt") if cluster else ("server.crt", "server.key", "root.crt")
        self.context = wire.server_context(*(directory / name for name in names))
        self.server = await asyncio.start_server(self.talk, self.settings["address"], self.settings.get("port", PORT))
        if not cluster:
            places.PGSQL_SOCKETS.mkdir(parents=True, exist_ok=True)
            file = places.PGSQL_SOCKETS / SOCKET
            file.unlink(missing_ok=True)
            self.local = await asyncio.start_unix_server(self.talk_here, file)
            file.chmod(0o777)

    @property
    def patroni(self):
        return self.programs.get("patroni") if self.settings.get("cluster") else None

    @property
    def etcd(self):
        return self.programs["etcd"]

    # -- sessions ------------------------------------------------------------------------------------------------------

    async def talk(self, reader, writer):
        try:
            if await asyncio.wait_for(reader.readexactly(8), 5) != SSL_REQUEST:
                return
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(self.context, ssl_handshake_timeout=5)
            hello = json.loads(await asyncio.wait_for(reader.readline(), 5))
            names = wire.common_names(writer.get_extra_info("ssl_object"))
            welcome = self.welcome(hello, names, writer.get_extra_info("peername")[0])
            await self.serve(reader, writer, hello, welcome)
        except (OSError, ValueError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            self.sessions.pop(writer, None)
            writer.close()

    async def talk_here(self, reader, writer):
        """The socket of this host: who asks must be the system's user of that name, and needs no password."""
        try:
            hello = json.loads(await asyncio.wait_for(reader.readline(), 5))
            peer = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            user = pwd.getpwuid(struct.unpack("3i", peer)[1]).pw_name
            await self.serve(reader, writer, hello, self.welcome_here(hello, user))
        except (OSError, KeyError, ValueError, asyncio.TimeoutError):
            pass
        finally:
            self.sessions.pop(writer, None)
            writer.close()

    async def serve(self, reader, writer, hello, welcome):
        if await self.answer(writer, welcome):
            self.sessions[writer] = hello["database"]
            while line := await reader.readline():
                await self.answer(writer, self.execute(json.loads(line), writer))

    async def answer(self, writer, question):
        """Did it go well? The client is told either way."""
        try:
            said = {"rows": await question}
        except DatabaseError as error:
            said = {"error": str(error)}
        except (NoQuorum, Refused) as lost:
            said = {"error": f"FATAL:  terminating connection: the leader lost its lock {lost}"}
        writer.write(json.dumps(said).encode() + b"\n")
        await writer.drain()
        return "rows" in said

    async def welcome(self, hello, names, address):
        """gates.md §1 "psql from a manager": who may log in."""
        user = hello["user"]
        if self.settings["clientcert"] and address not in self.settings["local"]:
            if not names:
                raise DatabaseError("FATAL:  connection requires a valid client certificate")
            if names != [user]:  # verify-full: the CN must be the user; the message misleads, as the real one
                raise DatabaseError(f'FATAL:  password authentication failed for user "{user}"')
        if self.settings["users"].get(user) != hello["password"]:
            raise DatabaseError(f'FATAL:  password authentication failed for user "{user}"')
        return self.enter(hello)

    async def welcome_here(self, hello, user):
        if hello["user"] != user:
            raise DatabaseError(f'FATAL:  Peer authentication failed for user "{hello["user"]}"')
        return self.enter(hello)

    def enter(self, hello):
        if hello["database"] not in ("postgres", *self.tables()["databases"]):
            raise DatabaseError(f'FATAL:  database "{hello["database"]}" does not exist')
        return {"read_only": self.is_read_only()}

    def is_read_only(self):
        return bool(self.settings.get("cluster")) and not (self.patroni and self.patroni.is_usable_leader())

    # -- statements ----------------------------------------------------------------------------------------------------

    def tables(self):
        if self.settings.get("cluster"):
            return self.etcd.state["keys"].get("tables") or keeping.EMPTY
        return json.loads(self.file.read_text()) if self.file.exists() else keeping.EMPTY

    async def execute(self, statement, session=None):
        if statement["do"] == "read":
            return self.tables()
        if statement["do"] == "sql":
            return await self.execute_sql(keeping.fold(statement["text"]), session)
        return await self.write(lambda tables: keeping.apply(tables, statement))

    async def execute_sql(self, sql, session):
        """{values: […]} of a SELECT, {tag, notice} of a DROP."""
        if sql == keeping.TERMINATE:
            return {"values": self.terminate(session)}
        value = keeping.select(self.tables(), sql, self.sessions[session])
        if value is not None:
            return {"values": [str(value)]}
        used = set(self.sessions.values())
        if keeping.drop({**keeping.EMPTY}, sql, ()) is None:
            raise DatabaseError("syntax error")
        said = {}

        def change(tables):
            after, said["tag"], said["notice"] = keeping.drop(tables, sql, used)
            return after
        await self.write(change, sql.partition(" IF ")[0])
        return said

    def terminate(self, own):
        """End every other session in the databases; PostgreSQL says t for each."""
        others = [writer for writer, database in self.sessions.items()
                  if writer is not own and database in keeping.DATABASES]
        for writer in others:
            self.sessions.pop(writer)
            writer.transport.abort()
        return ["t"] * len(others)

    async def write(self, change, what="INSERT"):
        """Commit here, then wait for the synchronous standby. A client that gives up meanwhile, or is killed, leaves
        what is committed: in PostgreSQL a cancelled wait does not undo it, either."""
        if self.is_read_only():
            raise DatabaseError(f"cannot execute {what} in a read-only transaction")
        async with self.one_at_a_time:
            before = self.tables()
            after = change(before)
            if after != before:
                await self.store(after)
        for _ in range(BLOCKED * 5):
            if not self.settings.get("cluster") or self.patroni and self.patroni.can_write():
                return after
            await asyncio.sleep(0.2)  # no synchronous standby: the commit blocks (cloudify.md §3.2)
        raise DatabaseError("canceling the wait for synchronous replication")

    async def store(self, after):
        if not self.settings.get("cluster"):
            places.write(self.file, json.dumps(after), 0o600)
            return
        await self.etcd.write({"op": "put", "name": "tables", "value": after,
                               "previous": self.etcd.state["keys"].get("tables")})
        for _ in range(30):       # whoever ordered the write may have it before this member
            if self.tables() == after:
                return
            await asyncio.sleep(0.1)


class Session:
    """A client's connection to one database. Its methods raise DatabaseError, OSError or TimeoutError."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.read_only = False

    @classmethod
    async def open(cls, address, context, user, password, *, database="postgres", port=PORT, timeout=5.0):
        return await asyncio.wait_for(cls.log_in(address, context, user, password, database, port), timeout)

    @classmethod
    async def log_in(cls, address, context, user, password, database, port):
        here = address == ""      # as for libpq: no host is this one's socket
        session = cls(*await (asyncio.open_unix_connection(places.PGSQL_SOCKETS / SOCKET) if here else
                              asyncio.open_connection(address, port)))
        try:
            if not here:
                await session.encrypt(context, address)
            hello = await session.talk({"user": user, "password": password, "database": database})
            session.read_only = hello["read_only"]
            return session
        except (asyncio.IncompleteReadError, ssl.SSLError) as broken:
            await session.hang_up()
            raise OSError(f"SSL error: {broken}") from broken
        except BaseException:
            await session.hang_up()
            raise

    async def encrypt(self, context, address):
        self.writer.write(SSL_REQUEST)
        if await self.reader.readexactly(1) != b"S":
            raise DatabaseError("server does not support SSL")
        await self.writer.start_tls(context, server_hostname=address)
        self.check_name(address)

    def check_name(self, address):
        """libpq before 15 looks for an address among the DNS names only (cloudify.md §6.2, tried with 14.0.1)."""
        names = [value for kind, value in self.writer.get_extra_info("peercert").get("subjectAltName", ())
                 if kind == "DNS"]
        if names and address not in names:
            raise OSError(f'server certificate for "{names[0]}" does not match host name "{address}"')

    async def ask(self, timeout=5.0, **statement):
        return await asyncio.wait_for(self.talk(statement), timeout)

    async def talk(self, content):
        self.writer.write(json.dumps(content).encode() + b"\n")
        line = await self.reader.readline()
        if not line:
            raise DatabaseError("server closed the connection unexpectedly")
        answer = json.loads(line)
        if "error" in answer:
            raise DatabaseError(answer["error"])
        return answer["rows"]

    def close(self):
        self.writer.close()

    async def hang_up(self):
        """Close, and wait for it: for a program whose loop ends with it."""
        self.close()
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(self.writer.wait_closed(), 1)


async def query(address, context, user, password, timeout=5.0, **statement):
    """One statement in a session of its own."""
    session = await Session.open(address, context, user, password, timeout=timeout)
    try:
        return await session.ask(timeout=timeout, **statement)
    finally:
        session.close()

"""PostgreSQL on 5432: SSLRequest, TLS, who may log in, and the few facts that managers keep in it.

Inside TLS it speaks one JSON line each way instead of the real protocol. What is refused, and in which words, is
gates.md §1 "psql from a manager"; what a manager stores is cloudify.md §3.4.
"""

import asyncio
import json
import ssl
import struct

from . import places, wire

SSL_REQUEST = struct.pack("!II", 8, 80877103)
EMPTY = {"created": False, "populated": False, "managers": {}}
BLOCKED = 30  # how long a blocked statement may hang before the server gives up on the client


class DatabaseError(Exception):
    pass


class Postgres:
    """settings: {address, users: {name: password}, clientcert: bool, local: [ip…]}; cluster data live in etcd,
    those of a single server in a file."""

    def __init__(self, settings, programs):
        self.settings = settings
        self.etcd, self.patroni = programs.get("etcd"), programs.get("patroni")
        self.file = places.PGSQL / "tables.json"
        self.server = self.task = None

    async def start(self):
        self.task = asyncio.create_task(self.open_when_ready())

    async def stop(self):
        self.task.cancel()
        await wire.close(self.server)

    async def open_when_ready(self):
        while self.patroni and self.patroni.state != "running":
            await asyncio.sleep(0.2)
        directory = places.PATRONI if self.patroni else places.PGSQL
        names = ("db.crt", "db.key", "ca.crt") if self.patroni else ("server.crt", "server.key", "root.crt")
        self.context = wire.server_context(*(directory / name for name in names))
        self.server = await asyncio.start_server(self.talk, self.settings["address"], 5432)

    async def talk(self, reader, writer):
        try:
            if await asyncio.wait_for(reader.readexactly(8), 5) != SSL_REQUEST:
                return
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(self.context, ssl_handshake_timeout=5)
            wanted = json.loads(await asyncio.wait_for(reader.readline(), 5))
            names = wire.common_names(writer.get_extra_info("ssl_object"))
            address = writer.get_extra_info("peername")[0]
            try:
                answer = {"rows": await self.execute(wanted, names, address)}
            except DatabaseError as error:
                answer = {"error": str(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (OSError, ValueError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def tables(self):
        if self.etcd:
            return self.etcd.state["keys"].get("tables") or EMPTY
        return json.loads(self.file.read_text()) if self.file.exists() else EMPTY

    async def execute(self, wanted, names, address):
        user = wanted["user"]
        if self.settings["clientcert"] and address not in self.settings["local"]:
            if not names:
                raise DatabaseError("FATAL: connection requires a valid client certificate")
            if names != [user]:  # verify-full: the CN must be the user; the message misleads, as the real one
                raise DatabaseError(f'FATAL: password authentication failed for user "{user}"')
        if self.settings["users"].get(user) != wanted["password"]:
            raise DatabaseError(f'FATAL: password authentication failed for user "{user}"')
        if wanted["do"] == "read":
            return self.tables()
        if self.patroni and not self.patroni.is_usable_leader():
            raise DatabaseError("cannot execute INSERT in a read-only transaction")
        for _ in range(BLOCKED * 5):
            if not self.patroni or self.patroni.can_write():
                break
            await asyncio.sleep(0.2)  # no synchronous standby: the write blocks
        else:
            raise DatabaseError("canceling statement: no synchronous standby")
        tables = {**self.tables(), **wanted["set"]}
        if self.etcd:
            await self.etcd.write({"op": "put", "name": "tables", "value": tables})
        else:
            places.write(self.file, json.dumps(tables), 0o600)
        return tables


async def query(address, context, user, password, timeout=5.0, **statement):
    """One statement as a client. Raises DatabaseError, OSError or TimeoutError."""
    async def talk():
        reader, writer = await asyncio.open_connection(address, 5432)
        try:
            writer.write(SSL_REQUEST)
            if await reader.readexactly(1) != b"S":
                raise DatabaseError("server does not support SSL")
            await writer.start_tls(context, server_hostname=address)
            writer.write(json.dumps({"user": user, "password": password, **statement}).encode() + b"\n")
            answer = json.loads(await reader.readline() or b'{"error": "server closed the connection"}')
            if "error" in answer:
                raise DatabaseError(answer["error"])
            return answer["rows"]
        finally:
            writer.close()
    try:
        return await asyncio.wait_for(talk(), timeout)
    except (asyncio.IncompleteReadError, ssl.SSLError) as broken:
        raise DatabaseError(f"connection failed: {broken}") from broken

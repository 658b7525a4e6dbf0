"""manager_service: cloudify.md §3.4."""

import asyncio
import secrets

from . import certs, checks, config as loading, control, places, postgres, release, wire
from .errors import InstallError

LEADER_ROUNDS, LEADER_PAUSE = 10, 0.2     # 10 × 2 s


class TooEarly(InstallError):
    """A first manager before its time: it fails for good."""


def install(config):
    if places.POISON.exists():
        raise InstallError("relation \"tenants\" does not exist")
    copy_certificates(config)
    if checks.shares_database(config):
        database = Database(config)
        try:
            asyncio.run(configure(config, database))
        except TooEarly as early:
            # Stricter than the real one, on purpose: there a search that found no leader could be repeated. A test
            # must not pass because a second try healed what a gate should have prevented.
            places.write(places.POISON, f"{early}\n")
            raise
    serve(config, finished=False)


def copy_certificates(config):
    files, address = config["ssl_inputs"], config["manager"]["private_ip"]
    internal = files["internal_cert_path"], files["internal_key_path"], files["ca_cert_path"]
    if all(internal):
        certs.check_pair(*internal)
    elif checks.shares_database(config):
        raise InstallError("Existing cluster could not be joined due to configuration issues. Please run "
                           "cfy_manager remove")
    else:
        internal = certs.make_self_signed(places.ETC / "self-signed",
                                          [address, "localhost", "127.0.0.1", config["manager"]["public_ip"]])
    for source, name in zip(internal, ("cert", "key", "ca_cert")):
        places.copy(source, places.SSL / f"cloudify_internal_{name}.pem", 0o440)
    for stem, name in (("postgresql_client", "postgresql"), ("postgresql_superuser_client", "postgresql_su")):
        for kind, suffix in (("cert", "crt"), ("key", "key")):
            if files[f"{stem}_{kind}_path"]:
                places.copy(files[f"{stem}_{kind}_path"], places.SSL / f"{name}.{suffix}", 0o400)


class Database:
    """The cluster's database as a manager sees it: leader search, then psql as superuser."""

    def __init__(self, config):
        server, client = config["postgresql_server"], config["postgresql_client"]
        self.nodes = loading.database_nodes(config)
        self.host = loading.database_host(config)     # no cluster: no Patroni to ask, nothing to wait for
        self.user = client["server_username"]
        self.password = client["server_password"] or server["postgres_password"]
        authority = server["ca_path"] or client["ca_path"]   # V:374-381: the server's wins
        self.rest = wire.client_context(authority)
        verified = client["ssl_client_verification"]
        stem = "postgresql_su" if release.wants_superuser_client() else "postgresql"
        pair = (places.SSL / f"{stem}.crt", places.SSL / f"{stem}.key") if verified else ()
        self.psql = wire.client_context(authority, *pair)
        self.leader = None

    async def find_leader(self):
        if self.host:
            self.leader = self.host
            return {"replication": [{"sync_state": "sync", "state": "streaming"}]}
        for _ in range(LEADER_ROUNDS):
            for node in self.nodes:
                answer = await wire.try_call(node, 8008, "/", self.rest)
                if answer and answer.status == 200:
                    self.leader = node
                    return answer.json()
            await asyncio.sleep(LEADER_PAUSE)
        return None

    async def read(self):
        return await self.run(do="read")

    async def set(self, **values):
        return await self.run(do="write", set=values)

    async def run(self, **statement):
        try:
            return await postgres.query(self.leader, self.psql, self.user, self.password, **statement)
        except (OSError, asyncio.TimeoutError, postgres.DatabaseError) as problem:
            raise InstallError(f"psql: {problem or 'canceled: the statement blocks'}") from problem


async def configure(config, database):
    leader = await database.find_leader()
    if leader is None:
        raise TooEarly(f"No DB leader found in {LEADER_ROUNDS} attempts.")
    tables = await database.read()
    hostname = config["manager"]["hostname"]
    if tables["created"]:
        await join(config, database, tables, hostname)
        return
    synchronous = [entry for entry in leader.get("replication", ()) if entry["sync_state"] == "sync"
                   and entry["state"] == "streaming"]
    if not synchronous:
        raise TooEarly("CREATE DATABASE blocks: the leader has no synchronous standby")
    await database.set(created=True)              # CREATE USER, CREATE DATABASE, migrations
    await check_brokers(config)                   # the default tenant needs a vhost and a user over 15671
    await database.set(populated=True, managers={hostname: manager_row(config, finished=False)})


async def check_brokers(config):
    """Between CREATE DATABASE and the final commit: a failure here leaves tables without tenant and admin."""
    rabbit = config["rabbitmq"]
    context = wire.client_context(rabbit["ca_path"])
    external = rabbit["is_external"]               # the vendor's names need not be those of its nodes
    wanted = set() if external else {f"rabbit@{name}" for name in loading.brokers(config)}
    for name, address in loading.brokers(config).items():
        answer = await wire.try_call(address, 15671, "/api/nodes", context,
                                     auth=(rabbit["username"], rabbit["password"]))
        running = {node["name"] for node in answer.json() if node["running"]} if answer and answer.status == 200 else ()
        if answer is None or answer.status != 200 or not wanted <= set(running):
            raise TooEarly(f"RabbitMQ on {name} does not have all of {sorted(wanted)} running")


async def join(config, database, tables, hostname):
    """The database is there: this manager joins, or is only reconfigured."""
    if not tables["populated"]:
        raise InstallError("relation \"tenants\" does not exist")   # the first manager is at work, or died there
    if hostname in tables["managers"]:
        return                                                      # "just reconfiguring" (§5.3)
    unfinished = [name for name, row in tables["managers"].items() if not row["finished"]]
    if unfinished:
        raise InstallError(f"Existing cluster could not be joined: {', '.join(unfinished)} is not finished")
    if not config["manager"]["security"]["admin_password"]:
        raise InstallError("Existing cluster could not be joined due to configuration issues. Please run "
                           "cfy_manager remove")
    await check_brokers(config)
    await database.set(managers={**tables["managers"], hostname: manager_row(config, finished=False)})


def manager_row(config, finished):
    return {"ip": config["manager"]["private_ip"], "finished": finished}


def serve(config, finished):
    cluster, security = checks.shares_database(config), config["manager"]["security"]
    if finished:
        control.program("cloudify-restservice", {})
    control.program("nginx", {
        "monitoring": list(map(config["prometheus"]["credentials"].get, ("username", "password"))), "manager": True,
        "databases": loading.database_nodes(config) if cluster else [],
        "admin": [security["admin_username"], security["admin_password"]],
        "brokers": list(loading.brokers(config).values()) if cluster else []})


def finish(config):
    """The very end: the REST service is up and /ok may say so."""
    if checks.shares_database(config):
        database = Database(config)

        async def commit():
            if await database.find_leader() is None:
                raise InstallError("No DB leader found")
            tables = await database.read()
            hostname = config["manager"]["hostname"]
            await database.set(managers={**tables["managers"], hostname: manager_row(config, finished=True)})
        asyncio.run(commit())
    serve(config, finished=True)


def admin_password(config):
    """Given, or made up by a first manager; printed on stdout at the end (§5.3)."""
    return config["manager"]["security"]["admin_password"] or secrets.token_hex(8)

"""manager_service: cloudify.md §3.4."""

import asyncio
import secrets

from . import certs, checks, config as loading, control, faults, places, postgres, release, tables as keeping, wire
from .errors import InstallError

LEADER_ROUNDS, LEADER_PAUSE = 10, 0.2     # 10 × 2 s


def install(config):
    copy_certificates(config)
    asyncio.run(configure(config, Database(config)))
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
    if files["postgresql_superuser_client_key_path"]:    # that pair is only looked at here (§2.3)
        certs.check_pair(*(files[f"postgresql_superuser_client_{kind}_path"] for kind in ("cert", "key")))
    for stem, name in (("postgresql_client", "postgresql"), ("postgresql_superuser_client", "postgresql_su")):
        for kind, suffix in (("cert", "crt"), ("key", "key")):
            if files[f"{stem}_{kind}_path"]:
                places.copy(files[f"{stem}_{kind}_path"], places.SSL / f"{name}.{suffix}", 0o400)


class Database:
    """The database as a manager sees it: leader search, then psql as superuser."""

    def __init__(self, config):
        server, client = config["postgresql_server"], config["postgresql_client"]
        self.nodes = loading.database_nodes(config)
        # no cluster, or all-in-one: no Patroni to ask, no standby to wait for
        self.host = loading.database_host(config) or (None if self.nodes else "127.0.0.1")
        self.user = client["server_username"]
        self.password = client["server_password"] or server["postgres_password"]
        authority = server["ca_path"] or client["ca_path"] or places.PGSQL / "root.crt"   # V:374-381: the server's wins
        self.rest = wire.client_context(authority)
        verified = client["ssl_client_verification"]
        stem = "postgresql_su" if release.wants_superuser_client() else "postgresql"
        pair = (places.SSL / f"{stem}.crt", places.SSL / f"{stem}.key") if verified else ()
        self.psql = wire.client_context(authority, *pair)
        self.leader = None
        self.synchronous = False              # has the leader a synchronous standby?

    async def find_leader(self):
        """What comes of it can be repeated, as in the real one: nothing was changed yet. The gate's check sees it all
        the same, because each install's gate-facts name no leader."""
        for _ in range(LEADER_ROUNDS):
            if await self.has_leader():
                return
            await asyncio.sleep(LEADER_PAUSE)
        raise InstallError(f"No DB leader found in {LEADER_ROUNDS} attempts.")

    async def has_leader(self):
        if self.host:
            self.leader, self.synchronous = self.host, True
            return await wire.accepts(self.host, postgres.PORT)
        for node in self.nodes:
            answer = await wire.try_call(node, 8008, "/", self.rest)
            if answer and answer.status == 200:
                self.leader = node
                self.synchronous = any(entry["sync_state"] == "sync" and entry["state"] == "streaming"
                                       for entry in answer.json().get("replication", ()))
                return True
        return False

    async def open(self, database="postgres"):
        return await self.say(postgres.Session.open(self.leader, self.psql, self.user, self.password,
                                                    database=database))

    async def say(self, question):
        try:
            return await question
        except (OSError, asyncio.TimeoutError, keeping.DatabaseError) as problem:
            raise InstallError(f"psql: {problem or 'canceled: the statement blocks'}") from problem

    async def run(self, database, *statements):
        """Statements in one session; what the last one says."""
        session = await self.open(database)
        try:
            return [await self.say(session.ask(**statement)) for statement in statements][-1]
        finally:
            session.close()


async def configure(config, database):
    await database.find_leader()
    tables = await database.run("postgres", {"do": "read"})
    if config["postgresql_client"]["cloudify_db_name"] in tables["databases"]:
        await join(config, database)
    else:
        await create(config, database)


async def create(config, database):
    """The first manager. Nothing undoes what it did when it dies on the way: the database itself is then half made."""
    client = config["postgresql_client"]
    names = [client["cloudify_db_name"], *keeping.DATABASES[1:]]
    await database.run("postgres", {"do": "create-role", "name": client["cloudify_username"]},
                       *({"do": "create-database", "name": name} for name in names))
    if not database.synchronous:
        # Stricter than the real one, on purpose: its commit would hang until a standby comes. A test must not pass
        # because a standby came in time to heal what a gate should have prevented.
        raise InstallError("CREATE DATABASE blocks: the leader has no synchronous standby")
    faults.reach("database-created")
    session = await database.open(names[0])       # held until the end: who wants to drop it must end this one first
    try:
        await database.say(session.ask(do="migrate"))
        await check_brokers(config)               # the default tenant needs a vhost and a user over 15671
        await database.say(session.ask(do="populate", **manager_row(config)))
    finally:
        session.close()
    faults.reach("populated")


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
            raise InstallError(f"RabbitMQ on {name} does not have all of {sorted(wanted)} running")


async def join(config, database):
    """The database is there: this manager joins, or is only reconfigured. Never does this path make a tenant or an
    admin: on what a first manager left half made, no run ends well until the databases are dropped (§0.8, §3.4)."""
    name = config["postgresql_client"]["cloudify_db_name"]
    tables = await database.run(name, {"do": "read"})
    hostname = config["manager"]["hostname"]
    if not tables["migrated"]:
        raise InstallError("psql: ERROR:  relation \"managers\" does not exist")
    if not tables["populated"]:
        raise InstallError("there is neither a tenant nor an admin user in the database")
    if hostname in tables["managers"]:
        print("Manager is in the database already: just reconfiguring")   # §5.3
        return
    unfinished = [name for name, row in tables["managers"].items() if not row["finished"]]
    if unfinished:
        raise InstallError(f"Existing cluster could not be joined: {', '.join(unfinished)} is not finished")
    if not config["manager"]["security"]["admin_password"]:
        raise InstallError("Existing cluster could not be joined due to configuration issues. Please run "
                           "cfy_manager remove")
    await check_brokers(config)
    await database.run(name, {"do": "insert-manager", **manager_row(config)})


def manager_row(config):
    return {"name": config["manager"]["hostname"], "ip": config["manager"]["private_ip"]}


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
    database = Database(config)

    async def commit():
        await database.find_leader()
        await database.run(config["postgresql_client"]["cloudify_db_name"],
                           {"do": "finish-manager", "name": config["manager"]["hostname"]})
    asyncio.run(commit())
    serve(config, finished=True)


def admin_password(config):
    """Given, or made up by a first manager; printed on stdout at the end (§5.3)."""
    return config["manager"]["security"]["admin_password"] or secrets.token_hex(8)

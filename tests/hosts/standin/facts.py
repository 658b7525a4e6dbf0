"""The truth at the moment an install starts, observed by the stand-in itself: what gates are measured against."""

import asyncio

from . import checks, config as loading, postgres, release, wire
from .tables import DatabaseError


def observe(config):
    """What a test compares with the gate of this host. Nothing here may make the install fail."""
    return asyncio.run(observe_all(config))


async def observe_all(config):
    facts = {}
    authority = (config["ssl_inputs"]["ca_cert_path"] or config["postgresql_server"]["ca_path"]
                 or config["rabbitmq"]["ca_path"])
    try:
        context = wire.client_context(authority)
    except (OSError, ValueError):
        return {"problem": "no usable CA in the configuration"}
    own = config["manager"]["private_ip"]

    def others(service, address):
        """Whoever is already there: this host too, where it has that role from an earlier install."""
        return address != own or not checks.has(config, service)

    if checks.is_cluster(config):
        nodes = [ip for ip in loading.database_nodes(config) if others("database_service", ip)]
        seen = await asyncio.gather(*(database(ip, context) for ip in nodes))
        facts["databases"] = dict(zip(nodes, seen))
    if config["rabbitmq"]["cluster_members"]:
        nodes = {name: ip for name, ip in loading.brokers(config).items() if others("queue_service", ip)}
        login = config["rabbitmq"]["username"], config["rabbitmq"]["password"]
        seen = await asyncio.gather(*(broker(ip, context, login) for ip in nodes.values()))
        facts["brokers"] = dict(zip(nodes, seen))
    host = loading.database_host(config)
    if host:
        facts["databases"] = {host: {"open": await wire.accepts(host, 5432)}}
    if checks.has(config, "manager_service") and checks.shares_database(config):
        leader = host or next((ip for ip, seen in facts["databases"].items() if seen["leader"]), None)
        facts["managers"] = await managers(config, context, leader)
    return facts


async def database(ip, context):
    peers, health, auth, patroni = await asyncio.gather(
        wire.accepts(ip, 2380), wire.try_call(ip, 2379, "/health", context),
        wire.try_call(ip, 2379, "/v2/auth/enable", context), wire.try_call(ip, 8008, "/", context))
    seen = {"tcp2380": peers, "health": bool(health and health.status == 200),
            "auth": bool(auth and auth.status == 200 and auth.json()["enabled"]), "leader": False}
    if patroni and patroni.status == 200:
        body = patroni.json()
        entries = [entry for entry in body.get("replication", ())
                   if entry["application_name"].startswith("pg") and entry["application_name"][2:3].isdigit()
                   and entry["state"] == "streaming"]
        seen |= {"leader": body["state"] == "running" and body["role"] in ("master", "primary"),
                 "streaming": len(entries), "sync": sum(entry["sync_state"] == "sync" for entry in entries)}
    return seen


async def broker(ip, context, login):
    answer = await wire.try_call(ip, 15671, "/api/nodes?columns=name,running", context, auth=login)
    if answer is None or answer.status != 200:
        return {"status": answer.status if answer else 0, "running": []}
    return {"status": 200, "running": sorted(node["name"] for node in answer.json() if node["running"])}


async def managers(config, context, leader):
    """What the database knows of managers, and whether each of them is good: {address: bool}; {} without a database."""
    if leader is None:
        return {}
    client, files = config["postgresql_client"], config["ssl_inputs"]
    try:
        stem = "postgresql_superuser_client" if release.wants_superuser_client() else "postgresql_client"
        tls = wire.client_context(config["postgresql_server"]["ca_path"] or client["ca_path"],
                                  files[f"{stem}_cert_path"] or None, files[f"{stem}_key_path"] or None)
        tables = await postgres.query(leader, tls, client["server_username"],
                                      client["server_password"] or config["postgresql_server"]["postgres_password"],
                                      timeout=2, do="read")
    except (OSError, asyncio.TimeoutError, ValueError, DatabaseError):
        return {}
    known = [manager["ip"] for manager in tables["managers"].values()]
    path, login = ("/api/v3.1/ok", None) if release.has_ok() else ("/api/v3.1/status", admin(config))
    answers = await asyncio.gather(*(wire.try_call(ip, 443, path, context, auth=login, timeout=3) for ip in known))
    return {ip: bool(answer and answer.status == 200 and (login is None or answer.json()["status"] == "OK"))
            for ip, answer in zip(known, answers)}


def admin(config):
    security = config["manager"]["security"]
    return security["admin_username"], security["admin_password"]

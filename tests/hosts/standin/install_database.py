"""database_service: cloudify.md §3.2, with gates.md §1 where they differ."""

import asyncio
import subprocess
import sys
import time

from . import certs, checks, config as loading, control, faults, places, wire
from .errors import InstallError
from .etcd import LOCK_ROLE

AUTH_TRIES, AUTH_PAUSE = 5, 0.3     # 5 × 3 s, plus etcdctl's own time-outs


def install(config):
    if checks.is_cluster(config):
        install_cluster_node(config)
    else:
        install_single(config)


def install_single(config):
    """A database that is no cluster: the all-in-one's on localhost, or one that managers elsewhere reach."""
    server, address = config["postgresql_server"], config["manager"]["private_ip"]
    files = server["cert_path"], server["key_path"], server["ca_path"]
    if all(files):
        certs.check_pair(*files)
    else:
        files = certs.make_self_signed(places.ETC / "self-signed", ["localhost", "127.0.0.1", address])
    for source, name in zip(files, ("server.crt", "server.key", "root.crt")):
        places.copy(source, places.PGSQL / name, 0o400)
    places.write(places.PGSQL / "PG_VERSION", "14\n")    # initdb's
    client = config["postgresql_client"]
    remote = server["enable_remote_connections"] and server["ssl_enabled"]
    again = control.ask("status", "postgresql-14")[0] == 0
    control.program("postgresql-14", {
        "address": ["127.0.0.1", address] if remote else "127.0.0.1", "clientcert": remote and server["ssl_client_verification"],
        "local": ["127.0.0.1", address],
        "users": {client["server_username"]: client["server_password"] or server["postgres_password"]}})
    if again:
        control.must("restart", "postgresql-14")  # its certificates may be new


def install_cluster_node(config):
    server, own = config["postgresql_server"], config["manager"]["private_ip"]
    members = loading.database_nodes(config)
    if own not in members and config["manager"]["public_ip"] not in members:
        raise InstallError("Could not match this node with any cluster node members")
    files = server["cert_path"], server["key_path"], server["ca_path"]
    certs.check_pair(*files)
    for source, kind in zip(files, ("crt", "key", "ca")):
        places.copy(source, places.ETCD / ("ca.crt" if kind == "ca" else f"etcd.{kind}"), 0o400)
        for use in ("rest", "db"):
            places.copy(source, places.PATRONI / ("ca.crt" if kind == "ca" else f"{use}.{kind}"), 0o400)
    passwords = server["cluster"]["etcd"]
    control.program("etcd", {"ip": own, "members": members, "root_password": passwords["root_password"]})
    asyncio.run(secure_etcd(own, places.ETCD / "ca.crt", passwords["root_password"]))
    again = control.ask("status", "patroni")[0] == 0
    control.program("patroni", {"ip": own, "members": members})
    if again:
        control.must("restart", "patroni")        # a re-run of a finished node: the cluster keeps running (§5.3)
    control.program("postgresql-14", {
        "cluster": True, "address": own, "clientcert": server["ssl_client_verification"], "local": members,
        "users": {"postgres": server["postgres_password"]}})
    leave_startup_check()
    faults.reach("patroni-started")
    control.must("status", "etcd", "patroni")   # verify_alive


async def secure_etcd(own, authority, root_password):
    """Step 2 and 3: no quorum is only a warning; whoever sees it first sets the authentication."""
    context = wire.client_context(authority)
    for _ in range(AUTH_TRIES):
        answer = await wire.try_call(own, 2379, "/v2/keys/", context, timeout=0.5)
        if answer and answer.status in (200, 401):
            break
        await asyncio.sleep(AUTH_PAUSE)
    else:
        print("etcd has no quorum yet; authentication will be set by another node")
        return
    if answer.status == 401:
        print("etcd requires authentication: adding this node's pg_hba entries to the patroni config")
        return

    async def etcdctl(**operation):
        done = await wire.call(own, 2379, "/standin/write", context, method="POST", content=operation, timeout=12)
        if done.status == 503:
            raise InstallError("etcd lost its quorum")
        return done.status == 200
    if not await etcdctl(op="role-add", name=LOCK_ROLE):
        # the same words after a node died between taking and removing the lock: etcd then stays open for ever
        print(f"Role {LOCK_ROLE} already exists: another node is configuring etcd")
        return
    await etcdctl(op="user-add", name="root")
    faults.reach("etcd-lock")
    await asyncio.sleep(0.3)                     # the window in which a cut leaves etcd without authentication
    await etcdctl(op="user-add", name="patroni")
    await etcdctl(op="role-add", name="patroni")
    if not await etcdctl(op="auth-enable"):
        raise InstallError("etcd's authentication could not be enabled")
    done = await wire.call(own, 2379, f"/v2/auth/roles/{LOCK_ROLE}", context, method="DELETE", timeout=5,
                           auth=("root", root_password))
    print(f"etcd's authentication is on (lock removed: {done.status == 200})")


def leave_startup_check():
    """Step 5: a background process outlives the install, in whatever unit started it. A unit that kills its cgroup
    at the end kills it; the journal then misses `startup-check-end`."""
    subprocess.Popen([sys.executable, "-c",
                      "import sys; sys.path.insert(0, sys.argv[1]); from standin.install_database import startup_check;"
                      "startup_check()", sys.path[0]],
                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                     start_new_session=True)


def startup_check():
    from . import journal
    journal.note("startup-check-start")
    time.sleep(4)
    journal.note("startup-check-end")


def remove():
    """On database nodes `remove` deletes the data (cloudify.md §5.3)."""
    for path in (places.ETCD_DATA, places.PATRONI, places.PGSQL, places.ETCD):
        subprocess.run(["rm", "-rf", path], check=True)

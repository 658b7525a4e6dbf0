"""Patroni's REST API on 8008 and who leads (gates.md §1 "DB", the timeline and the code table; §2 for reboots).

- 8008 refuses before etcd has a quorum; then all codes are 503 while the cluster is initialised;
- `/` on the leader is 200 with role master, state running and replication[]; a replica that is being cloned is there
  as two `pg_basebackup` entries, a finished one as pg<ip with _>, streaming;
- `/leader` is 200 as soon as the leader key is held, too early; `/sync` follows a key that is written late;
- only the old leader or its synchronous standby may take over; writes block without a synchronous standby.
"""

import asyncio
import time

from . import places, wire
from .etcd import NoQuorum, Refused

PYTHON_JSON = (", ", ": ")   # Patroni writes its answers with spaces, etcd and RabbitMQ do not

TICK = 0.4
LEADER_TTL = 3.0        # 30 s
INITIALIZE = 1.0        # 2.3 s
UNLOCKED = 0.8          # 1.2 s: running and master in the body, and still not 200
CLONE = 1.0             # 7–10 s
STARTING = 0.5          # 0.6 s
SYNC_KEY_LATE = 3.0     # 12–20 s


class Patroni:
    """settings: {ip, members: [ip…]}"""

    def __init__(self, settings, programs):
        self.ip = settings["ip"]
        self.members = settings["members"]
        self.programs, self.last_etcd = programs, programs["etcd"]
        self.data = places.PATRONI / "data"   # is there once initialised or cloned
        self.server = self.task = None
        self.state, self.since = "stopped", time.monotonic()
        self.gone = {}                        # member -> when it was last seen
        self.sync_since = None

    @property
    def etcd(self):
        """The one that runs now; a stopped one says that it has no quorum."""
        self.last_etcd = self.programs.get("etcd", self.last_etcd)
        return self.last_etcd

    @staticmethod
    def label(ip):
        return "pg" + ip.replace(".", "_")

    async def start(self):
        self.task = asyncio.create_task(self.watch())

    async def stop(self):
        self.task.cancel()
        await wire.close(self.server)

    def keys(self):
        return self.etcd.state["keys"]

    def is_leader(self):
        return self.keys().get("leader") == self.ip

    def is_usable_leader(self):
        return (self.is_leader() and self.state == "running" and self.etcd.quorum
                and time.monotonic() - self.since > UNLOCKED)

    def can_write(self):
        """synchronous_mode_strict: a leader alone blocks every write (cloudify.md §3.2)."""
        return self.is_usable_leader() and self.synchronous() is not None

    def enter(self, state):
        if state != self.state:
            self.state, self.since = state, time.monotonic()

    # -- the loop ------------------------------------------------------------------------------------------------------

    async def watch(self):
        while True:
            try:
                await self.tick()
            except (Refused, NoQuorum):
                pass  # another member was quicker, or etcd is away: next round
            await asyncio.sleep(TICK)

    async def tick(self):
        if not self.etcd.quorum:
            return
        if self.server is None:
            context = wire.server_context(places.PATRONI / "rest.crt", places.PATRONI / "rest.key")
            self.server = await wire.listen(self.answer, self.ip, 8008, context)
        now = time.monotonic()
        for ip in [self.ip, *self.etcd.alive]:
            self.gone[ip] = now
        await self.race(now)
        if self.is_leader():
            await self.lead(now)
        else:
            await self.follow(now)

    async def race(self, now):
        leader = self.keys().get("leader")
        if leader and now - self.gone.setdefault(leader, now) < LEADER_TTL:
            return
        eligible = self.keys().get("eligible") or self.members
        if self.ip in eligible:
            await self.etcd.write({"op": "put", "name": "leader", "value": self.ip, "previous": leader})

    async def lead(self, now):
        if self.state == "running":
            await self.publish("running")
            standby = self.synchronous()
            if standby != self.sync_since_of():
                self.sync_since = (standby, now)
            eligible = [self.ip] + ([standby] if standby else [])
            if standby and self.keys().get("eligible") != eligible:
                await self.put("eligible", eligible)
            if standby and now - self.sync_since[1] > SYNC_KEY_LATE and self.keys().get("sync") != standby:
                await self.put("sync", standby)
        elif self.data.exists():
            self.start_server(now)            # restarted, or promoted
        elif self.state == "initializing new cluster" and now - self.since > INITIALIZE:
            places.write(self.data, "initialised here\n")
            self.enter("running")
        else:
            self.enter("initializing new cluster")

    def start_server(self, now):
        """PostgreSQL itself takes its time, also at a mere restart of patroni."""
        if self.state not in ("starting", "running"):
            self.enter("starting")
        elif now - self.since > STARTING:
            self.enter("running")

    def sync_since_of(self):
        return self.sync_since[0] if self.sync_since else None

    async def follow(self, now):
        if self.keys().get("leader") is None or self.keys().get("state/" + self.keys()["leader"]) != "running":
            return                            # nothing to follow yet
        if self.data.exists():
            self.start_server(now)
            await self.publish(self.state)
        elif self.state == "creating replica" and now - self.since > CLONE:
            places.write(self.data, "cloned\n")
        else:
            self.enter("creating replica")
            await self.publish("creating replica")

    async def put(self, name, value):
        if self.keys().get(name) != value:
            await self.etcd.write({"op": "put", "name": name, "value": value})

    async def publish(self, state):
        await self.put("state/" + self.ip, state)

    # -- what it says --------------------------------------------------------------------------------------------------

    def standbys(self, state):
        return [ip for ip in sorted(self.etcd.alive)
                if ip in self.members and self.keys().get("state/" + ip) == state]

    def synchronous(self):
        """The synchronous standby as it really is (not the late key)."""
        running = self.standbys("running")
        known = self.keys().get("sync")
        return known if known in running else running[0] if running else None

    def replication(self):
        entries = []
        for ip in self.standbys("creating replica"):
            entries += [{"usename": "replicator", "application_name": "pg_basebackup", "client_addr": ip,
                         "state": state, "sync_state": "async", "sync_priority": 0}
                        for state in ("backup", "streaming")]
        standby = self.synchronous()
        for ip in self.standbys("running"):
            entries.append({"usename": "replicator", "application_name": self.label(ip), "client_addr": ip,
                            "state": "streaming", "sync_state": "sync" if ip == standby else "async",
                            "sync_priority": 1 if ip == standby else 0})
        return entries

    def describe(self):
        """The body, in Patroni's own order of keys."""
        leads = self.is_leader() and self.state == "running"
        body = {"state": self.state}
        if self.state == "running":
            body |= {"role": "master" if leads else "replica", "server_version": 140011,
                     "xlog": {"location": 67108864} if leads else {"received_location": 67108864, "paused": False},
                     "timeline": 1}
        else:
            body["role"] = "uninitialized"
        if self.is_usable_leader() and self.replication():
            body["replication"] = self.replication()
        elif not self.is_usable_leader() and leads or self.state == "initializing new cluster":
            body["cluster_unlocked"] = True
        body["patroni"] = {"version": "3.0.2", "scope": "postgres"}
        return body

    async def answer(self, request):
        running = self.state == "running" and self.etcd.quorum
        leads = self.is_usable_leader()
        is_sync = self.keys().get("sync") == self.ip and not leads
        replica = running and not leads
        good = {
            "/": leads, "/primary": leads, "/master": leads,
            "/leader": self.is_leader() and self.data.exists(),   # true too early
            "/health": running, "/readiness": running, "/liveness": True,
            "/replica": replica, "/sync": replica and is_sync, "/async": replica and not is_sync,
        }
        if request.path == "/cluster":
            return wire.reply(200, {"members": [self.member(ip) for ip in self.members]}, PYTHON_JSON)
        if request.path not in good:
            return wire.reply(404)
        return wire.reply(200 if good[request.path] else 503, self.describe(), PYTHON_JSON)

    def member(self, ip):
        role = ("leader" if ip == self.keys().get("leader") else
                "sync_standby" if ip == self.keys().get("sync") else "replica")
        return {"name": self.label(ip), "role": role, "state": self.keys().get("state/" + ip, "stopped"), "host": ip}

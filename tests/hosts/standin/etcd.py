"""etcd as far as the gates meet it, with a store that really needs a majority (gates.md §1 "DB").

- 2380 (members) and 2379 (clients) listen at once; 2379 answers nothing, not even TLS, before a quorum was seen;
- /health is 200 `{"health":"true"}` with a quorum and 503 `{"health":"false"}` after it was lost;
- 2380 demands a client certificate, 2379 does not;
- authentication is switched on by whoever takes the role `cloudifyauthsetup` first; a node that dies holding it
  leaves the cluster open, and every later one says "already exists".
"""

import asyncio
import json
import random
import secrets
import socket

from . import places, wire

POLL = 0.5
PATIENCE = 1.5   # with a member that does not answer
TRIES = 20
FRESH = {"revision": 0, "auth": False, "roles": [], "users": [], "keys": {}, "done": []}
LOCK_ROLE = "cloudifyauthsetup"


class Refused(Exception):
    """The store's own answer: already exists, not found, changed meanwhile."""


class NoQuorum(Exception):
    pass


class Conflict(Exception):
    """Members did not agree that this is the next state: somebody else was quicker."""


def apply(state, operation):
    """The next state. Pure; raises Refused. An operation that was done already changes nothing."""
    if operation.get("id") in state["done"]:
        return state
    state = json.loads(json.dumps(state))
    kind, name = operation["op"], operation.get("name")
    if kind in ("role-add", "user-add"):
        names = state[kind.split("-", maxsplit=1)[0] + "s"]
        if name in names:
            raise Refused(f"{name} already exists")
        names.append(name)
    elif kind in ("role-remove", "user-remove"):
        names = state[kind.split("-", maxsplit=1)[0] + "s"]
        if name not in names:
            raise Refused(f"{name} does not exist")
        names.remove(name)
    elif kind == "auth-enable":
        if "root" not in state["users"]:
            raise Refused("No root user available")
        state["auth"] = True
    elif kind == "put":
        if "previous" in operation and state["keys"].get(name) != operation["previous"]:
            raise Refused(f"{name} changed meanwhile")
        state["keys"][name] = operation["value"]
    else:
        raise Refused(f"unknown operation {kind}")
    state["revision"] += 1
    state["done"] = (state["done"] + [operation["id"]])[-50:] if "id" in operation else state["done"]
    return state


class Etcd:
    """settings: {ip, members: [ip…], root_password}"""

    def __init__(self, settings, _programs):
        self.ip = settings["ip"]
        self.others = [ip for ip in settings["members"] if ip != self.ip]
        self.needed = len(settings["members"]) // 2 + 1
        self.root_password = settings["root_password"]
        self.file = places.ETCD_DATA / "state.json"
        self.state = json.loads(self.file.read_text()) if self.file.exists() else dict(FRESH)
        self.alive = {}        # other members that answered the last poll: ip -> what they said
        self.synced = False    # has this member seen a majority's newest state since it started?
        self.proposing = False
        self.one_at_a_time = asyncio.Lock()
        self.tasks, self.servers, self.sockets = [], [], []

    @property
    def quorum(self):
        return self.synced and 1 + len(self.alive) >= self.needed

    async def start(self):
        files = places.ETCD / "etcd.crt", places.ETCD / "etcd.key", places.ETCD / "ca.crt"
        self.clients = wire.server_context(files[0], files[1])
        self.peer = wire.client_context(files[2], files[0], files[1])
        members = wire.server_context(*files, demand_client=True)
        self.servers.append(await wire.listen(self.answer_member, self.ip, 2380, members))
        for address in (self.ip, "127.0.0.1"):
            listening = socket.create_server((address, 2379), backlog=128)
            listening.setblocking(False)
            self.sockets.append(listening)
        self.tasks.append(asyncio.create_task(self.watch()))

    async def stop(self):
        self.synced = False
        for task in self.tasks:
            task.cancel()
        await wire.close(*self.servers)
        for listening in self.sockets:
            listening.close()

    # -- members -------------------------------------------------------------------------------------------------------

    async def watch(self):
        while True:
            answers = await asyncio.gather(*(self.ask(ip, "/members/state") for ip in self.others))
            self.alive = {ip: answer for ip, answer in zip(self.others, answers) if answer}
            if not self.synced and 1 + len(self.alive) >= self.needed:
                for answer in self.alive.values():
                    self.adopt(answer["state"])
                self.synced = True
                for listening in self.sockets:  # from now on clients are served
                    self.tasks.append(asyncio.create_task(self.accept(listening)))
            elif self.synced:
                for answer in self.alive.values():
                    self.adopt(answer["state"])
            await asyncio.sleep(POLL)

    async def ask(self, ip, path, content=None):
        answer = await wire.try_call(ip, 2380, path, self.peer, method="POST" if content else "GET", content=content,
                                     timeout=PATIENCE)
        return answer.json() if answer and answer.status == 200 else None

    def adopt(self, state):
        if state["revision"] > self.state["revision"]:
            self.state = state
            places.write(self.file, json.dumps(state), 0o600)

    def chief(self):
        """The member that orders the writes: the lowest address among those that are up to date."""
        return min([self.ip] + [ip for ip, answer in self.alive.items() if answer["synced"]])

    async def answer_member(self, request):
        if request.path == "/version":
            return wire.reply(200, {"etcdserver": "3.4.23", "etcdcluster": "3.4.0"})
        if request.path == "/members/state":
            return wire.reply(200, {"state": self.state, "synced": self.synced})
        if request.path == "/members/accept":
            return wire.reply(200, {"accepted": self.accepts(**request.json())})
        if request.path == "/members/write":
            return await self.answer_write(request.json())
        return wire.reply(404)

    async def answer_write(self, operation):
        try:
            await self.propose(operation)
            return wire.reply(200, {"ok": True})
        except Refused as refused:
            return wire.reply(200, {"refused": str(refused)})
        except (NoQuorum, Conflict):
            return wire.reply(503)

    async def write(self, operation):
        """Apply an operation in the cluster, once. Raises Refused or NoQuorum."""
        operation = {"id": secrets.token_hex(6), **operation}
        for _ in range(TRIES):
            if not self.quorum:
                break
            try:
                if await self.write_through(self.chief(), operation):
                    return
            except Conflict:
                pass
            await asyncio.sleep(random.uniform(0.05, 0.4))
        raise NoQuorum

    async def write_through(self, chief, operation):
        if chief == self.ip:
            await self.propose(operation)
            return True
        answer = await self.ask(chief, "/members/write", operation)
        if answer and "refused" in answer:
            raise Refused(answer["refused"])
        return answer is not None

    async def propose(self, operation):
        """A majority, this member included, must take the new state as the next one after the one it has."""
        async with self.one_at_a_time:
            if not self.quorum:
                raise NoQuorum
            base, following = self.state, apply(self.state, operation)
            if following is base:
                return
            self.proposing = True
            try:
                answers = await asyncio.gather(*(self.ask(ip, "/members/accept", {"base": base, "state": following})
                                                 for ip in self.alive))
            finally:
                self.proposing = False
            accepted = sum(1 for answer in answers if answer and answer["accepted"])
            if 1 + accepted < self.needed or self.state not in (base, following):
                raise Conflict
            self.adopt(following)

    def accepts(self, base, state):
        """Each member takes one successor of a state, and none while it proposes one itself."""
        if self.state == state:
            return True
        if self.proposing or self.state != base:
            return False
        self.adopt(state)
        return True

    # -- clients -------------------------------------------------------------------------------------------------------

    async def accept(self, listening):
        loop = asyncio.get_running_loop()
        speak = wire.speaker(self.answer_client)

        def protocol():
            return asyncio.StreamReaderProtocol(asyncio.StreamReader(), speak)

        async def greet(connection):
            try:
                await loop.connect_accepted_socket(protocol, connection, ssl=self.clients, ssl_handshake_timeout=5)
            except OSError:
                connection.close()
        while True:
            connection, _ = await loop.sock_accept(listening)
            task = asyncio.create_task(greet(connection))
            self.tasks = [t for t in self.tasks if not t.done()] + [task]

    async def answer_client(self, request):
        if request.path == "/health":
            return wire.reply(200, {"health": "true"}) if self.quorum else wire.reply(503, {"health": "false"})
        if request.path == "/version":
            return wire.reply(200, {"etcdserver": "3.4.23", "etcdcluster": "3.4.0"})
        if request.path == "/v2/auth/enable":
            return wire.reply(200, {"enabled": self.state["auth"]})
        if self.state["auth"] and request.credentials() != ("root", self.root_password):
            return wire.reply(401, {"message": "The request requires user authentication"})
        for kind in ("role", "user"):
            if request.path.startswith(f"/v2/auth/{kind}s/"):
                return await self.answer_auth(kind, request.path.rsplit("/", 1)[1], request.method)
        if request.path == "/v2/keys/":  # `etcdctl ls /`
            return wire.reply(200, {"action": "get", "node": {"dir": True}})
        if request.path == "/standin/write":  # what the other etcdctl commands of the installer come to
            return await self.answer_operation(request.json())
        return wire.reply(404)

    async def answer_auth(self, kind, name, method):
        if method == "DELETE":
            return await self.answer_operation({"op": f"{kind}-remove", "name": name})
        there = name in self.state[kind + "s"]
        return wire.reply(200 if there else 404, {kind: name} if there else {"message": f"{kind} {name} does not exist"})

    async def answer_operation(self, operation):
        try:
            await self.write(operation)
            return wire.reply(200, {"ok": True})
        except Refused as refused:
            return wire.reply(409, {"refused": str(refused)})
        except NoQuorum:
            return wire.reply(503)

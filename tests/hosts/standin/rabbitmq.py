"""A RabbitMQ node: management API on 15671, AMQPS on 5671, other nodes on 25672, epmd on 4369 (gates.md §1).

- a joiner before its join runs alone and without the cluster's user: every call with the credentials gives 401;
- membership is held by the members; a node whose data were deleted while others count it as a member is refused
  with `inconsistent_cluster` until one of them forgets it;
- pause_minority: without a majority of its members a node closes 15671 and 5671 and comes back by itself; a member
  that is only silent (its power was cut) is believed in until the net tick, and the API hangs so long;
- started alone after a full stop it waits for the others (25672 open, 5671 and 15671 refused).
"""

import asyncio
import json
import socket
import time

from . import places, wire

POLL = 0.5
NET_TICK = 5.0             # 71 s
BEAM_OUTLIVES_STOP = 1.0   # 5 s: `supervisorctl stop` returns before beam has gone


GONE = object()


def address_of(node):
    """rabbit@NAME is asked at the address that NAME resolves to on this host."""
    return socket.gethostbyname(node.split("@", 1)[1])


class RabbitMQ:
    """settings: {node, ip, user, password, first, open}; `first` loads the definitions with the cluster's user, `open`
    serves the management API to others."""

    def __init__(self, settings, _programs):
        self.node = settings["node"]
        self.ip = settings["ip"]
        self.settings = settings
        self.file = places.MNESIA / "cluster.json"
        self.data = json.loads(self.file.read_text()) if self.file.exists() else {
            "members": [self.node], "user": [settings["user"], settings["password"]] if settings["first"] else None}
        self.running = {}      # other members as this one believes: node -> what it said last
        self.heard = {}        # … and when
        self.hanging = False
        self.app_stopped = False
        self.distribution, self.doors, self.task = [], [], None

    async def start(self):
        files = places.SSL / "rabbitmq-cert.pem", places.SSL / "rabbitmq-key.pem", places.SSL / "rabbitmq-ca.pem"
        self.context = wire.server_context(files[0], files[1], only_tls12=True)
        self.peer = wire.client_context(files[2])
        self.peer.check_hostname = False   # nodes are asked by the address behind their name; the chain is verified
        self.save()
        self.distribution.append(await wire.listen(self.answer_node, "0.0.0.0", 25672, self.context))
        self.distribution.append(await asyncio.start_server(hang_up, "0.0.0.0", 4369))
        self.task = asyncio.create_task(self.watch())

    async def stop(self):
        asyncio.create_task(self.die_slowly())

    async def die_slowly(self):
        await asyncio.sleep(BEAM_OUTLIVES_STOP)
        self.task.cancel()
        await wire.close(*self.doors, *self.distribution)

    def save(self):
        places.write(self.file, json.dumps(self.data), 0o600)
        # what a node knows of its members, as Erlang terms: all of them, and those on disk (read off RabbitMQ 3.10)
        members = ",".join(f"'{node}'" for node in self.data["members"])
        places.write(places.MNESIA / self.node / "cluster_nodes.config", f"{{[{members}],[{members}]}}.\n")

    def others(self):
        return [node for node in self.data["members"] if node != self.node]

    def serves(self):
        return bool(self.doors)

    async def watch(self):
        while True:
            nodes = self.others()
            self.believe(dict(zip(nodes, await asyncio.gather(*map(self.ping, nodes)))), time.monotonic())
            if self.is_majority(len(self.running)) and not self.app_stopped:
                await self.open_doors()
            else:
                await wire.close(*self.doors)
                self.doors = []
            await asyncio.sleep(POLL)

    def believe(self, answers, now):
        """answers: {node: what it said, GONE or None}. Who refuses is gone; who is silent is so after the net tick
        (gates.md §1, "pause_minority bites")."""
        for node, answer in answers.items():
            if answer is not None and answer is not GONE:
                self.running[node], self.heard[node] = answer, now
            elif answer is GONE or now - self.heard.get(node, -NET_TICK) > NET_TICK:
                self.running.pop(node, None)
        self.running = {node: said for node, said in self.running.items() if node in answers}
        answering = sum(self.heard.get(node) == now for node in self.running)
        self.hanging = self.is_majority(len(self.running)) and not self.is_majority(answering)

    def is_majority(self, others):
        return 2 * (1 + others) > len(self.data["members"])

    async def open_doors(self):
        if not self.doors:
            management = "0.0.0.0" if self.settings.get("open", True) else "127.0.0.1"
            self.doors = [await wire.listen(self.answer_api, management, 15671, self.context),
                          await asyncio.start_server(hang_up, "0.0.0.0", 5671, ssl=self.context)]

    # -- between nodes -------------------------------------------------------------------------------------------------

    async def ping(self, node):
        """What it says; GONE where nobody listens or the cookie is wrong, None where it is silent."""
        try:
            answer = await wire.call(address_of(node), 25672, "/ping", self.peer, headers={"Cookie": cookie()})
        except ConnectionError:
            return GONE
        except (OSError, asyncio.TimeoutError, ValueError):
            return None
        return answer.json() if answer.status == 200 else GONE

    async def ask(self, node, path, content=None):
        """Ask another node, with our Erlang cookie; None where it does not answer."""
        try:
            address = address_of(node)
        except OSError:
            return None
        answer = await wire.try_call(address, 25672, path, self.peer, method="POST" if content else "GET",
                                     content=content, headers={"Cookie": cookie()})
        return answer.json() if answer and answer.status == 200 else None

    async def answer_node(self, request):
        if request.headers.get("cookie") != cookie():
            return wire.reply(403)      # "Connection attempt from disallowed node"
        content = request.json()
        if request.path == "/ping":
            return wire.reply(200, {"node": self.node, "serves": self.serves()})
        if request.path == "/join":
            return wire.reply(200, await self.admit(content["node"]))
        if request.path == "/members":
            self.data = content
            self.save()
            return wire.reply(200, {})
        if request.path == "/forget":
            return wire.reply(200, await self.forget(content["node"]))
        if request.path == "/left":
            if content["node"] in self.others():
                self.data["members"].remove(content["node"])
                await self.tell_members()
            return wire.reply(200, {})
        return wire.reply(404)

    async def admit(self, node):
        if not self.serves():
            return {"error": "mnesia_not_running"}
        if node in self.data["members"]:
            return {"error": f"inconsistent_cluster: Node {self.node} thinks it's clustered with node {node}, "
                             f"but {node} disagrees"}
        self.data["members"].append(node)
        await self.tell_members(but=node)
        return self.data

    async def forget(self, node):
        if node in self.running:
            return {"error": f"Error: {{:not_a_running_node… {node} must be stopped}}", "rc": 69}
        if node not in self.data["members"]:
            return {"error": f"Error: {node} is not a member", "rc": 69}
        self.data["members"].remove(node)
        await self.tell_members()
        return {}

    async def tell_members(self, but=None):
        self.save()
        await asyncio.gather(*(self.ask(node, "/members", self.data) for node in self.others() if node != but))

    # -- the management API --------------------------------------------------------------------------------------------

    async def answer_api(self, request):
        while self.hanging:
            await asyncio.sleep(0.1)
        if self.data["user"] is None or list(request.credentials() or ()) != self.data["user"]:
            return wire.reply(401, {"error": "not_authorised", "reason": "Login failed"})
        path = request.path.split("?", 1)[0]
        if path == "/api/nodes":
            return wire.reply(200, [{"name": node, "running": self.is_running(node)}
                                    for node in sorted(self.data["members"])])
        if path.startswith("/api/nodes/"):
            node = path.removeprefix("/api/nodes/")
            if node not in self.data["members"]:
                return wire.reply(500)   # not 404
            return wire.reply(200, {"name": node, "running": self.is_running(node)})
        if path.startswith(("/api/healthchecks/node", "/api/health/checks/")):
            return wire.reply(200, {"status": "ok"})   # says nothing about membership
        if path.startswith("/api/vhosts/") and request.method == "PUT":
            return wire.reply(201)
        return wire.reply(404, {"error": "Object Not Found"})

    def is_running(self, node):
        return node == self.node or self.running.get(node, {}).get("serves", False)

    # -- what rabbitmqctl of this host does ----------------------------------------------------------------------------

    async def control(self, words):
        """(exit code, text)"""
        if words == ["stop_app"]:
            self.app_stopped = True
            await wire.close(*self.doors)
            self.doors = []
        elif words == ["start_app"]:
            self.app_stopped = False
        elif words == ["reset"]:
            # a member that resets leaves its cluster (cloudify.md §3.3: harmless if node 1 is up)
            for node in self.others():
                await self.ask(node, "/left", {"node": self.node})
            self.data = {"members": [self.node], "user": None}
            self.save()
        elif words[:1] == ["join_cluster"]:
            return await self.join(words[1])
        elif words == ["status"]:
            return (0, "") if self.serves() else (69, "Error: unable to perform an operation on node")
        else:
            return 64, f"unknown command {words}"
        return 0, ""

    async def join(self, node):
        """Once, no retry."""
        answer = await self.ask(node, "/join", {"node": self.node})
        if answer is None:
            return 69, f"Error: unable to perform an operation on node '{node}'"
        if "error" in answer:
            return 69, f"Error: {answer['error']}"
        self.data = answer
        self.save()
        return 0, ""


async def hang_up(_reader, writer):
    writer.close()


def cookie():
    return places.ERLANG_COOKIE.read_text().strip() if places.ERLANG_COOKIE.exists() else ""

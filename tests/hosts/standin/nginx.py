"""nginx on every host with monitoring (8009) and on managers (443, 53333): gates.md §1 "nginx:8009 and managers".

`/api/v3.1/ok` is 200 "OK" only on a manager that is finished and whose database and brokers are good, else 500 "FAIL"
(cloudify.md §3.5); 5.x has /api/v3.1/status for admin instead. `/` answers 200 without credentials and proves nothing.
"""

import asyncio
import time

from . import places, release, wire

REMEMBER = 2.0   # seconds that an answer of the backends is good for


class Nginx:
    """settings: {monitoring: [user, password], manager: bool, databases: [ip…], brokers: [ip…], admin: [user, password]}"""

    def __init__(self, settings, programs):
        self.settings = settings
        self.programs = programs
        self.servers = []
        self.asked, self.answer = 0.0, False

    async def start(self):
        monitoring = wire.server_context(places.SSL / "monitoring_cert.pem", places.SSL / "monitoring_key.pem",
                                         only_tls12=True)
        self.servers.append(await wire.listen(self.answer_monitoring, "0.0.0.0", 8009, monitoring))
        if self.settings["manager"]:
            internal = wire.server_context(places.SSL / "cloudify_internal_cert.pem",
                                           places.SSL / "cloudify_internal_key.pem")
            self.backends = wire.client_context(places.SSL / "cloudify_internal_ca_cert.pem")
            for port in (443, 53333):
                self.servers.append(await wire.listen(self.answer_rest, "0.0.0.0", port, internal))

    async def stop(self):
        await wire.close(*self.servers)

    async def answer_monitoring(self, request):
        if request.path == "/":
            return wire.reply(200, b"Welcome")
        if list(request.credentials() or ()) != self.settings["monitoring"]:
            return wire.reply(401)
        if request.path in ("/monitoring/-/healthy", "/monitoring/"):
            return wire.reply(200, b"Prometheus is Healthy.\n")
        return await self.answer_beacon(request)

    async def answer_beacon(self, request):
        """/cfylogs/ is /var/log/cloudify (cloudify.md §3.5, "own beacon")."""
        logs = places.ROOT / "var/log/cloudify"
        file = (logs / request.path.removeprefix("/cfylogs/")).resolve()
        if request.path.startswith("/cfylogs/") and file.is_relative_to(logs) and file.is_file():
            return wire.reply(200, file.read_bytes())
        return wire.reply(404)

    async def answer_rest(self, request):
        path = request.path.split("?", 1)[0]
        if path == "/api/v3.1/ok" and release.has_ok():
            return wire.reply(200, "OK") if await self.good() else wire.reply(500, "FAIL")
        if list(request.credentials() or ()) != self.settings["admin"]:
            return wire.reply(401, {"message": "User unauthorized"})
        if path == "/api/v3.1/status":
            return wire.reply(200, {"status": "OK" if await self.good() else "FAIL"})
        return wire.reply(404)

    async def good(self):
        return "cloudify-restservice" in self.programs and await self.backends_good()

    async def backends_good(self):
        if time.monotonic() - self.asked > REMEMBER:
            self.asked = time.monotonic()
            leaders = await asyncio.gather(*(wire.try_call(ip, 8008, "/", self.backends)
                                             for ip in self.settings["databases"]))
            brokers = await asyncio.gather(*(wire.accepts(ip, 5671) for ip in self.settings["brokers"]))
            self.answer = ((not leaders or any(answer and answer.status == 200 for answer in leaders))
                           and (not brokers or any(brokers)))
        return self.answer


class RestService:
    """The manager itself: it is in the list of programs once its install is finished, and has no port to be seen."""

    def __init__(self, _settings, _programs):
        pass

    async def start(self):
        pass

    async def stop(self):
        pass

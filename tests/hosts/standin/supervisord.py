"""The process that runs the services, as supervisord does: cloudify.md §3.8.

A program is a file /etc/supervisord.d/NAME.json with its settings. All of them run in this one process. They start
by themselves after a reboot and depend on no install.
"""

import asyncio
import json
import sys
import traceback

from . import places
from .etcd import Etcd
from .nginx import Nginx, RestService
from .patroni import Patroni
from .postgres import Postgres
from .rabbitmq import RabbitMQ

# in this order: a program may use one that stands before it
KINDS = {"etcd": Etcd, "patroni": Patroni, "postgresql-14": Postgres, "cloudify-rabbitmq": RabbitMQ,
         "cloudify-restservice": RestService, "nginx": Nginx}


class Supervisor:
    def __init__(self):
        self.programs = {}      # name -> running program
        self.loaded = {}        # name -> the text of its settings
        self.stopped = set()    # by hand
        self.one_at_a_time = asyncio.Lock()

    async def update(self):
        """Start what is new, restart what changed, as `supervisorctl update`."""
        async with self.one_at_a_time:
            await self.update_all()

    async def update_all(self):
        for name, kind in KINDS.items():
            file = places.SUPERVISOR_PROGRAMS / f"{name}.json"
            text = file.read_text() if file.is_file() else None
            if name in self.programs and text != self.loaded[name]:
                await self.programs.pop(name).stop()
            if text is not None and name not in self.programs and name not in self.stopped:
                program = kind(json.loads(text), self.programs)
                try:
                    await program.start()
                except OSError as problem:   # an address still in use, a certificate missing: next round
                    print(f"{name}: {problem}", file=sys.stderr, flush=True)
                    continue
                self.programs[name], self.loaded[name] = program, text

    async def forever(self):
        while True:
            try:
                await self.update()
            except Exception:  # pylint: disable=broad-except  # one bad program must not end the others
                traceback.print_exc()
            await asyncio.sleep(1)

    async def answer(self, words):
        """(exit code, text) of a supervisorctl or rabbitmqctl command."""
        command, *rest = words
        if command == "rabbitmqctl":
            broker = self.programs.get("cloudify-rabbitmq")
            return await broker.control(rest) if broker else (69, "Error: unable to perform an operation on node")
        if command == "update":
            await self.update()
        elif command == "stop":
            self.stopped |= set(rest)
            for name in rest:
                if name in self.programs:
                    await self.programs.pop(name).stop()
        elif command in ("start", "restart"):
            if command == "restart":
                await self.answer(["stop", *rest])
            self.stopped -= set(rest)
            await self.update()
        elif command == "status":
            known = sorted(file.stem for file in places.SUPERVISOR_PROGRAMS.glob("*.json"))
            lines = [f"{name:32} {'RUNNING' if name in self.programs else 'STOPPED'}" for name in rest or known]
            return (0 if all(name in self.programs for name in rest or known) else 3), "\n".join(lines)
        else:
            return 2, f"*** Unknown syntax: {command}"
        return 0, "\n".join(f"{name}: {command}" for name in rest)

    async def control(self, reader, writer):
        try:
            words = json.loads(await reader.readline())
            code, text = await self.answer(words)
        except Exception as problem:  # pylint: disable=broad-except
            code, text = 70, f"supervisord: {problem!r}"
        writer.write(json.dumps([code, text]).encode() + b"\n")
        await writer.drain()
        writer.close()


async def serve():
    places.SUPERVISOR_PROGRAMS.mkdir(parents=True, exist_ok=True)
    places.SUPERVISOR_SOCKET.parent.mkdir(parents=True, exist_ok=True)
    supervisor = Supervisor()
    places.SUPERVISOR_SOCKET.unlink(missing_ok=True)
    await asyncio.start_unix_server(supervisor.control, places.SUPERVISOR_SOCKET)
    await supervisor.forever()


def main():
    asyncio.run(serve())

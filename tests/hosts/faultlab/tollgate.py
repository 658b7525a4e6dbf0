"""What stands in a host's way to its peers (wire.py): runs in the host's network namespace, listens on peers' addresses.

    python3 -m faultlab.tollgate JSON
"""

import asyncio
import ctypes
import json
import os
import ssl
import sys

# What a good peer would say: whoever did not look at the certificate would believe it.
GOOD = {
    "/health": {"health": "true"},
    "/v2/auth/enable": {"enabled": True},
    "/api/v3.1/ok": "OK",
    "/": {"state": "running", "role": "master", "replication": [
        {"application_name": "pg10_0_0_12", "state": "streaming", "sync_state": "sync"},
        {"application_name": "pg10_0_0_13", "state": "streaming", "sync_state": "async"}]},
    "/api/nodes": [{"name": f"rabbit@broker-{i}", "running": True} for i in (1, 2, 3)],
}


async def answer(reader, writer):
    """One HTTP question."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
        path = head.split()[1].partition("?")[0]
        body = json.dumps(GOOD.get(path, {})).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                     + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
        pass       # who verifies goes away
    writer.close()


async def impostor(what):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(what["pair"] + ".crt", what["pair"] + ".key")
    for peer in what["peers"]:
        for port in what["ports"]:
            await asyncio.start_server(answer, peer, port, ssl=tls)


async def carry(reader, writer, delay):
    """Bytes, each after its time, in order."""
    try:
        while data := await reader.read(65536):
            await asyncio.sleep(delay)
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


async def relay(what):
    def towards(peer, port):
        async def accepted(reader, writer):
            try:
                await asyncio.sleep(what["delay"])
                there, out = await asyncio.open_connection(peer, port)
            except OSError:
                writer.close()
                return
            await asyncio.gather(carry(reader, out, what["delay"]), carry(there, writer, what["delay"]))
            writer.close()
            out.close()
        return accepted
    for peer in what["peers"]:
        for port in what["ports"]:
            await asyncio.start_server(towards(peer, port), peer, port)
    # A socket belongs to the namespace in which it was made: from here on, they are made on the bridge.
    with open(what["beyond"], "rb") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what["beyond"])


async def main(what):
    await {"impostor": impostor, "relay": relay}[what["kind"]](what)
    print("listens", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))

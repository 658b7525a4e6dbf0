"""HTTP over TLS, both ends, as small as the stand-in needs it: one request, one answer, connection closed."""

import asyncio
import base64
import json
import ssl
from dataclasses import dataclass, field
from email.utils import formatdate


@dataclass
class Request:
    method: str
    path: str
    headers: dict
    body: bytes
    peer_names: list = field(default_factory=list)  # common name of the client certificate, if there is one

    def json(self):
        return json.loads(self.body or b"null")

    def credentials(self):
        """(user, password) of Basic authentication, or None."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(value).decode().partition(":")
        except ValueError:
            return None
        return user, password


@dataclass
class Answer:
    status: int
    body: bytes = b""

    def json(self):
        return json.loads(self.body or b"null")


def reply(status, content=None, separators=(",", ":")):
    """An answer with JSON in it. etcd and RabbitMQ write it without spaces, and gates compare text."""
    if content is None or isinstance(content, bytes):
        return Answer(status, content or b"")
    return Answer(status, json.dumps(content, separators=separators).encode())


# -- TLS ---------------------------------------------------------------------------------------------------------------

def server_context(cert, key, ca=None, demand_client=False, only_tls12=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if ca:
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED if demand_client else ssl.CERT_OPTIONAL
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if only_tls12:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def client_context(ca, cert=None, key=None):
    context = ssl.create_default_context(cafile=str(ca))
    if cert:
        context.load_cert_chain(cert, key)
    return context


def common_names(tls):
    certificate = tls.getpeercert() if tls else None
    return [value for part in (certificate or {}).get("subject", ()) for name, value in part if name == "commonName"]


# -- server ------------------------------------------------------------------------------------------------------------

def speaker(handler):
    """A connection callback that reads one request, awaits handler(Request) -> Answer, and writes it."""
    async def speak(reader, writer):
        try:
            request = await asyncio.wait_for(read_request(reader), 10)
            if request:
                request.peer_names = common_names(writer.get_extra_info("ssl_object"))
                answer = await handler(request)
                # etcd, Patroni, RabbitMQ and nginx all say what time it is
                head = (f"HTTP/1.1 {answer.status} -\r\nDate: {formatdate(usegmt=True)}\r\n"
                        f"Content-Type: application/json\r\n"
                        f"Content-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n")
                writer.write(head.encode() + (b"" if request.method == "HEAD" else answer.body))
                await writer.drain()
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError):
            pass  # a client that went away or spoke nonsense
        finally:
            writer.close()
    return speak


async def read_request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, path, headers, body)


async def listen(handler, address, port, context):
    return await asyncio.start_server(speaker(handler), address, port, ssl=context, reuse_address=True)


async def close(*servers):
    for server in servers:
        if server:
            server.close()


# -- client ------------------------------------------------------------------------------------------------------------

async def call(address, port, path, context, *, method="GET", content=None, auth=None, timeout=1.0, headers=None):
    """One request. Raises OSError (refused, TLS) or TimeoutError; the server certificate is always verified."""
    body = b"" if content is None else json.dumps(content).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {address}:{port}", f"Content-Length: {len(body)}",
             "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if auth:
        lines.append("Authorization: Basic " + base64.b64encode(":".join(auth).encode()).decode())

    async def talk():
        reader, writer = await asyncio.open_connection(address, port, ssl=context)
        try:
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            return Answer(int(head.split(" ", 2)[1]), await reader.read())
        finally:
            writer.close()
    try:
        return await asyncio.wait_for(talk(), timeout)
    except asyncio.IncompleteReadError as short:
        raise ConnectionResetError("the server hung up") from short


async def try_call(*args, **options):
    """As call, but None where nothing usable answers."""
    try:
        return await call(*args, **options)
    except (OSError, asyncio.TimeoutError, ValueError):
        return None


async def accepts(address, port, timeout=1.0):
    """Does TCP connect?"""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), timeout)
        writer.close()
        return True
    except (OSError, asyncio.TimeoutError):
        return False

"""A web server that means harm: hostile.py DIRECTORY. The first part of a path says how it answers, the rest is a file below
DIRECTORY. It prints its port, and a line for each request."""

import http.server
import pathlib
import sys
import time

# Enough to be told from an answer that was cut short, and not enough to fill the disk of whoever runs the tests.
ENDLESS = 200
MEGABYTE = b"a" * 0x100000


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def begin(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def do_GET(self):
        how, _, name = self.path.lstrip("/").partition("/")
        print(self.path, flush=True)
        try:
            getattr(self, how, self.honest)(name)
        except OSError:
            self.close_connection = True

    def honest(self, name):
        file = pathlib.Path(sys.argv[1], name)
        data = file.read_bytes() if file.is_file() else b""
        self.begin(200 if data else 404, Content_Length=str(len(data)))
        self.wfile.write(data)

    def endless(self, name):
        """No length, and no end to speak of."""
        self.begin(200, Transfer_Encoding="chunked")
        for _ in range(ENDLESS):
            self.chunk(MEGABYTE)
        self.chunk(b"")

    def endless_signature(self, name):
        (self.endless if name.endswith(".sig") else self.honest)(name)

    def slow(self, name, data=b"aa"):
        """Some bytes a second, for as long as anybody listens."""
        self.begin(200, Transfer_Encoding="chunked")
        while True:
            self.chunk(data)
            time.sleep(0.2)

    def tough(self, name):
        """More than what is called slow."""
        self.slow(name, data=b"a" * 1000)

    def elsewhere(self, name):
        """Sends to another protocol on this very port, which then sees who comes."""
        self.begin(302, Location=f"ftp://127.0.0.1:{self.server.server_port}/{name}", Content_Length="0")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def process_request(self, request, client_address):
        print("connection", flush=True)
        super().process_request(request, client_address)


server = Server(("127.0.0.1", 0), Handler)
print("port", server.server_port, flush=True)
server.serve_forever()

"""A database that is nobody's host: a server of PostgreSQL with a certificate of its own CA, as a cloud would offer it.

    python3 -m standin.external ADDRESS USER PASSWORD-FILE     below CFY_STANDIN_ROOT: server.crt, server.key, root.crt
"""

import asyncio
import sys
from pathlib import Path

from .postgres import Postgres


async def main(address, user, password_file):
    password = Path(password_file).read_text(encoding="ascii").strip()
    server = Postgres({"address": address, "clientcert": False, "local": [], "users": {user: password}}, {})
    await server.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

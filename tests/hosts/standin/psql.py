"""`psql`, as far as a recovery uses it: a libpq service file, `-c` statements, unaligned tuples.

Connection: hosts in their order, TLS with verify-full, the client certificate, and with target_session_attrs=read-write
the first host that may write (gates.md §1 "psql from a manager"); without a host the socket of this one, where PostgreSQL
is no cluster's and believes the system's user. Exit 2 where there is no connection, 1 where a
statement fails. Every statement is in the stand-in's journal.
"""

import asyncio
import getopt
import os
import pwd
import shlex
import ssl
import stat
import sys
from pathlib import Path

from . import journal, places, wire
from .postgres import PORT, SOCKET, Session
from .tables import DatabaseError, fold

OPTIONS = {"host", "port", "user", "password", "dbname", "target_session_attrs", "sslmode", "sslrootcert", "sslcert",
           "sslkey", "connect_timeout"}


class NoConnection(Exception):
    """What psql prints after "psql: error: ", before it ends with 2."""


def main():
    try:
        options, rest = getopt.getopt(sys.argv[1:], "XAtqwv:d:c:")
    except getopt.GetoptError as problem:
        return complain(f"psql: {problem}", 1)
    flags = {name for name, _ in options}
    commands = [value for name, value in options if name == "-c"]
    if rest or not commands or not {"-A", "-t"} <= flags:
        return complain("psql: the stand-in knows -A -t [-X] [-q] [-w] [-v NAME=VALUE] -d CONNINFO -c SQL…", 1)
    stop = ("-v", "ON_ERROR_STOP=1") in options
    try:
        wanted = connection(dict(options).get("-d", ""))
        return asyncio.run(run(wanted, commands, stop, "-q" in flags))
    except NoConnection as problem:
        for command in commands:
            journal.note("psql", sql=fold(command), rc=2, text=str(problem))
        return complain(f"psql: error: {problem}", 2)


def complain(text, code):
    print(text, file=sys.stderr)
    return code


# -- where to ---------------------------------------------------------------------------------------------------------

def connection(conninfo):
    """The options of the connection string, over those of the service that it names."""
    given = dict(word.partition("=")[::2] for word in shlex.split(conninfo))
    wanted = {**service(given.pop("service", None)), **given}
    unknown = sorted(set(wanted) - OPTIONS)
    if unknown:
        raise NoConnection(f'invalid connection option "{unknown[0]}"')
    name = pwd.getpwuid(os.geteuid()).pw_name
    wanted = {"host": "", "user": name, "port": PORT, **wanted}
    if wanted["host"] and wanted.get("sslmode") != "verify-full":
        raise NoConnection(f'the stand-in wants sslmode=verify-full, not "{wanted.get("sslmode", "")}"')
    return wanted


def service(name):
    """Not by configparser: libpq's file has no escapes, and spaces around = are an error there."""
    if name is None:
        return {}
    file = Path(os.environ.get("PGSERVICEFILE") or Path.home() / ".pg_service.conf")
    if not file.is_file():
        raise NoConnection(f'service file "{file}" not found')
    found, inside = None, None
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        line = line.strip()
        if line.startswith("["):
            inside = line[1:].partition("]")[0]
            if inside == name and found is None:
                found = {}
        elif line and not line.startswith("#") and inside == name:
            key, equals, value = line.partition("=")
            if not equals or key not in OPTIONS:
                raise NoConnection(f'syntax error in service file "{file}", line {number}')
            found.setdefault(key, value)
    if found is None:
        raise NoConnection(f'definition of service "{name}" not found')
    return found


def context(wanted):
    authority, cert, key = (wanted.get(name, "") for name in ("sslrootcert", "sslcert", "sslkey"))
    if not authority or not Path(authority).is_file():
        raise NoConnection(f'root certificate file "{authority}" does not exist')
    pair = ()
    if cert and Path(cert).is_file():       # a missing one is not sent, and that is all
        if not key or not Path(key).is_file():
            raise NoConnection(f'certificate present, but not private key file "{key}"')
        if stat.S_IMODE(Path(key).stat().st_mode) & 0o077:
            raise NoConnection(f'private key file "{key}" has group or world access; file must have permissions '
                               'u=rw (0600) or less')
        pair = cert, key
    try:
        return wire.client_context(authority, *pair)
    except (OSError, ssl.SSLError) as unusable:
        raise NoConnection(f"could not load certificates: {unusable}") from unusable


async def connect(wanted):
    """A session on the first host that will do. A host that refuses the login ends the search, as with libpq 14."""
    tls, problems = context(wanted) if wanted["host"] else None, []
    for host in wanted["host"].split(","):
        where = f'connection to server at "{host}", port {wanted["port"]} failed: ' if host else (
            f'connection to server on socket "{places.PGSQL_SOCKETS / SOCKET}" failed: ')
        try:
            session = await Session.open(host, tls, wanted["user"], wanted.get("password", ""),
                                         database=wanted.get("dbname") or wanted["user"], port=int(wanted["port"]),
                                         timeout=float(wanted.get("connect_timeout", 10)))
        except DatabaseError as refused:
            raise NoConnection(where + str(refused)) from refused
        except (OSError, asyncio.TimeoutError) as problem:
            problems.append(where + reason(problem))
            continue
        if wanted.get("target_session_attrs") != "read-write" or not session.read_only:
            return session
        await session.hang_up()
        problems.append(where + "session is read-only")
    raise NoConnection("\n".join(problems))


def reason(problem):
    """The system's words where it is the system's error."""
    number = getattr(problem, "errno", None)
    return os.strerror(number) if number else str(problem) or "timeout expired"


# -- what to do -------------------------------------------------------------------------------------------------------

async def run(wanted, commands, stop, quiet):
    """Each -c in its order, in one session; with ON_ERROR_STOP the first error is the end."""
    session = await connect(wanted)
    code = 0
    for command in commands:
        try:
            answer = await session.ask(timeout=None, do="sql", text=command)
        except DatabaseError as error:
            lost = str(error).startswith(("server closed", "FATAL"))
            code = complain(str(error), 2) if lost else complain(f"ERROR:  {error}", 1)
            note(wanted, command, code, text=str(error))
            if stop or lost:
                break
            continue
        code = 0
        note(wanted, command, code)
        if answer.get("notice"):
            print(f"NOTICE:  {answer['notice']}", file=sys.stderr)
        lines = answer.get("values", [] if quiet else [answer.get("tag")])
        for line in lines:
            print(line, flush=True)
    await session.hang_up()
    return code


def note(wanted, command, code, **more):
    """There is no secret in these statements."""
    journal.note("psql", database=wanted.get("dbname"), sql=fold(command), rc=code, **more)

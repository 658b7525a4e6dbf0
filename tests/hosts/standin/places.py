"""Where things are on a host. CFY_STANDIN_ROOT moves all of it below another directory, for unit tests."""

import os
import shutil
from pathlib import Path

ROOT = Path(os.environ.get("CFY_STANDIN_ROOT", "/"))

ETC = ROOT / "etc/cloudify"
SSL = ETC / "ssl"                                # cloudify.md §6.1
SUPERVISOR_PROGRAMS = ROOT / "etc/supervisord.d"
PSQL = ROOT / "usr/bin/psql"
SOURCES = ROOT / "opt/cloudify/sources"         # what yum installs from: cloudify.md §5.2
SUPERVISOR_SOCKET = ROOT / "run/supervisord.sock"
ETCD = ROOT / "etc/etcd"
ETCD_DATA = ROOT / "var/lib/etcd"
PATRONI = ROOT / "var/lib/patroni"
PGSQL = ROOT / "var/lib/pgsql/14/data"
PGSQL_SOCKETS = ROOT / "run/postgresql"
MNESIA = ROOT / "var/lib/rabbitmq/mnesia"
ERLANG_COOKIE = ROOT / "var/lib/rabbitmq/.erlang.cookie"
JOURNAL = ROOT / "var/lib/cfy-standin/journal"
FAULTS = ROOT / "var/lib/cfy-standin/faults"
LOG = ROOT / "var/log/cloudify/manager/cfy_manager.log"


def write(path, text, mode=0o644):
    """Whole or not at all: a power cut must leave the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new-{os.getpid()}")   # two installs at once are not refused by anybody
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(path)


def copy(source, destination, mode):
    """As the real one copies certificates: sources are kept (cloudify.md §6.1)."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, destination)
    destination.chmod(mode)

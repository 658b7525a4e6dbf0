"""What managers keep in the database, and the SQL that is known here: cloudify.md §3.4. Nothing here does I/O.

A first manager makes a role and three databases, migrates, and at the very end populates with one commit: only then
there are a tenant, an admin and a row in `managers`. Whatever ends in between is half made.
"""

CLOUDIFY, ROLE = "cloudify_db", "cloudify"
DATABASES = (CLOUDIFY, "stage", "composer")
EMPTY = {"roles": [], "databases": [], "migrated": False, "populated": False, "managers": {}}

COUNT_DATABASES = f"SELECT count(*) FROM pg_database WHERE datname='{CLOUDIFY}'"
COUNT_MANAGERS = "SELECT count(*) FROM managers"
TERMINATE = ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN "
             "('cloudify_db','stage','composer')")
DROP_DATABASE = {f"DROP DATABASE IF EXISTS {name}": name for name in DATABASES}
DROP_ROLE = f"DROP ROLE IF EXISTS {ROLE}"


class DatabaseError(Exception):
    """The server's own words."""


def fold(sql):
    return " ".join(sql.split()).removesuffix(";").rstrip()


def migrated(tables, name):
    """A table can be asked only where migrations made it."""
    if not tables["migrated"]:
        raise DatabaseError(f'relation "{name}" does not exist')


def select(tables, sql, database):
    """The single value of a statement that only reads, or None where it is no such statement."""
    if sql == COUNT_DATABASES:
        return tables["databases"].count(CLOUDIFY)
    if sql == COUNT_MANAGERS:
        if database != CLOUDIFY:
            raise DatabaseError('relation "managers" does not exist')
        migrated(tables, "managers")
        return len(tables["managers"])
    return None


def drop(tables, sql, used):
    """(tables, tag, notice) of a DROP, or None where it is none. used: databases with a session in them."""
    if sql == DROP_ROLE:
        if ROLE not in tables["roles"]:
            return tables, "DROP ROLE", f'role "{ROLE}" does not exist, skipping'
        if tables["databases"]:     # it owns them
            raise DatabaseError(f'role "{ROLE}" cannot be dropped because some objects depend on it')
        return {**tables, "roles": without(tables["roles"], ROLE)}, "DROP ROLE", None
    if sql not in DROP_DATABASE:
        return None
    name = DROP_DATABASE[sql]
    if name not in tables["databases"]:
        return tables, "DROP DATABASE", f'database "{name}" does not exist, skipping'
    if name in used:
        raise DatabaseError(f'database "{name}" is being accessed by other users')
    left = {**tables, "databases": without(tables["databases"], name)}
    if name == CLOUDIFY:
        left |= {"migrated": False, "populated": False, "managers": {}}
    return left, "DROP DATABASE", None


def without(names, name):
    return [other for other in names if other != name]


def apply(tables, statement):
    """The tables after a statement of the installer's. Raises DatabaseError."""
    do, name = statement["do"], statement.get("name")
    if do in ("create-role", "create-database"):
        kind = do.removeprefix("create-")
        if name in tables[kind + "s"]:
            raise DatabaseError(f'{kind} "{name}" already exists')
        return {**tables, kind + "s": [*tables[kind + "s"], name]}
    if do == "migrate":              # drop_all, then all migrations
        return {**tables, "migrated": True, "populated": False, "managers": {}}
    migrated(tables, "managers")
    if do == "populate":             # tenant, admin and the row, in one commit
        return {**tables, "populated": True, "managers": {name: {"ip": statement["ip"], "finished": False}}}
    if do == "insert-manager":
        return {**tables, "managers": {**tables["managers"], name: {"ip": statement["ip"], "finished": False}}}
    if do == "finish-manager":
        if name not in tables["managers"]:
            raise DatabaseError(f"no row for {name} in managers")
        row = {**tables["managers"][name], "finished": True}
        return {**tables, "managers": {**tables["managers"], name: row}}
    raise DatabaseError("syntax error")

"""Which Cloudify this is, and what that changes: cloudify.md §1.4. The RPM says it; without one it is the newest."""

from . import places

NEWEST = "7.0.4"


def version():
    file = places.ROOT / "opt/cloudify/cfy_manager/VERSION"
    text = file.read_text(encoding="ascii").strip() if file.is_file() else NEWEST
    return tuple(int(part) for part in text.split("."))


def has_ok():
    """Unauthenticated /api/v3.1/ok."""
    return version() >= (6, 0)


def checks_names():
    """The validator compares internal and external certificates with the addresses (§2.2), and refuses an external
    certificate where public_ip is an address (§6.4)."""
    return version() >= (7, 0)


def wants_superuser_client():
    """Client verification asks for a second pair, and the common name must be the database user (§6.2)."""
    return version() >= (7, 0)


def broker_is_open(config):
    """5.x serves the management API on 127.0.0.1 unless management_only_local is false."""
    return version() >= (6, 0) or config["rabbitmq"]["management_only_local"] is False


def openssl():
    """The package that nginx wants, by the major release of the system (§2.2)."""
    return {"7": "openssl-1.0.2k", "8": "openssl-1.1.1k"}

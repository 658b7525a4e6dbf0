"""Done markers: cloudify.md §3.7."""

from . import places

INSTALLED = places.ETC / ".installed"
CONFIGURED = places.ETC / ".configured"


def early(name):
    """packages.yaml and components.yaml appear early and prove nothing."""
    places.write(INSTALLED / name, "# written before anything was installed\n")


def finish(services):
    """Touched only at the very end."""
    for service in services:
        places.write(INSTALLED / service, "")
        places.write(CONFIGURED / service, "")


def configured(service):
    return (CONFIGURED / service).exists()


def finished(services):
    """Was an install of all these services ended well before? (§3.7)"""
    return all((INSTALLED / service).exists() and configured(service) for service in services)


def clear(services):
    for service in services:
        (INSTALLED / service).unlink(missing_ok=True)
        (CONFIGURED / service).unlink(missing_ok=True)

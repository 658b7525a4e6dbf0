"""For the unit tests: a root directory of their own, set before any other module of the package is loaded."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

if "standin.places" in sys.modules:
    raise RuntimeError("import standin.sandbox first")
ROOT = Path(os.environ.setdefault("CFY_STANDIN_ROOT", tempfile.mkdtemp(prefix="cfy-standin-")))
atexit.register(shutil.rmtree, ROOT, ignore_errors=True)
ETC = ROOT / "etc/cloudify"
ETC.mkdir(parents=True, exist_ok=True)


def make_cert(name, key="rsa:2048", issuer=None, names="", common_name=None):
    """ROOT/NAME.crt and .key by openssl, self-signed or by an issuer's name; the paths as text."""
    cert, private = ROOT / f"{name}.crt", ROOT / f"{name}.key"
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", *key.split(" "), "-days", "2",
               "-subj", f"/CN={common_name or name}", "-out", cert, "-keyout", private]
    if issuer:
        command += ["-CA", ROOT / f"{issuer}.crt", "-CAkey", ROOT / f"{issuer}.key"]
    if names:
        command += ["-addext", f"subjectAltName={names}"]
    subprocess.run(command, check=True, capture_output=True)
    return str(cert), str(private)

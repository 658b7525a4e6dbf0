"""Packs a key and its certificate as docs/guest-records.md says: pack.py KEY.der CERT.der NAME; the record on stdout, the
bytes into a file named NAME. The key is what openssl made: e is 65537, and d an inverse of it."""

import math
import pathlib
import sys


def integers(der):
    """The numbers of a SEQUENCE of INTEGERs."""
    def element(data):
        size, start = data[1], 2
        if size > 127:
            start += size - 128
            size = int.from_bytes(data[2:start], "big")
        return data[start:start + size], data[start + size:]
    rest, _ = element(der)
    while rest:
        value, rest = element(rest)
        yield int.from_bytes(value, "big")


key, certificate = (pathlib.Path(path).read_bytes() for path in sys.argv[1:3])
_, n, e, d, p, q, d_p, d_q, _ = integers(key)
half = n.bit_length() // 16
g = (p - 1) * (q - 1) // math.gcd((p - 1) * (q - 1), e * d - 1)
k, k_p, k_q = (e * d - 1) * g // ((p - 1) * (q - 1)), (e * d_p - 1) // (p - 1), (e * d_q - 1) // (q - 1)
head, tail = certificate.split(n.to_bytes(2 * half, "big"))
pieces = [b"".join(number.to_bytes(half, "big") for number in (p, q)), head, tail]
pathlib.Path(sys.argv[3]).write_bytes(b"".join(pieces))
print("pair", "host", half, f"{k:08x}", g, f"{k_p:08x}", f"{k_q:08x}", len(head), len(tail), sep="\t")

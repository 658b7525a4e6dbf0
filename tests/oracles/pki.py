"""Certificates and keys out of the file in which they travel, by what docs/guest-records.md says of it."""

import base64
import textwrap

E = 65537


def unpack(plan, packed):
    """PEM texts by name, of what the records `der` and `pair` of a plan say about these bytes."""
    files = {}

    def take(size):
        nonlocal packed
        piece, packed = packed[:size], packed[size:]
        assert len(piece) == size, "too few bytes"
        return piece

    for kind, name, *fields in (line.split("\t") for line in plan.splitlines() if "\t" in line):
        if kind == "der":
            files[name] = pem("CERTIFICATE", take(int(fields[0])))
        elif kind == "pair":
            half, g, head, tail = (int(fields[place]) for place in (0, 2, 5, 6))
            k, k_p, k_q = (int(fields[place], 16) for place in (1, 3, 4))
            p, q = (int.from_bytes(take(half), "big") for _ in "pq")
            d, left = divmod(g + k * (p - 1) * (q - 1), g * E)
            assert left == 0, "no RSA key"
            files[name + ".key"] = pem("RSA PRIVATE KEY", sequence(
                [0, p * q, E, d, p, q, (1 + k_p * (p - 1)) // E, (1 + k_q * (q - 1)) // E, pow(q, -1, p)]))
            files[name + ".crt"] = pem("CERTIFICATE", take(head) + (p * q).to_bytes(2 * half, "big") + take(tail))
    assert not packed, "bytes that no record names"
    return files


def sequence(numbers):
    return element(0x30, b"".join(element(2, n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in numbers))


def element(tag, content):
    size = len(content)
    count = (size.bit_length() + 7) // 8
    length = bytes([size]) if size < 128 else bytes([128 + count]) + size.to_bytes(count, "big")
    return bytes([tag]) + length + content


def pem(label, der):
    lines = textwrap.wrap(base64.b64encode(der).decode("ascii"), 64)
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])

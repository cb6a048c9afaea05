"""Secrets that tests look for, in every shape that they may be written in."""

import base64
from collections.abc import Iterator, Mapping
from urllib.parse import quote


def shapes_of(secret: str) -> Iterator[bytes]:
    """The secret as it is, in hexadecimal, percent-encoded, and in Base64 wherever in a longer text it stands."""
    plain = secret.encode()
    yield plain
    yield plain.hex().encode()
    yield quote(secret, safe="").encode()
    for before in range(3):
        # What the characters at both ends are depends on what stands beside it.
        whole = base64.b64encode(b"\0" * before + plain)
        inside = whole[(before * 4 + 2) // 3 : len(whole) - 4]
        yield inside
        yield inside.translate(bytes.maketrans(b"+/", b"-_"))


def found_in(where: Mapping[str, bytes], secrets: Mapping[str, str]) -> set[tuple[str, str]]:
    """Which secret is where, by their names."""
    shapes = {name: set(shapes_of(secret)) for name, secret in secrets.items()}
    return {
        (name, place)
        for place, content in where.items()
        for name, written in shapes.items()
        if any(shape in content for shape in written)
    }

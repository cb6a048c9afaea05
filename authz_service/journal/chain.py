"""How an entry holds on to all before it: its hash is made of its content and the hash before."""

import hashlib


def genesis(chain: str) -> bytes:
    """What stands before the first entry of a chain."""
    return hashlib.sha256(f"authz-service journal {chain}".encode()).digest()


def link(previous: bytes, body: bytes) -> bytes:
    """The hash of an entry after the one with the hash `previous`."""
    return hashlib.sha256(previous + body).digest()

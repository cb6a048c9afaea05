"""Ports of this machine that nobody listens on."""

import random
import socket
from contextlib import suppress

# Below those that Linux gives to whoever asks for any: one of these might be given away before it is listened on.
_PORTS = range(10_000, 32_768)
_RANDOM = random.SystemRandom()


def free_port() -> int:
    """One at random, so that tests that run beside each other do not get the same."""
    while True:
        port = _RANDOM.choice(_PORTS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port

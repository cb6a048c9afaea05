"""What a Go program says that it is made of, read without Go, as `go version -m` would."""

from pathlib import Path
from typing import NamedTuple

from tools.work import SetupFailed

_MAGIC = b"\xff Go buildinf:"
_FLAGS, _STRINGS, _INLINE = 15, 32, 2
_ALIGNED = 16
# It stands before and after the modules.
_SENTINEL = 16


class Module(NamedTuple):
    """A Go module in a program, with its digest as go.sum has it; empty where it has none."""

    path: str
    version: str
    sum: str


def modules_of(program: Path) -> tuple[str, list[Module]]:
    """The version of Go that built a program, such as `go1.26.8`, and the modules in it by their path.

    Raises:
        SetupFailed: It is no program built by Go 1.18 or later.
    """
    content = program.read_bytes()
    at = content.find(_MAGIC)
    while at >= 0 and (at % _ALIGNED or not content[at + _FLAGS] & _INLINE):
        at = content.find(_MAGIC, at + 1)
    if at < 0:
        raise SetupFailed(f"{program} does not say what it is made of; run: make setup")
    go, at = _string(content, at + _STRINGS)
    told, _ = _string(content, at)
    modules: list[Module] = []
    for line in told[_SENTINEL:-_SENTINEL].decode().splitlines():
        kind, *rest = line.split("\t")
        if kind == "dep":
            modules.append(_module(rest))
        elif kind == "=>":
            # What took the place of the module before it.
            modules[-1] = _module(rest)
    return go.decode(), sorted(modules)


def _module(words: list[str]) -> Module:
    path, version, *digest = words
    return Module(path, version, digest[0] if digest else "")


def _string(content: bytes, at: int) -> tuple[bytes, int]:
    """A string whose length stands before it, seven bits a byte, and where it ends."""
    length = shift = 0
    while True:
        byte = content[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follow
            return content[at : at + length], at + length

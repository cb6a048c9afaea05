"""The callers that are configured, known by the SHA-256 of their tokens."""

import hashlib
import re
import secrets
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from authz_service.errors import ConfigurationError
from authz_service.words import Scope

_SETTING = "AUTHZ_CALLERS"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEMBERS = {"name", "token_sha256", "scopes"}
_TOKEN_BYTES = 32


class Caller(NamedTuple):
    name: str
    token_sha256: str
    scopes: frozenset[Scope]


class Callers:
    """Tells whose token it is."""

    def __init__(self, callers: Iterable[Caller]) -> None:
        # A digest is looked up, never a token compared, so the time it takes says nothing about a token.
        self._by_digest = {caller.token_sha256: caller for caller in callers}

    def __iter__(self) -> Iterator[Caller]:
        return iter(self._by_digest.values())

    def __len__(self) -> int:
        return len(self._by_digest)

    def caller_of(self, token: str) -> Caller | None:
        """The caller with that token, or None."""
        return self._by_digest.get(token_sha256(token))


def token_sha256(token: str) -> str:
    """What is kept of a token: its SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def new_token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


def read_callers(path: Path) -> list[Caller]:
    """The callers of a YAML file: a list `callers` of `{name, token_sha256, scopes}`.

    Raises:
        ConfigurationError: With every fault, a line each; none has a digest in it.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - it is a safe loader
    except OSError as error:
        raise ConfigurationError(f"{_SETTING}: {path}: cannot be read: {error.strerror}.") from error
    except _RepeatedKey as error:
        raise ConfigurationError(f"{_SETTING}: {path}: {error}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # Among them a date such as 2026-13-45, which PyYAML takes for one before it looks.
        raise ConfigurationError(f"{_SETTING}: {path}: is not YAML.") from error
    listed = content["callers"] if isinstance(content, dict) and set(content) == {"callers"} else None
    if not isinstance(listed, list) or not listed:
        raise ConfigurationError(
            f"{_SETTING}: {path}: must have a list `callers` with a caller at least, and nothing else."
        )
    faults = [f"{path}: callers[{n}]{fault}" for n, value in enumerate(listed) for fault in _faults(value)]
    if not faults:
        callers = [Caller(v["name"], v["token_sha256"], frozenset(map(Scope, v["scopes"]))) for v in listed]
        if len({caller.token_sha256 for caller in callers}) == len(callers):
            return callers
        faults = [f"{path}: callers: the same token stands twice"]
    raise ConfigurationError("\n".join(f"{_SETTING}: {fault}." for fault in faults))


class _RepeatedKey(Exception):
    """Names the line of the object."""


class _Loader(yaml.SafeLoader):
    """YAML in which a repeated key does not win silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - as inherited
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) != len(keys):
            raise _RepeatedKey(f"line {node.start_mark.line + 1}: has a key twice")
        return super().construct_mapping(node, deep)


def _faults(value: object) -> Iterable[str]:
    if not isinstance(value, dict) or set(value) != _MEMBERS:
        yield f": must have the members {', '.join(sorted(_MEMBERS))}, and no others"
        return
    if not isinstance(value["name"], str) or not value["name"]:
        yield ".name: must be a string that is not empty"
    digest = value["token_sha256"]
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        yield ".token_sha256: must be 64 lower-case hexadecimal digits, in quotes: printf %s TOKEN | sha256sum"
    scopes = value["scopes"]
    if not isinstance(scopes, list) or not scopes or not all(scope in list(Scope) for scope in scopes):
        yield f".scopes: must be a list of some of {', '.join(Scope)}"

"""The callers' file: who may call, in YAML."""

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from math import ceil
from pathlib import Path
from typing import Any

import yaml

from authz_service.callers.callers import NEVER, Caller, Limits
from authz_service.errors import ConfigurationError
from authz_service.words import Scope

_SETTING = "AUTHZ_CALLERS"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NEEDED = ("name", "scopes")
_SHOWN = ("token_sha256", "tokens", "certificate_sha256")
_MEMBERS = (*_NEEDED, *_SHOWN, "actions", "limits")
_OF_A_TOKEN = ("sha256", "expires")
_OF_LIMITS = ("per_second", "burst", "concurrent")
_A_DIGEST = "must be 64 lower-case hexadecimal digits, in quotes"
_DIGEST_OF_A_TOKEN = f"{_A_DIGEST}: printf %s TOKEN | sha256sum"
_DIGEST_OF_A_CERTIFICATE = f"{_A_DIGEST}: openssl x509 -in FILE -outform DER | sha256sum"
_A_MOMENT = "must be a date, or a date and time with its zone such as 2027-01-31T18:00:00Z"


def read_callers(path: Path) -> list[Caller]:
    """The callers of a YAML file, one for each token, certificate or, where there is neither, name.

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
        callers = [caller for value in listed for caller in _callers(value)]
        faults = [f"{path}: callers: {fault}" for fault in _clashes(listed, callers)]
        if not faults:
            return callers
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


def _callers(value: Mapping[str, Any]) -> Iterator[Caller]:
    limits = _limits(value["limits"]) if "limits" in value else None
    actions = frozenset(value["actions"]) if "actions" in value else None
    caller = Caller(value["name"], "", frozenset(map(Scope, value["scopes"])), actions, limits)
    tokens = [{"sha256": value["token_sha256"]}] if "token_sha256" in value else []
    for token in [*tokens, *value.get("tokens", [])]:
        expires = _moment(token["expires"]) if "expires" in token else None
        until = expires.timestamp() if expires else NEVER
        yield caller._replace(token_sha256=token["sha256"], expires=until)
    if "certificate_sha256" in value:
        yield caller._replace(certificate_sha256=value["certificate_sha256"])
    if not any(shown in value for shown in _SHOWN):
        yield caller


def _limits(value: Mapping[str, Any]) -> Limits:
    per_second = value.get("per_second")
    return Limits(per_second, value.get("burst", ceil(per_second or 1)), value.get("concurrent"))


def _clashes(listed: list[dict[str, Any]], callers: list[Caller]) -> Iterator[str]:
    shown = [caller.token_sha256 or caller.certificate_sha256 for caller in callers]
    shown = [digest for digest in shown if digest]
    if len(set(shown)) != len(shown):
        yield "the same token or certificate stands twice"
    plain = {*_NEEDED, "token_sha256"}
    names = Counter(value["name"] for value in listed)
    if any(names[value["name"]] > 1 and not set(value) <= plain for value in listed):
        yield "a name stands twice: list the tokens of a caller under its one name"


def _faults(value: object) -> Iterator[str]:
    if not isinstance(value, dict) or not set(_NEEDED) <= set(value) <= set(_MEMBERS):
        yield f": must have the members name and scopes, and of {', '.join(_MEMBERS[2:])} those that are wanted"
        return
    if not isinstance(value["name"], str) or not value["name"]:
        yield ".name: must be a string that is not empty"
    if "token_sha256" in value and not _is_digest(value["token_sha256"]):
        yield f".token_sha256: {_DIGEST_OF_A_TOKEN}"
    if "tokens" in value:
        yield from _faults_of_tokens(value["tokens"])
    if "certificate_sha256" in value and not _is_digest(value["certificate_sha256"]):
        yield f".certificate_sha256: {_DIGEST_OF_A_CERTIFICATE}"
    scopes = value["scopes"]
    if not isinstance(scopes, list) or not scopes or not all(scope in list(Scope) for scope in scopes):
        yield f".scopes: must be a list of some of {', '.join(Scope)}"
    if "actions" in value:
        actions = value["actions"]
        if not isinstance(actions, list) or not actions or not all(isinstance(name, str) and name for name in actions):
            yield ".actions: must be a list of the names of actions; leave it out for all"
    if "limits" in value:
        yield from _faults_of_limits(value["limits"])


def _faults_of_tokens(value: object) -> Iterator[str]:
    if not isinstance(value, list) or not value:
        yield ".tokens: must be a list of {sha256, expires}"
        return
    for n, token in enumerate(value):
        if not isinstance(token, dict) or "sha256" not in token or not set(token) <= set(_OF_A_TOKEN):
            yield f".tokens[{n}]: must have the member sha256, and may have expires"
            continue
        if not _is_digest(token["sha256"]):
            yield f".tokens[{n}].sha256: {_DIGEST_OF_A_TOKEN}"
        if "expires" in token and _moment(token["expires"]) is None:
            yield f".tokens[{n}].expires: {_A_MOMENT}"


def _faults_of_limits(value: object) -> Iterator[str]:
    if not isinstance(value, dict) or not value or not set(value) <= set(_OF_LIMITS):
        yield f".limits: must have some of the members {', '.join(_OF_LIMITS)}"
        return
    per_second = value.get("per_second", 1)
    if type(per_second) not in {int, float} or not 0 < per_second < float("inf"):
        yield ".limits.per_second: must be a number above 0"
    for member in ("burst", "concurrent"):
        if type(value.get(member, 1)) is not int or value.get(member, 1) < 1:
            yield f".limits.{member}: must be a whole number, 1 or more"
    if "burst" in value and "per_second" not in value:
        yield ".limits.burst: is of use with per_second alone"


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and bool(_SHA256.fullmatch(value))


def _moment(value: object) -> datetime | None:
    """The moment that is meant, a date being its first one in UTC; None where it cannot be told."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo else None
    return datetime.combine(value, time(), UTC) if isinstance(value, date) else None

"""Files and folders that everybody on the machine can read, or others than root and the service's user can change."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import reduce
from operator import or_
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from authz_service.precautions.finding import Finding
from authz_service.settings import BUNDLE_VERIFICATION_KEY, Settings
from authz_service.words import Risk

_READ_BY_ALL = stat.S_IROTH
_WRITTEN_BY_GROUP = stat.S_IWGRP
_WRITTEN_BY_ALL = stat.S_IWOTH
_WRITTEN = _WRITTEN_BY_GROUP | _WRITTEN_BY_ALL
_CHANGES = {"g-w": _WRITTEN_BY_GROUP, "o-w": _WRITTEN_BY_ALL, "o-r": _READ_BY_ALL}
_ROOT = 0
_CALLERS = "AUTHZ_CALLERS"
_OPA_URL = "AUTHZ_OPA_URL"
_UNIX = "unix://"


def loose_files(settings: Settings, secret_files: Mapping[str, Path]) -> Iterator[Finding]:
    """Those files of the service whose modes, owners or folders are too loose for what is in them.

    Args:
        settings: The settings.
        secret_files: The files that secrets are in, by the setting that names each.
    """
    guarded = list(_private(settings, secret_files))
    for name, path in guarded:
        yield from _loose(name, path, _READ_BY_ALL | _WRITTEN)
    if settings.callers:
        guarded.append((_CALLERS, settings.callers))
        yield from _loose(_CALLERS, settings.callers, _WRITTEN)
        # What is in it of a token is no use to anybody, if the token cannot be guessed.
        yield from _loose(_CALLERS, settings.callers, _READ_BY_ALL, is_fault=False)
    if settings.bundle_verification_key:
        # Who can change it, can sign policies.
        guarded.append((BUNDLE_VERIFICATION_KEY, settings.bundle_verification_key))
        yield from _loose(BUNDLE_VERIFICATION_KEY, settings.bundle_verification_key, _WRITTEN)
    if settings.opa_url is None:
        guarded.append(("AUTHZ_POLICIES", settings.policies))
        yield from _loose_policies(*guarded[-1])
    elif settings.opa_url.startswith(_UNIX):
        socket = Path(settings.opa_url.removeprefix(_UNIX))
        guarded.append((_OPA_URL, socket))
        # To connect is to write, and a sidecar of another user shares the socket by its group.
        yield from _loose(_OPA_URL, socket, _WRITTEN_BY_ALL)
    if settings.shadow_policies:
        guarded.append(("AUTHZ_SHADOW_POLICIES", settings.shadow_policies))
        yield from _loose_policies(*guarded[-1])
    yield from _loose_ways(guarded)


def loose_callers(path: Path) -> Iterator[Finding]:
    """The faults of the callers' file alone."""
    yield from _loose(_CALLERS, path, _WRITTEN)
    yield from _loose_ways([(_CALLERS, path)])


def _private(settings: Settings, secret_files: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """What only the service is to read, with the setting that it goes by."""
    yield from secret_files.items()
    if settings.metadata_key:
        yield "AUTHZ_METADATA_KEY", settings.metadata_key
    if settings.journal_signing_key:
        yield "AUTHZ_JOURNAL_SIGNING_KEY", settings.journal_signing_key
    database = _database_file(settings.database_url)
    if database:
        for end in ("", "-wal", "-shm", ".key"):
            yield "AUTHZ_DATABASE_URL", database.with_name(database.name + end)
    journal = settings.journal_folder or (database.with_name(f"{database.name}.journal") if database else None)
    if journal:
        yield "AUTHZ_JOURNAL_FOLDER", journal
        for path in sorted([*journal.glob("*.key"), *journal.glob("*.pem")]):
            yield "AUTHZ_JOURNAL_FOLDER", path


def _loose_policies(name: str, policies: Path) -> Iterator[Finding]:
    inside = sorted(policies.rglob("*")) if policies.is_dir() else []
    loose = [path for path in (policies, *inside) if _mode(path) & _WRITTEN]
    if loose:
        found = reduce(or_, map(_mode, loose)) & _WRITTEN
        what = f"{name}: {_first_of(loose)} may be {_by_whom(found)}"
        yield Finding(Risk.FILES, is_fault=True, what=f"{what}; mend it with: chmod -R {_changes(found)} {policies}")
    foreign = [path for path in inside if not _is_ours(path)]
    if foreign:
        what = f"{name}: {_first_of(foreign)} belongs to user {_owner(foreign[0])}, who may change it"
        yield Finding(Risk.FILES, is_fault=True, what=f"{what}; mend it with: chown -R {os.geteuid()} {policies}")


def _first_of(paths: list[Path]) -> str:
    return f"{paths[0]}, and {len(paths) - 1} more in it," if len(paths) > 1 else str(paths[0])


def _loose(name: str, path: Path, wrong: int, *, is_fault: bool = True) -> Iterator[Finding]:
    found = _mode(path) & wrong
    if found:
        what = f"{name}: {path} may be {_by_whom(found)}; mend it with: chmod {_changes(found)} {path}"
        yield Finding(Risk.FILES, is_fault, what)


def _by_whom(found: int) -> str:
    if found & _WRITTEN_BY_ALL:
        return "changed by everybody on this machine"
    return "changed by its group" if found & _WRITTEN_BY_GROUP else "read by everybody on this machine"


def _changes(found: int) -> str:
    return ",".join(change for change, bit in _CHANGES.items() if found & bit)


def _loose_ways(guarded: Iterable[tuple[str, Path]]) -> Iterator[Finding]:
    """What belongs to others of files and the folders above them, and folders in which all can put another in place."""
    told: set[Path] = set()
    for name, path in guarded:
        itself = Path(os.path.realpath(path))
        # Whose the socket is may answer there, unless anybody could have made it.
        answering = _owner(itself) if name == _OPA_URL else None
        for place in sorted(_way(path.absolute()) - told):
            told.add(place)
            owner = _owner(place)
            is_answering = owner == answering and not _mode(place.parent) & _WRITTEN_BY_ALL
            if not _is_ours(place) and not is_answering:
                what = f"{name}: {place} belongs to user {owner}, who may change it or put another in its place"
                mend = f"mend it with: chown {os.geteuid()} {place}, or have {name} elsewhere"
                yield Finding(Risk.FILES, is_fault=True, what=f"{what}; {mend}")
            # In a folder like /tmp nobody takes the place of somebody else's file; a pod shares a socket by a folder
            # in which every container may write, and nobody else is there.
            if place != itself and _is_folder(place) and not _mode(place) & stat.S_ISVTX:
                yield from _loose(name, place, _WRITTEN_BY_ALL, is_fault=name != _OPA_URL)


def _way(path: Path, found: set[Path] | None = None) -> set[Path]:
    """A file, the folders above it up to the root, each symlink on the way, and the same for what that leads to."""
    found = set() if found is None else found
    for entry in (path, *path.parents):
        place = Path(os.path.realpath(entry.parent)) / entry.name
        if place not in found and entry.name != "..":
            found.add(place)
            with suppress(OSError):  # most are no symlink
                _way(place.parent / place.readlink(), found)
    return found


def _is_ours(path: Path) -> bool:
    """Whether it is root's or that of whoever runs this; also where it is not there."""
    return _owner(path) in {None, _ROOT, os.geteuid()}


def _is_folder(path: Path) -> bool:
    """Whether it is one itself, and no symlink to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _owner(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except OSError:
        return None


def _mode(path: Path) -> int:
    """The mode of a file; 0 where it is not there, which is for whoever needs it to tell."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _database_file(url: str) -> Path | None:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return None
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}
    return Path(str(parsed.database)) if is_file else None

"""Files and folders that everybody on the machine can read, or others than their owner can change."""

import stat
from collections.abc import Iterator, Mapping
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
_UNIX = "unix://"


def loose_files(settings: Settings, secret_files: Mapping[str, Path]) -> Iterator[Finding]:
    """Those files of the service whose modes are too loose for what is in them.

    Args:
        settings: The settings.
        secret_files: The files that secrets are in, by the setting that names each.
    """
    private = list(_private(settings, secret_files))
    for name, path in private:
        yield from _loose(name, path, _READ_BY_ALL | _WRITTEN)
    if settings.callers:
        private.append(("AUTHZ_CALLERS", settings.callers))
        yield from _loose("AUTHZ_CALLERS", settings.callers, _WRITTEN)
        # What is in it of a token is no use to anybody, if the token cannot be guessed.
        yield from _loose("AUTHZ_CALLERS", settings.callers, _READ_BY_ALL, is_fault=False)
    if settings.bundle_verification_key:
        # Who can change it, can sign policies.
        private.append((BUNDLE_VERIFICATION_KEY, settings.bundle_verification_key))
        yield from _loose(BUNDLE_VERIFICATION_KEY, settings.bundle_verification_key, _WRITTEN)
    folders: dict[Path, str] = {}
    for name, path in private:
        folders.setdefault(path.parent, name)
    for folder, name in folders.items():
        # In a folder like /tmp nobody takes the place of somebody else's file.
        if not _mode(folder) & stat.S_ISVTX:
            yield from _loose(name, folder, _WRITTEN_BY_ALL)
    if settings.opa_url is None:
        yield from _loose_policies(settings.policies)
    elif settings.opa_url.startswith(_UNIX):
        # To connect is to write, and a sidecar of another user shares the socket by its group.
        yield from _loose("AUTHZ_OPA_URL", Path(settings.opa_url.removeprefix(_UNIX)), _WRITTEN_BY_ALL)


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


def _loose_policies(policies: Path) -> Iterator[Finding]:
    inside = sorted(policies.rglob("*")) if policies.is_dir() else []
    loose = [path for path in (policies, *inside) if _mode(path) & _WRITTEN_BY_ALL]
    if loose:
        more = f", and {len(loose) - 1} more in it," if len(loose) > 1 else ""
        what = f"AUTHZ_POLICIES: {loose[0]}{more} may be changed by everybody on this machine"
        yield Finding(Risk.FILES, is_fault=True, what=f"{what}; mend it with: chmod -R o-w {policies}")


def _loose(name: str, path: Path, wrong: int, *, is_fault: bool = True) -> Iterator[Finding]:
    found = _mode(path) & wrong
    if found & _WRITTEN_BY_ALL:
        who = "changed by everybody on this machine"
    elif found & _WRITTEN_BY_GROUP:
        who = "changed by its group"
    elif found:
        who = "read by everybody on this machine"
    else:
        return
    changes = {"g-w": _WRITTEN_BY_GROUP, "o-w": _WRITTEN_BY_ALL, "o-r": _READ_BY_ALL}
    mend = ",".join(change for change, bit in changes.items() if found & bit)
    yield Finding(Risk.FILES, is_fault, f"{name}: {path} may be {who}; mend it with: chmod {mend} {path}")


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

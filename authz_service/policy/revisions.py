"""The revisions of the policy that were in force, kept with their bundles: a few kilobytes each, and not too many."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import structlog
from sqlalchemy import Engine, delete, insert, select, update

from authz_service.errors import Conflict, DatabaseUnavailable, InvalidPolicy
from authz_service.opa.folder import read_revision
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import policy_revisions

log = structlog.get_logger()

MOST_KEPT = 50


class KeptRevision(NamedTuple):
    """A revision that was in force.

    Attributes:
        revision: The revision.
        since: When it came into force, the last time it did.
    """

    revision: str
    since: datetime


class RevisionKeeper:
    """Keeps each revision that comes into force, beside whatever else is being done.

    Args:
        database: Where it is kept, by all replicas.
        bundle: The bundle in force, where this machine has it; nothing is kept without.
    """

    def __init__(self, database: Engine, bundle: Path | None) -> None:
        self._database = database
        self._bundle = bundle
        self._keeping: threading.Thread | None = None

    def came_into_force(self, revision: str) -> None:
        if self._bundle:
            arguments = (self._database, self._bundle, revision)
            self._keeping = threading.Thread(target=_keep_file, args=arguments, name="revision-keeper", daemon=True)
            self._keeping.start()

    def close(self) -> None:
        """Returns once what it has begun is done."""
        if self._keeping:
            self._keeping.join()


def keep_revision(database: Engine, revision: str, bundle: bytes, now: datetime) -> None:
    """Keeps a revision that has come into force; once, whichever process says so first.

    Raises:
        DatabaseUnavailable: It cannot be kept.
    """
    table = policy_revisions
    newest_first = select(table.c.revision).order_by(table.c.since.desc(), table.c.revision)
    with writing(database) as connection:
        if connection.scalar(newest_first.limit(1)) == revision:
            return
        known = update(table).where(table.c.revision == revision).values(since=now)
        if not connection.execute(known).rowcount:
            connection.execute(insert(table).values(revision=revision, since=now, bundle=bundle))
        kept = connection.scalars(newest_first).all()
        connection.execute(delete(table).where(table.c.revision.in_(kept[MOST_KEPT:])))


def kept_revisions(database: Engine) -> Sequence[KeptRevision]:
    """Those that are kept, the newest first.

    Raises:
        DatabaseUnavailable: They cannot be read.
    """
    table = policy_revisions
    with reading(database) as connection:
        rows = connection.execute(select(table.c.revision, table.c.since).order_by(table.c.since.desc()))
        return [KeptRevision(*row) for row in rows]


def kept_bundle(database: Engine, revision: str) -> bytes | None:
    """The bundle of a revision that is kept.

    Raises:
        DatabaseUnavailable: It cannot be read.
    """
    table = policy_revisions
    with reading(database) as connection:
        return connection.scalar(select(table.c.bundle).where(table.c.revision == revision))


def _keep_file(database: Engine, bundle: Path, revision: str) -> None:
    try:
        # A later edit may have taken its place, which then comes into force by itself.
        if read_revision(bundle) == revision:
            # Another process may be keeping the same.
            with suppress(Conflict):
                keep_revision(database, revision, bundle.read_bytes(), datetime.now(UTC))
    except (InvalidPolicy, OSError, DatabaseUnavailable) as error:
        log.warning("policy.revision_not_kept", revision=revision, reason=str(error))

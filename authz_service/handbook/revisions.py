"""The revisions of the policy that a running service knows: in force, in force earlier, and the shadow policy's."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from authz_service.errors import InvalidPolicy
from authz_service.handbook.book import Sources
from authz_service.opa.folder import read_revision
from authz_service.opa.supervisor import bundle_in_force
from authz_service.policy.revisions import kept_bundle, kept_revisions


class Standing(StrEnum):
    """What a revision is to the service."""

    IN_FORCE = "in force"
    SHADOW = "shadow policy"
    EARLIER = "earlier"


class KnownRevision(NamedTuple):
    """A revision that can be compared.

    Attributes:
        revision: The revision.
        standing: What it is to the service.
        since: When it came into force, the last time it did; None where that is not known, or it never did.
    """

    revision: str
    standing: Standing
    since: datetime | None


class Revisions:
    """Knows revisions, and where each is.

    Attributes:
        database: The customer data, and the revisions that were in force.

    Args:
        database: The same.
        sources: Where the policy in force is read from.
        shadow_status: The file in which the supervisor of the shadow policy tells how that stands; None without one.
    """

    def __init__(self, database: Engine, sources: Sources, shadow_status: Path | None) -> None:
        self.database = database
        self._sources = sources
        self._shadow = bundle_in_force(shadow_status) if shadow_status else None

    def known(self, in_force: str) -> Sequence[KnownRevision]:
        """All of them: the one in force, the shadow policy's, then the earlier ones, the newest first.

        Args:
            in_force: The revision that is in force.

        Raises:
            DatabaseUnavailable: The earlier ones cannot be read.
        """
        kept = {one.revision: one.since for one in kept_revisions(self.database)}
        found = [KnownRevision(in_force, Standing.IN_FORCE, kept.pop(in_force, None))]
        shadow = self._shadow_revision()
        if shadow and shadow != in_force:
            found.append(KnownRevision(shadow, Standing.SHADOW, kept.pop(shadow, None)))
        return [*found, *(KnownRevision(revision, Standing.EARLIER, since) for revision, since in kept.items())]

    def source(self, known: KnownRevision) -> Path | bytes:
        """A policies folder or a bundle, or what is in that.

        Raises:
            DatabaseUnavailable: It cannot be read.
        """
        kept = kept_bundle(self.database, known.revision)
        if kept is not None:
            return kept
        if known.standing is Standing.SHADOW and self._shadow:
            return self._shadow
        return self._sources.bundle or self._sources.policies

    def _shadow_revision(self) -> str | None:
        if self._shadow is None or not self._shadow.exists():
            return None
        try:
            return read_revision(self._shadow)
        except InvalidPolicy:
            return None

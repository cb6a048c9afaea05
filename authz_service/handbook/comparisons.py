"""Compares revisions beside the service, and keeps the last comparisons at hand."""

import time
from functools import partial

from authz_service.errors import PolicyBeingRead, PolicyNotReadable
from authz_service.handbook.apart import Failed, Workshop
from authz_service.handbook.comparison import Comparison, compare_revisions
from authz_service.handbook.revisions import KnownRevision, Revisions

_KEPT = 8
_PATIENCE_SECONDS = 4.0
# Customer data goes on changing, and those who are concerned with it.
_COUNTED_ANEW_SECONDS = 3_600


class Comparisons:
    """Compares on demand, which takes seconds.

    Attributes:
        revisions: Those that can be compared.
    """

    def __init__(self, revisions: Revisions) -> None:
        self.revisions = revisions
        self._workshop: Workshop[Comparison] = Workshop(_KEPT)

    def of(self, old: KnownRevision, new: KnownRevision) -> Comparison:
        """What two revisions answer differently.

        Raises:
            DatabaseUnavailable: One of them cannot be read.
            PolicyBeingRead: They are being compared.
            PolicyNotReadable: They cannot be compared.
        """
        key = old.revision, new.revision, time.time() // _COUNTED_ANEW_SECONDS
        sources = self.revisions.source(old), self.revisions.source(new)
        url = self.revisions.database.url.render_as_string(hide_password=False)
        found = self._workshop.get(key, partial(compare_revisions, *sources, url), _PATIENCE_SECONDS)
        if found is None:
            raise PolicyBeingRead(
                "Every situation is being judged by both revisions, and who is concerned is being counted, which takes"
                " some seconds."
            )
        if isinstance(found, Failed):
            raise PolicyNotReadable(found.why)
        return found

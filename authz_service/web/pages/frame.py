"""What every page has around it: the navigation, who reads, which policy is told of and what is wrong with it."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from flask import render_template, request, url_for

from authz_service.decision.memory import AnswerMemory
from authz_service.handbook.shelf import Opened
from authz_service.opa.supervisor import PolicyStatus, read_status
from authz_service.web.pages.moments import told_moment
from authz_service.web.pages.readers import FORM_KEY, Readers

STATIC = Path(__file__).with_name("static")
_BROKEN_EDIT = "A later edit of the policy is broken and not in force. This page tells of the one before."
_BEING_READ = (
    "The policy has changed just now. This page tells of the one before, until every situation is judged by the new"
    " one, which takes some seconds. Load it again then."
)
_NAVIGATION = {
    "pages.handbook": "Handbook",
    "pages.matrix": "Matrix",
    "pages.ask": "Ask",
    "pages.decisions": "Decisions",
    "pages.reviews": "Reviews",
    "pages.status": "Status",
}


class Link(NamedTuple):
    """An entry of the navigation.

    Attributes:
        address: Where it leads.
        title: What is there.
        is_here: Whether the reader is there, or below it.
    """

    address: str
    title: str
    is_here: bool


class Frame:
    """Renders pages.

    Args:
        readers: Who reads.
        memory: Knows the revision in force.
        policy_status: The file in which the supervisor of OPA tells how the policy stands; None with a sidecar.
    """

    def __init__(self, readers: Readers, memory: AnswerMemory, policy_status: Path | None) -> None:
        self._readers = readers
        self._memory = memory
        self._policy_status = policy_status

    def render(self, template: str, opened: Opened | None = None, **context: object) -> str:
        """A page; with `opened`, one about that policy."""
        reader = self._readers.reader()
        status = read_status(self._policy_status) if self._policy_status else None
        return render_template(
            template,
            reader=reader.name if reader else "",
            navigation=_navigation() if reader else (),
            form_key_name=FORM_KEY,
            # Only a page that has a form needs a session.
            form_key=self._readers.form_key,
            provider=self._readers.provider,
            style=_address("pages.css"),
            icon=_address("icon.svg"),
            book=opened.book if opened else None,
            since=_since(status),
            warnings=self._warnings(opened, status) if opened else (),
            **context,
        )

    def _warnings(self, opened: Opened, status: PolicyStatus | None) -> Sequence[tuple[str, Sequence[str]]]:
        faults = tuple(dict.fromkeys([*(status.rejected if status else ()), *opened.faults]))
        told: list[tuple[str, Sequence[str]]] = []
        if faults:
            told.append((_BROKEN_EDIT, faults))
        elif opened.is_being_renewed:
            return [(_BEING_READ, ())]
        in_force = self._memory.revision
        if in_force and in_force != opened.book.revision:
            said = (
                f"OPA answers by revision {in_force}, and this page tells of {opened.book.revision}, which is in"
                " AUTHZ_POLICIES. Right after an edit, load the page again; otherwise name OPA's bundle there, or the"
                " folder that it was made of."
            )
            told.append((said, ()))
        return told


def _navigation() -> list[Link]:
    here = request.endpoint or ""
    return [
        Link(url_for(endpoint), title, here == endpoint or here.startswith(f"{endpoint}_"))
        for endpoint, title in _NAVIGATION.items()
    ]


def _since(status: PolicyStatus | None) -> str:
    if status is None:
        return ""
    return told_moment(datetime.fromisoformat(status.since))


def _address(file: str) -> str:
    return url_for("pages.static", filename=file, v=_digest(file))


@cache
def _digest(file: str) -> str:
    """What changes with the content, so that a browser may keep the file for good."""
    return hashlib.sha256((STATIC / file).read_bytes()).hexdigest()[:12]

"""One decision on one page: what it says, why, whether nobody has touched it, and what would be said today."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Response, request
from sqlalchemy import Engine

from authz_service.decision.decisions import Decisions
from authz_service.errors import Conflict, NotYetSigned, Unavailable, UnknownDecision
from authz_service.handbook.book import Book
from authz_service.handbook.shelf import Shelf
from authz_service.journal.checkpoint import Checkpoint, SignedCheckpoint, key_id
from authz_service.journal.journal import Journal
from authz_service.journal.proof import check_proof, prove
from authz_service.journal.queries import KeptDecision, entries_of_call, get_entry
from authz_service.journal.today import judge_today
from authz_service.policy.tree import word
from authz_service.questions import Json
from authz_service.web.languages import NAMES, reading_language
from authz_service.web.pages.entries import ToldReason, tell_entry, told_reasons
from authz_service.web.pages.frame import Frame

_MOST_OF_A_CALL = 200
_TITLES = {
    "caller": "Asked by",
    "subject": "Person",
    "action": "Action",
    "resource": "Thing",
    "customer": "Customer number",
    "option": "Option",
    "sought": "Sought",
    "found": "Found",
    "status": "Status",
    "scope": "Scope",
    "count": "Decisions",
    "before": "Removed before",
    "version": "Version of the data",
    "became_users": "Became users",
    "notified": "Notified",
    "request": "Request",
    "trace": "Trace",
}
_SEARCHED_BY = {"subject": "person", "customer": "customer"}


class ProofState(StrEnum):
    """How the proof of an entry stands."""

    HOLDS = "holds"
    BROKEN = "broken"
    OTHER_KEY = "other_key"
    NOT_YET = "not_yet"
    MISSING = "missing"


class ShownProof(NamedTuple):
    """The proof that an entry is in the journal.

    Attributes:
        state: How it stands.
        fault: What is wrong, where it is broken or missing.
        checkpoint: The block that the entry is in; None where it is not known.
        hashes: How many hashes lead from the entry to the root of the block.
    """

    state: ProofState
    fault: str = ""
    checkpoint: Checkpoint | None = None
    hashes: int = 0


class ShownFact(NamedTuple):
    """What was known.

    Attributes:
        name: The fact, in the word of the schema.
        value: Its value.
        definition: What it is; empty where today's schema has no such fact.
    """

    name: str
    value: str
    definition: str


class Today(NamedTuple):
    """What today's policy says of the same facts.

    Attributes:
        cannot: Why it says nothing; empty where it does.
        differs: Whether it says something else, be it in its reasons.
        allow: The answer.
        revision: The policy revision.
        reasons: Why.
        other: What else is different, such as the route.
    """

    cannot: str
    differs: bool = False
    allow: bool = False
    revision: str = ""
    reasons: Sequence[ToldReason] = ()
    other: Sequence[str] = ()


class DecisionPage:
    """Shows one entry.

    Args:
        frame: What is around it.
        shelf: Has the policy, whose words are used.
        database: Where the journal is searched.
        journal: The journal of this process.
        decisions: Asks today's policy.
    """

    def __init__(self, frame: Frame, shelf: Shelf, database: Engine, journal: Journal, decisions: Decisions) -> None:
        self._frame = frame
        self._shelf = shelf
        self._database = database
        self._journal = journal
        self._decisions = decisions

    def show(self, decision_id: str) -> str | tuple[str, int]:
        opened = self._shelf.open()
        book = opened.book
        try:
            kept = get_entry(self._database, decision_id)
        except UnknownDecision:
            return self._call(decision_id)
        language = reading_language(request)
        ruling = kept.ruling or {}
        return self._frame.render(
            "decision.html",
            opened,
            entry=tell_entry(kept, book, self._journal.pseudonyms),
            call=decision_id.partition(".")[0] if "." in decision_id else "",
            about=_about(kept),
            facts=shown_facts(ruling.get("facts"), book),
            ruling=ruling if "answer" in kept.body else {},
            revision=str(kept.body.get("revision", "")),
            in_force=self._decisions.memory.revision or book.revision,
            today=self._today(kept, book),
            proof=self._proof(kept),
            chain=kept.chain,
            sequence=kept.sequence,
            language=language,
            languages=NAMES,
        )

    def proof(self, decision_id: str) -> Response:
        """The proof as a file, for `journal verify --proof`.

        Raises:
            UnknownDecision: There is no such entry.
            NotYetSigned: Its block has not been signed yet.
            Conflict: Entries of its block are missing.
        """
        kept = get_entry(self._database, decision_id)
        headers = {"Content-Disposition": f'attachment; filename="proof-{kept.id}.json"'}
        text = json.dumps(prove(self._database, kept), indent=2)
        return Response(text, mimetype="application/json", headers=headers)

    def _call(self, decision_id: str) -> str | tuple[str, int]:
        """The decisions of a call of several, or that there is no such entry."""
        opened = self._shelf.open()
        some = entries_of_call(self._database, decision_id, _MOST_OF_A_CALL)
        entries = [tell_entry(kept, opened.book, self._journal.pseudonyms) for kept in some]
        if entries:
            return self._frame.render(
                "call.html", opened, call=decision_id, entries=entries, is_all=len(entries) < _MOST_OF_A_CALL
            )
        page = self._frame.render("no_decision.html", opened, asked=decision_id)
        return page, HTTPStatus.NOT_FOUND

    def _today(self, kept: KeptDecision, book: Book) -> Today | None:
        if "answer" not in kept.body and "found" not in kept.body:
            return None
        facts = kept.ruling and kept.ruling["facts"]
        if kept.ruling is None:
            return Today("A search is many questions, and has no facts of its own.")
        if facts is None:
            return Today("The facts of this decision are not kept, as there is no end of such facts.")
        if book.schema.kind_of(facts) is None:
            return Today("Today's policy knows no such situation: the facts that it reads have changed since.")
        try:
            beside = judge_today(self._decisions, kept)
        except Unavailable:
            return Today("The policy cannot be asked now. Load the page again in a moment.")
        said = beside.today
        other = [
            f"{name}: {_listed(beside.recorded[name])} then, {_listed(said[name])} today"
            for name in ("route", "requires", "effects")
            if beside.recorded[name] != said[name]
        ]
        return Today(
            "", beside.differs, bool(said["decision"]), str(said["policy_revision"]), _reasons(said, book), other
        )

    def _proof(self, kept: KeptDecision) -> ShownProof:
        try:
            proof = prove(self._database, kept)
        except NotYetSigned:
            return ShownProof(ProofState.NOT_YET)
        except Conflict as error:
            return ShownProof(ProofState.MISSING, str(error))
        except ValueError:
            return ShownProof(ProofState.BROKEN, "its block or its checkpoint cannot be read")
        writer = self._journal.writer
        return _checked(proof, [writer.public_key] if writer else [])


def _checked(proof: Mapping[str, Json], keys: list[Ed25519PublicKey]) -> ShownProof:
    signed = SignedCheckpoint(str(proof["signature"]), str(proof["checkpoint"]).encode())
    checkpoint = signed.read()
    path = proof["path"]
    shown = ShownProof(ProofState.HOLDS, "", checkpoint, len(path) if isinstance(path, list) else 0)
    if checkpoint.key not in map(key_id, keys):
        return shown._replace(state=ProofState.OTHER_KEY)
    try:
        check_proof(proof, keys)
    except ValueError as error:
        return shown._replace(state=ProofState.BROKEN, fault=str(error))
    return shown


def _reasons(said: Mapping[str, Json], book: Book) -> list[ToldReason]:
    reasons = said["reasons"]
    return told_reasons([one for one in reasons if isinstance(one, dict)] if isinstance(reasons, list) else [], book)


def _listed(value: Json) -> str:
    values = value if isinstance(value, list) else [value] if value is not None else []
    return ", ".join(str(one).replace("_", " ") for one in values) or "nothing"


def shown_facts(facts: Mapping[str, Any] | None, book: Book) -> list[ShownFact]:
    return [
        ShownFact(name, word(value), book.schema.descriptions.get(name, "")) for name, value in (facts or {}).items()
    ]


def _about(kept: KeptDecision) -> list[tuple[str, list[str], str]]:
    """What the entry names: a title, the names, and the field by which others with them are searched."""
    told = []
    for member, title in _TITLES.items():
        value = kept.body.get(member)
        if value is not None:
            names = [str(one) for one in value] if isinstance(value, list) else [str(value)]
            told.append((title, names, _SEARCHED_BY.get(member, "")))
    return told

"""What the journals of all replicas hold, beside what callers were told."""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from authz_service.decision.rulings import ruling_of
from authz_service.journal.copies import chains_in_files, read_files
from authz_service.journal.lines import KeptEntry
from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.questions import Ruling


class Journals(NamedTuple):
    """What is in the files.

    Attributes:
        entries: Each entry, by the id of its decision and its place in a call of several.
        rulings: What was answered to which facts, by digest.
    """

    entries: Mapping[tuple[str, int | None], dict[str, Any]]
    rulings: Mapping[str, dict[str, Any]]

    def take_overs(self) -> list[dict[str, Any]]:
        """Those that were done."""
        return [
            entry for entry in self.entries.values() if (entry["kind"], entry.get("answer")) == ("take_over", "permit")
        ]


class Answered(NamedTuple):
    """A decision that a caller was given: its place in the journal, and what the caller read of it."""

    place: tuple[str, int | None]
    allow: bool
    revision: str
    reasons: list[tuple[str, list[str]]]
    role: str | None


def read_journals(folders: Sequence[Path]) -> Journals:
    entries: dict[tuple[str, int | None], dict[str, Any]] = {}
    rulings: dict[str, dict[str, Any]] = {}
    for chain in chains_in_files(folders):
        for _, item in read_files(folders, chain):
            if isinstance(item, KeptEntry):
                entry = json.loads(item.body)
                entries[entry["id"], entry.get("item")] = entry
            elif isinstance(item, Ruling):
                rulings[item.digest] = json.loads(item.content)
    return Journals(entries, rulings)


def answered(decision_id: str, body: Mapping[str, Any]) -> list[Answered]:
    """The decisions in an answer, one or several."""
    if "evaluations" in body:
        return [_answered((decision_id, place), each) for place, each in enumerate(body["evaluations"])]
    return [_answered((decision_id, None), body)]


def _answered(place: tuple[str, int | None], body: Mapping[str, Any]) -> Answered:
    context = body["context"]
    reasons = [(reason["code"], reason["cites"]) for reason in context["reasons"]]
    return Answered(place, body["decision"], context["policy_revision"], reasons, context["role"])


def otherwise_judged(journals: Journals, opa: Path, bundles: Mapping[str, Path]) -> list[str]:
    """The digests of rulings that are not what the policy of their revision says of their facts.

    Args:
        journals: Whose rulings.
        opa: The program, which judges them anew.
        bundles: The bundle of each revision that was published.
    """
    wrong = [digest for digest, ruling in journals.rulings.items() if ruling["revision"] not in bundles]
    for revision, bundle in bundles.items():
        kept = {digest: ruling for digest, ruling in journals.rulings.items() if ruling["revision"] == revision}
        with SupervisedOpa(opa, bundle) as judging, closing(OpaEngine(judging.url)) as engine:
            facts = [ruling["facts"] for ruling in kept.values()]
            verdict = engine.ask(facts)
        assert verdict.revision == revision
        for digest, stated, answer in zip(kept, facts, verdict.answers, strict=True):
            if ruling_of(stated, answer, revision).digest != digest:
                wrong.append(digest)
    return wrong

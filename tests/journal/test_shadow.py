"""A shadow policy answers beside the other, without effect, and what it answers differently is counted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from authz_service.decision.memory import AnswerMemory
from authz_service.journal import shadow as shadow_room
from authz_service.journal.counting import Beside, answered_otherwise
from authz_service.journal.indexer import Indexer
from authz_service.journal.journal import Journal
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.shadow import Shadow
from authz_service.journal.shadow_counts import count_differences
from authz_service.questions import Document
from tests.fakes.engine import FakeEngine, answer
from tests.journals import JOURNAL_KEY
from tests.kept import Kept
from tests.processes import wait_until

ANN, BEN = {"who": "ann"}, {"who": "ben"}


@pytest.fixture
def kept(any_database: Engine, tmp_path: Path) -> Kept:
    return Kept(any_database, tmp_path / "journal")


@pytest.fixture
def journal(kept: Kept) -> Iterator[Journal]:
    journal = Journal(Pseudonyms(JOURNAL_KEY.encode()), kept.folder, kept.writer())
    yield journal
    journal.close()


@pytest.fixture
def policy() -> AnswerMemory:
    """The policy in force: everybody may."""
    return AnswerMemory(FakeEngine(lambda _: answer(allow=True)), lambda *_: b"", 60)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """The engine of the shadow policy: Ben may not."""
    monkeypatch.setattr(shadow_room, "EVERY_SECONDS", 0.02)
    return FakeEngine(lambda document: answer(allow=document["who"] != "ben"), "shadow")


@pytest.fixture
def shadow(engine: FakeEngine, journal: Journal) -> Iterator[Shadow]:
    shadow = Shadow(engine, journal)
    shadow.start()
    yield shadow
    shadow.stop()


def note(shadow: Shadow, policy: AnswerMemory, *documents: Document) -> None:
    for decision in policy.decide(documents, [str(document).encode() for document in documents]):
        shadow.note(decision)


def counted(kept: Kept) -> dict[tuple[str, str], int]:
    Indexer(kept.database, kept.folder).catch_up()
    return count_differences(kept.database)


def test_what_it_answers_differently_is_counted_and_what_it_answers_alike_is_not(
    shadow: Shadow, policy: AnswerMemory, kept: Kept
) -> None:
    note(shadow, policy, ANN, BEN, ANN, BEN, BEN)
    wait_until(lambda: counted(kept) == {("permit", "deny"): 3})
    note(shadow, policy, ANN, BEN)
    wait_until(lambda: counted(kept) == {("permit", "deny"): 4})


def test_it_is_told_which_answer_of_which_policy_stands_beside_which(
    shadow: Shadow, policy: AnswerMemory, kept: Kept
) -> None:
    note(shadow, policy, BEN)
    wait_until(lambda: counted(kept) != {})
    [beside] = answered_otherwise(kept.database)
    assert isinstance(beside, Beside)
    assert (beside.ruling["revision"], beside.ruling["allow"]) == ("first", True)
    assert (beside.shadow["revision"], beside.shadow["allow"]) == ("shadow", False)
    assert beside.ruling["facts"] == beside.shadow["facts"] == BEN


def test_an_edit_of_the_shadow_policy_counts_from_then_on(
    shadow: Shadow, policy: AnswerMemory, kept: Kept, engine: FakeEngine
) -> None:
    note(shadow, policy, BEN)
    wait_until(lambda: counted(kept) == {("permit", "deny"): 1})
    calls = engine.calls
    engine.change_policy(lambda document: answer(allow=document["who"] != "ann"), "edited")
    wait_until(lambda: engine.calls > calls + 2)
    note(shadow, policy, BEN, ANN)
    wait_until(lambda: counted(kept) == {("permit", "deny"): 2})
    assert {each.shadow["revision"] for each in answered_otherwise(kept.database)} == {"shadow", "edited"}


def test_while_it_is_away_decisions_wait_to_be_compared(
    shadow: Shadow, policy: AnswerMemory, kept: Kept, engine: FakeEngine
) -> None:
    engine.go_down()
    note(shadow, policy, BEN, BEN)
    calls = engine.calls
    wait_until(lambda: engine.calls > calls + 2)
    assert counted(kept) == {}
    engine.come_back()
    wait_until(lambda: counted(kept) == {("permit", "deny"): 2})


def test_what_is_noted_last_is_compared_when_it_ends(
    shadow: Shadow, policy: AnswerMemory, kept: Kept, journal: Journal
) -> None:
    note(shadow, policy, BEN)
    shadow.stop()
    journal.close()
    assert counted(kept) == {("permit", "deny"): 1}


def test_sentences_alone_make_no_difference(journal: Journal, policy: AnswerMemory, kept: Kept) -> None:
    engine = FakeEngine(lambda _: answer(allow=True, said="In other words."), "reworded")
    shadow = Shadow(engine, journal)
    note(shadow, policy, ANN, BEN)
    shadow.start()
    shadow.stop()
    assert engine.asked == 2
    assert counted(kept) == {}

"""Callers who come at the same time are decided for together, and each as if alone."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from authz_service.decision.decisions import Decided, Decisions
from authz_service.errors import AuthzServiceError, DatabaseUnavailable, JournalUnavailable, PolicyEngineUnavailable
from authz_service.journal import deciding as deciding_module
from authz_service.journal.deciding import Deciding
from authz_service.journal.entries import Origin
from authz_service.journal.journal import Journal
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.questions import Question, Stated
from tests.decision.library import MEMBER, STRANGER, Library, ask, judge
from tests.fakes.engine import FakeEngine
from tests.journal.conftest import Disk, OpenWriter, bodies_of
from tests.processes import wait_until

PATIENCE_SECONDS = 30.0
OTHERS = [STRANGER, MEMBER, ask("member-2"), ask("stranger-2"), ask("member-3")]
AllAtOnce = Callable[[Sequence[Question]], list["Future[Decided]"]]


class SlowLibrary(Library):
    """A library in which the first read of all lasts as long as one likes.

    Attributes:
        is_asked: Is set when somebody reads.
        may_read: Has whoever reads first go on.
        poison: A question that no read succeeds with.
        error: What is raised then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = threading.Event()
        self.may_read = threading.Event()
        self.poison: Question | None = None
        self.error: Exception = DatabaseUnavailable("That cannot be read.")
        self._first = iter([True])

    def state(self, questions: Sequence[Question]) -> list[Stated]:
        is_first = next(self._first, False)
        self.is_asked.set()
        if is_first:
            assert self.may_read.wait(PATIENCE_SECONDS)
        stated = super().state(questions)
        if self.poison in questions:
            raise self.error
        return stated


class Watched(Deciding):
    @property
    def waiting(self) -> int:
        """How many callers are in the round that is still to begin."""
        return len(self._gathering.calls)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes while a round is under way waits for it, however slow the machine is."""
    monkeypatch.setattr(deciding_module, "_PATIENCE_SECONDS", PATIENCE_SECONDS)


@pytest.fixture
def library() -> SlowLibrary:
    return SlowLibrary()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(judge)


@pytest.fixture
def deciding(library: SlowLibrary, engine: FakeEngine, folder: Path, open_writer: OpenWriter) -> Watched:
    """Decides in rounds, and remembers what members and strangers are answered."""
    decisions = Decisions(library, engine, 60.0)
    decisions.judge([{"action": "borrow", "has_card": has_card} for has_card in (True, False)])
    return Watched(decisions, Journal(Pseudonyms(b"k" * 32), folder, open_writer()), in_rounds=True)


@pytest.fixture
def one_and_then(library: SlowLibrary, deciding: Watched) -> Iterator[AllAtOnce]:
    """Asks about a member, and about all others while the first is still being read about."""
    with ThreadPoolExecutor(6) as pool:

        def ask_all(others: Sequence[Question]) -> list["Future[Decided]"]:
            asked = [pool.submit(one, deciding, MEMBER)]
            assert library.is_asked.wait(PATIENCE_SECONDS)
            asked += [pool.submit(one, deciding, question) for question in others]
            wait_until(lambda: deciding.waiting == len(others))
            library.may_read.set()
            return asked

        yield ask_all
        library.may_read.set()


def one(deciding: Deciding, question: Question) -> Decided:
    _, decided = deciding.one(lambda _: Origin("tests"), question)
    return decided


def kept(folder: Path) -> list[tuple[str, str]]:
    """Of each entry its id and its answer."""
    bodies = [json.loads(body) for body in bodies_of(folder)]
    return [(body["id"], body["answer"]) for body in bodies]


def test_those_who_come_while_others_are_decided_for_are_decided_for_together(
    library: SlowLibrary, one_and_then: AllAtOnce, folder: Path
) -> None:
    asked = one_and_then(OTHERS)
    decided = [each.result(PATIENCE_SECONDS) for each in asked]
    assert library.read == [1, len(OTHERS)]
    assert [each.question for each in decided] == [MEMBER, *OTHERS]
    assert [each.decision.allow for each in decided] == [True, False, True, True, False, True]
    assert len(kept(folder)) == 1 + len(OTHERS)


def test_each_is_kept_under_its_own_id_with_who_asked(deciding: Deciding, library: SlowLibrary, folder: Path) -> None:
    library.may_read.set()
    with ThreadPoolExecutor(8) as pool:
        asked = list(
            pool.map(
                lambda place: deciding.one(lambda _: Origin(f"zone-{place}"), [MEMBER, STRANGER][place % 2]), range(40)
            )
        )
    ids = [decision_id for decision_id, _ in asked]
    assert [decided.decision.allow for _, decided in asked] == [True, False] * 20
    bodies = {body["id"]: body for body in map(json.loads, bodies_of(folder))}
    assert [bodies[entry_id]["caller"] for entry_id in ids] == [f"zone-{place}" for place in range(len(ids))]
    assert [bodies[entry_id]["answer"] for entry_id in ids] == ["permit", "deny"] * 20
    assert len(bodies_of(folder)) == len(ids)


def test_an_engine_that_is_away_is_missed_by_those_alone_who_need_it(
    one_and_then: AllAtOnce, engine: FakeEngine, folder: Path
) -> None:
    engine.go_down()
    *others, unknown = one_and_then([*OTHERS[:4], ask("member-1", "return")])
    assert [each.result(PATIENCE_SECONDS).decision.allow for each in others] == [True, False, True, True, False]
    with pytest.raises(PolicyEngineUnavailable):
        unknown.result(PATIENCE_SECONDS)
    assert len(kept(folder)) == len(others)


def test_what_is_not_remembered_is_asked_of_the_engine_once(one_and_then: AllAtOnce, engine: FakeEngine) -> None:
    before = engine.asked
    *_, unknown = one_and_then([*OTHERS[:4], ask("member-1", "return")])
    assert unknown.result(PATIENCE_SECONDS).decision.allow
    assert engine.asked == before + 1


@pytest.mark.parametrize("error", [DatabaseUnavailable("That cannot be read."), ValueError("Nobody thought of it.")])
def test_a_question_that_cannot_be_read_about_is_missed_by_nobody_else(
    library: SlowLibrary, one_and_then: AllAtOnce, folder: Path, error: Exception
) -> None:
    library.poison, library.error = ask("member-4"), error
    *others, poisoned = one_and_then([*OTHERS[:4], library.poison])
    assert [each.result(PATIENCE_SECONDS).decision.allow for each in others] == [True, False, True, True, False]
    with pytest.raises(type(error)):
        poisoned.result(PATIENCE_SECONDS)
    assert len(kept(folder)) == len(others)


def test_what_has_failed_late_is_not_tried_again(
    library: SlowLibrary, one_and_then: AllAtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding_module, "_SOON_SECONDS", 0.0)
    library.poison = OTHERS[0]
    first, *others = one_and_then(OTHERS)
    assert first.result(PATIENCE_SECONDS).decision.allow
    for each in others:
        with pytest.raises(DatabaseUnavailable):
            each.result(PATIENCE_SECONDS)
    assert library.read == [1, len(OTHERS)]


def test_what_cannot_be_kept_is_answered_to_nobody_and_all_is_well_as_soon_as_there_is_room(
    disk: Disk, deciding: Deciding, one_and_then: AllAtOnce, folder: Path
) -> None:
    disk.room = 0
    for each in one_and_then(OTHERS):
        with pytest.raises(JournalUnavailable):
            each.result(PATIENCE_SECONDS)
    disk.heal()
    assert one(deciding, STRANGER).decision.allow is False
    assert [answer for _, answer in kept(folder)] == ["deny"]


def test_a_round_that_lasts_holds_up_no_other(
    library: SlowLibrary, deciding: Deciding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding_module, "_PATIENCE_SECONDS", 0.001)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(one, deciding, MEMBER)
        assert library.is_asked.wait(PATIENCE_SECONDS)
        assert [one(deciding, question).decision.allow for question in OTHERS] == [False, True, True, False, True]
        assert not first.done()
        library.may_read.set()
        assert first.result(PATIENCE_SECONDS).decision.allow
    # Whoever has had no turn has not given up that of another.
    assert one(deciding, MEMBER).decision.allow


def test_where_nothing_is_waited_for_each_is_decided_for_by_itself(
    library: SlowLibrary, engine: FakeEngine, folder: Path, open_writer: OpenWriter
) -> None:
    library.may_read.set()
    journal = Journal(Pseudonyms(b"k" * 32), folder, open_writer(), is_strict=False)
    deciding = Deciding(Decisions(library, engine, 60.0), journal, in_rounds=False)
    with ThreadPoolExecutor(6) as pool:
        assert all(each.decision.allow for each in pool.map(lambda _: one(deciding, MEMBER), range(60)))
    assert library.read == [1] * 60
    journal.close()
    assert len(kept(folder)) == 60


def test_what_is_wrong_is_told_to_each_as_what_it_is(library: SlowLibrary, one_and_then: AllAtOnce) -> None:
    library.is_open = False
    for each in one_and_then(OTHERS):
        assert isinstance(each.exception(PATIENCE_SECONDS), AuthzServiceError)

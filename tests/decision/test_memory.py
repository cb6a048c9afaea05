import gc
import itertools
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from authz_service.decision.memory import CONFIRMED_AGE, IN_FORCE_AGE, AnswerMemory, Decision, RevisionWatch
from authz_service.decision.rulings import ruling_of
from authz_service.errors import PolicyEngineMisbehaved, PolicyEngineUnavailable
from authz_service.questions import Answer, Document, Reason, Verdict, encoded
from authz_service.telemetry.tally import Tally
from tests.fakes.engine import FakeEngine, answer

_PATIENCE_SECONDS = 30.0
_STALE_SECONDS = 60.0

ANN: Document = {"subject": "ann"}
BEN: Document = {"subject": "ben"}
EVE: Document = {"subject": "eve"}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.before_telling: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        self.before_telling()
        return self.now


def permit_ann(document: Document) -> Answer:
    return answer(document["subject"] == "ann")


def permit_ben(document: Document) -> Answer:
    return answer(document["subject"] == "ben")


def permit_all(_: Document) -> Answer:
    return answer(allow=True)


def permit_nobody(_: Document) -> Answer:
    return answer(allow=False)


def render(document: Document, given: Answer, revision: str) -> bytes:
    return f"{document['subject']} {given.allow} {revision}".encode()


def decide(memory: AnswerMemory, *documents: Document) -> list[Decision]:
    return memory.decide(documents, [str(document["subject"]).encode() for document in documents])


def bodies(memory: AnswerMemory, *documents: Document) -> list[bytes]:
    return [decision.body for decision in decide(memory, *documents)]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(permit_ann)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(engine: FakeEngine, clock: Clock) -> AnswerMemory:
    return AnswerMemory(engine, render, _STALE_SECONDS, clock)


@pytest.fixture
def forgetful(engine: FakeEngine, clock: Clock) -> AnswerMemory:
    return AnswerMemory(engine, render, None, clock)


# what is asked, and how often


def test_a_decision_is_the_answer_of_the_engine_with_its_revision_and_body(memory: AnswerMemory) -> None:
    [decision] = decide(memory, ANN)
    assert decision[:5] == (True, "first", answer(allow=True), ANN, b"ann True first")
    assert decision.ruling == ruling_of(ANN, answer(allow=True), "first")


def test_the_decisions_are_in_the_order_of_the_questions(memory: AnswerMemory) -> None:
    decide(memory, BEN)
    assert bodies(memory, EVE, ANN, BEN, ANN) == [
        b"eve False first",
        b"ann True first",
        b"ben False first",
        b"ann True first",
    ]


def test_the_first_questions_are_asked_once(memory: AnswerMemory, engine: FakeEngine) -> None:
    decide(memory, ANN, BEN)
    assert engine.asked == 2


def test_a_situation_is_asked_once(memory: AnswerMemory, engine: FakeEngine) -> None:
    assert decide(memory, ANN) == decide(memory, ANN)
    assert engine.asked == 1


def test_a_remembered_answer_does_not_trouble_the_engine(memory: AnswerMemory, engine: FakeEngine) -> None:
    decide(memory, ANN)
    calls = engine.calls
    decide(memory, ANN)
    assert engine.calls == calls


def test_identical_questions_of_a_batch_are_asked_once(memory: AnswerMemory, engine: FakeEngine) -> None:
    decide(memory, ANN, ANN, BEN, ANN)
    assert engine.asked == 2


def test_only_what_is_new_in_a_batch_is_asked(memory: AnswerMemory, engine: FakeEngine) -> None:
    decide(memory, ANN)
    decide(memory, ANN, BEN)
    assert engine.asked == 2


def test_no_question_is_decided_without_the_engine(memory: AnswerMemory, engine: FakeEngine) -> None:
    engine.go_down()
    assert decide(memory) == []


# the policy changes


def test_there_is_no_revision_before_the_engine_told_one(memory: AnswerMemory) -> None:
    assert memory.revision == ""


@pytest.mark.parametrize("tell", [AnswerMemory.confirm, lambda memory: decide(memory, ANN)], ids=["confirm", "ask"])
def test_the_revision_is_known_as_soon_as_the_engine_told_it(
    memory: AnswerMemory, tell: Callable[[AnswerMemory], object]
) -> None:
    tell(memory)
    assert memory.revision == "first"


def test_a_new_revision_that_is_confirmed_replaces_every_answer(memory: AnswerMemory, engine: FakeEngine) -> None:
    decide(memory, ANN, BEN)
    engine.change_policy(permit_ben, "second")
    memory.confirm()
    assert bodies(memory, ANN) == [b"ann False second"]
    assert bodies(memory, BEN) == [b"ben True second"]


def test_a_new_revision_that_an_answer_brings_replaces_every_other(memory: AnswerMemory, engine: FakeEngine) -> None:
    decide(memory, ANN)
    engine.change_policy(permit_ben, "second")
    decide(memory, EVE)
    assert bodies(memory, ANN) == [b"ann False second"]


def test_the_same_revision_confirmed_forgets_nothing(memory: AnswerMemory, engine: FakeEngine) -> None:
    decide(memory, ANN)
    memory.confirm()
    decide(memory, ANN)
    assert engine.asked == 1


def test_one_revision_gives_the_whole_batch_though_the_policy_changed_since_a_part_was_remembered(
    memory: AnswerMemory, engine: FakeEngine
) -> None:
    decide(memory, ANN)
    engine.change_policy(permit_ben, "second")
    assert bodies(memory, ANN, BEN, EVE) == [b"ann False second", b"ben True second", b"eve False second"]


def test_a_batch_of_new_questions_is_asked_once_also_under_a_new_revision(
    memory: AnswerMemory, engine: FakeEngine
) -> None:
    decide(memory, ANN)
    engine.change_policy(permit_ben, "second")
    decide(memory, BEN, EVE)
    # Ann's is one of the first revision and one of the second.
    assert engine.asked == 4
    decide(memory, ANN, BEN, EVE)
    assert engine.asked == 4


def test_a_policy_that_comes_back_is_asked_again(memory: AnswerMemory, engine: FakeEngine) -> None:
    decide(memory, ANN)
    engine.change_policy(permit_ben, "second")
    decide(memory, BEN)
    engine.change_policy(permit_ann, "first")
    memory.confirm()
    assert bodies(memory, ANN, BEN) == [b"ann True first", b"ben False first"]
    # Ann's of each of the three, Ben's of the last two.
    assert engine.asked == 5


# another revision


def test_what_is_remembered_is_asked_anew_in_one_go_before_another_revision_is_in_force(
    memory: AnswerMemory, engine: FakeEngine
) -> None:
    decide(memory, ANN)
    decide(memory, BEN)
    calls = engine.calls
    engine.change_policy(permit_ben, "second")
    memory.confirm()
    assert engine.calls == calls + 2
    engine.go_down()
    assert bodies(memory, ANN, BEN) == [b"ann False second", b"ben True second"]


def test_it_is_asked_anew_at_each_revision(memory: AnswerMemory, engine: FakeEngine) -> None:
    decide(memory, ANN, BEN)
    for judge, revision in ((permit_ben, "second"), (permit_all, "third")):
        engine.change_policy(judge, revision)
        memory.confirm()
    engine.go_down()
    assert bodies(memory, ANN, BEN) == [b"ann True third", b"ben True third"]


def test_of_very_much_that_is_remembered_the_last_is_asked_anew(memory: AnswerMemory, engine: FakeEngine) -> None:
    documents: list[Document] = [{"subject": str(n)} for n in range(1_001)]
    decide(memory, *documents)
    engine.change_policy(permit_all, "second")
    asked = engine.asked
    memory.confirm()
    assert engine.asked == asked + 1_000
    engine.go_down()
    assert len(decide(memory, *documents[1:])) == 1_000
    with pytest.raises(PolicyEngineUnavailable):
        decide(memory, documents[0])


def test_a_policy_that_says_nothing_of_one_situation_is_in_force_for_the_others(
    memory: AnswerMemory, engine: FakeEngine
) -> None:
    decide(memory, ANN, BEN)
    engine.change_policy(lambda document: None if document["subject"] == "ben" else answer(allow=False), "second")
    memory.confirm()
    assert (memory.revision, bodies(memory, ANN)) == ("second", [b"ann False second"])
    with pytest.raises(PolicyEngineMisbehaved):
        decide(memory, BEN)


def test_what_cannot_be_rendered_is_told_to_whoever_asks_about_it(engine: FakeEngine, clock: Clock) -> None:
    def render_some(document: Document, given: Answer, revision: str) -> bytes:
        if (document, revision) == (BEN, "second"):
            raise LookupError("ben")
        return render(document, given, revision)

    memory = AnswerMemory(engine, render_some, _STALE_SECONDS, clock)
    decide(memory, ANN, BEN)
    engine.change_policy(permit_ben, "second")
    memory.confirm()
    assert bodies(memory, ANN) == [b"ann False second"]
    with pytest.raises(LookupError, match="ben"):
        decide(memory, BEN)


def test_what_a_third_revision_answers_meanwhile_is_not_taken_for_the_second(
    memory: AnswerMemory, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(memory, ANN)
    engine.change_policy(permit_ben, "second")
    ask = engine.ask

    def ask_and_change(documents: Sequence[Document]) -> Verdict:
        verdict = ask(documents)
        engine.change_policy(permit_all, "third")
        return verdict

    monkeypatch.setattr(engine, "ask", ask_and_change)
    memory.confirm()
    assert memory.revision == "second"
    assert bodies(memory, ANN) == [b"ann True third"]


def test_an_engine_that_goes_down_after_it_has_told_its_revision_is_fresh_for_no_longer_than_it_may(
    memory: AnswerMemory, engine: FakeEngine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(memory, ANN)
    engine.change_policy(permit_ben, "second")
    ask = engine.ask

    def ask_long(documents: Sequence[Document]) -> Verdict:
        clock.now += _STALE_SECONDS if documents else 0
        return ask(documents)

    monkeypatch.setattr(engine, "ask", ask_long)
    memory.confirm()
    assert memory.confirmed_age() == _STALE_SECONDS


# the engine is away


@pytest.mark.parametrize("seconds", [0.0, 1.0, _STALE_SECONDS])
def test_a_remembered_answer_outlives_the_engine(
    memory: AnswerMemory, engine: FakeEngine, clock: Clock, seconds: float
) -> None:
    decide(memory, ANN)
    engine.go_down()
    clock.now += seconds
    assert bodies(memory, ANN) == [b"ann True first"]


@pytest.mark.parametrize("seconds", [_STALE_SECONDS + 0.001, 10 * _STALE_SECONDS])
def test_but_not_for_longer_than_it_may(memory: AnswerMemory, engine: FakeEngine, clock: Clock, seconds: float) -> None:
    decide(memory, ANN)
    engine.go_down()
    clock.now += seconds
    with pytest.raises(PolicyEngineUnavailable):
        decide(memory, ANN)


def test_a_confirmed_revision_starts_the_time_anew(memory: AnswerMemory, engine: FakeEngine, clock: Clock) -> None:
    decide(memory, ANN)
    clock.now += _STALE_SECONDS
    memory.confirm()
    engine.go_down()
    clock.now += _STALE_SECONDS
    assert bodies(memory, ANN) == [b"ann True first"]


def test_a_remembered_answer_that_is_given_does_not_start_the_time_anew(
    memory: AnswerMemory, engine: FakeEngine, clock: Clock
) -> None:
    decide(memory, ANN)
    engine.go_down()
    clock.now += _STALE_SECONDS
    decide(memory, ANN)
    clock.now += 1
    with pytest.raises(PolicyEngineUnavailable):
        decide(memory, ANN)


def test_a_confirmation_that_fails_does_not_start_the_time_anew(
    memory: AnswerMemory, engine: FakeEngine, clock: Clock
) -> None:
    decide(memory, ANN)
    engine.go_down()
    clock.now += _STALE_SECONDS
    with pytest.raises(PolicyEngineUnavailable):
        memory.confirm()
    clock.now += 1
    with pytest.raises(PolicyEngineUnavailable):
        decide(memory, ANN)


@pytest.mark.parametrize("batch", [(BEN,), (ANN, BEN)], ids=["alone", "beside a remembered one"])
def test_an_unknown_situation_is_not_decided_without_the_engine(
    memory: AnswerMemory, engine: FakeEngine, batch: Sequence[Document]
) -> None:
    decide(memory, ANN)
    engine.go_down()
    with pytest.raises(PolicyEngineUnavailable):
        decide(memory, *batch)


@pytest.mark.parametrize("seconds", [1.0, 10 * _STALE_SECONDS])
def test_an_engine_that_is_back_answers_everything(
    memory: AnswerMemory, engine: FakeEngine, clock: Clock, seconds: float
) -> None:
    decide(memory, ANN)
    engine.go_down()
    clock.now += seconds
    engine.come_back()
    assert bodies(memory, ANN, BEN) == [b"ann True first", b"ben False first"]


def test_what_was_remembered_before_a_long_absence_is_remembered_again(
    memory: AnswerMemory, engine: FakeEngine, clock: Clock
) -> None:
    decide(memory, ANN, BEN)
    clock.now += 10 * _STALE_SECONDS
    memory.confirm()
    decide(memory, ANN, BEN)
    assert engine.asked == 2


def test_an_engine_that_is_back_with_another_policy_is_believed(
    memory: AnswerMemory, engine: FakeEngine, clock: Clock
) -> None:
    decide(memory, ANN)
    clock.now += 10 * _STALE_SECONDS
    engine.change_policy(permit_ben, "second")
    assert bodies(memory, ANN) == [b"ann False second"]


def test_a_confirmation_by_another_thread_does_not_make_fresh_what_an_old_policy_said(
    memory: AnswerMemory, engine: FakeEngine, clock: Clock
) -> None:
    decide(memory, ANN)
    clock.now += 10 * _STALE_SECONDS
    engine.change_policy(permit_ben, "second")

    def confirm_in_between() -> None:
        clock.before_telling = lambda: None
        memory.confirm()

    clock.before_telling = confirm_in_between
    assert bodies(memory, ANN) == [b"ann False second"]


# nothing is remembered


def test_a_forgetful_memory_asks_every_time_and_once(forgetful: AnswerMemory, engine: FakeEngine) -> None:
    decide(forgetful, ANN)
    decide(forgetful, ANN)
    assert (engine.asked, engine.calls) == (2, 2)


def test_a_forgetful_memory_also_asks_identical_questions_of_a_batch_once(
    forgetful: AnswerMemory, engine: FakeEngine
) -> None:
    assert bodies(forgetful, ANN, BEN, ANN) == [b"ann True first", b"ben False first", b"ann True first"]
    assert engine.asked == 2


def test_a_forgetful_memory_decides_nothing_without_the_engine(forgetful: AnswerMemory, engine: FakeEngine) -> None:
    decide(forgetful, ANN)
    engine.go_down()
    with pytest.raises(PolicyEngineUnavailable):
        decide(forgetful, ANN)


def test_a_forgetful_memory_keeps_no_answer(engine: FakeEngine, forgetful: AnswerMemory) -> None:
    class Message(dict[str, str]):
        """Unlike a plain dict, seen to go away."""

    given = []

    def judge(_: Document) -> Answer:
        message = Message(en="So it is.")
        given.append(weakref.ref(message))
        return Answer(True, (Reason("rule", ("FACT-1",), message),), None, (), ())  # noqa: FBT003 - it is allowed

    engine.change_policy(judge, "second")
    forgetful.confirm()
    decide(forgetful, ANN, BEN)
    gc.collect()
    assert [message() for message in given] == [None, None]


# many at once


@pytest.fixture
def _eager_threads() -> Iterator[None]:
    """Threads take turns far more often, so that what can go wrong between two steps does."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_eager_threads")
def test_while_the_policy_changes_no_body_carries_a_revision_that_did_not_give_it(engine: FakeEngine) -> None:
    """An even revision permits all, an odd one nobody."""
    memory = AnswerMemory(engine, render, _STALE_SECONDS)
    documents: list[Document] = [{"subject": str(n)} for n in range(40)]
    done = threading.Event()

    def change() -> None:
        ends = time.monotonic() + 1
        for revision in itertools.takewhile(lambda _: time.monotonic() < ends, itertools.count(1)):
            engine.change_policy(permit_all if revision % 2 == 0 else permit_nobody, str(revision))
            if revision % 3 == 0:
                memory.confirm()
            time.sleep(0.001)

    def ask(start: int) -> tuple[set[str], list[list[bytes]]]:
        batches, seen, wrong = 0, set[str](), []
        while not done.is_set():
            batch = [documents[(start + batches + n) % len(documents)] for n in range(5)]
            told = decide(memory, *batch)
            batches += 1
            revisions = {decision.revision for decision in told}
            seen |= revisions
            allow = int(next(iter(revisions))) % 2 == 0
            wanted = [f"{d['subject']} {allow} {told[0].revision}".encode() for d in batch]
            if len(revisions) > 1 or [decision.body for decision in told] != wanted:
                wrong.append([decision.body for decision in told])
        return seen, wrong

    engine.change_policy(permit_all, "0")
    with ThreadPoolExecutor(17) as threads:
        asking = [threads.submit(ask, start) for start in range(16)]
        try:
            threads.submit(change).result()
        finally:
            done.set()
    told = [future.result() for future in asking]
    assert [wrong for _, wrong in told] == [[]] * 16
    assert len(set().union(*(seen for seen, _ in told))) > 2


# the watch


@pytest.fixture
def watch(memory: AnswerMemory) -> Iterator[RevisionWatch]:
    watch = RevisionWatch(memory, interval=0.005)
    watch.start()
    yield watch
    watch.stop()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def wait_for_calls(engine: FakeEngine, more: int) -> None:
    wanted = engine.calls + more
    wait_until(lambda: engine.calls >= wanted)


@pytest.mark.usefixtures("watch")
def test_the_watch_notices_a_changed_policy_without_any_question(memory: AnswerMemory, engine: FakeEngine) -> None:
    decide(memory, ANN)
    engine.change_policy(permit_ben, "second")
    wait_until(lambda: memory.revision == "second")
    assert bodies(memory, ANN) == [b"ann False second"]


def test_the_watch_asks_at_once_where_it_is_told_of_another_policy(
    memory: AnswerMemory, engine: FakeEngine, tmp_path: Path
) -> None:
    told_in = tmp_path / "status"
    told_in.write_text("first")
    watch = RevisionWatch(memory, told_in, interval=3_600)
    watch.start()
    wait_until(lambda: memory.revision == "first")
    engine.change_policy(permit_ben, "second")
    time.sleep(0.3)
    assert memory.revision == "first"
    told_in.write_text("second")
    wait_until(lambda: memory.revision == "second")
    calls = engine.calls
    told_in.unlink()
    wait_for_calls(engine, 1)
    watch.stop()
    assert engine.calls == calls + 1


@pytest.mark.usefixtures("watch")
def test_the_watch_keeps_remembered_answers_fresh(memory: AnswerMemory, engine: FakeEngine, clock: Clock) -> None:
    decide(memory, ANN)
    for _ in range(3):
        clock.now += _STALE_SECONDS
        wait_for_calls(engine, 2)
    engine.go_down()
    assert bodies(memory, ANN) == [b"ann True first"]


def test_the_watch_outlives_an_outage_and_tells_of_it_once(memory: AnswerMemory, engine: FakeEngine) -> None:
    with capture_logs() as logs:
        watch = RevisionWatch(memory, interval=0.005)
        watch.start()
        wait_until(lambda: memory.revision == "first")
        engine.go_down()
        wait_for_calls(engine, 5)
        engine.change_policy(permit_ben, "second")
        engine.come_back()
        wait_until(lambda: memory.revision == "second")
        watch.stop()
    told = [entry["event"] for entry in logs]
    assert told == [
        "policy.in_force",
        "policy_engine.unavailable",
        "policy.in_force",
        "policy_engine.answers_again",
    ]


def test_the_watch_outlives_an_engine_that_misbehaves(memory: AnswerMemory, engine: FakeEngine) -> None:
    class Misbehaving:
        is_well = False

        def ask(self, documents: Sequence[Document]) -> Verdict:
            if not self.is_well:
                raise PolicyEngineMisbehaved("It answers in riddles.")
            return engine.ask(documents)

    misbehaving = Misbehaving()
    memory = AnswerMemory(misbehaving, render, _STALE_SECONDS)
    watch = RevisionWatch(memory, interval=0.005)
    watch.start()
    time.sleep(0.05)
    misbehaving.is_well = True
    wait_until(lambda: memory.revision == "first")
    watch.stop()


def test_a_watch_that_is_stopped_asks_no_more(memory: AnswerMemory, engine: FakeEngine) -> None:
    before = set(threading.enumerate())
    watch = RevisionWatch(memory, interval=0.005)
    watch.start()
    wait_for_calls(engine, 1)
    watch.stop()
    calls = engine.calls
    time.sleep(0.05)
    assert engine.calls == calls
    assert set(threading.enumerate()) <= before


# where an answer comes from


def sources(memory: AnswerMemory, clock: Clock, *documents: Document) -> list[str]:
    return memory.answers(documents, [encoded(document) for document in documents], clock())[1]


def test_each_answer_says_whether_it_was_remembered_or_asked_for(memory: AnswerMemory, clock: Clock) -> None:
    assert sources(memory, clock, ANN) == ["opa"]
    assert sources(memory, clock, ANN, BEN, ANN) == ["memory", "opa", "memory"]
    assert sources(memory, clock, BEN, ANN) == ["memory", "memory"]


def test_what_is_remembered_of_an_engine_that_is_silent_says_so(memory: AnswerMemory, clock: Clock) -> None:
    assert sources(memory, clock, ANN) == ["opa"]
    clock.now += 0.9
    assert sources(memory, clock, ANN) == ["memory"]
    clock.now += 0.2
    assert sources(memory, clock, ANN) == ["stale_memory"]
    memory.confirm()
    assert sources(memory, clock, ANN) == ["memory"]


def test_what_is_never_remembered_is_always_asked_for(forgetful: AnswerMemory, clock: Clock) -> None:
    assert [sources(forgetful, clock, ANN) for _ in range(2)] == [["opa"], ["opa"]]


def test_the_age_of_the_revision_and_of_its_confirmation_are_told(engine: FakeEngine, clock: Clock) -> None:
    tally = Tally(clock=clock)
    memory = AnswerMemory(engine, render, _STALE_SECONDS, clock, tally=tally)
    assert tally.totals().gauge(CONFIRMED_AGE) == [1e9]
    memory.confirm()
    clock.now += 3
    assert (tally.totals().gauge(CONFIRMED_AGE), tally.totals().gauge(IN_FORCE_AGE)) == ([3], [3])
    engine.change_policy(permit_ann, "second")
    clock.now += 4
    memory.confirm()
    clock.now += 1
    assert (tally.totals().gauge(CONFIRMED_AGE), tally.totals().gauge(IN_FORCE_AGE)) == ([1], [1])

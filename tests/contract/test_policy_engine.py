"""What a policy engine does: the same tests on the fake, so that others may rely on it, and on a real OPA."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from authz_service.decision.protocols import PolicyEngine
from authz_service.errors import PolicyEngineMisbehaved, PolicyEngineUnavailable
from authz_service.opa.command import SERVER
from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.questions import Answer, Document, Json
from tests.fakes.engine import FakeEngine, answer
from tests.processes import wait_until

_PATIENCE_SECONDS = 30.0

_REGO = """\
package authz.decision

answer := {
	"allow": input.subject %s "ann",
	"reasons": [{"code": "rule", "cites": ["FACT-1"], "message": {"en": json.marshal(input)}}],
	"route": null,
	"requires": [],
	"effects": [],
}
"""
_SCHEMA = {"anyOf": [{"properties": {"subject": {"enum": ["ann", "ben"]}}}]}

ANN: Document = {"subject": "ann"}
BEN: Document = {"subject": "ben"}


def _judge(document: Document, permitted: Callable[[Json], bool]) -> Answer | None:
    """The same policy as a function."""
    if "subject" not in document:
        return None
    return answer(permitted(document["subject"]), json.dumps(document))


class World(NamedTuple):
    """An engine that permits Ann alone, and what can happen to it."""

    engine: PolicyEngine
    permit_all_but_ann: Callable[[], None]
    go_down: Callable[[], None]


Open = Callable[[], AbstractContextManager[World]]


@contextmanager
def _fake() -> Iterator[World]:
    engine = FakeEngine(partial(_judge, permitted=lambda subject: subject == "ann"))
    all_but_ann = partial(_judge, permitted=lambda subject: subject != "ann")
    yield World(engine, lambda: engine.change_policy(all_but_ann, "second"), engine.go_down)


@contextmanager
def _real(opa: Path, folder: Path) -> Iterator[World]:
    rule = folder / "bundle" / "authz" / "decision.rego"
    rule.parent.mkdir(parents=True)
    rule.write_text(_REGO % "==")
    (folder / "schemas").mkdir()
    (folder / "schemas" / "input.json").write_text(json.dumps(_SCHEMA))
    with ExitStack() as running:
        supervised = running.enter_context(SupervisedOpa(opa, folder))
        with closing(OpaEngine(supervised.url, timeout=0.5)) as engine:

            def permit_all_but_ann() -> None:
                rule.write_text(_REGO % "!=")

            yield World(engine, permit_all_but_ann, running.close)


@pytest.fixture(params=["fake", "opa"], scope="module")
def open_world(request: pytest.FixtureRequest, opa: Path, tmp_path_factory: pytest.TempPathFactory) -> Open:
    return _fake if request.param == "fake" else lambda: _real(opa, tmp_path_factory.mktemp("contract"))


@pytest.fixture(scope="module")
def world(open_world: Open) -> Iterator[World]:
    """For the tests that leave it as it is."""
    with open_world() as world:
        yield world


@pytest.fixture
def harmed(open_world: Open) -> Iterator[World]:
    with open_world() as world:
        yield world


def allowed(engine: PolicyEngine, documents: Sequence[Document]) -> list[bool]:
    return [given.allow for given in engine.ask(documents).answers]


def test_the_answers_are_in_the_order_of_the_documents(world: World) -> None:
    assert allowed(world.engine, [ANN, BEN, BEN, ANN]) == [True, False, False, True]


def test_an_answer_is_all_that_the_policy_says(world: World) -> None:
    [given] = world.engine.ask([ANN]).answers
    assert given == answer(allow=True, said=given.reasons[0].message["en"])


def test_no_documents_are_answered_by_the_revision_alone(world: World) -> None:
    verdict = world.engine.ask(())
    assert verdict.revision
    assert verdict.answers == ()
    assert verdict.revision == world.engine.ask([ANN]).revision


def test_thousands_of_documents_are_answered_at_once(world: World) -> None:
    documents = [ANN, BEN, BEN] * 1000
    assert allowed(world.engine, documents) == [True, False, False] * 1000


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param(False, id="false"),
        pytest.param(0, id="zero"),
        pytest.param("", id="empty string"),
        pytest.param([], id="empty list"),
        pytest.param({}, id="empty object"),
        pytest.param("Zoë d'Œuvre 猫 \U0001f600 \u202e", id="unicode"),
        pytest.param("\x00\x1f\x7f\n\"\\/<script>&'", id="control characters"),
        pytest.param("e\u0301 is not \u00e9", id="not normalised"),
        pytest.param(2**53 + 1, id="beyond a double's integers"),
        pytest.param(-(2**63) - 1, id="beyond 64 bits"),
        pytest.param(10**300, id="300 digits"),
        pytest.param(0.1, id="fraction"),
        pytest.param(-1.5e-7, id="small fraction"),
        pytest.param([[{"a": [None, {"b": [True]}]}], "c", 1], id="nested"),
        pytest.param({"subject": "ben", "input": {"documents": []}, "": ""}, id="members that mean something"),
    ],
)
def test_what_is_in_a_document_reaches_the_policy_unchanged(world: World, value: Json) -> None:
    document: Document = {"subject": "ann", "value": value}
    [given] = world.engine.ask([document]).answers
    assert json.loads(given.reasons[0].message["en"]) == document


def test_a_document_of_which_the_policy_says_nothing_is_no_denial(world: World) -> None:
    with pytest.raises(PolicyEngineMisbehaved):
        world.engine.ask([ANN, {}])


def test_the_engine_goes_on_after_a_document_of_which_the_policy_says_nothing(world: World) -> None:
    with pytest.raises(PolicyEngineMisbehaved):
        world.engine.ask([{}])
    assert allowed(world.engine, [ANN]) == [True]


def test_a_changed_policy_gives_other_answers_under_another_revision(harmed: World) -> None:
    before = harmed.engine.ask([ANN, BEN])
    harmed.permit_all_but_ann()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (after := harmed.engine.ask([ANN, BEN])).revision == before.revision:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert [given.allow for given in before.answers] == [True, False]
    assert [given.allow for given in after.answers] == [False, True]


def test_one_revision_gives_all_answers_also_while_the_policy_changes(harmed: World) -> None:
    first = harmed.engine.ask(()).revision
    harmed.permit_all_but_ann()
    verdicts = [harmed.engine.ask([ANN] * 200)]
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while verdicts[-1].revision == first and time.monotonic() < deadline:
        verdicts.append(harmed.engine.ask([ANN] * 200))
    assert verdicts[-1].revision != first
    for verdict in verdicts:
        assert {given.allow for given in verdict.answers} == {verdict.revision == first}


@pytest.mark.parametrize("documents", [[ANN], []], ids=["a document", "no document"])
def test_an_engine_that_is_down_gives_no_answer(harmed: World, documents: list[Document]) -> None:
    harmed.engine.ask([ANN])
    harmed.go_down()
    with pytest.raises(PolicyEngineUnavailable):
        harmed.engine.ask(documents)


@contextmanager
def _fake_without_a_policy() -> Iterator[PolicyEngine]:
    engine = FakeEngine(partial(_judge, permitted=lambda _: True))
    engine.lose_policy()
    yield engine


@contextmanager
def _opa_without_a_policy(opa: Path, socket: Path) -> Iterator[PolicyEngine]:
    command: list[str | Path] = [opa, *SERVER, "--addr", f"unix://{socket}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            with closing(OpaEngine(f"unix://{socket}")) as engine:
                wait_until(partial(_is_there, engine))
                yield engine
        finally:
            process.terminate()


def _is_there(engine: PolicyEngine) -> bool:
    # Its socket is there a little before it listens.
    try:
        with suppress(PolicyEngineMisbehaved):
            engine.ask([])
    except PolicyEngineUnavailable:
        return False
    return True


@pytest.mark.parametrize("which", ["fake", "opa"])
def test_without_a_policy_there_is_no_answer_not_even_to_nothing(which: str, opa: Path, tmp_path: Path) -> None:
    opened = _fake_without_a_policy() if which == "fake" else _opa_without_a_policy(opa, tmp_path / "opa.sock")
    with opened as engine:
        for documents in ([], [ANN]):
            with pytest.raises(PolicyEngineMisbehaved):
                engine.ask(documents)

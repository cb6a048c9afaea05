"""What no suite asks, and implementations have had wrong; some of it is tested with the lines of the checklist."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from flask import Flask, Response, request
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.serving import make_server

from authz_service.opa.engine import OpaEngine
from authz_service.questions import Answer, Document
from tests.conformance.pdp import (
    EVALUATION,
    EVALUATIONS,
    JSON,
    PATHS,
    SEARCH,
    SEMANTICS,
    SOUGHT,
    SPACESHIP,
    Body,
    Pdp,
    Remake,
    decisions,
    ids,
    is_broken,
)
from tests.fakes.engine import FakeEngine, answer
from tests.serving import serving
from tests.web.asking import changed, faulty_members, problem

OBJECTS = ["subject", "action", "resource"]
REQUIRED = [*OBJECTS, "subject.type", "subject.id", "action.name", "resource.type", "resource.id"]
OPTIONAL = [*(f"{part}.properties" for part in OBJECTS), "context"]


@pytest.mark.parametrize(
    "twice",
    [
        '"subject": {"type": "user", "id": "alice", "id": "bob"}',
        '"subject": {"type": "user", "id": "alice", "\\u0069d": "bob"}',
        '"action": {"name": "read"}, "action": {"name": "write"}',
        '"resource": {"type": "a", "id": "b", "properties": {"status": "active", "status": "archived"}}',
        '"evaluations": [], "evaluations": [{}]',
        '"options": {"evaluations_semantic": "execute_all", "evaluations_semantic": "execute_all"}',
        '"page": {"limit": 1, "limit": 2}',
    ],
)
def test_extra_02_a_member_that_is_there_twice_is_refused(pdp: Pdp, twice: str) -> None:
    for path in PATHS:
        response = pdp.client.post(path, data=f"{{{twice}}}", content_type=JSON)
        assert faulty_members(response) == ["body"]
        assert "repeated member" in response.text


@pytest.mark.parametrize("member", [*REQUIRED, *OPTIONAL])
def test_extra_03_each_member_as_null_at_the_top_and_in_an_evaluation(pdp: Pdp, member: str) -> None:
    with_null = changed(pdp.known.permitted, member, None)
    [alone] = pdp.evaluate([with_null])
    [among_defaults] = pdp.evaluate([with_null], **pdp.known.permitted)
    assert alone == among_defaults
    if member in OPTIONAL:
        assert pdp.decision(with_null)
        assert decisions([alone]) == [True]
    else:
        assert faulty_members(pdp.post(EVALUATION, with_null)) == [member]
        assert is_broken(alone)
    # As a default that nothing inherits, a null disturbs nothing.
    assert decisions(pdp.evaluate([{**pdp.known.permitted, "context": {}}], **with_null)) == [True]


@pytest.mark.parametrize("member", OPTIONAL)
@pytest.mark.parametrize("value", [[], [{}], "text", "", 5, 0, 1.5, True, False])
def test_extra_04_properties_and_context_of_another_type(pdp: Pdp, member: str, value: object) -> None:
    broken = changed(pdp.known.permitted, member, value)
    assert faulty_members(pdp.post(EVALUATION, broken)) == [member]
    answers = pdp.evaluate([{}, broken], **pdp.known.permitted)
    assert [is_broken(each) for each in answers] == [False, True]


@pytest.mark.parametrize("part", OBJECTS)
@pytest.mark.parametrize("broken", [{}, {"type": "user"}, {"id": 5}, {"name": []}, {"properties": []}])
def test_extra_05_a_broken_default_breaks_the_items_that_inherit_it_alone(pdp: Pdp, part: str, broken: Body) -> None:
    own = {part: pdp.known.permitted[part]}
    for items in ([own, {}, own], [{}, own], [own, {}]):
        answers = pdp.evaluate(items, **{**pdp.known.permitted, part: broken})
        assert [is_broken(each) for each in answers] == [item == {} for item in items]
        assert decisions(answers) == [item == own for item in items]


@pytest.mark.parametrize("semantic", SEMANTICS)
@pytest.mark.parametrize("kinds", ["".join(kinds) for n in (1, 2, 3) for kinds in itertools.product("PDX", repeat=n)])
def test_extra_05_a_broken_item_at_each_place_under_each_semantic(pdp: Pdp, kinds: str, semantic: str) -> None:
    items = {"P": pdp.known.permitted, "D": pdp.known.denied, "X": {"subject": {}}}
    answers = pdp.evaluate([items[kind] for kind in kinds], semantic)
    ends_with = {"execute_all": "", "deny_on_first_deny": "DX", "permit_on_first_permit": "P"}[semantic]
    end = next((n for n, kind in enumerate(kinds, start=1) if kind in ends_with), len(kinds))
    assert "".join("X" if is_broken(each) else "DP"[each["decision"]] for each in answers) == kinds[:end]


def not_in_the_app(document: Document) -> Answer:
    """A policy that reads the context, as the shipped one does for becoming administrator."""
    context = document["context"]
    return answer(allow=not (isinstance(context, dict) and context.get("channel") == "app"))


def test_extra_06_the_context_of_an_evaluation_replaces_the_default(
    telecom: Pdp, scenarios: Pdp, remake: Remake
) -> None:
    becoming = {"action": {"name": "become_administrator"}, "resource": {"type": "customer", "id": "123456789"}}
    reading = remake(scenarios, engine=FakeEngine(not_in_the_app))
    for pdp, asked in ((telecom, {**telecom.known.permitted, **becoming}), (reading, scenarios.known.permitted)):
        contexts = [{}, {"channel": "web"}, {"other": "app"}, {"channel": "app"}, {"channel": None}, None]
        items = [{}, *({"context": context} for context in contexts)]
        wanted = [False, True, True, True, False, True, True]
        assert decisions(pdp.evaluate(items, **asked, context={"channel": "app"})) == wanted
        assert decisions(pdp.evaluate(items, **asked)) == [True, *wanted[1:]]


def test_extra_07_evaluations_that_share_ids_and_differ_elsewhere(telecom: Pdp, scenarios: Pdp) -> None:
    archived, admin = {"status": "archived"}, {"role": "admin"}
    writing, deleting = scenarios.known.permitted, scenarios.known.by_properties
    activating = telecom.known.by_properties
    for pdp, items in (
        (
            scenarios,
            {
                "as it is": (writing, True),
                "archived": (changed(writing, "resource.properties", archived), False),
                "by an administrator": (changed(writing, "subject.properties", admin), True),
                "both": (changed(changed(writing, "resource.properties", archived), "subject.properties", admin), True),
                "by another type": (changed(writing, "subject.type", "identity"), False),
                "of another type": (changed(writing, "resource.type", "route"), False),
                "softly": (deleting, True),
                "not softly": (changed(deleting, "action.properties", {"soft": False}), False),
                "in a context": (changed(writing, "context", archived), True),
                "as it was": (writing, True),
            },
        ),
        (
            telecom,
            {
                "as it is": (activating, True),
                "at a price": (changed(activating, "action.properties", {"option": "extra-data-5gb"}), False),
                "of no option": (changed(activating, "action.properties", {}), False),
                "by another type": (changed(activating, "subject.type", "robot"), False),
                "of another type": (changed(activating, "resource.type", "customer"), False),
                "with a claim": (changed(activating, "subject.properties", {"role": "administrator"}), True),
                "in a context": (changed(activating, "context", {"channel": "app"}), True),
                "in no context": (changed(activating, "context", {"channel": "telephone"}), False),
                "as it was": (activating, True),
            },
        ),
    ):
        answers = pdp.evaluate([asked for asked, _ in items.values()])
        assert dict(zip(items, decisions(answers), strict=True)) == {
            name: wanted for name, (_, wanted) in items.items()
        }


def questions(pdp: Pdp) -> st.SearchStrategy[Any]:
    """Items about what the domain knows and what it does not, some of them no questions."""
    kinds = [pdp.known.permitted, pdp.known.denied, *pdp.known.searches.values()]
    members = {
        part: [kind[part] for kind in kinds if part in kind] + [{"type": SPACESHIP, "id": ""}, {"name": SPACESHIP}, 5]
        for part in OBJECTS
    }
    members["action"].append(pdp.known.by_properties["action"])
    asked = st.fixed_dictionaries({}, optional={part: st.sampled_from(values) for part, values in members.items()})
    return st.one_of(asked, asked, asked, st.sampled_from([None, "text", []]))


@settings(deadline=None, max_examples=60, database=None)
@given(data=st.data())
def test_extra_08_evaluations_are_answered_as_each_alone(pdp: Pdp, data: st.DataObject) -> None:
    items = data.draw(st.lists(questions(pdp), min_size=1, max_size=6))
    answers = pdp.evaluate(items, **pdp.known.permitted)
    for item, answered in zip(items, answers, strict=True):
        asked = {**pdp.known.permitted, **item} if isinstance(item, dict) else item
        alone = pdp.post(EVALUATION, asked)
        assert answered == alone.get_json() if alone.status_code == 200 else is_broken(answered)


@pytest.mark.parametrize("context", [..., {}, {"channel": "web", "soft": True, "role": "admin"}])
@pytest.mark.parametrize("sought", SOUGHT)
def test_extra_09_a_search_finds_what_asking_about_every_candidate_does(pdp: Pdp, sought: str, context: object) -> None:
    candidates = pdp.known.candidates[sought]
    answers = pdp.evaluate([changed(pdp.about(sought, each), "context", context) for each in candidates])
    permitted = sorted(each for each, answered in zip(candidates, answers, strict=True) if answered["decision"])
    assert 1 < len(permitted) < len(candidates)
    asked = changed(pdp.known.searches[sought], "context", context)
    for limit in range(1, len(permitted) + 2):
        found: list[str] = []
        token = ""
        while token or not found:
            body = pdp.succeed(SEARCH + sought, {**asked, "page": {"limit": limit, "token": token}})
            found += ids(body)
            token = body["page"]["next_token"]
        assert found == permitted


ANSWER = {
    "allow": True,
    "reasons": [{"code": "a", "cites": ["A-1"], "message": {"en": "A."}}],
    "route": None,
    "requires": [],
    "effects": [],
}


def verdict(*answers: object) -> str:
    """What an OPA with the policy of a domain says."""
    return json.dumps({"result": {"revision": "first", "answers": answers}})


Say = Callable[[int], str]
"""What an engine says to so many documents."""
Answering = Callable[[Say, int, float], str]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Starts something in place of OPA, which says that with this status after that many seconds."""
    with ExitStack() as started:

        def start(say: Say, status: int, seconds: float) -> str:
            is_over = threading.Event()

            def answer(path: str) -> Response:
                is_over.wait(seconds)
                return Response(say(len(request.get_json()["input"]["documents"])), status, content_type=JSON)

            app = Flask("no OPA")
            app.add_url_rule("/<path:path>", view_func=answer, methods=["POST"])
            address = started.enter_context(serving(make_server("127.0.0.1", 0, app, threaded=True)))
            started.callback(is_over.set)
            return address

        yield start


def each(given: object) -> Say:
    """That answer to each document."""
    return lambda documents: verdict(*[given] * documents)


def always(text: str) -> Say:
    return lambda _: text


def only_the_revision(text: str) -> Say:
    """That text, where there are documents at all."""
    return lambda documents: text if documents else verdict()


@pytest.mark.parametrize(
    ("say", "status", "seconds"),
    [
        *(
            pytest.param(each({**ANSWER, "allow": given}), 200, 0, id=repr(given))
            for given in ("true", 1, None, [True])
        ),
        pytest.param(each({"allow": True}), 200, 0, id="nothing but allow"),
        pytest.param(each("true"), 200, 0, id="no object"),
        pytest.param(lambda documents: verdict(*[ANSWER] * (documents + 1)), 200, 0, id="one too many"),
        pytest.param(only_the_revision(verdict()), 200, 0, id="undefined"),
        *(
            pytest.param(made(text), 200, 0, id=f"{made.__name__} {text}")
            for made in (always, only_the_revision)
            for text in ('{"result": true}', '{"result": {"decision": true}}', "{}", "true", "no JSON", "")
        ),
        pytest.param(each(ANSWER), 500, 0, id="failing"),
        pytest.param(each(ANSWER), 200, 5, id="slow"),
    ],
)
def test_extra_14_an_engine_that_is_slow_or_answers_something_else_never_makes_a_permit(
    pdp: Pdp, remake: Remake, answering: Answering, say: Say, status: int, seconds: float
) -> None:
    with closing(OpaEngine(answering(say, status, seconds), timeout=0.5 if seconds == 0 else 0.05)) as engine:
        made = remake(pdp, engine=engine)
        for path, asked in pdp.calls.items():
            problem(made.post(path, asked), 503)


def test_extra_14_an_engine_that_is_away_never_makes_a_permit(
    pdp: Pdp, remake: Remake, free_port: Callable[[], int]
) -> None:
    with closing(OpaEngine(f"http://127.0.0.1:{free_port()}", timeout=0.05)) as engine:
        made = remake(pdp, engine=engine)
        for path, asked in pdp.calls.items():
            problem(made.post(path, asked), 503)


def test_extra_14_an_engine_that_answers_right_does(pdp: Pdp, remake: Remake, answering: Answering) -> None:
    with closing(OpaEngine(answering(each(ANSWER), 200, 0), timeout=0.5)) as engine:
        made = remake(pdp, engine=engine)
        assert made.decision(pdp.known.denied)
        assert decisions(made.evaluate([pdp.known.denied, pdp.known.permitted])) == [True, True]


@pytest.mark.parametrize("semantic", SEMANTICS)
def test_extra_15_the_same_batch_has_the_same_bytes(pdp: Pdp, semantic: str) -> None:
    items = [pdp.known.permitted, {}, pdp.known.by_properties, None, pdp.known.denied]
    body = {"evaluations": items, "options": {"evaluations_semantic": semantic}}
    responses = [pdp.post(EVALUATIONS, body) for _ in range(3)]
    assert len({response.data for response in responses}) == 1

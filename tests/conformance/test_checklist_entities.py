"""Checklist A: versions, entities, and JSON in general."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from authz_service.questions import Answer, Document
from tests.conformance.pdp import (
    EVALUATION,
    EVALUATIONS,
    JSON,
    METADATA,
    PATHS,
    SEARCH,
    SOUGHT,
    Body,
    Pdp,
    Remake,
    decisions,
    is_broken,
)
from tests.fakes.engine import FakeEngine, answer
from tests.web.asking import changed, faulty_members, problem

ENTITIES = ["subject", "resource"]
OBJECTS = [*ENTITIES, "action"]
STRINGS = ["subject.type", "subject.id", "resource.type", "resource.id", "action.name"]
OPTIONAL = [*(f"{part}.properties" for part in OBJECTS), "context"]
NO_OBJECT: list[object] = ["text", 5, True, [], [{}]]
NO_STRING: list[object] = [5, 1.5, True, [], ["text"], {}]
ANYTHING: list[object] = [
    None,
    True,
    0,
    -1.5,
    1e22,
    10**30,
    "",
    "é\0\N{GRINNING FACE}",
    [],
    [None, [{}]],
    {},
    {"": [1]},
]


def needs(path: str, member: str) -> bool:
    """Whether a call has that member as one of the protocol: a search ignores part of what it looks for."""
    sought = path.removeprefix(SEARCH)
    part, _, rest = member.partition(".")
    return part != sought or (part != "action" and rest in {"", "type"})


def test_a1_every_api_answers_json_to_json(pdp: Pdp) -> None:
    assert list(pdp.calls) == list(PATHS)
    for path, body in pdp.calls.items():
        response = pdp.client.post(path, data=json.dumps(body), content_type=JSON)
        assert (response.status_code, response.content_type) == (200, JSON), path


def test_a2_every_endpoint_has_v1_in_its_path(pdp: Pdp) -> None:
    metadata: Body = pdp.client.get(METADATA).get_json()
    paths = [urlsplit(url).path for name, url in metadata.items() if name.endswith("_endpoint")]
    assert sorted(paths) == sorted(PATHS)
    assert all("v1" in path.split("/") for path in paths)


@pytest.mark.parametrize("part", ENTITIES)
def test_a3_a_subject_or_resource_has_a_type_and_an_id_and_may_have_properties(pdp: Pdp, part: str) -> None:
    asked = pdp.known.permitted
    assert asked[part].keys() == {"type", "id"}
    assert pdp.decision(asked)
    assert pdp.decision(changed(asked, f"{part}.properties", {}))
    assert pdp.decision(changed(asked, f"{part}.properties", {"colour": "blue"}))
    for member in ("type", "id"):
        assert not pdp.decision(changed(asked, f"{part}.{member}", ""))


def test_a4_an_action_has_a_name_and_may_have_properties(pdp: Pdp) -> None:
    asked = pdp.known.permitted
    assert asked["action"].keys() == {"name"}
    assert pdp.decision(asked)
    assert pdp.decision(changed(asked, "action.properties", {}))
    assert pdp.decision(changed(asked, "action.properties", {"colour": "blue"}))
    assert not pdp.decision(changed(asked, "action.name", ""))


@pytest.mark.parametrize("context", [{}, {"time": "2026-01-11T18:03-07:00"}, {"a": {"b": [1, {"c": None}]}}])
def test_a5_a_context_is_any_object(pdp: Pdp, context: Body) -> None:
    for path, body in pdp.calls.items():
        assert pdp.succeed(path, {**body, "context": context}) == pdp.succeed(path, body)


@pytest.mark.parametrize("value", ANYTHING)
def test_a6_properties_and_context_hold_anything(pdp: Pdp, value: object) -> None:
    asked = pdp.known.permitted
    for place in OPTIONAL:
        asked = changed(asked, place, {"anything": value})
    assert pdp.decision(asked)
    assert decisions(pdp.evaluate([asked])) == [True]


@pytest.mark.parametrize("value", ANYTHING)
def test_a6_the_policy_gets_what_was_sent(scenarios: Pdp, remake: Remake, value: object) -> None:
    asked = scenarios.known.permitted
    for place in OPTIONAL:
        asked = changed(asked, place, {"anything": value})
    asked_about, pdp = listening(scenarios, remake)
    assert pdp.decision(asked)
    assert pdp.evaluate([{}, asked], **asked)
    # In a search, properties of what is sought are left out.
    assert pdp.succeed(f"{SEARCH}resource", {**asked, "resource": {"type": "todo"}})
    wanted = [asked, {**asked, "resource": {"type": "todo", "id": "todo-1", "properties": {}}}]
    assert [as_sent(document) for document in asked_about] == [as_sent(wanted[n]) for n in (0, 0, 1)]


@pytest.mark.parametrize("body", [[], [{}], "text", 5, 1.5, True, None])
def test_a7_a_body_is_an_object(pdp: Pdp, body: object) -> None:
    for path in PATHS:
        response = pdp.client.post(path, data=json.dumps(body), content_type=JSON)
        assert faulty_members(response) == ["body"]


def test_a7_an_answer_is_an_object_be_it_an_error(pdp: Pdp) -> None:
    for path, body in pdp.calls.items():
        answered = [
            pdp.post(path, body),
            pdp.post(path, []),
            pdp.client.post(path, json=body, headers={"Authorization": "Bearer wrong"}),
            pdp.client.put(path, json=body),
            pdp.post(f"{path}/nowhere", body),
        ]
        assert [response.status_code for response in answered] == [200, 400, 401, 405, 404]
        assert all(isinstance(response.get_json(), dict) for response in answered)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *((member, ...) for member in [*OBJECTS, *STRINGS]),
        *((member, value) for member in [*OBJECTS, *OPTIONAL] for value in NO_OBJECT),
        *((member, value) for member in STRINGS for value in NO_STRING),
    ],
)
def test_a8_a_member_that_is_missing_or_of_another_type_is_refused(pdp: Pdp, member: str, value: object) -> None:
    asked = dict(pdp.calls)
    asked[EVALUATIONS] = pdp.known.permitted
    for path, body in asked.items():
        if needs(path, member):
            assert faulty_members(pdp.post(path, changed(body, member, value))) == [member]


UNKNOWN: Body = {"type": 5, "id": [], "name": {}, "properties": "none", "channel": "app", "soft": True, "role": "admin"}


def with_unknown(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same with members that the protocol does not know, in every object of the protocol."""
    if isinstance(value, list):
        return [with_unknown(item) for item in value]
    if not isinstance(value, dict):
        return value
    known = {name: held if name == "properties" else with_unknown(held) for name, held in value.items()}
    return {"_note": UNKNOWN, "status": "archived", **known, "ownerID": UNKNOWN}


def test_a9_members_that_are_not_known_are_ignored_everywhere(pdp: Pdp) -> None:
    for path, body in pdp.calls.items():
        assert pdp.succeed(path, with_unknown(body)) == pdp.succeed(path, body)
    paged = {**pdp.calls[f"{SEARCH}resource"], "page": {"limit": 1, "properties": {}}}
    assert pdp.succeed(f"{SEARCH}resource", with_unknown(paged))["results"]
    options = {"evaluations_semantic": "deny_on_first_deny"}
    batch = {"evaluations": [pdp.known.denied, pdp.known.permitted], "options": options}
    assert pdp.succeed(EVALUATIONS, with_unknown(batch)) == pdp.succeed(EVALUATIONS, batch)


def test_a9_members_that_are_not_known_never_reach_the_policy(scenarios: Pdp, remake: Remake) -> None:
    asked_about, pdp = listening(scenarios, remake)
    asked = scenarios.known.by_properties
    assert pdp.decision(with_unknown(asked))
    assert pdp.evaluate([{}], **with_unknown(asked))
    empty: Body = {"properties": {}}
    wanted = {"context": {}, "subject": {**asked["subject"], **empty}, "resource": {**asked["resource"], **empty}}
    assert asked_about == [{**asked, **wanted}] * 2


def turned(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same with the members of every object the other way round."""
    if isinstance(value, list):
        return [turned(item) for item in value]
    return {name: turned(held) for name, held in reversed(value.items())} if isinstance(value, dict) else value


def test_a10_the_order_of_members_means_nothing(pdp: Pdp) -> None:
    batch = {**pdp.known.by_properties, "evaluations": [{}, pdp.known.denied], "options": {"a": 1}}
    for path, body in [*pdp.calls.items(), (EVALUATION, pdp.known.by_properties), (EVALUATIONS, batch)]:
        assert json.dumps(turned(body)) != json.dumps(body)
        assert pdp.post(path, turned(body)).data == pdp.post(path, body).data


TWICE = ['"x": 1, "x": 1', '"x": "@", "\\u0078": 2', '"x": {"y": 1, "y": 2}', '"": 1, "": 2']
NO_JSON = [
    *(f'"x": {value}' for value in ("NaN", "Infinity", "-Infinity", "1e400", "1" * 400, "01", "+1", ".5", "'x'", "")),
    *(f'"x": "{half}"' for half in ("\\ud800", "\\udc00", "\\udc00\\ud800", "\\uD83D\\u0041")),
    '"\\ud800": 1',
]


def with_raw(body: Body, raw: str) -> bytes:
    """The call with these members in its context, as they are."""
    text = json.dumps({**body, "context": {"x": "@"}})
    assert text.count('"x": "@"') == 1
    return text.replace('"x": "@"', raw).encode()


@pytest.mark.parametrize("raw", [*TWICE, *NO_JSON])
def test_a11_and_i5_json_of_more_than_one_meaning_or_none_is_refused(pdp: Pdp, raw: str) -> None:
    for path, body in pdp.calls.items():
        assert pdp.client.post(path, data=with_raw(body, '"x": "@"'), content_type=JSON).status_code == 200
        assert faulty_members(pdp.client.post(path, data=with_raw(body, raw), content_type=JSON)) == ["body"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_a11_a_body_is_utf_8(pdp: Pdp, encoding: str) -> None:
    for path, body in pdp.calls.items():
        data = json.dumps({**body, "context": {"x": "é"}}, ensure_ascii=False).encode(encoding)
        assert faulty_members(pdp.client.post(path, data=data, content_type=JSON)) == ["body"]


@pytest.mark.parametrize("member", [*OPTIONAL, "page", "page.limit", "page.token", "page.properties", "options"])
def test_a12_an_optional_null_is_as_if_left_out(pdp: Pdp, member: str) -> None:
    for path, body in pdp.calls.items():
        if needs(path, member):
            assert pdp.succeed(path, changed(body, member, None)) == pdp.succeed(path, body)


@pytest.mark.parametrize("member", [*OBJECTS, *STRINGS])
def test_a12_a_required_null_is_missing(pdp: Pdp, member: str) -> None:
    for path, body in pdp.calls.items():
        if path != EVALUATIONS and needs(path, member):
            assert faulty_members(pdp.post(path, changed(body, member, None))) == [member]
    assert is_broken(pdp.evaluate([changed(pdp.known.permitted, member, None)])[0])


def protocol_members(body: Body) -> Iterator[object]:
    """Every value in an answer that the protocol names; what is in a context is the domain's own."""
    for name, value in body.items():
        yield value
        if name in {"page", "results", "evaluations"}:
            for held in value if isinstance(value, list) else [value]:
                yield from protocol_members(held)


def test_a12_no_member_of_the_protocol_is_null_in_an_answer(pdp: Pdp) -> None:
    strange = changed(pdp.known.permitted, "subject.id", "nobody")
    answers = [pdp.succeed(path, body) for path, body in pdp.calls.items()]
    answers += [pdp.succeed(EVALUATION, strange), pdp.succeed(EVALUATIONS, {"evaluations": [strange, {}, None]})]
    answers += [problem(pdp.post(path, {}), 400) for path in PATHS]
    for body in answers:
        assert None not in list(protocol_members(body))


@pytest.mark.parametrize("sought", SOUGHT)
def test_a13_a_limit_and_a_count_are_whole_numbers_from_0(pdp: Pdp, sought: str) -> None:
    for limit in (0, 1, 2, 2.0):
        count = pdp.search(sought, page={"limit": limit})["page"]["count"]
        assert (type(count), count) == (int, limit)
    for limit in (-1, 0.5):
        asked = {**pdp.known.searches[sought], "page": {"limit": limit}}
        assert faulty_members(pdp.post(SEARCH + sought, asked)) == ["page.limit"]


def listening(pdp: Pdp, remake: Remake) -> tuple[list[Document], Pdp]:
    """The decision point with a policy that allows everything, and what that is asked about."""
    asked_about: list[Document] = []

    def judge(document: Document) -> Answer:
        asked_about.append(document)
        return answer(allow=True)

    return asked_about, remake(pdp, engine=FakeEngine(judge))


def as_sent(value: object) -> str:
    """The JSON of it, in which true is not 1 and 1 is not 1.0."""
    return json.dumps(value, sort_keys=True)

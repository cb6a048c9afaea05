"""What is wrong with an answer, by the rules that the case files name."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.conformance.cases import Case, Match, RepeatMatch

Body = Mapping[str, Any]
Rule = Callable[[Case, Body, str], str]
"""Says what is wrong, or nothing, with the answer of a service that goes by that URL."""


def what_is_wrong(case: Case, body: Body, url: str) -> str:
    """What is wrong with the body of a 200; empty if nothing is."""
    return wrong_shape(case, body) or _RULES[case.rule](case, body, url)


def wrong_shape(case: Case, body: Body) -> str:
    """What no answer may look like, whatever is expected."""
    if not case.sought:
        return ""
    results, page = body.get("results"), body.get("page")
    if not isinstance(results, list) or not all(isinstance(entity, dict) for entity in results):
        return "`results` is no array of objects"
    if "page" in body and not (isinstance(page, dict) and isinstance(page.get("next_token"), str)):
        return "`page` is no object with a string as `next_token`"
    if case.sought == "action":
        return "" if all(isinstance(entity.get("name"), str) for entity in results) else "a result is no action"
    wanted = (case.request or {}).get(case.sought, {}).get("type")
    return "" if all(entity.get("type") == wanted for entity in results) else "a result is of another type"


def is_same(rule: RepeatMatch, first: Body, second: Body) -> bool:
    """Whether a repeated request was answered the same."""
    match rule:
        case RepeatMatch.DECISION:
            return as_json(first.get("decision")) == as_json(second.get("decision"))
        case RepeatMatch.BODY:
            return _sorted(first) == _sorted(second)
        case RepeatMatch.RESULTS:
            return _without_order(first) == _without_order(second)


def as_json(value: object) -> str:
    """The value as it is sent: unlike in Python, true is not 1 there, and members are in an order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sorted(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _without_order(body: Body) -> str:
    unordered = {**body, "results": sorted(map(_sorted, body.get("results", [])))}
    if isinstance(body.get("page"), dict):
        unordered["page"] = {**body["page"], "next_token": None}
    return _sorted(unordered)


def _is_decision(case: Case, body: Body, _: str) -> str:
    is_right = as_json(body.get("decision")) == as_json(case.expected["decision"])
    return "" if is_right else "the decision is another"


def _is_decision_alone(case: Case, body: Body, url: str) -> str:
    return "there is a member `evaluations`" if "evaluations" in body else _is_decision(case, body, url)


def _are_decisions(case: Case, body: Body, _: str) -> str:
    wanted = [item["decision"] for item in case.expected["evaluations"]]
    return "" if as_json(_decisions(body)) == as_json(wanted) else "the decisions are others"


def _is_one_each(case: Case, body: Body, url: str) -> str:
    return _are_decisions(case, body, url) if _is_full(case, body) else "there is not a decision for each evaluation"


def _are_booleans(case: Case, body: Body, _: str) -> str:
    is_right = _is_full(case, body) and all(isinstance(decision, bool) for decision in _decisions(body))
    return "" if is_right else "there is not a boolean for each evaluation"


def _is_full(case: Case, body: Body) -> bool:
    return len(_decisions(body)) == len((case.request or {})["evaluations"])


def _decisions(body: Body) -> list[object]:
    """The decision of each item, and None for what is none."""
    items = body.get("evaluations")
    if not isinstance(items, list):
        return []
    return [item.get("decision") if isinstance(item, dict) else None for item in items]


def _are_present(case: Case, body: Body, _: str) -> str:
    wanted = Counter(map(_sorted, case.expected["results"]))
    found = Counter(map(_sorted, body["results"]))
    if not wanted:
        return "something is found" if found else ""
    return "an entity is missing" if wanted - found else ""


def _is_exactly(case: Case, body: Body, _: str) -> str:
    """Members and their order as given, where an action's name is all that it has; only results have no order."""
    for name, expected in case.expected.items():
        wanted, found = expected, body.get(name)
        if name == "results":
            wanted, found = sorted(map(as_json, expected)), sorted(map(as_json, body["results"]))
        if as_json(wanted) != as_json(found):
            return f"`{name}` is not exactly that"
    return ""


def _has_page(_case: Case, body: Body, _url: str) -> str:
    return "" if "page" in body else "there is no `page`"


def _is_metadata(_case: Case, body: Body, url: str) -> str:
    if body.get("policy_decision_point") != url:
        return f"`policy_decision_point` is not {url}"
    if "access_evaluation_endpoint" not in body:
        return "`access_evaluation_endpoint` is missing"
    for name, value in body.items():
        if name.endswith("_endpoint") and not (isinstance(value, str) and urlsplit(value).scheme == "https"):
            return f"`{name}` is no https URL"
    capabilities = body.get("capabilities", [])
    if not isinstance(capabilities, list) or not all(isinstance(capability, str) for capability in capabilities):
        return "`capabilities` is no array of strings"
    return _wrong_jwt(body["signed_metadata"], url) if "signed_metadata" in body else ""


def _wrong_jwt(token: object, url: str) -> str:
    """What is wrong with signed metadata, all but the signature: by which key, the protocol does not say."""
    try:
        head, payload, _ = str(token).split(".")
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "===")) for part in (head, payload))
    except ValueError:
        return "`signed_metadata` is no JWT"
    if header.get("alg") in {None, "none"}:
        return "`signed_metadata` is not signed"
    return "" if claims.get("iss") == url else f"`iss` of `signed_metadata` is not {url}"


_RULES: dict[Match, Rule] = {
    Match.DECISION: _is_decision,
    Match.DECISION_ALONE: _is_decision_alone,
    Match.ONE_EACH: _is_one_each,
    Match.UP_TO_TRIGGER: _are_decisions,
    Match.ENTITIES_PRESENT: _are_present,
    Match.PAGE_SHAPE: lambda *_: "",
    Match.NEXT_PAGE_SHAPE: _has_page,
    Match.METADATA: _is_metadata,
    Match.BOOLEANS: _are_booleans,
    Match.EXACTLY: _is_exactly,
    Match.STATUS: lambda *_: "",
}

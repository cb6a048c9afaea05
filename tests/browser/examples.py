"""Decisions for pages to tell of, which a service is asked for as its callers do."""

import json
from collections.abc import Mapping
from functools import cache
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.conftest import TOKEN
from tests.processes import wait_until

_HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
_MARY: Mapping[str, object] = {
    "subject": {"type": "person", "id": "mary.jones"},
    "action": {"name": "view_usage"},
    "resource": {"type": "subscription", "id": "mobile-2002"},
    "context": {"channel": "app"},
}
_TRACYS = {"resource": {"type": "subscription", "id": "mobile-2003"}}
_ASKED: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "yes": ("/v1/decide", _MARY),
    "no": ("/v1/decide", {**_MARY, **_TRACYS}),
    "call": ("/access/v1/evaluations", {**_MARY, "evaluations": [{}, _TRACYS]}),
    "search": ("/access/v1/search/action", _MARY),
}


def where(url: str, path: str) -> str:
    """The address of a page of a service that has decided the examples; in braces one is named for its id."""
    return url + path.format_map(_examples(url))


@cache
def _examples(url: str) -> Mapping[str, str]:
    made = {name: _decision_id(url + path, question) for name, (path, question) in _ASKED.items()}
    # The last one is signed with all before it.
    wait_until(lambda: _is_there(f"{url}/v1/decisions/{made['search']}/proof"))
    return made


def _decision_id(address: str, question: Mapping[str, object]) -> str:
    with urlopen(Request(address, json.dumps(question).encode(), _HEADERS)) as answer:  # noqa: S310 - a service of ours
        return str(answer.headers["Decision-Id"])


def _is_there(address: str) -> bool:
    try:
        with urlopen(Request(address, headers=_HEADERS)):  # noqa: S310 - the same
            return True
    except HTTPError:
        return False

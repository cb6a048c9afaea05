"""Puts cases to a service over HTTP, and says how each went."""

import json
import re
import uuid
from enum import StrEnum
from http import HTTPStatus
from types import TracebackType
from typing import Any, NamedTuple, Self

import requests

from tests.conformance.cases import METADATA, Auth, Case, RepeatMatch
from tests.conformance.rules import Body, as_json, is_same, what_is_wrong, wrong_shape

_AUTH_TYPE = "bearer"
_REQUEST_ID = "X-Request-ID"
_TIMEOUT_SECONDS = 10
_MOST_PAGES = 100
# As the OpenID Foundation's suite sends them.
_HEADERS = {"Accept": "application/json", "Accept-Charset": "utf-8"}
_TOKEN_OF = re.compile(r"<next_token of (\S+)>")
_SAME_AS = re.compile(r"result identical to (\S+)")


class Service(NamedTuple):
    """A running service.

    Attributes:
        address: Where it listens.
        url: What it goes by, in its metadata.
        token: What it takes.
    """

    address: str
    url: str
    token: str


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    KNOWN_FAULT = "known fault of the suite"
    NOT_APPLICABLE = "not applicable"


class Outcome(NamedTuple):
    """How a case went.

    Attributes:
        case: The case.
        verdict: Whether it passed; a known fault is a failure that is the suite's own.
        what: What is wrong, or why the case does not apply.
        got: What the service answered, if that is wrong.
        warning: What it had better do.
    """

    case: Case
    verdict: Verdict
    what: str = ""
    got: str = ""
    warning: str = ""


class _Wrong(Exception):
    """What is wrong with an answer, and the answer."""


class Asker:
    """Asks one service the cases of one suite, in order: some refer to the answers before. A context manager."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update(_HEADERS)
        self._answered: dict[str, Body] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session.close()

    def outcome(self, case: Case) -> Outcome:
        if _AUTH_TYPE in case.not_applicable_for_auth_type:
            return Outcome(case, Verdict.NOT_APPLICABLE, f"not for callers with a {_AUTH_TYPE} token")
        request = self._with_token(case.request)
        if request is None and case.request is not None:
            return Outcome(case, Verdict.NOT_APPLICABLE, "the answer before it has no further page")
        try:
            response = self._ask_all(case, request)
        except _Wrong as error:
            what, got = error.args
            return Outcome(case, Verdict.FAILED, what, f"HTTP {got.status_code} {got.text.strip()}")
        except requests.RequestException as error:
            return Outcome(case, Verdict.FAILED, "there is no answer", str(error))
        header = case.warn_unless_header
        warning = f"there is no header {header}" if header and header not in response.headers else ""
        return Outcome(case, Verdict.PASSED, warning=warning)

    def _with_token(self, request: dict[str, Any] | None) -> dict[str, Any] | None:
        """The request with the token that an answer before has given; None if it gave none."""
        page = (request or {}).get("page")
        wanted = _TOKEN_OF.fullmatch(str(page.get("token"))) if isinstance(page, dict) else None
        if request is None or page is None or wanted is None:
            return request
        token = self._answered.get(wanted[1], {}).get("page", {}).get("next_token")
        return {**request, "page": {**page, "token": token}} if token else None

    def _ask_all(self, case: Case, request: dict[str, Any] | None) -> requests.Response:
        """Asks as often as the case wants; the last response."""
        response, first = self._ask(case, request)
        for _ in range(case.repeat - 1):
            response, again = self._ask(case, request)
            if not is_same(case.repeat_match, first, again):
                raise _Wrong("repeated, it is answered otherwise", response)
        self._answered[case.id] = first
        same_as = _SAME_AS.search(case.note)
        if same_as and not is_same(RepeatMatch.RESULTS, self._answered.get(same_as[1], {}), first):
            raise _Wrong(f"it is not the answer of {same_as[1]}", response)
        return response

    def _ask(self, case: Case, request: dict[str, Any] | None) -> tuple[requests.Response, Body]:
        """The response and its body, in which nothing is wrong; a body of results is of all pages where wanted."""
        response = self._send(case, request)
        if response.status_code not in case.accept_status:
            raise _Wrong("the status is another", response)
        if response.status_code != HTTPStatus.OK:
            return response, {}
        body = _body(response)
        if case.follow_pages and not wrong_shape(case, body):
            body = {**body, "results": self._all_results(case, request or {}, body)}
        if what := what_is_wrong(case, body, self._service.url):
            raise _Wrong(what, response)
        return response, body

    def _all_results(self, case: Case, request: dict[str, Any], body: Body) -> list[object]:
        found: list[object] = []
        page = request.get("page", {})
        for _ in range(_MOST_PAGES):
            found += body["results"]
            token = body.get("page", {}).get("next_token")
            if not token:
                return found
            response = self._send(case, {**request, "page": {**page, "token": token}})
            if response.status_code != HTTPStatus.OK:
                raise _Wrong("there is no next page", response)
            body = _body(response)
            if what := wrong_shape(case, body):
                raise _Wrong(f"on the next page, {what}", response)
        raise _Wrong("the pages do not end", response)

    def _send(self, case: Case, request: dict[str, Any] | None) -> requests.Response:
        headers = {"Content-Type": case.content_type}
        if case.auth is Auth.WRONG:
            headers["Authorization"] = f"Bearer not-{self._service.token}"
        elif case.auth is None and case.endpoint != METADATA:
            headers["Authorization"] = f"Bearer {self._service.token}"
        if case.send_x_request_id:
            headers[_REQUEST_ID] = str(uuid.uuid4())
        body = case.raw_body if request is None else as_json(request)
        response = self._session.request(
            case.method,
            self._service.address + case.endpoint,
            data=None if body is None else body.encode(),
            headers=headers,
            timeout=_TIMEOUT_SECONDS,
            allow_redirects=False,
        )
        if case.send_x_request_id and response.headers.get(_REQUEST_ID) != headers[_REQUEST_ID]:
            raise _Wrong(f"the header {_REQUEST_ID} is not returned", response)
        return response


def _body(response: requests.Response) -> Body:
    if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise _Wrong("the content type is not application/json", response)
    try:
        body = json.loads(response.content)
    except ValueError as error:
        raise _Wrong("the body is no JSON", response) from error
    if not isinstance(body, dict):
        raise _Wrong("the body is no object", response)
    return body

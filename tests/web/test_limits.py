"""Who asks more than its limits allow is told how long to wait, on the quick way and on the other alike."""

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from werkzeug.test import Client

from authz_service.callers.callers import Caller, Limits, token_sha256
from authz_service.questions import Document, Verdict
from authz_service.words import Scope
from tests.conftest import BEARER, TOKEN
from tests.fakes.engine import FakeEngine, answer, says_nothing
from tests.web.asking import CUSTOMER, problem, question
from tests.web.conftest import MakeClient, parts_of
from tests.web.engines import Counting

USUAL = question("mary.jones", "view_usage", "mobile-2002")
SLOW = Limits(0.001, 3)
QUICK_AND_NOT = [
    ("/v1/decide", USUAL),
    ("/access/v1/evaluation", {**USUAL, "context": None}),
    ("/access/v1/evaluations", {**USUAL, "evaluations": [{}] * 50}),
    ("/access/v1/search/action", {"subject": USUAL["subject"], "resource": USUAL["resource"]}),
]


def limited(limits: Limits | None) -> Caller:
    return Caller("limited", token_sha256(TOKEN), frozenset(Scope), limits=limits)


@pytest.mark.parametrize(("path", "body"), QUICK_AND_NOT, ids=lambda value: value if isinstance(value, str) else "")
def test_a_burst_is_answered_and_then_it_is_429(make_client: MakeClient, path: str, body: object) -> None:
    client = make_client(caller=limited(SLOW))
    assert [client.post(path, json=body).status_code for _ in range(3)] == [200] * 3
    response = client.post(path, json=body)
    detail = "This caller asks more than its limits allow; ask again after Retry-After, in seconds."
    assert problem(response, 429)["detail"] == detail
    assert 900 < int(response.headers["Retry-After"]) <= 1_000
    assert "Decision-Id" not in response.headers


def test_all_addresses_count_together_and_each_request_once(make_client: MakeClient) -> None:
    client = make_client(caller=limited(Limits(0.001, 4)))
    assert client.post("/v1/decide", json=USUAL).status_code == 200
    assert client.post("/v1/decide", json=[]).status_code == 400
    assert client.get("/v1/people/mary.jones").status_code == 200
    assert client.post("/access/v1/evaluation", json=USUAL).status_code == 200
    assert client.get(f"/v1/customers/{CUSTOMER}").status_code == 429


def test_a_request_whose_decision_fails_counts_once(make_client: MakeClient) -> None:
    engine = FakeEngine(says_nothing)
    engine.go_down()
    client = make_client(engine=Counting(engine), caller=limited(SLOW))
    statuses = [client.post("/v1/decide", json=USUAL).status_code for _ in range(4)]
    assert statuses == [503, 503, 503, 429]


def test_who_lacks_the_scope_or_a_token_uses_nothing_up(make_client: MakeClient) -> None:
    caller = limited(Limits(0.001, 1))._replace(scopes=frozenset({Scope.DECIDE}))
    client = make_client(caller=caller)
    for _ in range(5):
        assert client.get("/v1/people/mary.jones").status_code == 403
        assert client.post("/v1/decide", json=USUAL, headers={"Authorization": "Bearer x"}).status_code == 401
    assert client.post("/v1/decide", json=USUAL).status_code == 200


def test_what_is_open_to_all_is_not_limited(make_client: MakeClient) -> None:
    client = make_client(caller=limited(Limits(0.001, 1)))
    client.post("/v1/decide", json=USUAL)
    assert {client.get("/healthz").status_code for _ in range(20)} == {200}


@pytest.mark.parametrize("is_quick", [True, False])
def test_only_so_many_are_answered_at_the_same_time(
    make_client: MakeClient,
    is_quick: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Waits(FakeEngine):
        def ask(self, documents: Sequence[Document]) -> Verdict:
            if documents:
                begun.set()
                assert go_on.wait(10)
            return super().ask(documents)

    client = make_client(engine=Waits(lambda _: answer(allow=True)), caller=limited(Limits(concurrent=1)))
    app, answers = client.application, []
    body = USUAL if is_quick else {**USUAL, "context": None}

    def ask() -> int:
        return Client(app).post("/v1/decide", json=body, headers=BEARER).status_code

    thread = threading.Thread(target=lambda: answers.append(ask()))
    thread.start()
    assert begun.wait(10)
    response = client.post("/v1/decide", json=body)
    problem(response, 429)
    assert response.headers["Retry-After"] == "1"
    go_on.set()
    thread.join()
    assert answers == [200]
    assert ask() == 200


class Body(BytesIO):
    """A body that comes when it may, and tells that it is waited for."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.is_waited_for, self.may_come = threading.Event(), threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.is_waited_for.set()
        assert self.may_come.wait(10)
        return super().read(size)


@pytest.mark.parametrize(("path", "body"), QUICK_AND_NOT, ids=lambda value: value if isinstance(value, str) else "")
def test_who_has_to_wait_is_told_so_before_the_body_is_read(make_client: MakeClient, path: str, body: object) -> None:
    client = make_client(caller=limited(Limits(concurrent=1)))
    sent = json.dumps(body).encode()
    headers = [*BEARER.items(), ("Content-Type", "application/json"), ("Content-Length", str(len(sent)))]
    first, second = Body(sent), Body(sent)

    def ask(body: Body) -> int:
        return Client(client.application).post(path, input_stream=body, headers=headers).status_code

    with ThreadPoolExecutor(1) as pool:
        answer_to_first = pool.submit(ask, first)
        assert first.is_waited_for.wait(10)
        assert ask(second) == 429
        assert not second.is_waited_for.is_set()
        first.may_come.set()
        assert answer_to_first.result(10) == 200
    second.may_come.set()
    assert ask(second) == 200


def test_who_has_no_limits_is_counted_nowhere(make_client: MakeClient) -> None:
    client = make_client(caller=limited(None))
    assert {client.post("/v1/decide", json=USUAL).status_code for _ in range(200)} == {200}
    assert not parts_of(client.application).entrance.limiter._files  # noqa: SLF001 - that it is counted nowhere

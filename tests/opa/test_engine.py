"""Only an answer of exactly the right shape is an answer; whatever else a server says is an error."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from authz_service.errors import ConfigurationError, PolicyEngineMisbehaved, PolicyEngineUnavailable
from authz_service.opa.client import Client
from authz_service.opa.engine import OpaEngine, parse_verdict
from authz_service.questions import Answer, Document, Reason, Verdict
from tests.serving import serving

_TIMEOUT_SECONDS = 0.2

REASON: dict[str, Any] = {
    "code": "own_mobile_usage",
    "cites": ["USER-1", "ROLE-2"],
    "message": {"en": "It is your own mobile.", "nl": "Het is uw eigen mobiel."},
}
ANSWER: dict[str, Any] = {"allow": True, "reasons": [REASON], "route": None, "requires": [], "effects": []}
PARSED = Answer(
    allow=True,
    reasons=(Reason(REASON["code"], tuple(REASON["cites"]), REASON["message"]),),
    route=None,
    requires=(),
    effects=(),
)


def body(*answers: object) -> dict[str, Any]:
    return {"result": {"revision": "r1", "answers": list(answers)}}


def without(value: dict[str, Any], member: str) -> dict[str, Any]:
    return {name: held for name, held in value.items() if name != member}


# the shape


def test_a_verdict_has_the_revision_and_the_answers_in_order() -> None:
    denial = ANSWER | {"allow": False}
    assert parse_verdict(body(ANSWER, denial)) == Verdict("r1", (PARSED, PARSED._replace(allow=False)))


def test_a_verdict_may_have_no_answers() -> None:
    assert parse_verdict(body()) == Verdict("r1", ())


def test_an_answer_may_have_a_route_and_what_it_requires_and_effects() -> None:
    given = ANSWER | {"route": "activation_code", "requires": ["web_site"], "effects": ["demote", "notify"]}
    [parsed] = parse_verdict(body(given)).answers
    assert (parsed.route, parsed.requires, parsed.effects) == (
        "activation_code",
        ("web_site",),
        ("demote", "notify"),
    )


def test_what_opa_adds_beside_the_result_is_none_of_our_business() -> None:
    assert parse_verdict(body(ANSWER) | {"decision_id": "1", "metrics": {}}).answers == (PARSED,)


_NO_POLICY = "OPA has no policy of this service loaded"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        # no result
        (None, _NO_POLICY),
        ([], _NO_POLICY),
        ("result", _NO_POLICY),
        ({}, _NO_POLICY),
        ({"Result": body(ANSWER)["result"]}, _NO_POLICY),
        ({"warning": {"code": "api_usage_warning"}}, _NO_POLICY),
        (body(ANSWER) | {"warning": {"code": "api_usage_warning"}}, "a warning, which is no answer"),
        (body(ANSWER) | {"warning": None}, "a warning, which is no answer"),
        # the result
        ({"result": None}, "result: "),
        ({"result": True}, "result: "),
        ({"result": []}, "result: "),
        ({"result": {}}, "result: "),
        ({"result": ANSWER}, "result: "),
        ({"result": {"revision": "r1"}}, "result: "),
        ({"result": {"answers": []}}, "result: "),
        ({"result": {"revision": "r1", "answers": [], "more": 1}}, "result: "),
        ({"result": {"revision": None, "answers": []}}, "result.revision: "),
        ({"result": {"revision": "", "answers": []}}, "result.revision: "),
        ({"result": {"revision": 1, "answers": []}}, "result.revision: "),
        ({"result": {"revision": "r1", "answers": None}}, "result.answers: "),
        ({"result": {"revision": "r1", "answers": {}}}, "result.answers: "),
        ({"result": {"revision": "r1", "answers": "no"}}, "result.answers: "),
        # an answer
        (body(None), "result.answers[0]: "),
        (body("yes"), "result.answers[0]: "),
        (body({}), "result.answers[0]: "),
        (body([ANSWER]), "result.answers[0]: "),
        (body(ANSWER, None), "result.answers[1]: "),
        (body(ANSWER | {"more": 1}), "result.answers[0]: "),
        *[(body(without(ANSWER, member)), "result.answers[0]: ") for member in ANSWER],
        (body(ANSWER | {"allow": None}), "result.answers[0].allow: "),
        (body(ANSWER | {"allow": 1}), "result.answers[0].allow: "),
        (body(ANSWER | {"allow": 0}), "result.answers[0].allow: "),
        (body(ANSWER | {"allow": "true"}), "result.answers[0].allow: "),
        (body(ANSWER | {"allow": ""}), "result.answers[0].allow: "),
        (body(ANSWER | {"allow": [True]}), "result.answers[0].allow: "),
        (body(ANSWER, ANSWER | {"allow": {}}), "result.answers[1].allow: "),
        (body(ANSWER | {"route": ""}), "result.answers[0].route: "),
        (body(ANSWER | {"route": False}), "result.answers[0].route: "),
        (body(ANSWER | {"route": ["web_site"]}), "result.answers[0].route: "),
        *[
            (body(ANSWER | {member: wrong}), f"result.answers[0].{member}: ")
            for member in ("requires", "effects")
            for wrong in (None, "web_site", {"web_site": True}, [None], [1], [""], [["web_site"]])
        ],
        # its reasons
        (body(ANSWER | {"reasons": []}), "result.answers[0].reasons: "),
        (body(ANSWER | {"reasons": None}), "result.answers[0].reasons: "),
        (body(ANSWER | {"reasons": {"0": REASON}}), "result.answers[0].reasons: "),
        (body(ANSWER | {"reasons": "own_mobile_usage"}), "result.answers[0].reasons: "),
        (body(ANSWER | {"reasons": ["own_mobile_usage"]}), "result.answers[0].reasons[0]: "),
        *[
            (body(ANSWER | {"reasons": [REASON, wrong]}), f"result.answers[0].reasons[1]{member}: ")
            for wrong, member in [
                (None, ""),
                ({}, ""),
                (REASON | {"more": 1}, ""),
                *[(without(REASON, member), "") for member in REASON],
                (REASON | {"code": None}, ".code"),
                (REASON | {"code": 1}, ".code"),
                (REASON | {"code": ""}, ".code"),
                (REASON | {"cites": None}, ".cites"),
                (REASON | {"cites": "USER-1"}, ".cites"),
                (REASON | {"cites": {"USER-1": True}}, ".cites"),
                (REASON | {"cites": []}, ".cites"),
                (REASON | {"cites": [1]}, ".cites"),
                (REASON | {"cites": ["USER-1", None]}, ".cites"),
                (REASON | {"cites": [""]}, ".cites"),
                (REASON | {"message": None}, ".message"),
                (REASON | {"message": "It is."}, ".message"),
                (REASON | {"message": ["It is."]}, ".message"),
                (REASON | {"message": {}}, ".message"),
                (REASON | {"message": {"nl": "Zo is het."}}, ".message"),
                (REASON | {"message": {"en": None}}, ".message"),
                (REASON | {"message": {"en": ""}}, ".message"),
                (REASON | {"message": {"en": "It is.", "nl": 1}}, ".message"),
            ]
        ],
    ],
)
def test_any_other_shape_is_refused_and_the_member_named(wrong: object, named: str) -> None:
    with pytest.raises(PolicyEngineMisbehaved) as refusal:
        parse_verdict(wrong)
    assert named in str(refusal.value)


# the server


class Server(ThreadingHTTPServer):
    """Answers as `reply` does, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply: Callable[[_Handler], None] = lambda handler: handler.answer(200, json.dumps(body(ANSWER)))
        self.asked: list[tuple[str, dict[str, str], object]] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """The client has gone, which is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), json.loads(said)))
        self.server.reply(self)

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers), None))
        self.server.reply(self)

    def answer(self, status: int, text: str | bytes, **headers: str) -> None:
        content = text.encode() if isinstance(text, str) else text
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def answer_in_part(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"result": ')

    def log_message(self, *_: object) -> None:
        pass


Reply = Callable[[_Handler], None]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with serving(server):
        yield server
        server.closing.set()


@pytest.fixture
def engine(server: Server) -> Iterator[OpaEngine]:
    with closing(OpaEngine(server.url, _TIMEOUT_SECONDS)) as engine:
        yield engine


def says(text: str | bytes, status: int = 200) -> Reply:
    return lambda handler: handler.answer(status, text)


def says_json(value: object, status: int = 200) -> Reply:
    return says(json.dumps(value), status)


def trickles(handler: _Handler) -> None:
    """Never silent for as long as is waited for, and never done."""
    handler.answer_in_part()
    _send_byte_by_byte(handler, b" " * 100)


def trickles_its_head(handler: _Handler) -> None:
    _send_byte_by_byte(handler, b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 20)


def _send_byte_by_byte(handler: _Handler, data: bytes) -> None:
    for n in range(len(data)):
        if handler.server.closing.wait(_TIMEOUT_SECONDS / 4):
            return
        handler.wfile.write(data[n : n + 1])
        handler.wfile.flush()


def hangs(handler: _Handler) -> None:
    handler.server.closing.wait()


def hangs_in_the_middle(handler: _Handler) -> None:
    handler.answer_in_part()
    handler.server.closing.wait()


def goes_away(_: _Handler) -> None:
    pass


def goes_away_in_the_middle(handler: _Handler) -> None:
    handler.answer_in_part()


def sends_elsewhere(handler: _Handler) -> None:
    if handler.path == "/elsewhere":
        handler.answer(200, json.dumps(body(ANSWER)))
    else:
        handler.answer(307, json.dumps(body(ANSWER)), Location="/elsewhere")


DOCUMENT: Document = {"role": "user"}


def test_the_documents_are_the_input_and_the_answer_is_the_servers(server: Server, engine: OpaEngine) -> None:
    assert engine.ask([DOCUMENT]) == Verdict("r1", (PARSED,))
    [(path, _, asked)] = server.asked
    assert path == "/v1/data/authz_service/ask?strict-builtin-errors=true"
    assert asked == {"input": {"documents": [DOCUMENT]}}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        pytest.param(says_json({"code": "internal_error"}, 500), "HTTP 500", id="500"),
        pytest.param(says_json(body(ANSWER), 500), "HTTP 500", id="500 with an answer"),
        pytest.param(says_json({"code": "undefined_document"}, 404), "HTTP 404", id="404"),
        pytest.param(says_json({"code": "unauthorized"}, 401), "HTTP 401", id="401"),
        pytest.param(says_json(body(ANSWER), 503), "HTTP 503", id="503 with an answer"),
        pytest.param(says(""), "no JSON", id="nothing"),
        pytest.param(says("<html>Welcome to nginx!</html>"), "no JSON", id="a page"),
        pytest.param(says('{"result": '), "no JSON", id="half of it"),
        pytest.param(says(b"\xff\xfe\x00"), "no JSON", id="no text"),
        pytest.param(says("[" * 100_000), "no JSON", id="without end"),
        pytest.param(says('{"result": ' + "1" * 5000 + "}"), "no JSON", id="a number without end"),
        pytest.param(says("", 204), "no JSON", id="204"),
        pytest.param(says("null"), "no policy of this service", id="null"),
        pytest.param(says("true"), "no policy of this service", id="true"),
        pytest.param(says_json({}), "no policy of this service", id="no policy"),
        pytest.param(says_json(body(ANSWER) | {"warning": {}}), "a warning", id="a warning"),
        pytest.param(says_json(body()), "0 answers to 1 questions", id="no answer"),
        pytest.param(says_json(body(ANSWER, ANSWER)), "2 answers to 1 questions", id="an answer too many"),
        pytest.param(says_json(body(ANSWER | {"allow": 1})), "answers[0].allow", id="almost an answer"),
        pytest.param(sends_elsewhere, "no JSON", id="a redirect"),
    ],
)
def test_a_server_that_says_anything_else_misbehaves(
    server: Server, engine: OpaEngine, reply: Reply, said: str
) -> None:
    server.reply = reply
    with pytest.raises(PolicyEngineMisbehaved) as error:
        engine.ask([DOCUMENT])
    assert said in str(error.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "reply", [hangs, hangs_in_the_middle, trickles, trickles_its_head, goes_away, goes_away_in_the_middle]
)
def test_a_server_that_does_not_come_to_an_end_is_unavailable(server: Server, engine: OpaEngine, reply: Reply) -> None:
    server.reply = reply
    with pytest.raises(PolicyEngineUnavailable) as error:
        engine.ask([DOCUMENT])
    assert server.url in error.value.for_operators()
    assert server.url not in str(error.value)
    assert len(server.asked) == 1


def test_a_server_that_does_not_listen_is_unavailable() -> None:
    with Server() as gone:
        url = gone.url
    with closing(OpaEngine(url, _TIMEOUT_SECONDS)) as engine, pytest.raises(PolicyEngineUnavailable):
        engine.ask([DOCUMENT])


def test_a_socket_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    url = f"unix://{tmp_path / 'opa.sock'}"
    with closing(OpaEngine(url, _TIMEOUT_SECONDS)) as engine, pytest.raises(PolicyEngineUnavailable):
        engine.ask([DOCUMENT])


def test_a_server_that_has_just_answered_is_asked_again_when_it_drops_a_connection(
    server: Server, engine: OpaEngine
) -> None:
    engine.ask([DOCUMENT])
    answers = server.reply

    def drop_once(_: _Handler) -> None:
        server.reply = answers

    server.reply = drop_once
    assert engine.ask([DOCUMENT]).answers == (PARSED,)
    assert len(server.asked) == 3


def test_an_error_is_not_asked_again(server: Server, engine: OpaEngine) -> None:
    engine.ask([DOCUMENT])
    server.reply = says_json({}, 500)
    with pytest.raises(PolicyEngineMisbehaved):
        engine.ask([DOCUMENT])
    assert len(server.asked) == 2


def test_a_server_that_recovers_is_believed_again(server: Server, engine: OpaEngine) -> None:
    answers = server.reply
    server.reply = hangs
    with pytest.raises(PolicyEngineUnavailable):
        engine.ask([DOCUMENT])
    server.reply = answers
    assert engine.ask([DOCUMENT]).answers == (PARSED,)


def test_more_questions_at_once_than_connections_are_all_answered(server: Server) -> None:
    with closing(OpaEngine(server.url, timeout=10.0)) as engine, ThreadPoolExecutor(60) as threads:
        verdicts = list(threads.map(engine.ask, [[DOCUMENT]] * 120))
    assert verdicts == [Verdict("r1", (PARSED,))] * 120


# the environment


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_in_the_environment_is_not_used(
    server: Server, engine: OpaEngine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Server() as nobody_listens:
        proxy = nobody_listens.url
    monkeypatch.setenv(name, proxy)
    assert engine.ask([DOCUMENT]).answers == (PARSED,)


def test_a_netrc_in_the_environment_is_not_sent(
    server: Server, engine: OpaEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    engine.ask([DOCUMENT])
    [(_, headers, _)] = server.asked
    assert "Authorization" not in headers


# the address


@pytest.mark.parametrize(
    ("url", "reached"),
    [
        ("http://localhost:8181", "http://localhost:8181/v1"),
        ("http://localhost:8181/", "http://localhost:8181/v1"),
        ("http://opa.internal", "http://opa.internal:8181/v1"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1/v1"),
        ("http://[::1]:65535", "http://[::1]:65535/v1"),
        ("https://opa.internal:443", "https://opa.internal:443/v1"),
        ("unix:///run/opa.sock", "http://localhost:8181/v1"),
    ],
)
def test_an_address_is_where_opa_is_reached(url: str, reached: str) -> None:
    with Client(url, _TIMEOUT_SECONDS) as client:
        assert client.root_url == reached


@pytest.mark.parametrize(
    "url",
    [
        "",
        "opa",
        "localhost:8181",
        "//localhost:8181",
        "ftp://localhost:8181",
        "http://",
        "http://:8181",
        "http://localhost:",
        "http://localhost:opa",
        "http://localhost:0",
        "http://localhost:65536",
        "http://local host",
        "http://localhost:8181\n",
        "http://[::1",
        "http://localhost:8181/v1",
        "http://localhost:8181?token=secret",
        "http://localhost:8181#secret",
        "http://somebody:secret@localhost:8181",
        "unix:",
        "unix://",
        "unix:///",
        "unix://run/opa.sock",
        "unix:run/opa.sock",
        "unix:///run/opa.sock?secret",
    ],
)
def test_any_other_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        OpaEngine(url)
    assert str(refusal.value) == "AUTHZ_OPA_URL: must be unix:///path/to/socket or http://host:port."

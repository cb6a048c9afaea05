"""Cerbos, with a policy that says the same, over its AuthZEN endpoint: every fact is handed to it with the question."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from authz_service.questions import Document, Json
from bench.contestants.authzen import authzen_ways
from bench.contestants.contestant import HUNDRED, Contestant
from bench.processes import free_port, started
from bench.programs import CERBOS_FOLDER, have_cerbos

SET = (
    "policies from disk and not watched, AuthZEN over HTTP; audit, telemetry, metrics and explorer off, log level error"
)

_OF_THE_PERSON = ("is_known_person", "role", "channel")
_SERVER = {"metricsEnabled": False, "apiExplorerEnabled": False}
_SETTINGS: Mapping[str, object] = {
    "storage": {"driver": "disk", "disk": {"directory": str(CERBOS_FOLDER / "policies"), "watchForChanges": False}},
    "audit": {"enabled": False},
    "telemetry": {"disabled": True},
}


class RunningCerbos(NamedTuple):
    """A Cerbos that answers."""

    url: str
    pid: int


@contextmanager
def cerbos(questions: Sequence[Mapping[str, Any]], documents: Sequence[Document]) -> Iterator[Contestant]:
    with running_cerbos() as running:
        evaluations = list(map(evaluation, questions, documents))
        ways = authzen_ways(evaluations, HUNDRED)
        yield Contestant("cerbos", "Cerbos", running.url, {}, (running.pid,), ways)


@contextmanager
def running_cerbos() -> Iterator[RunningCerbos]:
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as made:
        addresses = {name: f"127.0.0.1:{free_port()}" for name in ("httpListenAddr", "grpcListenAddr")}
        settings = Path(made) / "cerbos.json"
        settings.write_text(json.dumps({**_SETTINGS, "server": {**_SERVER, **addresses}}))
        url = f"http://{addresses['httpListenAddr']}"
        command: list[str | Path] = [have_cerbos().path, "server", "--config", settings, "--log-level", "error"]
        with started(command, f"{url}/_cerbos/health", {}) as pid:
            yield RunningCerbos(url, pid)


def evaluation(question: Mapping[str, Any], facts: Mapping[str, Json]) -> dict[str, object]:
    """The question with its facts.

    Its policies see the properties of subject and resource; those of the action and the context reach none of them.
    """
    person = {name: facts[name] for name in _OF_THE_PERSON}
    others = {name: value for name, value in facts.items() if name not in {*_OF_THE_PERSON, "action", "resource"}}
    subject, action, resource = question["subject"], question["action"], question["resource"]
    return {
        "subject": {**subject, "properties": {**person, "cerbos.roles": [facts["role"]]}},
        "action": {"name": action["name"]},
        "resource": {**resource, "properties": others},
    }

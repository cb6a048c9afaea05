"""OPA alone, with this service's policy, over HTTP: every fact is handed to it with the question."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from authz_service.opa.bundle import build_bundle
from authz_service.opa.command import SERVER
from authz_service.questions import Document
from bench.contestants.contestant import HUNDRED, SINGLE, SIZES, Contestant, Way, in_batches
from bench.processes import free_port, started

SET = "the bundle of policies/, over TCP; log level error, decision log off, no version check"

_POLICIES = Path(__file__).parents[2] / "policies"
_DECISIONS = Path(__file__).with_name("decisions.rego")


@contextmanager
def bare_opa(opa: Path, documents: Sequence[Document]) -> Iterator[list[Contestant]]:
    """One OPA, asked in two ways: for decisions alone, and for the whole answers with their reasons."""
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as made:
        bundle = Path(made) / "bundle.tar.gz"
        build_bundle(opa, _POLICIES, bundle)
        address = f"127.0.0.1:{free_port()}"
        url = f"http://{address}"
        server: list[str | Path] = [opa, *SERVER, "--addr", address]
        with started([*server, "--bundle", bundle], f"{url}/health", {}) as pid:
            requests.put(f"{url}/v1/policies/bench", data=_DECISIONS.read_bytes(), timeout=30).raise_for_status()
            each = [{"input": document} for document in documents]
            many = [{"input": {"documents": list(some)}} for some in in_batches(documents, SIZES[HUNDRED])]
            decisions = {
                SINGLE: Way("/v1/data/authz/decision/allow", each, _decision),
                HUNDRED: Way("/v1/data/bench/decisions", many, _decisions),
            }
            answers = {
                SINGLE: Way("/v1/data/authz/decision/answer", each, _answer),
                HUNDRED: Way("/v1/data/authz_service/ask", many, _answers),
            }
            yield [
                Contestant("opa", "OPA, decisions alone", url, {}, (pid,), decisions),
                Contestant("opa_reasons", "OPA, with reasons", url, {}, (pid,), answers),
            ]


def _decision(answer: Mapping[str, Any]) -> list[bool]:
    return [answer["result"]]


def _decisions(answer: Mapping[str, Any]) -> list[bool]:
    return list(answer["result"])


def _answer(answer: Mapping[str, Any]) -> list[bool]:
    return [answer["result"]["allow"]]


def _answers(answer: Mapping[str, Any]) -> list[bool]:
    return [each["allow"] for each in answer["result"]["answers"]]

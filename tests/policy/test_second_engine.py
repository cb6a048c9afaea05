"""The shipped policy on an engine of another maker: rego-cpp has nothing of OPA's but the language."""

import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from regopy import Interpreter

from authz_service.policy.situations import Facts
from authz_service.policy.table import Outcome, Table

_ANSWER = "authz/decision/answer"


def _without_metadata(text: str) -> str:
    """The module with its codes written where OPA takes them from METADATA, which rego-cpp does not read."""
    lines, code = [], ""
    for line in text.splitlines():
        found = re.search(r"code: (\w+)", line) if line.startswith("#") else None
        code = found[1] if found else code
        said = line.replace("reasons.of(rego.metadata.rule())", f'{{"code": "{code}"}}')
        lines.append(said.replace("rego.metadata.rule().custom.code", f'"{code}"'))
    return "\n".join(lines)


class _SecondEngine:
    def __init__(self, policies: Path) -> None:
        self._rego = Interpreter()
        modules = [file for file in sorted((policies / "bundle").rglob("*.rego")) if not file.stem.endswith("_test")]
        for module in modules:
            self._rego.add_module(module.name, _without_metadata(module.read_text(encoding="utf-8")))
        self._compiled = self._rego.build(None, [_ANSWER])

    def judge(self, facts: Facts) -> Outcome:
        self._rego.set_input(dict(facts))
        [answer] = self._rego.query_bundle_entrypoint(self._compiled, _ANSWER).results[0].expressions
        codes = {reason["code"] for reason in answer["reasons"]}
        sets: dict[str, Any] = {part: tuple(sorted(answer[part])) for part in ("requires", "effects")}
        return Outcome(answer["allow"], tuple(sorted(codes)), answer["route"], **sets)


def judge_all(policies: Path, situations: Sequence[Facts]) -> list[Outcome]:
    return list(map(_SecondEngine(policies).judge, situations))


def test_both_engines_give_the_same_answer_to_every_situation(policies: Path, table: Table) -> None:
    # In a process of its own and one after the other: beside structlog, or threads, rego-cpp keeps gigabytes.
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        judged = apart.submit(judge_all, policies, table.situations).result()
    compared = zip(table.situations, table.outcomes, judged, strict=True)
    assert [(facts, given, other) for facts, given, other in compared if given != other] == []
    assert len(table.situations) > 20_000

"""The shipped policy on an engine of another maker: rego-cpp has nothing of OPA's but the language."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from regopy import Interpreter

from authz_service.policy.situations import Facts
from authz_service.policy.table import Outcome, Table

_ANSWER = "authz/decision/answer"
_AT_ONCE = 2


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


def test_both_engines_give_the_same_answer_to_every_situation(policies: Path, table: Table) -> None:
    def judge(situations: Sequence[Facts]) -> list[Outcome]:
        engine = _SecondEngine(policies)
        return [engine.judge(facts) for facts in situations]

    parts = [table.situations[n::_AT_ONCE] for n in range(_AT_ONCE)]
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        judged = list(workers.map(judge, parts))
    differing = [
        (facts, given, table.outcomes[place * _AT_ONCE + n])
        for n, outcomes in enumerate(judged)
        for place, (facts, given) in enumerate(zip(parts[n], outcomes, strict=True))
        if given != table.outcomes[place * _AT_ONCE + n]
    ]
    assert differing == []
    assert sum(map(len, judged)) == len(table.situations) > 20_000

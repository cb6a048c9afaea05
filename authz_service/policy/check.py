"""Everything that can be said of a policies folder before it is committed, at once where possible."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from authz_service.errors import Fault, InvalidPolicy
from authz_service.policy.checks.cases import differing_cases
from authz_service.policy.checks.citations import uncited, unread
from authz_service.policy.checks.compiling import uncompiled
from authz_service.policy.checks.dead import answers_without_reason, dead_promises, dead_rules
from authz_service.policy.checks.formatting import unformatted
from authz_service.policy.checks.golden_table import stale
from authz_service.policy.checks.linting import unlinted
from authz_service.policy.checks.literals import unknown_literals
from authz_service.policy.checks.places import Places
from authz_service.policy.checks.promised import unkept
from authz_service.policy.checks.rego_tests import Tested, run_tests, uncovered
from authz_service.policy.checks.wording import unspoken
from authz_service.policy.promises import promises_among, read_promises
from authz_service.policy.sentences import Phrases, read_phrases
from authz_service.policy.situations import InputSchema, read_schema
from authz_service.policy.syntax import Rule, read_rules
from authz_service.policy.table import Table, judge_all

STEPS = {
    "compile": "It compiles strictly, against the schema, and uses nothing that a policy may not use.",
    "format": "The Rego is as `opa fmt` writes it.",
    "lint": "Regal finds nothing, nor do our own rules about rules.",
    "tests": "The Rego tests pass.",
    "coverage": "The Rego tests reach every line.",
    "cases": "The cases are answered as they say.",
    "literals": "Facts are compared with values that they can have.",
    "requirements": "Every requirement is in a rule and in a promise, and every fact of the schema in a rule.",
    "words": "Every value of a fact has its phrase, and what the matrix names exists.",
    "situations": "Every situation can be judged, and every answer has a reason.",
    "rules": "Every rule holds in some situation, and every reason is somebody's.",
    "promises": "Every promise holds in every situation, and is about some.",
    "golden": "The golden table says what the policy answers.",
}
"""The steps in their order, and what is so where they find nothing."""

OnStep = Callable[[str, bool], None]
"""Told, from several threads, that a step begins or is done."""

# The work is done by other programs, each on all processors.
_AT_ONCE = 4


class Step(NamedTuple):
    """How one step went.

    Attributes:
        name: One of `STEPS`.
        faults: What it found.
        seconds: How long it took; None where it was not run, for want of what it needs.
    """

    name: str
    faults: tuple[Fault, ...] = ()
    seconds: float | None = None


class Report(NamedTuple):
    """What a check came to.

    Attributes:
        steps: All of them in their order. What several find is in the first of them.
        situations: How many there are.
        promises: How many there are.
        tests: How many Rego tests there are, the cases among them.
        seconds: How long it all took.
    """

    steps: tuple[Step, ...]
    situations: int
    promises: int
    tests: int
    seconds: float

    @property
    def findings(self) -> list[tuple[str, Fault]]:
        """Every fault with the name of its step, by file and line."""
        found = [(step.name, fault) for step in self.steps for fault in step.faults]
        return sorted(found, key=lambda finding: (finding[1].file, finding[1].line, finding[1].what))


class _Read(NamedTuple):
    """What is read of a folder that compiles."""

    schema: InputSchema
    rules: Sequence[Rule]
    promising: Sequence[Rule]


class _Find(NamedTuple):
    """What a step does.

    Attributes:
        name: One of `STEPS`.
        faults: Finds them.
        needs: What it waits for. Without it, it is not run: another step tells why there is none.
    """

    name: str
    faults: Callable[[], Sequence[Fault]]
    needs: Sequence[Future[Any]] = ()


def check(places: Places, find_regal: Callable[[], Path], on_step: OnStep = lambda _name, _is_done: None) -> Report:
    """Runs every step that can be run.

    Args:
        places: What is checked.
        find_regal: Finds the linter, or raises ConfigurationError, which is a finding then.
        on_step: Told how far it is.
    """
    began = time.monotonic()
    read: list[_Read] = []
    judged: Future[Table] = Future()
    tested: Future[Tested] = Future()

    def compile_and_read() -> list[Fault]:
        faults = uncompiled(places)
        read.extend([] if faults else [_read(places)])
        return faults

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        first = [
            pool.submit(_look, places, find, on_step)
            for find in (
                _Find("compile", compile_and_read),
                _Find("format", lambda: unformatted(places)),
                _Find("lint", lambda: unlinted(places, find_regal)),
            )
        ]
        first[0].result()
        finds = _finds(places, read[0], judged, tested) if read else []
        steps = [step.result() for step in [*first, *[pool.submit(_look, places, find, on_step) for find in finds]]]
    return Report(
        _each_once(steps),
        len(judged.result().situations) if _is_there(judged) else 0,
        len(promises_among(read[0].promising)) if read else 0,
        tested.result().total if _is_there(tested) else 0,
        time.monotonic() - began,
    )


def _finds(places: Places, read: _Read, judged: Future[Table], tested: Future[Tested]) -> list[_Find]:
    """The steps that need a policy which compiles; none before one that it waits for."""
    schema, rules, promising = read

    def phrases() -> Phrases:
        return read_phrases(places.policies, schema)

    def judge() -> list[Fault]:
        with _told_to(judged):
            judged.set_result(judge_all(places.opa, places.policies, schema))
        return answers_without_reason(places, rules, judged.result(), phrases())

    def test() -> list[Fault]:
        with _told_to(tested):
            tested.set_result(run_tests(places))
        return tested.result().faults

    def require() -> list[Fault]:
        return [*uncited(places, rules, read_promises(promising)), *unread(places, [*rules, *promising], schema)]

    def promise() -> list[Fault]:
        table = judged.result()
        return [*dead_promises(places, promising, table), *unkept(places, promising, table, phrases())]

    return [
        _Find("situations", judge),
        _Find("tests", test),
        _Find("coverage", lambda: uncovered(places)),
        _Find("literals", lambda: unknown_literals(rules, promising, schema)),
        _Find("requirements", require),
        _Find("words", lambda: unspoken(places, schema)),
        _Find("promises", promise, (judged,)),
        _Find("golden", lambda: stale(places, schema, judged.result(), phrases()), (judged,)),
        _Find("rules", lambda: dead_rules(places, rules, judged.result()), (judged,)),
        _Find("cases", lambda: differing_cases(places, tested.result().cases, judged.result()), (judged, tested)),
    ]


def _look(places: Places, find: _Find, on_step: OnStep) -> Step:
    wait(find.needs)
    if not all(map(_is_there, find.needs)):
        return Step(find.name)
    on_step(find.name, False)  # noqa: FBT003 - what it means is in the type
    began = time.monotonic()
    try:
        faults = tuple(find.faults())
    except InvalidPolicy as error:
        faults = error.faults
    on_step(find.name, True)  # noqa: FBT003 - the same
    located = tuple(fault if fault.file else replace(fault, file=str(places.policies)) for fault in faults)
    return Step(find.name, located, time.monotonic() - began)


def _is_there(needed: Future[Any]) -> bool:
    return needed.done() and needed.exception() is None


@contextmanager
def _told_to(needed: Future[Any]) -> Iterator[None]:
    """Lets those who wait know that it cannot be made."""
    try:
        yield
    except BaseException as error:
        needed.set_exception(error)
        raise


def _read(places: Places) -> _Read:
    return _Read(
        read_schema(places.policies),
        read_rules(places.opa, places.bundle),
        read_rules(places.opa, places.promises),
    )


def _each_once(found: Sequence[Step]) -> tuple[Step, ...]:
    """The steps in their order, each fault in the first that found it."""
    by_name = {step.name: step for step in found}
    told: set[Fault] = set()
    steps = []
    for name in STEPS:
        step = by_name.get(name, Step(name))
        faults = dict.fromkeys(fault for fault in step.faults if fault not in told)
        told |= faults.keys()
        steps.append(step._replace(faults=tuple(faults)))
    return tuple(steps)

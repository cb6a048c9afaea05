"""One decision explained: its facts, the rules that fired or nearly did, and what would turn it."""

import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from authz_service.opa.bundle import build_bundle
from authz_service.opa.each import OnProgress
from authz_service.policy.fired import Near, Said, Told
from authz_service.policy.judging import Judged, judge
from authz_service.policy.sentences import Several
from authz_service.policy.situations import Facts, InputSchema
from authz_service.policy.syntax import read_rules
from authz_service.policy.table import judge_all
from authz_service.policy.turning import Allowed, allowed, is_fixed, smallest_changes
from authz_service.questions import Answer

QUESTION = frozenset({"action", "role", "is_known_person", "resource", "option", "subscription_kind"})
"""The facts that are the question itself: they are told whatever the rules are about."""

_FEW = 3


class Explanation(NamedTuple):
    """Why a decision is as it is.

    Attributes:
        revision: The revision of the policy.
        facts: The situation.
        descriptions: What each of its facts is.
        answer: The answer.
        fired: The rules that fired: those that the answer rests on first, then those overruled.
        nearly: The rules that fail at one condition: those that would turn it first.
        about: The facts worth telling in a sentence: the question, and what the rules read that the answer rests on,
            where that is little.
        turned: The smallest changes of facts that give the other answer, smallest first; none of more than three.
        is_fixed: Whether no change of facts at all gives it, while action and resource stay as they are.
    """

    revision: str
    facts: Facts
    descriptions: Mapping[str, str]
    answer: Answer
    fired: tuple[Said, ...]
    nearly: tuple[Near, ...]
    about: Several
    turned: tuple[Several, ...]
    is_fixed: bool


def explain(
    opa: Path,
    policies: Path,
    schema: InputSchema,
    situations: Sequence[Facts],
    on_progress: OnProgress = lambda _done, _of: None,
) -> list[Explanation]:
    """Explains the answer to each of some situations.

    Args:
        opa: The program.
        policies: The policies folder.
        schema: Its schema.
        situations: Each is one that the schema has.
        on_progress: Is told how far it is, where not all there are have been judged before.

    Raises:
        InvalidPolicy: The policy is broken.
    """
    with tempfile.TemporaryDirectory(prefix="explain-") as made:
        bundle, folder = Path(made) / "bundle.tar.gz", Path(made) / "unpacked"
        build_bundle(opa, policies, bundle)
        with tarfile.open(bundle) as tar:
            tar.extractall(folder, filter="data")
        rules = read_rules(opa, folder)
        judged = judge(opa, folder, rules, situations)
        table = judge_all(opa, bundle, schema, on_progress)
    files = {rule.file: policies / "bundle" / Path(rule.file).relative_to(folder) for rule in rules}
    answers = allowed(table)
    return [
        _explanation(facts, of_facts, Told(rules, files, of_facts), schema, answers)
        for facts, of_facts in zip(situations, judged, strict=True)
    ]


def _explanation(facts: Facts, judged: Judged, told: Told, schema: InputSchema, answers: Allowed) -> Explanation:
    [answer] = judged.verdict.answers
    besides = told.reads() - QUESTION
    about = QUESTION | (besides if len(besides) <= _FEW else frozenset())
    kind = schema.kind_of(facts)
    turned = smallest_changes(kind, answers, facts) if kind else []
    return Explanation(
        judged.verdict.revision,
        facts,
        {fact: schema.descriptions[fact] for fact in facts},
        answer,
        tuple(told.fired()),
        tuple(sorted(told.nearly(), key=lambda near: near.rule.is_grant == answer.allow)),
        {fact: (value,) for fact, value in facts.items() if fact in about},
        tuple(turned),
        is_fixed=not turned and is_fixed(answers, facts),
    )

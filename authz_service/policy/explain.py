"""One decision explained: its facts, the rules that fired or nearly did, and what would turn it."""

import shutil
import tarfile
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

from authz_service.opa.bundle import build_bundle
from authz_service.opa.each import OnProgress
from authz_service.policy.fired import Failed, Near, Said, Told
from authz_service.policy.judging import Judged, judge
from authz_service.policy.sentences import Phrases, Several
from authz_service.policy.situations import Facts, InputSchema, Value
from authz_service.policy.syntax import read_rules
from authz_service.policy.table import judge_all
from authz_service.policy.turning import Allowed, allowed, is_fixed, smallest_changes
from authz_service.questions import Answer

QUESTION = frozenset({"action", "role", "is_known_person", "resource", "option", "subscription_kind"})
"""The facts that are the question itself: they are told whatever the rules are about."""

_FEW = 3
_REMEMBERED = 1_000
_ASKED = {"action", "resource"}


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


class Explainer:
    """Explains the answers of one policy, one after the other.

    Attributes:
        folder: Its bundle, unpacked, as long as this is there.
        rules: Its rules.
        table: Its answers to every situation.
    """

    def __init__(
        self,
        opa: Path,
        policies: Path,
        schema: InputSchema,
        bundle: Path | None = None,
        on_progress: OnProgress = lambda _done, _of: None,
    ) -> None:
        """Prepares what any explanation needs.

        Args:
            opa: The program.
            policies: The policies folder.
            schema: Its schema.
            bundle: A bundle that was made of the folder; without, it is made of it now.
            on_progress: Is told how far it is, where not all situations have been judged before.

        Raises:
            InvalidPolicy: The policy is broken.
        """
        self._opa = opa
        self._schema = schema
        made = Path(tempfile.mkdtemp(prefix="explain-"))
        weakref.finalize(self, shutil.rmtree, made, ignore_errors=True)
        self.folder = made / "unpacked"
        build_bundle(opa, bundle or policies, made / "bundle.tar.gz")
        with tarfile.open(made / "bundle.tar.gz") as tar:
            tar.extractall(self.folder, filter="data")
        self.rules = read_rules(opa, self.folder)
        self.table = judge_all(opa, made / "bundle.tar.gz", schema, on_progress)
        self._files = {rule.file: policies / "bundle" / Path(rule.file).relative_to(self.folder) for rule in self.rules}
        self._asking = threading.Lock()
        self._explained: dict[frozenset[tuple[str, Value]], Explanation] = {}

    def explain(self, situations: Sequence[Facts]) -> list[Explanation]:
        """Explains the answer to each of some situations, which are such as the schema has.

        Raises:
            InvalidPolicy: OPA refuses the policy.
        """
        with self._asking:
            if len(self._explained) > _REMEMBERED:
                self._explained.clear()
            unknown = [facts for facts in situations if frozenset(facts.items()) not in self._explained]
            judged = judge(self._opa, self.folder, self.rules, unknown) if unknown else []
            for facts, of_facts in zip(unknown, judged, strict=True):
                told = Told(self.rules, self._files, of_facts)
                answers = allowed(self.table, facts)
                self._explained[frozenset(facts.items())] = _explanation(facts, of_facts, told, self._schema, answers)
            return [self._explained[frozenset(facts.items())] for facts in situations]


def explain(
    opa: Path,
    policies: Path,
    schema: InputSchema,
    situations: Sequence[Facts],
    on_progress: OnProgress = lambda _done, _of: None,
) -> list[Explanation]:
    """Explains the answer that a policies folder gives to each of some situations, which are such as its schema has.

    Raises:
        InvalidPolicy: The policy is broken.
    """
    return Explainer(opa, policies, schema, on_progress=on_progress).explain(situations)


def sentence(explained: Explanation, phrases: Phrases, who: str = "", things: Sequence[str] = ()) -> str:
    """Such as "Mary Jones, a user, may not see the bills (customer 123456789).", or of facts alone "A user may …"."""
    verb = "may" if explained.answer.allow else "may not"
    told = phrases.who_does_what(explained.about, verb)
    if not who:
        return f"{told[:1].upper()}{told[1:]}."
    kind, _, what = told.partition(f" {verb} ")
    return f"{who}, {kind}, {verb} {what} ({', '.join(things)})."


def nearly_of_this_question(explained: Explanation) -> list[Near]:
    """The rules that nearly fired, without those for another action or resource and those of one condition alone."""
    can_be_otherwise = explained.facts.keys() - _ASKED
    return [near for near in explained.nearly if near.held and _is_about(near.failed, can_be_otherwise)]


def _is_about(failed: Failed, facts: AbstractSet[str]) -> bool:
    """Whether nothing but these facts keeps it from holding; else it is about another question."""
    return all(_is_about(deeper, facts) for deeper in failed.because) if failed.because else bool(failed.reads & facts)


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

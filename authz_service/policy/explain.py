"""One decision explained: its facts, the rules that fired or nearly did, and what would turn it."""

import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from authz_service.opa.bundle import build_bundle
from authz_service.opa.each import OnProgress
from authz_service.opa.folder import unpack_folder
from authz_service.policy.allowed import Allowed, allowed
from authz_service.policy.fired import Failed, Near, Said, Told
from authz_service.policy.judging import Judged, Prepared, judge, prepare
from authz_service.policy.sentences import Phrases, Several
from authz_service.policy.situations import Facts, InputSchema, Value
from authz_service.policy.syntax import Rule, read_rules
from authz_service.policy.table import judge_all
from authz_service.policy.turning import is_fixed, smallest_changes
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


class Explainable(NamedTuple):
    """What an explanation needs of a policy, so small that every worker can keep it.

    Attributes:
        opa: The program.
        schema: What can be asked.
        bundle: The file that its bundle is, with the modules that are asked.
        asked: What they ask.
        rules: Its rules, with the files where their author finds them, and without their syntax trees, which are large.
        answers: Whether each situation is allowed, by the kinds of the schema.
    """

    opa: Path
    schema: InputSchema
    bundle: bytes
    asked: Prepared
    rules: Sequence[Rule]
    answers: Sequence[Allowed]


def explainable(
    opa: Path, folder: Path, rules: Sequence[Rule], shown: Path, schema: InputSchema, answers: Sequence[Allowed]
) -> Explainable:
    """What explaining needs of a policy that is unpacked.

    Args:
        opa: The program.
        folder: Its bundle, unpacked. What asks it is added.
        rules: Its rules, read from there.
        shown: Where their author finds them.
        schema: What can be asked.
        answers: Whether each situation is allowed.

    Raises:
        InvalidPolicy: OPA refuses the policy.
    """
    named = [rule._replace(file=str(Path(rule.file).relative_to(folder))) for rule in rules]
    asked = prepare(opa, folder, named)
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(folder, "/")
    kept = [rule._replace(file=str(shown / rule.file), node={}) for rule in named]
    return Explainable(opa, schema, packed.getvalue(), asked, kept, answers)


class Explainer:
    """Explains the answers of one policy, one after the other."""

    def __init__(self, policy: Explainable) -> None:
        self._policy = policy
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
            for explained in _explained(self._policy, unknown) if unknown else ():
                self._explained[frozenset(explained.facts.items())] = explained
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
    with tempfile.TemporaryDirectory(prefix="explain-") as made:
        bundle, unpacked = Path(made) / "bundle.tar.gz", Path(made) / "unpacked"
        build_bundle(opa, policies, bundle)
        unpack_folder(bundle, unpacked)
        folder = unpacked / "bundle"
        rules = read_rules(opa, folder)
        answers = allowed(schema, judge_all(opa, bundle, schema, on_progress))
        policy = explainable(opa, folder, rules, policies / "bundle", schema, answers)
    return Explainer(policy).explain(situations)


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


def _explained(policy: Explainable, situations: Sequence[Facts]) -> Iterator[Explanation]:
    with tempfile.TemporaryDirectory(prefix="explain-") as made:
        bundle = Path(made) / "bundle.tar.gz"
        bundle.write_bytes(policy.bundle)
        judged = judge(policy.opa, bundle, policy.asked, situations)
    for facts, of_facts in zip(situations, judged, strict=True):
        yield _explanation(facts, of_facts, Told(policy.rules, of_facts), policy)


def _explanation(facts: Facts, judged: Judged, told: Told, policy: Explainable) -> Explanation:
    schema = policy.schema
    [answer] = judged.verdict.answers
    besides = told.reads() - QUESTION
    about = QUESTION | (besides if len(besides) <= _FEW else frozenset())
    answers = policy.answers[schema.kinds.index(schema.kind_of(facts))]
    turned = smallest_changes(answers, facts)
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

"""Small mistakes of an author: each that changes an answer is seen in the golden table."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from random import Random

from authz_service.policy import golden
from authz_service.policy.situations import InputSchema
from authz_service.policy.table import Outcome
from tests.policy.mutants import Mutant, mutants

_ASKED = Path(__file__).parents[2] / "authz_service" / "opa" / "situations.rego"
_AT_ONCE = 2
# Memory for time: OPA collects its garbage less often.
_ENVIRONMENT = {**os.environ, "GOGC": "400"}
_OF_EACH = (5, 40, 250)
"""How many situations of each kind are looked at first, and how many where those show nothing."""

WITHOUT_EFFECT = {
    "grants.rego": "An obstacle stands against whoever the condition keeps out, so its loss lets nobody in.",
    "eligibility.rego": "The same.",
    "obstacles.rego": "What the condition keeps out has no such action or option.",
    "decision.rego": "Only who may become administrator has a route, and only by becoming it.",
    "take_over.rego": "What is brought is stated for a take-over alone.",
}
"""By file, why some of its conditions can be lost without any answer changing. Looked at with every situation."""
_MOST_WITHOUT_EFFECT = 36


class _Sample:
    """Some situations of each kind, with the answers of the golden table."""

    def __init__(self, schema: InputSchema, kept: Sequence[Outcome], of_each: int, seed: int) -> None:
        rows = zip(schema.situations(), kept, strict=True)
        picked = []
        for _, of_kind in groupby(rows, key=lambda row: schema.kind_of(row[0])):
            every = list(of_kind)
            picked += Random(seed).sample(every, k=min(of_each, len(every)))  # noqa: S311 - no secret is made of it
        self.documents = json.dumps({"documents": [dict(facts) for facts, _ in picked]})
        self.kept = [outcome for _, outcome in picked]


def _answers(opa: Path, folder: Path, sample: _Sample) -> list[Outcome] | None:
    """The answers to the sample; None where the policy does not compile or does not answer."""
    command: list[str | Path] = [opa, "eval", "-d", folder / "bundle", "-d", _ASKED, "--stdin-input", "--format", "raw"]
    done = subprocess.run(
        [*command, "data.situations.rows"],
        input=sample.documents,
        capture_output=True,
        text=True,
        env=_ENVIRONMENT,
        check=False,
    )
    return [Outcome.of(row) for row in json.loads(done.stdout)] if done.returncode == 0 and done.stdout else None


def _unseen(opa: Path, policies: Path, made: Iterable[Mutant], sample: _Sample, work: Path) -> list[Mutant]:
    """The mutants that answer the sample as the golden table has it."""

    def is_unseen(mutant: Mutant) -> bool:
        folder = work / f"{mutant.file.stem}-{mutant.line}-{abs(hash(mutant.what))}"
        shutil.copytree(policies, folder, ignore=shutil.ignore_patterns("*_test.rego", ".regal", "checks"))
        (folder / mutant.file).write_text(mutant.text, encoding="utf-8")
        answers = _answers(opa, folder, sample)
        shutil.rmtree(folder)
        return answers == sample.kept

    made = list(made)
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        return [mutant for mutant, is_so in zip(made, workers.map(is_unseen, made), strict=True) if is_so]


def test_a_lost_or_turned_condition_a_swapped_word_and_a_lost_rule_are_seen_in_the_golden_table(
    opa: Path, policies: Path, schema: InputSchema, tmp_path: Path
) -> None:
    kept = golden.read(policies / golden.FILE, schema)
    unseen = made = list(mutants(opa, policies, schema))
    for seed, of_each in enumerate(_OF_EACH):
        unseen = _unseen(opa, policies, unseen, _Sample(schema, kept, of_each, seed), tmp_path)
    assert len(made) > 500
    assert len(unseen) <= _MOST_WITHOUT_EFFECT, unseen
    for mutant in unseen:
        # To turn a condition round or swap a word always changes an answer; a loss does not where another rule holds.
        assert mutant.what.endswith("is deleted"), f"{mutant.file}:{mutant.line}: {mutant.what}"
        assert mutant.file.name in WITHOUT_EFFECT, f"{mutant.file}:{mutant.line}: {mutant.what}"

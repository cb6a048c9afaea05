"""The answers of a policy to every situation, remembered by what they depend on."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from authz_service.opa.bundle import build_bundle
from authz_service.opa.each import OnProgress, evaluate_each
from authz_service.policy.remembered import remembered
from authz_service.policy.situations import Facts, InputSchema

_ASKED = Path(__file__).parents[1] / "opa" / "situations.rego"


class Outcome(NamedTuple):
    """What the policy says of one situation.

    Attributes:
        allow: Whether it is allowed.
        codes: The codes of the reasons, sorted.
        route: By which route the person may become administrator, or None.
        requires: What the person still has to bring, sorted.
        effects: What has to be carried out, sorted.
    """

    allow: bool
    codes: tuple[str, ...]
    route: str | None
    requires: tuple[str, ...]
    effects: tuple[str, ...]

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Outcome":
        """From the row that OPA gives."""
        allow, codes, route, requires, effects = row
        return cls(allow, tuple(codes), route, tuple(requires), tuple(effects))


class Table(NamedTuple):
    """The answers of one policy, each with its situation.

    Attributes:
        revision: The revision of the policy.
        situations: The facts of each.
        outcomes: The answers, in the same order.
    """

    revision: str
    situations: list[Facts]
    outcomes: list[Outcome]


def judge_all(
    opa: Path, policies: Path, schema: InputSchema, on_progress: OnProgress = lambda _done, _of: None
) -> Table:
    """Every situation judged by a policies folder or bundle, or remembered from an earlier time.

    Raises:
        InvalidPolicy: The policy is broken.
    """
    situations = list(schema.situations())
    shown = policies / "bundle" if policies.is_dir() else policies
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle.tar.gz"
        revision = build_bundle(opa, policies, bundle)
        rows = remembered(
            [_ASKED.read_text(encoding="utf-8"), revision, situations],
            len(situations),
            lambda: evaluate_each(opa, bundle, _ASKED, situations, on_progress, shown),
        )
    return Table(revision, situations, [Outcome.of(row) for row in rows])

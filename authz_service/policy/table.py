"""The answers of a policy to every situation, remembered by what they depend on."""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from authz_service.opa.binary import OPA_VERSION
from authz_service.opa.bundle import build_bundle
from authz_service.opa.each import OnProgress, evaluate_each
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
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle.tar.gz"
        revision = build_bundle(opa, policies, bundle)
        remembered = _cache() / f"{_digest(revision, situations)}.json"
        rows = _read(remembered, len(situations))
        if rows is None:
            rows = evaluate_each(opa, bundle, _ASKED, [dict(facts) for facts in situations], on_progress)
            _write(remembered, rows)
    return Table(revision, situations, [Outcome.of(row) for row in rows])


def _cache() -> Path:
    """Where answers are remembered; nothing is lost with it."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "authz-service" / "situations"


def _digest(revision: str, situations: list[Facts]) -> str:
    depends_on = [OPA_VERSION, _ASKED.read_text(encoding="utf-8"), revision, situations]
    return hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()


def _read(file: Path, count: int) -> list[list[object]] | None:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return rows if isinstance(rows, list) and len(rows) == count else None


def _write(file: Path, rows: list[list[object]]) -> None:
    # Whole or not at all, as another process may read it; and where it cannot be kept it is only slower.
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8") as draft:
            json.dump(rows, draft, separators=(",", ":"))
        Path(draft.name).replace(file)

"""A recorded decision beside what today's policy says of the same facts."""

from collections.abc import Mapping
from typing import NamedTuple

from authz_service.decision.decisions import Decisions
from authz_service.errors import Conflict
from authz_service.journal.queries import KeptDecision
from authz_service.questions import Json


class Beside(NamedTuple):
    """The two judgements, each as JSON: `decision`, `policy_revision`, `reasons`, `route`, `requires` and `effects`.

    Attributes:
        facts: What both are about.
        recorded: What was said.
        today: What is said now.
        differs: Whether that is another answer, be it in its reasons.
    """

    facts: Mapping[str, Json]
    recorded: dict[str, Json]
    today: dict[str, Json]
    differs: bool


def judge_today(decisions: Decisions, kept: KeptDecision) -> Beside:
    """Has the facts of a decision judged again. It changes nothing.

    Raises:
        Conflict: The entry has no facts of its own.
        Unavailable: The policy cannot be asked.
    """
    facts = kept.ruling and kept.ruling["facts"]
    if not kept.ruling or facts is None:
        raise Conflict("This entry has no facts of its own to be judged again.")
    [today] = decisions.judge([facts])
    answer = today.answer
    said: dict[str, Json] = {
        "decision": today.allow,
        "policy_revision": today.revision,
        "reasons": [{"code": reason.code, "cites": list(reason.cites)} for reason in answer.reasons],
        "route": answer.route,
        "requires": list(answer.requires),
        "effects": list(answer.effects),
    }
    recorded = {"decision": kept.ruling["allow"], "policy_revision": kept.ruling["revision"]}
    recorded |= {name: kept.ruling[name] for name in ("reasons", "route", "requires", "effects")}
    differs = any(said[name] != recorded[name] for name in said if name != "policy_revision")
    return Beside(facts, recorded, said, differs)

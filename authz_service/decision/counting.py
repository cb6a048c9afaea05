"""How many decisions callers are given, by what they are about and what is answered."""

from collections import Counter

from authz_service.decision.decisions import Decided
from authz_service.telemetry.histogram import drained
from authz_service.telemetry.tally import Key, Tally
from authz_service.words import ActionName

DECISIONS = "authz_decisions"
BY_REVISION = "authz_revision_decisions"
OTHER_ACTION = "other"
LAST_REVISIONS = 4
_LONGEST_REVISION = 64
_ACTIONS = frozenset(ActionName)


class DecisionCounts:
    """Counts for a tally.

    Attributes:
        note: Takes what a caller is answered: the action that it asked about, whether it is permitted, where the answer
            comes from, and the revision. From any thread; it is counted when the numbers are told.
    """

    def __init__(self, tally: Tally) -> None:
        self._noted: list[tuple[str, bool, str, str]] = []
        self.note = self._noted.append
        tally.settles(self._settle)

    def count(self, decided: Decided) -> None:
        """A caller is answered this."""
        decision = decided.decision
        self.note((decided.question.action.name, decision.allow, decided.source, decision.revision))

    def _settle(self, counts: Counter[Key]) -> bool:
        noted = Counter(drained(self._noted))
        for (action, allow, source, revision), number in noted.items():
            answer = "permit" if allow else "deny"
            # Whoever asks chooses the name of the action, and there may be any number of them.
            counts[DECISIONS, action if action in _ACTIONS else OTHER_ACTION, answer, source] += number
            of_revision = BY_REVISION, revision[:_LONGEST_REVISION], answer
            # The one that was counted last is last, so that those given up are of long ago.
            counts[of_revision] = counts.pop(of_revision, 0) + number
        revisions = list(dict.fromkeys(key[1] for key in reversed(counts) if key[0] == BY_REVISION))
        for key in [key for key in counts if key[0] == BY_REVISION and key[1] in revisions[LAST_REVISIONS:]]:
            del counts[key]
        return bool(noted)

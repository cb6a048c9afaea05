"""Whether the golden table says what the policy answers."""

from authz_service.errors import Fault
from authz_service.policy import golden
from authz_service.policy.checks.places import Places
from authz_service.policy.examples import further, smallest_first, told
from authz_service.policy.sentences import Phrases
from authz_service.policy.situations import InputSchema
from authz_service.policy.table import Table

_NAMED = 3
_RENEW = "if that is meant, run: authz-service policy accept"


def stale(places: Places, schema: InputSchema, table: Table, phrases: Phrases) -> list[Fault]:
    """Raises: InvalidPolicy: There is none, or it is none."""
    file = places.policies / golden.FILE
    written = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    answered = golden.write(table, schema)
    if written == answered:
        return []
    accepted = golden.read(file, schema)
    changed = [place for place, outcome in enumerate(table.outcomes) if accepted[place] != outcome]
    pairs = enumerate(zip(written.splitlines(), answered.splitlines(), strict=False), 1)
    line = next((number for number, (was, is_now) in pairs if was != is_now), 0)
    if not changed:
        what = "is not as `policy accept` writes it, though it says the same; run: authz-service policy accept"
        return [Fault(what, file=str(file), line=line)]
    named = smallest_first(table, changed)[:_NAMED]
    sentences = "; ".join(
        f"{told(table, place, phrases)}, {_before(accepted[place].allow, table.outcomes[place].allow)}"
        for place in named
    )
    answers = f"{len(changed):,} situation{' is' if len(changed) == 1 else 's are'} answered otherwise than it says"
    return [Fault(f"{answers}: {sentences}{further(len(changed) - len(named))}; {_RENEW}", file=str(file), line=line)]


def _before(was: bool, is_now: bool) -> str:  # noqa: FBT001 - two of the same kind, in their order
    return "for other reasons or with other effects" if was == is_now else f"which was {'allowed' if was else 'denied'}"

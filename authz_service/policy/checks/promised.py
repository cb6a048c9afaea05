"""The promises that a policy breaks, each with the smallest situation in which it does."""

from collections.abc import Sequence

from authz_service.errors import Fault
from authz_service.policy.checks.places import Places
from authz_service.policy.promises import broken_promises, counterexample, read_promises
from authz_service.policy.sentences import Phrases
from authz_service.policy.syntax import Rule
from authz_service.policy.table import Table


def unkept(places: Places, promising: Sequence[Rule], table: Table, phrases: Phrases) -> list[Fault]:
    return [
        Fault(
            f"“{promise.title}” ({', '.join(promise.cites)}) does not hold: {counterexample(broken, table, phrases)}; "
            "correct the rules, or the promise",
            file=promise.file,
            line=promise.line,
        )
        for broken in broken_promises(places.opa, places.policies, read_promises(promising), table)
        for promise in [broken.promise]
    ]

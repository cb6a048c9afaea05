"""What a search finds: the candidates about whom the very same decisions say yes, a page at a time."""

from collections.abc import Collection
from typing import NamedTuple

from authz_service.decision.decisions import Decided, Decisions
from authz_service.decision.protocols import Domain
from authz_service.errors import Fault
from authz_service.questions import Search

MOST_ON_A_PAGE = 1_000
MOST_AT_ONCE = 1_000
MOST_A_PAGE_ASKS_ABOUT = 5_000


class Page(NamedTuple):
    """Some of what a search finds, in the order of the candidates.

    Attributes:
        found: Ids of subjects or resources, or names of actions.
        after: The candidate after which the next page goes on; None when there is none.
        asked: The questions about all candidates that were looked at, with their decisions.
    """

    found: list[str]
    after: str | None
    asked: list[Decided]


class Searches:
    """Searches one domain."""

    def __init__(self, domain: Domain, decisions: Decisions) -> None:
        self._domain = domain
        self._decisions = decisions

    def faults(self, search: Search) -> list[Fault]:
        """What is wrong with the members that the domain reads."""
        return self._domain.faults(search.question)

    def page(self, search: Search, after: str, limit: int, among: Collection[str] | None = None) -> Page:
        """What is found after that candidate.

        However rarely the answer is yes, a page asks about so many candidates only, and may hold fewer than the limit.

        Args:
            search: What is searched for.
            after: Where the page before has ended; empty for the first.
            limit: How many at most.
            among: The only candidates to ask about; None for all.

        Raises:
            Unavailable: The candidates or facts cannot be read, or the engine does not answer.
        """
        found: list[str] = []
        asked: list[Decided] = []
        size = min(limit, MOST_AT_ONCE // 2)
        while len(asked) < MOST_A_PAGE_ASKS_ABOUT:
            # One more than could be needed, as the last page has to know that it is the last.
            size = min(2 * size + 1, MOST_AT_ONCE)
            candidates = self._domain.candidates(search, after, size)
            wanted = candidates if among is None else [candidate for candidate in candidates if candidate in among]
            decided = self._decisions.decide([search.asking(candidate) for candidate in wanted])
            asked += decided
            for candidate, (_, _, decision, _) in zip(wanted, decided, strict=True):
                if decision.allow and len(found) == limit:
                    return Page(found, after, asked)
                if decision.allow:
                    found.append(candidate)
                after = candidate
            if len(candidates) < size:
                return Page(found, None, asked)
            after = candidates[-1]
        return Page(found, after, asked)

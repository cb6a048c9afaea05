"""Situations as examples of something: the smallest first, each with its answer in a sentence."""

from collections.abc import Iterable

from authz_service.policy.sentences import Phrases
from authz_service.policy.table import Outcome, Table


def smallest_first(table: Table, places: Iterable[int]) -> list[int]:
    """Situations by their place in the table: with the fewest facts first, else in its order."""
    return sorted(places, key=lambda place: (len(table.situations[place]), place))


def told(table: Table, place: int, phrases: Phrases) -> str:
    """One situation and what the policy says of it, as a sentence without its full stop."""
    outcome = table.outcomes[place]
    facts = {fact: (value,) for fact, value in table.situations[place].items()}
    return f"{phrases.who_does_what(facts, 'may' if outcome.allow else 'may not')}{_besides(outcome)}"


def further(count: int) -> str:
    """The end of a sentence that has named some of many."""
    return f"; and {count:,} more" if count else ""


def _besides(outcome: Outcome) -> str:
    """What an answer says beside yes or no."""
    said = [
        *([f"route {outcome.route}"] if outcome.route else []),
        *([f"requires {', '.join(outcome.requires)}"] if outcome.requires else []),
        *([f"effects {', '.join(outcome.effects)}"] if outcome.effects else []),
    ]
    return f" ({'; '.join(said)})" if said else ""

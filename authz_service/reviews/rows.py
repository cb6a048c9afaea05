"""What a review says, arranged to be read: people down, actions in groups across, subscriptions alike together."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from authz_service.customers.linked import COUNTED
from authz_service.reviews.content import (
    ANYBODY_ELSE,
    NOT_ASKED,
    THE_NUMBER,
    YES,
    Content,
    ReviewedAction,
    ReviewedPerson,
    ReviewedSubscription,
)
from authz_service.words import ActionName, ResourceType

_BROUGHT = {
    "activation_code": "with the activation code",
    "mobile_number": "with a mobile on the bill",
    "inform_current_administrator": "having told the administrator",
    "web_site": "on the web site",
}


class Column(NamedTuple):
    """Actions that belong together.

    Attributes:
        group: The title of their group.
        actions: How they are told.
    """

    group: str
    actions: tuple[str, ...]


class Told(NamedTuple):
    """What somebody may do of a column.

    Attributes:
        kind: `permit`, `deny`, `condition` where it is a part of it, or `none` where nothing was asked.
        symbol: The symbol for that.
        words: The same in words.
    """

    kind: str
    symbol: str
    words: str


class Line(NamedTuple):
    """What one person may do with things that are alike to him or her.

    Attributes:
        person: The person; None for whoever is not linked.
        things: The subscriptions; empty where it is about the customer number.
        cells: The columns.
    """

    person: ReviewedPerson | None
    things: tuple[ReviewedSubscription, ...]
    cells: tuple[Told, ...]

    @property
    def are_own(self) -> bool:
        """Whether the person holds the mobiles."""
        return self.person is not None and all(thing.holder == self.person.id for thing in self.things)


class Arranged(NamedTuple):
    """A table.

    Attributes:
        columns: The groups of actions.
        lines: The lines, those of a person one after the other.
    """

    columns: Sequence[Column]
    lines: Sequence[Line]

    @property
    def by_person(self) -> Sequence[tuple[ReviewedPerson | None, Sequence[Line]]]:
        return [(person, list(lines)) for person, lines in groupby(self.lines, key=lambda line: line.person)]


def on_the_number(content: Content) -> Arranged:
    """What everybody may do on the customer number itself."""
    actions = content.actions_on(THE_NUMBER)
    people: list[ReviewedPerson | None] = [person for person in content.people if content.answers[person.id]]
    if ANYBODY_ELSE in content.answers:
        people.append(None)
    return Arranged(_columns(actions), [Line(person, (), tuple(_cells(content, person))) for person in people])


def on_subscriptions(content: Content) -> Arranged:
    """What everybody may do with the subscriptions; those with the same answers, held by the same, stand together."""
    actions = [action for action in content.actions if action.on is ResourceType.SUBSCRIPTION]
    lines = []
    for person in content.people:
        alike: dict[tuple[bool, tuple[Told, ...]], list[ReviewedSubscription]] = {}
        for thing in content.subscriptions:
            cells = tuple(map(_told, _grouped(content.signs(person.id, thing.id))))
            # First his or her own.
            alike.setdefault((thing.holder != person.id, cells), []).append(thing)
        of_person = sorted(alike.items(), key=lambda item: item[0][0])
        lines += [Line(person, tuple(things), cells) for (_, cells), things in of_person]
    return Arranged(_columns(actions), lines)


def counted(number: int) -> str:
    """How many there are, where they are not all counted."""
    return f"{number:,} or more" if number >= COUNTED else f"{number:,}"


def brought(words: Sequence[str]) -> str:
    """What somebody still has to bring to become administrator."""
    return ", ".join(_BROUGHT.get(word, word.replace("_", " ")) for word in words)


def _cells(content: Content, person: ReviewedPerson | None) -> Iterator[Told]:
    place = person.id if person else ANYBODY_ELSE
    for signs in _grouped(content.signs(place, THE_NUMBER)):
        told = _told(signs)
        asks_to_become = any(action.name == ActionName.BECOME_ADMINISTRATOR for action in signs)
        if asks_to_become and place in content.becoming:
            told = told._replace(words=f"yes, {brought(content.becoming[place])}")
        yield told


def _columns(actions: Sequence[ReviewedAction]) -> list[Column]:
    return [
        Column(group, tuple(action.title for action in of_group))
        for group, of_group in groupby(actions, key=lambda action: action.group)
    ]


def _grouped(signs: Mapping[ReviewedAction, str]) -> list[Mapping[ReviewedAction, str]]:
    return [
        {action: signs[action] for action in of_group}
        for _, of_group in groupby(signs, key=lambda action: action.group)
    ]


def _told(signs: Mapping[ReviewedAction, str]) -> Told:
    asked = {action: sign for action, sign in signs.items() if sign != NOT_ASKED}
    allowed = [action.title for action, sign in asked.items() if sign == YES]
    if not asked:
        return Told("none", "\N{EN DASH}", "not asked")
    if not allowed:
        return Told("deny", "✗", "no")
    if len(allowed) == len(asked):
        return Told("permit", "✓", "yes")
    return Told("condition", "◐", f"only {', '.join(allowed)}")

"""What a review says that the one before did not."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from authz_service.reviews.content import (
    ANYBODY_ELSE,
    NO,
    NOT_ASKED,
    THE_NUMBER,
    YES,
    Content,
    ReviewedAction,
    ReviewedPerson,
)

_MOST_NAMED = 4
_NOBODY = "no role"


class Differences(BaseModel):
    """Sentences without their full stops.

    Attributes:
        widened: What is possible that was not.
        narrowed: What is no longer possible.
        others: What else is new, gone, or not comparable.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    widened: tuple[str, ...] = ()
    narrowed: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def are_none(self) -> bool:
        return not (self.widened or self.narrowed or self.others)


def missing(before: Content, now: Content) -> tuple[list[str], list[str]]:
    """The people and the subscriptions of the review before that this one does not have."""
    people = {person.id for person in now.people}
    things = {thing.id for thing in now.subscriptions}
    return (
        [person.id for person in before.people if person.id not in people],
        [thing.id for thing in before.subscriptions if thing.id not in things],
    )


def differences(before: Content, now: Content, still_there: Collection[str]) -> Differences:
    """What has changed from one review to a later one.

    Args:
        before: The earlier review.
        now: The later one.
        still_there: Those of the missing people and subscriptions that are on another page, and not gone.
    """
    gone_people, gone_things = missing(before, now)
    people_before = {person.id: person for person in before.people}
    things_before = {thing.id for thing in before.subscriptions}
    others = [
        *(
            f"{person.name}, {_role(person)}, was not in the review before"
            for person in now.people
            if person.id not in people_before
        ),
        *(
            f"{people_before[person].name}, {_role(people_before[person])} then, is no longer linked"
            for person in gone_people
            if person not in still_there
        ),
        *(
            f"{person.name} was {_role(earlier)} and is {_role(person)}"
            for person in now.people
            if (earlier := people_before.get(person.id)) and earlier.role != person.role
        ),
        *(f"{thing.id} was not in the review before" for thing in now.subscriptions if thing.id not in things_before),
        *(f"{thing} is no longer there" for thing in gone_things if thing not in still_there),
        *_changed_holders(before, now),
        *_changed_actions(before, now),
    ]
    names = {person.id: person.name for person in now.people} | {ANYBODY_ELSE: "Whoever is not linked"}
    return Differences(
        widened=tuple(_turned(before, now, names, YES, "may now")),
        narrowed=tuple(_turned(before, now, names, NO, "may no longer")),
        others=tuple(others),
    )


def _role(person: ReviewedPerson) -> str:
    return person.role or _NOBODY


def _changed_holders(before: Content, now: Content) -> Iterator[str]:
    earlier = {thing.id: thing for thing in before.subscriptions}
    for thing in now.subscriptions:
        was = earlier.get(thing.id)
        if was and was.holder != thing.holder:
            yield f"{thing.id} was held by {was.holder or 'nobody'} and is held by {thing.holder or 'nobody'}"


def _changed_actions(before: Content, now: Content) -> Iterator[str]:
    was, is_now = _keys(before.actions), _keys(now.actions)
    for key in is_now.keys() - was.keys():
        yield f"{is_now[key].title}: was not asked about in the review before"
    for key in was.keys() - is_now.keys():
        yield f"{was[key].title}: is no longer asked about"


def _keys(actions: Sequence[ReviewedAction]) -> dict[tuple[object, ...], ReviewedAction]:
    return {_key(action): action for action in actions}


def _key(action: ReviewedAction) -> tuple[object, ...]:
    return action.name, action.on, action.is_free


def _turned(before: Content, now: Content, names: Mapping[str, str], to: str, verb: str) -> Iterator[str]:
    """Who may do what on which things, where the answer has turned to that sign."""
    for person, of_person in now.answers.items():
        by_actions: dict[tuple[str, ...], list[str]] = {}
        for thing in of_person:
            if thing not in before.answers.get(person, {}):
                continue
            was = {_key(action): sign for action, sign in before.signs(person, thing).items()}
            turned = tuple(
                action.title
                for action, sign in now.signs(person, thing).items()
                if sign == to and was.get(_key(action), sign) not in {sign, NOT_ASKED}
            )
            if turned:
                by_actions.setdefault(turned, []).append(thing)
        for titles, things in by_actions.items():
            yield f"{names[person]} {verb} {_listed(titles)}{_on(things)}"


def _on(things: Sequence[str]) -> str:
    if things == [THE_NUMBER]:
        return ""
    more = len(things) - _MOST_NAMED
    named = [*things[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    return f": {_listed(named)}"


def _listed(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last

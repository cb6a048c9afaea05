"""Asks all there is to ask about a customer number, as a batch of questions is asked."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Engine

from authz_service.customers.linked import Linked, LinkedSubscription, Part, read_linked
from authz_service.decision.decisions import Decided, Decisions
from authz_service.decision.memory import Decision
from authz_service.policy.matrix import Matrix, Row
from authz_service.policy.matrix_texts import title_of_row
from authz_service.policy.sentences import Phrases
from authz_service.questions import NO_PROPERTIES, Action, Entity, Question
from authz_service.reviews.content import (
    ANYBODY_ELSE,
    NO,
    NOT_ASKED,
    THE_NUMBER,
    YES,
    Content,
    ReviewedAction,
    ReviewedPerson,
    ReviewedSubscription,
)
from authz_service.reviews.since import roles_given
from authz_service.words import ActionName, ResourceType, Role, SubjectType

MOST_PEOPLE = 10
MOST_SUBSCRIPTIONS = 20

_FREE = {"free": True, "paid": False}


class Review(NamedTuple):
    """What was found of a customer number.

    Attributes:
        content: What there is to sign off.
        decisions: All that were made for it.
        next: The next part of people and the next of subscriptions; None where there is none.
    """

    content: Content
    decisions: Sequence[Decision]
    next: tuple[Part | None, Part | None]


class _Asked(NamedTuple):
    """A question, and where its answer belongs; without one where the data has no such option."""

    person: str
    thing: str
    question: Question | None


def reviewed_actions(matrix: Matrix, phrases: Phrases) -> tuple[ReviewedAction, ...]:
    """The rows of the matrix that can be asked about, which taking over cannot: it is done, with what is brought."""
    return tuple(action for row in matrix.rows if (action := _action(row, phrases)))


def review(
    database: Engine, decisions: Decisions, actions: Sequence[ReviewedAction], number: str, part: Part
) -> Review:
    """Reviews a part of a customer number.

    Raises:
        UnknownCustomer: There is no such customer number.
        Unavailable: The facts or the policy cannot be asked.
    """
    linked = read_linked(database, number, part, MOST_PEOPLE, MOST_SUBSCRIPTIONS)
    asked = list(_asked(number, linked, actions))
    decided = decisions.decide([each.question for each in asked if each.question])
    answers: dict[str, dict[str, str]] = {person.id: {} for person in linked.people}
    becoming: dict[str, tuple[str, ...]] = {}
    roles: dict[str, Role | None] = {}
    upcoming = iter(decided)
    for each in asked:
        said = next(upcoming) if each.question else None
        of_thing = answers.setdefault(each.person, {})
        of_thing[each.thing] = of_thing.get(each.thing, "") + _sign(said)
        if said:
            roles.setdefault(each.person, _role(said.decision))
            if said.question.action.name == ActionName.BECOME_ADMINISTRATOR and said.decision.allow:
                becoming[each.person] = _brought(said.decision)
    given = roles_given(database, number, [person.id for person in linked.people])
    content = Content(
        customer_number=number,
        customer_name=linked.name,
        customer_kind=linked.kind,
        policy_revision=decided[0].decision.revision if decided else "",
        people_after=part.people_after,
        subscriptions_after=part.subscriptions_after,
        administrator_count=linked.count_by_role[Role.ADMINISTRATOR],
        user_count=linked.count_by_role[Role.USER],
        subscription_count=linked.subscription_count,
        people=tuple(
            ReviewedPerson(
                id=person.id,
                name=person.name,
                role=(role := roles.get(person.id)),
                # Otherwise the data was brought in anew since.
                since=given[person.id][1] if person.id in given and given[person.id][0] == role else None,
            )
            for person in linked.people
        ),
        subscriptions=tuple(ReviewedSubscription(**thing._asdict()) for thing in linked.subscriptions),
        options=_options(linked),
        actions=tuple(actions),
        answers=answers,
        becoming=becoming,
    )
    next_people = linked.next_people_after
    next_things = linked.next_subscriptions_after
    return Review(
        content,
        [each.decision for each in decided],
        (
            None if next_people is None else Part(next_people),
            None if next_things is None else part._replace(subscriptions_after=next_things),
        ),
    )


def _action(row: Row, phrases: Phrases) -> ReviewedAction | None:
    facts = {fact: values[0] for fact, values in row.facts.items()}
    option = facts.get("option")
    resource = facts.get("resource", ResourceType.SUBSCRIPTION if option else ResourceType.CUSTOMER)
    is_known = resource in frozenset(ResourceType) and (option is None or option in _FREE)
    if facts.get("is_take_over") or not is_known:
        return None
    return ReviewedAction(
        group=row.group,
        title=title_of_row(row, phrases),
        name=str(facts["action"]),
        on=ResourceType(str(resource)),
        is_free=None if option is None else _FREE[str(option)],
    )


def _asked(number: str, linked: Linked, actions: Sequence[ReviewedAction]) -> Iterator[_Asked]:
    of_resource: dict[ResourceType, list[ReviewedAction]] = defaultdict(list)
    for action in actions:
        of_resource[action.on].append(action)
    people = [person.id for person in linked.people]
    for person in people:
        yield from _about_number(person, person, number, of_resource[ResourceType.CUSTOMER])
        for thing in linked.subscriptions:
            for action in of_resource[ResourceType.SUBSCRIPTION]:
                yield _Asked(person, thing.id, _about_subscription(person, thing, action, linked))
    if linked.somebody_else is not None:
        yield from _about_number(ANYBODY_ELSE, linked.somebody_else, number, of_resource[ResourceType.CUSTOMER])


def _about_number(place: str, person: str, number: str, actions: Sequence[ReviewedAction]) -> Iterator[_Asked]:
    subject, resource = Entity(SubjectType.PERSON, person), Entity(ResourceType.CUSTOMER, number)
    for action in actions:
        yield _Asked(place, THE_NUMBER, Question(subject, Action(action.name), resource))


def _about_subscription(
    person: str, thing: LinkedSubscription, action: ReviewedAction, linked: Linked
) -> Question | None:
    properties = NO_PROPERTIES
    if action.is_free is not None:
        option = linked.options.get((thing.kind, action.is_free))
        if option is None:
            return None
        properties = {"option": option}
    return Question(
        Entity(SubjectType.PERSON, person),
        Action(action.name, properties),
        Entity(ResourceType.SUBSCRIPTION, thing.id),
    )


def _sign(said: Decided | None) -> str:
    if said is None:
        return NOT_ASKED
    return YES if said.decision.allow else NO


def _role(decision: Decision) -> Role | None:
    stated = str(decision.document["role"])
    return Role(stated) if stated in frozenset(Role) else None


def _brought(decision: Decision) -> tuple[str, ...]:
    answer = decision.answer
    return tuple(dict.fromkeys([*([answer.route] if answer.route else []), *answer.requires]))


def _options(linked: Linked) -> dict[str, tuple[str, ...]]:
    """Those that were asked about, by kind of subscription."""
    kinds = sorted({thing.kind for thing in linked.subscriptions})
    found = {kind: [linked.options.get((kind, is_free)) for is_free in _FREE.values()] for kind in kinds}
    return {kind: tuple(filter(None, of_kind)) for kind, of_kind in found.items() if any(of_kind)}

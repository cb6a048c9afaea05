"""What an access review says, in the form that is kept."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from authz_service.words import ResourceType, Role

YES, NO, NOT_ASKED = "+", "-", " "
THE_NUMBER = ""
"""Stands for the customer number among its subscriptions."""

ANYBODY_ELSE = ""
"""Stands for whoever is not linked among the people."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Since(_Kept):
    """The take-over that gave a person his or her role."""

    decision_id: str
    at: datetime


class ReviewedPerson(_Kept):
    """A person of the customer number.

    Attributes:
        role: As the facts of the questions state it; None where the person has left in between.
        since: What gave it; None where the data was brought in with it.
    """

    id: str
    name: str
    role: Role | None
    since: Since | None


class ReviewedSubscription(_Kept):
    """A subscription; all but id and kind are None unless it is a mobile."""

    id: str
    kind: str
    number: str | None
    holder: str | None
    plan: str | None
    paid_by: str | None


class ReviewedAction(_Kept):
    """An action that is asked about.

    Attributes:
        group: The title of the group that the matrix has it in.
        title: How it is told: "see the bills".
        name: Its name.
        on: What it is done with.
        is_free: Whether the option that it names is free; None where it names none.
    """

    group: str
    title: str
    name: str
    on: ResourceType
    is_free: bool | None


class Content(_Kept):
    """All that a review says. Two reviews that say the same are the same to the byte.

    Attributes:
        people_after: After which person it begins; empty for the first.
        subscriptions_after: After which subscription it begins; empty for the first.
        administrator_count: How many administrators the customer number has, as far as they are counted.
        user_count: How many users, likewise.
        subscription_count: How many subscriptions, likewise.
        options: The options that were asked about, by kind of subscription.
        actions: The actions, in the order of the matrix.
        answers: By person and subscription: a sign for each action on it, in the order of the actions.
        becoming: What a person who may become administrator still has to bring, by person.
    """

    customer_number: str
    customer_name: str
    customer_kind: str
    policy_revision: str
    people_after: str
    subscriptions_after: str
    administrator_count: int
    user_count: int
    subscription_count: int
    people: tuple[ReviewedPerson, ...]
    subscriptions: tuple[ReviewedSubscription, ...]
    options: dict[str, tuple[str, ...]]
    actions: tuple[ReviewedAction, ...]
    answers: dict[str, dict[str, str]]
    becoming: dict[str, tuple[str, ...]]

    @cached_property
    def text(self) -> str:
        return self.model_dump_json()

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of it in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def person_count(self) -> int:
        """How many people the customer number has, as far as they are counted."""
        return self.administrator_count + self.user_count

    @property
    def is_whole(self) -> bool:
        """Whether it is about all people and subscriptions of the customer number."""
        return (len(self.people), len(self.subscriptions)) == (self.person_count, self.subscription_count)

    def actions_on(self, thing: str) -> list[ReviewedAction]:
        """The actions on the customer number or on a subscription, in the order of the answers."""
        on = ResourceType.SUBSCRIPTION if thing else ResourceType.CUSTOMER
        return [action for action in self.actions if action.on is on]

    def signs(self, person: str, thing: str) -> Mapping[ReviewedAction, str]:
        """What the person may do with it: a sign for each action."""
        return dict(zip(self.actions_on(thing), self.answers[person][thing], strict=True))

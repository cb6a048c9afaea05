"""Situations without what the caller chooses: what is left are cells that the customer data puts people into.

A cell is about a thing and a role on it, or about becoming administrator. Both are numbers, which a database compares
fast: the things of a role are bits, and what counts for becoming administrator is a code.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, product
from operator import mul
from typing import NamedTuple, TypeAlias

from authz_service.errors import Fault, InvalidPolicy
from authz_service.words import CustomerKind, PaidBy, Plan, ResourceType, Role, SubscriptionKind

_Value: TypeAlias = str | bool
_Values: TypeAlias = tuple[_Value, ...]
Situation: TypeAlias = Mapping[str, _Value]
Place: TypeAlias = tuple[_Value, _Value]
"""A role, and the kind of the customer number that it is on."""

NOT_LINKED = "none"
MOBILES = tuple(product(Plan, PaidBy))
"""How mobiles differ: plan, and who pays."""

_HELD = ("none", "of_others", "own")
_ELIGIBILITY: dict[str, _Values] = {
    "role": (*Role, NOT_LINKED),
    "customer_kind": tuple(CustomerKind),
    "has_administrator": (False, True),
    "mobiles_paid_by_customer": _HELD,
    "mobiles_paid_by_employer": _HELD,
    "mobiles_on_pay_and_go": _HELD,
    "has_number_of_another_provider": (False, True),
    "activation_code": ("not_issued", "unused", "unused_after_five_wrong", "used"),
}
_WEIGHTS = dict(zip(_ELIGIBILITY, accumulate(map(len, _ELIGIBILITY.values()), mul, initial=1), strict=False))
_MOBILE: dict[str, _Values] = {"is_holder": (True, False), "plan": tuple(Plan), "paid_by": tuple(PaidBy)}
_CHOSEN = {"action", "channel", "is_take_over", "is_current_administrator_informed", "given_activation_code"}
_KNOWN = {*_CHOSEN, *_ELIGIBILITY, *_MOBILE, "is_known_person", "resource", "subscription_kind", "option"}
_THINGS = (
    "customer",
    *(kind for kind in SubscriptionKind if kind is not SubscriptionKind.MOBILE),
    *product((True, False), Plan, PaidBy),
)


class Options(NamedTuple):
    """The kinds of subscription that there are options for."""

    free: frozenset[str]
    paid: frozenset[str]

    def has(self, option: _Value, kind: _Value) -> bool:
        """Whether a caller can name such an option for a subscription of this kind."""
        match option:
            case "free":
                return kind in self.free
            case "paid":
                return kind in self.paid
            case "for_another_kind":
                return bool((self.free | self.paid) - {kind})
            case _:
                return True


class Cells(NamedTuple):
    """The cells of a group of situations.

    Attributes:
        has_everybody: Whether every known person is in it, whatever the data has.
        has_strangers: Whether somebody can be in it by a customer number that he or she is not linked to.
        things: The bits of the things that it is about, by role and kind of customer number.
        codes: The codes of what it is about in becoming administrator.
    """

    has_everybody: bool
    has_strangers: bool
    things: Mapping[Place, int]
    codes: frozenset[int]


def bit(thing: object) -> int:
    """The bit of `customer`, of a kind of subscription, or of mobiles: whether one's own, their plan and payer."""
    return 1 << _THINGS.index(thing)


def code(fact: str, value: _Value) -> int:
    """What a fact with this value adds to a code."""
    return _WEIGHTS[fact] * _ELIGIBILITY[fact].index(value)


def cells(situations: Iterable[Situation], options: Options) -> Cells:
    """The cells of a group, where these are the options that there are.

    Raises:
        InvalidPolicy: A situation has a fact that the customer data does not state.
    """
    has_everybody = has_strangers = False
    things: dict[Place, int] = {}
    codes: set[int] = set()
    for facts in situations:
        unknown = sorted(facts.keys() - _KNOWN)
        if unknown:
            what = "is no fact that the customer data states yet, so it cannot be said who is concerned"
            raise InvalidPolicy([Fault(what, fact) for fact in unknown])
        if facts.get("is_known_person") is False:
            continue
        has_strangers |= NOT_LINKED in _values(facts, "role")
        if "has_administrator" in facts:
            codes.update(_codes(facts))
        elif facts.get("resource") in frozenset(ResourceType):
            for place in product(_values(facts, "role"), _values(facts, "customer_kind")):
                things[place] = things.get(place, 0) | _things(facts, options)
        else:
            has_everybody = True
    return Cells(has_everybody, has_strangers, things, frozenset(codes))


def _things(facts: Situation, options: Options) -> int:
    kind = facts.get("subscription_kind", "customer")
    if not options.has(facts.get("option", "none"), kind):
        return 0
    is_mobile = kind == SubscriptionKind.MOBILE
    asked = product(_values(facts, "is_holder"), _values(facts, "plan"), _values(facts, "paid_by"))
    return sum(bit(thing) for thing in (asked if is_mobile else [kind]) if thing in _THINGS)


def _codes(facts: Situation) -> Iterator[int]:
    """None where a value is one that the data never has."""
    parts = (
        [code(fact, value) for value in _values(facts, fact) if value in _ELIGIBILITY[fact]] for fact in _ELIGIBILITY
    )
    return map(sum, product(*parts))


def _values(facts: Situation, fact: str) -> _Values:
    """The value of a fact; where it is left out, all that it can have."""
    return (facts[fact],) if fact in facts else {**_ELIGIBILITY, **_MOBILE}[fact]

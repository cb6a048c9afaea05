"""How many people and customer numbers are in groups of situations today, counted by the database.

A person is in a situation when a question that he or she could ask has its facts, as `facts.py` and `document.py`
state them for one question. Here they are stated for everybody at once, and what a customer number has is counted once,
not once for each of its members.
"""

import functools
import operator
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple, TypeAlias, TypeVar

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    Connection,
    Label,
    Select,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)

from authz_service.customers.cells import MOBILES, NOT_LINKED, Cells, Options, Situation, bit, cells, code
from authz_service.customers.document import WRONG_CODES_STATED
from authz_service.storage.schema import customers, members, options, other_provider_numbers, people, subscriptions
from authz_service.words import CustomerKind, PaidBy, Plan, Role, SubscriptionKind

Group = TypeVar("Group", bound=Hashable)
_Number: TypeAlias = ColumnElement[int]
_Counts: TypeAlias = Mapping[tuple[Plan, PaidBy], _Number]

# A group is some columns of a statement, and a database takes no more than some thousand.
_GROUPS_A_STATEMENT = 100
_NO_MOBILE = tuple(kind for kind in SubscriptionKind if kind is not SubscriptionKind.MOBILE)
_MOBILES_OF = {
    "mobiles_paid_by_customer": [(Plan.SUBSCRIPTION, PaidBy.CUSTOMER)],
    "mobiles_paid_by_employer": [(Plan.SUBSCRIPTION, PaidBy.EMPLOYER)],
    "mobiles_on_pay_and_go": [(Plan.PAY_AND_GO, payer) for payer in PaidBy],
}
_ELSEWHERE = code("has_number_of_another_provider", value=True)


class Population(NamedTuple):
    """How many are in a group; who or what is in several of its situations counts once."""

    people: int
    customer_numbers: int


def count_population(connection: Connection, groups: Mapping[Group, Iterable[Situation]]) -> dict[Group, Population]:
    """How many people and customer numbers are in each group of situations.

    Raises:
        InvalidPolicy: A situation has a fact that the customer data does not state.
    """
    kind, price = options.c.subscription_kind, options.c.price_cents
    there_are = Options(
        frozenset(connection.scalars(select(kind).where(price == 0).distinct())),
        frozenset(connection.scalars(select(kind).where(price > 0).distinct())),
    )
    reduced = [cells(situations, there_are) for situations in groups.values()]
    counted: list[Population] = []
    for start in range(0, len(reduced), _GROUPS_A_STATEMENT):
        some = reduced[start : start + _GROUPS_A_STATEMENT]
        row = [int(count or 0) for count in connection.execute(_statement(some)).one()]
        counted += [Population(*counts) for counts in zip(row[: len(some)], row[len(some) :], strict=True)]
    return dict(zip(groups, counted, strict=True))


def _statement(groups: Sequence[Cells]) -> Select[Any]:
    """Of one row: the people of each group, then the customer numbers of each."""
    number = _numbers()
    member = _members(number)
    strange = _strange(number, groups)
    of_people, of_numbers = _people(member, strange, groups), _customer_numbers(member, strange, groups)
    return select(*of_people.c, *of_numbers.c).select_from(of_people.join(of_numbers, true()))


def _numbers() -> CTE:
    """What each customer number has, and how that is for a stranger: somebody who is not linked to it."""
    has = [_max(subscriptions.c.kind == kind).label(kind) for kind in _NO_MOBILE]
    had = _mobiles_by("had", subscriptions.c.customer_number, also=has)
    administrator = and_(members.c.customer_number == customers.c.number, members.c.role == Role.ADMINISTRATOR)
    things = literal(bit("customer")) + _sum(func.coalesce(had.c[kind], 0) * bit(kind) for kind in _NO_MOBILE)
    stated = (
        _among("customer_kind", *((customers.c.kind == kind, kind) for kind in CustomerKind))
        + _among("has_administrator", (exists().where(administrator), True))
        + _among(
            "activation_code",
            (customers.c.activation_digest.is_(None), "not_issued"),
            (customers.c.activation_used, "used"),
            (customers.c.activation_wrong >= WRONG_CODES_STATED, "unused_after_five_wrong"),
            (true(), "unused"),
        )
    )
    mobiles = {which: func.coalesce(had.c["_".join(which)], 0) for which in MOBILES}
    own: _Counts = dict.fromkeys(MOBILES, literal(0))
    return _materialized(
        "number",
        select(
            customers.c.number,
            customers.c.kind,
            things.label("things"),
            stated.label("code"),
            *(count.label("_".join(which)) for which, count in mobiles.items()),
            (things + _things(own, mobiles)).label("strange_things"),
            (stated + code("role", NOT_LINKED) + _code(own, mobiles)).label("strange_code"),
        ).select_from(customers.outerjoin(had, had.c.customer_number == customers.c.number)),
    )


def _members(number: CTE) -> CTE:
    """What each member of a customer number has."""
    held = _mobiles_by("held", subscriptions.c.customer_number, subscriptions.c.holder)
    own = {which: func.coalesce(held.c["_".join(which)], 0) for which in MOBILES}
    mobiles = {which: number.c["_".join(which)] for which in MOBILES}
    role = _among("role", *((members.c.role == role, role) for role in Role))
    is_holder = and_(held.c.customer_number == members.c.customer_number, held.c.holder == members.c.person)
    return _materialized(
        "member",
        select(
            members.c.person,
            members.c.customer_number,
            members.c.role,
            members.c.customer_kind.label("kind"),
            _flag(_is_elsewhere(members.c.person)).label("elsewhere"),
            (number.c.things + _things(own, mobiles)).label("things"),
            (number.c.code + role + _code(own, mobiles)).label("code"),
        ).select_from(
            members.join(number, number.c.number == members.c.customer_number).outerjoin(held, is_holder),
        ),
    )


def _strange(number: CTE, groups: Sequence[Cells]) -> CTE:
    """In which groups a stranger is with each customer number: one with a number of another provider, or without."""
    here, elsewhere = number.c.strange_code, number.c.strange_code + _ELSEWHERE
    flags = [
        _flag(_is_in(group, literal(NOT_LINKED), number.c.kind, number.c.strange_things, of)).label(f"{name}_{n}")
        for n, group in enumerate(groups)
        for name, of in (("here", here), ("elsewhere", elsewhere))
        if group.has_strangers
    ]
    return _materialized("strange", select(number.c.number, *flags))


def _people(member: CTE, strange: CTE, groups: Sequence[Cells]) -> CTE:
    """A row with the people of each group."""
    with_strangers = [n for n, group in enumerate(groups) if group.has_strangers]
    met = (
        select(
            member.c.person,
            *_linked(member, groups),
            *(func.sum(_by_elsewhere(member.c.elsewhere == 1, strange, n)).label(f"met_{n}") for n in with_strangers),
        )
        .select_from(member.join(strange, strange.c.number == member.c.customer_number))
        .group_by(member.c.person)
        .cte("met")
    )
    flags = (flag for flag in strange.c if flag is not strange.c.number)
    there = select(func.count(), *(func.sum(flag).label(flag.name) for flag in flags)).select_from(strange).cte("there")
    is_elsewhere = _is_elsewhere(people.c.id)

    def is_in(n: int, group: Cells) -> ColumnElement[bool]:
        if group.has_everybody:
            return true()
        is_linked = func.coalesce(met.c[f"linked_{n}"], 0) == 1
        if not group.has_strangers:
            return is_linked
        # Whoever is linked to fewer of these customer numbers than there are is a stranger to one.
        return or_(is_linked, func.coalesce(met.c[f"met_{n}"], 0) < _by_elsewhere(is_elsewhere, there, n))

    counts = (func.sum(_flag(is_in(n, group))).label(f"people_{n}") for n, group in enumerate(groups))
    found = people.outerjoin(met, met.c.person == people.c.id).join(there, true())
    return select(*counts).select_from(found).cte("people_of_groups")


def _customer_numbers(member: CTE, strange: CTE, groups: Sequence[Cells]) -> CTE:
    """A row with the customer numbers of each group."""
    here = func.sum(1 - member.c.elsewhere)
    elsewhere = func.sum(member.c.elsewhere)
    has = (
        select(member.c.customer_number, here.label("here"), elsewhere.label("elsewhere"), *_linked(member, groups))
        .group_by(member.c.customer_number)
        .cte("has")
    )
    is_elsewhere = _is_elsewhere(people.c.id)
    there = (
        select(func.sum(_flag(~is_elsewhere)).label("here"), func.sum(_flag(is_elsewhere)).label("elsewhere"))
        .select_from(people)
        .cte("everybody")
    )

    def is_in(n: int, group: Cells) -> ColumnElement[bool]:
        is_linked = func.coalesce(has.c[f"linked_{n}"], 0) == 1
        if not group.has_strangers:
            return is_linked
        # Where fewer are linked than there are, the others are strangers.
        others = (
            and_(strange.c[f"{name}_{n}"] == 1, func.coalesce(has.c[name], 0) < there.c[name])
            for name in ("here", "elsewhere")
        )
        return or_(is_linked, *others)

    counts = (func.sum(_flag(is_in(n, group))).label(f"numbers_{n}") for n, group in enumerate(groups))
    found = strange.outerjoin(has, has.c.customer_number == strange.c.number).join(there, true())
    return select(*counts).select_from(found).cte("numbers_of_groups")


def _linked(member: CTE, groups: Sequence[Cells]) -> Iterator[Label[int]]:
    """In which groups these members are."""
    at = member.c
    for n, group in enumerate(groups):
        is_in = _is_in(group, at.role, at.kind, at.things, at.code + at.elsewhere * _ELSEWHERE)
        yield _max(is_in).label(f"linked_{n}")


def _mobiles_by(name: str, *columns: ColumnElement[Any], also: Iterable[Label[int]] = ()) -> CTE:
    """How many mobiles of each sort there are by these columns."""
    s = subscriptions.c
    counts = (func.count(case((and_(s.plan == which[0], s.paid_by == which[1]), 1))) for which in MOBILES)
    named = (count.label("_".join(which)) for count, which in zip(counts, MOBILES, strict=True))
    return select(*columns, *named, *also).group_by(*columns).where(columns[-1].is_not(None)).cte(name)


def _things(own: _Counts, all_there_are: _Counts) -> _Number:
    return _sum(
        case((condition, bit((is_own, *which))), else_=0)
        for which in MOBILES
        for is_own, condition in ((True, own[which] > 0), (False, own[which] < all_there_are[which]))
    )


def _code(own: _Counts, all_there_are: _Counts) -> _Number:
    return _sum(
        _among(
            fact,
            (_sum(own[which] for which in those) > 0, "own"),
            (_sum(all_there_are[which] for which in those) > 0, "of_others"),
            (true(), "none"),
        )
        for fact, those in _MOBILES_OF.items()
    )


def _among(fact: str, *values: tuple[ColumnElement[bool], str | bool]) -> _Number:
    """What the first value whose condition holds adds to a code."""
    return case(*((condition, code(fact, value)) for condition, value in values), else_=0)


def _is_in(
    group: Cells, role: ColumnElement[str], kind: ColumnElement[str], things: _Number, of_eligibility: _Number
) -> ColumnElement[bool]:
    asked = [
        (and_(role == place[0], kind == place[1]), bits)
        for place in product((*Role, NOT_LINKED), CustomerKind)
        if (bits := group.things.get(place, 0))
    ]
    return or_(
        false(),
        *([things.bitwise_and(case(*asked, else_=0)) != 0] if asked else []),
        *([of_eligibility.in_(_literally(group.codes))] if group.codes else []),
    )


def _literally(codes: Iterable[int]) -> BindParameter[Any]:
    # As parameters they would be more than a database takes.
    return bindparam(None, sorted(codes), expanding=True, literal_execute=True)


def _is_elsewhere(person: ColumnElement[str]) -> ColumnElement[bool]:
    return exists().where(other_provider_numbers.c.person == person)


def _by_elsewhere(is_elsewhere: ColumnElement[bool], flags: CTE, n: int) -> _Number:
    return case((is_elsewhere, flags.c[f"elsewhere_{n}"]), else_=flags.c[f"here_{n}"])


def _flag(condition: ColumnElement[bool]) -> _Number:
    return case((condition, 1), else_=0)


def _max(condition: ColumnElement[bool]) -> _Number:
    return func.max(_flag(condition))


def _sum(numbers: Iterable[_Number]) -> _Number:
    return functools.reduce(operator.add, numbers)


def _materialized(name: str, rows: Select[Any]) -> CTE:
    # Without it what is stated of a member would be stated anew for each group.
    return rows.cte(name).prefix_with("MATERIALIZED")

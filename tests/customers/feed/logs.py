"""Changes as a feed tells them, and random logs of them in which each change is right when its turn comes."""

from collections import defaultdict
from typing import Any, TypeAlias

from hypothesis import strategies as st

Line: TypeAlias = dict[str, Any]

_PEOPLE = ["ann", "ben", "cem"]
_NUMBERS = ["1", "2", "3"]
_SUBSCRIPTIONS = ["s1", "s2", "s3"]
_MOBILES = ["+3247000001", "+3247000002"]


def person(sequence: int, name: str, **more: object) -> Line:
    return {"sequence": sequence, "person": {"id": name, "name": name, "email": f"{name}@example.org", **more}}


def option(sequence: int, name: str, price: str = "1.00") -> Line:
    return {"sequence": sequence, "option": {"id": name, "name": name, "for": "tv", "price": price}}


def customer(sequence: int, number: str, *administrators: str, **more: object) -> Line:
    members = [{"person": name, "role": "administrator"} for name in administrators]
    return {"sequence": sequence, "customer": {"number": number, "name": number, "members": members, **more}}


def gone(sequence: int, kind: str, name: str) -> Line:
    return {"sequence": sequence, "delete": {kind: name}}


@st.composite
def logs(draw: st.DrawFn, *, with_roles: bool) -> list[Line]:
    """A log in which what changes refer to is there, and nothing stands in their way.

    Args:
        draw: Hypothesis draws.
        with_roles: Whether the administrators of a customer change too.
    """
    people: dict[str, set[str]] = {}
    customers: dict[str, Line] = {}
    options: set[str] = set()
    first_administrator: defaultdict[str, list[str]] = defaultdict(list)
    log: list[Line] = []
    for sequence in range(1, draw(st.integers(1, 30)) + 1):
        linked = {each["person"] for one in customers.values() for each in one.get("members", [])}
        deletable = sorted(people.keys() - linked)
        what = draw(st.sampled_from(["person", "person", "customer", "customer", "customer", "option", "delete"]))
        if what == "option" or (what == "customer" and not people):
            options.add("o")
            log.append(option(sequence, "o", draw(st.sampled_from(["0.00", "5.00"]))))
        elif what == "person":
            name = draw(st.sampled_from(_PEOPLE))
            taken = set().union(*(numbers for other, numbers in people.items() if other != name))
            free = [number for number in ("+32480000001", "+32480000002") if number not in taken]
            numbers = draw(st.lists(st.sampled_from(free), unique=True)) if free else []
            people[name] = set(numbers)
            log.append(person(sequence, name, language=draw(st.sampled_from(["en", "nl"]))))
            log[-1]["person"]["other_provider_numbers"] = numbers
        elif what == "customer":
            number = draw(st.sampled_from(_NUMBERS))
            one = _customer(draw, number, customers, sorted(people))
            if not with_roles:
                _keep_administrators(one, first_administrator, number, people)
            customers[number] = one
            log.append({"sequence": sequence, "customer": one})
        else:
            things = [("customer", number) for number in customers] if with_roles else []
            things += [("person", name) for name in deletable] + [("option", name) for name in sorted(options)]
            if not with_roles:
                # Who was administrator is to be it again when the customer comes anew.
                administrators = {name for names in first_administrator.values() for name in names}
                things = [thing for thing in things if thing[1] not in administrators]
            kind, name = draw(st.sampled_from(things)) if things else ("option", "never-there")
            (customers if kind == "customer" else people if kind == "person" else {}).pop(name, None)
            options.discard(name)
            log.append(gone(sequence, kind, name))
    return log


def _customer(draw: st.DrawFn, number: str, customers: dict[str, Line], people: list[str]) -> Line:
    others = [sub for other, one in customers.items() if other != number for sub in one["subscriptions"]]
    names = draw(st.lists(st.sampled_from(people), unique=True))
    members = [{"person": name, "role": "user"} for name in names]
    has_administrator: bool = draw(st.booleans())
    if members and has_administrator:
        members[0]["role"] = "administrator"
    free = [name for name in _SUBSCRIPTIONS if name not in {sub["id"] for sub in others}]
    mobiles = [number for number in _MOBILES if number not in {sub.get("number") for sub in others}]
    subscriptions: list[Line] = []
    for name in draw(st.lists(st.sampled_from(free), unique=True)) if free else []:
        is_mobile: bool = draw(st.booleans())
        if mobiles and names and is_mobile:
            subscriptions.append({"id": name, "kind": "mobile", "number": mobiles.pop(), "holder": names[0]})
        else:
            subscriptions.append({"id": name, "kind": "tv"})
    one: Line = {"number": number, "name": draw(st.sampled_from(["A", "B"])), "members": members}
    if draw(st.booleans()):
        one["activation"] = {"code": draw(st.sampled_from(["ONE", "TWO"])), "date": "2026-11-02"}
    return one | {"subscriptions": subscriptions}


def _keep_administrators(
    one: Line, first: defaultdict[str, list[str]], number: str, people: dict[str, set[str]]
) -> None:
    if number not in first:
        first[number] = [each["person"] for each in one["members"] if each["role"] == "administrator"]
    wanted = [name for name in first[number] if name in people]
    users = [each for each in one["members"] if each["person"] not in wanted]
    one["members"] = [
        *({"person": name, "role": "administrator"} for name in wanted),
        *({**each, "role": "user"} for each in users),
    ]
    holders = {each["person"] for each in one["members"]}
    one["subscriptions"] = [sub for sub in one["subscriptions"] if sub.get("holder") in {None, *holders}]

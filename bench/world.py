"""Many customers, and questions about them: the same for every contestant."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from authz_service.cli.progress import OnProgress

_ACTIONS = ("view_bills", "view_usage", "view_usage", "activate_option", "view_role", "become_administrator")
_TOLD_EVERY = 1_000


class Business(NamedTuple):
    """A customer number of a firm: the one after the last household, with a mobile for each of its members."""

    place: int
    members: int


def write_customers(
    file: Path, number: int, members: int = 3, business: Business | None = None, on_progress: OnProgress | None = None
) -> None:
    """NDJSON with so many households of so many members, each member with a mobile, and a firm if there is one."""
    with file.open("w") as out:
        for option, price in (("free-option", "0.00"), ("paid-option", "5.00")):
            _write(out, {"option": {"id": option, "name": option, "for": "mobile", "price": price}})
        for n in range(number):
            _write_customer(out, n, members)
            if on_progress and n % _TOLD_EVERY == 0:
                on_progress(n, number)
        if business:
            _write_customer(out, business.place, business.members, kind="business")


def _write_customer(out: TextIO, n: int, members: int, **more: object) -> None:
    people = [f"person-{n}-{place}" for place in range(members)]
    for person in people:
        _write(out, {"person": {"id": person, "name": person, "email": f"{person}@example.org"}})
    _write(out, {"customer": {**_household(n, people), **more}})


def _household(n: int, people: list[str]) -> dict[str, object]:
    return {
        "number": f"{100_000_000 + n}",
        "name": f"Household {n}",
        "members": [
            {"person": person, "role": "user" if place else "administrator"} for place, person in enumerate(people)
        ],
        "subscriptions": [
            {
                "id": f"mobile-{n}-{place}",
                "kind": "mobile",
                "number": f"+32{400_000_000 + len(people) * n + place}",
                "holder": person,
            }
            for place, person in enumerate(people)
        ],
    }


def questions(customers: int, number: int) -> Iterator[dict[str, object]]:
    """So many questions, all different, about customers of `write_customers`; the same at each call."""
    chosen = random.Random(7)
    for n in range(number):
        yield question(chosen, n % customers, 3)


def question(chosen: random.Random, household: int, members: int) -> dict[str, object]:
    """What a member asks about his or her own customer number, which has so many."""
    asker, holder = chosen.randrange(members), chosen.randrange(members)
    name = chosen.choice(_ACTIONS)
    action: dict[str, object] = {"name": name}
    resource = {"type": "customer", "id": f"{100_000_000 + household}"}
    if name in {"view_usage", "activate_option"}:
        resource = {"type": "subscription", "id": f"mobile-{household}-{holder}"}
    if name == "activate_option":
        action["properties"] = {"option": chosen.choice(("free-option", "paid-option"))}
    return {
        "subject": {"type": "person", "id": f"person-{household}-{asker}"},
        "action": action,
        "resource": resource,
        "context": {"channel": chosen.choice(("web", "app"))},
    }


def _write(out: TextIO, value: object) -> None:
    out.write(json.dumps(value) + "\n")

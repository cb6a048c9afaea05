"""Random households for property-based tests, and how they get into the database."""

import itertools
from collections.abc import Iterable
from datetime import date

from hypothesis import strategies as st
from sqlalchemy import Engine, delete, update

from authz_service.customers.activation_code import FindKey
from authz_service.customers.customer_store import put_customer
from authz_service.customers.model import Customer, Option, Person
from authz_service.customers.option_store import put_option
from authz_service.customers.parsing import parse
from authz_service.customers.person_store import put_person
from authz_service.questions import Action, Entity, Question
from authz_service.storage.database import writing
from authz_service.storage.schema import customers, metadata
from tests.reference import ADMINISTRATOR_ACTIONS, Asked, Household, Mobile, World

_PEOPLE = ["ann", "ben", "cem", "dia"]
_OPTIONS = {
    "free-mobile": ("mobile", 0),
    "paid-mobile": ("mobile", 500),
    "cent-mobile": ("mobile", 1),
    "free-internet": ("internet", 0),
    "paid-tv": ("tv", 995),
}
_CODES: st.SearchStrategy[str | int] = st.sampled_from(["none", "unused", "used", 1, 4, 5, 9])
_ACTIONS = [
    *sorted(ADMINISTRATOR_ACTIONS), "view_role", "become_administrator", "delegate",
    "view_usage", "activate_option", "deactivate_option", "fly",
]  # fmt: skip


@st.composite
def households(draw: st.DrawFn, number: str) -> Household:
    kind = draw(st.sampled_from(["residential", "business"]))
    linked = draw(st.lists(st.sampled_from(_PEOPLE), unique=True))
    roles = {person: draw(st.sampled_from(["administrator", "user"])) for person in linked}
    if kind == "residential":
        administrators = [person for person, role in roles.items() if role == "administrator"]
        roles |= dict.fromkeys(administrators[1:], "user")
    mobile = st.builds(
        Mobile,
        holder=st.sampled_from(linked or ["nobody"]),
        plan=st.sampled_from(["subscription", "pay_and_go"]),
        paid_by=st.sampled_from(["customer", "employer"]),
    )
    mobiles = draw(st.lists(mobile, max_size=3)) if linked else []
    others = draw(st.lists(st.sampled_from(["internet", "tv", "landline", "other"]), max_size=2))
    return Household(
        number=number,
        kind=kind,
        roles=roles,
        code=draw(_CODES),
        mobiles={f"{number}-mobile-{n}": mobile for n, mobile in enumerate(mobiles)},
        others={f"{number}-other-{n}": other for n, other in enumerate(others)},
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    numbers = ["1001", "1002"]
    elsewhere = draw(st.sets(st.sampled_from(_PEOPLE)))
    people = {person: [f"+3248{n}"] if person in elsewhere else [] for n, person in enumerate(_PEOPLE)}
    return World(people, dict(_OPTIONS), [draw(households(number)) for number in numbers])


def questions(world: World) -> list[Asked]:
    """Everything that can be asked of a world, also about what is not in it."""
    things = [("customer", "999"), ("subscription", "999"), ("car", "1001")]
    for household in world.households:
        things.append(("customer", household.number))
        things += [("subscription", name) for name, _ in household.subscriptions()]
    asked = []
    for person, (kind, name), action, channel in itertools.product(
        [*_PEOPLE, "stranger"], things, _ACTIONS, [None, "web", "app"]
    ):
        options = [None, "no-such", *_OPTIONS] if action.endswith("_option") else [None]
        asked += [Asked(person, action, kind, name, option, channel) for option in options]
    return asked


def question_of(asked: Asked) -> Question:
    """What a caller sends, with properties that must not widen anything."""
    return Question(
        Entity("person", asked.person, {"role": "administrator"}),
        Action(asked.action, {"option": asked.option} if asked.option else {}),
        Entity(asked.kind, asked.name),
        {"channel": asked.channel} if asked.channel else {},
    )


def store(world: World, database: Engine, find_key: FindKey) -> None:
    """Puts a world into the database, in place of what was there."""
    with writing(database) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
    for person, numbers in world.people.items():
        email = f"{person}@example.org"
        body = {"id": person, "name": person, "email": email, "other_provider_numbers": numbers}
        put_person(database, parse(Person, body))
    for option, (kind, cents) in world.options.items():
        price = f"{cents // 100}.{cents % 100:02}"
        put_option(database, parse(Option, {"id": option, "name": option, "for": kind, "price": price}))
    for household in world.households:
        _store_household(household, database, find_key)


def customer_body(household: Household) -> dict[str, object]:
    """The household in the shape of files and requests, without an activation."""
    return {
        "number": household.number,
        "name": "Household",
        "kind": household.kind,
        "members": [{"person": person, "role": role} for person, role in household.roles.items()],
        "subscriptions": [*_mobiles(household), *({"id": n, "kind": k} for n, k in household.others.items())],
    }


def _store_household(household: Household, database: Engine, find_key: FindKey) -> None:
    body = customer_body(household)
    if household.code != "none":
        body["activation"] = {"code": "C0DE", "date": date(2026, 11, 2)}
    put_customer(database, parse(Customer, body), find_key)
    wrong = household.code if isinstance(household.code, int) else 0
    state = {"activation_used": household.code == "used", "activation_wrong": wrong}
    with writing(database) as connection:
        connection.execute(update(customers).where(customers.c.number == household.number).values(state))


def _mobiles(household: Household) -> Iterable[dict[str, object]]:
    for n, (name, mobile) in enumerate(household.mobiles.items()):
        yield {
            "id": name,
            "kind": "mobile",
            "number": f"+3247{household.number}{n}",
            "holder": mobile.holder,
            "plan": mobile.plan,
            "paid_by": mobile.paid_by,
        }

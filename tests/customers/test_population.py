"""Who is in a group of situations, against everybody asking everything one question at a time."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from random import Random
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select

from authz_service.customers.activation_code import FindKey, key_finder
from authz_service.customers.document import Evidence
from authz_service.customers.domain import MyProximus, take_over_document
from authz_service.customers.importing import import_files
from authz_service.customers.population import Population, count_population
from authz_service.errors import InvalidPolicy
from authz_service.policy.situations import Facts, read_schema
from authz_service.questions import Action, Entity, Question
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import customers, members, options, people, subscriptions
from authz_service.words import OPTION_ACTIONS, ActionName, Channel
from tests.conftest import HOUSEHOLDS, ROOT
from tests.reference import World
from tests.worlds import store, worlds

Key: TypeAlias = frozenset[tuple[str, Any]]
Seen: TypeAlias = Mapping[Key, set[tuple[str, str | None]]]

SITUATIONS: Sequence[Facts] = list(read_schema(ROOT / "policies").situations())
_CHANNELS = [*Channel, None]
_EVIDENCE = [Evidence(*brought) for brought in product([True, False], ["not_given", "right", "wrong"])]


def key(facts: Mapping[str, Any]) -> Key:
    return frozenset(facts.items())


def everybody_asking_everything(engine: Engine) -> Seen:
    """For each situation that occurs the people in it, each with the customer number that it is about."""
    with reading(engine) as connection:
        names = list(connection.scalars(select(people.c.id)))
        numbers = list(connection.scalars(select(customers.c.number)))
        of = dict(connection.execute(select(subscriptions.c.id, subscriptions.c.customer_number)).all())
        offered = [None, "no such", *connection.scalars(select(options.c.id))]
    things: list[tuple[Entity, str | None]] = [
        *((Entity("customer", number), number) for number in numbers),
        *((Entity("subscription", name), number) for name, number in of.items()),
        *((Entity(kind, "no such"), None) for kind in ("customer", "subscription", "planet")),
    ]
    asked = [
        (Question(Entity("person", name), Action(action, {"option": option}), thing, {"channel": channel}), number)
        for name, action, channel, (thing, number) in product(names, [*ActionName, "fly"], _CHANNELS, things)
        for option in (offered if action in OPTION_ACTIONS and thing.type == "subscription" else [None])
    ]
    seen: dict[Key, set[tuple[str, str | None]]] = {}
    stated = MyProximus(engine).state([question for question, _ in asked])
    for (question, number), (facts, *_) in zip(asked, stated, strict=True):
        seen.setdefault(key(facts), set()).add((question.subject.id, number))
    with reading(engine) as connection:
        for name, number, channel, evidence in product(names, numbers, [*Channel], _EVIDENCE):
            facts = take_over_document(connection, number, name, channel, evidence)
            seen.setdefault(key(facts), set()).add((name, number))
    return seen


def expected(seen: Seen, group: Iterable[Facts]) -> Population:
    found = [one for facts in group for one in seen.get(key(facts), ())]
    return Population(len({name for name, _ in found}), len({number for _, number in found if number}))


def some_groups(seen: Seen, random: Random, count: int) -> dict[int, list[Facts]]:
    """Situations with some facts in common, and situations that occur among some that need not."""
    groups = {}
    occur = sorted(seen, key=lambda facts: sorted(map(str, facts)))
    for n in range(0, count, 2):
        about = random.choice(SITUATIONS)
        facts = random.sample(list(about), k=random.randint(1, len(about)))
        groups[n] = [stated for stated in SITUATIONS if all(stated.get(fact) == about[fact] for fact in facts)]
        those = random.sample(occur, k=min(len(occur), random.choice([1, 1, 2, 5])))
        groups[n + 1] = [
            *(dict(stated) for stated in those),
            *random.sample(SITUATIONS, k=random.choice([0, 0, 5, 200])),
        ]
    return groups


def counted(engine: Engine, *groups: Iterable[Facts]) -> list[tuple[int, int]]:
    with reading(engine) as connection:
        return [*count_population(connection, dict(enumerate(groups))).values()]


def those(**facts: object) -> list[Facts]:
    return [stated for stated in SITUATIONS if all(stated.get(fact) == value for fact, value in facts.items())]


def test_the_counts_are_those_of_everybody_asking_everything(engine: Engine, find_key: FindKey) -> None:
    compared: set[Population] = set()

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(world=worlds(), seed=st.integers())
    def compare(world: World, seed: int) -> None:
        store(world, engine, find_key)
        seen = everybody_asking_everything(engine)
        groups = some_groups(seen, Random(seed), 10)  # noqa: S311 - no secret is made of it
        wanted = {n: expected(seen, group) for n, group in groups.items()}
        with reading(engine) as connection:
            assert count_population(connection, groups) == wanted
        compared.update(wanted.values())

    compare()
    assert len(compared) > 6


def test_both_databases_count_households_as_they_are(any_database: Engine) -> None:
    stories = ["administrator-here-and-user-there", "house-with-everything", "household-has-guessed-its-code"]
    import_files(any_database, [HOUSEHOLDS / f"{story}.yaml" for story in stories], key_finder("k" * 32, any_database))
    seen = everybody_asking_everything(any_database)
    groups = some_groups(seen, Random(6), 20)  # noqa: S311 - no secret is made of it
    wanted = [expected(seen, group) for group in groups.values()]
    assert counted(any_database, *groups.values()) == wanted
    assert len(set(wanted)) > 6


def test_more_groups_than_a_statement_takes_are_counted_each(smiths: Engine) -> None:
    groups = [those(action="view_bills", resource="customer"), those(resource="unknown_customer"), []]
    of_each = counted(smiths, *groups)
    assert len(set(of_each)) == 3
    assert counted(smiths, *groups * 34) == of_each * 34


def test_in_an_empty_database_is_nobody(engine: Engine) -> None:
    assert counted(engine, SITUATIONS) == [(0, 0)]


def test_who_is_linked_to_every_customer_number_is_nowhere_a_stranger(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(insert(people), [{"id": name, "name": name, "email": "a@b"} for name in ("ann", "ben")])
        rows = [{"number": number, "name": "x", "kind": "residential"} for number in ("1", "2")]
        connection.execute(insert(customers), rows)
        linked = [("1", "ann"), ("2", "ann"), ("2", "ben")]
        row = {"role": "user", "customer_kind": "residential"}
        connection.execute(insert(members), [{"customer_number": n, "person": p, **row} for n, p in linked])
    assert counted(engine, those(action="view_bills", resource="customer", role="none")) == [(1, 1)]


def test_an_option_that_nobody_can_name_has_nobody(smiths: Engine) -> None:
    free, paid, other = (
        those(action="activate_option", role="user", is_holder=True, option=option)
        for option in ("free", "paid", "for_another_kind")
    )
    with writing(smiths) as connection:
        connection.execute(insert(options), [{"id": "o", "name": "o", "subscription_kind": "tv", "price_cents": 5}])
    assert counted(smiths, free, paid, other) == [(1, 1), (1, 1), (1, 1)]
    with writing(smiths) as connection:
        connection.execute(options.delete().where(options.c.price_cents == 0))
        connection.execute(options.delete().where(options.c.subscription_kind != "mobile"))
    assert counted(smiths, free, paid, other) == [(0, 0), (1, 1), (0, 0)]


def test_a_fact_that_the_customer_data_does_not_state_is_refused_by_its_name(engine: Engine) -> None:
    with pytest.raises(InvalidPolicy, match="is_minor: is no fact that the customer data states"):
        counted(engine, [{**SITUATIONS[-1], "is_minor": True}])


def test_a_value_that_the_customer_data_never_has_is_nobodys(smiths: Engine) -> None:
    strange = [
        {**those(action="view_bills", role="user")[0], "customer_kind": "public"},
        {**those(subscription_kind="tv", role="user")[0], "subscription_kind": "satellite"},
        {**those(action="become_administrator", role="user")[-1], "activation_code": "lost"},
    ]
    assert counted(smiths, *([facts] for facts in strange)) == [(0, 0)] * 3


def test_a_fact_that_a_schema_leaves_out_is_of_no_account(smiths: Engine) -> None:
    with_all = those(action="view_usage", subscription_kind="mobile", channel="app", is_known_person=True)
    one = {fact: with_all[0][fact] for fact in ("action", "resource", "subscription_kind")}
    assert counted(smiths, [one]) == counted(smiths, with_all)


@pytest.mark.parametrize(
    "group", [those(role="user"), those(role="none"), SITUATIONS], ids=["users", "strangers", "all"]
)
def test_a_customer_number_with_very_many_members_and_mobiles_takes_time_by_their_number_alone(
    engine: Engine, group: list[Facts]
) -> None:
    steps = []
    for size in (400, 800, 1_600):
        _grow_firm(engine, size)
        steps.append(_steps(engine, group))
    # Twice as much takes twice as long; a join of members with mobiles would take four times as long.
    assert steps[2] < steps[1] * 2.6 < steps[0] * 2.6 * 2.6


def _grow_firm(engine: Engine, size: int) -> None:
    with writing(engine) as connection:
        for table in (subscriptions, members, customers, people):
            connection.execute(table.delete())
        names = [f"person-{n}" for n in range(size)]
        connection.execute(insert(people), [{"id": name, "name": name, "email": "a@b"} for name in names])
        connection.execute(insert(customers), [{"number": "1", "name": "Firm", "kind": "business"}])
        row = {"customer_number": "1", "role": "user", "customer_kind": "business"}
        connection.execute(insert(members), [{**row, "person": name} for name in names])
        row = {"customer_number": "1", "kind": "mobile", "plan": "subscription", "paid_by": "employer"}
        mobiles = [{**row, "id": name, "number": f"+{n + 1}", "holder": name} for n, name in enumerate(names)]
        connection.execute(insert(subscriptions), mobiles)


def _steps(engine: Engine, group: list[Facts]) -> int:
    """What the counting costs SQLite, in thousands of its own steps."""
    steps: list[None] = []
    with reading(engine) as connection:
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(lambda: steps.append(None), 1_000)
        count_population(connection, {"firm": group})
        driver.set_progress_handler(None, 0)
    return len(steps)

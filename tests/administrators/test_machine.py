"""Take-overs, imports and newly issued codes in any order, compared with the reference at every step."""

import json
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, select

from authz_service.administrators.outbox import list_letters
from authz_service.administrators.take_over import Administrators
from authz_service.administrators.wish import Activation, Wish
from authz_service.customers.activation_code import FindKey, key_finder
from authz_service.customers.customer_store import put_customer
from authz_service.customers.domain import MyProximus
from authz_service.customers.importing import import_files
from authz_service.customers.model import Customer
from authz_service.customers.parsing import parse
from authz_service.decision.decisions import Decisions
from authz_service.errors import NotFound, TakeOverRefused
from authz_service.journal.entries import Origin
from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.storage.database import connect, reading, upgrade
from authz_service.storage.schema import members
from authz_service.words import Channel, LetterState
from tests.journals import no_journal
from tests.reference import Asked, Household, Mobile, Outcome, Wished, World, expected, take_over
from tests.worlds import customer_body, store, worlds

_ISSUED = date(2026, 11, 2)
_NUMBERS = st.sampled_from(["1001", "1002", "999"])
_PEOPLE = st.sampled_from(["ann", "ben", "cem", "dia", "stranger"])


class TakeOvers(RuleBasedStateMachine):
    """Is run as a subclass that has a database and what works on it."""

    database: Engine
    find_key: FindKey
    administrators: Administrators
    done: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, str] = {}
        self.letters: Counter[str] = Counter()

    @initialize(world=worlds())
    def begin(self, world: World) -> None:
        self.world = world
        store(world, self.database, self.find_key)
        self.codes = {household.number: "C0DE" for household in world.households}

    @rule(
        number=_NUMBERS,
        person=_PEOPLE,
        channel=st.sampled_from(["web", "web", "app"]),
        is_informed=st.booleans(),
        given=st.sampled_from(["not_given", "right", "wrong"]),
    )
    def take_over(self, number: str, person: str, channel: str, *, is_informed: bool, given: str) -> None:
        wanted = take_over(self.world, Wished(number, person, channel, is_informed, given))
        code = self.codes.get(number, "") if given == "right" else "WRONG"
        activation = None if given == "not_given" else Activation(code, _ISSUED)
        wish = Wish(number, person, Channel(channel), is_informed, activation, Origin("tests"))
        try:
            done = self.administrators.take_over(wish)
        except TakeOverRefused:
            said = Outcome(is_done=False)
        except NotFound:
            said = Outcome(is_done=False, is_found=False)
        else:
            said = Outcome(is_done=True, became_users=done.became_users)
            self.letters.update(done.notified)
            self.done["by code" if given == "right" and self._has_no_mobile_on_bill(number) else "otherwise"] += 1
        assert said == wanted

    @rule(data=st.data())
    def somebody_who_could_takes_over(self, data: st.DataObject) -> None:
        asked = [
            Asked(person, "become_administrator", "customer", household.number, channel="web")
            for household in self.world.households
            for person in self.world.people
        ]
        could = [one for one in asked if expected(self.world, one).allow]
        if could:
            one = data.draw(st.sampled_from(could))
            self.take_over(one.name, one.person, "web", is_informed=True, given="right")

    def _has_no_mobile_on_bill(self, number: str) -> bool:
        [household] = [one for one in self.world.households if one.number == number]
        return all(mobile.plan == "pay_and_go" for mobile in household.mobiles.values())

    @rule(n=st.integers(0, 1), code=st.text("ABC", min_size=1, max_size=2))
    def issue_a_code(self, n: int, code: str) -> None:
        household = self.world.households[n]
        is_new = household.code == "none" or self.codes[household.number] != code
        body = customer_body(household) | {"activation": {"code": code, "date": _ISSUED}}
        put_customer(self.database, parse(Customer, body), self.find_key)
        if is_new:
            household.code = "unused"
        self.codes[household.number] = code

    @rule(n=st.integers(0, 1), plan=st.sampled_from(["subscription", "pay_and_go"]), data=st.data())
    def import_with_other_mobiles(self, n: int, plan: str, data: st.DataObject) -> None:
        household = self.world.households[n]
        linked = sorted(household.roles)
        holders = data.draw(st.lists(st.sampled_from(linked), max_size=2)) if linked else []
        mobiles = {f"{household.number}-mobile-{k}": Mobile(name, plan, "customer") for k, name in enumerate(holders)}
        household.mobiles = mobiles
        self._import(household)

    def _import(self, household: Household) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "household.ndjson"
            file.write_text(json.dumps({"customer": customer_body(household)}))
            import_files(self.database, [file], self.find_key)

    @invariant()
    def the_roles_are_those_of_the_reference(self) -> None:
        if not hasattr(self, "world"):
            return
        with reading(self.database) as connection:
            rows = connection.execute(select(members.c.customer_number, members.c.person, members.c.role))
            stored = {(number, person): role for number, person, role in rows}
        wanted = {
            (household.number, person): role
            for household in self.world.households
            for person, role in household.roles.items()
        }
        assert stored == wanted

    @invariant()
    def everyone_who_was_administrator_has_a_letter_for_each_time(self) -> None:
        kept = Counter(letter.letter.person for letter in list_letters(self.database, list(LetterState)))
        assert kept == self.letters


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    def url(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / 'machine.db'}"
        return str(request.getfixturevalue("postgresql").new_database())

    return url


@pytest.mark.parametrize(("kind", "examples"), [("sqlite", 40), ("postgresql", 20)])
def test_any_order_of_events_ends_as_the_requirements_say(
    running_opa: SupervisedOpa, database_url: Callable[[str], str], kind: str, examples: int
) -> None:
    database = connect(database_url(kind))
    upgrade(database)
    engine = OpaEngine(running_opa.url)
    find_key = key_finder("k" * 32, database)
    decisions = Decisions(MyProximus(database), engine, stale_seconds=60)
    done: Counter[str] = Counter()
    parts = {
        "database": database,
        "find_key": staticmethod(find_key),
        "administrators": Administrators(database, decisions, find_key, no_journal()),
        "done": done,
    }
    limits = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        # Once is nearly always enough: chance seldom leaves out a route.
        for _ in range(4):
            run_state_machine_as_test(type("TakeOversHere", (TakeOvers,), parts), settings=limits)
            if done["by code"] and done["otherwise"]:
                break
    finally:
        engine.close()
        database.dispose()
    # Both routes have been taken, or nothing has been tried.
    assert done["by code"] > 0
    assert done["otherwise"] > 0

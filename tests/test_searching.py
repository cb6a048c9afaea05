"""Searches of random households, against an independent reading of the requirements put to every candidate."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from authz_service.customers.activation_code import key_finder
from authz_service.customers.domain import MyProximus
from authz_service.decision.decisions import Decisions
from authz_service.decision.searches import Searches
from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.questions import Action, Entity, Question, Search
from authz_service.storage.database import connect, upgrade
from authz_service.words import ActionName, Sought
from tests.reference import Asked, Household, World, expected
from tests.worlds import questions, store, worlds

_WORLDS = 25
_SEARCHES_A_WORLD = 12


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{Path(tmp_path_factory.mktemp('searching')) / 'authz.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def searches(database: Engine, running_opa: SupervisedOpa) -> Iterator[Searches]:
    engine = OpaEngine(running_opa.url)
    domain = MyProximus(database)
    yield Searches(domain, Decisions(domain, engine, stale_seconds=60))
    engine.close()


def _search(sought: Sought, asked: Asked) -> Search:
    subject = Entity("person", "" if sought is Sought.SUBJECT else asked.person)
    action = Action("" if sought is Sought.ACTION else asked.action, {"option": asked.option} if asked.option else {})
    resource = Entity(asked.kind, "" if sought is Sought.RESOURCE else asked.name)
    context = {"channel": asked.channel} if asked.channel else {}
    return Search(sought, Question(subject, action, resource, context))


def _of(household: Household) -> set[str]:
    return {household.number, *(name for name, _ in household.subscriptions())}


def _brute_force(world: World, sought: Sought, asked: Asked) -> list[str]:
    match sought:
        case Sought.SUBJECT:
            linked = {person for home in world.households if asked.name in _of(home) for person in home.roles}
            every = {person: asked_of(asked, person=person) for person in linked}
        case Sought.RESOURCE:
            homes = [home for home in world.households if asked.person in home.roles]
            things = {
                "customer": [home.number for home in homes],
                "subscription": [name for home in homes for name, _ in home.subscriptions()],
            }.get(asked.kind, [])
            every = {name: asked_of(asked, name=name) for name in things}
        case Sought.ACTION:
            every = {action: asked_of(asked, action=action, option=None) for action in ActionName}
    return sorted(name for name, one in every.items() if expected(world, one).allow)


def asked_of(asked: Asked, **changes: str | None) -> Asked:
    return Asked(**{**vars(asked), **changes})


def _all_pages(searches: Searches, search: Search, size: int) -> list[str]:
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = searches.page(search, after, size)
        assert len(page.found) == size or page.after is None
        found += page.found
        after = page.after
    return found


def test_a_search_finds_what_asking_about_everyone_finds_at_every_page_size(
    database: Engine, searches: Searches
) -> None:
    sizes: list[int] = []

    @settings(max_examples=_WORLDS, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(world=worlds(), seed=st.integers())
    def compare(world: World, seed: int) -> None:
        store(world, database, key_finder(None, database))
        for asked in Random(seed).sample(questions(world), k=_SEARCHES_A_WORLD):  # noqa: S311 - no secret is made of it
            for sought in Sought:
                found = _brute_force(world, sought, asked)
                sizes.append(len(found))
                for size in range(1, len(found) + 2):
                    assert _all_pages(searches, _search(sought, asked), size) == found, (sought, asked, size)

    compare()
    assert max(sizes) >= 10
    assert sum(size > 0 for size in sizes) >= 20

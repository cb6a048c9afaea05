"""A business number with very many mobiles."""

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from authz_service.customers.domain import MyProximus
from authz_service.decision.decisions import Decisions
from authz_service.decision.searches import Page, Searches
from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.questions import Action, Entity, Question, Search
from authz_service.storage.database import connect, upgrade, writing
from authz_service.storage.schema import customers, members, people, subscriptions
from authz_service.words import Sought
from tests.processes import wait_until

_SMALL, _LARGE = "2000", "20000"
_LIMIT = 500


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Two business numbers, each named by how many mobiles it has, one for each of its people."""
    engine = connect(f"sqlite:///{Path(tmp_path_factory.mktemp('large')) / 'authz.db'}")
    upgrade(engine)
    with writing(engine) as connection:
        for number in (_SMALL, _LARGE):
            ids = [f"{number}-{n:05}" for n in range(int(number))]
            connection.execute(insert(people), [{"id": name, "name": name, "email": "a@example.org"} for name in ids])
            connection.execute(insert(customers), [{"number": number, "name": "Firm", "kind": "business"}])
            link = {"customer_number": number, "customer_kind": "business"}
            roles = ["administrator", *["user"] * (len(ids) - 1)]
            connection.execute(
                insert(members), [link | {"person": name, "role": role} for name, role in zip(ids, roles, strict=True)]
            )
            mobile = {"customer_number": number, "kind": "mobile", "plan": "subscription", "paid_by": "customer"}
            connection.execute(
                insert(subscriptions),
                [mobile | {"id": f"m{name}", "number": f"+{name}", "holder": name} for name in ids],
            )
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def searches(database: Engine, running_opa: SupervisedOpa) -> Iterator[Searches]:
    engine = OpaEngine(running_opa.url)
    domain = MyProximus(database)
    yield Searches(domain, Decisions(domain, engine, stale_seconds=60))
    engine.close()


def usage_seen_by(person: str) -> Search:
    return Search(Sought.RESOURCE, Question(Entity("person", person), Action("view_usage"), Entity("subscription", "")))


def pages(searches: Searches, search: Search) -> Iterator[Page]:
    after: str | None = ""
    while after is not None:
        page = searches.page(search, after, _LIMIT)
        yield page
        after = page.after


def test_its_administrator_finds_each_mobile_once(searches: Searches) -> None:
    found = [name for page in pages(searches, usage_seen_by("20000-00000")) for name in page.found]
    assert found == [f"m20000-{n:05}" for n in range(20_000)]


def test_a_user_finds_the_one_mobile_among_all(searches: Searches) -> None:
    found = [name for page in pages(searches, usage_seen_by("20000-19876")) for name in page.found]
    assert found == ["m20000-19876"]


def test_a_page_takes_as_much_memory_as_on_a_number_with_a_tenth_of_them(searches: Searches) -> None:
    def peak(number: str) -> int:
        search = usage_seen_by(f"{number}-00000")
        searches.page(search, "", _LIMIT)
        return once(search)

    def once(search: Search) -> int:
        gc.collect()
        tracemalloc.start()
        try:
            assert len(searches.page(search, "", _LIMIT).found) == _LIMIT
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # What other threads take meanwhile, and what is not collected yet, is not the page's.
    wait_until(lambda: peak(_LARGE) < 1.2 * peak(_SMALL))

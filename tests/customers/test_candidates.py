from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, insert

from authz_service.customers.activation_code import key_finder
from authz_service.customers.domain import MyProximus
from authz_service.customers.importing import import_files
from authz_service.questions import Action, Entity, Question, Search
from authz_service.storage.database import writing
from authz_service.storage.schema import customers, members, people, subscriptions
from authz_service.words import ActionName, Sought
from tests.conftest import HOUSEHOLDS

SMITHS = ["mary.jones", "philip.smith", "tracy.smith"]
THEIRS = ["internet-1001", "mobile-2001", "mobile-2002", "mobile-2003", "tv-1002"]
PERSON, CUSTOMER, SUBSCRIPTION = (
    Entity("person", ""),
    Entity("customer", "123456789"),
    Entity("subscription", "mobile-2002"),
)
MARY = Entity("person", "mary.jones")
ANY_CUSTOMER, ANY_SUBSCRIPTION = Entity("customer", ""), Entity("subscription", "")


@pytest.fixture
def domain(any_database: Engine) -> MyProximus:
    find_key = key_finder("k" * 32, any_database)
    import_files(any_database, sorted(HOUSEHOLDS.glob("*.yaml")), find_key)
    return MyProximus(any_database)


def search(sought: Sought, subject: Entity, resource: Entity) -> Search:
    return Search(sought, Question(subject, Action("" if sought is Sought.ACTION else "view_usage"), resource))


SEARCHES: list[tuple[Search, Sequence[str]]] = [
    (search(Sought.SUBJECT, PERSON, CUSTOMER), SMITHS),
    (search(Sought.SUBJECT, PERSON, SUBSCRIPTION), SMITHS),
    (search(Sought.SUBJECT, PERSON, Entity("customer", "987654321")), []),
    (search(Sought.SUBJECT, PERSON, Entity("planet", "123456789")), []),
    (search(Sought.SUBJECT, PERSON, Entity("customer", "123456789\0")), []),
    (search(Sought.SUBJECT, Entity("robot", ""), CUSTOMER), []),
    (search(Sought.RESOURCE, MARY, ANY_CUSTOMER), ["123456789"]),
    (search(Sought.RESOURCE, MARY, ANY_SUBSCRIPTION), THEIRS),
    (search(Sought.RESOURCE, MARY, Entity("planet", "")), []),
    (search(Sought.RESOURCE, Entity("person", "nobody"), ANY_SUBSCRIPTION), []),
    (search(Sought.RESOURCE, Entity("person", "mary.jones\0"), ANY_SUBSCRIPTION), []),
    (search(Sought.RESOURCE, Entity("robot", "mary.jones"), ANY_SUBSCRIPTION), []),
    (search(Sought.ACTION, MARY, CUSTOMER), sorted(ActionName)),
]


def test_a_search_looks_among_what_is_linked(domain: MyProximus) -> None:
    for asked, candidates in SEARCHES:
        assert domain.candidates(asked, "", 1_000) == candidates, asked


def test_each_candidate_comes_once_however_they_are_read(domain: MyProximus) -> None:
    for asked, candidates in SEARCHES:
        for size in (1, 2, 3, 5):
            read, after = [], ""
            while found := domain.candidates(asked, after, size):
                assert len(found) <= size
                read += found
                after = found[-1]
            assert read == candidates, asked


def test_a_person_with_several_customer_numbers_finds_the_subscriptions_of_all(any_database: Engine) -> None:
    with writing(any_database) as connection:
        connection.execute(insert(people), [{"id": "ann", "name": "Ann", "email": "ann@example.org"}])
        numbers = ["100", "200", "300"]
        rows = [{"number": number, "name": "Firm", "kind": "business"} for number in numbers]
        connection.execute(insert(customers), rows)
        connection.execute(
            insert(members),
            [{"customer_number": n, "person": "ann", "role": "user", "customer_kind": "business"} for n in numbers[:2]],
        )
        connection.execute(
            insert(subscriptions),
            [{"id": f"tv-{i}{n}", "customer_number": n, "kind": "tv"} for n in numbers for i in "ba"],
        )
    asked = search(Sought.RESOURCE, Entity("person", "ann"), ANY_SUBSCRIPTION)
    assert MyProximus(any_database).candidates(asked, "", 10) == ["tv-a100", "tv-a200", "tv-b100", "tv-b200"]

"""A review says of everybody and everything what a decision says, and reads no more than it shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from authz_service.customers.activation_code import key_finder
from authz_service.customers.domain import MyProximus
from authz_service.customers.importing import import_files
from authz_service.customers.linked import COUNTED, Part
from authz_service.decision.decisions import Decisions
from authz_service.errors import UnknownCustomer
from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.questions import Action, Entity, Question
from authz_service.reviews.content import ANYBODY_ELSE, NO, NOT_ASKED, THE_NUMBER, YES, Content, ReviewedAction
from authz_service.reviews.reviewing import MOST_PEOPLE, MOST_SUBSCRIPTIONS, Review, review
from authz_service.storage.database import writing
from authz_service.storage.schema import customers, members, people, subscriptions
from authz_service.words import ActionName, ResourceType
from tests.conftest import HOUSEHOLDS, SMITH_FAMILY, Load
from tests.reviews.conftest import CountingEngine, ReviewOf

ALL_HOUSEHOLDS = sorted(HOUSEHOLDS.glob("*.yaml"))
SMITHS = "123456789"


def said(content: Content) -> Iterator[tuple[str, str, ReviewedAction, str]]:
    for person, of_person in content.answers.items():
        for thing in of_person:
            for action, sign in content.signs(person, thing).items():
                yield person, thing, action, sign


def a_business(database: Engine, size: int) -> str:
    """A business number with so many people, each with a mobile, and an Internet subscription."""
    number = f"9{size}"
    ids = [f"{number}-{n:06}" for n in range(size)]
    with writing(database) as connection:
        connection.execute(insert(people), [{"id": name, "name": name, "email": "a@example.org"} for name in ids])
        connection.execute(insert(customers).values(number=number, name="Firm", kind="business"))
        link = {"customer_number": number, "customer_kind": "business", "role": "user"}
        connection.execute(insert(members), [link | {"person": name} for name in ids])
        mobile = {"customer_number": number, "kind": "mobile", "plan": "subscription", "paid_by": "employer"}
        connection.execute(
            insert(subscriptions), [mobile | {"id": f"m{name}", "number": f"+{name}", "holder": name} for name in ids]
        )
        connection.execute(insert(subscriptions).values(customer_number=number, id=f"i{number}", kind="internet"))
    return number


def test_every_action_there_is_is_asked_about(actions: tuple[ReviewedAction, ...]) -> None:
    assert {action.name for action in actions} == set(ActionName)


@pytest.mark.parametrize("file", ALL_HOUSEHOLDS, ids=lambda path: path.stem)
def test_each_answer_is_that_of_a_decision_on_its_own(
    database: Engine, load: Load, review_of: ReviewOf, running_opa: SupervisedOpa, file: Path
) -> None:
    load([SMITH_FAMILY] if file == SMITH_FAMILY else [SMITH_FAMILY, file])
    engine = OpaEngine(running_opa.url)
    decisions = Decisions(MyProximus(database), engine, stale_seconds=0)
    with database.connect() as connection:
        numbers = [row.number for row in connection.execute(customers.select())]
    for number in numbers:
        content = review_of(number).content
        for person, thing, action, sign in said(content):
            if person == ANYBODY_ELSE or sign == NOT_ASKED:
                continue
            kind = {thing.id: thing.kind for thing in content.subscriptions}.get(thing, "")
            option = next((one for one in content.options.get(kind, ()) if is_free(one) == action.is_free), None)
            resource = Entity(ResourceType.SUBSCRIPTION, thing) if thing else Entity(ResourceType.CUSTOMER, number)
            properties = {"option": option} if option else {}
            [alone] = decisions.decide([Question(Entity("person", person), Action(action.name, properties), resource)])
            assert alone.decision.allow == (sign == YES), (person, thing, action)
    engine.close()


def is_free(option: str) -> bool:
    return option in {"voicemail-to-text", "wifi-guest-access"}


def test_it_takes_one_read_of_facts_and_one_question_to_the_engine(
    statements: list[str], load: Load, review_of: ReviewOf, counting: CountingEngine
) -> None:
    load([SMITH_FAMILY])
    review_of(SMITHS)
    assert len(statements) == 1
    assert counting.asked == 1
    review_of(SMITHS)
    assert counting.asked == 1


def test_who_may_become_administrator_is_told_with_what_has_to_be_brought(load: Load, review_of: ReviewOf) -> None:
    load([SMITH_FAMILY])
    becoming = review_of(SMITHS).content.becoming
    assert becoming == dict.fromkeys(
        ("mary.jones", "tracy.smith"), ("mobile_number", "inform_current_administrator", "web_site")
    )


def test_whoever_is_not_linked_may_take_a_number_without_mobiles_with_its_code(load: Load, review_of: ReviewOf) -> None:
    load([SMITH_FAMILY, HOUSEHOLDS / "household-without-mobiles-has-a-code.yaml"])
    content = review_of("200000001").content
    granted = {action.name for person, _, action, sign in said(content) if person == ANYBODY_ELSE and sign == YES}
    assert granted == {ActionName.BECOME_ADMINISTRATOR}
    assert "activation_code" in content.becoming[ANYBODY_ELSE]


def test_nobody_is_asked_about_who_is_not_there(load: Load, review_of: ReviewOf) -> None:
    load([SMITH_FAMILY])
    assert ANYBODY_ELSE not in review_of(SMITHS).content.answers
    with pytest.raises(UnknownCustomer):
        review_of("1")


def test_two_reviews_of_the_same_are_the_same_to_the_byte(load: Load, review_of: ReviewOf) -> None:
    load([SMITH_FAMILY])
    first = review_of(SMITHS).content
    assert first.text == review_of(SMITHS).content.text
    assert Content.model_validate_json(first.text).digest == first.digest
    assert first.is_whole


def test_an_option_that_there_is_none_of_is_not_asked_about(load: Load, review_of: ReviewOf) -> None:
    load([SMITH_FAMILY])
    content = review_of(SMITHS).content
    signs = content.signs("philip.smith", "tv-1002")
    assert {action.title for action, sign in signs.items() if sign == NOT_ASKED} == {
        "activate an option that is free",
        "deactivate an option that is free",
    }


def parts(review_of: ReviewOf, number: str) -> Iterator[Review]:
    part: Part | None = Part()
    while part is not None:
        found = review_of(number, part)
        yield found
        part = found.next[0]


def test_the_pages_have_everybody_once_with_his_or_her_mobile(database: Engine, review_of: ReviewOf) -> None:
    size = 3 * MOST_PEOPLE + 1
    number = a_business(database, size)
    found = [each.content for each in parts(review_of, number)]
    assert [len(content.people) for content in found] == [MOST_PEOPLE] * 3 + [1]
    assert len({person.id for content in found for person in content.people}) == size
    for content in found:
        held = {thing.holder for thing in content.subscriptions if thing.holder}
        assert held == {person.id for person in content.people}
        assert not content.is_whole


def test_subscriptions_are_paged_as_well(database: Engine, review_of: ReviewOf) -> None:
    number = a_business(database, 2)
    with writing(database) as connection:
        more = [{"customer_number": number, "id": f"tv-{n:03}", "kind": "tv"} for n in range(2 * MOST_SUBSCRIPTIONS)]
        connection.execute(insert(subscriptions), more)
    seen: list[str] = []
    part: Part | None = Part()
    while part is not None:
        found = review_of(number, part)
        assert len(found.content.subscriptions) <= MOST_SUBSCRIPTIONS
        seen += [thing.id for thing in found.content.subscriptions]
        part = found.next[1]
    assert len(seen) == len(set(seen)) == 2 * MOST_SUBSCRIPTIONS + 3


def test_a_large_business_is_asked_about_no_more_than_a_small_one(database: Engine, review_of: ReviewOf) -> None:
    small, large = a_business(database, 2 * MOST_PEOPLE), a_business(database, 5_000)
    few, many = review_of(small), review_of(large)
    assert len(few.decisions) == len(many.decisions)
    assert many.content.user_count == COUNTED


def test_it_reads_the_same_on_both_databases(
    database: Engine,
    any_database: Engine,
    review_of: ReviewOf,
    load: Load,
    actions: tuple[ReviewedAction, ...],
    counting: CountingEngine,
) -> None:
    import_files(any_database, [SMITH_FAMILY], key_finder(None, database))
    load([SMITH_FAMILY])
    decisions = Decisions(MyProximus(any_database), counting, stale_seconds=60)
    assert review(any_database, decisions, actions, SMITHS, Part()).content == review_of(SMITHS).content


def test_a_denial_is_a_no(load: Load, review_of: ReviewOf) -> None:
    load([SMITH_FAMILY])
    content = review_of(SMITHS).content
    assert set(content.answers["mary.jones"]["mobile-2003"]) == {NO}
    assert NO not in content.answers["philip.smith"]["mobile-2003"]
    assert content.answers["mary.jones"][THE_NUMBER].count(YES) == 2

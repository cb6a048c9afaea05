import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from sqlalchemy import Engine, select, update

from authz_service.customers.domain import MyProximus
from authz_service.questions import Action, Answer, Document, Entity, Json, Question, Reason, encoded
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import customers, members, options, subscriptions
from authz_service.words import OPTION_ACTIONS, ActionName, Language
from tests.conftest import HOUSEHOLDS, SMITH_FAMILY, Load

CUSTOMER = "123456789"
MARY = Entity("person", "mary.jones")
HER_MOBILE = Entity("subscription", "mobile-2002")


@pytest.fixture
def smiths(database: Engine, load: Load) -> MyProximus:
    load([SMITH_FAMILY])
    return MyProximus(database)


STRANGERS = ["dirk.stranger", "omar.haddad", "nobody"]
"""Linked to nothing; one of them has a number of another provider, and one does not exist."""


def all_questions(database: Engine) -> Iterator[Question]:
    """Every person, action, option and channel on every resource of the household, and what is unknown of each."""
    with reading(database) as connection:
        linked = connection.execute(select(members.c.customer_number, members.c.person)).all()
        resources = [("0", Entity("customer", "0")), ("0", Entity("subscription", "0")), ("0", Entity("planet", "0"))]
        resources += [(number, Entity("customer", number)) for number in connection.scalars(select(customers.c.number))]
        of_customers = select(subscriptions.c.customer_number, subscriptions.c.id)
        resources += [(number, Entity("subscription", name)) for number, name in connection.execute(of_customers)]
        known_options = list(connection.scalars(select(options.c.id)))
    actions = [Action(name) for name in [*ActionName, "fly"]]
    actions += [Action(name, {"option": option}) for name in OPTION_ACTIONS for option in [*known_options, "no such"]]
    contexts: list[dict[str, Json]] = [{}, {"channel": "web"}, {"channel": "app"}]
    for number, resource in resources:
        persons = [*STRANGERS, *(person for customer, person in linked if number in {customer, "0"})]
        subjects = [Entity("person", person) for person in persons]
        for subject, action, context in itertools.product(subjects, actions, contexts):
            yield Question(subject, action, resource, context)


def test_every_document_is_one_of_the_schema_and_holds_its_words_and_booleans_only(
    database: Engine, load: Load, policies: Path
) -> None:
    load(sorted(HOUSEHOLDS.glob("*.yaml")))
    with writing(database) as connection:
        used = update(customers).where(customers.c.number == "200000004").values(activation_used=True)
        guessed = update(customers).where(customers.c.number == "200000005").values(activation_wrong=5)
        connection.execute(used)
        connection.execute(guessed)
    domain = MyProximus(database)
    situations: dict[str, Document] = {}
    questions = all_questions(database)
    while some := list(itertools.islice(questions, 5000)):
        situations |= {json.dumps(document): document for document, *_ in domain.state(some)}
    assert len(situations) > 4000

    schema = json.loads((policies / "schemas" / "input.json").read_text())
    kinds = {frozenset(kind["required"]): kind["title"] for kind in schema["anyOf"]}
    validators = {
        frozenset(kind["required"]): Draft7Validator(kind | {"definitions": schema["definitions"]})
        for kind in schema["anyOf"]
    }
    words = set(words_of(schema))
    stated: dict[str, set[object]] = defaultdict(set)
    for document in situations.values():
        validators[frozenset(document)].validate(document)
        for name, value in document.items():
            assert isinstance(value, bool) or value in words
            stated[name].add(value)

    # Every kind of document is made and all that can be stated is, but for what a take-over alone states.
    assert {kinds[frozenset(document)] for document in situations.values()} == set(kinds.values()) - {"take-over"}
    for name, definition in schema["definitions"].items():
        if name not in {"is_take_over", "is_current_administrator_informed", "given_activation_code"}:
            assert stated[name] == set(definition.get("enum", [True, False])), name


def test_a_thousand_questions_are_one_statement(smiths: MyProximus, statements: list[str]) -> None:
    plain = Question(MARY, Action("activate_option", {"option": "extra-data-5gb"}), HER_MOBILE)
    seeking = Question(MARY, Action("become_administrator"), Entity("customer", CUSTOMER))
    unknown = seeking._replace(resource=Entity("customer", "0"))
    assert len(smiths.state([plain] * 1000)) == 1000
    assert len(statements) == 1
    assert len(smiths.state([unknown] * 1000)) == 1000
    assert len(statements) == 2
    assert len(smiths.state([plain, seeking, unknown, seeking] * 250)) == 1000
    assert len(statements) == 3
    assert smiths.state([]) == []


def test_documents_come_in_the_order_of_their_questions(smiths: MyProximus) -> None:
    questions = [
        Question(MARY, Action("view_usage"), HER_MOBILE),
        Question(MARY, Action("become_administrator"), Entity("customer", CUSTOMER)),
        Question(MARY, Action("become_administrator"), Entity("customer", "0")),
        Question(Entity("person", "philip.smith"), Action("become_administrator"), Entity("customer", CUSTOMER)),
        Question(MARY, Action("fly"), Entity("customer", CUSTOMER)),
    ] * 50
    alone = [smiths.state([question])[0] for question in questions[:5]]
    assert smiths.state(questions) == alone * 50
    assert len({json.dumps(document) for document, *_ in alone}) == 5


def test_what_was_stated_before_changes_nothing(database: Engine, load: Load) -> None:
    load(sorted(HOUSEHOLDS.glob("*.yaml")))
    warm = MyProximus(database)
    options: list[Json] = ["voicemail-to-text", "extra-data-5gb", "film-evening", "voicemail-to-text\0", "", None]
    actions: list[Action] = [Action("activate_option", {"option": option}) for option in options]
    actions += [Action("view_usage"), Action("become_administrator"), Action("swim")]
    actions += [Action("fly", {"option": "film-evening"})]
    contexts: list[Mapping[str, Json]] = [{}, {"channel": None}, {"channel": "web"}, {"channel": "app"}]
    asked = [
        Question(Entity(*subject), action, Entity(*resource), context)
        for subject in [("person", "mary.jones"), ("person", "nobody"), ("robot", "mary.jones")]
        for action in actions
        for resource in [("subscription", "mobile-2002"), ("customer", CUSTOMER), ("customer", "0"), ("sky", "1")]
        for context in contexts
    ]
    for question in [*asked, *reversed(asked)]:
        [fresh] = MyProximus(database).state([question])
        assert warm.state([question]) == [fresh]
        assert fresh.key == encoded(fresh.document)


@pytest.mark.parametrize(
    ("subject", "is_known"),
    [
        (MARY, True),
        (Entity("person", "nobody"), False),
        (Entity("Person", "mary.jones"), False),
        (Entity("robot", "mary.jones"), False),
        (Entity("customer", "mary.jones"), False),
        (Entity("person", "mary.jones\0"), False),
        (Entity("person", "\0"), False),
        (Entity("person", "x" * 100_000), False),
    ],
)
def test_a_subject_is_known_by_its_type_and_id(smiths: MyProximus, subject: Entity, *, is_known: bool) -> None:
    [(document, *_)] = smiths.state([Question(subject, Action("view_usage"), HER_MOBILE)])
    assert document["is_known_person"] is is_known
    assert document["role"] == ("user" if is_known else "none")
    assert document["is_holder"] is is_known


@pytest.mark.parametrize(
    ("resource", "stated"),
    [
        (Entity("customer", CUSTOMER), "customer"),
        (Entity("subscription", "mobile-2002"), "subscription"),
        (Entity("customer", "mobile-2002"), "unknown_customer"),
        (Entity("subscription", CUSTOMER), "unknown_subscription"),
        (Entity("subscription", "mobile-2002\0"), "unknown_subscription"),
        (Entity("customer", "\0" + CUSTOMER), "unknown_customer"),
        (Entity("option", "film-evening"), "unknown_type"),
        (Entity("person", "mary.jones"), "unknown_type"),
    ],
)
def test_a_resource_is_known_by_its_type_and_id(smiths: MyProximus, resource: Entity, stated: str) -> None:
    [(document, *_)] = smiths.state([Question(MARY, Action("view_role"), resource)])
    assert document["resource"] == stated


@pytest.mark.parametrize(
    ("option", "stated"),
    [
        ("voicemail-to-text", "free"),
        ("extra-data-5gb", "paid"),
        ("film-evening", "for_another_kind"),
        ("voicemail-to-text\0", "unknown"),
        ("", "unknown"),
        (None, "not_given"),
    ],
)
def test_an_option_is_what_the_store_says(smiths: MyProximus, option: str | None, stated: str) -> None:
    properties: dict[str, Json] = {"option": option, "price": "0.00", "for": "mobile"}
    [(document, *_)] = smiths.state([Question(MARY, Action("activate_option", properties), HER_MOBILE)])
    assert document["option"] == stated


BAD: list[Json] = ["Web", "", "desktop", 0, 1, True, False, [], ["web"], {}]


@pytest.mark.parametrize("channel", BAD, ids=repr)
def test_a_channel_that_there_is_not_is_a_fault(smiths: MyProximus, channel: Json) -> None:
    question = Question(MARY, Action("view_usage"), HER_MOBILE, {"channel": channel})
    [fault] = smiths.faults(question)
    assert (fault.path, fault.what) == ("context.channel", 'must be "web" or "app", or left out')


def test_what_this_domain_does_not_read_is_no_fault(smiths: MyProximus) -> None:
    for value in [*BAD, None, "web", "app"]:
        anything: dict[str, Json] = {"option": value, "role": value}
        context: dict[str, Json] = {"other": value, "channel": None}
        question = Question(MARY._replace(properties=anything), Action("view_usage", anything), HER_MOBILE, context)
        assert smiths.faults(question) == []


@pytest.mark.parametrize("action", sorted(OPTION_ACTIONS))
def test_an_option_that_is_no_string_is_a_fault_of_the_actions_with_one(smiths: MyProximus, action: str) -> None:
    bad: list[Json] = [0, 1.5, True, False, [], {}]
    good: list[Json] = ["", "film-evening", None]
    for option in bad:
        [fault] = smiths.faults(Question(MARY, Action(action, {"option": option}), HER_MOBILE))
        assert (fault.path, fault.what) == ("action.properties.option", "must be a string")
    for option in good:
        assert smiths.faults(Question(MARY, Action(action, {"option": option}), HER_MOBILE)) == []


REASON = Reason("own_role", ("ROLE-6",), {"en": "You may.", "nl": "U mag."})


@pytest.mark.parametrize(
    ("stated", "answer", "told"),
    [
        ({"role": "user"}, {}, {"role": "user"}),
        ({"role": "administrator"}, {}, {"role": "administrator"}),
        ({"role": "none"}, {}, {"role": None}),
        # what goes with becoming administrator is told of nothing else
        ({"role": "user"}, {"route": "mobile_number", "requires": ("web_site",)}, {"role": "user"}),
        ({"role": "user", "action": "become_administrator"}, {}, {"role": "user", "requires": []}),
        (
            {"role": "user", "action": "become_administrator"},
            {"route": "mobile_number", "requires": ("inform_current_administrator", "web_site")},
            {"role": "user", "route": "mobile_number", "requires": ["inform_current_administrator", "web_site"]},
        ),
        # the effects of a take-over are for the service, not for the caller
        ({"role": "user"}, {"effects": ("person_becomes_administrator",)}, {"role": "user"}),
    ],
)
def test_what_is_told_beside_the_decision(
    smiths: MyProximus, stated: dict[str, Json], answer: dict[str, Any], told: dict[str, Json]
) -> None:
    document = {"action": "view_role"} | stated
    given = Answer(allow=True, reasons=(REASON,), route=None, requires=(), effects=())._replace(**answer)
    context = smiths.context(document, given, "r1", Language.ENGLISH)
    reasons = [{"code": "own_role", "cites": ["ROLE-6"], "message": "You may."}]
    assert context == {"policy_revision": "r1", "reasons": reasons} | told
    assert list(context)[:3] == ["role", "policy_revision", "reasons"]


def words_of(schema: object) -> Iterator[str]:
    """Every word of the enumerations of a schema."""
    if isinstance(schema, dict):
        yield from (word for word in [*schema.get("enum", []), schema.get("const")] if isinstance(word, str))
        for inner in schema.values():
            yield from words_of(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from words_of(inner)

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.customers.document import document
from authz_service.customers.facts import Facts
from authz_service.decision.decisions import Decided
from authz_service.decision.rulings import ruling_of
from authz_service.ids import new_id
from authz_service.journal.entries import Entries, Entry, Origin, noted
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.questions import Action, Entity, Question, Search
from authz_service.words import AnswerSource, EntryKind, Sought
from tests.journal.conftest import a_decision, a_ruling
from tests.kept import decision_entry

KEY = b"k" * 32
ID = "01ARYZ6S410000000000000000"
ULID = "01ARYZ6S41TSV4RRFFQ69G5FAV"
UUID = "0190b2c4-0000-7000-8000-00000000abcd"
HEX = "0123456789abcdefABCDEF0123456789"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ORIGIN = Origin("zone", UUID, TRACE)
PERSON, NUMBER, OPTION = "ann.smith@example.org", "987654321", "option-of-ann"
ABOUT = (("customer", NUMBER), ("option", OPTION))

NOTHING_KNOWN = Facts(
    is_known_person=False,
    customer_number=None,
    customer_kind=None,
    role=None,
    subscription_kind=None,
    is_holder=None,
    plan=None,
    paid_by=None,
    option_subscription_kind=None,
    is_free=None,
)

names = Pseudonyms(KEY)


@pytest.fixture
def entries() -> Entries:
    return Entries(names)


@pytest.fixture
def plain() -> Entries:
    return Entries(Pseudonyms(KEY, are_plain=True))


def read(entry: Entry) -> dict[str, Any]:
    body = json.loads(entry.body)
    assert isinstance(body, dict)
    return body


def searching(sought: Sought, action: str = "view_bills") -> Search:
    return Search(sought, Question(Entity("person", PERSON), Action(action), Entity("customer", NUMBER)))


def every_kind(entries: Entries, origin: Origin = ORIGIN) -> dict[EntryKind, Entry]:
    """An entry of each kind, all about the same person."""
    decided = a_decision(PERSON, NUMBER, about=ABOUT)
    return {
        EntryKind.DECISION: decision_entry(entries, ID, 3, origin, decided),
        EntryKind.SEARCH: entries.search(ID, origin, searching(Sought.SUBJECT), [PERSON], [decided]),
        EntryKind.TAKE_OVER: entries.take_over(
            ID, origin, customer=NUMBER, person=PERSON, decision=decided.decision, done={"became_users": [PERSON]}
        ),
        EntryKind.TRIAL: entries.decisions([noted(ID, origin, None, decided)], EntryKind.TRIAL)[0],
        EntryKind.CHANGE: entries.change(origin, "delete_person", ("person", PERSON)),
        EntryKind.POLICY: entries.policy("first"),
        EntryKind.REFUSAL: entries.refusal(origin, 401, "GET /v1/decisions", "audit"),
        EntryKind.SHADOW: entries.shadow(a_ruling("first"), a_ruling("second"), 7),
        EntryKind.REVIEW: entries.review(origin, NUMBER, [decided.decision, decided.decision]),
        EntryKind.PRUNING: entries.pruning(origin, "2026-01-01T00:00:00Z", {"chain": 12}),
    }


# what holds of each kind


def test_there_is_an_entry_for_every_kind(entries: Entries) -> None:
    assert set(every_kind(entries)) == set(EntryKind)


@pytest.mark.parametrize("kind", EntryKind)
def test_a_body_is_json_in_ascii_on_one_line_with_the_id_first(entries: Entries, kind: EntryKind) -> None:
    body = every_kind(entries)[kind].body
    assert body.isascii()
    assert b"\n" not in body
    assert body.startswith(b'{"id":"')
    assert json.loads(body)["kind"] == kind
    assert json.dumps(json.loads(body), separators=(",", ":")).encode() == body


@pytest.mark.parametrize("kind", EntryKind)
def test_no_person_customer_or_option_is_named_in_plain(entries: Entries, kind: EntryKind) -> None:
    body = every_kind(entries)[kind].body.decode()
    assert not any(named in body for named in (PERSON, NUMBER, OPTION, "ann", "smith"))


@pytest.mark.parametrize("kind", EntryKind)
def test_an_entry_comes_with_the_rulings_that_it_refers_to(entries: Entries, kind: EntryKind) -> None:
    entry = every_kind(entries)[kind]
    body = read(entry)
    referred = {body[member] for member in ("ruling", "shadow") if member in body} | set(body.get("asked", ()))
    assert {ruling.digest for ruling in entry.rulings} == referred


CAUSED = [kind for kind in EntryKind if kind not in {EntryKind.POLICY, EntryKind.SHADOW}]


@pytest.mark.parametrize("kind", CAUSED)
def test_an_entry_says_who_has_caused_it(entries: Entries, kind: EntryKind) -> None:
    body = read(every_kind(entries)[kind])
    assert (body["caller"], body["request"], body["trace"]) == ("zone", UUID, TRACE)


@pytest.mark.parametrize("kind", CAUSED)
def test_what_is_not_known_of_its_cause_is_left_out(entries: Entries, kind: EntryKind) -> None:
    body = read(every_kind(entries, Origin(""))[kind])
    assert not body.keys() & {"caller", "request", "trace"}


# reviews


def test_a_review_says_how_often_each_ruling_was_given(entries: Entries) -> None:
    decided = a_decision(PERSON, NUMBER)
    body = read(entries.review(ORIGIN, NUMBER, [decided.decision, decided.decision]))
    assert body["asked"] == {decided.decision.ruling.digest: 2}
    assert body["revision"] == decided.decision.revision


def test_a_review_that_is_signed_off_has_its_own_id_and_a_seal_that_cannot_be_guessed(entries: Entries) -> None:
    entry = entries.sign_off(ID, ORIGIN, NUMBER, "first", "5ea1")
    body = read(entry)
    assert (body["id"], body["action"], body["revision"]) == (ID, "sign_off", "first")
    assert body["seal"].startswith("~")
    assert not any(named in entry.body.decode() for named in (NUMBER, "5ea1"))


# where it comes from


@pytest.mark.parametrize("request_id", [ULID, UUID, UUID.upper(), HEX])
def test_a_request_id_that_a_machine_made_stays(entries: Entries, request_id: str) -> None:
    body = read(decision_entry(entries, ID, None, Origin("zone", request_id), a_decision()))
    assert body["request"] == request_id


@pytest.mark.parametrize(
    "request_id",
    ["", "ann.smith@example.org", "87654321", UUID + "\n", "x" + UUID, UUID[1:], ULID.lower(), "8" + ULID[1:], HEX[1:],
     ULID + "\n", f"{{{UUID}}}", "é", "\0", "\ud800"],
)  # fmt: skip
def test_any_other_request_id_has_a_pseudonym(entries: Entries, plain: Entries, request_id: str) -> None:
    body = read(decision_entry(entries, ID, None, Origin("zone", request_id), a_decision()))
    assert body["request"] == names.of("request", request_id)
    storable = read(decision_entry(plain, ID, None, Origin("zone", request_id), a_decision()))["request"]
    assert storable == Pseudonyms(KEY, are_plain=True).of("request", request_id)


@pytest.mark.parametrize(
    "traceparent",
    ["", "ann", TRACE.upper(), TRACE + "\n", TRACE + "-ann", f" {TRACE}", TRACE.replace("4bf", "ann"), TRACE[:-1]],
)
def test_a_trace_context_that_is_none_is_left_out(entries: Entries, traceparent: str) -> None:
    body = read(decision_entry(entries, ID, None, Origin("zone", None, traceparent), a_decision()))
    assert "trace" not in body


# decisions


def test_a_decision_says_what_was_asked_and_how_it_was_answered(entries: Entries) -> None:
    decided = a_decision(PERSON, NUMBER, about=ABOUT)
    ruling = decided.decision.ruling
    assert read(decision_entry(entries, ID, None, ORIGIN, decided)) == {
        "id": ID,
        "kind": "decision",
        "caller": "zone",
        "request": UUID,
        "trace": TRACE,
        "subject": names.of("person", PERSON),
        "action": "view_bills",
        "resource": names.of("customer", NUMBER),
        "customer": names.of("customer", NUMBER),
        "option": names.of("option", OPTION),
        "answer": "permit",
        "revision": "first",
        "ruling": ruling.digest,
    }


def test_a_denial_is_a_denial(entries: Entries) -> None:
    assert read(decision_entry(entries, ID, None, ORIGIN, a_decision(allow=False)))["answer"] == "deny"


def test_of_a_call_of_several_each_decision_has_its_place_after_the_id(entries: Entries) -> None:
    bodies = [read(decision_entry(entries, ID, item, ORIGIN, a_decision())) for item in range(3)]
    assert [list(body.items())[:2] for body in bodies] == [[("id", ID), ("item", item)] for item in range(3)]
    assert "item" not in read(decision_entry(entries, ID, None, ORIGIN, a_decision()))


def test_an_action_that_the_policy_does_not_know_is_not_the_text_of_the_caller(entries: Entries) -> None:
    question = Question(Entity("person", PERSON), Action("read the letters of Ann"), Entity("customer", NUMBER))
    stated = document(question, NOTHING_KNOWN, None)
    decision = a_decision().decision._replace(document=stated)
    entry = decision_entry(entries, ID, None, ORIGIN, Decided(question, ABOUT, decision, AnswerSource.ENGINE))
    assert read(entry)["action"] == "unknown"
    assert b"letters" not in entry.body


@pytest.mark.parametrize("stated", [None, 1, ["view_bills"], {"name": "Ann"}])
def test_the_action_of_a_domain_that_states_none_has_a_pseudonym(entries: Entries, stated: Any) -> None:  # noqa: ANN401 - any JSON
    entry = decision_entry(
        entries, ID, None, ORIGIN, a_decision(action="read the letters of Ann", stated={"action": stated})
    )
    assert read(entry)["action"] == names.of("action", "read the letters of Ann")


def test_the_action_of_a_domain_that_does_not_speak_of_it_has_a_pseudonym(entries: Entries) -> None:
    decided = a_decision(action="view_bills", stated={})
    assert read(decision_entry(entries, ID, None, ORIGIN, decided))["action"] == names.of("action", "view_bills")


def test_decisions_with_one_ruling_have_each_their_own_action(entries: Entries) -> None:
    # As those of a domain whose facts are not kept.
    ruling = ruling_of(None, a_decision().decision.answer, "first")
    actions = ["view_bills", "view_usage"]
    asked = [a_decision(action=action) for action in actions]
    decided = [each._replace(decision=each.decision._replace(ruling=ruling)) for each in asked]
    assert [read(decision_entry(entries, ID, None, ORIGIN, each))["action"] for each in decided] == actions


def test_a_ruling_is_taken_as_the_decision_has_it(entries: Entries) -> None:
    decided = a_decision()
    [ruling] = decision_entry(entries, ID, None, ORIGIN, decided).rulings
    assert ruling == ruling_of(decided.decision.document, decided.decision.answer, "first")


# searches


def test_a_search_for_subjects_names_whom_it_has_found(entries: Entries) -> None:
    asked = [a_decision("ann", NUMBER), a_decision("ben", NUMBER, allow=False), a_decision("eve", NUMBER)]
    body = read(entries.search(ID, ORIGIN, searching(Sought.SUBJECT), ["ann", "eve"], asked))
    assert body["sought"] == "subject"
    assert body["found"] == [names.of("person", "ann"), names.of("person", "eve")]
    assert "subject" not in body
    assert body["action"] == "view_bills"
    assert body["resource"] == body["customer"] == names.of("customer", NUMBER)
    assert body["revision"] == "first"
    assert body["asked"] == {asked[0].decision.ruling.digest: 2, asked[1].decision.ruling.digest: 1}


def test_a_search_for_resources_names_what_it_has_found(entries: Entries) -> None:
    asked = [a_decision(PERSON, "1"), a_decision(PERSON, "2")]
    body = read(entries.search(ID, ORIGIN, searching(Sought.RESOURCE), ["1", "2"], asked))
    assert body["found"] == [names.of("customer", "1"), names.of("customer", "2")]
    assert body["subject"] == names.of("person", PERSON)
    assert not body.keys() & {"resource", "customer"}, "it is about several customers"


def test_a_search_for_actions_says_which_in_words(entries: Entries) -> None:
    asked = [a_decision(PERSON, NUMBER, "view_bills"), a_decision(PERSON, NUMBER, "manage_bills")]
    body = read(entries.search(ID, ORIGIN, searching(Sought.ACTION), ["manage_bills"], asked))
    assert body["found"] == ["manage_bills"]
    assert "action" not in body
    assert (body["subject"], body["resource"]) == (names.of("person", PERSON), names.of("customer", NUMBER))


def test_a_search_that_had_nobody_to_ask_about_says_so_and_no_text_of_the_caller(entries: Entries) -> None:
    search = searching(Sought.SUBJECT, "read the letters of Ann")
    entry = entries.search(ID, ORIGIN, search, [], [])
    body = read(entry)
    assert (body["found"], body["asked"]) == ([], {})
    assert not body.keys() & {"action", "customer", "revision"}
    assert entry.rulings == ()


def test_the_action_of_a_search_is_the_one_that_the_policy_knows(entries: Entries) -> None:
    asked = [a_decision(action="read the letters of Ann", stated={"action": "unknown"})]
    entry = entries.search(ID, ORIGIN, searching(Sought.SUBJECT, "read the letters of Ann"), [], asked)
    assert read(entry)["action"] == "unknown"
    assert b"letters" not in entry.body


def test_a_search_over_questions_about_no_customer_names_none(entries: Entries) -> None:
    body = read(entries.search(ID, ORIGIN, searching(Sought.SUBJECT), [], [a_decision(about=()), a_decision(about=())]))
    assert "customer" not in body


def test_a_search_refers_to_each_ruling_once(entries: Entries) -> None:
    asked = [a_decision(person) for person in ("ann", "ben", "eve")]
    assert entries.search(ID, ORIGIN, searching(Sought.SUBJECT), [], asked).rulings == (asked[0].decision.ruling,)


# take-overs and the rest


def test_a_take_over_says_whom_it_has_changed_and_how(entries: Entries) -> None:
    decided = a_decision(action="become_administrator")
    done = {"became_users": ["ben", "eve"], "notified": []}
    entry = entries.take_over(ID, ORIGIN, customer=NUMBER, person=PERSON, decision=decided.decision, done=done)
    body = read(entry)
    assert body["id"] == ID
    assert (body["subject"], body["action"]) == (names.of("person", PERSON), "become_administrator")
    assert body["resource"] == body["customer"] == names.of("customer", NUMBER)
    assert (body["answer"], body["revision"], body["ruling"]) == ("permit", "first", decided.decision.ruling.digest)
    assert body["became_users"] == [names.of("person", "ben"), names.of("person", "eve")]
    assert body["notified"] == []


def test_the_same_person_has_the_same_name_in_entries_of_every_kind(entries: Entries) -> None:
    made = every_kind(entries)
    of_person = names.of("person", PERSON)
    assert read(made[EntryKind.DECISION])["subject"] == of_person
    assert read(made[EntryKind.SEARCH])["found"] == [of_person]
    assert read(made[EntryKind.TAKE_OVER])["subject"] == of_person
    assert read(made[EntryKind.TAKE_OVER])["became_users"] == [of_person]
    assert read(made[EntryKind.CHANGE])["resource"] == of_person


def test_a_change_of_a_customer_is_found_by_the_customer(entries: Entries) -> None:
    body = read(entries.change(ORIGIN, "put_customer", ("customer", NUMBER), was_there=True))
    assert body["resource"] == body["customer"] == names.of("customer", NUMBER)
    assert (body["action"], body["was_there"]) == ("put_customer", True)


def test_a_change_of_something_else_or_of_nothing_named_has_no_customer(entries: Entries) -> None:
    assert "customer" not in read(entries.change(ORIGIN, "put_option", ("option", OPTION)))
    assert not read(entries.change(ORIGIN, "import", None)).keys() & {"resource", "customer"}


def test_a_refusal_says_what_was_called_and_what_was_missing(entries: Entries) -> None:
    body = read(entries.refusal(Origin(""), 403, "GET /v1/decisions", "audit"))
    assert {name: body[name] for name in body if name != "id"} == {
        "kind": "refusal",
        "action": "GET /v1/decisions",
        "status": 403,
        "scope": "audit",
    }


def test_a_policy_that_comes_into_force_is_named(entries: Entries) -> None:
    body = read(entries.policy("second"))
    assert (body["action"], body["revision"]) == ("come_into_force", "second")


def test_a_shadow_says_how_often_it_differs_and_comes_with_both_rulings(entries: Entries) -> None:
    ours, shadow = a_ruling("first"), a_ruling("second", allow=False)
    entry = entries.shadow(ours, shadow, 7)
    body = read(entry)
    assert (body["ruling"], body["shadow"], body["count"]) == (ours.digest, shadow.digest, 7)
    assert entry.rulings == (ours, shadow)


def test_a_pruning_says_what_is_about_to_go(entries: Entries) -> None:
    body = read(entries.pruning(ORIGIN, "2026-01-01T00:00:00Z", {"chain": 12}))
    assert (body["before"], body["last"]) == ("2026-01-01T00:00:00Z", {"chain": 12})


@pytest.mark.parametrize(
    "make",
    [
        lambda entries: entries.policy("first"),
        lambda entries: entries.refusal(ORIGIN, 401, "GET /", "audit"),
        lambda entries: entries.change(ORIGIN, "import", None),
    ],
    ids=["policy", "refusal", "change"],
)
def test_an_entry_that_answers_nobody_has_an_id_of_its_own(entries: Entries, make: Callable[[Entries], Entry]) -> None:
    before = new_id()
    first, second = read(make(entries))["id"], read(make(entries))["id"]
    assert first != second
    assert len(first) == len(ID)
    assert first[:10] >= before[:10]


# plain ids


def test_where_ids_are_plain_people_and_customers_are_named_by_them(plain: Entries) -> None:
    body = read(decision_entry(plain, ID, None, ORIGIN, a_decision(PERSON, NUMBER, about=ABOUT)))
    assert (body["subject"], body["resource"]) == (PERSON, NUMBER)
    assert (body["customer"], body["option"]) == (NUMBER, OPTION)


def test_where_ids_are_plain_a_name_with_a_nul_has_a_pseudonym_all_the_same(plain: Entries) -> None:
    body = read(decision_entry(plain, ID, None, ORIGIN, a_decision("a\0b")))
    assert body["subject"] == names.of("person", "a\0b")


@given(st.text(st.characters(exclude_categories=[])), st.text(st.characters(exclude_categories=[])), st.booleans())
def test_whatever_the_caller_writes_the_body_is_ascii_that_every_database_takes(
    person: str,
    action: str,
    are_plain: bool,  # noqa: FBT001 - Hypothesis gives it
) -> None:
    decided = a_decision(person, person, action, about=(("customer", person),), stated={"action": "unknown"})
    entry = decision_entry(
        Entries(Pseudonyms(KEY, are_plain=are_plain)), ID, 0, Origin("zone", person, person), decided
    )
    said = json.loads(entry.body)
    assert entry.body.isascii()
    assert list(said)[:2] == ["id", "item"]
    for text in said.values():
        assert "\0" not in str(text)
        str(text).encode()

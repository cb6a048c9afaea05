"""Becoming administrator over HTTP: who may, with what, and what follows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select

from authz_service.administrators.outbox import list_letters
from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.settings import Settings
from authz_service.storage.schema import customers, take_overs
from authz_service.words import LetterState, Scope
from tests.conftest import BEARER, HOUSEHOLDS, TOKEN
from tests.journals import journal_settings

SMITHS = "123456789"
Body = dict[str, Any]
TakeOver = Callable[..., tuple[int, Body]]


@pytest.fixture
def client(any_database: Engine, running_opa: SupervisedOpa, tmp_path: Path) -> Iterator[FlaskClient]:
    """The service over all households, with every scope."""
    import_files(any_database, sorted(HOUSEHOLDS.glob("*.yaml")), key_finder("k" * 32, any_database))
    url = any_database.url.render_as_string(hide_password=False)
    settings = Settings(url, running_opa.url, activation_key="k" * 32, **journal_settings(tmp_path))
    app = create_app(settings, callers=[Caller("tests", token_sha256(TOKEN), frozenset(Scope))])
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = BEARER["Authorization"]
    yield client
    close_app(app)


@pytest.fixture
def take_over(client: FlaskClient) -> TakeOver:
    """Takes over on the web site with the current administrator told, unless said otherwise."""

    def take_over(number: str, person: str, **said: object) -> tuple[int, Body]:
        body = {"person": person, "channel": "web", "current_administrator_informed": True, **said}
        body = {key: value for key, value in body.items() if value is not None}
        response = client.post(f"/v1/customers/{number}/administrators", json=body)
        return response.status_code, response.get_json()

    return take_over


def _decide(client: FlaskClient, person: str, action: str, kind: str, name: str) -> bool:
    body = {
        "subject": {"type": "person", "id": person},
        "action": {"name": action},
        "resource": {"type": kind, "id": name},
    }
    return bool(client.post("/v1/decide", json=body).get_json()["decision"])


def _codes(body: Body) -> set[str]:
    return {reason["code"] for reason in body["reasons"]}


def _cites(body: Body) -> set[str]:
    return {cite for reason in body["reasons"] for cite in reason["cites"]}


def test_mary_takes_over_from_philip(client: FlaskClient, take_over: TakeOver) -> None:
    status, body = take_over(SMITHS, "mary.jones")
    assert status == 201
    assert len(body.pop("decision_id")) == 26
    assert list(body.items()) == [
        ("customer_number", SMITHS),
        ("administrator", "mary.jones"),
        ("became_users", ["philip.smith"]),
        ("notified", ["philip.smith"]),
    ]
    assert _decide(client, "mary.jones", "view_bills", "customer", SMITHS)
    assert not _decide(client, "philip.smith", "view_bills", "customer", SMITHS)
    assert _decide(client, "philip.smith", "view_usage", "subscription", "mobile-2001")
    assert not _decide(client, "philip.smith", "view_usage", "subscription", "mobile-2002")


def test_philip_may_take_it_back(take_over: TakeOver) -> None:
    take_over(SMITHS, "mary.jones")
    status, body = take_over(SMITHS, "philip.smith")
    assert (status, body["became_users"]) == (201, ["mary.jones"])


@pytest.mark.parametrize(
    ("number", "person", "said", "codes", "cites"),
    [
        # TAKE-1, TAKE-2
        (
            SMITHS, "mary.jones", {"current_administrator_informed": None},
            {"current_administrator_not_informed"}, {"TAKE-1"},
        ),
        (SMITHS, "mary.jones", {"channel": "app"}, {"not_in_the_app"}, {"TAKE-2"}),
        # READ-3
        (SMITHS, "philip.smith", {}, {"already_administrator"}, {"READ-3"}),
        ("300000001", "marc.leroy", {}, {"already_administrator"}, {"READ-3"}),
        # ELIG-2 to ELIG-5, READ-10
        (SMITHS, "dirk.stranger", {}, {"no_own_mobile_on_bill"}, {"ELIG-2", "READ-10"}),
        ("200000006", "nina.mertens", {}, {"own_mobile_on_pay_and_go"}, {"ELIG-3", "READ-1"}),
        ("200000007", "koen.willems", {}, {"own_mobile_paid_by_employer"}, {"ELIG-4"}),
        ("200000009", "greet.dubois", {}, {"number_of_another_provider"}, {"ELIG-5", "READ-1"}),
        (
            "200000007", "sofie.willems", {"activation": {"code": "7HND-WW31", "date": "2026-10-01"}},
            {"no_own_mobile_on_bill"}, {"ELIG-2", "READ-10"},
        ),
        # ELIG-1, READ-12
        ("200000001", "els.peeters", {}, {"activation_code_not_given"}, {"ELIG-1"}),
        (
            "200000001", "els.peeters", {"activation": {"code": "9XTR-44QE", "date": "2026-10-15"}},
            {"wrong_activation_code"}, {"ELIG-1", "READ-11"},
        ),
        (
            "200000001", "els.peeters", {"activation": {"code": "9XTR-44QD", "date": "2026-10-16"}},
            {"wrong_activation_code"}, {"ELIG-1", "READ-11"},
        ),
        (
            "200000002", "jan.maes", {"activation": {"code": "9XTR-44QD", "date": "2026-10-15"}},
            {"no_activation_code_issued"}, {"READ-12"},
        ),
    ],
)  # fmt: skip
def test_the_policy_says_no(
    take_over: TakeOver, any_database: Engine, number: str, person: str, said: Body, codes: set[str], cites: set[str]
) -> None:
    status, body = take_over(number, person, **said)
    assert status == 403
    assert _codes(body) == codes
    assert _cites(body) == cites
    with any_database.connect() as connection:
        assert connection.execute(select(take_overs)).all() == []
    assert list_letters(any_database, list(LetterState)) == []


@pytest.mark.parametrize(
    ("number", "person", "said", "became_users"),
    [
        # READ-2: one mobile of several qualifies
        ("200000008", "bart.goossens", {}, ["ines.goossens"]),
        # TAKE-1: nobody to tell
        ("200000011", "eva.lambert", {"current_administrator_informed": None}, []),
        # ROLE-4, READ-4: joins the others
        ("300000001", "sam.petit", {"current_administrator_informed": None}, []),
        # ELIG-1, READ-7: whoever has the code
        ("200000001", "els.peeters", {"activation": {"code": "9XTR-44QD", "date": "2026-10-15"}}, []),
        ("200000001", "dirk.stranger", {"activation": {"code": "9XTR-44QD", "date": "2026-10-15"}}, []),
        ("200000010", "omar.haddad", {"activation": {"code": "2FLR-OMAR", "date": "2026-11-10"}}, []),
        # READ-1: a prepaid card is not on the bill
        ("200000003", "lea.claes", {"activation": {"code": "PP2L-8KVW", "date": "2026-09-30"}}, []),
        ("300000002", "femke.aerts", {"activation": {"code": "PRAC-T1CE", "date": "2026-11-05"}}, []),
        ("200000004", "an.jacobs", {"activation": {"code": "USED-0001", "date": "2026-08-01"}}, ["tom.jacobs"]),
    ],
)
def test_the_policy_says_yes(
    client: FlaskClient, take_over: TakeOver, number: str, person: str, said: Body, became_users: list[str]
) -> None:
    status, body = take_over(number, person, **said)
    assert status == 201, body
    assert (body["became_users"], body["notified"]) == (became_users, became_users)
    assert client.get(f"/v1/customers/{number}/members/{person}").get_json()["role"] == "administrator"


def test_a_business_keeps_its_other_administrators(client: FlaskClient, take_over: TakeOver) -> None:
    take_over("300000001", "sam.petit")
    for person in ("marc.leroy", "julie.leroy", "sam.petit"):
        assert _decide(client, person, "view_bills", "customer", "300000001")


def test_an_activation_code_works_once(take_over: TakeOver) -> None:
    activation = {"code": "9XTR-44QD", "date": "2026-10-15"}
    assert take_over("200000001", "els.peeters", activation=activation)[0] == 201
    status, body = take_over("200000001", "dirk.stranger", activation=activation)
    assert (status, _codes(body)) == (403, {"activation_code_used"})


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ("els.peeters", {}),
        ("dirk.stranger", {"channel": "app"}),
        ("dirk.stranger", {"current_administrator_informed": False}),
        ("nobody.known", {}),
    ],
)
def test_five_wrong_codes_close_the_route_whoever_tries(take_over: TakeOver, person: str, said: Body) -> None:
    wrong, right = {"code": "GUESS", "date": "2026-10-15"}, {"code": "9XTR-44QD", "date": "2026-10-15"}
    for _ in range(5):
        assert take_over("200000001", person, activation=wrong, **said)[0] in {403, 404}
    status, body = take_over("200000001", "els.peeters", activation=right)
    assert (status, _codes(body)) == (403, {"code_route_closed"})


def test_four_wrong_codes_leave_the_route_open(take_over: TakeOver) -> None:
    for _ in range(4):
        take_over("200000001", "els.peeters", activation={"code": "GUESS", "date": "2026-10-15"})
    assert take_over("200000001", "els.peeters", activation={"code": "9XTR-44QD", "date": "2026-10-15"})[0] == 201


def test_a_new_code_opens_the_route_again(client: FlaskClient, take_over: TakeOver) -> None:
    for _ in range(6):
        take_over("200000001", "els.peeters", activation={"code": "GUESS", "date": "2026-10-15"})
    customer = client.get("/v1/customers/200000001").get_json()
    activation = {"code": "NEW-CODE", "date": "2026-11-20"}
    assert client.put("/v1/customers/200000001", json={**customer, "activation": activation}).status_code == 200
    assert take_over("200000001", "els.peeters", activation=activation)[0] == 201


def test_sending_the_old_code_again_does_not_open_the_route(client: FlaskClient, take_over: TakeOver) -> None:
    activation = {"code": "9XTR-44QD", "date": "2026-10-15"}
    for _ in range(5):
        take_over("200000001", "els.peeters", activation={"code": "GUESS", "date": "2026-10-15"})
    customer = client.get("/v1/customers/200000001").get_json()
    client.put("/v1/customers/200000001", json={**customer, "activation": activation})
    assert take_over("200000001", "els.peeters", activation=activation)[0] == 403


def test_asking_changes_nothing(client: FlaskClient, any_database: Engine) -> None:
    for person in ("els.peeters", "dirk.stranger"):
        assert _decide(client, person, "become_administrator", "customer", "200000001")
    with any_database.connect() as connection:
        row = connection.execute(select(customers).where(customers.c.number == "200000001")).mappings().one()
    assert (row["version"], row["activation_wrong"], row["activation_used"]) == (1, 0, False)


def test_the_change_is_recorded(take_over: TakeOver, any_database: Engine) -> None:
    _, body = take_over(SMITHS, "mary.jones")
    with any_database.connect() as connection:
        row = connection.execute(select(take_overs)).mappings().one()
    assert row["decision_id"] == body["decision_id"]
    assert (row["customer_number"], row["person"], row["caller"]) == (SMITHS, "mary.jones", "tests")
    assert (row["became_users"], row["notified"], row["route"]) == (["philip.smith"], ["philip.smith"], "mobile_number")


def test_an_unknown_customer_or_person_is_404(take_over: TakeOver) -> None:
    assert take_over("999999999", "mary.jones")[0] == 404
    assert take_over(SMITHS, "nobody.known")[0] == 404


@pytest.mark.parametrize(
    ("said", "member"),
    [
        ({"channel": None}, "channel"),
        ({"channel": "fax"}, "channel"),
        ({"person": None}, "person"),
        ({"person": 7}, "person"),
        ({"current_administrator_informed": "yes"}, "current_administrator_informed"),
        ({"activation": "K7QF-2M9X"}, "activation"),
        ({"activation": {"code": "K7QF-2M9X"}}, "activation.date"),
        ({"activation": {"code": "K7QF-2M9X", "date": "yesterday"}}, "activation.date"),
        ({"current_administrator_inforned": True}, ""),
    ],
)
def test_a_malformed_body_is_400_and_names_the_member(take_over: TakeOver, said: Body, member: str) -> None:
    status, body = take_over(SMITHS, "mary.jones", **said) if "person" not in said else take_over(SMITHS, **said)
    assert status == 400
    assert [error["member"] for error in body["errors"]] == [member]
    assert "K7QF" not in str(body)


def test_the_activation_code_is_nowhere_to_be_read(
    client: FlaskClient, take_over: TakeOver, any_database: Engine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    take_over("200000001", "els.peeters", activation={"code": "GUESS-123", "date": "2026-10-15"})
    take_over("200000001", "els.peeters", activation={"code": "9XTR-44QD", "date": "2026-10-15"})
    kept = client.get("/v1/customers/200000001").get_data(as_text=True) + "".join(capfd.readouterr())
    kept += "".join(path.read_bytes().decode("latin-1") for path in tmp_path.iterdir() if path.is_file())
    with any_database.connect() as connection:
        kept += str(connection.execute(select(customers)).all()) + str(connection.execute(select(take_overs)).all())
    assert "9XTR-44QD" not in kept
    assert "GUESS-123" not in kept


def test_a_yes_that_is_no_boolean_is_refused_with_what_it_has_to_be(take_over: TakeOver) -> None:
    _, body = take_over(SMITHS, "mary.jones", current_administrator_informed="yes")
    [error] = body["errors"]
    assert error["detail"] == "must be true or false, got a string"

"""No text of SQL is made of a value: values go to the database beside it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, inspect

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.facts import Asked, facts_query
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.settings import Settings
from authz_service.words import Durability, Scope
from tests.conftest import BEARER, ROOT, TOKEN

PACKAGE = ROOT / "authz_service"
HOSTILE = [
    "'; DROP TABLE people; --",
    '" OR ""="',
    "x' OR '1'='1",
    "%s%(x)s%%",
    ":x ?1 $1 {x}",
    "\\'; SELECT 1; --",
    "%' OR role LIKE '%",
    "*/ SELECT /*",
]
_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|ANALYZE|COPY|PRAGMA|WITH|VALUES|FROM|WHERE)\b")
# What stands in a text besides its own words, and is neither from a caller nor from the data.
_OF_OURS = {
    "table.name": "a table of the schema, in ANALYZE",
    "name": "a table of the schema, in COPY",
    "year:04": "the month of a partition, whole numbers",
    "month:02": "the same",
    "first_id_at(start)": "its limits, made here of a date: no CREATE TABLE takes parameters",
    "first_id_at(end)": "the same",
    "_MUCH_KIB": "a number of ours, in a PRAGMA",
    "_MUCH_KIB // _PAGE_KIB": "the same",
}


def pieced_together() -> Iterator[tuple[Path, int, str]]:
    """What is put into each text of SQL in the package, and where."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr) and _SQL.match(_words(node)):
                for part in node.values:
                    if isinstance(part, ast.FormattedValue):
                        form = "".join(_words(part.format_spec) if isinstance(part.format_spec, ast.JoinedStr) else "")
                        yield file, node.lineno, ast.unparse(part.value) + (f":{form}" if form else "")


def _words(node: ast.JoinedStr) -> str:
    return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))


def test_what_is_put_into_a_text_of_sql_is_of_ours_and_known() -> None:
    found = list(pieced_together())
    assert [place for place in found if place[2] not in _OF_OURS] == []
    assert {put for _, _, put in found} == set(_OF_OURS)


def test_no_check_of_the_linter_for_sql_is_silenced() -> None:
    assert [file for file in PACKAGE.rglob("*.py") if "S608" in file.read_text()] == []
    assert "S608" not in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("number", [1, 2, 10_000])
def test_the_statement_of_decisions_is_the_same_whatever_is_asked(dialect: str, number: int) -> None:
    usual = [Asked("mary.jones", "1", "m", "o")] * number
    expected, _ = facts_query(dialect, usual)
    for hostile in HOSTILE:
        statement, parameters = facts_query(dialect, [Asked(hostile, hostile, hostile, hostile)] * number)
        assert statement == expected
        assert hostile not in statement
        assert parameters


@pytest.fixture
def told(any_database: Engine) -> Iterator[list[str]]:
    """The text of each statement that SQLAlchemy hands to the driver."""
    texts: list[str] = []

    def note(*arguments: object) -> None:
        texts.append(str(arguments[2]))

    event.listen(Engine, "before_cursor_execute", note)
    yield texts
    event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
def caller(any_database: Engine, running_opa: SupervisedOpa) -> Iterator[FlaskClient]:
    settings = Settings(
        any_database.url.render_as_string(hide_password=False),
        running_opa.url,
        activation_key="a key that is long enough for the tests",
        journal=Durability.OFF,
    )
    app = create_app(settings, callers=[Caller("tests", token_sha256(TOKEN), frozenset(Scope))])
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = BEARER["Authorization"]
    yield client
    close_app(app)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_id_is_an_id_like_any_other_on_both_databases(
    caller: FlaskClient, told: list[str], any_database: Engine, hostile: str
) -> None:
    tables = inspect(any_database).get_table_names()
    person = {"id": hostile, "name": hostile, "email": "a@example.org", "other_provider_numbers": ["+32480000001"]}
    option = {"id": hostile, "name": hostile, "for": "mobile", "price": "0.00"}
    customer = {
        "number": "1",
        "name": hostile,
        "activation": {"code": hostile, "date": "2026-11-02"},
        "members": [{"person": hostile, "role": "user"}],
        "subscriptions": [{"id": hostile, "kind": "mobile", "number": "+32470000001", "holder": hostile}],
    }
    question = {
        "subject": {"type": "person", "id": hostile},
        "action": {"name": "activate_option", "properties": {"option": hostile}},
        "resource": {"type": "subscription", "id": hostile},
    }
    quoted = "".join(f"%{byte:02X}" for byte in hostile.encode())
    for path, body in ((f"people/{quoted}", person), (f"options/{quoted}", option), ("customers/1", customer)):
        assert caller.put(f"/v1/{path}", json=body).status_code == 201
    assert caller.get(f"/v1/people/{quoted}").get_json()["name"] == hostile
    assert caller.get(f"/v1/people/{quoted}/roles").get_json()["roles"] == [{"customer_number": "1", "role": "user"}]
    assert caller.get(f"/v1/customers/1/members/{quoted}").get_json()["role"] == "user"
    assert caller.post("/v1/decide", json=question).get_json()["decision"] is True
    many = caller.post("/access/v1/evaluations", json=question | {"evaluations": [{}, {}]}).get_json()
    assert [one["decision"] for one in many["evaluations"]] == [True, True]
    for sought in ("subject", "resource"):
        body = question | {sought: {"type": question[sought]["type"]}}  # type: ignore[index]  # a question as it is sent
        results = caller.post(f"/access/v1/search/{sought}", json=body).get_json()["results"]
        assert [result["id"] for result in results] == [hostile]
    wish = {"person": hostile, "channel": "web", "activation": {"code": hostile, "date": "2026-11-02"}}
    assert caller.post("/v1/customers/1/administrators", json=wish).status_code == 201
    query = {"subject": hostile, "customer": hostile, "action": hostile}
    assert caller.get("/v1/decisions", query_string=query).get_json()["decisions"] == []
    assert caller.delete("/v1/customers/1").status_code == 204
    assert caller.delete(f"/v1/options/{quoted}").status_code == 204
    assert caller.delete(f"/v1/people/{quoted}").status_code == 204
    assert inspect(any_database).get_table_names() == tables
    assert len(told) > 30
    assert [text for text in told if hostile in text] == []

"""An id is its characters, byte for byte: what looks the same, or is the same to a reader, is another person."""

import itertools
import json
import unicodedata
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.activation_code import key_finder
from authz_service.customers.exporting import FileFormat, export
from authz_service.customers.importing import import_files
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.settings import Settings
from authz_service.words import Durability, Scope
from tests.conftest import BEARER, TOKEN

KEY = "a key that is long enough for the tests"
# Each looks like the one beside it, or is it after some folding.
ALIKE = [
    "Ren\u00e9",
    "Rene\u0301",
    "ren\u00e9",
    "Rene",
    "REN\u00c9",
    "Ren\u00e9\u200b",
    "Ren\u200d\u00e9",
    "\ufeffRen\u00e9",
    "Ren\u00e9 ",
    " Ren\u00e9",
    "\uff32\uff45\uff4e\u00e9",
    "\u0420en\u00e9",
    "stra\u00dfe",
    "strasse",
    "STRASSE",
    "\u0130stanbul",
    "istanbul",
    "I\u0307stanbul",
    "\ufb01n",
    "fin",
    "\u212bngstr\u00f6m",
    "\u00c5ngstr\u00f6m",
    "A\u030angstr\u00f6m",
    "\U0001f600",
    "\U0001f600\ufe0f",
    "a\u202eb",
    "ab",
    "e",
    "\u0435",
]
"""Composed and not, another case, of no width, of full width, of another script, turned round."""


def path_of(person: str) -> str:
    return f"/v1/people/{quote(person, safe='')}"


@pytest.fixture
def caller(any_database: Engine, running_opa: SupervisedOpa) -> Iterator[FlaskClient]:
    settings = Settings(
        any_database.url.render_as_string(hide_password=False),
        running_opa.url,
        activation_key=KEY,
        journal=Durability.OFF,
    )
    app = create_app(settings, callers=[Caller("tests", token_sha256(TOKEN), frozenset(Scope))])
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = BEARER["Authorization"]
    yield client
    close_app(app)


def test_the_examples_are_each_another_one_and_some_are_the_same_after_some_folding() -> None:
    assert len(set(ALIKE)) == len(ALIKE)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert len({unicodedata.normalize(form, person) for person in ALIKE}) < len(ALIKE)
    assert len({person.casefold() for person in ALIKE}) < len(ALIKE)


def test_people_whose_ids_look_alike_are_different_people_everywhere(caller: FlaskClient) -> None:
    for person in ALIKE:
        body = {"id": person, "name": person, "email": "a@example.org"}
        assert caller.put(path_of(person), json=body).status_code == 201
    members = [{"person": person, "role": "user"} for person in ALIKE[1:]]
    customer = {"number": "1", "name": "All", "members": [{"person": ALIKE[0], "role": "administrator"}, *members]}
    assert caller.put("/v1/customers/1", json=customer).status_code == 201
    assert {member["person"] for member in caller.get("/v1/customers/1").get_json()["members"]} == set(ALIKE)
    for person in ALIKE:
        assert caller.get(path_of(person)).get_json()["id"] == person
        role = "administrator" if person == ALIKE[0] else "user"
        assert caller.get(f"/v1/customers/1/members/{quote(person, safe='')}").get_json()["role"] == role
        bills = {
            "subject": {"type": "person", "id": person},
            "action": {"name": "view_bills"},
            "resource": {"type": "customer", "id": "1"},
        }
        assert caller.post("/v1/decide", json=bills).get_json()["decision"] is (person == ALIKE[0])
    found = caller.post("/access/v1/search/subject", json=bills | {"subject": {"type": "person"}}).get_json()
    assert [result["id"] for result in found["results"]] == [ALIKE[0]]
    roles = bills | {"subject": {"type": "person"}, "action": {"name": "view_role"}, "page": {"limit": 7}}
    listed: list[str] = []
    for _ in itertools.repeat(None, len(ALIKE)):
        page = caller.post("/access/v1/search/subject", json=roles).get_json()
        listed += [result["id"] for result in page["results"]]
        if not page["page"]["next_token"]:
            break
        roles["page"] = {"token": page["page"]["next_token"]}
    assert listed == sorted(ALIKE)


def test_a_form_of_an_id_that_nobody_has_is_nobody_s(caller: FlaskClient) -> None:
    assert caller.put(path_of(ALIKE[0]), json={"id": ALIKE[0], "name": "R", "email": "a@b.c"}).status_code == 201
    for person in ALIKE[1:]:
        assert caller.get(path_of(person)).status_code == 404
        assert caller.delete(path_of(person)).status_code == 404
    assert caller.get(path_of(ALIKE[0])).status_code == 200


def test_ids_come_back_from_a_file_as_they_went_into_it(any_database: Engine, tmp_path: Path) -> None:
    find_key = key_finder(KEY, any_database)
    file = tmp_path / "people.yaml"
    lines = [f"  - {{id: {ascii_of(person)}, name: n, email: a@example.org}}\n" for person in ALIKE]
    file.write_text("people:\n" + "".join(lines))
    import_files(any_database, [file], find_key)
    again = tmp_path / "again.ndjson"
    again.write_bytes(exported(any_database))
    assert import_files(any_database, [again], find_key).people == len(ALIKE)
    people = [json.loads(line)["person"]["id"] for line in exported(any_database).splitlines()]
    assert sorted(people) == sorted(ALIKE)


def exported(database: Engine) -> bytes:
    stream = BytesIO()
    export(database, stream, FileFormat.NDJSON)
    return stream.getvalue()


def ascii_of(text: str) -> str:
    return '"' + "".join(f"\\U{ord(character):08X}" for character in text) + '"'

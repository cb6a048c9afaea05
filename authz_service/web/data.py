"""Customers, people and options, one object a call, in the shape of the files."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel
from sqlalchemy import Connection, Engine

from authz_service.customers.activation_code import FindKey
from authz_service.customers.customer_store import delete_customer, get_customer, put_customer
from authz_service.customers.model import Customer, Option, Person
from authz_service.customers.option_store import delete_option, get_option, put_option
from authz_service.customers.parsing import parse
from authz_service.customers.person_store import delete_person, get_person, put_person
from authz_service.customers.versions import Record
from authz_service.errors import Fault, InvalidRequest, NotFound, StaleVersion
from authz_service.journal.journal import Journal
from authz_service.web.bodies import read_object
from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.origins import origin_of_request
from authz_service.words import Scope

_ETAG = {"ETag": "The version, for If-Match."}
_IF_MATCH = {"If-Match": "The ETag that the change was made for; 412 when it is no longer that."}
_NEVER = -1  # the version of no object


@dataclass(frozen=True, slots=True)
class _Collection:
    """One kind of object: where it is, its model, and how the store handles it.

    `key` is the member that is also in the address; `broken` tells what a PUT or DELETE may be refused for.
    """

    path: str
    noun: str
    model: type[BaseModel]
    key: str
    get: Callable[[str], tuple[dict[str, object], int]]
    put: Callable[[Any, int | None, Record], tuple[bool, int]]
    delete: Callable[[str, int | None, Record], None]
    conflict: str
    example: dict[str, object]


def data_endpoints(database: Engine, find_key: FindKey, journal: Journal) -> Blueprint:
    endpoints = Blueprint("data", __name__)
    for collection in _collections(database, find_key):
        _add(endpoints, collection, journal)
    return endpoints


def _collections(database: Engine, find_key: FindKey) -> list[_Collection]:
    return [
        _Collection(
            path="/v1/customers/<number:number>",
            noun="customer",
            model=Customer,
            key="number",
            get=lambda key: get_customer(database, key),
            put=lambda customer, version, record: put_customer(database, customer, find_key, version, record),
            delete=lambda key, version, record: delete_customer(database, key, version, record),
            conflict="The administrators of an existing customer number change by becoming administrator alone.",
            example={
                "number": "123456789",
                "name": "Smith family",
                "members": [
                    {"person": "philip.smith", "role": "administrator"},
                    {"person": "mary.jones", "role": "user"},
                    {"person": "tracy.smith", "role": "user"},
                ],
                "subscriptions": [
                    {"id": "internet-1001", "kind": "internet"},
                    {"id": "mobile-2001", "kind": "mobile", "number": "+32470000001", "holder": "philip.smith"},
                    {"id": "mobile-2002", "kind": "mobile", "number": "+32470000002", "holder": "mary.jones"},
                    {"id": "mobile-2003", "kind": "mobile", "number": "+32470000003", "holder": "tracy.smith"},
                    {"id": "tv-1002", "kind": "tv"},
                ],
            },
        ),
        _Collection(
            path="/v1/people/<person_id:person>",
            noun="person",
            model=Person,
            key="id",
            get=lambda key: get_person(database, key),
            put=lambda person, version, record: put_person(database, person, version, record),
            delete=lambda key, version, record: delete_person(database, key, version, record),
            conflict="The person is a member of a customer number.",
            example={"id": "mary.jones", "name": "Mary Jones", "email": "mary.jones@example.org"},
        ),
        _Collection(
            path="/v1/options/<id:option>",
            noun="option",
            model=Option,
            key="id",
            get=lambda key: get_option(database, key),
            put=lambda option, version, record: put_option(database, option, version, record),
            delete=lambda key, version, record: delete_option(database, key, version, record),
            conflict="Another change came in between.",
            example={"id": "voicemail-to-text", "name": "Voicemail to text", "for": "mobile", "price": "0.00"},
        ),
    ]


def _add(endpoints: Blueprint, of: _Collection, journal: Journal) -> None:
    missing = {404: f"There is no such {of.noun}."}
    changing = {409: of.conflict, 412: "It has changed since it was read."}

    @declares(
        Endpoint(
            f"Read one {of.noun}.",
            Scope.CUSTOMERS,
            answers={200: of.model},
            problems=missing,
            answer_example=of.example,
            answer_headers=_ETAG,
        )
    )
    def read(**address: str) -> Response:
        [key] = address.values()
        found, version = of.get(key)
        return _with_etag(jsonify(found), version)

    @declares(
        Endpoint(
            f"Write one {of.noun}, new or in place of what is there.",
            Scope.CUSTOMERS,
            body=of.model,
            answers={200: of.model, 201: of.model},
            problems=changing,
            example=of.example,
            answer_example=of.example,
            headers=_IF_MATCH,
            answer_headers=_ETAG,
        )
    )
    def write(**address: str) -> Response:
        [key] = address.values()
        given = parse(of.model, read_object(request))
        if getattr(given, of.key) != key:
            raise InvalidRequest([Fault("must be the same as in the address", of.key)])
        is_new, _ = of.put(given, _expected_version(of, key), _recording(journal, f"put_{of.noun}", of.noun, key))
        # The ETag is that of the body, whoever else has written in the meantime.
        found, version = of.get(key)
        response = _with_etag(jsonify(found), version)
        response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
        return response

    @declares(
        Endpoint(
            f"Delete one {of.noun}.",
            Scope.CUSTOMERS,
            answers={204: None},
            problems=missing | changing,
            headers=_IF_MATCH,
        )
    )
    def delete(**address: str) -> Response:
        [key] = address.values()
        of.delete(key, _expected_version(of, key), _recording(journal, f"delete_{of.noun}", of.noun, key))
        return Response(status=HTTPStatus.NO_CONTENT)

    endpoints.add_url_rule(of.path, f"read_{of.noun}", read, methods=["GET"])
    endpoints.add_url_rule(of.path, f"write_{of.noun}", write, methods=["PUT"])
    endpoints.add_url_rule(of.path, f"delete_{of.noun}", delete, methods=["DELETE"])


def _recording(journal: Journal, action: str, noun: str, key: str) -> Record:
    origin = origin_of_request()

    def record(connection: Connection, version: int | None) -> None:
        journal.changed(connection, origin, action, (noun, key), version=version)

    return record


def _with_etag(response: Response, version: int) -> Response:
    response.set_etag(str(version))
    return response


def _expected_version(of: _Collection, key: str) -> int | None:
    """The version that If-Match asks for, None where any will do."""
    if "If-Match" not in request.headers:
        return None
    wanted = request.if_match
    try:
        _, version = of.get(key)
    except NotFound:
        raise StaleVersion(f"There is no such {of.noun} to match.") from None
    return version if wanted.contains(str(version)) else _NEVER

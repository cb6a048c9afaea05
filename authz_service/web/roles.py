"""Who has which role."""

from flask import Blueprint
from sqlalchemy import Engine

from authz_service.customers.roles import role_of, roles_of
from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.shapes import MemberRole, PersonRoles, RoleOnCustomer
from authz_service.words import Scope


def role_endpoints(database: Engine) -> Blueprint:
    endpoints = Blueprint("roles", __name__)

    @endpoints.get("/v1/customers/<number:number>/members/<id:person>")
    @declares(
        Endpoint(
            summary="The role of one person on one customer number.",
            scope=Scope.CUSTOMERS,
            answers={200: MemberRole},
            problems={404: "The person is not linked to the customer number, or one of them is unknown."},
            answer_example={"customer_number": "123456789", "person": "mary.jones", "role": "user"},
        )
    )
    def member(number: str, person: str) -> dict[str, object]:
        role = role_of(database, number, person)
        return MemberRole(customer_number=number, person=person, role=role).model_dump()

    @endpoints.get("/v1/people/<id:person>/roles")
    @declares(
        Endpoint(
            summary="The roles of one person, on every customer number.",
            scope=Scope.CUSTOMERS,
            answers={200: PersonRoles},
            problems={404: "The person is unknown."},
            answer_example={"person": "mary.jones", "roles": [{"customer_number": "123456789", "role": "user"}]},
        )
    )
    def roles(person: str) -> dict[str, object]:
        found = roles_of(database, person)
        listed = [RoleOnCustomer(customer_number=number, role=role) for number, role in found]
        return PersonRoles(person=person, roles=listed).model_dump()

    return endpoints

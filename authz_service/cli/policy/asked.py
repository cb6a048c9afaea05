"""What an author asks about: a request, whose facts are read from customer data, or the facts themselves."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click
from sqlalchemy import Engine

from authz_service import strict_json
from authz_service.cli.database import SMITH_FAMILY, database_of, existing_database
from authz_service.cli.policy.bench import shown
from authz_service.customers.domain import MyProximus
from authz_service.customers.person_store import get_person
from authz_service.errors import ConfigurationError, Fault, InvalidInput, InvalidRequest, UnknownPerson
from authz_service.questions import Entity, Json, Question
from authz_service.secret_settings import is_given
from authz_service.settings import read_settings
from authz_service.web.evaluation import read_question
from authz_service.words import OPTION_ACTIONS, SubjectType


class Asked(NamedTuple):
    """A request with its facts.

    Attributes:
        question: The request.
        who: The name of the person, or the id of whoever is not known.
        facts: What the customer data says.
    """

    question: Question
    who: str
    facts: Mapping[str, Json]

    @property
    def things(self) -> list[str]:
        """What it names: `option extra-data-5gb`, `subscription mobile-2002`."""
        option = self.question.action.properties.get("option")
        resource = self.question.resource
        return [
            *([f"option {option}"] if option and self.question.action.name in OPTION_ACTIONS else []),
            f"{resource.type} {resource.id}",
        ]


def read_request(text: bytes) -> Question:
    """The request in an AuthZEN body.

    Raises:
        InvalidInput: With every fault.
    """
    body = read_json(text, "the request")
    if not isinstance(body, dict):
        raise InvalidInput([Fault("must be a JSON object with subject, action and resource", "the request")])
    faults: list[Fault] = []
    question = read_question(body, faults)
    if question is None:
        raise InvalidRequest(faults)
    return question


def read_json(text: bytes, what: str) -> object:
    try:
        return strict_json.loads(text)
    except strict_json.NotJson as error:
        raise InvalidInput([Fault(str(error), what)]) from error


def ask(question: Question, data: Path | None) -> Asked:
    """The request with its facts, from a file of customer data or the database of the settings.

    In a checkout without either, they are those of the Smith family.

    Raises:
        InvalidRequest: The request has what no request can.
        ConfigurationError: There is no customer data.
    """
    with _customer_data(data) as database:
        return ask_of(database, question)


def ask_of(database: Engine, question: Question) -> Asked:
    """The request with its facts from a database.

    Raises:
        InvalidRequest: The request has what no request can.
    """
    domain = MyProximus(database)
    faults = domain.faults(question)
    if faults:
        raise InvalidRequest(faults)
    [stated] = domain.state([question])
    return Asked(question, _name(database, question.subject), stated.document)


@contextmanager
def _customer_data(data: Path | None) -> Iterator[Engine]:
    if data is None and is_given(os.environ, "AUTHZ_DATABASE_URL"):
        with existing_database(read_settings().database_url) as database:
            yield database
        return
    if data is None:
        if not SMITH_FAMILY.exists():
            raise ConfigurationError("Say where the customer data is: set AUTHZ_DATABASE_URL, or give --data FILE.")
        data = shown(SMITH_FAMILY)
        click.echo(f"The facts are those of {data}, as neither AUTHZ_DATABASE_URL nor --data names others.", err=True)
        sys.stderr.flush()
    with database_of(data) as database:
        yield database


def _name(database: Engine, subject: Entity) -> str:
    if subject.type == SubjectType.PERSON:
        try:
            person, _ = get_person(database, subject.id)
        except UnknownPerson:
            return subject.id
        return str(person["name"])
    return f"{subject.type} {subject.id}"

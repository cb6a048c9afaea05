"""People, read and written one at a time."""

from sqlalchemy import Connection, Engine, delete, exists, insert, select, update

from authz_service.customers.fixture import Object, person_object
from authz_service.customers.lookup import present
from authz_service.customers.model import Person
from authz_service.customers.versions import Record, unrecorded, version_for_change
from authz_service.errors import Fault, InvalidRequest, StillInUse, UnknownPerson
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import members, other_provider_numbers, people


def get_person(engine: Engine, person_id: str) -> tuple[Object, int]:
    """The person in the shape of the files, and the version.

    Raises:
        UnknownPerson: There is no such person.
        DatabaseUnavailable: The database does not answer.
    """
    numbers = (
        select(other_provider_numbers.c.number)
        .where(other_provider_numbers.c.person == person_id)
        .order_by(other_provider_numbers.c.number)
    )
    with reading(engine) as connection:
        row = connection.execute(select(people).where(people.c.id == person_id)).mappings().one_or_none()
        if row is None:
            raise UnknownPerson("There is no such person.")
        return person_object(row, list(connection.scalars(numbers))), row["version"]


def put_person(
    engine: Engine, person: Person, expected_version: int | None = None, record: Record = unrecorded
) -> tuple[bool, int]:
    """Writes the person; says whether he or she is new, and the version.

    Raises:
        InvalidRequest: A number of another provider is another person's already.
        StaleVersion: The version is not the one expected.
        Conflict: Another write came in between.
        DatabaseUnavailable: The database does not answer.
    """
    values = {"id": person.id, "name": person.name, "email": person.email, "language": person.language}
    with writing(engine) as connection:
        version = version_for_change(connection, people.c.id, person.id, expected_version)
        _refuse_numbers_of_others(connection, person)
        if version is None:
            connection.execute(insert(people).values(values))
        else:
            changed = values | {"version": version + 1}
            connection.execute(update(people).where(people.c.id == person.id).values(changed))
            connection.execute(delete(other_provider_numbers).where(other_provider_numbers.c.person == person.id))
        if person.other_provider_numbers:
            rows = [{"number": number, "person": person.id} for number in person.other_provider_numbers]
            connection.execute(insert(other_provider_numbers), rows)
        record(connection, (version or 0) + 1)
    return version is None, (version or 0) + 1


def delete_person(
    engine: Engine, person_id: str, expected_version: int | None = None, record: Record = unrecorded
) -> None:
    """Deletes a person who is linked to no customer number.

    Raises:
        UnknownPerson: There is no such person.
        StaleVersion: The version is not the one expected.
        StillInUse: The person is a member of a customer number.
        DatabaseUnavailable: The database does not answer.
    """
    with writing(engine) as connection:
        if version_for_change(connection, people.c.id, person_id, expected_version) is None:
            raise UnknownPerson("There is no such person.")
        if connection.scalar(select(exists().where(members.c.person == person_id))):
            raise StillInUse("The person is a member of a customer number; take him or her off it first.")
        connection.execute(delete(people).where(people.c.id == person_id))
        record(connection, None)


def _refuse_numbers_of_others(connection: Connection, person: Person) -> None:
    taken = present(
        connection,
        other_provider_numbers.c.number,
        person.other_provider_numbers,
        other_provider_numbers.c.person != person.id,
    )
    faults = [
        Fault("is a number of another person", f"other_provider_numbers[{index}]")
        for index, number in enumerate(person.other_provider_numbers)
        if number in taken
    ]
    if faults:
        raise InvalidRequest(faults)

"""Who has which role. Source: ROLE-2, ROLE-6."""

from sqlalchemy import Engine, exists, select

from authz_service.errors import NotLinked, UnknownCustomer, UnknownPerson
from authz_service.storage.database import reading
from authz_service.storage.schema import customers, members, people
from authz_service.words import Role


def role_of(engine: Engine, customer_number: str, person: str) -> Role:
    """The one role of a person on a customer number.

    Raises:
        UnknownCustomer: There is no such customer number.
        UnknownPerson: There is no such person.
        NotLinked: The person has no role on it.
        DatabaseUnavailable: The database does not answer.
    """
    role = select(members.c.role).where(members.c.customer_number == customer_number, members.c.person == person)
    with reading(engine) as connection:
        found = connection.scalar(role)
        if found is not None:
            return Role(found)
        if not connection.scalar(select(exists().where(customers.c.number == customer_number))):
            raise UnknownCustomer("There is no such customer number.")
        if not connection.scalar(select(exists().where(people.c.id == person))):
            raise UnknownPerson("There is no such person.")
    raise NotLinked("The person is not linked to the customer number.")


def roles_of(engine: Engine, person: str) -> list[tuple[str, Role]]:
    """Every customer number that a person is linked to, in order, with the role.

    Raises:
        UnknownPerson: There is no such person.
        DatabaseUnavailable: The database does not answer.
    """
    roles = (
        select(members.c.customer_number, members.c.role)
        .where(members.c.person == person)
        .order_by(members.c.customer_number)
    )
    with reading(engine) as connection:
        found = [(row.customer_number, Role(row.role)) for row in connection.execute(roles)]
        if not found and not connection.scalar(select(exists().where(people.c.id == person))):
            raise UnknownPerson("There is no such person.")
    return found

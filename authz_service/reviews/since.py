"""Since when people have their roles: the take-overs that gave them."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Engine, Text, cast, or_, select

from authz_service.reviews.content import Since
from authz_service.storage.database import reading
from authz_service.storage.schema import take_overs
from authz_service.words import Role

_NOBODY = "[]"


def roles_given(database: Engine, number: str, people: Sequence[str]) -> Mapping[str, tuple[Role, Since]]:
    """The role that the last take-over of the customer number gave to each of the people, and which one that was.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    query = (
        select(take_overs)
        .where(
            take_overs.c.customer_number == number,
            or_(take_overs.c.person.in_(people), cast(take_overs.c.became_users, Text) != _NOBODY),
        )
        .order_by(take_overs.c.decision_id)
    )
    given: dict[str, tuple[Role, Since]] = {}
    with reading(database) as connection:
        for row in connection.execute(query):
            since = Since(decision_id=row.decision_id, at=row.at)
            given |= dict.fromkeys(row.became_users, (Role.USER, since))
            given[row.person] = (Role.ADMINISTRATOR, since)
    return given

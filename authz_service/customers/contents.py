"""What is in the database as a whole."""

from sqlalchemy import Engine, exists, or_, select

from authz_service.storage.database import reading
from authz_service.storage.schema import customers, options, people


def is_empty(engine: Engine) -> bool:
    """Whether there is no person, option or customer yet.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    some = or_(*(exists(select(table)) for table in (people, options, customers)))
    with reading(engine) as connection:
        return not connection.scalar(select(some))

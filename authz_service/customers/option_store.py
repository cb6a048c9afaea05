"""Options, read and written one at a time."""

from sqlalchemy import Engine, delete, insert, select, update

from authz_service.customers.fixture import Object, option_object
from authz_service.customers.model import Option
from authz_service.customers.versions import Record, unrecorded, version_for_change
from authz_service.errors import UnknownOption
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import options


def get_option(engine: Engine, option_id: str) -> tuple[Object, int]:
    """The option in the shape of the files, and its version.

    Raises:
        UnknownOption: There is no such option.
        DatabaseUnavailable: The database does not answer.
    """
    with reading(engine) as connection:
        row = connection.execute(select(options).where(options.c.id == option_id)).mappings().one_or_none()
    if row is None:
        raise UnknownOption("There is no such option.")
    return option_object(row), row["version"]


def put_option(
    engine: Engine, option: Option, expected_version: int | None = None, record: Record = unrecorded
) -> tuple[bool, int]:
    """Writes the option; says whether it is new, and its version.

    Raises:
        StaleVersion: Its version is not the one expected.
        Conflict: Another write came in between.
        DatabaseUnavailable: The database does not answer.
    """
    values = option.model_dump()
    with writing(engine) as connection:
        version = version_for_change(connection, options.c.id, option.id, expected_version)
        if version is None:
            connection.execute(insert(options).values(values))
        else:
            changed = values | {"version": version + 1}
            connection.execute(update(options).where(options.c.id == option.id).values(changed))
        record(connection, (version or 0) + 1)
    return version is None, (version or 0) + 1


def delete_option(
    engine: Engine, option_id: str, expected_version: int | None = None, record: Record = unrecorded
) -> None:
    """Nothing refers to an option, so that it can always go.

    Raises:
        UnknownOption: There is no such option.
        StaleVersion: Its version is not the one expected.
        DatabaseUnavailable: The database does not answer.
    """
    with writing(engine) as connection:
        if version_for_change(connection, options.c.id, option_id, expected_version) is None:
            raise UnknownOption("There is no such option.")
        connection.execute(delete(options).where(options.c.id == option_id))
        record(connection, None)

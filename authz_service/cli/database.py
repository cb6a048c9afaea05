"""The database of the settings, for the commands that work on it."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from authz_service.customers.activation_code import key_finder
from authz_service.customers.feed.batch import DELETED
from authz_service.customers.importing import Imported, import_files
from authz_service.customers.record import LIST_OF
from authz_service.errors import ConfigurationError
from authz_service.journal.entries import Origin, counted
from authz_service.journal.outbox import order_entry
from authz_service.settings import CHECKOUT_POLICIES, Settings, read_settings
from authz_service.storage.database import connect, is_current, upgrade
from authz_service.words import Durability

SMITH_FAMILY = CHECKOUT_POLICIES.parent / "fixtures" / "customers" / "smith-family.yaml"
"""The customer data of examples, in a checkout."""


@contextmanager
def configured_database() -> Iterator[tuple[Settings, Engine]]:
    """The settings of the environment, and their database, made or brought up to date, while the block lasts.

    Raises:
        ConfigurationError: A setting is missing or wrong.
    """
    settings = read_settings(os.environ)
    database = connect(settings.database_url)
    try:
        upgrade(database)
        yield settings, database
    finally:
        database.dispose()


@contextmanager
def existing_database(database_url: str) -> Iterator[Engine]:
    """A database that is there, with the tables of this version, to be read while the block lasts.

    Raises:
        ConfigurationError: It is not there, or its tables are others; with what makes them.
        DatabaseUnavailable: It does not answer.
    """
    refuse_missing_file(database_url)
    database = connect(database_url)
    try:
        if not is_current(database):
            raise ConfigurationError(
                "AUTHZ_DATABASE_URL: the database has not the tables of this version; `authz-service db upgrade` makes"
                " them."
            )
        yield database
    finally:
        database.dispose()


@contextmanager
def database_of(*files: Path) -> Iterator[Engine]:
    """A database in memory with the customer data of files, while the block lasts.

    Raises:
        InvalidFile: Every fault in the files.
    """
    database = connect("sqlite://")
    try:
        upgrade(database)
        import_files(database, files, key_finder(None, database))
        yield database
    finally:
        database.dispose()


def recording_imports(settings: Settings) -> Callable[[Connection, Imported], None]:
    """Has the journal say what has been imported, unless it is off."""

    def record(connection: Connection, done: Imported) -> None:
        if settings.journal is not Durability.OFF:
            counts = {"people": done.people, "options": done.options, "customers": done.customers}
            order_entry(connection, counted(Origin("customers import"), "import", **counts))

    return record


def recording_feeds(settings: Settings) -> Callable[[Connection, Mapping[str, int]], None]:
    """Has the journal say what a feed has changed, unless it is off."""

    def record(connection: Connection, applied: Mapping[str, int]) -> None:
        if settings.journal is not Durability.OFF:
            counts = {name: applied[kind] for kind, name in (*LIST_OF.items(), (DELETED, DELETED)) if applied.get(kind)}
            order_entry(connection, counted(Origin("customers sync"), "sync", **counts))

    return record


def refuse_missing_file(database_url: str) -> None:
    # Connecting would make the file, and the service could then find it to be somebody else's.
    with suppress(ArgumentError, ValueError):
        url = make_url(database_url)
        is_file = url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}
        if is_file and not Path(str(url.database)).exists():
            raise ConfigurationError(f"{url.database} does not exist yet: `authz-service serve` makes it.")

"""The database of the settings, for the commands that work on it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from authz_service.settings import Settings, read_settings
from authz_service.storage.database import connect, upgrade


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

"""The journal of the settings, for the commands that work on it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import Engine

from authz_service.cli.database import existing_database
from authz_service.errors import ConfigurationError
from authz_service.journal.place import SIGNING_KEY, find_signing_key, journal_folder
from authz_service.settings import Settings, read_settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
public_key_option = click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    type=_FILE,
    help="A PEM file of a key that may have signed; besides that of the settings.",
)


class Kept(NamedTuple):
    """A journal that is there."""

    settings: Settings
    database: Engine
    folder: Path


class Moment(click.ParamType[datetime]):
    """A day, or a moment, in UTC where nothing else is said."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail("must be a day such as 2026-11-23, or a time such as 2026-11-23T22:00:00Z", param, ctx)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


since_option = click.option("--from", "since", type=Moment(), help="From when on; from the beginning if left out.")
until_option = click.option("--to", "until", type=Moment(), help="Before when; to the end if left out.")


@contextmanager
def existing_journal() -> Iterator[Kept]:
    """The journal of the settings, while the block lasts.

    Raises:
        ConfigurationError: There is none.
    """
    settings = read_settings()
    with existing_database(settings.database_url) as database:
        folder = journal_folder(settings, database)
        if folder is None or not folder.is_dir():
            raise ConfigurationError(
                f"{folder or 'AUTHZ_JOURNAL_FOLDER'}: there is no journal yet: `authz-service serve` makes it."
            )
        yield Kept(settings, database, folder)


def verifying_keys(kept: Kept | None, files: Sequence[Path]) -> list[Ed25519PublicKey]:
    """The keys that may have signed.

    Raises:
        ConfigurationError: One of them is none, or there is none.
    """
    keys = [_public_key(file) for file in files]
    if kept and (kept.settings.journal_signing_key or (kept.folder / SIGNING_KEY).exists()):
        keys.append(find_signing_key(kept.settings, kept.database, kept.folder).public_key())
    if not keys:
        raise ConfigurationError("--public-key: name a PEM file of the key that the journal is signed with.")
    return keys


def _public_key(file: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(file.read_bytes())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(
            f"{file}: must be an Ed25519 public key in PEM; that of a private key is printed by:"
            " openssl pkey -pubout -in PRIVATE.pem"
        )
    return key

"""Where the journal is, and the keys that it is kept with."""

import secrets
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from sqlalchemy import Engine

from authz_service.errors import ConfigurationError
from authz_service.journal.folder import PRIVATE
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.settings import Settings
from authz_service.storage.database import sqlite_file
from authz_service.storage.secret_file import kept_secret, new_secret

_SHORTEST_KEY_CHARACTERS = 32
PSEUDONYMS = "pseudonyms.key"
SIGNING_KEY = "signing.pem"


class Place(NamedTuple):
    """What a journal is opened with.

    Attributes:
        folder: Where its files are.
        pseudonyms: How people and things are named in it.
        signing_key: What its checkpoints are signed with.
    """

    folder: Path
    pseudonyms: Pseudonyms
    signing_key: Ed25519PrivateKey


def journal_folder(settings: Settings, database: Engine) -> Path | None:
    """Where the files of the journal are; None with a database in memory, whose journal is gone with it."""
    if settings.journal_folder is not None:
        return settings.journal_folder
    file = sqlite_file(database)
    return None if file is None else file.with_name(f"{file.name}.journal")


def find_place(settings: Settings, database: Engine, folder: Path) -> Place:
    """The journal in that folder; with SQLite, keys that are not set are made there.

    Raises:
        ConfigurationError: A key is missing or wrong; with every fault.
    """
    faults = []
    try:
        pseudonyms = find_pseudonyms(settings, database, folder)
    except ConfigurationError as error:
        faults.append(str(error))
    try:
        signing_key = find_signing_key(settings, database, folder)
    except ConfigurationError as error:
        faults.append(str(error))
    if faults:
        raise ConfigurationError("\n".join(faults))
    return Place(folder, pseudonyms, signing_key)


def find_pseudonyms(settings: Settings, database: Engine, folder: Path) -> Pseudonyms:
    """How the journal names people and things.

    Raises:
        ConfigurationError: The key is missing or too short.
    """
    key = settings.journal_key
    if key is None:
        key = _kept(folder / PSEUDONYMS, database, "AUTHZ_JOURNAL_KEY", "the output of: openssl rand -hex 32")
    if len(key) < _SHORTEST_KEY_CHARACTERS:
        raise ConfigurationError(
            f"AUTHZ_JOURNAL_KEY: is shorter than {_SHORTEST_KEY_CHARACTERS} characters; set it to the output of:"
            " openssl rand -hex 32"
        )
    return Pseudonyms(key.encode(), are_plain=settings.journal_plain_ids)


def known_pseudonyms(settings: Settings, database: Engine) -> Pseudonyms:
    """How an earlier journal named people and things, to search in it; by themselves only, where that is not known."""
    folder = journal_folder(settings, database)
    file = folder / PSEUDONYMS if folder else None
    if settings.journal_key is not None or (file and file.exists()):
        return find_pseudonyms(settings, database, folder or Path())
    return Pseudonyms(secrets.token_bytes(_SHORTEST_KEY_CHARACTERS))


def find_signing_key(settings: Settings, database: Engine, folder: Path) -> Ed25519PrivateKey:
    """What the journal's checkpoints are signed with.

    Raises:
        ConfigurationError: The key is missing or none.
    """
    name, made_by = "AUTHZ_JOURNAL_SIGNING_KEY", "openssl genpkey -algorithm ed25519"
    path = settings.journal_signing_key
    if path is None:
        path = folder / SIGNING_KEY
        pem = _kept(path, database, name, f"a file made by: {made_by}")
    else:
        try:
            pem = path.read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{name}: {path}: cannot be read.") from error
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        # Without the cause, as it could show what is in the file.
        raise ConfigurationError(
            f"{name}: {path}: must be an Ed25519 private key in PEM without a password; one is made by: {made_by}"
        )
    return key


def _kept(path: Path, database: Engine, setting: str, wanted: str) -> str:
    if database.dialect.name != "sqlite":
        raise ConfigurationError(
            f"{setting}: is not set; the journal needs it, the same for every process on this database."
            f" Set it to {wanted}"
        )
    try:
        path.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        return kept_secret(path, _new_signing_key if path.suffix == ".pem" else new_secret).strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read or made; mend it, or set {setting}.") from error


def _new_signing_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

"""What tests of the journal share."""

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from authz_service.journal.journal import Journal
from authz_service.journal.pseudonyms import Pseudonyms

JOURNAL_KEY = "key-of-the-journal-in-these-tests"


def journal_settings(folder: Path) -> dict[str, Any]:
    """The settings of a journal in that folder, with keys, as PostgreSQL needs them."""
    signing_key = folder / "signing-key.pem"
    signing_key.touch(mode=0o600)
    key = Ed25519PrivateKey.generate()
    signing_key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {"journal_folder": folder / "journal", "journal_key": JOURNAL_KEY, "journal_signing_key": signing_key}


def no_journal() -> Journal:
    """A journal that is off."""
    return Journal(Pseudonyms(JOURNAL_KEY.encode()))

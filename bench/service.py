"""The service as it is benchmarked: `serve` with a token of its own, on a database that is there."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from authz_service.callers.callers import new_token, token_sha256
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, upgrade
from authz_service.storage.secret_file import new_secret
from bench.processes import free_port, started

_ACTIVATION_KEY, JOURNAL_KEY = new_secret().strip(), new_secret().strip()


class Running(NamedTuple):
    """A service that answers.

    Attributes:
        journal: The folder of its journal.
    """

    url: str
    token: str
    pid: int
    journal: Path


def make_database(url: str, customers: Path) -> None:
    """Brings customers into an empty database."""
    database = connect(url)
    try:
        upgrade(database)
        import_files(database, [customers], _ACTIVATION_KEY.encode)
    finally:
        database.dispose()


@contextmanager
def running(database_url: str, settings: Mapping[str, str]) -> Iterator[Running]:
    """A service with these settings, while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as made:
        folder, token, port = Path(made), new_token(), free_port()
        callers = folder / "callers.yaml"
        signing_key = folder / "signing.pem"
        for file in (callers, signing_key):
            file.touch(mode=0o600)
        callers.write_text(
            f"callers: [{{name: bench, token_sha256: '{token_sha256(token)}', scopes: [decide, audit]}}]\n"
        )
        key = Ed25519PrivateKey.generate()
        signing_key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        environ = os.environ | {
            "AUTHZ_DATABASE_URL": database_url,
            "AUTHZ_CALLERS": str(callers),
            "AUTHZ_ACTIVATION_KEY": _ACTIVATION_KEY,
            "AUTHZ_JOURNAL_FOLDER": str(folder / "journal"),
            "AUTHZ_JOURNAL_KEY": JOURNAL_KEY,
            "AUTHZ_JOURNAL_SIGNING_KEY": str(signing_key),
            # As a service is that has been installed: without, each start compiles what it imports.
            "PYTHONDONTWRITEBYTECODE": "",
            **settings,
        }
        command = [sys.executable, "-c", "from authz_service.cli import main; main()", "serve", "--port", str(port)]
        url = f"http://127.0.0.1:{port}"
        with started(command, f"{url}/readyz", environ) as pid:
            yield Running(url, token, pid, folder / "journal")

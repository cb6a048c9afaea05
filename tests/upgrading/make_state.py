"""Makes a database and a journal with the code of an earlier commit, for today's to be tried on.

    git archive COMMIT | tar -x --directory=/tmp/earlier
    .venv/bin/python -m tests.upgrading.make_state /tmp/earlier tests/upgrading/REVISION-sqlite.tar.gz
    .venv/bin/python -m tests.upgrading.make_state /tmp/earlier tests/upgrading/REVISION-postgresql.tar.gz

Run where there is an `opa` of the version that the commit wants. REVISION is the migration that it expects. The archive
has the database, the journal, keys that were made for it, and what callers were answered.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from authz_service.callers.callers import token_sha256
from authz_service.opa.binary import find_opa, project_tool_folder
from tests.ports import free_port
from tests.postgresql import PostgreSQL, postgresql_server
from tests.services import COMMAND, question

ANSWERS = "answers.json"
SQLITE, DUMP, JOURNAL = "authz.db", "authz.dump", "authz.db.journal"

_TOKEN = "token-of-an-earlier-version-long-enough"
_JOURNAL_KEY, _ACTIVATION_KEY = "the-journal-key-of-an-earlier-version", "the-activation-key-of-an-earlier-version"
_SIGNING_KEY = "signing.pem"
_SMITHS = "123456789"
_ASKED = [
    ("philip.smith", "view_bills", "customer", _SMITHS),
    ("mary.jones", "view_usage", "subscription", "mobile-2002"),
    ("mary.jones", "view_bills", "customer", _SMITHS),
    ("nobody.known", "view_role", "customer", _SMITHS),
]


def main() -> None:
    checkout, archive = map(Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if "postgresql" in archive.name:
            with postgresql_server() as server:
                url = server.new_database()
                _make(checkout.resolve(), folder, url)
                server.run("pg_dump", "--format=custom", f"--file={folder / DUMP}", f"--dbname={_plain(url)}")
        else:
            _make(checkout.resolve(), folder, f"sqlite:///{folder / SQLITE}")
        with tarfile.open(archive, "w:gz") as packed:
            for path in sorted(folder.glob("*")):
                packed.add(path, path.name)


def settings_of(folder: Path, url: str) -> dict[str, str]:
    """What a service needs to go on with what is in the folder, and in the database of the URL."""
    if url.startswith("sqlite"):
        return {"AUTHZ_DATABASE_URL": url}
    return {
        "AUTHZ_DATABASE_URL": url,
        "AUTHZ_JOURNAL_FOLDER": str(folder / JOURNAL),
        "AUTHZ_JOURNAL_KEY": _JOURNAL_KEY,
        "AUTHZ_JOURNAL_SIGNING_KEY": str(folder / _SIGNING_KEY),
        "AUTHZ_ACTIVATION_KEY": _ACTIVATION_KEY,
    }


def restore(folder: Path, server: PostgreSQL) -> str:
    """Puts the copy of a PostgreSQL database back; returns its URL."""
    url = server.new_database()
    server.run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={_plain(url)}", folder / DUMP)
    return url


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")


def _make(checkout: Path, folder: Path, url: str) -> None:
    if not url.startswith("sqlite"):
        key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / _SIGNING_KEY).touch(mode=0o600)
        (folder / _SIGNING_KEY).write_bytes(key)
    callers, port = folder / "callers.yaml", free_port()
    scopes = "decide, administrators, customers, audit"
    callers.write_text(f"callers: [{{name: tests, token_sha256: '{token_sha256(_TOKEN)}', scopes: [{scopes}]}}]\n")
    callers.chmod(0o600)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AUTHZ_")} | {
        **settings_of(folder, url),
        "AUTHZ_CALLERS": str(callers),
        "AUTHZ_OPA_BIN": str(find_opa(os.environ, project_tool_folder())),
    }
    household = checkout / "fixtures" / "customers" / "smith-family.yaml"
    # Python looks for packages where it is started first.
    subprocess.run([*COMMAND, "customers", "import", household], cwd=checkout, env=environ, check=True)
    with subprocess.Popen([*COMMAND, "serve", "--port", str(port)], cwd=checkout, env=environ) as service:
        try:
            answers = _use(f"http://127.0.0.1:{port}")
        finally:
            service.terminate()
    (folder / ANSWERS).write_text(json.dumps(answers, indent=2) + "\n")
    callers.unlink()
    for file in folder.glob("*-wal"):
        raise SystemExit(f"{file} is left: the service has not ended well.")


def _use(url: str) -> list[dict[str, Any]]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {_TOKEN}"
        while True:
            try:
                if session.get(f"{url}/readyz", timeout=5).status_code == requests.codes.ok:
                    break
            except requests.ConnectionError:
                pass
            time.sleep(0.2)
        answers = []
        for asked in (question(*one) for one in _ASKED):
            answer = session.post(f"{url}/access/v1/evaluation", json=asked, timeout=10)
            answers.append({"asked": asked, "id": answer.headers["Decision-Id"], "decision": answer.json()["decision"]})
        person = {"id": "zoe.new", "name": "Zoe", "email": "zoe@example.org"}
        session.put(f"{url}/v1/people/zoe.new", json=person, timeout=10).raise_for_status()
        wish = {"person": "tracy.smith", "channel": "web", "current_administrator_informed": True}
        taken = session.post(f"{url}/v1/customers/{_SMITHS}/administrators", json=wish, timeout=10)
        taken.raise_for_status()
        answers.append({"asked": None, "id": taken.json()["decision_id"], "decision": True})
        return answers


if __name__ == "__main__":
    main()

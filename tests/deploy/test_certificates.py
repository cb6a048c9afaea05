"""The image knows the root certificates by which a database is trusted."""

import json
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import trustme
from sqlalchemy import make_url

from authz_service.storage.database import connect, is_current
from tests.deploy.conftest import OPERATE
from tests.deploy.running import ENTRYPOINT, image_environment
from tests.deploy.tls_database import TlsEnd, behind_tls
from tests.postgresql import PostgreSQL
from tests.tools.test_image import FINAL

# Where Debian's package has them, which the base image has.
ROOTS = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture
def image(opa: Path) -> dict[str, str]:
    """The variables of the image."""
    return image_environment(opa)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def roots(authority: trustme.CA, tmp_path: Path) -> str:
    """A file with the certificate of the authority that vouches for the database."""
    file = tmp_path / "roots.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


@pytest.fixture
def empty(postgresql: PostgreSQL) -> str:
    return postgresql.new_database()


@pytest.fixture
def database(empty: str, authority: trustme.CA) -> Iterator[TlsEnd]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with behind_tls(Path(str(make_url(empty).query["host"])) / ".s.PGSQL.5432", context) as end:
        yield end


@pytest.fixture
def address(empty: str, database: TlsEnd) -> str:
    """That of the database, with all that the page has in it about TLS."""
    [told] = re.findall(r"`(postgresql\+psycopg://\S+)`", (OPERATE / "kubernetes.md").read_text())
    wanted = make_url(empty)
    url = make_url(told).set(username=wanted.username, host="localhost", port=database.port, database=wanted.database)
    return url.render_as_string(hide_password=False)


def upgrade(address: str, environ: Mapping[str, str]) -> int:
    """Makes the tables, as the migration does."""
    variables = {**environ, "AUTHZ_DATABASE_URL": address}
    return subprocess.run([*ENTRYPOINT, "db", "upgrade"], env=variables, check=False).returncode


def test_the_root_certificates_of_the_image_vouch_for_the_database_at_the_page_s_address(
    image: dict[str, str], roots: str, address: str, database: TlsEnd, empty: str
) -> None:
    named = {name: roots for name, value in image.items() if value == ROOTS}
    assert upgrade(address, {**image, **named}) == 0
    assert database.complaints == []
    made = connect(empty)
    try:
        assert is_current(made)
    finally:
        made.dispose()


def test_they_do_not_for_one_of_an_authority_that_is_not_among_them(
    image: dict[str, str], address: str, database: TlsEnd
) -> None:
    assert upgrade(address, image) == 1
    assert set(database.complaints) == {"TLSV1_ALERT_UNKNOWN_CA"}


def test_an_image_without_root_certificates_is_not_made(roots: str, tmp_path: Path) -> None:
    [step] = [line for line in FINAL.splitlines() if line.startswith("RUN") and "SSL_CERT_FILE" in line]
    words = [sys.executable, *json.loads(step.removeprefix("RUN "))[1:]]
    empty = tmp_path / "empty.pem"
    empty.touch()
    for file, is_made in ((roots, True), (str(empty), False), ("/nonexistent", False)):
        done = subprocess.run(words, env={"SSL_CERT_FILE": file}, capture_output=True, check=False)
        assert (done.returncode == 0) is is_made, done.stderr

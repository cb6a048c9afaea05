"""No secret of the service or of its callers is in anything that it writes, shows, keeps or hands on."""

import base64
import json
import os
import re
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import NamedTuple
from urllib.parse import parse_qs

import pytest
import requests
from sqlalchemy import Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import OperationalError

from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, upgrade
from tests.conftest import ROOT, SMITH_FAMILY, TOKEN
from tests.hidden import found_in
from tests.journals import journal_settings
from tests.ports import free_port
from tests.postgresql import PostgreSQL
from tests.processes import wait_until
from tests.services import COMMAND, HOST, Service, environment, question, serve
from tests.serving import serving

SMITHS = "123456789"
MARKED = {
    name: f"{name}-{secrets.token_urlsafe(24)}"
    for name in (
        "activation-key", "journal-key", "client-secret", "mail-password", "database-password", "wrong-token",
        "right-code", "wrong-code",
    )
} | {"token": TOKEN}  # fmt: skip
PATHS = (
    "/", "/matrix", "/matrix.csv", "/ask", "/decisions", "/decisions.csv", "/customers", f"/customers/{SMITHS}",
    "/status", "/matrix/diff", "/sign-in", "/sign-in/back?code=x&state=y", "/sign-in/provider", "/healthz", "/readyz",
    "/metrics",
    "/openapi.json", "/docs", "/.well-known/authzen-configuration", "/nothing/here", "/v1/decisions",
    f"/v1/customers/{SMITHS}", f"/v1/customers/{SMITHS}/members/mary.jones", "/v1/people/mary.jones",
    "/v1/people/nobody",
)  # fmt: skip
_TRIES = 10

Keep = Callable[[str, requests.Response], requests.Response]
"""Keeps a response to be looked at, under a name."""


class Used(NamedTuple):
    """A service that has been used well and badly.

    Attributes:
        service: It.
        url: Its database.
        answers: What it has answered, headers and body, by a name of each.
        folder: Everything that it may write to is in there.
        during: Command lines and environments of its processes, while it was at work.
    """

    service: Service
    url: str
    answers: dict[str, bytes]
    folder: Path
    during: dict[str, bytes]


class RepeatingProvider(BaseHTTPRequestHandler):
    """An OpenID Connect provider that takes no secret and says which it was given."""

    def do_GET(self) -> None:
        issuer = f"http://{self.headers['Host']}"
        length = int(self.headers.get("Content-Length", 0))
        sent = self.rfile.read(length).decode()
        if self.path.startswith("/.well-known"):
            places = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/jwks"}
            self._say(200, {"issuer": issuer, **{name: issuer + path for name, path in places.items()}})
            return
        basic = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        assert MARKED["client-secret"] in basic + sent
        code = parse_qs(sent)["code"][0]
        if code == "broken":
            self.send_error(500, "failed", f"{basic} {sent}")
        else:
            self._say(400, {"error": code, "error_description": f"{basic} {sent} is wrong"})

    do_POST = do_GET  # noqa: N815 - the library's names

    def _say(self, status: int, document: object) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


class RepeatingMailServer(StreamRequestHandler):
    """A mail server that takes no password and says which it was given."""

    refused = threading.Event()

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            if line.lower().startswith(b"ehlo"):
                self.wfile.write(b"250-here\r\n250 AUTH PLAIN\r\n")
            else:
                sent = base64.b64decode(line.split()[-1])
                assert MARKED["mail-password"].encode() in sent
                self.wfile.write(b"535 " + sent.replace(b"\0", b" ") + b" " + line.strip() + b" is wrong\r\n")
                self.refused.set()


@contextmanager
def repeating_servers() -> Iterator[tuple[str, int]]:
    """The issuer of the provider and the port of the mail server, which both repeat what they are sent."""
    mail = ThreadingTCPServer((HOST, 0), RepeatingMailServer)
    mail.daemon_threads = True
    thread = threading.Thread(target=mail.serve_forever, args=(0.01,))
    thread.start()
    try:
        with serving(ThreadingHTTPServer((HOST, 0), RepeatingProvider)) as issuer:
            yield issuer, mail.server_address[1]
    finally:
        mail.shutdown()
        thread.join()
        mail.server_close()


def marked_url(postgresql: PostgreSQL) -> str:
    """A database with the Smith family, whose URL has a password in it."""
    url = make_url(postgresql.new_database()).set(password=MARKED["database-password"])
    shown = url.render_as_string(hide_password=False)
    database = connect(shown)
    upgrade(database)
    import_files(database, [SMITH_FAMILY], key_finder(MARKED["activation-key"], database))
    database.dispose()
    return shown


def settings_of(folder: Path, issuer: str, mail_port: int, port: int) -> dict[str, str]:
    """Every secret setting, some from the environment and some from files."""
    journal = journal_settings(folder)
    files = {
        "AUTHZ_JOURNAL_KEY_FILE": MARKED["journal-key"],
        "AUTHZ_SMTP_URL_FILE": f"smtp://letters:{MARKED['mail-password']}@{HOST}:{mail_port}",
    }
    for name, content in files.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(content + "\n")
    return {
        **{name: str(folder / name) for name in files},
        "AUTHZ_ACTIVATION_KEY": MARKED["activation-key"],
        "AUTHZ_JOURNAL_FOLDER": str(journal["journal_folder"]),
        "AUTHZ_JOURNAL_SIGNING_KEY": str(journal["journal_signing_key"]),
        "AUTHZ_METADATA_KEY": str(journal["journal_signing_key"]),
        "AUTHZ_MAIL_FROM": "zone@example.org",
        "AUTHZ_PUBLIC_URL": f"http://{HOST}:{port}",
        "AUTHZ_OIDC_ISSUER": issuer,
        "AUTHZ_OIDC_CLIENT_ID": "authz",
        "AUTHZ_OIDC_CLIENT_SECRET": MARKED["client-secret"],
        "AUTHZ_OIDC_ALLOWED": "groups=compliance",
        "AUTHZ_WORKERS": "2",
        "TMPDIR": str(folder / "temporary"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


def use(service: Service, url: str) -> dict[str, bytes]:
    """Calls it in every way, right and wrong, also while what it needs is broken; what it has answered."""
    answers: dict[str, bytes] = {}

    def keep(what: str, response: requests.Response) -> requests.Response:
        shown = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
        answers[f"{len(answers)} {what}: {response.status_code}"] = shown.encode() + b"\n\n" + response.content
        return response

    def call(method: str, path: str, body: object = None) -> requests.Response:
        response = service.session.request(method, service.url + path, json=body, timeout=10, allow_redirects=False)
        return keep(f"{method} {path}", response)

    def take_over(code: str) -> None:
        wish = {"person": "mary.jones", "channel": "web", "current_administrator_informed": True}
        call(
            "POST",
            f"/v1/customers/{SMITHS}/administrators",
            wish | {"activation": {"code": code, "date": "2026-11-02"}},
        )

    def everything() -> None:
        call("POST", "/v1/decide", question("mary.jones", "view_usage", "subscription", "mobile-2002"))
        call("POST", "/v1/decide", {"subject": TOKEN})
        call("POST", "/access/v1/evaluations", {"evaluations": [{}]})
        sought = question("mary.jones", "view_role", "customer", SMITHS) | {"subject": {"type": "person"}}
        call("POST", "/access/v1/search/subject", sought | {"page": {"limit": 1}})
        call("POST", "/access/v1/search/subject", sought | {"page": {"token": MARKED["wrong-code"]}})
        for path in PATHS:
            call("GET", path)
        for scheme in ("Bearer", "Basic"):
            wrong = {"Authorization": f"{scheme} {MARKED['wrong-token']}"}
            keep(f"{scheme}", requests.post(f"{service.url}/v1/decide", json={}, headers=wrong, timeout=10))
        code = {"code": MARKED["right-code"], "date": "2026-11-02"}
        vacant = {"number": "5550001", "kind": "residential", "name": "Vacant", "members": [], "subscriptions": []}
        call("PUT", "/v1/customers/5550001", vacant | {"activation": code})
        call("PUT", "/v1/customers/5550002", vacant | {"activation": code | {"more": MARKED["right-code"]}})
        for given in (MARKED["wrong-code"], MARKED["right-code"]):
            take_over(given)
            path = "/v1/customers/5550001/administrators"
            call("POST", path, {"person": "mary.jones", "channel": "web", "activation": code | {"code": given}})
        sign_in(service, keep)
        sign_in_at_provider(service, keep)

    everything()
    wait_until(RepeatingMailServer.refused.is_set)
    os.kill(service.opa(), 9)
    everything()
    with renamed_tables(url):
        everything()
    damage(url)
    everything()
    return answers


def sign_in(service: Service, keep: Keep) -> None:
    """A person's browser: a wrong token, the right one, then every page."""
    with requests.Session() as browser:
        for given in (MARKED["wrong-token"], TOKEN):
            form = browser.get(f"{service.url}/sign-in", timeout=10).text
            [key] = re.findall(r'name="form_key" value="([^"]+)"', form) or [""]
            keep("sign in", browser.post(f"{service.url}/sign-in", {"form_key": key, "token": given}, timeout=10))
        for path in PATHS:
            keep(f"page {path}", browser.get(service.url + path, timeout=10, allow_redirects=False))


def sign_in_at_provider(service: Service, keep: Keep) -> None:
    for code in ("invalid_client", "invalid_grant", "broken"):
        with requests.Session() as browser:
            sent = browser.get(f"{service.url}/sign-in/provider", timeout=10, allow_redirects=False)
            state = re.search(r"[?&]state=([^&]+)", sent.headers.get("Location", ""))
            back = f"/sign-in/back?code={code}&state={state[1] if state else ''}"
            keep(back, browser.get(service.url + back, timeout=10))


@contextmanager
def renamed_tables(url: str) -> Iterator[None]:
    """A database in which nothing is where it should be, while the block lasts."""
    database = create_engine(url, hide_parameters=True)
    tables = [name for name in inspect(database).get_table_names() if "." not in name]
    rename(database, {name: f"{name}_away" for name in tables})
    try:
        yield
    finally:
        rename(database, {f"{name}_away": name for name in tables})
        database.dispose()


def rename(database: Engine, names: Mapping[str, str]) -> None:
    """All at once. The service takes tables in another order, so that PostgreSQL may have to end one of the two."""
    for _ in range(_TRIES):
        with suppress(OperationalError), database.begin() as connection:
            for name, new in names.items():
                connection.execute(text(f'ALTER TABLE "{name}" RENAME TO "{new}"'))
            return
    pytest.fail("The service goes on using the tables.")


def damage(url: str) -> None:
    """Has the database hold what nobody has thought of."""
    database = create_engine(url, hide_parameters=True)
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE people RENAME COLUMN name TO name_away"))
        connection.execute(text("ALTER TABLE people ADD COLUMN name bytea"))
        connection.execute(text("UPDATE letters SET parameters = '5', due_at = ordered_at, state = 'waiting'"))
    database.dispose()


def processes_of(service: Service) -> dict[str, bytes]:
    """Command lines of all processes, and environments of all but the first, whose own is how it was given secrets."""
    found: dict[str, bytes] = {}
    for pid in (service.process.pid, *service.processes()):
        with suppress(FileNotFoundError, ProcessLookupError):
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            name = f"{pid} {line[:60]!r}"
            found[f"command line of {name}"] = line
            if pid != service.process.pid:
                found[f"environment of {name}"] = Path(f"/proc/{pid}/environ").read_bytes()
            found[f"limits of {name}"] = Path(f"/proc/{pid}/limits").read_bytes()
    return found


@pytest.fixture(scope="module")
def used(opa: Path, postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Used]:
    folder, port = tmp_path_factory.mktemp("secrets"), free_port()
    (folder / "temporary").mkdir(mode=0o700)
    url = marked_url(postgresql)
    with repeating_servers() as (issuer, mail_port):
        more = settings_of(folder, issuer, mail_port, port)
        with serve(opa, folder / "service", url, more, port) as service:
            answers = use(service, url)
            yield Used(service, url, answers, folder, processes_of(service))


@pytest.fixture(scope="module")
def marked(used: Used) -> dict[str, str]:
    """Every secret by its name."""
    pem = (used.folder / "signing-key.pem").read_text().splitlines()[1]
    return MARKED | {"signing key": pem}


def test_it_was_really_used_well_and_badly(used: Used) -> None:
    statuses = {int(name.rpartition(": ")[2]) for name in used.answers}
    assert statuses >= {200, 201, 303, 400, 401, 403, 404, 503}
    written = used.service.stderr.read_text()
    assert "Traceback" in written
    for said in ("sign_in.refused", "is the secret right?", "opa.ended", "535"):
        assert said in written, said


def test_logs_have_none(used: Used, marked: dict[str, str]) -> None:
    written = {"stdout": used.service.stdout.read_bytes(), "stderr": used.service.stderr.read_bytes()}
    assert found_in(written, marked) == set()


def test_pages_answers_and_metrics_have_none(used: Used, marked: dict[str, str]) -> None:
    assert any(b"authz_journal_entries" in content for content in used.answers.values())
    assert any(name.endswith("page /matrix: 200") for name in used.answers)
    assert found_in(used.answers, marked) == set()


def test_no_command_line_and_no_environment_that_is_handed_on_has_one(used: Used, marked: dict[str, str]) -> None:
    assert (
        sum(name.startswith("environment of") for name in used.during) >= 4
    )  # OPA, two workers, what tracks resources
    assert found_in(used.during, marked) == set()


def test_neither_the_service_nor_opa_can_write_a_core_dump(used: Used) -> None:
    limits = [content.decode() for name, content in used.during.items() if name.startswith("limits of")]
    assert len(limits) >= 5
    assert all(re.search(r"^Max core file size +0 +0 ", limit, re.MULTILINE) for limit in limits)


def test_the_database_has_none(used: Used, marked: dict[str, str]) -> None:
    database = create_engine(used.url, hide_parameters=True)
    try:
        kept = dict(rows_of(database))
    finally:
        database.dispose()
    assert b"philip.smith@example.org" in kept["letters"]
    assert b"mary.jones" in kept["members"]
    assert found_in(kept, marked) == set()


def rows_of(database: Engine) -> Iterator[tuple[str, bytes]]:
    """What each table holds, as text."""
    with database.connect() as connection:
        for table in inspect(database).get_table_names():
            rows = connection.execute(text(f'SELECT t::text FROM "{table}" AS t')).scalars()  # noqa: S608 - names of ours
            yield table, "\n".join(rows).encode()


def test_the_journal_and_all_else_that_it_has_written_have_none(used: Used, marked: dict[str, str]) -> None:
    written = {
        str(file): file.read_bytes()
        for name in ("journal", "temporary", "cache")
        for file in (used.folder / name).rglob("*")
        if file.is_file()
    }
    assert any(name.endswith(".journal") for name in written)
    assert any(name.endswith("opa.log") for name in written)
    assert found_in(written, marked) == set()


def test_what_keeps_it_from_starting_is_told_without_any(opa: Path, tmp_path: Path) -> None:
    elsewhere = f"postgresql+psycopg://authz:{MARKED['database-password']}@{HOST}:{free_port()}/authz"
    split = f"postgresql+psycopg://authz@{HOST}:{MARKED['database-password']}/authz"
    journal = journal_settings(tmp_path)
    (tmp_path / "callers.yaml").write_text(f"callers: [{{name: a, token_sha256: {TOKEN}, scopes: [decide]}}]")
    right = {
        "AUTHZ_DATABASE_URL": elsewhere,
        "AUTHZ_ACTIVATION_KEY": MARKED["activation-key"],
        "AUTHZ_JOURNAL_KEY": MARKED["journal-key"],
        "AUTHZ_JOURNAL_SIGNING_KEY": str(journal["journal_signing_key"]),
        "AUTHZ_JOURNAL_FOLDER": str(journal["journal_folder"]),
        "AUTHZ_SMTP_URL": f"smtp://letters:{MARKED['mail-password']}/@mail.example.org",
        "AUTHZ_MAIL_FROM": "zone@example.org",
        "AUTHZ_CALLERS": str(tmp_path / "callers.yaml"),
    }
    told: dict[str, bytes] = {}
    for command in ("serve", "doctor", "customers export", "letters send", "journal verify"):
        for changed in ({}, {"AUTHZ_DATABASE_URL": split}, {"AUTHZ_JOURNAL_KEY": MARKED["activation-key"]}):
            environ = environment(opa, right | changed)
            done = subprocess.run(
                [*COMMAND, *command.split()], cwd=ROOT, env=environ, capture_output=True, check=False, timeout=60
            )
            assert done.returncode == 1, command
            told[f"{command} {list(changed)}"] = done.stdout + done.stderr
    assert all(content for content in told.values())
    assert found_in(told, MARKED) == set()

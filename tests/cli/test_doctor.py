import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from authz_service.callers.callers import new_token, token_sha256
from authz_service.opa.binary import OPA_VERSION
from authz_service.opa.bundle import build_bundle
from authz_service.opa.supervisor import SupervisedOpa
from tests.cli.conftest import Cli
from tests.issuer import ec, served
from tests.journals import journal_settings
from tests.ports import free_port
from tests.processes import wait_until

NO_DATABASE = "AUTHZ_DATABASE_URL: is not set; for one machine, sqlite:///authz.db."
NO_OPA = (
    f"AUTHZ_OPA_BIN: {{folder}}/none does not exist; OPA {OPA_VERSION} is wanted. "
    "Name a program of that version, or unset AUTHZ_OPA_BIN to have one looked for."
)


@pytest.fixture
def right(tmp_path: Path, migrated: Path, database_url: str, running_opa: SupervisedOpa) -> dict[str, str]:
    """Variables with which everything is right."""
    shutil.copy(migrated, tmp_path / "authz.db")
    callers = tmp_path / "callers.yaml"
    callers.touch(mode=0o600)
    callers.write_text(f"callers: [{{name: a, token_sha256: '{token_sha256(new_token())}', scopes: [decide]}}]")
    return {
        "AUTHZ_DATABASE_URL": database_url,
        "AUTHZ_CALLERS": str(callers),
        "AUTHZ_OPA_URL": running_opa.url,
    }


def test_where_everything_is_right_each_thing_says_what_was_found(cli: Cli, right: dict[str, str]) -> None:
    status, stdout, stderr = cli("doctor", **right)
    assert (status, stderr) == (0, "")
    lines = [re.split(r"  +", line.removeprefix("✓ ok"), maxsplit=2)[1:] for line in stdout.splitlines()]
    assert [what for what, _ in lines] == [
        "python",
        "opa",
        "variables",
        "database",
        "callers",
        "access tokens",
        "security",
        "accounts",
        "metadata",
        "mail server",
        "journal",
        "opa sidecar",
    ]
    found = dict(lines)
    assert found["opa"].startswith(f"{OPA_VERSION} at /")
    assert found["variables"] == "all known"
    assert found["database"] == "sqlite, tables up to date"
    assert found["callers"] == f"1 configured in {right['AUTHZ_CALLERS']}"
    assert found["security"] == "no weak key, loose file or open road"
    assert re.fullmatch(r"unix:///\S+ answers under revision [0-9a-f]{16}", found["opa sidecar"])


def test_a_program_reads_the_same_as_json(cli: Cli, right: dict[str, str]) -> None:
    status, stdout, stderr = cli("doctor", "--format", "json", **right)
    assert (status, stderr) == (0, "")
    findings = json.loads(stdout)
    assert all(list(finding) == ["what", "ok", "detail", "warns"] for finding in findings)
    assert all(finding["ok"] is True and finding["detail"] for finding in findings)


def test_with_a_key_for_the_metadata_consumers_are_told_what_verifies_it(
    cli: Cli, right: dict[str, str], tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", key], check=True, capture_output=True)
    published = {"AUTHZ_PUBLIC_URL": "https://pdp.example.org", "AUTHZ_METADATA_KEY": str(key)}
    detail = examined(cli, right | published, 0)["metadata"]["detail"]
    said, keys = detail.split("\n")
    assert said == "of https://pdp.example.org, signed; verified with"
    assert [public["alg"] for public in json.loads(keys)["keys"]] == ["Ed25519"]
    key.write_text("")
    assert examined(cli, right | published, 1)["metadata"]["ok"] is False


def test_a_provider_that_cannot_be_reached_is_told_with_what_to_look_at(cli: Cli, right: dict[str, str]) -> None:
    provider = {
        "AUTHZ_PUBLIC_URL": "https://authz.example.org",
        "AUTHZ_OIDC_ISSUER": "http://localhost:1",
        "AUTHZ_OIDC_CLIENT_ID": "authz",
        "AUTHZ_OIDC_CLIENT_SECRET": "hunter2",
        "AUTHZ_OIDC_ALLOWED": "groups=compliance",
    }
    found = examined(cli, right | provider, 1)["accounts"]
    assert found["ok"] is False
    assert "http://localhost:1/.well-known/openid-configuration does not answer" in found["detail"]
    assert "AUTHZ_OIDC_ISSUER" in found["detail"]
    assert "hunter2" not in found["detail"]


def test_the_journal_is_looked_at(cli: Cli, right: dict[str, str], tmp_path: Path) -> None:
    def said(**more: str) -> tuple[bool, str]:
        run = cli("doctor", "--format", "json", **right | more)
        [found] = [finding for finding in json.loads(run.stdout) if finding["what"] == "journal"]
        assert run.status == (0 if found["ok"] else 1)
        return found["ok"], found["detail"]

    folder = tmp_path / "the-journal"
    assert said(AUTHZ_JOURNAL="off") == (True, "off: nothing that is decided is kept")
    assert said(AUTHZ_JOURNAL_FOLDER=str(folder)) == (True, f"strict, in {folder}, which `serve` makes")
    assert not folder.exists()
    keys = journal_settings(tmp_path)
    keys["journal_folder"].mkdir(mode=0o700)
    made = {
        "AUTHZ_JOURNAL_FOLDER": str(keys["journal_folder"]),
        "AUTHZ_JOURNAL_KEY": keys["journal_key"],
        "AUTHZ_JOURNAL_SIGNING_KEY": str(keys["journal_signing_key"]),
    }
    ok, detail = said(**made, AUTHZ_JOURNAL="buffered")
    assert ok
    assert re.fullmatch(r"buffered, in \S+, signed with the key [0-9a-f]{16}; all of it can be searched", detail)
    assert said(**made | {"AUTHZ_JOURNAL_KEY": "short"})[0] is False
    assert said(**made | {"AUTHZ_JOURNAL_SIGNING_KEY": str(tmp_path / "none.pem")})[0] is False


def test_without_a_sidecar_the_policy_is_looked_at(cli: Cli, right: dict[str, str], policies: Path) -> None:
    found = examined(cli, without(right, "AUTHZ_OPA_URL"), 0)
    assert re.fullmatch(rf"{policies} is right, revision [0-9a-f]{{16}}", found["policy"]["detail"])
    assert "opa sidecar" not in found


@pytest.mark.parametrize(
    ("changes", "what", "detail"),
    [
        (
            {"AUTHZ_DATABASE_URL": None},
            "settings",
            NO_DATABASE,
        ),
        (
            {"AUTHZ_DATABASE_URL": None, "AUTHZ_WORKERS": "x"},
            "settings",
            f"AUTHZ_WORKERS: must be a whole number, 1 or more.\n{NO_DATABASE}",
        ),
        (
            {"AUTHZ_DATABSE_URL": "x", "AUTHZ_A": "1"},
            "variables",
            "not a setting: AUTHZ_A, AUTHZ_DATABSE_URL; `authz-service serve --help` lists them.",
        ),
        (
            {"AUTHZ_DATABASE_URL": "sqlite:///{folder}/none.db"},
            "database",
            "{folder}/none.db does not exist yet: `authz-service serve` makes it.",
        ),
        (
            {"AUTHZ_DATABASE_URL": "sqlite:///{folder}/empty"},
            "database",
            "reachable, but without the tables of this version: `authz-service db upgrade` makes them.",
        ),
        (
            {"AUTHZ_DATABASE_URL": "sqlite:///{folder}/garbage"},
            "database",
            (
                "The database does not answer or cannot be used. It says: file is not a database."
                " Is it running, and is AUTHZ_DATABASE_URL right?"
            ),
        ),
        (
            {"AUTHZ_DATABASE_URL": "sqlite:///{folder}"},
            "database",
            "the database file {folder} cannot be opened: Is a directory",
        ),
        (
            {"AUTHZ_DATABASE_URL": "nonsense"},
            "database",
            "AUTHZ_DATABASE_URL is not a URL of a database; write sqlite:///FILE or postgresql+psycopg://…",
        ),
        ({"AUTHZ_CALLERS": None}, "callers", "AUTHZ_CALLERS: is not set; `serve` needs it, `demo` does not."),
        (
            {"AUTHZ_CALLERS": "{folder}/none.yaml"},
            "callers",
            "AUTHZ_CALLERS: {folder}/none.yaml: cannot be read: No such file or directory.",
        ),
        (
            {"AUTHZ_CALLERS": "{folder}/empty"},
            "callers",
            "AUTHZ_CALLERS: {folder}/empty: must have a list `callers` with a caller at least, and nothing else.",
        ),
        (
            {"AUTHZ_OPA_URL": "unix://{folder}/no.sock"},
            "opa sidecar",
            "OPA cannot be reached. It is to be at unix://{folder}/no.sock. Is it running, and is AUTHZ_OPA_URL right?",
        ),
        (
            {"AUTHZ_OPA_URL": "localhost:8181"},
            "opa sidecar",
            "AUTHZ_OPA_URL: must be unix:///path/to/socket or http://host:port.",
        ),
        (
            {"AUTHZ_OPA_URL": None, "AUTHZ_POLICIES": "{folder}/none"},
            "policy",
            "{folder}/none: does not exist",
        ),
        (
            {"AUTHZ_OPA_BIN": "{folder}/none"},
            "opa",
            NO_OPA,
        ),
    ],
)
def test_what_is_wrong_is_named_with_how_to_mend_it_and_ends_with_1(
    cli: Cli, right: dict[str, str], tmp_path: Path, changes: Mapping[str, str | None], what: str, detail: str
) -> None:
    (tmp_path / "empty").touch(mode=0o600)
    (tmp_path / "garbage").touch(mode=0o600)
    (tmp_path / "garbage").write_text("no database" * 1000)
    environ = dict(right)
    for name, value in changes.items():
        environ.pop(name, None)
        if value is not None:
            environ[name] = value.format(folder=tmp_path)
    found = examined(cli, environ, 1)
    assert {name: finding["detail"] for name, finding in found.items() if not finding["ok"]} == {
        what: detail.format(folder=tmp_path)
    }
    status, stdout, stderr = cli("doctor", **environ)
    assert (status, stderr) == (1, "")
    [shown] = [line for line in stdout.splitlines() if line.startswith("✗ mend")]
    assert shown.split(maxsplit=2)[2].startswith(what)
    assert all(line in stdout for line in detail.format(folder=tmp_path).splitlines())


def test_what_serve_would_refuse_has_to_be_mended_and_what_it_warns_of_is_to_be_looked_at(
    cli: Cli, right: dict[str, str]
) -> None:
    callers = Path(right["AUTHZ_CALLERS"])
    callers.chmod(0o644)
    found = examined(cli, right, 0)["security"]
    assert (found["ok"], found["warns"]) == (True, True)
    assert found["detail"] == (
        f"AUTHZ_CALLERS: {callers} may be read by everybody on this machine; mend it with: chmod o-r {callers}"
    )
    assert "\n! look security " in cli("doctor", **right).stdout

    key = "changeme" * 5
    found = examined(cli, right | {"AUTHZ_ACTIVATION_KEY": key}, 1)["security"]
    assert (found["ok"], found["warns"]) == (False, True)
    weak, loose = found["detail"].splitlines()
    assert weak.startswith("AUTHZ_ACTIVATION_KEY: is easily guessed, ")
    assert str(callers) in loose
    assert "\n✗ mend security " in cli("doctor", **right | {"AUTHZ_ACTIVATION_KEY": key}).stdout

    allowed = examined(cli, right | {"AUTHZ_ACTIVATION_KEY": key, "AUTHZ_ALLOW_INSECURE": "keys"}, 0)["security"]
    assert (allowed["ok"], allowed["warns"]) == (True, True)
    assert weak in allowed["detail"]


def test_a_callers_file_with_example_hashes_has_to_be_mended(cli: Cli, right: dict[str, str]) -> None:
    callers = Path(right["AUTHZ_CALLERS"])
    callers.write_text(f"callers: [{{name: a, token_sha256: '{token_sha256('')}', scopes: [decide]}}]")
    assert examined(cli, right, 1)["security"]["detail"].startswith(
        "AUTHZ_CALLERS: a: has a token that is easily guessed"
    )


def test_a_sidecar_at_a_port_and_one_that_shows_its_policies_are_to_be_looked_at(
    cli: Cli, right: dict[str, str], opa: Path, policies: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    build_bundle(opa, policies, bundle)
    url = f"http://127.0.0.1:{free_port()}"
    command = [str(opa), "run", "--server", "--addr", url, "--skip-version-check", "--bundle", str(bundle)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as sidecar:
        try:
            wait_until(lambda: answers(url))
            found = examined(cli, right | {"AUTHZ_OPA_URL": url}, 0)
        finally:
            sidecar.kill()
    assert (found["opa sidecar"]["ok"], found["opa sidecar"]["warns"]) == (True, True)
    assert "start it with --authorization basic" in found["opa sidecar"]["detail"]
    assert (found["security"]["ok"], found["security"]["warns"]) == (True, True)
    assert "a socket in a folder for one user is safer" in found["security"]["detail"]
    closed = examined(cli, right, 0)
    assert not closed["opa sidecar"]["warns"]
    assert not closed["security"]["warns"]


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=2).ok
    except requests.ConnectionError:
        return False


def test_looking_makes_nothing(cli: Cli, right: dict[str, str], tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    examined(cli, right | {"AUTHZ_DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}, 1)
    assert sorted(tmp_path.iterdir()) == before


def without(environ: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in names}


def examined(cli: Cli, environ: dict[str, str], status: int) -> dict[str, Any]:
    """The findings, by what was looked at."""
    run = cli("doctor", "--format", "json", **environ)
    assert run.status == status, run
    return {finding["what"]: finding for finding in json.loads(run.stdout)}


def test_the_keys_of_access_tokens_are_fetched_and_an_issuer_that_is_away_is_named(
    cli: Cli, right: dict[str, str]
) -> None:
    with served(ec("one"), ec("two")) as issuer:
        without_file = right | issuer.environ | {"AUTHZ_CALLERS": ""}
        found = examined(cli, without_file, 0)
        assert found["access tokens"]["detail"] == (
            "of https://issuer.example for https://authz.example, verified with 2 published keys"
        )
        assert found["callers"]["detail"].startswith("none configured, as AUTHZ_CALLERS is not set")
        issuer.status = 500
        found = examined(cli, right | issuer.environ, 1)
        assert found["access tokens"]["detail"] == f"AUTHZ_JWKS_URL: {issuer.url} cannot be read: it answers 500."


def test_whose_token_has_ended_is_named(cli: Cli, right: dict[str, str]) -> None:
    old, new = (token_sha256(f"token-of-zone-{end}") for end in ("1f9c", "2e8d"))
    tokens = f"[{{sha256: '{old}', expires: 2026-01-01}}, {{sha256: '{new}'}}]"
    Path(right["AUTHZ_CALLERS"]).write_text(f"callers: [{{name: zone, tokens: {tokens}, scopes: [decide]}}]")
    found = examined(cli, right, 0)["callers"]
    assert found["detail"] == f"1 configured in {right['AUTHZ_CALLERS']}; a token has ended of: zone"

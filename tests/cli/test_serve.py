"""`authz-service serve`: what it refuses before it starts anything, all at once."""

from pathlib import Path

import pytest

from authz_service.callers.callers import new_token, token_sha256
from tests.cli.conftest import Cli


@pytest.fixture
def callers(tmp_path: Path) -> Path:
    file = tmp_path / "callers.yaml"
    file.touch(mode=0o600)
    file.write_text(f"callers: [{{name: a, token_sha256: '{token_sha256(new_token())}', scopes: [decide]}}]")
    return file


def test_everything_that_is_wrong_or_insecure_is_told_at_once(cli: Cli, tmp_path: Path) -> None:
    database, key = tmp_path / "authz.db", tmp_path / "key"
    for file in (database, key):
        file.touch()
        file.chmod(0o664)
    key.write_text("changeme" * 4)
    status, stdout, stderr = cli(
        "serve",
        AUTHZ_DATABASE_URL=f"sqlite:///{database}",
        AUTHZ_ACTIVATION_KEY="a" * 32,
        AUTHZ_JOURNAL_KEY_FILE=key,
        AUTHZ_OPA_URL="http://opa.example.org:8181",
        AUTHZ_PUBLIC_URL="http://authz.example.org",
        AUTHZ_OIDC_ISSUER="https://login.example.org",
        AUTHZ_WORKERS="many",
    )
    assert (status, stdout) == (1, "")
    begun = [line.partition(": ")[0] for line in stderr.splitlines() if line.startswith("AUTHZ_")]
    assert sorted(begun) == [
        "AUTHZ_ACTIVATION_KEY",
        "AUTHZ_CALLERS",
        "AUTHZ_DATABASE_URL",
        "AUTHZ_JOURNAL_KEY",
        "AUTHZ_JOURNAL_KEY_FILE",
        "AUTHZ_OIDC_ALLOWED",
        "AUTHZ_OIDC_CLIENT_ID",
        "AUTHZ_OIDC_CLIENT_SECRET",
        "AUTHZ_OPA_URL",
        "AUTHZ_PUBLIC_URL",
        "AUTHZ_WORKERS",
    ]
    assert "AUTHZ_PUBLIC_URL: must be an https URL" in stderr
    assert stderr.endswith("sets AUTHZ_ALLOW_INSECURE=files,keys,tls.\n")
    assert database.stat().st_size == 0


def test_a_callers_file_that_others_may_change_or_that_has_an_example_in_it_is_refused(
    cli: Cli, database_url: str, callers: Path
) -> None:
    callers.write_text(f"callers: [{{name: a, token_sha256: '{token_sha256('')}', scopes: [decide]}}]")
    callers.chmod(0o666)
    status, _, stderr = cli("serve", AUTHZ_DATABASE_URL=database_url, AUTHZ_CALLERS=callers)
    guessed, loose, allowed = stderr.splitlines()
    assert status == 1
    assert guessed.startswith("AUTHZ_CALLERS: a: has a token that is easily guessed; ")
    assert loose == (
        f"AUTHZ_CALLERS: {callers} may be changed by everybody on this machine; mend it with: chmod g-w,o-w {callers}"
    )
    assert allowed.endswith("AUTHZ_ALLOW_INSECURE=callers,files.")


def test_what_may_be_allowed_is_a_word_of_a_list(cli: Cli, database_url: str, callers: Path) -> None:
    settings = {"AUTHZ_DATABASE_URL": database_url, "AUTHZ_CALLERS": callers, "AUTHZ_ALLOW_INSECURE": "files all"}
    assert cli("serve", **settings) == (
        1,
        "",
        "AUTHZ_ALLOW_INSECURE: must be some of callers, keys, files, tls, with commas between.\n",
    )


def test_no_secret_can_be_given_on_the_command_line(cli: Cli) -> None:
    shown = cli("serve", "--help").stdout.partition("Settings:")[0]
    assert [word for word in shown.split() if word.startswith("--")] == ["--host", "--port", "--help"]

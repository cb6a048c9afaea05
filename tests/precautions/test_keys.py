import secrets
from typing import Any

import pytest

from authz_service.precautions.keys import guesses, weak_secrets
from authz_service.settings import OpenId, Settings
from authz_service.words import Risk

GOOD = secrets.token_hex(32)
OTHER = secrets.token_urlsafe(32)
URL = "sqlite:///authz.db"


def told(**settings: Any) -> list[str]:  # noqa: ANN401 - of any setting
    found = list(weak_secrets(Settings(**{"database_url": URL, **settings})))
    assert {finding.risk for finding in found} <= {Risk.KEYS}
    assert all(GOOD not in finding.what and OTHER not in finding.what for finding in found)
    return [f"{'fault' if finding.is_fault else 'warning'}: {finding.what}" for finding in found]


def openid(secret: str) -> OpenId:
    return OpenId("https://login.example.org", "authz", secret, "groups", "compliance")


def test_what_a_machine_has_made_is_no_weak_secret() -> None:
    for _ in range(20):
        database = f"postgresql+psycopg://authz:{secrets.token_urlsafe(12)}@localhost/authz"
        mail = f"smtps://authz:{secrets.token_urlsafe(12)}@mail.example.org"
        keys = {"activation_key": secrets.token_hex(16), "journal_key": secrets.token_urlsafe(24)}
        assert told(database_url=database, smtp_url=mail, openid=openid(secrets.token_hex(16)), **keys) == []


@pytest.mark.parametrize("name", ["activation_key", "journal_key"])
@pytest.mark.parametrize(
    "key",
    [
        "a" * 64,
        "changeme" * 8,
        "0123456789abcdef" * 4,
        "0123456789" * 4,
        "passwordpasswordpasswordpassword",
        "qwertyuiopasdfghjklzxcvbnm123456",
        "abcdefghijklmnopqrstuvwxyz012345",
        "ab" * 16 + "cd" * 16,
    ],
)
def test_a_key_that_repeats_itself_or_is_made_of_usual_words_is_a_fault(name: str, key: str) -> None:
    [fault] = told(**{name: key})
    assert fault.startswith(f"fault: AUTHZ_{name.upper()}: is easily guessed, ")
    assert fault.endswith("set it to the output of: openssl rand -hex 32")
    assert key not in fault


@pytest.mark.parametrize("name", ["activation_key", "journal_key"])
def test_a_key_of_fewer_than_32_characters_is_a_fault(name: str) -> None:
    [fault] = told(**{name: GOOD[:31]})
    assert fault.startswith(f"fault: AUTHZ_{name.upper()}: is shorter than 32 characters; ")
    assert told(**{name: GOOD[:32]}) == []


def test_a_password_from_elsewhere_that_is_easily_guessed_is_a_warning() -> None:
    assert told(
        database_url="postgresql+psycopg://authz:postgres1@localhost/authz",
        smtp_url="smtps://authz:p%40ssw0rd@mail.example.org",
        openid=openid("secret"),
    ) == [
        "warning: AUTHZ_OIDC_CLIENT_SECRET: is easily guessed; have a longer one given",
        "warning: AUTHZ_DATABASE_URL: its password is easily guessed; have a longer one given",
        "warning: AUTHZ_SMTP_URL: its password is easily guessed; have a longer one given",
    ]


def test_one_secret_in_two_places_is_a_fault() -> None:
    assert told(activation_key=GOOD, journal_key=GOOD, openid=openid(OTHER)) == [
        "fault: AUTHZ_ACTIVATION_KEY: is the same secret as that of AUTHZ_JOURNAL_KEY: one stolen is both; have two"
    ]
    assert told(journal_key=GOOD, smtp_url=f"smtps://authz:{GOOD}@mail.example.org") == [
        "fault: AUTHZ_JOURNAL_KEY: is the same secret as that of AUTHZ_SMTP_URL: one stolen is both; have two"
    ]


@pytest.mark.parametrize("url", ["postgresql+psycopg://u@h:x/db", "nonsense", ""])
def test_a_url_that_is_wrong_is_for_others_to_tell(url: str) -> None:
    assert told(database_url=url, smtp_url="smtp://u:a/b@h") == []


def test_a_long_secret_is_looked_at_in_no_time() -> None:
    assert guesses(secrets.token_hex(5000)) > 1e20

from pathlib import Path

import pytest

from authz_service.errors import ConfigurationError
from authz_service.secret_settings import SECRETS, file_variable, forget_secrets, is_given, secret_files
from authz_service.settings import KNOWN, Settings, read_settings

HIDDEN = "smtp://hidden"
EVERYTHING = {
    "AUTHZ_DATABASE_URL": "sqlite:///hidden.db",
    "AUTHZ_PUBLIC_URL": "https://authz.example.org",
    "AUTHZ_MAIL_FROM": "zone@example.org",
    "AUTHZ_OIDC_ISSUER": "https://login.example.org",
    "AUTHZ_OIDC_CLIENT_ID": "authz",
    "AUTHZ_OIDC_ALLOWED": "groups=compliance",
}


def value_of(settings: Settings, name: str) -> str | None:
    """What the settings have of a secret."""
    return {
        "AUTHZ_DATABASE_URL": settings.database_url,
        "AUTHZ_ACTIVATION_KEY": settings.activation_key,
        "AUTHZ_JOURNAL_KEY": settings.journal_key,
        "AUTHZ_OIDC_CLIENT_SECRET": settings.openid.client_secret if settings.openid else None,
        "AUTHZ_SMTP_URL": settings.smtp_url,
    }[name]


def environ_with(name: str, **given: str) -> dict[str, str]:
    """That of a service with what a secret goes with, and the variables given."""
    is_openid = name == "AUTHZ_OIDC_CLIENT_SECRET"
    needed = {key: value for key, value in EVERYTHING.items() if key != name and (is_openid or "OIDC" not in key)}
    return needed | given


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (HIDDEN, HIDDEN),
        (f"{HIDDEN}\n", HIDDEN),
        (f"{HIDDEN}\r\n", HIDDEN),
        (f"{HIDDEN}\n\n", f"{HIDDEN}\n"),
        (f" {HIDDEN} ", f" {HIDDEN} "),
        ("smtp://clé", "smtp://clé"),
    ],
)
def test_a_secret_is_read_from_the_file_that_is_named_without_its_last_line_end(
    tmp_path: Path, name: str, content: str, secret: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content.encode())
    from_file = read_settings(environ_with(name, **{name: "", file_variable(name): str(file)}))
    assert value_of(from_file, name) == secret
    assert secret not in repr(from_file)
    assert from_file == read_settings(environ_with(name, **{name: secret}))


@pytest.mark.parametrize("name", SECRETS)
def test_set_in_both_ways_is_one_fault_without_either_value(tmp_path: Path, name: str) -> None:
    file = tmp_path / "secret"
    file.write_text("hidden-in-the-file")
    told = refusal(environ_with(name, **{name: HIDDEN, file_variable(name): str(file)}))
    assert told == f"{name}: is set, and so is {name}_FILE; set one of them."


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hidden\xff", "is not text in UTF-8"),
    ],
)
def test_a_file_without_a_secret_is_one_fault_that_names_it(
    tmp_path: Path, name: str, content: bytes | None, what: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    told = refusal(environ_with(name, **{file_variable(name): str(file)}))
    assert told == f"{name}: the file of {name}_FILE, {file}, {what}."


def test_each_variable_of_a_file_is_told_of() -> None:
    assert set(KNOWN) >= {file_variable(name) for name in SECRETS} | set(SECRETS)


def test_a_setting_that_is_no_secret_is_read_from_no_file() -> None:
    assert not is_given({"AUTHZ_OIDC_ISSUER_FILE": "/etc/issuer"}, "AUTHZ_OIDC_ISSUER")
    assert "AUTHZ_OIDC_ISSUER_FILE" not in KNOWN
    assert read_settings({"AUTHZ_DATABASE_URL": "sqlite://", "AUTHZ_OIDC_ISSUER_FILE": "/etc/issuer"}).openid is None


def test_forgotten_are_the_secrets_and_nothing_else() -> None:
    environ = {**dict.fromkeys(SECRETS, HIDDEN), "AUTHZ_JOURNAL_KEY_FILE": "/run/key", "PATH": "/bin"}
    forget_secrets(environ)
    assert environ == {"AUTHZ_JOURNAL_KEY_FILE": "/run/key", "PATH": "/bin"}
    assert secret_files(environ) == {"AUTHZ_JOURNAL_KEY_FILE": Path("/run/key")}


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read_settings(environ)
    assert "hidden" not in str(refused.value)
    return str(refused.value)

"""The settings that are secret: each from its variable, or from the file that a variable of its own names."""

from collections.abc import Mapping, MutableMapping
from pathlib import Path

SECRETS = (
    "AUTHZ_DATABASE_URL",
    "AUTHZ_ACTIVATION_KEY",
    "AUTHZ_JOURNAL_KEY",
    "AUTHZ_OIDC_CLIENT_SECRET",
    "AUTHZ_SMTP_URL",
)
"""Those that hold a key or a password."""


def file_variable(name: str) -> str:
    """The variable that names a file with the secret."""
    return f"{name}_FILE"


def is_given(environ: Mapping[str, str], name: str) -> bool:
    """Whether a setting is set, a secret in either way."""
    return bool(environ.get(name) or (name in SECRETS and environ.get(file_variable(name))))


def secret_of(environ: Mapping[str, str], name: str) -> str:
    """What a secret is set to, in either way; empty where it is not set.

    Raises:
        ValueError: It is set in both ways, or its file holds no secret; the message is the rest of a sentence that
            begins with the name, and has no value in it.
    """
    given, file = environ.get(name, ""), environ.get(file_variable(name), "")
    if given and file:
        raise ValueError(f"is set, and so is {file_variable(name)}; set one of them")
    return _content(name, Path(file)) if file else given


def secret_files(environ: Mapping[str, str]) -> dict[str, Path]:
    """The files that secrets are in, by the variable that names each."""
    names = map(file_variable, SECRETS)
    return {name: Path(environ[name]) for name in names if environ.get(name)}


def forget_secrets(environ: MutableMapping[str, str]) -> None:
    """Takes secrets out of an environment, so that no process that is started with it from here on has them."""
    for name in SECRETS:
        environ.pop(name, None)


def _content(name: str, file: Path) -> str:
    where = f"the file of {file_variable(name)}, {file},"
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{where} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        # Without the cause, which shows what is in the file.
        raise ValueError(f"{where} is not text in UTF-8") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise ValueError(f"{where} is empty")
    return secret

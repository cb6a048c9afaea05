"""`authz-service doctor`: what is installed, reachable and configured, and how to mend what is not."""

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import click

from authz_service.administrators.mail_server import SmtpServer
from authz_service.administrators.message import domain_of
from authz_service.callers.callers_file import read_callers
from authz_service.cli.database import refuse_missing_file
from authz_service.errors import (
    AuthzServiceError,
    ConfigurationError,
    DatabaseUnavailable,
    MailServerUnavailable,
    PolicyEngineUnavailable,
    ProviderUnavailable,
)
from authz_service.journal.checkpoint import key_id
from authz_service.journal.place import SIGNING_KEY, find_pseudonyms, find_signing_key, journal_folder
from authz_service.journal.standing import find_standing
from authz_service.opa.binary import OPA_VERSION, find_opa, project_tool_folder
from authz_service.opa.bundle import build_bundle
from authz_service.opa.engine import OpaEngine
from authz_service.opa.signed import SignedPolicies
from authz_service.opa.signing import read_public_key
from authz_service.precautions.examining import examine
from authz_service.secret_settings import secret_files
from authz_service.settings import KNOWN, OpenId, Settings, TokenIssuer, read_settings
from authz_service.storage.database import connect, is_current
from authz_service.web.signed_metadata import read_signing_key
from authz_service.words import Durability

_OLDEST_PYTHON = (3, 11)
_OPEN_SIDECAR = (
    "whoever reaches it can read and change the policy; start it with --authorization basic"
    " (see docs/how-to/publish-a-policy.md#hand-it-to-a-sidecar)"
)


class Finding(NamedTuple):
    """One thing looked at.

    Attributes:
        what: Its name.
        ok: Whether the service can do with it.
        detail: What was found, or what to do.
        warns: Whether it is ok, and could be better all the same.
    """

    what: str
    ok: bool
    detail: str
    warns: bool = False


@click.command(
    epilog="""\b
Examples:
  authz-service doctor
  AUTHZ_DATABASE_URL=sqlite:///authz.db authz-service doctor --format json
"""
)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def doctor(style: str) -> None:
    """Look at what is installed, reachable and configured. Exit 1 if anything has to be mended."""
    findings = list(_examine())
    if style == "json":
        click.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            first, *rest = finding.detail.splitlines() or [""]
            click.echo(f"{_mark(finding)} {finding.what:<{width}}  {first}")
            for line in rest:
                click.echo(f"{'':<{width + 9}}{line}")
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


def _mark(finding: Finding) -> str:
    if not finding.ok:
        return click.style("✗ mend", fg="red")
    return click.style("! look", fg="yellow") if finding.warns else click.style("✓ ok  ", fg="green")


def _examine() -> Iterator[Finding]:
    is_recent = sys.version_info >= _OLDEST_PYTHON
    wanted = "" if is_recent else f"; {'.'.join(map(str, _OLDEST_PYTHON))} or later is wanted"
    yield Finding("python", is_recent, platform.python_version() + wanted)
    yield _try("opa", lambda: f"{OPA_VERSION} at {_opa()}")
    unknown = sorted(name for name in os.environ if name.startswith("AUTHZ_") and name not in KNOWN)
    is_known = not unknown
    misspelt = f"not a setting: {', '.join(unknown)}; `authz-service serve --help` lists them."
    yield Finding("variables", is_known, "all known" if is_known else misspelt)
    try:
        settings = read_settings()
    except ConfigurationError as error:
        yield Finding("settings", ok=False, detail=str(error))
        return
    database = _try("database", lambda: _database(settings))
    yield database
    yield _try("callers", lambda: _callers(settings))
    yield _try("access tokens", lambda: _access_tokens(settings.token_issuer))
    yield _security(settings)
    yield _try("accounts", lambda: _accounts(settings.openid))
    yield _try("metadata", lambda: _metadata(settings))
    yield _try("mail server", lambda: _mail_server(settings))
    if database.ok:
        yield _try("journal", lambda: _journal(settings))
    if settings.opa_url is None:
        yield _try("policy", lambda: _policy(settings))
    else:
        yield _sidecar(settings.opa_url)


def _try(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, ok=True, detail=look())
    except DatabaseUnavailable as error:
        return Finding(
            what, ok=False, detail=f"{error.for_operators()} Is it running, and is AUTHZ_DATABASE_URL right?"
        )
    except PolicyEngineUnavailable as error:
        return Finding(what, ok=False, detail=f"{error.for_operators()} Is it running, and is AUTHZ_OPA_URL right?")
    except AuthzServiceError as error:
        return Finding(what, ok=False, detail=str(error))


def _accounts(openid: OpenId | None) -> str:
    if openid is None:
        return "none, as AUTHZ_OIDC_ISSUER is not set: people read pages with a token"
    from authz_service.callers.openid import Provider  # noqa: PLC0415 - slow to import, and only with a provider needed

    try:
        Provider(openid, "").metadata()
    except ProviderUnavailable as error:
        raise ConfigurationError(f"{error} Is it running, and is AUTHZ_OIDC_ISSUER right?") from error
    return f"at {openid.issuer}, for whoever has {openid.claim}={openid.value}"


def _metadata(settings: Settings) -> str:
    if settings.public_url is None:
        return "none, as AUTHZ_PUBLIC_URL is not set: callers use the default paths"
    if settings.metadata_key is None:
        return f"of {settings.public_url}, unsigned"
    return f"of {settings.public_url}, signed; verified with\n{read_signing_key(settings.metadata_key).public_keys()}"


def _journal(settings: Settings) -> str:
    if settings.journal is Durability.OFF:
        return "off: nothing that is decided is kept"
    database = connect(settings.database_url)
    try:
        folder = journal_folder(settings, database)
        if folder is None:
            raise ConfigurationError("AUTHZ_JOURNAL_FOLDER: is not set; name a folder that outlives the process.")
        is_made = (folder / SIGNING_KEY).exists() or settings.journal_signing_key is not None
        if database.dialect.name == "sqlite" and not (folder.is_dir() and is_made):
            # Looking for keys would make them.
            return f"{settings.journal}, in {folder}, which `serve` makes"
        key = key_id(find_signing_key(settings, database, folder).public_key())
        find_pseudonyms(settings, database, folder)
        behind, misfits = find_standing(database, folder)
    finally:
        database.dispose()
    if misfits:
        raise ConfigurationError("\n".join(misfits))
    behind_or_not = f"{behind:,} bytes cannot be searched yet" if behind else "all of it can be searched"
    return f"{settings.journal}, in {folder}, signed with the key {key}; {behind_or_not}"


def _mail_server(settings: Settings) -> str:
    if settings.smtp_url is None:
        return "none: letters wait in the outbox until a service with AUTHZ_SMTP_URL sends them"
    domain_of(settings.mail_from or "")
    try:
        with SmtpServer(settings.smtp_url, timeout=5).session():
            return f"answers; letters are from {settings.mail_from}"
    except MailServerUnavailable as error:
        raise ConfigurationError(f"{error}. Is it running, and is AUTHZ_SMTP_URL right?") from error


def _opa() -> Path:
    return find_opa(os.environ, project_tool_folder())


def _database(settings: Settings) -> str:
    refuse_missing_file(settings.database_url)
    database = connect(settings.database_url)
    try:
        if not is_current(database):
            raise ConfigurationError(
                "reachable, but without the tables of this version: `authz-service db upgrade` makes them."
            )
    finally:
        database.dispose()
    return f"{database.dialect.name}, tables up to date"


def _callers(settings: Settings) -> str:
    if settings.callers is None and settings.token_issuer:
        return "none configured, as AUTHZ_CALLERS is not set: callers come with access tokens alone"
    if settings.callers is None:
        raise ConfigurationError("AUTHZ_CALLERS: is not set; `serve` needs it, `demo` does not.")
    callers = read_callers(settings.callers)
    ended = sorted({caller.name for caller in callers if caller.is_expired})
    more = f"; a token has ended of: {', '.join(ended)}" if ended else ""
    return f"{len({caller.name for caller in callers})} configured in {settings.callers}{more}"


def _access_tokens(issuer: TokenIssuer | None) -> str:
    if issuer is None:
        return "not taken, as AUTHZ_JWKS_URL is not set"
    from authz_service.callers.issuer_keys import IssuerKeys  # noqa: PLC0415 - slow to import, and only with an issuer needed

    keys = IssuerKeys(issuer.jwks_url)
    keys.renew()
    if keys.failure:
        raise ConfigurationError(f"AUTHZ_JWKS_URL: {issuer.jwks_url} cannot be read: {keys.failure}.")
    return f"of {issuer.issuer} for {issuer.audience}, verified with {keys.count} published keys"


def _security(settings: Settings) -> Finding:
    callers = []
    if settings.callers is not None:
        with suppress(ConfigurationError):
            callers = read_callers(settings.callers)
    found = examine(settings, callers, secret_files(os.environ))
    refused = [finding for finding in found if finding.is_fault and finding.risk not in settings.allow_insecure]
    others = [finding for finding in found if finding not in refused]
    detail = "\n".join(finding.what for finding in (*refused, *others))
    return Finding("security", not refused, detail or "no weak key, loose file or open road", warns=bool(others))


def _policy(settings: Settings) -> str:
    if settings.bundle_verification_key:
        return _signed_policy(settings, settings.bundle_verification_key)
    with tempfile.TemporaryDirectory() as folder:
        revision = build_bundle(_opa(), settings.policies, Path(folder) / "bundle.tar.gz")
    return f"{settings.policies} is right, revision {revision}"


def _signed_policy(settings: Settings, file: Path) -> str:
    key = read_public_key(file)
    refuse_missing_file(settings.database_url)
    database = connect(settings.database_url)
    try:
        found = SignedPolicies(key, database).examine(_opa(), settings.policies)
    finally:
        database.dispose()
    return f"{settings.policies} is signed with {file} and right, revision {found.revision}, sequence {found.sequence}"


def _sidecar(url: str) -> Finding:
    found = _try("opa sidecar", lambda: _answering(url))
    if not found.ok:
        return found
    with closing(OpaEngine(url)) as engine:
        is_open = engine.lists_policies()
    return found._replace(detail=f"{found.detail}\n{_OPEN_SIDECAR}", warns=True) if is_open else found


def _answering(url: str) -> str:
    with closing(OpaEngine(url)) as engine:
        return f"{url} answers under revision {engine.ask(()).revision}"

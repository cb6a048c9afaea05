"""Roads to other services on which somebody else could listen or answer."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from authz_service.precautions.finding import Finding
from authz_service.settings import LOOPBACK, Settings
from authz_service.words import Risk

_TLS = {"require", "verify-ca", "verify-full"}


def open_roads(settings: Settings) -> Iterator[Finding]:
    """Addresses off this machine that are reached without TLS, and a port of it that all its users reach."""
    opa = _host_of("http", settings.opa_url)
    if opa and not is_loopback(opa):
        yield Finding(
            Risk.TLS,
            is_fault=True,
            what=f"AUTHZ_OPA_URL: reaches {opa} without TLS, so that whoever is in between could turn a no into a yes;"
            " write https://…, or have OPA beside this service and write unix:///… or http://127.0.0.1:…",
        )
    elif opa:
        yield Finding(
            Risk.TLS,
            is_fault=False,
            what=f"AUTHZ_OPA_URL: reaches OPA at a port of {opa}, where every user of this machine can ask it, and"
            " answer while it is away; a socket in a folder for one user is safer: unix:///…",
        )
    mail = _host_of("smtp", settings.smtp_url, with_password=True)
    if mail and not is_loopback(mail):
        yield Finding(
            Risk.TLS,
            is_fault=False,
            what=f"AUTHZ_SMTP_URL: sends the password to {mail} without TLS; write smtp+starttls://… or smtps://…",
        )
    database = _open_database(settings.database_url)
    if database:
        yield Finding(
            Risk.TLS,
            is_fault=False,
            what=f"AUTHZ_DATABASE_URL: reaches {database} without insisting on TLS; add"
            " ?sslmode=verify-full&sslrootcert=FILE, with the certificate of the authority that vouches for it",
        )


def is_loopback(host: str) -> bool:
    """Whether that host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() in LOOPBACK


def _host_of(scheme: str, url: str | None, *, with_password: bool = False) -> str | None:
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return parts.hostname if parts.scheme == scheme and (parts.password or not with_password) else None


def _open_database(url: str) -> str | None:
    """The host of a PostgreSQL elsewhere that may be reached in the clear."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return None
    host = parsed.host or parsed.query.get("host")
    if parsed.get_backend_name() != "postgresql" or not isinstance(host, str) or host.startswith("/"):
        return None
    return None if is_loopback(host) or parsed.query.get("sslmode") in _TLS else host

"""The settings: each with its unit and default, read from `AUTHZ_…` variables, every fault at once."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from authz_service.errors import ConfigurationError
from authz_service.secret_settings import SECRETS, file_variable, is_given, secret_of
from authz_service.words import Durability, Risk

T = TypeVar("T")

LOOPBACK = ("localhost", "127.0.0.1", "::1")
OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
BUNDLE_SIGNING_KEY = "AUTHZ_BUNDLE_SIGNING_KEY"
BUNDLE_VERIFICATION_KEY = "AUTHZ_BUNDLE_VERIFICATION_KEY"
_OTLP_ALONE = {
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
    "OTEL_TRACES_EXPORTER": "otlp",
}
CHECKOUT_POLICIES = Path(__file__).resolve().parents[1] / "policies"


@dataclass(frozen=True, slots=True)
class OpenId:
    """The OpenID Connect provider that people sign in with.

    Attributes:
        issuer: `AUTHZ_OIDC_ISSUER`, its URL.
        client_id: `AUTHZ_OIDC_CLIENT_ID`, whom it knows this service as.
        client_secret: `AUTHZ_OIDC_CLIENT_SECRET`, what this service proves that with.
        claim: The part before `=` of `AUTHZ_OIDC_ALLOWED`, a claim of the ID token.
        value: The part after it, what the claim has to be, or to have in its list, for somebody to read pages.
        scopes: `AUTHZ_OIDC_SCOPES`, what the provider is asked for.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    claim: str
    value: str
    scopes: str = "openid"


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """Who issues the OAuth 2.0 access tokens that callers may have.

    Attributes:
        jwks_url: `AUTHZ_JWKS_URL`, where it publishes its keys.
        issuer: `AUTHZ_JWT_ISSUER`, what its tokens have as `iss`.
        audience: `AUTHZ_JWT_AUDIENCE`, what they have as `aud`, or in it, where they are for this service.
    """

    jwks_url: str
    issuer: str
    audience: str


@dataclass(frozen=True, slots=True)
class CertificateHeader:
    """How a proxy in front tells which client certificate it has verified.

    Attributes:
        name: `AUTHZ_CLIENT_CERT_HEADER`, the header that it sets.
        proxies: `AUTHZ_TRUSTED_PROXIES`, the addresses from which that header is believed.
    """

    name: str
    proxies: tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator can set.

    Attributes:
        database_url: `AUTHZ_DATABASE_URL`, such as `sqlite:////var/lib/authz/authz.db`.
        opa_url: `AUTHZ_OPA_URL`, `unix:///…` or `http://…`; None for a supervised child.
        policies: `AUTHZ_POLICIES`, a policies folder or a bundle, for the supervised child.
        bundle_verification_key: `AUTHZ_BUNDLE_VERIFICATION_KEY`, a PEM file of the public key that a bundle has to be
            signed with for the supervised child to be given it; None where folders and unsigned bundles are taken.
        callers: `AUTHZ_CALLERS`, a YAML file of who may call.
        activation_key: `AUTHZ_ACTIVATION_KEY`, what activation codes are kept under, and sessions of readers signed;
            with SQLite there is a key file beside the database where it is left out.
        smtp_url: `AUTHZ_SMTP_URL`, the mail server that letters go to; None where this process sends none.
        mail_from: `AUTHZ_MAIL_FROM`, the address that letters are from.
        stale_seconds: `AUTHZ_STALE_SECONDS`, how long remembered answers are given while OPA does not answer.
        public_url: `AUTHZ_PUBLIC_URL`, where callers find this service, in its AuthZEN metadata; None for no metadata.
        metadata_key: `AUTHZ_METADATA_KEY`, a PEM file of the private key that signs the metadata; None where
            it is not signed.
        journal: `AUTHZ_JOURNAL`, when an answer may leave: once its entry is on disk (`strict`), before it is, by 50 ms
            (`buffered`), or without an entry (`off`).
        journal_folder: `AUTHZ_JOURNAL_FOLDER`, the files of the journal; with SQLite, beside the database where it is
            left out.
        journal_key: `AUTHZ_JOURNAL_KEY`, what pseudonyms are made with; with SQLite there is a key file in the folder
            where it is left out.
        journal_signing_key: `AUTHZ_JOURNAL_SIGNING_KEY`, a PEM file of the Ed25519 key that signs the journal; with
            SQLite there is one in the folder where it is left out.
        journal_plain_ids: `AUTHZ_JOURNAL_PLAIN_IDS`, whether the journal holds ids instead of pseudonyms.
        shadow_policies: `AUTHZ_SHADOW_POLICIES`, a policies folder or a bundle that answers beside the policy in force,
            without effect.
        shadow_opa_url: Where the supervised OPA of the shadow policy is; None without one.
        shadow_policy_status: The file in which its supervisor tells how the shadow policy stands; None without one.
        allow_insecure: `AUTHZ_ALLOW_INSECURE`, the risks that the service is started with all the same.
        openid: The provider that people sign in with, where there is one.
        token_issuer: Who issues access tokens, where there is one.
        certificate_header: How a proxy tells of client certificates, where one does.
        shared: The folder in which the workers of this machine count together; None where there is one process.
        workers: `AUTHZ_WORKERS`, processes that answer.
        traces: Whether spans are sent, as the variables of OpenTelemetry say: `OTEL_EXPORTER_OTLP_ENDPOINT` or
            `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set, without `OTEL_SDK_DISABLED` or `OTEL_TRACES_EXPORTER=none`.
        policy_status: The file in which the supervisor of OPA tells how the policy stands; None with a sidecar.
    """

    database_url: str = field(repr=False)
    opa_url: str | None = None
    policies: Path = CHECKOUT_POLICIES
    bundle_verification_key: Path | None = None
    callers: Path | None = None
    activation_key: str | None = field(default=None, repr=False)
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    stale_seconds: float = 60.0
    public_url: str | None = None
    metadata_key: Path | None = None
    journal: Durability = Durability.STRICT
    journal_folder: Path | None = None
    journal_key: str | None = field(default=None, repr=False)
    journal_signing_key: Path | None = None
    journal_plain_ids: bool = False
    shadow_policies: Path | None = None
    shadow_opa_url: str | None = None
    shadow_policy_status: Path | None = None
    allow_insecure: frozenset[Risk] = frozenset()
    openid: OpenId | None = None
    token_issuer: TokenIssuer | None = None
    certificate_header: CertificateHeader | None = None
    shared: Path | None = None
    workers: int = 1
    traces: bool = False
    policy_status: Path | None = None

    def with_opa(self, url: str, policy_status: Path) -> "Settings":
        """The same, with the supervised OPA that has been started."""
        return replace(self, opa_url=url, policy_status=policy_status)

    def with_shared(self, folder: Path) -> "Settings":
        """The same, with the folder in which the workers count together."""
        return replace(self, shared=folder)

    def with_shadow(self, url: str, policy_status: Path) -> "Settings":
        """The same, with the OPA of the shadow policy that has been started."""
        return replace(self, shadow_opa_url=url, shadow_policy_status=policy_status)


KNOWN = {
    "AUTHZ_DATABASE_URL": "sqlite:///path/to/file, or postgresql+psycopg://user@host/database",
    "AUTHZ_OPA_URL": "unix:///path/to/socket or http://host:port of a sidecar; left out for a supervised OPA",
    "AUTHZ_POLICIES": "a policies folder or a bundle, for the supervised OPA",
    "AUTHZ_CALLERS": "a YAML file of who may call; it is read again when it has changed",
    "AUTHZ_JWKS_URL": "where the issuer of OAuth 2.0 access tokens publishes its keys, https://…",
    "AUTHZ_JWT_ISSUER": "what its tokens have as iss",
    "AUTHZ_JWT_AUDIENCE": "what its tokens have as aud where they are for this service",
    "AUTHZ_CLIENT_CERT_HEADER": "the header in which a proxy hands on the client certificate, such as ClientCert",
    "AUTHZ_TRUSTED_PROXIES": "addresses or networks, with commas, from which that header is believed",
    "AUTHZ_ACTIVATION_KEY": "the key that activation codes are kept under",
    "AUTHZ_SMTP_URL": "smtp://host, smtp+starttls://user:password@host or smtps://…, the mail server for letters",
    "AUTHZ_MAIL_FROM": "the address that letters are from; needed with AUTHZ_SMTP_URL",
    "AUTHZ_STALE_SECONDS": "seconds that remembered answers are given while OPA does not answer",
    "AUTHZ_PUBLIC_URL": "where callers find this service, https://…, for its AuthZEN metadata",
    "AUTHZ_METADATA_KEY": "a PEM file of the private key that the AuthZEN metadata is signed with",
    "AUTHZ_JOURNAL": "strict, buffered or off: whether an answer waits for its entry in the journal",
    "AUTHZ_JOURNAL_FOLDER": "the folder of the journal's files",
    "AUTHZ_JOURNAL_KEY": "the key that the journal's pseudonyms are made with",
    "AUTHZ_JOURNAL_SIGNING_KEY": "a PEM file of the Ed25519 private key that the journal is signed with",
    "AUTHZ_JOURNAL_PLAIN_IDS": "1 for ids in the journal instead of pseudonyms",
    "AUTHZ_SHADOW_POLICIES": "a policies folder or a bundle that answers beside the policy in force, without effect",
    "AUTHZ_OIDC_ISSUER": "the URL of an OpenID Connect provider that readers of pages sign in with",
    "AUTHZ_OIDC_CLIENT_ID": "whom the provider knows this service as",
    "AUTHZ_OIDC_CLIENT_SECRET": "what this service proves that with",
    "AUTHZ_OIDC_ALLOWED": "claim=value, such as groups=compliance: what the ID token has to say of whoever may read",
    "AUTHZ_OIDC_SCOPES": "what the provider is asked for, such as `openid groups`; openid where it is left out",
    "AUTHZ_WORKERS": "processes that answer",
    "AUTHZ_ALLOW_INSECURE": f"{', '.join(Risk)}: what may be insecure without keeping the service from starting",
    OTLP_ENDPOINT: "where spans are sent, such as http://collector:4318; none are where it is left out",
    "AUTHZ_OPA_BIN": "the opa program to run",
    BUNDLE_SIGNING_KEY: "a PEM file of the private key that `policy build` signs bundles with",
    BUNDLE_VERIFICATION_KEY: "a PEM file of the public key that AUTHZ_POLICIES has to be signed with",
    **{file_variable(name): f"a file that holds {name}, instead of the variable" for name in SECRETS},
}
"""Every variable that is read, with what it holds."""


def read_settings(environ: Mapping[str, str] = os.environ, **given: object) -> Settings:
    """The settings of the environment, where `given` takes precedence.

    Raises:
        ConfigurationError: With every fault, a line each; no value is in it.
    """
    settings, faults = settings_and_faults(environ, **given)
    if faults:
        raise ConfigurationError("\n".join(faults))
    return settings


def settings_and_faults(environ: Mapping[str, str], **given: object) -> tuple[Settings, list[str]]:
    """The same, where what is at fault is as if it were not set, and a sentence for each fault."""
    faults: list[str] = []

    def read(name: str, convert: Callable[[str], T], default: T) -> T:
        try:
            value = secret_of(environ, name) if name in SECRETS else environ.get(name, "")
            return convert(value) if value else default
        except ValueError as error:
            faults.append(f"{name}: {error}.")
            return default

    values: dict[str, object] = {
        "database_url": read("AUTHZ_DATABASE_URL", str, ""),
        "opa_url": read("AUTHZ_OPA_URL", str, None),
        "policies": read("AUTHZ_POLICIES", Path, CHECKOUT_POLICIES),
        "bundle_verification_key": read(BUNDLE_VERIFICATION_KEY, Path, None),
        "callers": read("AUTHZ_CALLERS", Path, None),
        "activation_key": read("AUTHZ_ACTIVATION_KEY", str, None),
        "smtp_url": read("AUTHZ_SMTP_URL", str, None),
        "mail_from": read("AUTHZ_MAIL_FROM", str, None),
        "stale_seconds": read("AUTHZ_STALE_SECONDS", _seconds, 60.0),
        "public_url": read("AUTHZ_PUBLIC_URL", _public_url, None),
        "metadata_key": read("AUTHZ_METADATA_KEY", Path, None),
        "journal": read("AUTHZ_JOURNAL", _durability, Durability.STRICT),
        "journal_folder": read("AUTHZ_JOURNAL_FOLDER", Path, None),
        "journal_key": read("AUTHZ_JOURNAL_KEY", str, None),
        "journal_signing_key": read("AUTHZ_JOURNAL_SIGNING_KEY", Path, None),
        "journal_plain_ids": read("AUTHZ_JOURNAL_PLAIN_IDS", _is_set, default=False),
        "shadow_policies": read("AUTHZ_SHADOW_POLICIES", Path, None),
        "allow_insecure": read("AUTHZ_ALLOW_INSECURE", _risks, frozenset[Risk]()),
        "openid": _openid(environ, read, faults),
        "token_issuer": _all_or_none(environ, read, faults, _TOKEN_ISSUER, TokenIssuer),
        "certificate_header": _all_or_none(environ, read, faults, _CERTIFICATE_HEADER, CertificateHeader),
        "workers": read("AUTHZ_WORKERS", _count, 1),
        "traces": _traces(environ, faults),
    } | given
    if not values["database_url"] and not any(fault.startswith("AUTHZ_DATABASE_URL:") for fault in faults):
        faults.append("AUTHZ_DATABASE_URL: is not set; for one machine, sqlite:///authz.db.")
    if values["smtp_url"] and not values["mail_from"]:
        faults.append("AUTHZ_MAIL_FROM: is not set; with AUTHZ_SMTP_URL it names whom letters are from.")
    if values["metadata_key"] and not values["public_url"]:
        faults.append("AUTHZ_PUBLIC_URL: is not set; with AUTHZ_METADATA_KEY it is what the signed metadata is about.")
    if values["openid"] and not values["public_url"]:
        faults.append("AUTHZ_PUBLIC_URL: is not set; with AUTHZ_OIDC_ISSUER it is where people are sent back to.")
    if values["bundle_verification_key"] and values["opa_url"]:
        faults.append(
            f"{BUNDLE_VERIFICATION_KEY}: has no effect with AUTHZ_OPA_URL; give the key to the sidecar, which verifies."
        )
    return Settings(**values), faults  # type: ignore[arg-type]  # each has been converted above


def _openid(environ: Mapping[str, str], read: Callable[..., Any], faults: list[str]) -> OpenId | None:
    if not any(is_given(environ, name) for name in _OPENID):
        return None
    found = [read(name, convert, None) for name, convert in _OPENID.items()]
    missing = [name for name in _OPENID if not is_given(environ, name)]
    faults += [
        f"{name}: is not set; it goes with the other AUTHZ_OIDC_… settings, as {KNOWN[name]}." for name in missing
    ]
    scopes = read("AUTHZ_OIDC_SCOPES", _scopes, "openid")
    if None in found:
        return None
    issuer, client_id, client_secret, (claim, value) = found
    return OpenId(issuer, client_id, client_secret, claim, value, scopes)


def _all_or_none(
    environ: Mapping[str, str],
    read: Callable[..., Any],
    faults: list[str],
    names: Mapping[str, Callable[[str], Any]],
    make: Callable[..., T],
) -> T | None:
    """What settings that go together make, where they are set; of those that are not, that they are missing."""
    if not any(environ.get(name) for name in names):
        return None
    missing = [name for name in names if not environ.get(name)]
    others = {name: ", ".join(other for other in names if other != name) for name in missing}
    faults += [f"{name}: is not set; it goes with {others[name]}, as {KNOWN[name]}." for name in missing]
    found = [read(name, convert, None) for name, convert in names.items()]
    return None if None in found else make(*found)


def _claim(text: str) -> tuple[str, str]:
    claim, _, value = (part.strip() for part in text.partition("="))
    if not (claim and value):
        raise ValueError("must be claim=value, such as groups=compliance")
    return claim, value


def _scopes(text: str) -> str:
    if "openid" not in text.split():
        raise ValueError("must have openid among its words")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ValueError("must be a number of seconds, 0 or more")
    return seconds


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    is_here = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or parts.query or parts.fragment or not (parts.scheme == "https" or is_here):
        raise ValueError("must be an https URL without query and fragment; http is for this machine alone")
    return text


def _jwks_url(text: str) -> str:
    parts = urlsplit(text)
    is_here = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or parts.fragment or not (parts.scheme == "https" or is_here):
        raise ValueError("must be an https URL; http is for this machine alone")
    return text


def _header(text: str) -> str:
    if not _HEADER.fullmatch(text) or text.lower() == "authorization":
        raise ValueError(
            "must be the name of a header of letters and digits alone, such as ClientCert, which the proxy has to set:"
            " to a WSGI server Client-Cert and Client_Cert are one name, and a caller could send the other one"
        )
    return text


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(","))
    except ValueError:
        raise ValueError("must be addresses or networks with commas between, such as 10.0.0.7, fd00::/8") from None


_HEADER = re.compile(r"[A-Za-z0-9]+")
_TOKEN_ISSUER: Mapping[str, Callable[[str], Any]] = {
    "AUTHZ_JWKS_URL": _jwks_url,
    "AUTHZ_JWT_ISSUER": str,
    "AUTHZ_JWT_AUDIENCE": str,
}
_CERTIFICATE_HEADER: Mapping[str, Callable[[str], Any]] = {
    "AUTHZ_CLIENT_CERT_HEADER": _header,
    "AUTHZ_TRUSTED_PROXIES": _networks,
}
_OPENID: Mapping[str, Callable[[str], Any]] = {
    "AUTHZ_OIDC_ISSUER": _public_url,
    "AUTHZ_OIDC_CLIENT_ID": str,
    "AUTHZ_OIDC_CLIENT_SECRET": str,
    "AUTHZ_OIDC_ALLOWED": _claim,
}
"""The settings of the provider, each needed where one is set."""


def _durability(text: str) -> Durability:
    try:
        return Durability(text)
    except ValueError:
        raise ValueError(f"must be {', '.join(Durability)}") from None


def _risks(text: str) -> frozenset[Risk]:
    try:
        return frozenset(Risk(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise ValueError(f"must be some of {', '.join(Risk)}, with commas between") from None


def _is_set(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError("must be 0 or 1")
    return text == "1"


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("must be a whole number, 1 or more")
    return int(text)


def _traces(environ: Mapping[str, str], faults: list[str]) -> bool:
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
    if is_off or not (environ.get(OTLP_ENDPOINT) or environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")):
        return False
    faults += [
        f"{name}: must be {wanted}, or left out."
        for name, wanted in _OTLP_ALONE.items()
        if (environ.get(name) or wanted) != wanted
    ]
    return True

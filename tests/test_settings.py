from ipaddress import ip_network
from pathlib import Path

import pytest

from authz_service.errors import ConfigurationError
from authz_service.settings import (
    CHECKOUT_POLICIES,
    KNOWN,
    CertificateHeader,
    OpenId,
    Settings,
    TokenIssuer,
    read_settings,
)

URL = "sqlite:///authz.db"
EVERYTHING = {
    "AUTHZ_DATABASE_URL": URL,
    "AUTHZ_OPA_URL": "http://localhost:8181",
    "AUTHZ_POLICIES": "/srv/policies",
    "AUTHZ_CALLERS": "/etc/authz/callers.yaml",
    "AUTHZ_ACTIVATION_KEY": "the key of the codes",
    "AUTHZ_SMTP_URL": "smtp://user:password@mail.example",
    "AUTHZ_MAIL_FROM": "zone@example.org",
    "AUTHZ_STALE_SECONDS": "2.5",
    "AUTHZ_WORKERS": "4",
}


def test_what_is_set_is_read() -> None:
    assert read_settings(EVERYTHING) == Settings(
        database_url=URL,
        opa_url="http://localhost:8181",
        policies=Path("/srv/policies"),
        callers=Path("/etc/authz/callers.yaml"),
        activation_key="the key of the codes",
        smtp_url="smtp://user:password@mail.example",
        mail_from="zone@example.org",
        stale_seconds=2.5,
        workers=4,
    )


def test_what_is_not_set_or_empty_has_its_default() -> None:
    defaults = Settings(URL)
    assert read_settings({"AUTHZ_DATABASE_URL": URL}) == defaults
    assert read_settings(dict.fromkeys(EVERYTHING, "") | {"AUTHZ_DATABASE_URL": URL}) == defaults
    assert defaults.policies == CHECKOUT_POLICIES


def test_every_variable_that_is_read_is_told_of() -> None:
    assert set(KNOWN) >= set(EVERYTHING)


def test_what_is_given_goes_before_the_environment() -> None:
    settings = read_settings(EVERYTHING, database_url="sqlite:///given.db", workers=2)
    assert (settings.database_url, settings.workers) == ("sqlite:///given.db", 2)
    assert read_settings({}, database_url=URL) == Settings(URL)


def test_a_missing_database_is_one_sentence_with_what_to_do() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({})
    assert str(refusal.value) == "AUTHZ_DATABASE_URL: is not set; for one machine, sqlite:///authz.db."


OPENID = {
    "AUTHZ_DATABASE_URL": URL,
    "AUTHZ_PUBLIC_URL": "https://authz.example.org",
    "AUTHZ_OIDC_ISSUER": "https://login.example.org/realm",
    "AUTHZ_OIDC_CLIENT_ID": "authz",
    "AUTHZ_OIDC_CLIENT_SECRET": "hunter2",
    "AUTHZ_OIDC_ALLOWED": "groups = compliance=eu",
}


def test_a_provider_is_read_with_what_lets_somebody_read() -> None:
    assert read_settings(OPENID).openid == OpenId(
        "https://login.example.org/realm", "authz", "hunter2", "groups", "compliance=eu", "openid"
    )
    scopes = read_settings(OPENID | {"AUTHZ_OIDC_SCOPES": "openid groups"}).openid
    assert scopes
    assert scopes.scopes == "openid groups"
    assert "hunter2" not in repr(read_settings(OPENID))
    assert set(KNOWN) >= set(OPENID)


@pytest.mark.parametrize("name", [name for name in OPENID if name.startswith(("AUTHZ_OIDC", "AUTHZ_PUBLIC"))])
def test_of_a_provider_everything_has_to_be_set(name: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({**OPENID, name: ""})
    assert str(refusal.value).startswith(f"{name}: is not set; ")
    assert len(str(refusal.value).splitlines()) == 1
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("AUTHZ_OIDC_ISSUER", "http://login.example.org", "must be an https URL"),
        ("AUTHZ_OIDC_ALLOWED", "compliance", "must be claim=value"),
        ("AUTHZ_OIDC_ALLOWED", "groups=", "must be claim=value"),
        ("AUTHZ_OIDC_SCOPES", "groups", "must have openid among its words"),
    ],
)
def test_what_is_wrong_with_a_provider_is_told(name: str, value: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({**OPENID, name: value})
    assert str(refusal.value).startswith(f"{name}: {fault}")


CALLING = {
    "AUTHZ_DATABASE_URL": URL,
    "AUTHZ_JWKS_URL": "https://login.example.org/keys?policy=1",
    "AUTHZ_JWT_ISSUER": "https://login.example.org",
    "AUTHZ_JWT_AUDIENCE": "authz",
    "AUTHZ_CLIENT_CERT_HEADER": "ClientCert",
    "AUTHZ_TRUSTED_PROXIES": "10.0.0.7, fd00::/8",
}


def test_who_issues_tokens_and_tells_of_certificates_is_read() -> None:
    settings = read_settings(CALLING)
    assert settings.token_issuer == TokenIssuer(
        "https://login.example.org/keys?policy=1", "https://login.example.org", "authz"
    )
    proxies = (ip_network("10.0.0.7/32"), ip_network("fd00::/8"))
    assert settings.certificate_header == CertificateHeader("ClientCert", proxies)
    assert set(KNOWN) >= set(CALLING)


@pytest.mark.parametrize("name", [name for name in CALLING if name != "AUTHZ_DATABASE_URL"])
def test_of_these_too_what_goes_together_has_to_be_set(name: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({**CALLING, name: ""})
    assert str(refusal.value).startswith(f"{name}: is not set; it goes with AUTHZ_")
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("AUTHZ_JWKS_URL", "http://login.example.org/keys", "must be an https URL; http is for this machine alone"),
        ("AUTHZ_JWKS_URL", "login.example.org/keys", "must be an https URL; http is for this machine alone"),
        *(
            ("AUTHZ_CLIENT_CERT_HEADER", name, "must be the name of a header of letters and digits alone, such as")
            for name in ("Client-Cert", "Client_Cert", "Authorization")
        ),
        ("AUTHZ_TRUSTED_PROXIES", "proxy.example", "must be addresses or networks with commas between"),
        ("AUTHZ_TRUSTED_PROXIES", "10.0.0.1/8", "must be addresses or networks with commas between"),
        ("AUTHZ_TRUSTED_PROXIES", "10.0.0.1,", "must be addresses or networks with commas between"),
    ],
)
def test_what_is_wrong_with_these_is_told(name: str, value: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({**CALLING, name: value})
    assert str(refusal.value).startswith(f"{name}: {fault}")


SECONDS = "must be a number of seconds, 0 or more"
COUNT = "must be a whole number, 1 or more"


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        *(
            ("AUTHZ_STALE_SECONDS", value, SECONDS)
            for value in ("x", "-1", "-0.1", "nan", "inf", "1e999", "1 s", "1,5")
        ),
        *(("AUTHZ_WORKERS", value, COUNT) for value in ("x", "0", "-1", "1.5", "+1", " 1", "1e3", "²")),
    ],
)
def test_a_wrong_value_is_one_sentence_without_the_value(name: str, value: str, what: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({"AUTHZ_DATABASE_URL": URL, name: value})
    assert str(refusal.value) == f"{name}: {what}."


def test_a_key_that_nothing_here_would_verify_with_is_refused() -> None:
    given = {"AUTHZ_DATABASE_URL": URL, "AUTHZ_BUNDLE_VERIFICATION_KEY": "/keys/public.pem"}
    assert read_settings(given).bundle_verification_key == Path("/keys/public.pem")
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({**given, "AUTHZ_OPA_URL": "http://localhost:8181"})
    assert str(refusal.value).startswith("AUTHZ_BUNDLE_VERIFICATION_KEY: has no effect with AUTHZ_OPA_URL; ")


def test_letters_need_somebody_whom_they_are_from() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({"AUTHZ_DATABASE_URL": URL, "AUTHZ_SMTP_URL": "smtp://user:hidden@host"})
    assert str(refusal.value).startswith("AUTHZ_MAIL_FROM: is not set; ")
    assert "hidden" not in str(refusal.value)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({"AUTHZ_STALE_SECONDS": "soon", "AUTHZ_WORKERS": "many"})
    told = [line.partition(":")[0] for line in str(refusal.value).splitlines()]
    assert sorted(told) == ["AUTHZ_DATABASE_URL", "AUTHZ_STALE_SECONDS", "AUTHZ_WORKERS"]


@pytest.mark.parametrize(("value", "seconds"), [("0", 0.0), ("0.5", 0.5), ("3600", 3600.0)])
def test_answers_may_be_remembered_for_no_time_or_long(value: str, seconds: float) -> None:
    assert read_settings({"AUTHZ_DATABASE_URL": URL, "AUTHZ_STALE_SECONDS": value}).stale_seconds == seconds


def test_the_supervised_opa_takes_the_place_of_the_one_that_is_not_set(tmp_path: Path) -> None:
    settings = Settings(URL).with_opa("unix:///opa.sock", tmp_path)
    assert settings == Settings(URL, opa_url="unix:///opa.sock", policy_status=tmp_path)


def test_what_is_secret_is_in_no_representation() -> None:
    settings = Settings(
        "postgresql+psycopg://user:hidden@host/authz", activation_key="hidden", smtp_url="smtp://user:hidden@host"
    )
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_spans_are_sent_where_there_is_somewhere_to_send_them(name: str) -> None:
    given = {"AUTHZ_DATABASE_URL": URL, name: "http://collector:4318"}
    assert not read_settings({"AUTHZ_DATABASE_URL": URL}).traces
    assert read_settings(given).traces
    assert not read_settings({**given, "OTEL_SDK_DISABLED": "true"}).traces
    assert not read_settings({**given, "OTEL_TRACES_EXPORTER": "none"}).traces


def test_what_would_have_spans_sent_otherwise_is_refused() -> None:
    given = {"AUTHZ_DATABASE_URL": URL, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"}
    more = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_TRACES_EXPORTER": "console"}
    with pytest.raises(ConfigurationError) as refusal:
        read_settings(given | more)
    assert str(refusal.value).splitlines() == [
        "OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf, or left out.",
        "OTEL_TRACES_EXPORTER: must be otlp, or left out.",
    ]

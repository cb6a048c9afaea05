import pytest
import structlog

from authz_service.errors import ConfigurationError
from authz_service.precautions.examining import refuse_or_tell
from authz_service.precautions.finding import Finding
from authz_service.words import Risk

WEAK = Finding(Risk.KEYS, is_fault=True, what="AUTHZ_JOURNAL_KEY: is easily guessed; set another")
LOOSE = Finding(Risk.FILES, is_fault=True, what="AUTHZ_CALLERS: a.yaml may be changed by its group; mend it")
OPEN = Finding(Risk.TLS, is_fault=False, what="AUTHZ_SMTP_URL: sends the password without TLS; write smtps")


def test_everything_that_is_wrong_is_told_at_once_with_what_allows_it() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        refuse_or_tell([WEAK, OPEN, LOOSE], frozenset(), ["AUTHZ_WORKERS: must be a whole number, 1 or more."])
    assert str(refusal.value).splitlines() == [
        "AUTHZ_WORKERS: must be a whole number, 1 or more.",
        WEAK.what,
        LOOSE.what,
        "Whoever has a reason to start all the same sets AUTHZ_ALLOW_INSECURE=files,keys.",
    ]


def test_what_is_allowed_or_no_fault_is_logged_at_each_start() -> None:
    with structlog.testing.capture_logs() as logs:
        refuse_or_tell([WEAK, OPEN, LOOSE], {Risk.KEYS, Risk.FILES})
    assert [(entry["event"], entry["what"], entry.get("by")) for entry in logs] == [
        ("insecure.allowed", WEAK.what, "AUTHZ_ALLOW_INSECURE=keys"),
        ("insecure", OPEN.what, None),
        ("insecure.allowed", LOOSE.what, "AUTHZ_ALLOW_INSECURE=files"),
    ]


def test_one_risk_that_is_allowed_allows_no_other() -> None:
    with pytest.raises(ConfigurationError, match=r"a\.yaml") as refusal:
        refuse_or_tell([WEAK, LOOSE], {Risk.KEYS, Risk.TLS})
    assert "AUTHZ_JOURNAL_KEY" not in str(refusal.value)


def test_what_is_wrong_with_the_settings_is_not_to_be_allowed() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        refuse_or_tell([], frozenset(Risk), ["AUTHZ_CALLERS: is not set."])
    assert str(refusal.value) == "AUTHZ_CALLERS: is not set."

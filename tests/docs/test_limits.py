"""The page of limits has the numbers that hold."""

import inspect
import re
from collections.abc import Callable

import pytest

from authz_service.administrators import mail_server
from authz_service.callers import openid
from authz_service.customers import model, ndjson_file
from authz_service.decision import searches
from authz_service.journal import writer
from authz_service.opa import contents
from authz_service.opa.engine import OpaEngine
from authz_service.serve import HEAD_BYTES, HEAD_SECONDS, SHUTDOWN_SECONDS, THREADS
from authz_service.storage.database import LOCK_WAIT_SECONDS
from authz_service.storage.postgresql import ANSWER_SECONDS, CONNECT_SECONDS
from authz_service.strict_json import MAX_DEPTH
from authz_service.web import decisions
from authz_service.web.bodies import MAX_BYTES
from authz_service.web.shapes import MOST_EVALUATIONS
from authz_service.web.slow_bodies import BODY_SECONDS
from tests.conftest import ROOT

MIB = 1024 * 1024
ROWS = dict(
    re.findall(r"^\| ([^|]+) \| ([^|]+) \|", (ROOT / "docs" / "explanation" / "limits.md").read_text(), re.MULTILINE)
)
_CANDIDATES = searches.MOST_A_PAGE_ASKS_ABOUT + searches.MOST_AT_ONCE


def _default(function: Callable[..., object], name: str) -> float:
    default: float = inspect.signature(function).parameters[name].default
    return default


@pytest.mark.parametrize(
    ("what", "number"),
    [
        ("the head: request line and headers", f"{HEAD_BYTES // 1024} KiB"),
        ("the head, from the first byte", f"{HEAD_SECONDS} seconds"),
        ("the body, also in chunks", f"{MAX_BYTES // MIB} MiB"),
        ("the body, from where", f"{BODY_SECONDS} seconds"),
        ("JSON", f"{MAX_DEPTH} levels"),
        ("evaluations in a call", f"{MOST_EVALUATIONS:,}"),
        ("results on a page of a search", f"{searches.MOST_ON_A_PAGE:,}, from at most {_CANDIDATES:,}"),
        ("decisions on a page of the journal", f"{decisions.MOST_ON_A_PAGE:,}"),
        ("requests at once", f"{THREADS} a worker"),
        ("ids and names", f"{model.LONGEST_TEXT} characters"),
        ("e-mail address", f"{model.LONGEST_EMAIL_ADDRESS} characters"),
        ("activation code", f"{model.LONGEST_CODE} characters"),
        ("a policy bundle", f"{contents.MOST_UNPACKED_BYTES // MIB} MiB unpacked, {contents.MOST_MEMBERS:,} files"),
        ("a line of NDJSON", f"{ndjson_file.LONGEST_LINE_BYTES // MIB} MiB"),
        ("OPA, for an answer", f"{_default(OpaEngine, 'timeout'):g} seconds"),
        ("PostgreSQL, for a statement", f"{ANSWER_SECONDS:g} seconds"),
        ("PostgreSQL, for a connection", f"{CONNECT_SECONDS} seconds"),
        ("a lock of SQLite", f"{LOCK_WAIT_SECONDS} seconds"),
        ("room in a `buffered` journal", f"{writer.FULL_PATIENCE_SECONDS:g} seconds"),
        ("the provider of accounts", f"{openid.TIMEOUT_SECONDS:g} seconds, {openid.MOST_AT_ONCE} threads"),
        ("the mail server", f"{_default(mail_server.SmtpServer, 'timeout'):g} seconds"),
        ("requests that are open", f"{SHUTDOWN_SECONDS} seconds"),
    ],
)
def test_a_limit_is_told_with_its_number_and_unit(what: str, number: str) -> None:
    [told] = [limit for name, limit in ROWS.items() if name.startswith(what)]
    assert told.startswith(number)

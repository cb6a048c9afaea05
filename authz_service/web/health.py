"""Is the process up, and can it decide?"""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint
from sqlalchemy import Engine

from authz_service.decision.memory import AnswerMemory
from authz_service.errors import AuthzServiceError, DatabaseUnavailable
from authz_service.journal.indexer import bytes_behind
from authz_service.journal.journal import Journal
from authz_service.opa.supervisor import read_status
from authz_service.storage.database import is_current
from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.shapes import Alive, Check, Checks, JournalCheck, PolicyCheck, Readiness


def health_endpoints(database: Engine, memory: AnswerMemory, policy_status: Path | None, journal: Journal) -> Blueprint:
    endpoints = Blueprint("health", __name__)

    @endpoints.get("/healthz")
    @declares(
        Endpoint(
            summary="Whether the process is up.",
            scope=None,
            answers={200: Alive},
            answer_example={"status": "alive"},
        )
    )
    def healthz() -> dict[str, object]:
        return Alive(status="alive").model_dump()

    @endpoints.get("/readyz")
    @declares(
        Endpoint(
            summary="Whether database, OPA, policy and journal are usable, and whether an edit was rejected.",
            scope=None,
            answers={200: Readiness, 503: Readiness},
            answer_example={
                "status": "ready",
                "checks": {
                    "database": {"ok": True, "detail": "sqlite, tables up to date"},
                    "opa": {"ok": True, "detail": "answers"},
                    "policy": {
                        "ok": True,
                        "detail": "The policy in force answers.",
                        "revision": "3db8ddd6ddafcf6f",
                        "rejected": [],
                    },
                    "journal": {"ok": True, "detail": "written", "behind_bytes": 0},
                },
            },
        )
    )
    def readyz() -> tuple[dict[str, object], int]:
        checks = Checks(
            database=_check(lambda: _database(database)),
            opa=_check(lambda: _opa(memory)),
            policy=_policy(memory, policy_status),
            journal=_journal(database, journal),
        )
        is_ready = checks.database.ok and checks.opa.ok and checks.policy.ok and checks.journal.ok
        body = Readiness(status="ready" if is_ready else "not ready", checks=checks)
        return body.model_dump(), HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE

    return endpoints


def _check(ask: Callable[[], str]) -> Check:
    try:
        return Check(ok=True, detail=ask())
    except AuthzServiceError as error:
        return Check(ok=False, detail=str(error))


def _database(database: Engine) -> str:
    if not is_current(database):
        raise AuthzServiceError("The tables are not those of this version: start `authz-service serve` once.")
    return f"{database.dialect.name}, tables up to date"


def _opa(memory: AnswerMemory) -> str:
    memory.confirm()
    return "answers"


def _journal(database: Engine, journal: Journal) -> JournalCheck:
    if journal.writer is None or journal.folder is None:
        return JournalCheck(ok=True, detail="off", behind_bytes=0)
    try:
        behind = bytes_behind(database, journal.folder)
    except DatabaseUnavailable:
        # Which the check of the database says.
        behind = 0
    error = journal.writer.error
    return JournalCheck(ok=not error, detail=error or "written", behind_bytes=behind)


def _policy(memory: AnswerMemory, policy_status: Path | None) -> PolicyCheck:
    status = read_status(policy_status) if policy_status else None
    rejected = list(status.rejected) if status else []
    revision = memory.revision
    if rejected:
        detail = "A later edit of the policy is broken and not in force; the revision before it answers."
    elif revision:
        detail = "The policy in force answers."
    else:
        detail = "OPA has answered under no policy yet."
    return PolicyCheck(ok=bool(revision), detail=detail, revision=revision, rejected=rejected)

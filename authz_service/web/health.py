"""Is the process up, and can it decide?"""

from http import HTTPStatus
from pathlib import Path

from flask import Blueprint
from sqlalchemy import Engine

from authz_service.callers.entrance import Entrance
from authz_service.decision.memory import AnswerMemory
from authz_service.journal.journal import Journal
from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.readiness import check_all, is_ready
from authz_service.web.shapes import Alive, Readiness


def health_endpoints(
    database: Engine, memory: AnswerMemory, policy_status: Path | None, journal: Journal, entrance: Entrance
) -> Blueprint:
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
                        "rejected": 0,
                    },
                    "journal": {"ok": True, "detail": "written", "behind_bytes": 0},
                    "callers": {"ok": True, "detail": "known", "rejected": 0},
                },
            },
        )
    )
    def readyz() -> tuple[dict[str, object], int]:
        checks = check_all(database, memory, policy_status, journal, entrance)
        is_well = is_ready(checks)
        body = Readiness(status="ready" if is_well else "not ready", checks=checks)
        return body.model_dump(), HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE

    return endpoints

"""What the tests of failures ask, and what an answer has to be like when it cannot be given."""

import time
from typing import Any, Self

from tests.services import Service, question

SMITHS = "123456789"
OWN_USAGE = question("mary.jones", "view_usage", "subscription", "mobile-2002")
BILLS = question("mary.jones", "view_bills", "customer", SMITHS)
POINTS = question("philip.smith", "view_premium_club_points", "customer", SMITHS)
WISH = {"person": "mary.jones", "channel": "web", "current_administrator_informed": True}


def decided(service: Service, asked: dict[str, Any]) -> bool | None:
    """The decision; None where there is none, and then it is a 503 as it has to be, and never one of the other kind."""
    response = service.session.post(f"{service.url}/access/v1/evaluation", json=asked, timeout=40)
    if response.status_code == 200:
        decision: bool = response.json()["decision"]
        return decision
    assert response.status_code == 503, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Retry-After"] == "1"
    assert "Decision-Id" not in response.headers
    body = response.json()
    assert (body["status"], body["title"]) == (503, "Service Unavailable")
    assert "decision" not in body
    assert "mary" not in response.text
    assert "philip" not in response.text
    return None


def is_alive(service: Service) -> bool:
    return service.session.get(f"{service.url}/healthz", timeout=2).status_code == 200


def unready(service: Service) -> set[str]:
    """The parts that `/readyz` names as not usable."""
    response = service.session.get(f"{service.url}/readyz", timeout=40)
    named = {name for name, check in response.json()["checks"].items() if not check["ok"]}
    assert response.status_code == (503 if named else 200)
    return named


class Clock:
    """How long a block has taken, in seconds."""

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self.took = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        self.took = time.monotonic() - self._began

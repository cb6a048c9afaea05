"""OPA fails: it is gone, silent, slow, lies, or comes back with another policy. There is never a decision by it."""

import os
import resource
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from authz_service.opa.bundle import build_bundle
from tests.failures import lying_opa
from tests.failures.asking import BILLS, OWN_USAGE, POINTS, SMITHS, Clock, decided, is_alive, unready
from tests.failures.conftest import MakeDatabase
from tests.failures.lying_opa import Proxy, Spoil, altered, each_answer, proxy, sidecar, with_status
from tests.ports import free_port
from tests.processes import freeze, thaw, wait_until
from tests.services import Service, demo, serve

STALE_SECONDS = 3
# What OPA has for an answer, and a retry where one has just been answered.
AT_MOST_SECONDS = 5.0


@pytest.fixture(scope="module")
def bundle(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    bundle = tmp_path_factory.mktemp("bundle") / "bundle.tar.gz"
    build_bundle(opa, policies, bundle)
    return bundle


@pytest.fixture(scope="module")
def liar(
    opa: Path, bundle: Path, with_smiths: MakeDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, Proxy]]:
    """A service that remembers no answer, and the proxy through which it asks OPA."""
    folder, port = tmp_path_factory.mktemp("liar"), free_port()
    url = with_smiths(f"sqlite:///{folder / 'authz.db'}")
    with sidecar(opa, bundle, port), proxy(port) as (server, proxy_url):
        more = {"AUTHZ_OPA_URL": proxy_url, "AUTHZ_STALE_SECONDS": "0"}
        with serve(opa, folder / "service", url, more) as service:
            yield service, server


LIES: dict[str, Spoil] = {
    "no result": altered(lambda _: {}),
    "a result that is null": altered(lambda _: {"result": None}),
    "a warning": altered(lambda said: said | {"warning": {"code": "api_usage_warning"}}),
    "another shape": altered(lambda _: {"result": {"allow": True}}),
    "true alone": altered(lambda _: {"result": True}),
    "a list": altered(lambda said: [said]),
    "allow in words": each_answer({"allow": "true"}),
    "allow as a number": each_answer({"allow": 1}),
    "allow without a reason": each_answer({"allow": True, "reasons": []}),
    "a member more": each_answer({"note": ""}),
    "a member less": each_answer(lambda _: {"allow": True}),
    "an answer too few": altered(lambda said: {"result": said["result"] | {"answers": []}}),
    "an answer too many": altered(lambda said: {"result": said["result"] | {"answers": 2 * said["result"]["answers"]}}),
    "no revision": altered(lambda said: {"result": {"answers": said["result"]["answers"]}}),
    "an empty revision": altered(lambda said: {"result": said["result"] | {"revision": ""}}),
    "HTTP 500 with an answer": with_status(500),
    "HTTP 404": with_status(404),
    "half of the answer, as if it were whole": lying_opa.half_but_whole,
    "an answer that is cut": lying_opa.cut,
    "nothing, and the connection closed": lying_opa.drop,
    "silence": lying_opa.silent,
    "a byte now and then": lying_opa.trickle,
    "a byte of the head now and then": lying_opa.trickle_head,
}

# Whether OPA is ready is asked without a question, and that is answered well.
OF_ANSWERS = {
    "allow in words",
    "allow as a number",
    "allow without a reason",
    "a member more",
    "a member less",
    "an answer too few",
    "an answer too many",
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_exactly_an_answer_is_a_503_in_seconds_and_never_a_decision(
    liar: tuple[Service, Proxy], lie: str
) -> None:
    service, server = liar
    server.spoil = lying_opa.honest
    wait_until(lambda: decided(service, OWN_USAGE) is True)
    server.spoil = LIES[lie]
    try:
        for asked in (OWN_USAGE, BILLS):
            with Clock() as clock:
                assert decided(service, asked) is None
            assert clock.took < AT_MOST_SECONDS
        assert is_alive(service)
        assert unready(service) == (set() if lie in OF_ANSWERS else {"opa"})
        batch = OWN_USAGE | {"evaluations": [{}, {"action": {"name": "fly"}}]}
        assert service.call("POST", "/access/v1/evaluations", batch).status_code == 503
        role = service.call("GET", f"/v1/customers/{SMITHS}/members/mary.jones")
        assert (role.status_code, role.json()["role"]) == (200, "user")
    finally:
        server.spoil = lying_opa.honest
    wait_until(lambda: decided(service, OWN_USAGE) is True)
    assert decided(service, BILLS) is False
    wait_until(lambda: unready(service) == set())


def test_under_a_revision_that_changes_with_each_answer_one_gives_all_answers_of_a_call(
    liar: tuple[Service, Proxy],
) -> None:
    service, server = liar
    told: list[str] = []

    def renamed(said: dict[str, Any]) -> dict[str, Any]:
        told.append(f"revision-{len(told)}")
        said["result"]["revision"] = told[-1]
        return said

    server.spoil = altered(renamed)
    try:
        batch = OWN_USAGE | {"evaluations": [{}, {"action": {"name": "fly"}}, {"action": {"name": "delegate"}}]}
        for _ in range(20):
            answers = service.call("POST", "/access/v1/evaluations", batch).json()["evaluations"]
            [revision] = {answer["context"]["policy_revision"] for answer in answers}
            assert revision in told
    finally:
        server.spoil = lying_opa.honest


def test_an_opa_that_is_away_is_outlived_by_its_answers_for_as_long_as_is_set_and_no_longer(
    opa: Path, bundle: Path, database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    more = {"AUTHZ_OPA_URL": f"http://127.0.0.1:{port}", "AUTHZ_STALE_SECONDS": str(STALE_SECONDS)}
    with ExitStack() as running:
        first = running.enter_context(sidecar(opa, bundle, port))
        service = running.enter_context(serve(opa, tmp_path / "service", database_url, more))
        assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
        first.kill()
        first.wait()
        gone = time.monotonic()
        assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
        assert decided(service, POINTS) is None
        assert "opa" in unready(service)
        wait_until(lambda: decided(service, OWN_USAGE) is None)
        assert STALE_SECONDS - 0.5 <= time.monotonic() - gone < STALE_SECONDS + AT_MOST_SECONDS
        assert decided(service, BILLS) is None
        assert is_alive(service)
        assert service.call("GET", "/v1/people/mary.jones/roles").status_code == 200
        with sidecar(opa, bundle, port):
            wait_until(lambda: decided(service, OWN_USAGE) is True)
            assert (decided(service, BILLS), decided(service, POINTS)) == (False, True)


def test_an_opa_that_comes_back_with_another_policy_is_believed_and_nothing_of_the_old_one_is_answered(
    opa: Path, policies: Path, bundle: Path, database_url: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.tar.gz"
    copied = shutil.copytree(policies, tmp_path / "policies")
    rules = copied / "bundle" / "authz" / "permissions" / "grants.rego"
    right = rules.read_text()
    rules.write_text(right.replace('\tinput.action == "view_usage"\n', '\tinput.action == "delegate"\n'))
    assert rules.read_text() != right
    revision = build_bundle(opa, copied, other)
    port = free_port()
    with ExitStack() as running:
        first = running.enter_context(sidecar(opa, bundle, port))
        more = {"AUTHZ_OPA_URL": f"http://127.0.0.1:{port}"}
        service = running.enter_context(serve(opa, tmp_path / "service", database_url, more))
        before = service.decide(OWN_USAGE)
        assert before["decision"] is True
        first.kill()
        first.wait()
        with sidecar(opa, other, port):
            wait_until(lambda: service.decide(OWN_USAGE)["context"]["policy_revision"] == revision)
            assert decided(service, OWN_USAGE) is False
            assert service.readiness()["policy"]["revision"] == revision


def test_an_opa_that_is_frozen_costs_seconds_and_no_remembered_answer(
    opa: Path, policies: Path, tmp_path: Path
) -> None:
    with demo(opa, tmp_path, policies=policies) as service:
        assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
        frozen = service.opa()
        freeze(frozen)
        try:
            with Clock() as remembered:
                assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
            with Clock() as never_asked:
                assert decided(service, POINTS) is None
            assert remembered.took < 1
            assert never_asked.took < AT_MOST_SECONDS
            assert is_alive(service)
            assert "opa" in unready(service)
        finally:
            thaw(frozen)
        wait_until(lambda: decided(service, POINTS) is True)
        wait_until(lambda: unready(service) == set())


def test_a_take_over_that_the_policy_cannot_be_asked_about_changes_nothing(
    liar: tuple[Service, Proxy],
) -> None:
    service, server = liar
    wish = {"person": "mary.jones", "channel": "web", "current_administrator_informed": True}
    address = f"/v1/customers/{SMITHS}"
    before = service.call("GET", address)
    server.spoil = each_answer({"allow": True, "effects": ["person_becomes_administrator"], "reasons": []})
    try:
        assert service.call("POST", f"{address}/administrators", wish).status_code == 503
        server.spoil = each_answer({"effects": ["gives_everything_away"]})
        assert service.call("POST", f"{address}/administrators", wish).status_code == 503
    finally:
        server.spoil = lying_opa.honest
    after = service.call("GET", address)
    assert (after.json(), after.headers["ETag"]) == (before.json(), before.headers["ETag"])


def test_an_opa_that_gets_no_memory_is_started_again_as_soon_as_there_is_some(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    with serve(opa, tmp_path / "service", database_url) as service:
        assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
        first = service.process.pid
        pages = int(Path(f"/proc/{first}/statm").read_text().split()[0])
        # Whatever it starts has no more either.
        limit = pages * resource.getpagesize() + 64 * 1024 * 1024
        resource.prlimit(first, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        os.kill(service.opa(), signal.SIGKILL)
        wait_until(lambda: service.stderr.read_text().count("opa.ended") >= 3)
        # As programs in Go do that get none.
        assert '"how": "status 2"' in service.stderr.read_text()
        assert unready(service) == {"opa"}
        assert (decided(service, OWN_USAGE), decided(service, POINTS)) == (True, None)
        assert is_alive(service)
        resource.prlimit(first, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: decided(service, POINTS) is not None, 10)
        assert unready(service) == set()

"""The whole service as processes: `demo` and `serve` as they are started on a machine."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from authz_service.callers.callers import token_sha256
from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, upgrade
from authz_service.web.decide import DECISION_ID
from tests.conftest import ROOT, SMITH_FAMILY, TOKEN
from tests.ports import free_port
from tests.processes import age_of, is_running, processes_below, wait_until
from tests.services import (
    COMMAND,
    GONE_WITHIN_SECONDS,
    HOST,
    START_SECONDS,
    Service,
    demo,
    environment,
    question,
    started,
)
from tests.signing import ED25519, key_pair

WORKERS = 2
ASKERS = 4
# So many in a row, of whichever worker, that no worker is left that answers as before.
MANY = 200
LIVE_WITHIN_SECONDS = 10.0
# A service whose worker ends again within that time ends itself.
CRASHES_IN_A_ROW_SECONDS = 6.0
FORK_SERVER = "from multiprocessing.forkserver"

DECISION = Path("bundle/authz/decision/decision.rego")
# What is said where no rule grants: before an edit of the policy, and after it.
BEFORE, AFTER = "This cannot be done here.", "That is not done here."


OWN_USAGE = question("mary.jones", "view_usage", "subscription", "mobile-2002")
BILLS = question("mary.jones", "view_bills", "customer", "123456789")
USAGE_OF_A_CUSTOMER = question("philip.smith", "view_usage", "customer", "123456789")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def edited(policies: Path, folder: Path) -> Path:
    """The policies of the demo, for its tests to edit."""
    return shutil.copytree(policies, folder / "policies")


@pytest.fixture(scope="module")
def service(opa: Path, folder: Path, edited: Path) -> Iterator[Service]:
    """One demo for all tests that leave it working, with several workers."""
    with demo(opa, folder, policies=edited, more={"AUTHZ_WORKERS": str(WORKERS)}) as service:
        yield service


def curl_line(printed: str) -> list[str]:
    """The words of the command that the demo prints to try."""
    command = printed[printed.index("\ncurl ") :].strip().partition("\n\n")[0]
    return shlex.split(command)


# a demo that runs


def test_it_prints_where_it_is_and_the_token(service: Service) -> None:
    printed = service.stdout.read_text()
    assert f"Ready at {service.url} " in printed
    assert TOKEN in printed


def test_the_curl_line_that_it_prints_is_answered_with_true(service: Service) -> None:
    words = curl_line(service.stdout.read_text())
    [url] = [word for word in words if word.startswith("http://")]
    headers = dict(words[n + 1].split(": ", 1) for n, word in enumerate(words) if word == "-H")
    body = words[words.index("-d") + 1]
    response = requests.post(url, data=body, headers=headers, timeout=10)
    assert response.status_code == 200
    assert response.json()["decision"] is True


def test_it_answers_by_the_policy(service: Service) -> None:
    assert service.decide(OWN_USAGE)["decision"] is True
    assert service.decide(BILLS)["decision"] is False


def test_without_the_token_it_answers_nobody(service: Service) -> None:
    response = requests.post(f"{service.url}/access/v1/evaluation", json=OWN_USAGE, timeout=10)
    assert response.status_code == 401


def test_all_its_workers_answer_the_same(service: Service) -> None:
    assert len(service.workers()) == WORKERS

    def ask(_: int) -> bytes:
        # A connection of its own may reach any worker.
        headers = dict(service.session.headers)
        return requests.post(f"{service.url}/v1/decide", json=OWN_USAGE, headers=headers, timeout=10).content

    with ThreadPoolExecutor(ASKERS) as threads:
        assert len(set(threads.map(ask, range(60)))) == 1


def test_threads_of_workers_do_not_interrupt_each_other(service: Service) -> None:
    for worker in service.workers():
        threads = [int(task.name) for task in Path(f"/proc/{worker}/task").iterdir()]
        assert len(threads) > 1
        assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_BATCH}
    assert os.sched_getscheduler(service.opa()) == os.SCHED_OTHER


def test_after_opa_was_killed_it_answers_as_before(service: Service) -> None:
    before = service.decide(BILLS)
    killed = service.opa()
    os.kill(killed, signal.SIGKILL)
    never_asked = question("philip.smith", "deactivate_option", "subscription", "internet-1001")
    assert service.decide(never_asked)["context"]["policy_revision"] == before["context"]["policy_revision"]
    assert service.decide(BILLS) == before
    wait_until(lambda: service.processes("opa.sock") not in (set(), {killed}))


def test_workers_that_are_killed_are_replaced(service: Service) -> None:
    before = service.workers()
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    assert_replaced(service, before)


def test_workers_are_replaced_where_what_they_are_forked_from_is_killed(service: Service) -> None:
    # Those of the test before are not to be taken for killed again as soon as they were back.
    wait_until(lambda: min(map(age_of, service.workers())) > CRASHES_IN_A_ROW_SECONDS)
    before = service.workers()
    [forked_from] = service.processes(FORK_SERVER) - before
    # Another one would be copied in mid-step.
    assert len(list(Path(f"/proc/{forked_from}/task").iterdir())) == 1
    os.kill(forked_from, signal.SIGKILL)
    assert_replaced(service, before)
    assert not any(map(is_running, before))


def assert_replaced(service: Service, before: set[int]) -> None:
    wait_until(lambda: len(service.workers() - before) == WORKERS, START_SECONDS)

    def is_answering() -> bool:
        with suppress(requests.ConnectionError):
            return service.decide(OWN_USAGE)["decision"] is True
        return False

    wait_until(is_answering, START_SECONDS)


class Told(NamedTuple):
    """One response: when, its status, and what it says."""

    status: int
    revision: str
    message: str


@contextmanager
def asking(service: Service) -> Iterator[list[Told]]:
    """Threads that ask without a pause what no rule grants; leaving fails with the first of their errors."""
    told: list[Told] = []
    done = threading.Event()

    def ask() -> None:
        with requests.Session() as session:
            session.headers.update(service.session.headers)
            while not done.is_set():
                response = session.post(f"{service.url}/v1/decide", json=USAGE_OF_A_CUSTOMER, timeout=10)
                context = response.json().get("context", {})
                [message] = [reason["message"] for reason in context.get("reasons", [])] or [""]
                revision = context.get("policy_revision", "")
                told.append(Told(response.status_code, revision, message))

    with ThreadPoolExecutor(ASKERS) as threads:
        askers = [threads.submit(ask) for _ in range(ASKERS)]
        try:
            wait_until(lambda: len(told) > ASKERS)
            yield told
        finally:
            done.set()
    for asker in askers:
        asker.result()


def test_a_broken_edit_is_named_and_the_policy_before_goes_on_answering(service: Service, edited: Path) -> None:
    rules = edited / DECISION
    right = rules.read_text()
    revision = service.readiness()["policy"]["revision"]
    line = right.count("\n") + 2
    with asking(service) as told:
        rules.write_text(f"{right}broken :=\n")
        wait_until(lambda: service.readiness()["policy"]["rejected"] != 0)
        broken = service.readiness()["policy"]
        ready = service.call("GET", "/readyz").status_code
        rules.write_text(right)
        wait_until(lambda: service.readiness()["policy"]["rejected"] == 0)
    assert str(edited) not in str(broken)
    assert (broken["ok"], broken["revision"], ready) == (True, revision, 200)
    assert f"{rules}:{line}: " in service.stderr.read_text()
    assert {*told} == {(200, revision, BEFORE)}


def test_a_right_edit_shows_soon_and_no_request_fails_meanwhile(service: Service, edited: Path) -> None:
    rules = edited / DECISION
    right = rules.read_text()
    before = service.readiness()["policy"]["revision"]
    with asking(service) as told:
        rules.write_text(right.replace(BEFORE, AFTER))
        wait_until(lambda: {answer.message for answer in told[-MANY:]} == {AFTER}, LIVE_WITHIN_SECONDS)
    assert {answer.status for answer in told} == {200}
    assert {(answer.revision == before, answer.message) for answer in told} == {(True, BEFORE), (False, AFTER)}


def test_a_port_in_use_is_told_in_a_sentence(service: Service, opa: Path, tmp_path: Path) -> None:
    port = service.url.rpartition(":")[2]
    command = [*COMMAND, "demo", "--port", port, "--state", str(tmp_path)]
    refused = subprocess.run(command, cwd=ROOT, env=environment(opa, {}), capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"{HOST}:{port} cannot be listened on: Address already in use. Choose another with --port.\n"
    )
    assert refused.stdout == ""


# a demo that ends, and another on its state


def test_a_demo_that_is_ended_or_killed_leaves_its_state_and_no_process(
    opa: Path, policies: Path, tmp_path: Path
) -> None:
    option = {"id": "moon-calls", "name": "Calls to the moon", "for": "mobile", "price": "9.00"}

    with demo(opa, tmp_path, policies=policies, data=SMITH_FAMILY) as first:
        assert first.call("PUT", "/v1/options/moon-calls", option).status_code == 201
        below = first.processes()
        assert below >= {first.opa(), *first.workers()}
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(GONE_WITHIN_SECONDS) == 0
        wait_until(lambda: not any(map(is_running, below)), GONE_WITHIN_SECONDS)

    late = tmp_path / "late.yaml"
    late.write_text("people: [{id: late.comer, name: Late Comer, email: late@example.org}]\n")
    with demo(opa, tmp_path, policies=policies, data=late) as second:
        assert second.call("GET", "/v1/options/moon-calls").json() == option
        assert second.decide(OWN_USAGE)["decision"] is True
        assert second.call("GET", "/v1/people/late.comer").status_code == 404
        below = second.processes()
        assert below >= {second.opa(), *second.workers()}
        orphaned = Path(f"/proc/{second.opa()}/cwd").resolve()
        second.process.kill()
        second.process.wait()
        wait_until(lambda: not any(map(is_running, below)), GONE_WITHIN_SECONDS)
        shutil.rmtree(orphaned)


def test_a_demo_that_is_ended_while_it_starts_leaves_nothing(opa: Path, tmp_path: Path) -> None:
    arguments = ["demo", "--port", str(free_port()), "--state", str(tmp_path)]
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=ROOT, env=environment(opa, {}), stderr=subprocess.PIPE
    ) as process:
        wait_until(
            lambda: any("opa.sock" in command for command in processes_below(process.pid).values()), START_SECONDS
        )
        below = processes_below(process.pid)
        [folder] = {Path(f"/proc/{pid}/cwd").resolve() for pid, command in below.items() if "opa.sock" in command}
        process.send_signal(signal.SIGTERM)
        assert process.wait(GONE_WITHIN_SECONDS) == 0
        wait_until(lambda: not any(map(is_running, below)), GONE_WITHIN_SECONDS)
    assert not folder.exists()


def test_ctrl_c_while_a_demo_starts_is_taken_without_a_word_of_python(opa: Path, tmp_path: Path) -> None:
    arguments = ["demo", "--port", str(free_port()), "--state", str(tmp_path)]
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment(opa, {}),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        wait_until(lambda: any(FORK_SERVER in each for each in processes_below(process.pid).values()), START_SECONDS)
        below = processes_below(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=GONE_WITHIN_SECONDS)
    assert (process.returncode, said.strip()) == (1, "Aborted!")
    wait_until(lambda: not any(map(is_running, below)), GONE_WITHIN_SECONDS)


# a worker


def test_a_worker_whose_parent_has_gone_does_not_start() -> None:
    # Forked from one that was forked itself, so that its parent is another one.
    script = f"""{FORK_SERVER} import main
import os
import authz_service.workers
if os.fork() == 0:
    if os.fork() == 0:
        print("started", flush=True)
        os._exit(0)
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_what_was_answered_is_kept_where_all_processes_are_told_to_end_at_once(
    opa: Path, policies: Path, tmp_path: Path
) -> None:
    settings = {"AUTHZ_JOURNAL": "buffered", "AUTHZ_WORKERS": str(WORKERS)}
    with demo(opa, tmp_path, policies=policies, more=settings) as ending:
        answered = [ending.call("POST", "/v1/decide", OWN_USAGE).headers[DECISION_ID] for _ in range(50)]
        for each in {ending.process.pid, *ending.processes()}:
            # One that only does something for a moment may have ended by itself.
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGTERM)
        assert ending.process.wait(GONE_WITHIN_SECONDS) == 0
    kept = b"".join(segment.read_bytes() for segment in tmp_path.glob("**/0*.journal"))
    assert [each for each in answered if each.encode() not in kept] == []


# serve


def test_serve_without_callers_does_not_start(opa: Path, tmp_path: Path) -> None:
    environ = environment(opa, {"AUTHZ_DATABASE_URL": f"sqlite:///{tmp_path / 'authz.db'}"})
    refused = subprocess.run([*COMMAND, "serve"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith("AUTHZ_CALLERS: is not set, so nobody could call. ")
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "authz.db").exists()


@pytest.fixture
def verifying(opa: Path, tmp_path: Path) -> dict[str, str]:
    """The settings of a service with the Smith family that takes signed bundles alone."""
    callers = tmp_path / "callers.yaml"
    callers.write_text(f"callers: [{{name: tests, token_sha256: '{token_sha256(TOKEN)}', scopes: [decide]}}]\n")
    database = connect(f"sqlite:///{tmp_path / 'authz.db'}")
    upgrade(database)
    import_files(database, [SMITH_FAMILY], key_finder(None, database))
    database.dispose()
    settings = {
        "AUTHZ_DATABASE_URL": f"sqlite:///{tmp_path / 'authz.db'}",
        "AUTHZ_CALLERS": str(callers),
        "AUTHZ_BUNDLE_VERIFICATION_KEY": str(key_pair(tmp_path, "key", ED25519).public),
    }
    return environment(opa, settings)


def test_serve_takes_no_folder_where_policies_have_to_be_signed(verifying: dict[str, str], policies: Path) -> None:
    environ = {**verifying, "AUTHZ_POLICIES": str(policies)}
    serve = [*COMMAND, "serve", "--port", str(free_port())]
    refused = subprocess.run(serve, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"{policies}: is a folder, and nobody signs those; with AUTHZ_BUNDLE_VERIFICATION_KEY, " in refused.stderr
    assert "Traceback" not in refused.stderr


def test_serve_answers_by_a_signed_bundle(verifying: dict[str, str], policies: Path, tmp_path: Path) -> None:
    bundle, port = tmp_path / "bundle.tar.gz", free_port()
    options = ["--output", str(bundle), "--signing-key", str(tmp_path / "key.pem")]
    build = [*COMMAND, "policy", "build", str(policies), *options]
    built = subprocess.run(build, cwd=ROOT, env=verifying, capture_output=True, text=True, check=True)

    def ready(_: Path, stderr: Path) -> bool:
        return f"Ready at http://{HOST}:{port}\n" in stderr.read_text()

    environ = {**verifying, "AUTHZ_POLICIES": str(bundle)}
    with started(
        ["serve", "--port", str(port)], environ, tmp_path / "serve", ready, f"http://{HOST}:{port}"
    ) as service:
        decided = service.decide(OWN_USAGE)
    assert decided["decision"] is True
    assert decided["context"]["policy_revision"] == built.stdout.strip()


def test_serve_asks_a_sidecar_that_has_loaded_a_bundle(opa: Path, policies: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    build = [*COMMAND, "policy", "build", str(policies), "--output", str(bundle)]
    built = subprocess.run(build, cwd=ROOT, env=environment(opa, {}), capture_output=True, text=True, check=True)
    callers = tmp_path / "callers.yaml"
    callers.write_text(f"callers: [{{name: tests, token_sha256: '{token_sha256(TOKEN)}', scopes: [decide]}}]\n")
    database = connect(f"sqlite:///{tmp_path / 'authz.db'}")
    upgrade(database)
    import_files(database, [SMITH_FAMILY], key_finder(None, database))
    database.dispose()
    sidecar_url, port = f"http://{HOST}:{free_port()}", free_port()
    environ = environment(
        opa,
        {
            "AUTHZ_DATABASE_URL": f"sqlite:///{tmp_path / 'authz.db'}",
            "AUTHZ_CALLERS": str(callers),
            "AUTHZ_OPA_URL": sidecar_url,
        },
    )
    sidecar = [str(opa), "run", "--server", "--addr", sidecar_url, "--skip-version-check", "--bundle", str(bundle)]

    def ready(_: Path, stderr: Path) -> bool:
        return f"Ready at http://localhost:{port}\n" in stderr.read_text()

    with subprocess.Popen(sidecar, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running_sidecar:
        try:
            serve = ["serve", "--host", "localhost", "--port", str(port)]
            with started(serve, environ, tmp_path / "serve", ready, f"http://localhost:{port}") as service:
                decided = service.decide(OWN_USAGE)
                assert decided["decision"] is True
                assert decided["context"]["policy_revision"] == built.stdout.strip()
                assert service.processes("opa.sock") == set()
        finally:
            running_sidecar.kill()

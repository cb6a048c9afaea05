"""The pods of the overlays, run as processes: what they decide by, what keeps them from it, their volumes."""

import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from sqlalchemy import Engine

from authz_service.handbook.book import Sources, read_book
from authz_service.settings import read_settings
from authz_service.storage.database import connect, is_current
from tests.bundle_server import BundleServer
from tests.conftest import SMITH_FAMILY
from tests.deploy.conftest import do_as_told
from tests.deploy.manifests import Manifest, pod_templates
from tests.deploy.pods import Node, Pod, containers_of, is_well, run_to_its_end, running_pod
from tests.deploy.running import command_line, run_in, running
from tests.failures.disks import filled, small_disk
from tests.mail import MailServerForTests
from tests.postgresql import PostgreSQL
from tests.processes import wait_until
from tests.services import question
from tests.signing import P_256, files_of, key_pair

Overlays = dict[str, list[Manifest]]


class Cluster(NamedTuple):
    """What an overlay is applied to.

    Attributes:
        node: Where its pods run.
        manifests: Its objects, with the addresses of this test.
        token: That of the only caller.
    """

    node: Node
    manifests: list[Manifest]
    token: str

    def template(self, owner: str) -> Manifest:
        found: Manifest = pod_templates(self.manifests)[owner]
        return found

    def service(self) -> Manifest:
        return self.template("StatefulSet/authz")


Apply = Callable[[str], Cluster]


@pytest.fixture
def node(short_folder: Path, opa: Path, free_port: Callable[[], int]) -> Node:
    (short_folder / "node").mkdir()
    return Node(short_folder / "node", opa, free_port, {}, {})


@pytest.fixture
def apply(
    overlays: Overlays,
    node: Node,
    policies: Path,
    postgresql: PostgreSQL,
    mail_server: MailServerForTests,
    bundle_server: BundleServer,
) -> Apply:
    """Does what the page says before an overlay is applied; database, mail and bundle server are on this machine."""

    def apply(overlay: str) -> Cluster:
        made = node.folder / "made"
        made.mkdir()
        do_as_told("kubernetes.md", made, policies)
        shutil.copy(made / "bundle.tar.gz", bundle_server.folder)
        (made / "database-url").write_text(f"{postgresql.new_database()}\n")
        (made / "smtp-url").write_text(mail_server.url)
        manifests = deepcopy(overlays[overlay])
        [sidecar] = [each["data"] for each in manifests if "bundle-server" in each.get("data", {})]
        sidecar["bundle-server"] = bundle_server.url
        files = {path.name: path.read_bytes() for path in made.iterdir()}
        fed = node._replace(secrets={"authz": files}, config_maps={"authz-publisher": files})
        return Cluster(fed, manifests, (made / "token").read_text())

    return apply


def ask(pod: Pod, cluster: Cluster, times: int = 1) -> requests.Response:
    """Whether Mary may see the usage of her own mobile."""
    bearer = {"Authorization": f"Bearer {cluster.token}"}
    asked = question("mary.jones", "view_usage", "subscription", "mobile-2002")
    if times == 1:
        return requests.post(f"{pod.url}/access/v1/evaluation", json=asked, headers=bearer, timeout=5)
    asked["evaluations"] = [{}] * times
    return requests.post(f"{pod.url}/access/v1/evaluations", json=asked, headers=bearer, timeout=60)


def bring_in_the_smiths(pod: Pod, cluster: Cluster) -> None:
    words = ("customers", "import", str(SMITH_FAMILY))
    run_in(pod.containers["service"], cluster.node.opa, cluster.node.folder, *words)


def test_production_decides_by_the_signed_policy_and_its_pages_are_of_it(apply: Apply) -> None:
    cluster = apply("production")
    assert run_to_its_end(cluster.template("Job/authz-migration"), cluster.manifests, cluster.node) == 0
    url = cluster.node.secrets["authz"]["database-url"].decode().strip()
    with closing_database(url) as database:
        assert is_current(database)
    with running_pod(cluster.service(), cluster.manifests, cluster.node) as pod:
        assert ask(pod, cluster).json()["decision"] is False
        bring_in_the_smiths(pod, cluster)
        answer = ask(pod, cluster)
        assert (answer.status_code, answer.json()["decision"]) == (200, True)
        _, environ = command_line(pod.containers["service"], cluster.node.opa, cluster.node.folder)
        settings = read_settings({name: value for name, value in environ.items() if name.startswith("AUTHZ_")})
        assert (settings.database_url, settings.workers) == (url, 2)
        assert read_book(Sources(settings.policies, None)).revision == answer.json()["context"]["policy_revision"]
        assert any(settings.journal_folder.glob("*/*.journal"))  # type: ignore[union-attr]  # it is set
        diagnostic = f"http://127.0.0.1:{pod.containers['opa'].ports[8282]}"
        for numbers in (f"{pod.url}/metrics", f"{diagnostic}/metrics"):
            assert requests.get(numbers, timeout=5).status_code == 200
        # On the network OPA has its health and its metrics, and not even the service's question.
        assert requests.get(f"{diagnostic}/v1/policies", timeout=5).status_code == 401
        asked = requests.post(f"{diagnostic}/v1/data/authz_service/ask?provenance=true", json={}, timeout=5)
        assert asked.status_code == 404


def test_a_replica_starts_from_its_volume_while_the_bundle_server_is_away(
    apply: Apply, bundle_server: BundleServer
) -> None:
    cluster = apply("try")
    with running_pod(cluster.service(), cluster.manifests, cluster.node) as pod:
        bring_in_the_smiths(pod, cluster)
        first = ask(pod, cluster)
        assert (first.status_code, first.json()["decision"]) == (200, True)
    (bundle_server.folder / "bundle.tar.gz").unlink()
    with running_pod(cluster.service(), cluster.manifests, cluster.node) as pod:
        assert ask(pod, cluster).json() == first.json()


@pytest.mark.parametrize("spoil", ["signed by another", "not signed", "not there"])
def test_without_a_policy_of_the_publisher_the_service_is_not_started(
    apply: Apply, bundle_server: BundleServer, spoil: str, tmp_path: Path
) -> None:
    cluster = apply("try")
    if spoil == "signed by another":
        other = key_pair(tmp_path, "other", P_256).public.read_bytes()
        config_maps = {"authz-publisher": {"public.pem": other}}
        cluster = cluster._replace(node=cluster.node._replace(config_maps=config_maps))
    elif spoil == "not signed":
        make_unsigned(bundle_server.folder / "bundle.tar.gz")
    else:
        (bundle_server.folder / "bundle.tar.gz").unlink()
    [container] = cluster.service()["spec"]["initContainers"]
    made = containers_of(cluster.service(), cluster.manifests, cluster.node)["opa"]
    log = cluster.node.folder / "opa.log"
    with running(made, cluster.node.opa, log) as opa:
        wait_until(lambda: is_well(container, "livenessProbe", made, opa), 30)
        wait_until(lambda: "Bundle load failed" in log.read_text(), 30)
        assert not is_well(container, "startupProbe", made, opa)


# its volume


def test_a_replica_whose_volume_is_lost_begins_anew_and_what_the_database_has_of_it_is_verified(apply: Apply) -> None:
    cluster = apply("production")
    assert run_to_its_end(cluster.template("Job/authz-migration"), cluster.manifests, cluster.node) == 0
    with running_pod(cluster.service(), cluster.manifests, cluster.node) as pod:
        before = ask(pod, cluster).headers["Decision-Id"]
    shutil.rmtree(cluster.node.folder / "state")
    with running_pod(cluster.service(), cluster.manifests, cluster.node) as pod:
        after = ask(pod, cluster).headers["Decision-Id"]
        bearer = {"Authorization": f"Bearer {cluster.token}"}
        for decision in (before, after):
            kept = f"{pod.url}/v1/decisions/{decision}"
            wait_until(partial(has_status, 200, kept, bearer))
        run_in(pod.containers["service"], cluster.node.opa, cluster.node.folder, "journal", "verify")


def test_a_full_volume_has_room_again_by_archiving_and_not_by_pruning(apply: Apply) -> None:
    cluster = apply("production")
    assert run_to_its_end(cluster.template("Job/authz-migration"), cluster.manifests, cluster.node) == 0
    [settings] = [each["data"] for each in cluster.manifests if "AUTHZ_WORKERS" in each.get("data", {})]
    # One writes a segment full sooner than two.
    settings["AUTHZ_WORKERS"] = "1"
    with (
        small_disk(cluster.node.folder / "state", megabytes=64) as disk,
        running_pod(cluster.service(), cluster.manifests, cluster.node) as pod,
    ):
        ready = f"{pod.url}/readyz"
        while not list(disk.rglob("00000002.journal")):
            assert ask(pod, cluster, times=10_000).status_code == 200
        wait_until(lambda: requests.get(ready, timeout=5).json()["checks"]["journal"]["behind_bytes"] == 0)
        with filled(disk):
            # As many as fit in the last page of the file may still be kept.
            wait_until(lambda: ask(pod, cluster).status_code == 503)
            wait_until(partial(has_status, 503, ready))
            assert result_of(pod, cluster, "journal", "prune", "--before", "2100-01-01") == 1
            assert result_of(pod, cluster, "journal", "archive", "--to", "archive") == 0
            wait_until(partial(has_status, 200, ready))
            assert ask(pod, cluster).status_code == 200
        assert list((cluster.node.folder / "archive").rglob("00000001.journal"))
        assert result_of(pod, cluster, "journal", "verify", "--archive", "archive") == 0


def has_status(status: int, url: str, headers: Mapping[str, str] | None = None) -> bool:
    return requests.get(url, headers=headers, timeout=5).status_code == status


def result_of(pod: Pod, cluster: Cluster, *words: str) -> int:
    """The exit status of a command where the service of the pod runs."""
    beside = replace(pod.containers["service"], name="beside", words=words, ports={})
    with running(beside, cluster.node.opa, cluster.node.folder / "beside.log") as process:
        return process.wait(60)


@contextmanager
def closing_database(url: str) -> Iterator[Engine]:
    database = connect(url)
    try:
        yield database
    finally:
        database.dispose()


def make_unsigned(bundle: Path) -> None:
    """Takes the signature out of a bundle."""
    files = files_of(bundle)
    with tarfile.open(bundle, "w:gz") as archive:
        for name, content in files.items():
            if not name.endswith(".signatures.json"):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, BytesIO(content))

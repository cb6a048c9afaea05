"""`deploy/compose.yaml`: what Compose makes of it keeps its promises, and its containers run."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from authz_service.settings import KNOWN
from tests.bundle_server import BundleServer
from tests.conftest import ROOT, SMITH_FAMILY
from tests.deploy.conftest import OPERATE, do_as_told
from tests.deploy.running import Container, run_in, running
from tests.mail import MailServerForTests
from tests.postgresql import PostgreSQL
from tests.processes import wait_until
from tests.services import question

DEPLOY = ROOT / "deploy"
OURS = ("service", "opa", "migrate")
Model = dict[str, Any]


def services(model: Model) -> Iterator[tuple[str, Model]]:
    yield from model["services"].items()


# what is written in it


def test_nothing_gets_more_rights_than_it_needs(compose: Model) -> None:
    for name, service in services(compose):
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
        assert {"mem_limit", "cpus", "pids_limit"} <= set(service), name
    # Its entrypoint gives the folder to its user and becomes that.
    extra = {name: service["cap_add"] for name, service in services(compose) if "cap_add" in service}
    assert extra == {"postgres": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]}


def test_what_is_published_is_for_this_machine_alone(compose: Model) -> None:
    published = {(name, port["published"]) for name, service in services(compose) for port in service.get("ports", [])}
    assert published == {("service", "8080"), ("mailpit", "8025"), ("prometheus", "9090"), ("grafana", "3000")}
    assert all(port["host_ip"] == "127.0.0.1" for _, each in services(compose) for port in each.get("ports", []))


def test_only_what_is_published_has_a_way_out_and_each_reaches_what_it_needs(compose: Model) -> None:
    assert {name for name, network in compose["networks"].items() if not network.get("internal")} == {"front"}
    members = {
        network: {name for name, service in services(compose) if network in service["networks"]}
        for network in compose["networks"]
    }
    assert members == {
        "front": {"service", "mailpit", "prometheus", "grafana"},
        "data": {"service", "migrate", "postgres"},
        "mail": {"service", "mailpit"},
        "policies": {"opa", "policies"},
        "watch": {"service", "opa", "prometheus", "grafana"},
    }


def test_secrets_are_files_that_git_does_not_have_and_none_is_written_here(compose: Model) -> None:
    assert all(Path(secret["file"]).is_relative_to(DEPLOY / "secrets") for secret in compose["secrets"].values())
    ignored = subprocess.run(
        ["git", "check-ignore", *(secret["file"] for secret in compose["secrets"].values()), DEPLOY / "policies/x.pem"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert len(ignored.stdout.splitlines()) == len(compose["secrets"]) + 1
    assert not re.search(r"(?i)(password|secret|token|key)\S*: (?!/run/secrets|\{?file|&|\[)\S", _text())


def test_every_setting_is_one_that_is_read(compose: Model) -> None:
    for name in OURS:
        assert {each for each in compose["services"][name].get("environment") or {} if each not in KNOWN} == set()


def test_the_socket_is_for_the_service_and_opa_alone(compose: Model) -> None:
    having = {
        name for name, each in services(compose) for mount in each.get("volumes", []) if mount.get("source") == "socket"
    }
    assert having == {"service", "opa"}
    assert "mode=0700" in compose["volumes"]["socket"]["driver_opts"]["o"]


def test_images_are_named_in_one_place_and_none_is_whatever_is_newest(compose: Model) -> None:
    named = dict(line.split("=", 1) for line in (DEPLOY / ".env").read_text().splitlines() if "=" in line)
    assert set(re.findall(r"image: (.*)", _text())) == {f"${{{name}:?}}" for name in named}
    others = {service["image"] for name, service in services(compose) if name not in OURS}
    assert all(
        re.search(r":[\w.-]*\d|@sha256:[0-9a-f]{64}$", image) and not image.endswith("latest") for image in others
    )


def test_an_image_may_be_named_by_digest_as_the_page_says(compose_loader: Path, tmp_path: Path) -> None:
    [told] = re.findall(r"`(\w+=\S+@sha256:)…`", (OPERATE / "compose.md").read_text())
    variable, _, image = told.partition("=")
    shutil.copy(DEPLOY / "compose.yaml", tmp_path)
    named, count = re.subn(rf"^{variable}=.*", f"{told}{'0' * 64}", (DEPLOY / ".env").read_text(), flags=re.MULTILINE)
    assert count == 1
    (tmp_path / ".env").write_text(named)
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run([compose_loader, "compose.yaml"], cwd=tmp_path, env=environ, capture_output=True, check=True)
    assert f"{image}{'0' * 64}" in {service["image"] for _, service in services(json.loads(done.stdout))}


def test_every_file_that_is_mounted_is_there_or_made_as_the_page_says(compose: Model, told: Path) -> None:
    for name, service in services(compose):
        for mount in service.get("volumes", []):
            if mount["type"] == "bind":
                assert _here(mount["source"], told).exists(), f"{name}: {mount['source']}"
    for secret in compose["secrets"].values():
        assert _here(secret["file"], told).is_file(), secret


def test_without_its_variables_it_is_refused(compose_loader: Path, tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "compose.yaml", tmp_path)
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run([compose_loader, "compose.yaml"], cwd=tmp_path, env=environ, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"AUTHZ_IMAGE is missing" in done.stderr


def test_prometheus_and_grafana_read_what_there_is(compose: Model) -> None:
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    targets = {
        target for job in config["scrape_configs"] for each in job["static_configs"] for target in each["targets"]
    }
    assert targets == {"service:8080", "opa:8282"}
    listening = {(name, port) for name in OURS for port in _listening(compose["services"][name])}
    assert {(name, int(port)) for name, port in (target.split(":") for target in targets)} == listening
    [source] = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    provided = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/authz-service.yaml").read_text())["providers"]
    mounted = {mount["target"] for mount in compose["services"]["grafana"]["volumes"]}
    assert {provider["options"]["path"] for provider in provided} <= mounted


# what it runs


@pytest.fixture
def told(short_folder: Path, policies: Path) -> Path:
    """A folder in which all has been done that the page says before the start."""
    folder = short_folder / "deploy"
    folder.mkdir()
    do_as_told("compose.md", folder, policies)
    return folder


def test_its_containers_run_until_the_service_decides_by_the_signed_policy(
    compose: Model,
    told: Path,
    opa: Path,
    postgresql: PostgreSQL,
    mail_server: MailServerForTests,
    free_port: Callable[[], int],
) -> None:
    bundles = BundleServer(told / "nginx")
    shutil.copy(told / "policies/served/bundle.tar.gz", bundles.folder)
    bundles.up()
    hosts = {"http://policies:8080": bundles.url, "smtp://mailpit:1025": mail_server.url}
    database = told / "secrets" / "database-url"
    assert re.fullmatch(r"postgresql\+psycopg://authz:[0-9a-f]{64}@postgres/authz\n", database.read_text())
    database.chmod(0o600)
    database.write_text(postgresql.new_database())
    made = {name: _container(name, compose, told, hosts, free_port) for name in OURS}
    with ExitStack() as started:
        started.callback(bundles.down)
        migrated = started.enter_context(running(made["migrate"], opa, told / "migrate.log"))
        assert migrated.wait(60) == 0
        started.enter_context(running(made["opa"], opa, told / "opa.log"))
        health = f"http://127.0.0.1:{made['opa'].ports[8282]}/health?bundles"
        assert "http://127.0.0.1:8282/health?bundles" in compose["services"]["opa"]["healthcheck"]["test"][-1]
        wait_until(lambda: _status(health) == 200, 30)
        service = started.enter_context(running(made["service"], opa, told / "service.log"))
        url = f"http://127.0.0.1:{made['service'].ports[8080]}"
        wait_until(lambda: service.poll() is not None or _status(f"{url}/readyz") == 200, 60)
        assert service.poll() is None, (told / "service.log").read_text()
        bearer = {"Authorization": f"Bearer {(told / 'token').read_text()}"}
        run_in(made["service"], opa, told, "customers", "import", str(SMITH_FAMILY))
        asked = question("mary.jones", "view_usage", "subscription", "mobile-2002")
        answer = requests.post(f"{url}/access/v1/evaluation", json=asked, headers=bearer, timeout=5)
        assert (answer.status_code, answer.json()["decision"]) == (200, True)


def _container(name: str, model: Model, told: Path, hosts: dict[str, str], free_port: Callable[[], int]) -> Container:
    service = model["services"][name]
    words = [*(service["entrypoint"] or []), *service["command"]]
    environ = dict(service.get("environment") or {})
    for host, there in hosts.items():
        words = [word.replace(host, there) for word in words]
        environ = {variable: value.replace(host, there) for variable, value in environ.items()}
    mounts: dict[str, Path] = {}
    for mount in service.get("volumes", []):
        if mount["type"] == "volume":
            place = told / "volumes" / mount["source"]
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            place = _here(mount["source"], told)
        mounts[mount["target"]] = place
    for secret in service.get("secrets", []):
        mounts[secret["target"]] = _here(model["secrets"][secret["source"]]["file"], told)
    return Container(name, words, environ, mounts, {port: free_port() for port in _listening(service)})


def _listening(service: Model) -> list[int]:
    return [port["target"] for port in service.get("ports", [])] + [int(port) for port in service.get("expose", [])]


def _here(place: str, told: Path) -> Path:
    """Where a file beside the Compose file is: what the page has made, or what is in the checkout."""
    relative = Path(place).relative_to(DEPLOY)
    return told / relative if (told / relative).exists() else DEPLOY / relative


def _status(url: str) -> int:
    try:
        return requests.get(url, timeout=5).status_code
    except requests.ConnectionError:
        return 0


def _text() -> str:
    return (DEPLOY / "compose.yaml").read_text()

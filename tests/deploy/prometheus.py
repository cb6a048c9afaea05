"""Prometheus itself, with the configuration of `deploy/`, while a test asks it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.conftest import ROOT
from tests.ports import free_port
from tests.processes import wait_until
from tools.setup_pinned import MONITORING, pinned_programs

CONFIGURATION = ROOT / "deploy" / "prometheus" / "prometheus.yml"


def find_programs() -> dict[str, Path]:
    """Prometheus and promtool, built where they are not there."""
    return pinned_programs(MONITORING, ROOT, os.environ, Path(sys.executable))


@contextmanager
def prometheus(program: Path, folder: Path, targets: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Where it is while the block lasts, with the configuration as it comes but for the addresses and more often.

    Args:
        program: Prometheus.
        folder: Where it keeps everything.
        targets: Which addresses it reads, by the name of the job; the other jobs are left out.
    """
    configuration = yaml.safe_load(CONFIGURATION.read_text())
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(CONFIGURATION.parent / file) for file in configuration["rule_files"]]
    configuration["scrape_configs"] = [
        {**job, "static_configs": [{"targets": list(targets[job["job_name"]])}]}
        for job in configuration["scrape_configs"]
        if job["job_name"] in targets
    ]
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(yaml.safe_dump(configuration))
    arguments = [
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen([program, *arguments], stderr=log, stdout=log) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: is_ready(url) or process.poll() is not None, 30)
            assert process.poll() is None, (folder / "log").read_text()
            yield url
        finally:
            process.terminate()


def is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def query(url: str, expression: str) -> list[dict[str, Any]]:
    """The series that an expression has now."""
    return _result(url, "query", {"query": expression})


def query_range(url: str, expression: str, seconds: float, step: int = 5) -> list[dict[str, Any]]:
    """The series that it had in the last seconds."""
    now = float(query(url, "vector(time())")[0]["value"][1])
    return _result(
        url, "query_range", {"query": expression, "start": str(now - seconds), "end": str(now), "step": str(step)}
    )


def rules(url: str) -> list[dict[str, Any]]:
    """The alerts that it works out, with what it says of each."""
    groups = requests.get(f"{url}/api/v1/rules", timeout=10).json()["data"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def firing(url: str) -> dict[str, dict[str, Any]]:
    """The alerts that fire, by name."""
    told = requests.get(f"{url}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
    return {each["labels"]["alertname"]: each for each in told if each["state"] == "firing"}


def _result(url: str, kind: str, parameters: dict[str, str]) -> list[dict[str, Any]]:
    answer = requests.get(f"{url}/api/v1/{kind}", params=parameters, timeout=10).json()
    assert answer["status"] == "success", answer
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found

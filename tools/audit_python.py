"""Python packages: what pip-audit knows of them, and what the index that pip uses says of their releases."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from tools.audit_source import NotAsked, read_json, run

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
_SIMPLE = "application/vnd.pypi.simple.v1+json"
# Where nobody has set another; pip alone knows it.
_DEFAULT_INDEX = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
_GIVEN_UP = {"archived", "deprecated", "quarantined"}
_PATIENCE_SECONDS = 20.0
_AT_ONCE = 8


def locked(locks: Sequence[Path]) -> dict[str, set[str]]:
    """The versions of each package in some lock files."""
    found: dict[str, set[str]] = {}
    for lock in locks:
        for name, version in _PINNED.findall(lock.read_text()):
            found.setdefault(name.lower(), set()).add(version)
    return dict(sorted(found.items()))


def vulnerabilities(locks: Sequence[Path]) -> list[str]:
    """What the index's advisories, or else those of OSV, say of the packages."""
    reasons = []
    for service in ("pypi", "osv"):
        try:
            return sorted({finding for lock in locks for finding in _audited(lock, service)})
        except NotAsked as error:
            reasons.append(f"{service}: {error}")
    raise NotAsked("; ".join(reasons))


def _audited(lock: Path, service: str) -> list[str]:
    options = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "--vulnerability-service", service]
    command: list[str | Path] = [sys.executable, "-m", "pip_audit", "--requirement", lock, *options, "--format", "json"]
    return advisories(read_json(run(command, lock.parent)))


def advisories(report: Mapping[str, Any]) -> list[str]:
    """What pip-audit reports.

    Raises:
        NotAsked: It knows nothing of a package, which it tells as no failure.
    """
    packages = report["dependencies"]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped:
        raise NotAsked(f"it knows nothing of {len(skipped)} of {len(packages)} packages, {skipped[0]} among them")
    return [
        f"{package['name']} {package['version']}: {advisory['id']}, mended in"
        f" {', '.join(advisory['fix_versions']) or 'none'}"
        for package in packages
        for advisory in package["vulns"]
    ]


def withdrawn(locks: Sequence[Path], index: str | None = None) -> list[str]:
    """Which locked releases are yanked (PEP 592) or gone, and which projects are given up (PEP 792).

    Args:
        locks: The lock files.
        index: The index; the one of pip, if left out. It may have a password in it, and is not told.
    """
    place = index or _index_of_pip()
    with requests.Session() as session, ThreadPoolExecutor(_AT_ONCE) as threads:
        asked = locked(locks).items()
        found = threads.map(lambda one: _withdrawn(session, place, *one), asked)
        return [finding for findings in found for finding in findings]


def _index_of_pip() -> str:
    for command in (["-m", "pip", "config", "get", "global.index-url"], ["-c", _DEFAULT_INDEX]):
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
    raise NotAsked("pip does not say which index it uses")


def _withdrawn(session: requests.Session, index: str, name: str, versions: set[str]) -> list[str]:
    try:
        answer = session.get(f"{index.rstrip('/')}/{name}/", headers={"Accept": _SIMPLE}, timeout=_PATIENCE_SECONDS)
    except requests.RequestException as error:
        raise NotAsked(f"the index of pip does not answer ({type(error).__name__})") from error
    if not answer.headers.get("Content-Type", "").startswith(_SIMPLE):
        raise NotAsked(f"the index of pip has no JSON of {name} (HTTP {answer.status_code})")
    return list(_findings(answer.json(), name, versions))


def _findings(project: Mapping[str, Any], name: str, versions: set[str]) -> Iterator[str]:
    status = project.get("project-status", {})
    if status.get("status") in _GIVEN_UP:
        yield f"{name}: the project is {status['status']}. {status.get('reason', '')}".strip()
    for version in sorted(versions):
        files = [file for file in project["files"] if _is_of(file["filename"], name, version)]
        yanked = [file["yanked"] for file in files if file.get("yanked")]
        if not files:
            yield f"{name} {version}: is gone from the index"
        elif len(yanked) == len(files):
            yield f"{name} {version}: is yanked. {yanked[0] if isinstance(yanked[0], str) else ''}".strip()


def _is_of(filename: str, name: str, version: str) -> bool:
    """Whether a file is of that release: wheels and sdists begin with both, spelled in some ways."""
    spelled = "[-_.]+".join(map(re.escape, re.split(r"[-_.]+", name)))
    return bool(re.match(rf"{spelled}-{re.escape(version)}(-|\.tar\.gz$|\.zip$)", filename, re.IGNORECASE))

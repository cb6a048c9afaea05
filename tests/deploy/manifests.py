"""What Kustomize makes of `deploy/kubernetes`, and how its parts are found."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = {
    "production": ["overlays/production", "overlays/production/migration"],
    "try": ["overlays/try"],
}
"""The folders that are applied, by the overlay."""

Manifest = dict[str, Any]


def build(kustomize: Path, folders: list[str]) -> list[Manifest]:
    """All objects of some folders."""
    objects: list[Manifest] = []
    for folder in folders:
        done = subprocess.run([kustomize, "build", KUBERNETES / folder], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert not done.stderr, done.stderr
        objects += yaml.safe_load_all(done.stdout)
    return objects


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    [found] = [manifest for manifest in of_kind(manifests, kind) if manifest["metadata"]["name"] == name]
    return found


def pod_templates(manifests: list[Manifest]) -> dict[str, Manifest]:
    """The template of each kind of pod, by the name of what makes them."""
    return {
        f"{each['kind']}/{each['metadata']['name']}": each["spec"]["template"]
        for each in manifests
        if "template" in each.get("spec", {})
    }


def containers(template: Manifest) -> list[Manifest]:
    spec = template["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def all_containers(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Each container with its name and the template that it is in."""
    for owner, template in pod_templates(manifests).items():
        for container in containers(template):
            yield f"{owner}/{container['name']}", container, template


def environment(container: Manifest, manifests: list[Manifest]) -> dict[str, str]:
    """What the container's variables are set to; only what is no secret can be known."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= named(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container.get("env", []):
        found[variable["name"]] = variable["value"] if "value" in variable else _referred(variable, manifests)
    return found


def _referred(variable: Mapping[str, Any], manifests: list[Manifest]) -> str:
    reference = variable["valueFrom"]["configMapKeyRef"]
    value: str = named(manifests, "ConfigMap", reference["name"])["data"][reference["key"]]
    return value

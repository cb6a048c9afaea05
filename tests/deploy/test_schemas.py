"""Manifests are what the oldest and the newest supported Kubernetes take, and a linter has nothing against them."""

import json
import subprocess
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.deploy.manifests import Manifest, named, of_kind

OLDEST, NEWEST = "1.33", "1.37"
# What Prometheus Operator adds to Kubernetes.
OPERATOR = {
    kind: Draft202012Validator(json.loads((Path(__file__).with_name("schemas") / f"{kind.lower()}.json").read_text()))
    for kind in ("ServiceMonitor", "PrometheusRule")
}


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_each_is_what_kubernetes_takes(manifests: list[Manifest], version: str) -> None:
    for manifest in manifests:
        if manifest["kind"] in OPERATOR:
            OPERATOR[manifest["kind"]].validate(manifest)
        else:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_a_misspelt_field_is_found(overlays: dict[str, list[Manifest]]) -> None:
    stateful = deepcopy(named(overlays["production"], "StatefulSet", "authz"))
    stateful["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(stateful, NEWEST, strict=True)
    [monitor] = deepcopy(of_kind(overlays["production"], "ServiceMonitor"))
    monitor["spec"]["endpoints"][0]["pathname"] = "/metrics"
    assert not OPERATOR["ServiceMonitor"].is_valid(monitor)
    [rule] = deepcopy(of_kind(overlays["production"], "PrometheusRule"))
    rule["spec"]["groups"][0]["rules"][0]["runbook_url"] = "it is an annotation"
    assert not OPERATOR["PrometheusRule"].is_valid(rule)


# What is not as the linter wishes, and why.
ACCEPTED = {
    "container-image-pull-policy": "what is pinned by digest need not be pulled again, and tags are for trying",
    "statefulset-has-host-podantiaffinity": "topologySpreadConstraints spread replicas, on fewer nodes too",
    "deployment-replicas": "the only Deployment is the bundle server of a trial",
}


def test_a_linter_has_nothing_to_say(kube_score: Path, manifests: list[Manifest]) -> None:
    assert findings(kube_score, manifests) == []


@pytest.mark.parametrize("accepted", ACCEPTED)
def test_what_is_accepted_is_what_it_says(accepted: str, kube_score: Path, overlays: dict[str, list[Manifest]]) -> None:
    others = [each for each in ACCEPTED if each != accepted]
    assert any(findings(kube_score, each, others) for each in overlays.values())


def test_the_linter_would_have(kube_score: Path, overlays: dict[str, list[Manifest]]) -> None:
    careless = deepcopy(overlays["try"])
    [container] = named(careless, "StatefulSet", "authz")["spec"]["template"]["spec"]["containers"]
    del container["resources"]["limits"], container["securityContext"]
    assert findings(kube_score, careless)


def findings(kube_score: Path, manifests: list[Manifest], accepted: Iterable[str] = ACCEPTED) -> list[str]:
    """What a linter criticises or warns of, a line each."""
    ignored = [word for test in accepted for word in ("--ignore-test", test)]
    done = subprocess.run(
        [kube_score, "score", "--output-format", "ci", "--exit-one-on-warning", *ignored, "-"],
        input=yaml.safe_dump_all(manifests),
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    told = [line for line in done.stdout.splitlines() if not line.startswith(("[OK]", "[SKIPPED]"))]
    assert bool(told) == bool(done.returncode), done.stdout
    return told

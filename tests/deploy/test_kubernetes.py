"""`deploy/kubernetes`: what Kustomize makes of each overlay keeps its promises."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask

from authz_service import __version__
from authz_service.cli.main import cli
from authz_service.cli.serve import serve
from authz_service.settings import KNOWN
from tests.conftest import ROOT
from tests.deploy.conftest import OPERATE
from tests.deploy.manifests import (
    KUBERNETES,
    Manifest,
    all_containers,
    build,
    containers,
    environment,
    named,
    of_kind,
    pod_templates,
)
from tests.deploy.monitoring import DASHBOARD
from tests.deploy.running import PACKAGES
from tools.prometheus_rule import ALERTS, RULE, rule

Overlays = dict[str, list[Manifest]]
SERVICE = "StatefulSet/authz"
PRODUCTION = KUBERNETES / "overlays" / "production"


# rights


def test_the_namespace_takes_restricted_pods_alone(manifests: list[Manifest]) -> None:
    [namespace] = of_kind(manifests, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = {each["metadata"].get("namespace") for each in manifests if each["kind"] != "Namespace"}
    assert others == {namespace["metadata"]["name"]}


def test_every_pod_is_restricted(manifests: list[Manifest]) -> None:
    for owner, template in pod_templates(manifests).items():
        spec = template["spec"]
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True, owner
        assert security["runAsUser"] > 10_000, owner
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, owner
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), owner
        assert spec["automountServiceAccountToken"] is False, owner
        assert spec["enableServiceLinks"] is False, owner
        assert all({"emptyDir", "configMap", "secret"} & set(volume) for volume in spec["volumes"]), owner


def test_every_container_has_no_right_and_writes_to_volumes_alone(manifests: list[Manifest]) -> None:
    for name, container, _ in all_containers(manifests):
        security = container["securityContext"]
        assert security == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert not any("hostPort" in port for port in container.get("ports", [])), name


def test_every_container_asks_for_what_it_needs_and_is_held_to_a_limit(manifests: list[Manifest]) -> None:
    for name, container, _ in all_containers(manifests):
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        assert set(requests) == set(limits) == {"cpu", "memory", "ephemeral-storage"}, name
        assert all(_amount(requests[kind]) <= _amount(limits[kind]) for kind in limits), name


def _amount(text: str) -> float:
    parts = re.fullmatch(r"([\d.]+)(\D*)", str(text))
    assert parts, text
    number, unit = parts.groups()
    return float(number) * {"": 1, "m": 1e-3, "Mi": 2**20, "Gi": 2**30}[unit]


# secrets


def test_no_secret_is_in_what_is_applied(manifests: list[Manifest]) -> None:
    assert not of_kind(manifests, "Secret")
    for name, container, _ in all_containers(manifests):
        for variable, value in environment(container, manifests).items():
            assert not re.search(r"KEY$|PASSWORD|TOKEN|SECRET", variable) or value.startswith("/run/secrets/"), name
            assert not re.search(r"//[^/]*:[^/]*@", value), name


def test_secrets_are_files_for_the_pods_group_alone(manifests: list[Manifest]) -> None:
    for owner, template in pod_templates(manifests).items():
        for volume in template["spec"]["volumes"]:
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] == 0o440, owner
                assert template["spec"]["securityContext"]["fsGroup"] == 10001, owner


@pytest.mark.parametrize(("overlay", "namespace"), [("production", "authz"), ("try", "authz-try")])
def test_the_page_has_every_secret_and_config_map_made_that_is_referred_to(
    overlays: Overlays, overlay: str, namespace: str
) -> None:
    page = (OPERATE / "kubernetes.md").read_text().replace("\\\n", " ")
    told = {
        (kind, name): set(re.findall(r"--from-file=(\S+)", rest))
        for kind, name, rest in re.findall(rf"kubectl -n {namespace} create (secret generic|configmap) (\S+)(.*)", page)
    }
    manifests = overlays[overlay]
    wanted: dict[tuple[str, str], set[str]] = {}
    for _, container, template in all_containers(manifests):
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        for mount in container["volumeMounts"]:
            volume = volumes.get(mount["name"], {})
            if "secret" in volume:
                wanted.setdefault(("secret generic", volume["secret"]["secretName"]), set())
            elif "configMap" in volume and not _is_applied(volume["configMap"]["name"], manifests):
                wanted.setdefault(("configmap", volume["configMap"]["name"]), set())
    assert set(told) == set(wanted)
    settings = {value for _, each, _ in all_containers(manifests) for value in environment(each, manifests).values()}
    used = {value.removeprefix("/run/secrets/authz/") for value in settings if value.startswith("/run/secrets/authz/")}
    assert told["secret generic", "authz"] == used
    assert told["configmap", "authz-publisher"] == {"public.pem"}


def _is_applied(name: str, manifests: list[Manifest]) -> bool:
    return any(each["metadata"]["name"] == name for each in of_kind(manifests, "ConfigMap"))


# what it runs


def test_every_setting_is_one_that_is_read(manifests: list[Manifest]) -> None:
    for name, container, _ in all_containers(manifests):
        named_here = {each for each in environment(container, manifests) if each.startswith("AUTHZ_")}
        assert named_here <= set(KNOWN), name
    assert environment(_container(manifests, "service"), manifests)["AUTHZ_OPA_URL"]


def test_service_opa_and_migration_are_of_one_image_and_no_image_is_whatever_is_newest(
    manifests: list[Manifest],
) -> None:
    images = {name: container["image"] for name, container, _ in all_containers(manifests)}
    ours = {image for name, image in images.items() if "policies" not in name}
    assert len(ours) == 1
    assert all(re.search(r":[\w.-]*\d|@sha256:[0-9a-f]{64}$", image) for image in images.values()), images


def test_images_are_named_in_one_place_and_ours_is_of_this_version() -> None:
    naming = [path for path in KUBERNETES.rglob("*.yaml") if re.search(r"^images:", path.read_text(), re.MULTILINE)]
    assert naming == [KUBERNETES / "images" / "kustomization.yaml"]
    [ours, *_] = yaml.safe_load(naming[0].read_text())["images"]
    assert (ours["name"], ours["newTag"]) == ("authz-service", __version__)


def test_what_is_run_is_a_command_of_the_service_or_its_opa(manifests: list[Manifest]) -> None:
    for name, container, _ in all_containers(manifests):
        if "policies" in name:
            continue
        if container["name"] == "opa":
            assert container["command"] == ["opa"]
            assert container["args"][0] == "run"
        else:
            assert "command" not in container
            assert cli.get_command(None, container["args"][0]) is not None  # type: ignore[arg-type]  # it is not looked at


def test_opa_is_asked_by_whom_the_service_of_the_image_says(manifests: list[Manifest]) -> None:
    python = re.search(r"^ARG PYTHON_IMAGE=python:([\d.]+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert python is not None
    assert f"/opt/venv/lib/python{python[1]}/site-packages" == PACKAGES
    of_the_service, of_the_sidecar = _container(manifests, "opa")["args"][-2:]
    assert (ROOT / Path(of_the_service).relative_to(PACKAGES)).name == "authorization.rego"
    assert (ROOT / Path(of_the_service).relative_to(PACKAGES)).is_file()
    assert Path(of_the_sidecar).name == "metrics.rego"
    assert "--authorization=basic" in _container(manifests, "opa")["args"]


def test_the_sidecar_has_the_configuration_that_the_page_tells(manifests: list[Manifest]) -> None:
    page = (ROOT / "docs/how-to/publish-a-policy.md").read_text()
    [told] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    [config] = [each for each in of_kind(manifests, "ConfigMap") if "sidecar.yaml" in each["data"]]
    assert yaml.safe_load(config["data"]["sidecar.yaml"]) == yaml.safe_load(told)


# probes and ports


def test_probes_ask_ports_that_are_listened_on_for_what_there_is(manifests: list[Manifest], app: Flask) -> None:
    service, opa = _container(manifests, "service"), _container(manifests, "opa")
    [port] = service["ports"]
    default = {option.name: option.default for option in serve.params}["port"]
    assert port["containerPort"] == default
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = service[probe]["httpGet"]
        assert asked["port"] == port["name"]
        assert app.test_client().get(asked["path"]).status_code == 200
    assert service["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert service["readinessProbe"]["httpGet"]["path"] == "/readyz"
    [diagnostic] = opa["ports"]
    assert f"--diagnostic-addr=0.0.0.0:{diagnostic['containerPort']}" in opa["args"]
    assert {opa[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe")} == {diagnostic["name"]}


def test_a_replica_is_taken_out_before_remembered_answers_end(manifests: list[Manifest]) -> None:
    probe = _container(manifests, "service")["readinessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] < 60


def test_opa_is_there_before_the_service_and_until_it_has_ended(manifests: list[Manifest]) -> None:
    [opa] = pod_templates(manifests)[SERVICE]["spec"]["initContainers"]
    assert (opa["name"], opa["restartPolicy"]) == ("opa", "Always")


def test_a_pod_has_time_to_end(manifests: list[Manifest]) -> None:
    spec = pod_templates(manifests)[SERVICE]["spec"]
    pause = _container(manifests, "service")["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] >= pause + 30


def test_services_lead_to_ports_of_the_pods_that_they_select(manifests: list[Manifest]) -> None:
    for service in of_kind(manifests, "Service"):
        selector = service["spec"]["selector"]
        selected = [each for each in pod_templates(manifests).values() if _has(each["metadata"]["labels"], selector)]
        assert len(selected) == 1, service["metadata"]["name"]
        ports = {port["name"] for container in containers(selected[0]) for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


# volumes


def test_the_socket_is_for_the_service_and_opa_alone(manifests: list[Manifest]) -> None:
    having = [
        name
        for name, container, _ in all_containers(manifests)
        for mount in container["volumeMounts"]
        if mount["name"] == "opa-socket"
    ]
    assert having == [f"{SERVICE}/opa", f"{SERVICE}/service"]
    socket = environment(_container(manifests, "service"), manifests)["AUTHZ_OPA_URL"]
    assert f"--addr={socket}" in _container(manifests, "opa")["args"]
    assert "--unix-socket-perm=600" in _container(manifests, "opa")["args"]


def test_the_journal_is_on_a_volume_that_outlives_its_replica(manifests: list[Manifest]) -> None:
    stateful = named(manifests, "StatefulSet", "authz")["spec"]
    [claim] = stateful["volumeClaimTemplates"]
    assert stateful["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    service = _container(manifests, "service")
    folder = Path(environment(service, manifests)["AUTHZ_JOURNAL_FOLDER"])
    [mount] = [each for each in service["volumeMounts"] if folder.is_relative_to(each["mountPath"])]
    assert mount["name"] == claim["metadata"]["name"]
    assert not mount.get("readOnly")
    # Else the journal's files would be open to the group at the next start, which the service refuses.
    security = pod_templates(manifests)[SERVICE]["spec"]["securityContext"]
    assert security["fsGroupChangePolicy"] == "OnRootMismatch"


def test_the_service_reads_the_bundle_that_opa_keeps_and_cannot_change_it(manifests: list[Manifest]) -> None:
    mounts = {
        name: [each for each in _container(manifests, name)["volumeMounts"] if each["mountPath"] == "/var/lib/opa"]
        for name in ("service", "opa")
    }
    [[reading], [keeping]] = mounts.values()
    assert (reading["name"], reading["subPath"]) == (keeping["name"], keeping["subPath"])
    assert reading["readOnly"]


def test_every_volume_is_mounted_and_every_mount_has_a_volume(manifests: list[Manifest]) -> None:
    for owner, template in pod_templates(manifests).items():
        kind, name = owner.split("/")
        claims = named(manifests, kind, name)["spec"].get("volumeClaimTemplates", [])
        there = {claim["metadata"]["name"] for claim in claims} | {each["name"] for each in template["spec"]["volumes"]}
        assert there == {mount["name"] for each in containers(template) for mount in each["volumeMounts"]}, owner


# the migration

# As `kubectl` has it: a condition is waited for as long as it is told to, also where it cannot come any more.
KUBECTL = """#!/bin/bash
case "$*" in
  *" get job/"*) printf '%s' "$CONDITIONS" ;;
  *" wait --for=condition=complete --timeout=0 "*) [[ $CONDITIONS == *Complete* ]] ;;
  *" wait --for=condition=complete "*) [[ $CONDITIONS == *Complete* ]] || sleep 60 ;;
esac
"""


@pytest.mark.parametrize(("conditions", "status"), [("SuccessCriteriaMet Complete", 0), ("FailureTarget Failed", 1)])
def test_waiting_for_the_migration_ends_when_it_has_failed_too_and_then_nothing_is_applied(
    conditions: str, status: int, tmp_path: Path
) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o700)
    lines = (OPERATE / "kubernetes.md").read_text().splitlines()
    waiting = [line.strip() for line in lines if line.startswith("    ") and "job/authz-migration" in line]
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CONDITIONS": conditions}
    done = subprocess.run(["bash", "-e", "-c", "\n".join(waiting)], env=environ, check=False, timeout=20)
    assert done.returncode == status


# replicas


def test_the_budget_lets_a_node_be_emptied_and_the_autoscaler_keeps_enough(overlays: Overlays) -> None:
    [budget], [scaler] = (
        of_kind(overlays["production"], each) for each in ("PodDisruptionBudget", "HorizontalPodAutoscaler")
    )
    assert 1 <= budget["spec"]["maxUnavailable"] < scaler["spec"]["minReplicas"] <= scaler["spec"]["maxReplicas"]
    assert "minAvailable" not in budget["spec"]
    stateful = named(overlays["production"], "StatefulSet", "authz")
    # Else each `kubectl apply` would undo what the autoscaler has set.
    assert "replicas" not in stateful["spec"]
    assert scaler["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "authz"}
    labels = pod_templates(overlays["production"])[SERVICE]["metadata"]["labels"]
    assert _has(labels, budget["spec"]["selector"]["matchLabels"])
    [metric] = scaler["spec"]["metrics"]
    assert (
        "cpu" in _container(overlays["production"], metric["containerResource"]["container"])["resources"]["requests"]
    )


def test_replicas_are_spread_over_nodes_and_zones(manifests: list[Manifest]) -> None:
    template = pod_templates(manifests)[SERVICE]
    spread = {each["topologyKey"]: each for each in template["spec"]["topologySpreadConstraints"]}
    assert spread["kubernetes.io/hostname"]["whenUnsatisfiable"] == "DoNotSchedule"
    # A node that is being emptied would else keep its replica from starting elsewhere.
    assert spread["kubernetes.io/hostname"]["nodeTaintsPolicy"] == "Honor"
    assert spread["topology.kubernetes.io/zone"]["whenUnsatisfiable"] == "ScheduleAnyway"
    assert all(_has(template["metadata"]["labels"], each["labelSelector"]["matchLabels"]) for each in spread.values())


def test_sqlite_has_one_replica_and_production_has_postgresql(overlays: Overlays) -> None:
    assert named(overlays["try"], "StatefulSet", "authz")["spec"]["replicas"] == 1
    assert not of_kind(overlays["try"], "HorizontalPodAutoscaler")
    settings = environment(_container(overlays["try"], "service"), overlays["try"])
    assert settings["AUTHZ_DATABASE_URL"].startswith("sqlite:////var/lib/authz/")
    assert "AUTHZ_ALLOW_INSECURE" not in environment(
        _container(overlays["production"], "service"), overlays["production"]
    )


def test_prometheus_reads_each_replica_and_its_opa(overlays: Overlays) -> None:
    [monitor] = of_kind(overlays["production"], "ServiceMonitor")
    [service] = [
        each
        for each in of_kind(overlays["production"], "Service")
        if _has(each["metadata"]["labels"], monitor["spec"]["selector"]["matchLabels"])
    ]
    assert service["spec"]["clusterIP"] == "None"
    read = {endpoint["port"]: endpoint["path"] for endpoint in monitor["spec"]["endpoints"]}
    assert read == {port["name"]: "/metrics" for port in service["spec"]["ports"]}
    job = service["metadata"]["labels"][monitor["spec"]["jobLabel"]]
    asked = re.findall(r'job=~?"([^"]*)"', (ROOT / "deploy/prometheus/alerts.yaml").read_text())
    configured = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    jobs = {job, *(each["job_name"] for each in configured)}
    assert [jobs & set(names.split("|")) for names in asked] == [jobs], "an alert about another job tells of nothing"


def test_prometheus_operator_gets_the_alerts_that_prometheus_reads(overlays: Overlays) -> None:
    assert RULE.read_text() == rule(), "python -m tools.prometheus_rule writes it anew"
    [made] = of_kind(overlays["production"], "PrometheusRule")
    assert made["spec"] == yaml.safe_load(ALERTS.read_text())


def test_grafana_gets_the_dashboard_that_compose_gives_it(overlays: Overlays) -> None:
    [dashboard] = [each for each in of_kind(overlays["production"], "ConfigMap") if DASHBOARD.name in each["data"]]
    assert dashboard["data"] == {DASHBOARD.name: DASHBOARD.read_text()}
    assert dashboard["metadata"]["name"] == "authz-dashboard"
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_what_prometheus_selects_by_is_set_in_one_place_for_all_that_it_reads(overlays: Overlays) -> None:
    [told] = re.findall(r"/metadata/labels/(\w+), value: (\S+)}", (PRODUCTION / "kustomization.yaml").read_text())
    for kind in ("ServiceMonitor", "PrometheusRule"):
        [each] = of_kind(overlays["production"], kind)
        assert told in each["metadata"]["labels"].items()


def test_an_overlay_can_leave_out_what_watches_it(kustomize: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets", "policies"))
    production = tmp_path / PRODUCTION.relative_to(ROOT)
    written = production / "kustomization.yaml"
    written.write_text(written.read_text().replace("  - ../../watch\n", ""))
    left = Counter(each["kind"] for each in build(kustomize, [str(production)]))
    watching = {"ServiceMonitor": 1, "PrometheusRule": 1, "ConfigMap": 1}
    all_of_it = Counter(each["kind"] for each in build(kustomize, [str(PRODUCTION)]))
    assert all_of_it - left == Counter(watching)


# what gets through


def flows(manifests: list[Manifest], labels: dict[str, str]) -> set[tuple[str, str, str, int]]:
    """All that gets in and out of pods with some labels: the direction, the other side, the protocol, the port."""
    policies = [each["spec"] for each in of_kind(manifests, "NetworkPolicy")]
    applied = [each for each in policies if _has(labels, each["podSelector"].get("matchLabels", {}))]
    # Without one for a direction everything would get through.
    assert {kind for each in applied for kind in each["policyTypes"]} == {"Ingress", "Egress"}
    return {
        (direction, _peer(peer), port["protocol"], port["port"])
        for each in applied
        for direction, side in (("ingress", "from"), ("egress", "to"))
        for rule in each.get(direction, [])
        for peer in rule[side]
        for port in rule["ports"]
    }


def _peer(peer: Manifest) -> str:
    assert set(peer) <= {"namespaceSelector", "podSelector"}
    return " ".join(
        f"{key}={value}" for each in sorted(peer) for key, value in sorted(peer[each]["matchLabels"].items())
    )


DNS = {
    ("egress", "kubernetes.io/metadata.name=kube-system k8s-app=kube-dns", protocol, 53) for protocol in ("UDP", "TCP")
}
CALLERS = {("ingress", "authz-service/calls=yes", "TCP", 8080)}
DATABASE = {("egress", "kubernetes.io/metadata.name=postgresql", "TCP", 5432)}
PROMETHEUS = {
    ("ingress", "kubernetes.io/metadata.name=monitoring app.kubernetes.io/name=prometheus", "TCP", port)
    for port in (8080, 8282)
}
SERVICE_IN_TRY = "app.kubernetes.io/component=service app.kubernetes.io/name=authz-service"


@pytest.mark.parametrize(
    ("overlay", "owner", "expected"),
    [
        (
            "production",
            SERVICE,
            DNS
            | CALLERS
            | DATABASE
            | PROMETHEUS
            | {
                ("egress", "kubernetes.io/metadata.name=mail", "TCP", 587),
                ("egress", "kubernetes.io/metadata.name=policies", "TCP", 443),
            },
        ),
        ("production", "Job/authz-migration", DNS | DATABASE),
        ("try", SERVICE, DNS | CALLERS | {("egress", "app.kubernetes.io/name=policies", "TCP", 8080)}),
        ("try", "Deployment/policies", {("ingress", SERVICE_IN_TRY, "TCP", 8080)}),
    ],
)
def test_nothing_gets_through_but_what_is_wanted(
    overlays: Overlays, overlay: str, owner: str, expected: set[tuple[str, str, str, int]]
) -> None:
    labels = pod_templates(overlays[overlay])[owner]["metadata"]["labels"]
    assert flows(overlays[overlay], labels) == expected


def test_every_pod_is_among_those(overlays: Overlays) -> None:
    assert set(pod_templates(overlays["production"])) == {SERVICE, "Job/authz-migration"}
    assert set(pod_templates(overlays["try"])) == {SERVICE, "Deployment/policies"}


def _container(manifests: list[Manifest], name: str) -> Manifest:
    [found] = [each for each in containers(pod_templates(manifests)[SERVICE]) if each["name"] == name]
    return found


def _has(labels: dict[str, str], wanted: dict[str, Any]) -> bool:
    return wanted.items() <= labels.items()

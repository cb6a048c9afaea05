"""Runs a pod of the manifests as processes of this machine, as the kubelet would: volumes, variables, probes, order."""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from tests.deploy.manifests import Manifest, environment, named
from tests.deploy.running import Container, running
from tests.processes import wait_until

if TYPE_CHECKING:
    import subprocess

START_SECONDS = 60.0
Objects = Mapping[str, Mapping[str, bytes]]


class Node(NamedTuple):
    """Where pods run.

    Attributes:
        folder: What volumes are made in; short, because a socket's path may not be long.
        opa: The program of the image.
        free_port: Finds a port.
        secrets: The files of each Secret.
        config_maps: The files of each ConfigMap that is not among the manifests.
    """

    folder: Path
    opa: Path
    free_port: Callable[[], int]
    secrets: Objects
    config_maps: Objects


class Pod(NamedTuple):
    """One that runs.

    Attributes:
        url: Where its main container answers.
        containers: How each was started.
        processes: Of each.
    """

    url: str
    containers: dict[str, Container]
    processes: dict[str, "subprocess.Popen[bytes]"]


@contextmanager
def running_pod(template: Manifest, manifests: list[Manifest], node: Node) -> Iterator[Pod]:
    """A pod that is ready: its sidecars have passed their probes before the others were started."""
    made = containers_of(template, manifests, node)
    spec = template["spec"]
    [main] = spec["containers"]
    url = f"http://127.0.0.1:{next(iter(made[main['name']].ports.values()))}"
    with ExitStack() as started:
        pod = Pod(url, made, {})
        for container in (*spec.get("initContainers", []), main):
            name = container["name"]
            log = node.folder / f"{name}.log"
            pod.processes[name] = started.enter_context(running(made[name], node.opa, log))
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                if probe in container:
                    wait_until(partial(is_well, container, probe, made[name], pod.processes[name]), START_SECONDS)
        yield pod


def run_to_its_end(template: Manifest, manifests: list[Manifest], node: Node) -> int:
    """The exit status of the only container of a pod."""
    [container] = containers_of(template, manifests, node).values()
    with running(container, node.opa, node.folder / f"{container.name}.log") as process:
        return process.wait(START_SECONDS)


def is_well(container: Manifest, probe: str, made: Container, process: "subprocess.Popen[bytes]") -> bool:
    """Whether a container passes a probe; it must not have ended."""
    assert process.poll() is None, f"{made.name} has ended with {process.returncode}; its log says why"
    asked = container[probe]["httpGet"]
    [port] = [port["containerPort"] for port in container["ports"] if port["name"] == asked["port"]]
    try:
        answer = requests.get(f"http://127.0.0.1:{made.ports[port]}{asked['path']}", timeout=5)
    except requests.ConnectionError:
        return False
    return answer.ok


def containers_of(template: Manifest, manifests: list[Manifest], node: Node) -> dict[str, Container]:
    """How each container of a pod is started here; its volumes are new, but for those that outlive it."""
    spec = template["spec"]
    claims = [claim for each in manifests for claim in each.get("spec", {}).get("volumeClaimTemplates", [])]
    own = Path(tempfile.mkdtemp(dir=node.folder))
    volumes = {volume["name"]: _volume(volume, own, manifests, node) for volume in spec.get("volumes", [])}
    volumes |= {claim["metadata"]["name"]: _claimed(node.folder / claim["metadata"]["name"]) for claim in claims}
    made: dict[str, Container] = {}
    for container in (*spec.get("initContainers", []), *spec["containers"]):
        mounts = {mount["mountPath"]: _mounted(volumes[mount["name"]], mount) for mount in container["volumeMounts"]}
        environ = environment(container, manifests)
        words = [_expanded(word, environ) for word in (*container.get("command", []), *container.get("args", []))]
        ports = {port["containerPort"]: node.free_port() for port in container.get("ports", [])}
        made[container["name"]] = Container(container["name"], words, environ, mounts, ports)
    return made


def _expanded(word: str, environ: Mapping[str, str]) -> str:
    """A word with the variables in the place of `$(NAME)`."""
    return re.sub(r"\$\((\w+)\)", lambda found: environ[found[1]], word)


def _claimed(folder: Path) -> Path:
    """A volume of the pod's group, as fsGroup has it."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o2775)
    return folder


def _mounted(volume: Path, mount: Mapping[str, Any]) -> Path:
    if "subPath" not in mount:
        return volume
    below = volume / str(mount["subPath"])
    if not below.exists():
        # As the kubelet makes it: with the mode of the volume.
        below.mkdir()
        below.chmod(volume.stat().st_mode)
    return below


def _volume(volume: Manifest, own: Path, manifests: list[Manifest], node: Node) -> Path:
    folder = own / str(volume["name"])
    if "emptyDir" in volume:
        folder.mkdir()
        folder.chmod(0o2777)
        return folder
    if "secret" in volume:
        source = volume["secret"]
        return _projected(folder, node.secrets[source["secretName"]], source, source["defaultMode"], 0o3777)
    source = volume["configMap"]
    return _projected(folder, _config_map(source["name"], manifests, node), source, 0o644, 0o2777)


def _config_map(name: str, manifests: list[Manifest], node: Node) -> Mapping[str, bytes]:
    if name in node.config_maps:
        return node.config_maps[name]
    data: dict[str, str] = named(manifests, "ConfigMap", name)["data"]
    return {key: text.encode() for key, text in data.items()}


def _projected(
    folder: Path, files: Mapping[str, bytes], source: Mapping[str, Any], mode: int, folder_mode: int
) -> Path:
    """Files behind links to links, as the kubelet changes all of them at once."""
    content = folder / "..2026_11_27"
    content.mkdir(parents=True)
    wanted = (
        {item["key"]: item["path"] for item in source["items"]} if "items" in source else {key: key for key in files}
    )
    for key, path in wanted.items():
        (content / path).write_bytes(files[key])
        (content / path).chmod(mode)
        (folder / path).symlink_to(Path("..data") / path)
    (folder / "..data").symlink_to(content.name)
    folder.chmod(folder_mode)
    return folder

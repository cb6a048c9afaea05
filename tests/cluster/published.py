"""The policies that were published: signed bundles on the bundle server, and since when each may give answers."""

import time
from collections.abc import Sequence
from pathlib import Path

from authz_service.opa.bundle import build_bundle
from authz_service.opa.signing import read_private_key


class Published:
    """Publishes policies to some replicas or to all.

    Args:
        opa: The program.
        folder: Where the bundle of each revision is kept.
        served: What the bundle server serves.
        replicas: The names of the replicas, each of which fetches from a folder of its own.
        signing_key: The file of the private key.

    Attributes:
        replicas: Those names.
        since: When each revision was published first, as `time.monotonic` has it.
    """

    def __init__(self, opa: Path, folder: Path, served: Path, replicas: Sequence[str], signing_key: Path) -> None:
        self._opa = opa
        self._folder = folder
        self._served = served
        self.replicas = replicas
        self._signing_key = signing_key
        self.since: dict[str, float] = {}
        folder.mkdir()
        for name in replicas:
            (served / name).mkdir(parents=True)

    def publish(self, policies: Path, replicas: Sequence[str] = ()) -> str:
        """Puts a policy where these replicas fetch it, all of them if left out, and returns its revision."""
        made = self._folder / "made.tar.gz"
        revision = build_bundle(self._opa, policies, made, signing=read_private_key(self._signing_key))
        self.since.setdefault(revision, time.monotonic())
        self._serve(made.read_bytes(), replicas)
        made.replace(self.bundle_of(revision))
        return revision

    def publish_unvouched(self, policies: Path, signing_key: Path) -> str:
        """The same by somebody whose key it is not: it is served, and no answer may ever be by it."""
        made = self._folder / "unvouched.tar.gz"
        revision = build_bundle(self._opa, policies, made, signing=read_private_key(signing_key))
        self._serve(made.read_bytes(), ())
        return revision

    def bundle_of(self, revision: str) -> Path:
        return self._folder / f"{revision}.tar.gz"

    def _serve(self, bundle: bytes, replicas: Sequence[str]) -> None:
        for name in replicas or self.replicas:
            # In one step, so that nobody fetches half of it.
            new = self._served / name / "new"
            new.write_bytes(bundle)
            new.replace(self._served / name / "bundle.tar.gz")

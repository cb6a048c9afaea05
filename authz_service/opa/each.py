"""Has OPA evaluate one rule for very many inputs, on all processors."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from authz_service.errors import Fault, InvalidPolicy
from authz_service.opa.command import run_opa
from authz_service.opa.contents import SIGNATURES
from authz_service.questions import Document

OnProgress = Callable[[int, int], None]
"""Is told how many inputs are done, and of how many."""

_CHUNK = 4_000
_PATIENCE_SECONDS = 120.0
# Memory for time: OPA collects its garbage less often.
_ENVIRONMENT = {"GOGC": "400"}
# Optimizing more than halves the time.
_OPTIMIZED, _AS_WRITTEN = 2, 0


def evaluate_each(
    opa: Path,
    bundle: Path,
    module: Path,
    inputs: Sequence[Document],
    on_progress: OnProgress = lambda _done, _of: None,
    shown: Path = Path(),
) -> list[Any]:
    """What the rule `rows` of a module gives for each input.

    Args:
        opa: The program.
        bundle: The policy that the module asks.
        module: A Rego file whose package has one name, of its own; its `rows` is a list with a value for each of
            `input.documents`.
        inputs: What is asked about.
        on_progress: Is told how far it is.
        shown: Where the author finds what is in the bundle.

    Raises:
        InvalidPolicy: OPA refuses the policy, or `rows` is undefined for an input.
    """
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        asked = _Asked(opa, bundle, module, Path(folder), shown)
        optimized = asked.compiled(_OPTIMIZED)
        chunks = [inputs[start : start + _CHUNK] for start in range(0, len(inputs), _CHUNK)]
        results: list[Any] = []
        with ThreadPoolExecutor(os.cpu_count()) as workers:
            for chunk, rows in zip(
                chunks, workers.map(lambda chunk: _rows(asked, optimized, chunk), chunks), strict=True
            ):
                results += rows
                done += len(chunk)
                on_progress(done, len(inputs))
    return results


class _Asked(NamedTuple):
    """A module, and the policy that it asks; see `evaluate_each`."""

    opa: Path
    bundle: Path
    module: Path
    work: Path
    shown: Path

    def compiled(self, optimized: int) -> str:
        """The name of both as one bundle in the working folder."""
        root = self.module.stem
        added = self.work / "module"
        (added / root).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.module, added / root / self.module.name)
        (added / ".manifest").write_text(json.dumps({"roots": [root], "rego_version": 1}))
        made = f"asked-{optimized}.tar.gz"
        bundles = ["-b", str(self.bundle.resolve()), "-b", added.name]
        # Whoever signed it: what it says is judged, and who vouches for it is asked elsewhere.
        self.run("build", *bundles, "--ignore", SIGNATURES, "-O", str(optimized), "-e", f"{root}/rows", "-o", made)
        return made

    def run(self, *arguments: str, stdin: str = "") -> str:
        limits: dict[str, Any] = {"settings": _ENVIRONMENT, "patience_seconds": _PATIENCE_SECONDS}
        try:
            return run_opa(self.opa, *arguments, cwd=self.work, shown=Path(), stdin=stdin, **limits)
        except InvalidPolicy as error:
            raise InvalidPolicy([self._shown(fault) for fault in error.faults]) from error

    def _shown(self, fault: Fault) -> Fault:
        """OPA names files by the bundle that they are in."""
        bundle = str(self.bundle.resolve())
        file = f"/{fault.file}".replace(bundle, str(self.shown)) if fault.file != "." else str(self.shown)
        return replace(fault, what=fault.what.replace(bundle, str(self.shown)), file=file)


def _rows(asked: _Asked, compiled: str, chunk: Sequence[Document]) -> list[Any]:
    options = ["--stdin-input", "--strict-builtin-errors", "--format", "json"]
    query = f"data.{asked.module.stem}.rows"
    question = json.dumps({"documents": chunk})
    try:
        said = json.loads(asked.run("eval", "-b", compiled, *options, query, stdin=question))
    except InvalidPolicy:
        # In what was optimized, nothing is where its author wrote it.
        said = json.loads(asked.run("eval", "-b", asked.compiled(_AS_WRITTEN), *options, query, stdin=question))
    rows: list[Any] = said["result"][0]["expressions"][0]["value"] if "result" in said else []
    if len(rows) != len(chunk):
        raise InvalidPolicy([Fault("is undefined for some situations", query)])
    return rows

"""What is kept of a comparison: its figures, with the machine, the versions and the settings that they came from."""

import json
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from authz_service import __version__
from authz_service.opa.binary import OPA_VERSION
from bench.settings import QUESTIONS, WARM_SECONDS, Settings

RESULTS = Path(__file__).parents[1] / "docs" / "benchmarks"


def write_report(name: str, settings: Settings, versions: Mapping[str, str], results: object, **more: object) -> Path:
    """Writes `docs/benchmarks/NAME.json`, with more settings if there are."""
    report = {
        "machine": machine(),
        "versions": {
            "authz-service": __version__,
            "python": platform.python_version(),
            "opa": OPA_VERSION,
            **versions,
        },
        "settings": {"questions": QUESTIONS, "warm_seconds": WARM_SECONDS, **asdict(settings), **more},
        "results": results,
    }
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps(report, indent=2) + "\n")
    return file


def machine() -> dict[str, object]:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "processor": _processor(Path("/proc/cpuinfo").read_text()),
        "memory_gib": round(pages / 2**30, 1),
        "system": f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}",
    }


def _processor(cpuinfo: str) -> str:
    named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return named[1] if named else platform.machine()

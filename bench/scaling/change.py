"""A policy that is changed while the service is asked: what fails, and how long the slowest wait.

Windows with a change and windows without take turns. The load is far from what the service can bear: at the limit every
wait is long, with a change or without.
"""

import shutil
import statistics
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import requests

from bench.load import Load, Measured, press, warm
from bench.scaling.asking import PATH, authorization, load_of, spread
from bench.scaling.options import Options
from bench.service import Running, make_database, running
from bench.settings import QUESTIONS, WARM_SECONDS
from bench.world import write_customers
from tests.postgresql import PostgreSQL

_POLICIES = Path(__file__).parents[2] / "policies"
_EDITED = Path("bundle") / "authz" / "authz.rego"
_SECONDS = 2
_CALLERS = 16
_PAUSE_MS = 15
# So that the callers ask already, and the rest of the window is long enough for the change.
_EDIT_AFTER_SECONDS = 0.2
_FAMILY = 3


def change_under_load(folder: Path, server: PostgreSQL, options: Options) -> dict[str, object]:
    """By database, with the journal as it comes."""
    file = folder / "change.ndjson"
    write_customers(file, options.few, _FAMILY)
    results: dict[str, object] = {}
    for kind in options.databases:
        url = server.new_database() if kind == "postgresql" else f"sqlite:///{folder / 'change.db'}"
        make_database(url, file)
        policies = Path(shutil.copytree(_POLICIES, folder / f"policies-{kind}"))
        settings = {"AUTHZ_WORKERS": str(options.workers), "AUTHZ_POLICIES": str(policies)}
        with running(url, settings) as service:
            results[kind] = _change(kind, service, policies / _EDITED, options)
    return results


def _change(kind: str, service: Running, edited: Path, options: Options) -> dict[str, object]:
    load = load_of("change", service, spread(options.few, _FAMILY, QUESTIONS, seed=1), ())
    warm(load, WARM_SECONDS, _CALLERS)
    quiet: list[Measured] = []
    changing: list[Measured] = []
    live: list[float] = []
    for _ in range(options.changes):
        quiet.append(_press(load))
        seconds, measured = _press_and_edit(load, service, edited)
        changing.append(measured)
        live.append(seconds)
    told = {
        "changes": options.changes,
        "per_second": round(statistics.median(each.per_second for each in quiet)),
        "live_after_s": {"median": round(statistics.median(live), 2), "max": round(max(live), 2)},
        "failed": sum(each.failed for each in [*quiet, *changing]),
        "with_a_change": _windows(changing),
        "without": _windows(quiet),
    }
    print(f"\n{kind}: {options.changes} changes of policy at {told['per_second']:,} decisions a second")
    print(f"  failed: {told['failed']}; in force after {statistics.median(live):.2f} s, at most {max(live):.2f} s")
    for name, windows in (("with a change", changing), ("without", quiet)):
        each = _windows(windows)
        print(f"  p99 {name:<14}{each['p99_ms_median']:>8.1f} ms, at most {each['p99_ms_max']:.1f}; ", end="")
        print(f"the slowest of all {each['max_ms']:.1f} ms", flush=True)
    return told


def _press(load: Load) -> Measured:
    return press(load, _SECONDS, _CALLERS, pause_ms=_PAUSE_MS, may_fail=True)


def _press_and_edit(load: Load, service: Running, edited: Path) -> tuple[float, Measured]:
    """How long until the edit was in force, and what the callers met meanwhile."""
    found: list[float] = []

    def edit() -> None:
        before = _revision(service)
        time.sleep(_EDIT_AFTER_SECONDS)
        began = time.monotonic()
        with edited.open("a") as rules:
            rules.write("# changed\n")
        while _revision(service) == before:
            if time.monotonic() - began > _SECONDS:
                raise SystemExit(f"✗ {edited}: the change is not in force after {_SECONDS} s")
            time.sleep(0.05)
        found.append(time.monotonic() - began)

    editing = threading.Thread(target=edit)
    editing.start()
    measured = _press(load)
    editing.join()
    if not found:
        raise SystemExit(f"✗ {edited}: the change did not come into force; see what is said above")
    return found[0], measured


def _revision(service: Running) -> str:
    # Of a decision, and not of /readyz: that asks OPA anew, and a caller would not yet have the new policy.
    [asked] = spread(1, _FAMILY, 1, seed=1)
    answer = requests.post(service.url + PATH, json=asked, headers=authorization(service), timeout=5)
    found: str = answer.json()["context"]["policy_revision"]
    return found


def _windows(windows: Sequence[Measured]) -> dict[str, float]:
    p99 = [each.p99_ms for each in windows]
    return {
        "p50_ms": round(statistics.median(each.p50_ms for each in windows), 2),
        "p99_ms_median": round(statistics.median(p99), 2),
        "p99_ms_max": round(max(p99), 2),
        "max_ms": round(max(each.max_ms for each in windows), 2),
    }

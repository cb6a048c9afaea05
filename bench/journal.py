"""What the journal costs: decisions with it off, buffered and strict, side by side.

    python -m bench.journal [--rounds N] [--seconds N] [--customers N]

Three services run at once and are asked in turn, so that a machine whose speed drifts is as slow for each of them.
Ratios are of the medians. It needs wrk.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.load import Measured, press
from bench.service import Running, copy_sqlite, make_database, running
from bench.world import questions, write_customers
from tests.postgresql import postgresql_server

_MODES = ("off", "buffered", "strict")
_CALLERS = 16
_WARM_SECONDS = 2
_RESULTS = Path(__file__).parents[1] / "docs" / "benchmarks" / "journal.json"


def main() -> None:
    arguments = _arguments()
    bodies = list(questions(arguments.customers, 20_000))
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as made, ExitStack() as opened:
        folder = Path(made)
        write_customers(folder / "customers.ndjson", arguments.customers)
        server = opened.enter_context(postgresql_server())
        sqlite = folder / "customers.db"
        make_database(f"sqlite:///{sqlite}", folder / "customers.ndjson")
        urls = {"sqlite": {mode: copy_sqlite(sqlite, folder / f"{mode}.db") for mode in _MODES}, "postgresql": {}}
        for mode in _MODES:
            urls["postgresql"][mode] = server.new_database()
            make_database(urls["postgresql"][mode], folder / "customers.ndjson")
        for kind, of_modes in urls.items():
            results[kind] = _compare(kind, of_modes, bodies, arguments)
    report = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "settings": {"callers": _CALLERS, **vars(arguments)},
        "results": results,
    }
    _RESULTS.parent.mkdir(exist_ok=True)
    _RESULTS.write_text(json.dumps(report, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.journal", description="What the journal costs.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is asked")
    parser.add_argument("--seconds", type=int, default=4, help="how long each time")
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def _compare(
    kind: str, urls: Mapping[str, str], bodies: list[dict[str, object]], arguments: argparse.Namespace
) -> dict[str, object]:
    runs: dict[str, list[Measured]] = {mode: [] for mode in _MODES}
    with ExitStack() as started:
        settings = {"AUTHZ_WORKERS": str(arguments.workers)}
        services = {
            mode: started.enter_context(running(urls[mode], {**settings, "AUTHZ_JOURNAL": mode})) for mode in _MODES
        }
        for service in services.values():
            _press(service, bodies, _WARM_SECONDS)
        for _ in range(arguments.rounds):
            for mode, service in services.items():
                runs[mode].append(_press(service, bodies, arguments.seconds))
    told = {mode: _median(of_mode) for mode, of_mode in runs.items()}
    print(f"\n{kind}: {_CALLERS} callers, {arguments.workers} workers, medians of {arguments.rounds} runs")
    print(f"{'journal':<10}{'decisions/s':>12}{'CPU µs':>9}{'of off':>9}{'p50 ms':>9}{'p99 ms':>9}")
    ratios = {}
    for mode, each in told.items():
        ratios[mode] = each.cpu_us / told["off"].cpu_us
        print(
            f"{mode:<10}{each.per_second:>12,.0f}{each.cpu_us:>9.0f}{ratios[mode]:>9.2f}"
            f"{each.p50_ms:>9.1f}{each.p99_ms:>9.1f}",
            flush=True,
        )
    return {mode: {**each._asdict(), "cpu_of_off": round(ratios[mode], 3)} for mode, each in told.items()}


def _press(service: Running, bodies: list[dict[str, object]], seconds: int) -> Measured:
    measured = press(service.url, "/access/v1/evaluation", service.token, bodies, service.pid, seconds, _CALLERS)
    if measured.errors:
        raise SystemExit(f"{measured.errors} requests failed.")
    return measured


def _median(runs: list[Measured]) -> Measured:
    columns = zip(*runs, strict=True)
    return Measured(*(round(statistics.median(column), 3) for column in columns))


if __name__ == "__main__":
    main()

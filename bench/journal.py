"""What the journal costs: decisions with it off, buffered and strict, side by side.

    python -m bench.journal [--rounds N] [--seconds N] [--customers N]

Three services run at once and are asked in turn, so that a machine whose speed drifts is as slow for each of them. Each
round has services of its own: how a process happens to lie in memory makes it up to a sixth faster or slower for as
long as it lives. A ratio is the median of those of each turn. It needs wrk.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product

from bench.databases import Databases, databases
from bench.load import Load, Measured, median, press, warm
from bench.report import write_report
from bench.service import running
from bench.settings import CALLERS, QUESTIONS, WARM_SECONDS, Settings, read_settings
from bench.world import questions

MODES = ("off", "buffered", "strict")
KINDS = ("sqlite", "postgresql")
_TURNS = 3


def main() -> None:
    settings = read_settings("bench.journal", "What the journal costs.")
    with databases(settings.customers) as made:
        compare_journal(made, settings)


def compare_journal(made: Databases, settings: Settings) -> None:
    bodies = list(questions(settings.customers, QUESTIONS))
    results = {kind: _compare(kind, made, bodies, settings) for kind in KINDS}
    write_report("journal", settings, {"postgresql": made.server.version}, results, callers=CALLERS)


def _compare(kind: str, made: Databases, bodies: Sequence[object], settings: Settings) -> Mapping[str, object]:
    runs: dict[str, list[Measured]] = {mode: [] for mode in MODES}
    for _ in range(settings.rounds):
        with _services(kind, made, bodies, settings) as loads:
            for load in loads.values():
                warm(load, WARM_SECONDS, CALLERS)
            for _, (mode, load) in product(range(_TURNS), loads.items()):
                runs[mode].append(press(load, settings.seconds, CALLERS))
    told = {mode: median(of_mode) for mode, of_mode in runs.items()}
    how_often = f"{settings.rounds} rounds of {_TURNS} turns"
    print(f"\n{kind}: {CALLERS} callers, {settings.workers} workers, medians of {how_often}")
    print(f"{'journal':<10}{'decisions/s':>12}{'CPU µs':>9}{'of off':>9}{'database':>10}{'p50 ms':>9}{'p99 ms':>9}")
    ratios = {}
    for mode, each in told.items():
        ratios[mode] = statistics.median(
            one.cpu_us / off.cpu_us for one, off in zip(runs[mode], runs["off"], strict=True)
        )
        print(
            f"{mode:<10}{each.per_second:>12,.0f}{each.cpu_us:>9.0f}{ratios[mode]:>9.2f}{each.database_cpu_us:>10.0f}"
            f"{each.p50_ms:>9.1f}{each.p99_ms:>9.1f}",
            flush=True,
        )
    return {mode: {**each._asdict(), "cpu_of_off": round(ratios[mode], 3)} for mode, each in told.items()}


@contextmanager
def _services(kind: str, made: Databases, bodies: Sequence[object], settings: Settings) -> Iterator[Mapping[str, Load]]:
    servers = (made.server.pid,) if kind == "postgresql" else ()
    with ExitStack() as started:
        loads = {}
        for mode in MODES:
            environ = {"AUTHZ_WORKERS": str(settings.workers), "AUTHZ_JOURNAL": mode}
            service = started.enter_context(running(made.new(kind), environ))
            headers = {"Authorization": f"Bearer {service.token}"}
            loads[mode] = Load(
                f"journal {mode}", service.url, "/access/v1/evaluation", headers, bodies, (service.pid,), servers
            )
        yield loads


if __name__ == "__main__":
    main()

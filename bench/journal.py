"""What the journal costs: decisions with it off, buffered and strict, side by side.

    python -m bench.journal [--rounds N] [--seconds N] [--customers N]

Three services run at once and are asked in turn, so that a machine whose speed drifts is as slow for each of them.
Ratios are of the medians. It needs wrk.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from bench.databases import Databases, databases
from bench.load import Load, Measured, median, press, warm
from bench.report import write_report
from bench.service import Running, running
from bench.settings import CALLERS, QUESTIONS, WARM_SECONDS, Settings, read_settings
from bench.world import questions

MODES = ("off", "buffered", "strict")
KINDS = ("sqlite", "postgresql")


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
    with ExitStack() as started:
        workers = {"AUTHZ_WORKERS": str(settings.workers)}
        loads = {
            mode: _load(
                mode, started.enter_context(running(made.new(kind), {**workers, "AUTHZ_JOURNAL": mode})), bodies
            )
            for mode in MODES
        }
        for load in loads.values():
            warm(load, WARM_SECONDS, CALLERS)
        for _ in range(settings.rounds):
            for mode, load in loads.items():
                runs[mode].append(press(load, settings.seconds, CALLERS))
    told = {mode: median(of_mode) for mode, of_mode in runs.items()}
    print(f"\n{kind}: {CALLERS} callers, {settings.workers} workers, medians of {settings.rounds} runs")
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


def _load(mode: str, service: Running, bodies: Sequence[object]) -> Load:
    headers = {"Authorization": f"Bearer {service.token}"}
    return Load(f"journal {mode}", service.url, "/access/v1/evaluation", headers, bodies, (service.pid,))


if __name__ == "__main__":
    main()

"""This service beside OPA, Cerbos, OpenFGA and a plain Flask service: the same questions, in one run.

    python -m bench.engines [--rounds N] [--seconds N] [--customers N]

All run at once and are asked in turn, so that a machine whose speed drifts is as slow for each of them. Before that
they have to give the same answers. It needs wrk.
"""

import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version

from authz_service.opa.binary import find_opa, project_tool_folder
from bench.compare import tell_changes
from bench.contestants import bare_opa, cerbos, flask_cerbos, openfga
from bench.contestants.agreement import check_agreement
from bench.contestants.contestant import CALLERS, SIZES, Contestant
from bench.contestants.documents import documents_of
from bench.contestants.ours import ours
from bench.databases import Databases, databases
from bench.figures import Figures, as_json, figures_of, table
from bench.load import Measured, median, press, warm
from bench.plot import draw
from bench.programs import cerbos_version, have_cerbos, have_openfga, openfga_version
from bench.report import RESULTS, machine, write_report
from bench.settings import QUESTIONS, WARM_SECONDS, Settings, read_settings
from bench.world import questions

_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_MODES = ("off", "buffered", "strict")
_NAME = "engines"


def main() -> None:
    settings = read_settings("bench.engines", "This service beside OPA, Cerbos, OpenFGA and a plain Flask service.")
    with databases(settings.customers) as made:
        compare_engines(made, settings)


def compare_engines(made: Databases, settings: Settings) -> None:
    # Before anything is measured: building them takes all cores.
    have_cerbos()
    have_openfga()
    asked = list(questions(settings.customers, QUESTIONS))
    with _contestants(made, asked, settings) as contestants:
        permits = check_agreement(contestants, asked)
        print(f"\n✓ {len(permits):,} questions answered alike by all, {sum(permits):,} of them with yes")
        results = _press_in_turn(contestants, settings)
    callers = ", ".join(f"{number} for {kind}" for kind, number in CALLERS.items())
    print(f"\nMedians of {settings.rounds} runs; ratios are of the CPU a decision; callers: {callers}")
    for kind in results:
        print("\n" + "\n".join(table(results, kind)), flush=True)
    more = {"callers": CALLERS, "contestants": _how_they_are_set(), "questions_agreed_on": len(permits)}
    file = write_report(_NAME, settings, _versions(made), as_json(results), **more)
    (RESULTS / f"{_NAME}.svg").write_text(draw(results, _note(settings)))
    print("\n" + "\n".join(tell_changes(file)))


@contextmanager
def _contestants(
    made: Databases, asked: Sequence[Mapping[str, object]], settings: Settings
) -> Iterator[list[Contestant]]:
    reference = made.new_sqlite()
    documents = documents_of(asked, f"sqlite:///{reference}")
    opa = find_opa(os.environ, project_tool_folder())
    with ExitStack() as started:
        found = []
        for kind, title in _DATABASES.items():
            servers = (made.server.pid,) if kind == "postgresql" else ()
            for mode in _MODES:
                workers = {"AUTHZ_WORKERS": str(settings.workers), "AUTHZ_JOURNAL": mode}
                name = f"This service, {title}, journal {mode}"
                service = ours(f"ours_{kind}_{mode}", name, asked, made.new(kind), workers, servers)
                found.append(started.enter_context(service))
        found += started.enter_context(bare_opa.bare_opa(opa, documents))
        found.append(started.enter_context(cerbos.cerbos(asked, documents)))
        found.append(started.enter_context(openfga.openfga(asked, f"sqlite:///{reference}")))
        found.append(started.enter_context(flask_cerbos.flask_cerbos(asked, reference, settings.workers)))
        yield found


def _press_in_turn(contestants: Sequence[Contestant], settings: Settings) -> dict[str, dict[str, Figures]]:
    loads = {
        (kind, contestant.key): (contestant.name, contestant.load(kind))
        for kind in SIZES
        for contestant in contestants
        if kind in contestant.ways
    }
    for (kind, _), (_, load) in loads.items():
        warm(load, WARM_SECONDS, CALLERS[kind])
    runs: dict[tuple[str, str], list[Measured]] = {which: [] for which in loads}
    for turn in range(settings.rounds):
        print(f"  round {turn + 1} of {settings.rounds} …", flush=True)
        for which, (_, load) in loads.items():
            runs[which].append(press(load, settings.seconds, CALLERS[which[0]]))
    results: dict[str, dict[str, Figures]] = {kind: {} for kind in SIZES}
    for which, (name, _) in loads.items():
        kind, key = which
        results[kind][key] = figures_of(name, kind, median(runs[which]))
    return results


def _versions(made: Databases) -> dict[str, str]:
    return {
        "cerbos": cerbos_version(),
        "openfga": openfga_version(),
        **{package: version(package) for package in ("flask", "granian")},
        "sqlite": sqlite3.sqlite_version,
        "postgresql": made.server.version,
        "wrk": _wrk_version(),
    }


def _wrk_version() -> str:
    said = subprocess.run([shutil.which("wrk") or "wrk", "-v"], capture_output=True, text=True, check=False)
    return said.stdout.split()[1]


def _how_they_are_set() -> dict[str, str]:
    return {
        "ours": "AUTHZ_JOURNAL and AUTHZ_DATABASE_URL as named, a token and its scope checked; all else as it comes",
        "opa": bare_opa.SET,
        "cerbos": cerbos.SET,
        "openfga": openfga.SET,
        "flask_cerbos": flask_cerbos.SET,
    }


def _note(settings: Settings) -> str:
    here = machine()
    return (
        f"{here['processor']}, {here['cores']} cores, Python {platform.python_version()}; "
        f"medians of {settings.rounds} runs of {settings.seconds} s."
    )


if __name__ == "__main__":
    main()

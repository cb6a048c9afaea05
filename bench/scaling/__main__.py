"""What a decision, a page, a start and a change of policy cost when there is much of everything.

    python -m bench.scaling [--customers N] [--database sqlite|postgresql|both] [--parts PART,PART] [--rounds N]

Few and many customers are brought into databases of their own and asked in turn, so that a machine whose speed drifts
is as slow for each. It needs wrk, and 5 kB of disk a customer; TMPDIR says where.
"""

import sqlite3
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from bench.report import write_report
from bench.scaling.bringing_in import bring_in
from bench.scaling.business import compare_business
from bench.scaling.change import change_under_load
from bench.scaling.cold import time_starts
from bench.scaling.disk import time_flushes
from bench.scaling.memory import watch_memory
from bench.scaling.options import check_disk, read_options
from bench.scaling.size import compare_sizes
from bench.scaling.wanted import wanted_of
from bench.settings import CALLERS
from tests.postgresql import postgresql_server
from tools.work import run_to_the_end

_CONNECTIONS = 200


def main() -> None:
    options = read_options()
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as made, postgresql_server(_CONNECTIONS) as server:
        folder = Path(made)
        versions = {
            **{package: version(package) for package in ("flask", "granian", "psycopg", "sqlalchemy")},
            "sqlite": sqlite3.sqlite_version,
            "postgresql": server.version,
        }
        results["disk"] = time_flushes(folder)
        # What takes little first: it is known soon, on databases of its own.
        if "cold" in options.parts:
            results["cold"] = time_starts(folder, server, options)
        if "change" in options.parts:
            results["change"] = change_under_load(folder, server, options)
        if "business" in options.parts:
            results["business"] = compare_business(folder, server, options)
        if {"size", "memory"} & set(options.parts):
            check_disk(folder, options.customers)
            filled = bring_in(folder, server, options)
            results["imports"] = filled.figures
            if "size" in options.parts:
                results["size"] = compare_sizes(filled, server, options)
            if "memory" in options.parts:
                results["memory"] = watch_memory(filled, server, options)
    wanted = wanted_of(results)
    results["wanted"] = [each._asdict() for each in wanted]
    print("\n" + "\n".join(map(str, wanted)))
    if options.is_whole:
        write_report("scaling", options, versions, results, callers=CALLERS)
    else:
        print("\n· A part only: docs/benchmarks/scaling.json stays as it is, as the rest of it would be gone.")


if __name__ == "__main__":
    sys.exit(run_to_the_end(main))

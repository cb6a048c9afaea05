"""Decisions among few customers and among very many, side by side."""

from collections.abc import Iterable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from sqlalchemy import make_url

from bench.load import Load
from bench.scaling.asking import load_of, spread
from bench.scaling.bringing_in import Filled, Size
from bench.scaling.options import MODES, Options
from bench.scaling.side_by_side import as_json, compare, lines
from bench.service import Running, running
from bench.settings import QUESTIONS
from tests.postgresql import PostgreSQL

_AT_ONCE = 16 * 1024 * 1024


def compare_sizes(filled: Filled, server: PostgreSQL, options: Options) -> dict[str, object]:
    """By database and mode of the journal."""
    results: dict[str, object] = {}
    for kind in options.databases:
        pids = (server.pid,) if kind == "postgresql" else ()
        for mode in MODES:
            for file in _files_of(filled.many[kind], server):
                _read_through(file)
            with ExitStack() as started:
                settings = {"AUTHZ_WORKERS": str(options.workers), "AUTHZ_JOURNAL": mode}
                sizes = (filled.few[kind], filled.many[kind])
                services = [started.enter_context(running(size.url, settings)) for size in sizes]
                loads = {
                    f"{size.customers:,} customers": partial(_load, service, size, options, pids)
                    for service, size in zip(services, sizes, strict=True)
                }
                compared = compare(loads, options.rounds, options.seconds)
            print("\n" + "\n".join(lines(f"{kind}, journal {mode}", compared)), flush=True)
            results[f"{kind}_{mode}"] = as_json(compared)
    return results


def _files_of(size: Size, server: PostgreSQL) -> Iterable[Path]:
    url = make_url(size.url)
    if url.get_backend_name() == "sqlite":
        return [Path(str(url.database))]
    return filter(Path.is_file, (server.folder / "base").rglob("*"))


def _read_through(file: Path) -> None:
    """Has the system keep a file in memory, as far as it fits: as where a service has answered for long."""
    # PostgreSQL has files for a moment that are no database's.
    with suppress(FileNotFoundError), file.open("rb") as opened:
        while opened.read(_AT_ONCE):
            pass


def _load(service: Running, size: Size, options: Options, pids: tuple[int, ...], turn: int) -> Load:
    bodies = spread(size.customers, options.members, QUESTIONS, seed=turn)
    return load_of(f"{size.customers:,} customers", service, bodies, pids)

"""Imports few and many customers into databases that are then asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import make_url

from authz_service.cli.progress import progress
from bench.importing import Import, measure
from bench.scaling.options import Options
from bench.world import write_customers
from tests.postgresql import PostgreSQL

# With so many memory is compared: what a process has in any case is small beside what would grow.
_PART = 10


class Size(NamedTuple):
    """How large a database is, and where it is."""

    customers: int
    url: str


class Filled(NamedTuple):
    """Databases of each kind by size, few customers and many, and what bringing them in needed."""

    few: Mapping[str, Size]
    many: Mapping[str, Size]
    figures: Mapping[str, Mapping[str, object]]


def bring_in(folder: Path, server: PostgreSQL, options: Options) -> Filled:
    """Imports each size into each database, one after the other, and keeps the first and the last of them."""
    sizes = (options.few, options.customers // _PART, options.customers)
    made: dict[int, dict[str, Size]] = {}
    figures: dict[str, dict[str, object]] = {kind: {} for kind in options.databases}
    for customers in sizes:
        file = folder / f"{customers}.ndjson"
        with progress(f"Writing {customers:,} customers") as on_progress:
            write_customers(file, customers, options.members, on_progress=on_progress)
        made[customers] = {}
        for kind in options.databases:
            url = _new(kind, folder, server, customers)
            imported = measure(url, server.pid, file)
            made[customers][kind] = Size(customers, url)
            figures[kind][str(customers)] = _told(imported, customers, bytes_of(url, server))
            print(_line(kind, customers, imported), flush=True)
            if customers == sizes[1]:
                _drop(url, server)
        file.unlink()
    return Filled(made[sizes[0]], made[sizes[-1]], figures)


def _new(kind: str, folder: Path, server: PostgreSQL, customers: int) -> str:
    return server.new_database() if kind == "postgresql" else f"sqlite:///{folder / f'{customers}.db'}"


def _drop(url: str, server: PostgreSQL) -> None:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        server.drop_database(url)
    else:
        Path(str(parsed.database)).unlink()


def bytes_of(url: str, server: PostgreSQL) -> int:
    """How much room a database takes."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return server.bytes_of(url)
    file = Path(str(parsed.database))
    # What has been written last is in the log beside it.
    return sum(each.stat().st_size for each in file.parent.glob(f"{file.name}*") if each.is_file())


def _told(imported: Import, customers: int, size: int) -> dict[str, object]:
    return {
        "customers_per_second": round(customers / imported.seconds),
        "seconds": round(imported.seconds, 2),
        "cpu_us": round(imported.cpu / customers * 1e6, 1),
        "database_cpu_us": round(imported.server_cpu / customers * 1e6, 1),
        "peak_mib": round(imported.peak_mib, 1),
        "bytes_a_customer": round(size / customers),
    }


def _line(kind: str, customers: int, imported: Import) -> str:
    return (
        f"{kind:<11}{customers:>11,} customers in {imported.seconds:>8.1f} s:"
        f"{customers / imported.seconds:>8,.0f} a second, {imported.peak_mib:.0f} MiB at most"
    )

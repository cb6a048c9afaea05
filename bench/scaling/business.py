"""A business number with very many mobiles beside families, in one database; and searches on it page by page."""

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import requests

from authz_service.cli.progress import progress
from bench.load import Load, cpu_seconds
from bench.scaling.asking import about_one, authorization, load_of, spread
from bench.scaling.options import MODES, Options
from bench.scaling.side_by_side import as_json, compare, lines
from bench.service import Running, make_database, running
from bench.settings import QUESTIONS
from bench.world import Business, write_customers
from tests.postgresql import PostgreSQL

_FAMILY = 3
_PAGE = 1_000
# CPU is counted in hundredths of a second, and a page takes a few of them.
_TIMES = 20


class PageCost(NamedTuple):
    """What a page needs.

    Attributes:
        number: Which page it is, from 1.
        found: How much is on it.
        ms: How long the caller waits.
        cpu_ms: Of the service and its children, and of the database server.
    """

    number: int
    found: int
    ms: float
    cpu_ms: float


def compare_business(folder: Path, server: PostgreSQL, options: Options) -> dict[str, object]:
    """By database and mode of the journal."""
    business = Business(options.few, options.mobiles)
    file = folder / "business.ndjson"
    write_customers(file, options.few, _FAMILY, business)
    results: dict[str, object] = {}
    for kind in options.databases:
        url = server.new_database() if kind == "postgresql" else f"sqlite:///{folder / 'business.db'}"
        make_database(url, file)
        pids = (server.pid,) if kind == "postgresql" else ()
        for mode in MODES:
            with running(url, {"AUTHZ_WORKERS": str(options.workers), "AUTHZ_JOURNAL": mode}) as service:
                results[f"{kind}_{mode}"] = _compare(f"{kind}, journal {mode}", service, business, options, pids)
    file.unlink()
    return results


def _compare(
    title: str, service: Running, business: Business, options: Options, pids: tuple[int, ...]
) -> dict[str, object]:
    def load(name: str, asked: Callable[..., list[dict[str, object]]], turn: int) -> Load:
        return load_of(name, service, asked(QUESTIONS, seed=turn), pids)

    large = f"a business of {business.members:,}"
    compared = compare(
        {
            "families": partial(load, "families", partial(spread, options.few, _FAMILY)),
            large: partial(load, large, partial(about_one, business.place, business.members)),
        },
        options.rounds,
        options.seconds,
    )
    print("\n" + "\n".join(lines(f"{title}: a business number", compared)), flush=True)
    results = as_json(compared)
    results["searches"] = {
        search: _told(f"{title}: {search}", _page_costs(service, path, body, pids))
        for search, (path, body) in _searches(business).items()
    }
    return results


def _searches(business: Business) -> Mapping[str, tuple[str, dict[str, object]]]:
    administrator = {"type": "person", "id": f"person-{business.place}-0"}
    number = {"type": "customer", "id": f"{100_000_000 + business.place}"}
    page = {"limit": _PAGE}
    return {
        "whose usage the administrator sees": (
            "/access/v1/search/resource",
            {
                "subject": administrator,
                "action": {"name": "view_usage"},
                "resource": {"type": "subscription"},
                "page": page,
            },
        ),
        "who sees his or her role": (
            "/access/v1/search/subject",
            {"subject": {"type": "person"}, "action": {"name": "view_role"}, "resource": number, "page": page},
        ),
    }


def _page_costs(service: Running, path: str, body: dict[str, Any], pids: tuple[int, ...]) -> list[PageCost]:
    """Of the first page, one in the middle and the last that is not empty."""
    measured = (service.pid, *pids)
    with requests.Session() as session:
        session.headers.update(authorization(service))

        def ask(token: str) -> dict[str, Any]:
            asked = {**body, "page": {**body["page"], "token": token}}
            answer = session.post(service.url + path, json=asked, timeout=60)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
            return found

        tokens = [""]
        counts: list[int] = []
        with progress("Reading every page") as on_progress:
            while len(counts) < len(tokens):
                page = ask(tokens[-1])["page"]
                counts.append(page["count"])
                if page["next_token"]:
                    tokens.append(page["next_token"])
                on_progress(sum(counts), 0)
        last = max(n for n, count in enumerate(counts) if count or not n)
        costs = []
        for n in sorted({0, last // 2, last}):
            times, before = [], cpu_seconds(measured)
            for _ in range(_TIMES):
                began = time.perf_counter()
                ask(tokens[n])
                times.append((time.perf_counter() - began) * 1000)
            cpu_ms = (cpu_seconds(measured) - before) / _TIMES * 1000
            costs.append(PageCost(n + 1, counts[n], round(statistics.median(times), 2), round(cpu_ms, 2)))
        return costs


def _told(title: str, costs: list[PageCost]) -> list[dict[str, float]]:
    print(f"  {title}: {costs[-1].number:,} pages")
    for each in costs:
        print(f"    page {each.number:>5,}, {each.found:>5,} found {each.ms:>8.1f} ms {each.cpu_ms:>8.1f} ms of CPU")
    return [each._asdict() for each in costs]

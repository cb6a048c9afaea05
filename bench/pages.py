"""How long each page takes with much of everything: customers, people, and entries of the journal.

    python -m bench.pages [--customers N] [--entries N]

Asks the service as a browser does that has signed in, each page in turn, and tells how long it waits. The limit that
is wanted is 100 ms. Exit 1 where a page in the median takes longer.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import requests

from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.settings import CHECKOUT_POLICIES
from authz_service.storage.database import connect
from bench.journal_queries import fill
from bench.service import JOURNAL_KEY, Running, make_database, running
from bench.world import Business, write_customers
from tests.policy.edits import BILLS_FOR_USERS, edit

_WANTED_MS = 100
_TIMES = 9
_SECONDS = 60
_HOUR = timedelta(hours=1)
_DIFF = "/matrix/diff?from=&to="
_FORM_KEY = re.compile(r'name="form_key" value="([^"]+)"')


class Asked(NamedTuple):
    """A page.

    Attributes:
        name: What it is.
        path: Its address.
        form: What is posted to it; None where it is only read.
    """

    name: str
    path: str
    form: Mapping[str, str] | None = None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description="How long each page takes.")
    parser.add_argument("--customers", type=int, default=100_000, help="households of three")
    parser.add_argument("--mobiles", type=int, default=100_000, help="of one business number beside them")
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the journal")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as made:
        customers, url = Path(made) / "customers.ndjson", f"sqlite:///{Path(made) / 'pages.db'}"
        write_customers(customers, arguments.customers, business=Business(arguments.customers, arguments.mobiles))
        make_database(url, customers)
        database = connect(url, writes_much=True)
        names, half, people = Pseudonyms(JOURNAL_KEY.encode()), arguments.entries // 2, arguments.entries // 40
        fill(database, names, half, people)
        # So many in the last hour are as many as `/status` can have to count.
        fill(database, names, half, people, datetime.now(UTC) - _HOUR, _HOUR)
        database.dispose()
        other = edit(CHECKOUT_POLICIES, Path(made) / "other", BILLS_FOR_USERS)
        with running(url, {"AUTHZ_WORKERS": "1", "AUTHZ_SHADOW_POLICIES": str(other)}) as service:
            slow = _measure(service, arguments.customers)
    sys.exit(1 if slow else 0)


def _measure(service: Running, customers: int) -> list[str]:
    reader = _signed_in(service)
    slow = []
    print(f"{'page':<46}{'first ms':>10}{'median ms':>11}{'most':>8}{'KiB':>7}", flush=True)
    for asked in _pages(service, customers):
        first, size = _time(reader, service, asked)
        times = [_time(reader, service, asked)[0] for _ in range(_TIMES)]
        median = statistics.median(times)
        if median > _WANTED_MS:
            slow.append(asked.name)
        mark = "✓" if median <= _WANTED_MS else "✗"
        print(f"{mark} {asked.name:<44}{first:>10.0f}{median:>11.0f}{max(times):>8.0f}{size / 1024:>7.0f}", flush=True)
    return slow


def _signed_in(service: Running) -> requests.Session:
    reader = requests.Session()
    page = reader.get(f"{service.url}/sign-in", timeout=_SECONDS).text
    form = {"form_key": _key_in(page), "token": service.token}
    reader.post(f"{service.url}/sign-in", form, timeout=_SECONDS, allow_redirects=False).raise_for_status()
    # The policy is read, and compared, once, which takes seconds and is no part of what is measured.
    for path in ("/", _DIFF):
        began = time.monotonic()
        while reader.get(service.url + path, timeout=_SECONDS).status_code != requests.codes.ok:
            if time.monotonic() - began > _SECONDS:
                raise SystemExit(f"✗ {path} is not there after a minute.")
            time.sleep(0.5)
    return reader


def _pages(service: Running, customers: int) -> Iterator[Asked]:
    n = customers // 2
    decision = _decided(service, n)
    thing = {"person": f"person-{n}-1", "action": "view_usage", "thing": f"mobile-{n}-1", "channel": "web"}
    yield Asked("handbook", "/")
    yield Asked("matrix", "/matrix")
    yield Asked("a cell", "/matrix/view_usage-subscription/user-own-mobile")
    yield Asked("the policy beside another, with who is concerned", _DIFF)
    yield Asked("ask", "/ask")
    yield Asked("ask, answered", "/ask", thing)
    yield Asked("decisions", "/decisions")
    yield Asked("decisions of a person", "/decisions?person=person-1000")
    yield Asked("decisions of a customer number, denied", "/decisions?customer=300&answer=deny")
    yield Asked("decisions of an action that never was", "/decisions?action=delegate")
    yield Asked("decisions by a revision of nobody's", "/decisions?revision=0123456789abcdef")
    yield Asked("a decision", f"/decisions/{decision}")
    yield Asked("reviews", "/customers")
    yield Asked("review of a household", f"/customers/{100_000_000 + n}")
    yield Asked("review of a large business", f"/customers/{100_000_000 + customers}")
    yield Asked("status", "/status")


def _decided(service: Running, n: int) -> str:
    question = {
        "subject": {"type": "person", "id": f"person-{n}-1"},
        "action": {"name": "view_usage"},
        "resource": {"type": "subscription", "id": f"mobile-{n}-2"},
    }
    headers = {"Authorization": f"Bearer {service.token}"}
    answer = requests.post(f"{service.url}/access/v1/evaluation", json=question, headers=headers, timeout=_SECONDS)
    # Its block is signed within a second, and it is found then.
    time.sleep(2)
    return answer.headers["Decision-Id"]


def _time(reader: requests.Session, service: Running, asked: Asked) -> tuple[float, int]:
    """How many milliseconds it takes, and how large it is."""
    address = service.url + asked.path
    form = {**asked.form, "form_key": _key_in(reader.get(address, timeout=_SECONDS).text)} if asked.form else None
    began = time.perf_counter()
    answer = reader.post(address, form, timeout=_SECONDS) if form else reader.get(address, timeout=_SECONDS)
    taken = (time.perf_counter() - began) * 1000
    answer.raise_for_status()
    return taken, len(answer.content)


def _key_in(page: str) -> str:
    found = _FORM_KEY.search(page)
    if found is None:
        raise SystemExit("✗ There is no form where one should be.")
    return found[1]


if __name__ == "__main__":
    main()

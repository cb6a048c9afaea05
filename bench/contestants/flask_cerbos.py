"""The plain Flask service on Granian, as many workers and threads as this one, with a Cerbos of its own."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from authz_service.callers.callers import new_token
from bench.contestants.authzen import authzen_ways
from bench.contestants.cerbos import running_cerbos
from bench.contestants.contestant import HUNDRED, Contestant
from bench.processes import free_port, started

SET = "as many workers as this service, 8 threads each, a connection kept to a Cerbos set as the other one is"

_ROOT = Path(__file__).parents[2]
_THREADS = 8


@contextmanager
def flask_cerbos(questions: Sequence[Mapping[str, Any]], database: Path, workers: int) -> Iterator[Contestant]:
    token, port = new_token(), free_port()
    headers = {"Authorization": f"Bearer {token}"}
    url = f"http://127.0.0.1:{port}"
    with running_cerbos() as cerbos:
        environ = {**os.environ, "CUSTOMERS": str(database), "CERBOS": cerbos.url, "TOKEN": token}
        command = [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--port", str(port)),
            *("--workers", str(workers), "--blocking-threads", str(_THREADS), "--log-level", "error"),
            *("--factory", "bench.contestants.flask_app:create_app"),
        ]
        with started(command, f"{url}/healthz", environ, _ROOT) as pid:
            ways = authzen_ways(questions, HUNDRED)
            yield Contestant("flask_cerbos", "Flask and Cerbos", url, headers, (pid, cerbos.pid), ways)

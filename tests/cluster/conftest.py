from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, running_cluster
from tests.cluster.load import Call, Load
from tests.cluster.report import Row, row_of, write_report


class Witness:
    """Keeps what callers saw of each fault.

    Attributes:
        calls: All that they have asked.
        rows: A line for each fault, for the report.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.calls: list[Call] = []
        self.rows: list[Row] = []
        self._cluster = cluster

    @contextmanager
    def sees(self, fault: str, bound: str) -> Iterator[Load]:
        """Callers that ask all the while that something is broken and mended in the block.

        Args:
            fault: What is broken.
            bound: What may fail at most.
        """
        before, load = self._cluster.proxy.retries(), Load(self._cluster.proxy.url)
        try:
            with load.asking():
                load.wait_for_more()
                yield load
                self._cluster.wait_until_all_answer()
                load.wait_for_more()
        finally:
            self.calls += load.calls
            self.rows.append(row_of(fault, bound, load, self._cluster.proxy.retries() - before))


@pytest.fixture(scope="module")
def cluster(opa: Path, policies: Path) -> Iterator[Cluster]:
    with running_cluster(opa, policies) as running:
        yield running


@pytest.fixture(scope="module")
def witness(cluster: Cluster) -> Iterator[Witness]:
    made = Witness(cluster)
    yield made
    write_report(made.rows)

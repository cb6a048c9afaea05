"""A share of what `make fuzz` tries, the same each time."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from authz_service.opa.supervisor import SupervisedOpa
from tests.fuzz.served import Served, served
from tests.fuzz.targets import TARGETS

# A minute's worth in all.
CASES = 1_000


@pytest.fixture(scope="module")
def app(running_opa: SupervisedOpa) -> Iterator[Served]:
    with served(running_opa.url) as made:
        yield made


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_is_sent_nothing_crashes_and_nothing_is_permitted_that_must_not_be(app: Served, name: str) -> None:
    target = TARGETS[name]

    @settings(
        max_examples=CASES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )
    @given(st.data())
    def check(data: st.DataObject) -> None:
        target.check(app, data.draw(target.cases))

    check()

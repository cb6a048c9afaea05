"""What the simulation makes of round figures."""

import json
from pathlib import Path

import pytest

from bench.carrying import Load, Machines, carried_by_database, carried_by_replica, cost_of, needs_of, steps
from bench.costs import measured, read_costs
from bench.scale import fitted_hold_ups, modelled
from tests.bench.results import ENGINES, SCALING

_MEASURED = measured(ENGINES, SCALING)
_MACHINES = Machines(cores=2, database_cores=16, busy=0.5, p99_ms=50, partitions=4)
_LOAD = Load(rate=10_000, searches=0.0, customers=1_000, journal="strict")


def test_a_search_costs_its_share_of_an_average_request() -> None:
    cost = cost_of(_MEASURED, _LOAD._replace(searches=0.1))
    assert cost == pytest.approx((500e-6, 100e-6))


@pytest.mark.parametrize(("customers", "ratio"), [(1_000, 1.0), (1_000_000, 1.1), (1_000_000_000, 1.2), (10, 1.0)])
def test_a_request_costs_more_among_more_customers_by_their_logarithm(customers: int, ratio: float) -> None:
    assert cost_of(_MEASURED, _LOAD._replace(customers=customers)).service == pytest.approx(400e-6 * ratio)


def test_a_mode_that_was_not_measured_among_many_grows_as_the_one_that_shows_most() -> None:
    load = _LOAD._replace(customers=1_000_000, journal="buffered")
    assert cost_of(_MEASURED, load).service == pytest.approx(400e-6 * 1.3)


def test_what_carries_a_load_is_its_cores_by_what_a_request_costs() -> None:
    assert carried_by_replica(_MEASURED, _LOAD, _MACHINES, "postgresql") == pytest.approx(2_500)
    assert carried_by_database(_MEASURED, _LOAD, _MACHINES) == pytest.approx(80_000)


def test_a_load_needs_what_keeps_its_parts_busy_as_said_at_most() -> None:
    needs = needs_of(_MEASURED, _LOAD, _MACHINES, held=0.0)
    assert (needs.replicas, needs.database_cores, needs.partitions) == (4, 2, 1)
    assert needs.replica_busy == pytest.approx(0.5)
    assert needs.journal_bytes_a_day == pytest.approx(10_000 * 86_400 * 450)
    assert needs.customer_bytes == pytest.approx(1_000 * 700)
    assert needs.waits.p99_ms <= _MACHINES.p99_ms


def test_without_a_journal_nothing_is_kept() -> None:
    needs = needs_of(_MEASURED, _LOAD._replace(journal="off"), _MACHINES, held=0.0)
    assert needs.journal_bytes_a_day == needs.index_bytes_a_day == 0


def test_waits_that_are_too_long_are_answered_with_more_cores() -> None:
    load, busy = _LOAD._replace(rate=9_000), _MACHINES._replace(busy=0.95)
    slow, quick = (needs_of(_MEASURED, load, busy._replace(p99_ms=ms), held=0.0) for ms in (50, 3.5))
    assert slow.waits.p99_ms > 3.5 >= quick.waits.p99_ms
    assert quick.replicas > slow.replicas


def test_waits_that_no_number_of_cores_makes_as_short_are_refused() -> None:
    with pytest.raises(SystemExit, match="Choose a longer one"):
        needs_of(_MEASURED, _LOAD._replace(rate=20), _MACHINES._replace(p99_ms=0.1), held=0.0)


def test_what_has_to_grow_is_told_in_the_order_of_the_load() -> None:
    told = steps(_MEASURED, _LOAD, _MACHINES)
    assert [step.rate for step in told] == pytest.approx([2_500, 10_000, 80_000, 320_000])
    assert [step.what.split()[0] for step in told] == ["a", "the", "PostgreSQL:", "the"]


def test_the_hold_ups_that_are_fitted_give_the_run_that_it_was_fitted_to() -> None:
    run = _MEASURED.runs[0]
    model = modelled(run, _MEASURED, fitted_hold_ups(_MEASURED))
    assert model.p99_ms == pytest.approx(run.p99_ms, rel=0.2)
    assert model.per_second == pytest.approx(2 / 500e-6, rel=0.05)


def test_results_that_lack_a_part_are_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "engines.json").write_text(json.dumps(ENGINES))
    with pytest.raises(SystemExit, match=r"scaling\.json: is not there; write it with"):
        read_costs(tmp_path)
    lacking = {name: each for name, each in SCALING["results"].items() if name != "memory"}
    (tmp_path / "scaling.json").write_text(json.dumps(SCALING | {"results": lacking}))
    with pytest.raises(SystemExit, match=r"no 'memory' in the results; write them with"):
        read_costs(tmp_path)

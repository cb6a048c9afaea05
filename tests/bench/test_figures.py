"""How figures are told of one another."""

from bench.figures import Figures, as_json, figures_of, ratios, table
from bench.load import Measured

RESULTS = {
    "single": {
        "ours": Figures("This service", 3_000.0, 300.0, 100.0, 4.0, 12.0),
        "cerbos": Figures("Cerbos", 6_000.0, 200.0, 0.0, 2.0, 6.0),
    },
    "search": {"ours": Figures("This service", 1_000.0, 1_000.0, 0.0, 8.0, 24.0)},
}


def test_a_decision_of_a_batch_costs_its_share_of_the_request() -> None:
    measured = Measured(50, 25.0, 4_000.0, 1_000.0, 40.0, 90.0, 95.0)
    assert figures_of("This service", "batch of 100", measured) == Figures(
        "This service", 2_500.0, 40.0, 10.0, 40.0, 90.0
    )


def test_a_ratio_of_cpu_has_the_database_server_in_it() -> None:
    assert ratios(RESULTS, "single", "ours") == {"cerbos": {"cpu": 2.0, "per_second": 0.5, "p50": 2.0, "p99": 2.0}}


def test_what_no_reference_does_is_told_in_their_decisions_and_without_times() -> None:
    assert ratios(RESULTS, "search", "ours") == {"cerbos": {"cpu": 5.0, "per_second": 0.167}}


def test_a_reference_is_one_of_itself() -> None:
    assert as_json(RESULTS)["single"]["cerbos"]["of"] == {
        "cerbos": {"cpu": 1.0, "per_second": 1.0, "p50": 1.0, "p99": 1.0}
    }


def test_the_lines_of_a_table_are_aligned() -> None:
    lines = table(RESULTS, "single")
    assert len(lines) == 3
    assert len(set(map(len, lines))) == 1

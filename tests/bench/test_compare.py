"""Which changes of a result are told."""

import pytest

from bench.compare import changes, committed, tell, tell_changes
from bench.report import RESULTS


def report(**cpu: float) -> dict[str, object]:
    """A report in which this service has these ratios of CPU."""
    of = {reference: {"cpu": ratio} for reference, ratio in cpu.items()}
    return {
        "machine": {},
        "versions": {},
        "settings": {},
        "results": {"single": {"ours": {"of": of}, "cerbos": {"of": {"cerbos": {"cpu": 1.0}}}}},
    }


@pytest.mark.parametrize("after", [1.14, 1.0, 0.86])
def test_a_change_of_fifteen_percent_or_less_is_not_told(after: float) -> None:
    assert list(changes(report(cerbos=1.0), report(cerbos=after))) == []


@pytest.mark.parametrize(("after", "mark", "share"), [(2.4, "▲ dearer", "+20%"), (1.6, "▼ cheaper", "-20%")])
def test_a_change_of_more_is_told_up_and_down(after: float, mark: str, share: str) -> None:
    [change] = changes(report(cerbos=2.0), report(cerbos=after))
    assert str(change) == f"{mark}: single, ours: {after:.2f} of the CPU of cerbos, was 2.00 ({share})"


def test_each_ratio_is_compared_by_itself() -> None:
    found = changes(report(opa=2.0, cerbos=1.0, openfga=0.5), report(opa=2.1, cerbos=1.5, openfga=0.3))
    assert [change.reference for change in found] == ["cerbos", "openfga"]


def test_what_was_not_there_before_is_no_change() -> None:
    assert list(changes(report(), report(cerbos=9.0))) == []
    assert list(changes({"results": {}}, report(cerbos=9.0))) == []


def test_what_is_in_no_commit_is_none() -> None:
    assert committed(RESULTS / "never.json") is None
    assert tell_changes(RESULTS / "never.json") == ["No result is committed yet to compare with."]


def test_another_machine_is_told_before_the_ratios() -> None:
    before = {**report(cerbos=1.0), "machine": {"cores": 64, "system": "Linux"}}
    assert tell(before, {**report(cerbos=1.0), "machine": {"cores": 2, "system": "Linux"}}) == [
        "The committed result is of other machine: cores was 64, and is 2",
        "✓ No ratio of CPU is more than 15% from the committed result.",
    ]

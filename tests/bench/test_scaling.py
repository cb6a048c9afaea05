"""What `bench.scaling` asks, reads and makes of it; what it measures is measured by running it."""

import json
import os
import sys
from pathlib import Path

import pytest

from bench.scaling.asking import about_one, spread
from bench.scaling.memory import growth, resident
from bench.scaling.options import PARTS, check_disk, read_options
from bench.scaling.wanted import Wanted, wanted_of
from bench.world import Business, questions, write_customers
from tests.bench.results import SCALING


def test_each_figure_is_told_with_whether_it_is_as_wanted() -> None:
    told = wanted_of(SCALING["results"])
    assert Wanted("sqlite: customers imported a second", 10_000, 15_000, met=True) in told
    assert Wanted("postgresql: customers imported a second", 20_000, 15_000, met=False) in told
    assert Wanted("sqlite, journal off: decisions among many, CPU of that among few", 1.2, 1.3, met=False) in told
    assert Wanted("sqlite: MiB of worker 1 at most", 120, 121.0, met=False) in told
    assert Wanted("sqlite: p99 in ms of the worst window with a change", 50, 60.0, met=False) in told
    assert not [each for each in told if "main" in each.what]


def test_what_was_not_measured_is_not_judged() -> None:
    assert wanted_of({}) == []


def test_a_figure_reads_as_a_line() -> None:
    assert str(Wanted("seconds from start to first answer", 1.5, 1.25, met=True)).startswith("✓ seconds from")
    assert str(Wanted("requests that failed", 0, 3, met=False)) == "✗ requests that failed: 3, wanted 0"


@pytest.mark.parametrize("in_part", ["--parts cold", "--database sqlite", "--parts size,business,memory,cold"])
def test_a_run_of_a_part_is_known_as_one(in_part: str) -> None:
    assert not read_options(in_part.split()).is_whole


def test_a_whole_run_is_whole_however_many_customers_there_are() -> None:
    assert read_options(["--customers", "2000", "--parts", ",".join(reversed(PARTS))]).is_whole


def test_growth_is_told_from_when_a_process_was_warm() -> None:
    seen = [(0, {"opa": 10.0}), (100, {"opa": 40.0}), (250, {"opa": 50.0}), (1_000, {"opa": 55.0})]
    assert growth(seen, "opa") == pytest.approx(0.1)


def test_memory_is_that_of_the_process() -> None:
    assert resident(os.getpid())["main"] > 1


def test_questions_of_another_turn_are_about_others() -> None:
    one, another = (spread(10_000_000, 1, 100, seed=seed) for seed in (1, 2))
    assert one == spread(10_000_000, 1, 100, seed=1)
    assert not {json.dumps(each) for each in one} & {json.dumps(each) for each in another}


def test_questions_about_one_customer_number_name_no_other(tmp_path: Path) -> None:
    file = tmp_path / "customers.ndjson"
    write_customers(file, 2, 3, Business(place=2, members=5))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    firm = lines[-1]["customer"]
    assert (firm["kind"], len(firm["members"])) == ("business", 5)
    mobiles = {each["id"] for each in firm["subscriptions"]}
    asked = [each["resource"] for each in about_one(2, 5, 200, seed=1)]
    assert {each["id"] for each in asked if each["type"] == "subscription"} <= mobiles  # type: ignore[index]  # a question as it is sent
    assert {each["id"] for each in asked if each["type"] == "customer"} == {firm["number"]}  # type: ignore[index]  # a question as it is sent


def test_the_questions_of_the_other_comparisons_are_what_they_were() -> None:
    [first, *_] = questions(20_000, 3)
    assert first == {
        "subject": {"type": "person", "id": "person-0-1"},
        "action": {"name": "activate_option", "properties": {"option": "free-option"}},
        "resource": {"type": "subscription", "id": "mobile-0-0"},
        "context": {"channel": first["context"]["channel"]},  # type: ignore[index]  # a question as it is sent
    }


def test_without_options_all_is_measured() -> None:
    options = read_options([])
    assert (options.customers, options.parts, options.databases) == (10_000_000, PARTS, ("sqlite", "postgresql"))


def test_a_part_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_options(["--parts", "cold,speed"])
    assert "there is no speed; there are size, business" in capsys.readouterr().err


def test_a_disk_that_is_too_small_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    check_disk(tmp_path, 1)
    with pytest.raises(SystemExit, match=r"are free\. Choose fewer with --customers"):
        check_disk(tmp_path, sys.maxsize)

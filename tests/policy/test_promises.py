import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from authz_service.errors import InvalidPolicy
from authz_service.policy.promises import FOLDER, Promise, broken_promises, counterexample, read_promises
from authz_service.policy.sentences import Phrases
from authz_service.policy.situations import Facts
from authz_service.policy.syntax import read_rules
from authz_service.policy.table import Outcome, Table

_USER_SEES_BILLS: Facts = {"action": "view_bills", "role": "user"}


@pytest.fixture(scope="module")
def promises(opa: Path, policies: Path) -> list[Promise]:
    """The promises of the shipped policy."""
    return read_promises(read_rules(opa, policies / FOLDER))


def _answered(table: Table, facts: Facts, change: Callable[[Outcome], Outcome]) -> Table:
    """The table with other answers wherever these are among the facts."""
    rows = zip(table.situations, table.outcomes, strict=True)
    return table._replace(
        outcomes=[change(outcome) if facts.items() <= situation.items() else outcome for situation, outcome in rows]
    )


def _copy(policies: Path, tmp_path: Path, old: str, new: str) -> Path:
    copied = tmp_path / "policies"
    shutil.copytree(policies / FOLDER, copied / FOLDER)
    file = copied / FOLDER / "roles.rego"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    return copied


def test_the_shipped_policy_keeps_every_promise(
    opa: Path, policies: Path, promises: list[Promise], table: Table
) -> None:
    assert broken_promises(opa, policies, promises, table) == []


def test_every_requirement_has_a_promise(policies: Path, promises: list[Promise]) -> None:
    requirements = yaml.safe_load((policies / "requirements.yaml").read_text())
    cited = {cite for promise in promises for cite in promise.cites}
    assert cited == {*requirements["facts"], *requirements["readings"]}


def test_a_promise_says_what_it_is_and_where_it_is_written(policies: Path, promises: list[Promise]) -> None:
    [promise] = [promise for promise in promises if promise.code == "nobody_delegates"]
    assert (promise.title, promise.cites) == ("Nobody delegates a part of a role", ("ROLE-5",))
    lines = Path(promise.file).read_text().splitlines()
    assert lines[promise.line - 2].startswith("# custom: {code: nobody_delegates")


def test_a_counterexample_is_a_sentence_the_smallest_first_with_the_number_of_others(
    opa: Path, policies: Path, promises: list[Promise], table: Table, phrases: Phrases
) -> None:
    opened = _answered(table, _USER_SEES_BILLS, lambda outcome: outcome._replace(allow=True))
    broken = {found.promise.code: found for found in broken_promises(opa, policies, promises, opened)}
    assert broken.keys() == {"bills_for_nobody_else", "nothing_else_for_users", "users_on_the_web_site"}
    bills = broken["bills_for_nobody_else"]
    everywhere = [n for n, facts in enumerate(table.situations) if _USER_SEES_BILLS.items() <= facts.items()]
    assert sorted(bills.places) == everywhere
    assert len(table.situations[bills.places[0]]) < len(table.situations[bills.places[-1]])
    assert counterexample(bills, opened, phrases) == (
        f"a user on a residential customer number may see the bills: on the web site; and {len(everywhere) - 1} more"
    )


def test_a_lone_counterexample_has_no_others(
    opa: Path, policies: Path, promises: list[Promise], table: Table, phrases: Phrases
) -> None:
    place = next(n for n, facts in enumerate(table.situations) if _USER_SEES_BILLS.items() <= facts.items())
    outcomes = [outcome._replace(allow=n == place or outcome.allow) for n, outcome in enumerate(table.outcomes)]
    first, *_ = broken_promises(opa, policies, promises, table._replace(outcomes=outcomes))
    told = counterexample(first, table._replace(outcomes=outcomes), phrases)
    assert told == "a user on a residential customer number may see the bills: on the web site"


def test_what_an_answer_says_beside_yes_or_no_is_told(
    opa: Path, policies: Path, promises: list[Promise], table: Table, phrases: Phrases
) -> None:
    taken: Facts = {"is_take_over": True, "customer_kind": "business", "given_activation_code": "right"}
    forgotten = _answered(table, taken, lambda outcome: outcome._replace(effects=()))
    broken = {found.promise.code: found for found in broken_promises(opa, policies, promises, forgotten)}
    assert broken.keys() == {"at_once", "a_code_works_once"}
    told = counterexample(broken["at_once"], forgotten, phrases)
    assert " may become administrator" in told
    assert " (route activation_code); and " in told


def test_promises_about_the_same_answers_are_judged_once(
    opa: Path,
    policies: Path,
    promises: list[Promise],
    table: Table,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    few = table._replace(situations=table.situations[:50], outcomes=table.outcomes[:50])
    opened = few._replace(outcomes=[outcome._replace(allow=True) for outcome in few.outcomes])
    first = broken_promises(opa, policies, promises, opened)
    assert first != broken_promises(opa, policies, promises, few)
    monkeypatch.delattr("authz_service.policy.promises.evaluate_each")
    assert broken_promises(opa, policies, promises, opened) == first


def test_without_promises_none_is_broken(opa: Path, tmp_path: Path, table: Table) -> None:
    assert read_rules(opa, tmp_path / FOLDER) == []
    assert broken_promises(opa, tmp_path, [], table) == []


@pytest.mark.parametrize(
    ("old", "new", "lacking"),
    [
        ("# title: Nobody delegates a part of a role\n", "", "title, the promise as a sentence"),
        ("code: nobody_delegates, ", "", "custom.code"),
        ("cites: [ROLE-5]", "cites: []", "custom.cites, the facts that it rests on"),
    ],
)
def test_a_promise_without_its_metadata_is_told_at_its_line(
    opa: Path, policies: Path, tmp_path: Path, old: str, new: str, lacking: str
) -> None:
    copied = _copy(policies, tmp_path, old, new)
    with pytest.raises(InvalidPolicy) as caught:
        read_promises(read_rules(opa, copied / FOLDER))
    file = copied / FOLDER / "roles.rego"
    line = file.read_text().splitlines().index('\tinput.facts.action == "delegate"')
    assert str(caught.value) == f"{file}:{line}: lacks in its METADATA: {lacking}"


def test_what_is_broken_under_another_name_than_its_own_is_refused(
    opa: Path, policies: Path, tmp_path: Path, promises: list[Promise]
) -> None:
    metadata = "# custom: {code: nobody_delegates, cites: [ROLE-5]}\nbroken contains "
    copied = _copy(policies, tmp_path, f"{metadata}rego.metadata.rule().custom.code", f'{metadata}"nobody_sings"')
    nothing = Outcome(True, (), None, (), ())  # noqa: FBT003 - as its fields are named
    one = Table("", [{"action": "delegate"}], [nothing])
    with pytest.raises(InvalidPolicy, match="has `nobody_sings` in `broken`, which is the code of no promise"):
        broken_promises(opa, copied, promises, one)


def test_web_site_and_app_answer_alike_but_for_becoming_administrator(table: Table) -> None:
    by_the_rest: dict[str, set[Outcome]] = {}
    for facts, outcome in zip(table.situations, table.outcomes, strict=True):
        if facts["action"] != "become_administrator" and facts["channel"] != "unspecified":
            rest = json.dumps({fact: value for fact, value in facts.items() if fact != "channel"})
            by_the_rest.setdefault(rest, set()).add(outcome)
    assert len(by_the_rest) > 1000
    assert [rest for rest, outcomes in by_the_rest.items() if len(outcomes) > 1] == []

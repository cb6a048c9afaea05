import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from authz_service.errors import InvalidInput, InvalidPolicy
from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.policy.explain import Explanation, explain
from authz_service.policy.fired import Failed, Near
from authz_service.policy.situations import Facts, InputSchema
from authz_service.policy.stated import read_situation
from authz_service.policy.table import Table

ONLY_A_PERSON = "Only a person in the customer data is linked to a customer number."

Ask = Callable[[Sequence[Facts]], list[tuple[bool, set[str]]]]
Explain = Callable[[Facts], Explanation]

ON_CUSTOMER: Facts = {
    "action": "view_bills",
    "channel": "web",
    "is_known_person": True,
    "resource": "customer",
    "role": "user",
    "customer_kind": "residential",
}
ON_MOBILE: Facts = {
    **ON_CUSTOMER,
    "action": "view_usage",
    "resource": "subscription",
    "subscription_kind": "mobile",
    "is_holder": False,
    "plan": "subscription",
    "paid_by": "customer",
}
ON_OPTION: Facts = {**ON_MOBILE, "action": "activate_option", "is_holder": True, "option": "paid"}
ELIGIBILITY: Facts = {
    **ON_CUSTOMER,
    "action": "become_administrator",
    "has_administrator": True,
    "mobiles_paid_by_customer": "own",
    "mobiles_paid_by_employer": "none",
    "mobiles_on_pay_and_go": "none",
    "has_number_of_another_provider": False,
    "activation_code": "unused",
    "is_take_over": False,
}
TAKE_OVER: Facts = {
    **ELIGIBILITY,
    "is_take_over": True,
    "is_current_administrator_informed": True,
    "given_activation_code": "not_given",
}


UNINFORMED: Facts = {**TAKE_OVER, "is_current_administrator_informed": False}
TURNED: list[tuple[Facts, list[object]]] = [
    (ON_CUSTOMER, [{"role": ("administrator",)}]),
    (ON_MOBILE, [{"role": ("administrator",)}, {"is_holder": (True,)}]),
    (ON_OPTION, [{"role": ("administrator",)}, {"option": ("free",)}]),
    ({**ELIGIBILITY, "channel": "app"}, [{"channel": ("web", "unspecified")}]),
    (
        ELIGIBILITY,
        [
            {"channel": ("app",)},
            {"role": ("administrator",)},
            {"mobiles_paid_by_customer": ("of_others",)},
            {"mobiles_paid_by_customer": ("none",), "mobiles_paid_by_employer": ("of_others", "own")},
            {
                "mobiles_paid_by_customer": ("none",),
                "activation_code": ("not_issued", "unused_after_five_wrong", "used"),
            },
            {"is_known_person": (False,), "role": ("none",), "mobiles_paid_by_customer": ("none",)},
        ],
    ),
    (
        {**ON_OPTION, "is_holder": False},
        [{"role": ("administrator",)}, {"is_holder": (True,), "option": ("free",)}],
    ),
    ({**ON_CUSTOMER, "action": "delegate"}, []),
]
NEARLY: list[tuple[Facts, str, str, str, list[str], Facts]] = [
    (
        ON_CUSTOMER,
        "administrator_bills",
        "roles.is_administrator",
        "Administrator",
        ['input.role == "administrator"'],
        {"role": "administrator"},
    ),
    (
        ON_MOBILE,
        "own_mobile_usage",
        "is_own_mobile",
        "Own mobile",
        ["input.is_holder == true"],
        {"is_holder": True},
    ),
    (
        ON_OPTION,
        "own_mobile_free_options",
        'input.option == "free"',
        "",
        ['input.option == "free"'],
        {"option": "free"},
    ),
    (
        {**ELIGIBILITY, "mobiles_paid_by_customer": "of_others"},
        "eligible_by_activation_code",
        "has_no_mobile_on_bill",
        "No mobile number is on the bill",
        ['input.mobiles_paid_by_customer == "none"'],
        {"mobiles_paid_by_customer": "none"},
    ),
    (
        {**UNINFORMED, "has_administrator": False},
        "current_administrator_not_informed",
        "takes_over",
        "Takes over from the current administrator",
        ["input.has_administrator == true"],
        {"has_administrator": True},
    ),
    (
        ELIGIBILITY,
        "no_own_mobile_on_bill",
        "is_refused_by_mobile_number",
        "Refused by the mobile numbers on the bill",
        ["not holds_qualifying_mobile"],
        {"mobiles_paid_by_customer": "of_others"},
    ),
]
FAR_FROM_ALLOWED: Facts = {
    **TAKE_OVER,
    "is_known_person": False,
    "role": "none",
    "channel": "app",
    "mobiles_paid_by_customer": "of_others",
    "is_current_administrator_informed": False,
}
WITHOUT_A_CODE: Facts = {**ELIGIBILITY, "mobiles_paid_by_customer": "none", "activation_code": "not_issued"}
STRANGER: Facts = {**ON_MOBILE, "role": "none"}
BY_HAND = [
    *(facts for facts, _ in TURNED),
    *(facts for facts, *_ in NEARLY),
    *({**facts, **mended} for facts, *_, mended in NEARLY),
    FAR_FROM_ALLOWED,
    UNINFORMED,
    WITHOUT_A_CODE,
    STRANGER,
]


@pytest.fixture(scope="module")
def ask(running_opa: SupervisedOpa) -> Iterator[Ask]:
    """Asks the running OPA, as the service does: whether each situation is allowed, and by which codes."""
    engine = OpaEngine(running_opa.url, timeout=30)

    def ask(situations: Sequence[Facts]) -> list[tuple[bool, set[str]]]:
        return [(answer.allow, {r.code for r in answer.reasons}) for answer in engine.ask(situations).answers]

    yield ask
    engine.close()


@pytest.fixture(scope="module")
def of_mobiles(schema: InputSchema) -> InputSchema:
    """A part of what can be asked, small enough to be judged anew."""
    return schema._replace(kinds=tuple(kind for kind in schema.kinds if kind.title == "mobile"))


@pytest.fixture(scope="module")
def sample(table: Table) -> list[Facts]:
    """Some hundred situations: of every kind, and with every reason that there is."""
    chosen = list(range(0, len(table.situations), 151))
    for code in sorted({code for outcome in table.outcomes for code in outcome.codes}):
        chosen += [n for n, outcome in enumerate(table.outcomes) if code in outcome.codes][::700]
    return [table.situations[n] for n in sorted(set(chosen))]


@pytest.fixture(scope="module")
def explained(opa: Path, policies: Path, schema: InputSchema, sample: list[Facts]) -> list[Explanation]:
    return explain(opa, policies, schema, sample)


@pytest.fixture(scope="module")
def one(opa: Path, policies: Path, schema: InputSchema) -> Explain:
    """The explanation of one of the situations written by hand."""
    explanations = explain(opa, policies, schema, BY_HAND)
    return lambda facts: explanations[BY_HAND.index(facts)]


def test_the_rules_that_fired_are_the_reasons_of_the_answer(
    sample: list[Facts], explained: list[Explanation], ask: Ask, table: Table
) -> None:
    seen: set[str] = set()
    for facts, explanation, (allow, codes) in zip(sample, explained, ask(sample), strict=True):
        assert (explanation.facts, explanation.answer.allow) == (facts, allow)
        decisive = {rule.code for rule in explanation.fired if rule.is_grant == allow}
        assert decisive == codes
        # Those that the answer rests on come first, then those overruled.
        assert [rule.is_grant == allow for rule in explanation.fired] == sorted(
            (rule.is_grant == allow for rule in explanation.fired), reverse=True
        )
        seen |= codes
    assert seen == {code for outcome in table.outcomes for code in outcome.codes}
    assert len(sample) > 250


def test_a_rule_is_told_with_the_place_where_its_author_finds_it(explained: list[Explanation], policies: Path) -> None:
    rules = {rule.code: rule for explanation in explained for rule in explanation.fired}
    assert len(rules) > 25
    for rule in rules.values():
        assert rule.file.is_relative_to(policies / "bundle")
        lines = rule.file.read_text().splitlines()
        assert lines[rule.line - 1].startswith((f"{rule.set} contains", f"{rule.set} :="))
        metadata = "\n".join(lines[: rule.line - 1]).rpartition("# METADATA\n")[2]
        assert f"# title: {rule.title}\n" in metadata
        assert f"code: {rule.code}\n" in metadata
        assert f"cites: [{', '.join(rule.cites)}]\n" in metadata


def _each(change: dict[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    for values in product(*change.values()):
        yield dict(zip(change, values, strict=True))


def test_what_would_turn_it_turns_it(explained: list[Explanation], ask: Ask, schema: InputSchema) -> None:
    asked = [
        (explanation, change)
        for explanation in explained
        for several in explanation.turned
        for change in _each(dict(several))
    ]
    assert len(asked) > 500
    changed = [{**explanation.facts, **change} for explanation, change in asked]
    for (explanation, change), facts, (allow, _) in zip(asked, changed, ask(changed), strict=True):
        assert allow is not explanation.answer.allow
        assert 1 <= len(change) <= 3
        assert all(explanation.facts[fact] != value for fact, value in change.items())
        assert not {"action", "resource"} & change.keys()
        assert schema.kind_of(facts) is schema.kind_of(explanation.facts)
        assert schema.excluded_by(facts) is None


def test_nothing_smaller_and_nothing_else_turns_it(
    opa: Path, policies: Path, of_mobiles: InputSchema, ask: Ask
) -> None:
    situations = [facts for facts in of_mobiles.situations() if facts["action"] in {"view_usage", "delegate"}]
    asked = explain(opa, policies, of_mobiles, situations)
    allowed = [allow for allow, _ in ask(situations)]
    for explanation, allow in zip(asked, allowed, strict=True):
        facts = explanation.facts
        differences = [
            {(fact, value) for fact, value in other.facts.items() if value != facts[fact]}
            for other, other_allow in zip(asked, allowed, strict=True)
            if other_allow != allow and other.facts["action"] == facts["action"]
        ]
        smallest = [one for one in differences if len(one) <= 3 and not any(other < one for other in differences)]
        told = [set(change.items()) for several in explanation.turned for change in _each(dict(several))]
        assert sorted(map(sorted, told)) == sorted(map(sorted, smallest))
        assert explanation.is_fixed is (differences == [])
    assert {len(explanation.turned) for explanation in asked} == {0, 1, 2}


def test_what_takes_more_than_three_facts_is_not_told_and_not_called_fixed(one: Explain) -> None:
    explanation = one(FAR_FROM_ALLOWED)
    assert (explanation.answer.allow, explanation.turned, explanation.is_fixed) == (False, (), False)


@pytest.mark.parametrize(("facts", "turned"), TURNED)
def test_what_would_turn_it_is_told_in_few_changes(one: Explain, facts: Facts, turned: list[object]) -> None:
    assert list(one(facts).turned) == turned


@pytest.mark.parametrize(
    ("facts", "besides"),
    [
        (ON_CUSTOMER, set()),
        (ON_MOBILE, {"is_holder"}),
        (ELIGIBILITY, {"mobiles_paid_by_customer"}),
        (UNINFORMED, set()),
    ],
)
def test_a_sentence_is_about_the_question_and_the_few_facts_that_decided_it(
    one: Explain, facts: Facts, besides: set[str]
) -> None:
    asked = {"action", "role", "is_known_person", "resource", "subscription_kind"}
    assert one(facts).about == {fact: (facts[fact],) for fact in facts if fact in asked | besides}


def _near(explanation: Explanation, code: str) -> Near:
    [near] = [near for near in explanation.nearly if near.rule.code == code]
    return near


def _leaves(failed: Failed) -> list[str]:
    return [leaf for deeper in failed.because for leaf in _leaves(deeper)] or [failed.text]


@pytest.mark.parametrize(("facts", "code", "failed", "helper", "leaves", "mended"), NEARLY)
def test_a_rule_that_nearly_fired_fires_when_the_condition_told_is_made_true(
    one: Explain, facts: Facts, code: str, failed: str, helper: str, leaves: list[str], mended: Facts
) -> None:
    near = _near(one(facts), code)
    assert (near.failed.text, near.failed.helper, _leaves(near.failed)) == (failed, helper, leaves)
    assert failed in near.failed.file.read_text().splitlines()[near.failed.line - 1]
    assert code in {rule.code for rule in one({**facts, **mended}).fired}


def test_a_rule_of_which_two_conditions_fail_is_not_near(one: Explain) -> None:
    codes = {near.rule.code for near in one(STRANGER).nearly}
    assert "administrator_usage" in codes
    assert "own_mobile_usage" not in codes


def test_a_negated_condition_that_fails_names_what_holds(one: Explain) -> None:
    failed = _near(one(ON_CUSTOMER), "not_linked").failed
    assert (failed.text, failed.helper, failed.is_negated, failed.because) == (
        "not roles.is_linked",
        "Linked",
        True,
        (),
    )


def test_what_would_turn_the_answer_comes_first_of_what_is_near(explained: list[Explanation]) -> None:
    for explanation in explained:
        grants = [near.rule.is_grant for near in explanation.nearly]
        assert grants == sorted(grants, reverse=not explanation.answer.allow)


def test_a_helper_of_several_bodies_is_told_by_its_title_alone(one: Explain) -> None:
    failed = _near(one(WITHOUT_A_CODE), "no_own_mobile_on_bill").failed
    assert [(each.text, each.helper, each.because) for each in failed.because] == [
        ("has_mobile_on_bill", "A mobile number is on the bill", ())
    ]
    assert failed.because[0].reads == {"mobiles_paid_by_customer", "mobiles_paid_by_employer"}


_RULE = """
# METADATA
# title: {code}
# description: Of a test.
# custom: {{code: {code}, cites: [READ-9], message: {{en: No.}}}}
obstacles contains reasons.of(rego.metadata.rule()) if {{
{body}
}}
"""


def _with_rule(policies: Path, folder: Path, body: str) -> tuple[Path, int]:
    """A policies folder with an obstacle more, and the line before its body."""
    shutil.copytree(policies, folder / "policies")
    file = folder / "policies" / "bundle" / "authz" / "permissions" / "obstacles.rego"
    rules = file.read_text()
    file.write_text(rules + _RULE.format(code="of_a_test", body=body))
    return folder / "policies", rules.count("\n") + 6


@pytest.mark.parametrize(
    ("body", "failed", "line"),
    [
        # Conditions that share a variable are one, which ends where it cannot be met any more.
        ('roles.is_user\nsome each in {"app", "unspecified"}\ninput.channel == each', "input.channel == each", 3),
        ("roles.is_user\nsome each in set()\ninput.channel == each", "some each in set()", 2),
        # No body by itself: what declares nothing that is used, and what comes before the value that it needs.
        ("some each\neach != 2\n[1, 2][each] == 3", "[1, 2][each] == 3", 3),
        ("each > 2\neach = count(input.channel)\neach == 4", "each == 4", 3),
        # Variables within are not shared, so that these are two, and both fail.
        ("count([each | some each in [1]; each > 1]) == 1\ncount([each | some each in [1]; each > 2]) == 1", None, 0),
        (
            'roles.is_user\nroles.is_administrator with input.role as "user"',
            'roles.is_administrator with input.role as "user"',
            2,
        ),
    ],
)
def test_conditions_are_judged_by_opa_whatever_is_in_them(
    opa: Path, policies: Path, of_mobiles: InputSchema, tmp_path: Path, body: str, failed: str | None, line: int
) -> None:
    folder, before = _with_rule(policies, tmp_path, body)
    [explanation] = explain(opa, folder, of_mobiles, [ON_MOBILE])
    near = [near.failed for near in explanation.nearly if near.rule.code == "of_a_test"]
    assert [(each.text, each.line) for each in near] == ([(failed, before + line)] if failed else [])
    assert "of_a_test" not in {rule.code for rule in explanation.fired}


def test_a_broken_policy_is_told_at_the_authors_line(
    opa: Path, policies: Path, schema: InputSchema, tmp_path: Path
) -> None:
    folder, before = _with_rule(policies, tmp_path, "input.planet")
    with pytest.raises(InvalidPolicy, match=rf"obstacles\.rego:{before + 1}: "):
        explain(opa, folder, schema, [ON_MOBILE])


def test_facts_that_somebody_states_are_put_in_the_order_of_the_schema(schema: InputSchema) -> None:
    facts = read_situation({fact: ON_MOBILE[fact] for fact in sorted(ON_MOBILE)}, schema)
    assert facts == ON_MOBILE
    assert list(facts) == [fact for kind in schema.kinds if kind.title == "mobile" for fact in kind.facts]


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ([], ['must be a JSON object with facts, such as {"action": "view_bills", …}']),
        ({**ON_MOBILE, "is_holder": 1}, ["is_holder: must be a string, true or false"]),
        (
            {**ON_CUSTOMER, "role": "boss", "colour": "red"},
            [
                'role: must be "administrator", "user" or "none" in a question of the kind “customer number”',
                "colour: does not belong in a question of the kind “customer number”; leave it out",
            ],
        ),
        (
            {fact: value for fact, value in ON_MOBILE.items() if fact != "is_holder"},
            ["is_holder: is missing in a question of the kind “mobile”: false or true"],
        ),
        (
            {**ON_CUSTOMER, "is_known_person": False},
            ['role "user" and is_known_person false cannot occur together. ' + ONLY_A_PERSON],
        ),
    ],
)
def test_facts_that_are_no_situation_are_refused_with_every_fault(
    schema: InputSchema, stated: object, said: list[str]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_situation(stated, schema)
    assert str(refusal.value).splitlines() == said

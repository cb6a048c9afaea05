import shutil
from pathlib import Path

import pytest

from authz_service.errors import InvalidPolicy
from authz_service.policy.sentences import Phrases, Several, read_phrases
from authz_service.policy.situations import InputSchema

CODE = "activation code"


@pytest.fixture(scope="module")
def phrases(policies: Path, schema: InputSchema) -> Phrases:
    return read_phrases(policies, schema)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({}, "anybody may do anything"),
        ({"role": ("user",), "action": ("view_bills",)}, "a user may see the bills"),
        (
            {"role": ("user", "none"), "action": ("delegate",)},
            "a user or somebody not linked may delegate a part of a role",
        ),
        (
            {
                "role": ("user",),
                "action": ("view_usage",),
                "subscription_kind": ("mobile",),
                "is_holder": (True,),
                "channel": ("app",),
            },
            "a user may see the usage of a mobile that is his or her own: in the app",
        ),
        (
            {"is_known_person": (False,), "role": ("none",), "action": ("view_role",)},
            "somebody unknown may look up his or her role",
        ),
        (
            {"is_known_person": (True,), "role": ("none",), "action": ("view_role",)},
            "somebody not linked may look up his or her role",
        ),
        (
            {
                "customer_kind": ("business",),
                "action": ("become_administrator",),
                "activation_code": ("used",),
                "channel": ("web",),
            },
            "anybody on a business customer number may become administrator: the activation code used, on the web site",
        ),
        ({"role": ("administrator", "user", "none"), "action": ("view_bills",)}, "anybody may see the bills"),
    ],
)
def test_facts_are_told_as_a_sentence(phrases: Phrases, facts: Several, sentence: str) -> None:
    assert phrases.who_does_what(facts, "may") == sentence


@pytest.mark.parametrize(
    ("facts", "clause"),
    [
        ({"role": ("administrator",)}, "the person were administrator"),
        ({"is_holder": (True,), "option": ("free",)}, "the mobile were his or her own and the option were free"),
        ({"role": ("user", "none")}, "the person were a user or not linked"),
        ({"channel": ("web", "unspecified")}, "it were on the web site or a channel not said"),
        (
            {"activation_code": ("not_issued", "used", "unused_after_five_wrong")},
            "the activation code were not issued, used or closed after five wrong ones",
        ),
        ({"given_activation_code": ("not_given", "right")}, f"no {CODE} were brought or the {CODE} brought were right"),
    ],
)
def test_what_would_be_so_is_told_as_a_clause(phrases: Phrases, facts: Several, clause: str) -> None:
    assert phrases.if_it_were(facts) == clause


def test_a_folder_without_clauses_tells_facts_by_their_names(
    policies: Path, schema: InputSchema, tmp_path: Path
) -> None:
    shutil.copytree(policies / "schemas", tmp_path / "schemas")
    file = tmp_path / "schemas" / "phrases.yaml"
    file.write_text(file.read_text().partition("\nif:\n")[0])
    assert read_phrases(tmp_path, schema).if_it_were({"role": ("user", "none")}) == "role were user or none"


def test_every_value_of_every_fact_has_its_phrase(phrases: Phrases, schema: InputSchema) -> None:
    for kind in schema.kinds:
        for fact, values in kind.facts.items():
            assert all(isinstance(phrases.of(fact, value), str) for value in values)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "own: having a mobile with Pay&Go",
            "mine: having a mobile with Pay&Go",
            "mobiles_on_pay_and_go: has no phrase for 'own'",
        ),
        (
            "own: having a mobile with Pay&Go",
            "mine: having a mobile with Pay&Go",
            "has a phrase for 'mine', which the schema does not",
        ),
        ("if:\n  is_known_person:", "if:\n  is_known:", "if.is_known_person: has no phrase for True"),
        ("if:\n  is_known_person:", "if:\n  is_known:", "is_known: has a phrase for True, which the schema does not"),
        ("who:", "whom:", "must be YAML with who, of_what, may, with_what, when"),
    ],
)
def test_a_phrase_that_is_missing_or_for_nothing_is_told(
    policies: Path, schema: InputSchema, tmp_path: Path, old: str, new: str, said: str
) -> None:
    shutil.copytree(policies / "schemas", tmp_path / "schemas")
    file = tmp_path / "schemas" / "phrases.yaml"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(InvalidPolicy) as refusal:
        read_phrases(tmp_path, schema)
    assert said in str(refusal.value)

"""What is allowed, a byte each, says the same as the table that it is made of."""

from itertools import product

from authz_service.policy.allowed import allowed
from authz_service.policy.situations import InputSchema
from authz_service.policy.table import Table


def test_it_has_the_answer_to_every_situation_and_to_nothing_else(table: Table, schema: InputSchema) -> None:
    outcomes = {
        frozenset(facts.items()): outcome.allow for facts, outcome in zip(table.situations, table.outcomes, strict=True)
    }
    found = allowed(schema, table)
    assert [one.kind for one in found] == list(schema.kinds)
    for one in found:
        for values in product(*one.kind.facts.values()):
            facts = dict(zip(one.kind.facts, values, strict=True))
            assert one.of(facts) is outcomes.pop(frozenset(facts.items()), None)
    assert outcomes == {}


def test_what_some_facts_have_in_common_is_what_their_situations_say(table: Table, schema: InputSchema) -> None:
    for one in allowed(schema, table):
        judged = [
            (facts, outcome.allow)
            for facts, outcome in zip(table.situations, table.outcomes, strict=True)
            if schema.kind_of(facts) is one.kind
        ]
        for action in one.kind.facts["action"]:
            said = {allow for facts, allow in judged if facts["action"] == action}
            assert one.with_these({"action": action}) == said


def test_it_is_small_as_each_worker_keeps_it(table: Table, schema: InputSchema) -> None:
    assert sum(len(one.said) for one in allowed(schema, table)) < 100_000

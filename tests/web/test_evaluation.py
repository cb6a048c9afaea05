"""A body in order is read at one look, and member by member only to say what is wrong: both read the same."""

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from authz_service.web.evaluation import read_question

if TYPE_CHECKING:
    from authz_service.errors import Fault

anything = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=2), st.just([]), st.just({"a": 1}))


def sometimes(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Right more often than not, else anything."""
    return st.one_of(right, right, right, right, anything)


def members(**named: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with some of these members, and a stranger now and then."""
    return st.fixed_dictionaries({}, optional={**named, "stranger": anything})


names, properties = sometimes(st.text(max_size=2)), sometimes(st.just({"option": "x"}))
entities = st.one_of(
    st.fixed_dictionaries({"type": names, "id": names}, optional={"properties": properties}),
    members(type=names, id=names, properties=properties),
)
actions = st.one_of(
    st.fixed_dictionaries({"name": names}, optional={"properties": properties}),
    members(name=names, properties=properties),
)
bodies = st.fixed_dictionaries(
    {"subject": sometimes(entities), "action": sometimes(actions), "resource": sometimes(entities)},
    optional={"context": properties},
) | members(subject=entities, action=actions, resource=entities, context=properties)


class Unusual(dict[str, Any]):
    """An object that is not what the look at once is for."""


@given(bodies)
def test_a_body_is_read_alike_at_one_look_and_member_by_member(body: dict[str, Any]) -> None:
    faults: list[Fault] = []
    context = body.get("context", {})
    unusual = {**body, "context": Unusual(context) if isinstance(context, dict) else context}
    slowly = read_question(unusual, faults)
    assert read_question(body, []) == slowly
    assert (slowly is None) == bool(faults)

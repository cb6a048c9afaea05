"""Random batches over the Smith family: each item is answered as it would be alone."""

from typing import Any

from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authz_service.web.shapes import Semantic

_LEFT_OUT = object()
_PEOPLE = ["philip.smith", "mary.jones", "tracy.smith", "nobody"]
_THINGS = [("customer", "123456789"), ("subscription", "mobile-2002"), ("subscription", "tv-1002"), ("planet", "1")]
_ACTIONS = ["view_bills", "view_usage", "activate_option", "become_administrator", "delegate", "fly"]
_OPTIONS = ["voicemail-to-text", "extra-data-5gb", "no-such", None, 5]

SUBJECTS = st.builds(lambda name: {"type": "person", "id": name}, st.sampled_from(_PEOPLE))
RESOURCES = st.builds(lambda thing: {"type": thing[0], "id": thing[1]}, st.sampled_from(_THINGS))
ACTIONS = st.builds(
    lambda name, option: {"name": name, "properties": {"option": option}},
    st.sampled_from(_ACTIONS),
    st.sampled_from(_OPTIONS),
)
CONTEXTS = st.sampled_from([{}, {"channel": "web"}, {"channel": "app"}, {"channel": "fax"}])
BROKEN: st.SearchStrategy[Any] = st.sampled_from(
    [None, "text", 5, [], {}, {"type": "person"}, {"id": "mary.jones"}, {"name": 5}]
)


def _parts(broken_or_left_out: int) -> st.SearchStrategy[dict[str, Any]]:
    """The members of a question, any of which may be left out or broken."""

    def mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of([right] * 4 + [st.just(_LEFT_OUT), BROKEN][:broken_or_left_out])

    members = {"subject": SUBJECTS, "action": ACTIONS, "resource": RESOURCES, "context": CONTEXTS}
    return st.fixed_dictionaries({name: mostly(right) for name, right in members.items()}).map(
        lambda made: {name: value for name, value in made.items() if value is not _LEFT_OUT}
    )


ITEMS = st.one_of(_parts(2), _parts(2), _parts(2), st.sampled_from(["x", 5, None, []]))


def _alone(client: FlaskClient, defaults: dict[str, Any], item: object) -> dict[str, Any] | None:
    """The answer to the item by itself; None where it is no question."""
    if not isinstance(item, dict):
        return None
    response = client.post("/access/v1/evaluation", json=defaults | item)
    if response.status_code == 400:
        return None
    assert response.status_code == 200
    body: dict[str, Any] = response.get_json()
    return body


def _until(alone: list[dict[str, Any] | None], semantic: str) -> list[dict[str, Any] | None]:
    """As far as the semantic goes. An item that is no question is a denial."""
    stop_after = {Semantic.DENY_ON_FIRST_DENY: False, Semantic.PERMIT_ON_FIRST_PERMIT: True}.get(Semantic(semantic))
    for n, answer in enumerate(alone):
        if (answer is not None and answer["decision"]) is stop_after:
            return alone[: n + 1]
    return alone


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(defaults=_parts(1), items=st.lists(ITEMS, min_size=1, max_size=6), semantic=st.sampled_from(Semantic))
def test_a_batch_answers_as_its_items_alone_up_to_where_its_semantic_stops(
    smiths: FlaskClient, defaults: dict[str, Any], items: list[object], semantic: Semantic
) -> None:
    asked = defaults | {"evaluations": items, "options": {"evaluations_semantic": semantic}}
    response = smiths.post("/access/v1/evaluations", json=asked)
    assert response.status_code == 200, response.text
    wanted = _until([_alone(smiths, defaults, item) for item in items], semantic)
    given_answers = response.get_json()["evaluations"]
    assert len(given_answers) == len(wanted)
    for answer, alone in zip(given_answers, wanted, strict=True):
        if alone is None:
            assert answer["decision"] is False
            assert answer["context"]["error"]["status"] == 400
        else:
            assert answer == alone

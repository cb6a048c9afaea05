"""What is sent: what is right, what is nearly right, and anything at all."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.served import CANARY

PEOPLE = ["ann", "ben", "cem", "dia", "stranger", "ANN", "ann ", "a\u200bnn", "ann\0", CANARY, ""]
THINGS = [
    ("customer", "1001"),
    ("customer", "1002"),
    ("customer", "999"),
    ("customer", "\uff11001"),
    ("customer", CANARY),
    ("subscription", "mobile-ann"),
    ("subscription", "mobile-ben"),
    ("subscription", "mobile-cem"),
    ("subscription", "tv-1"),
    ("subscription", "1001"),
    ("car", "1001"),
]
ACTIONS = [
    "view_bills",
    "manage_bills",
    "view_usage",
    "view_role",
    "activate_option",
    "deactivate_option",
    "become_administrator",
    "delegate",
    "fly",
    "View_Bills",
    CANARY,
]
OPTIONS = ["free", "paid", "film", "no-such", "FREE", CANARY]

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
"""Any value of JSON."""

_properties = st.just({"role": "administrator", "holder": "ann", "price": 0}) | st.dictionaries(
    st.text(max_size=6), anything, max_size=2
)


@st.composite
def entities(draw: st.DrawFn) -> dict[str, Any]:
    kind, name = draw(st.sampled_from(THINGS))
    entity: dict[str, Any] = {"type": kind, "id": name}
    if draw(st.booleans()):
        entity["properties"] = draw(_properties)
    return entity


@st.composite
def actions(draw: st.DrawFn) -> dict[str, Any]:
    action: dict[str, Any] = {"name": draw(st.sampled_from(ACTIONS))}
    if draw(st.booleans()):
        action["properties"] = {"option": draw(st.sampled_from(OPTIONS))}
    return action


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    """A body that is in order."""
    body: dict[str, Any] = {
        "subject": {"type": draw(st.sampled_from(["person", "person", "robot"])), "id": draw(st.sampled_from(PEOPLE))},
        "action": draw(actions()),
        "resource": draw(entities()),
    }
    channel = draw(st.sampled_from([..., "web", "app", None]))
    if channel is not ...:
        body["context"] = {"channel": channel}
    return body


@st.composite
def changed(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Any:  # noqa: ANN401 - of JSON
    """A value with something else somewhere in it."""
    value = draw(values)
    for _ in range(draw(st.integers(1, 3))):
        value = _change(draw, value)
    return value


def _change(draw: st.DrawFn, value: Any) -> Any:  # noqa: ANN401 - of JSON
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value)))
        match draw(st.sampled_from(["in", "in", "in", "out", "more"])):
            case "in":
                return value | {key: _change(draw, value[key])}
            case "out":
                return {name: held for name, held in value.items() if name != key}
            case _:
                return value | {draw(st.text(max_size=8)): draw(anything)}
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], _change(draw, value[at]), *value[at + 1 :]]
    return draw(anything)


@st.composite
def spoilt(draw: st.DrawFn, texts: st.SearchStrategy[bytes]) -> bytes:
    """Bytes with others in their place, missing, doubled or put between."""
    data = draw(texts)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 8)))
        between = draw(st.sampled_from([b"", data[start:end] * 2, b"\0", b"\xff", b"\\ud800", b'"', b"{", b"[", b":"]))
        data = data[:start] + (between or draw(st.binary(max_size=4))) + data[end:]
    return data


def texts_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Bodies, of which most are JSON, and many are in order."""
    encoded = values.map(lambda value: json.dumps(value).encode())
    nearly = changed(values).map(lambda value: json.dumps(value).encode())
    return st.one_of(encoded, nearly, nearly, spoilt(encoded), anything.map(lambda v: json.dumps(v).encode()))

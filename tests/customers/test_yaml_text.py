import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from authz_service.customers.yaml_text import yaml_flow, yaml_string

LOADERS = [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)]
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [
        "no",
        "Yes",
        "NULL",
        "~",
        "1",
        "0x1f",
        "1e3",
        "1:30",
        "2026-11-02",
        "",
        " a",
        "a ",
        "a: b",
        "a #b",
        "- a",
    ]
)


@pytest.mark.parametrize("loader", LOADERS)
@given(value=st.recursive(texts, lambda inner: st.lists(inner, max_size=3), max_leaves=5))
def test_what_is_written_is_read_back(loader: type[yaml.SafeLoader], value: object) -> None:
    assert yaml.load(f"- {{key: {yaml_flow(value)}}}", Loader=loader) == [{"key": value}]  # noqa: S506 - it is a safe loader


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Smith family", "Smith family"),
        ("ann@example.org", "ann@example.org"),
        ("Zoë", "Zoë"),
        ("123456789", '"123456789"'),
        ("+32470000001", '"+32470000001"'),
        ("5.00", '"5.00"'),
        ("no", '"no"'),
        ("N", '"N"'),
        ('a "b" \\', '"a \\"b\\" \\\\"'),
        ("\u2028", '"\\U00002028"'),
    ],
)
def test_quotes_are_where_they_are_needed(text: str, written: str) -> None:
    assert yaml_string(text) == written

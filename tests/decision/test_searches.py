import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.decision.decisions import Decisions
from authz_service.decision.searches import Page, Searches
from authz_service.errors import PolicyEngineUnavailable
from authz_service.questions import Search
from authz_service.words import Sought
from tests.decision.library import MEMBER, Library, judge
from tests.fakes.engine import FakeEngine

WHO_MAY_BORROW = Search(Sought.SUBJECT, MEMBER._replace(subject=MEMBER.subject._replace(id="")))
NO_LIMIT = 1_000_000


def searches_in(library: Library, engine: FakeEngine | None = None) -> Searches:
    return Searches(library, Decisions(library, engine or FakeEngine(judge), stale_seconds=60))


def library_of(readers: list[str]) -> Library:
    library = Library()
    library.readers = sorted(readers)
    return library


def pages(searches: Searches, limits: list[int]) -> list[Page]:
    """All pages, with each of the limits in turn."""
    found = [searches.page(WHO_MAY_BORROW, "", limits[0])]
    while (after := found[-1].after) is not None:
        found.append(searches.page(WHO_MAY_BORROW, after, limits[len(found) % len(limits)]))
    return found


@given(
    readers=st.lists(
        st.builds("{}-{}".format, st.sampled_from(["member", "stranger"]), st.integers(0, 99)), unique=True
    ),
    limits=st.lists(st.integers(1, 12), min_size=1, max_size=3),
)
def test_pages_of_any_size_lose_nothing_and_repeat_nothing(readers: list[str], limits: list[int]) -> None:
    found = [name for page in pages(searches_in(library_of(readers)), limits) for name in page.found]
    assert found == sorted(name for name in readers if name.startswith("member"))


@given(
    readers=st.lists(
        st.builds("{}-{}".format, st.sampled_from(["member", "stranger"]), st.integers(0, 99)), unique=True
    ),
    limit=st.integers(1, 12),
)
def test_no_page_is_over_the_limit_and_none_but_the_last_is_under_it(readers: list[str], limit: int) -> None:
    *full, last = pages(searches_in(library_of(readers)), [limit])
    assert all(len(page.found) == limit for page in full)
    assert 0 < len(last.found) <= limit or not full


def test_a_page_that_is_just_full_knows_that_it_is_the_last() -> None:
    searches = searches_in(library_of(["member-1", "member-2", "stranger-1"]))
    assert searches.page(WHO_MAY_BORROW, "", 2)[:2] == (["member-1", "member-2"], None)


@pytest.mark.parametrize(
    ("readers", "after"), [(["stranger-1"], None), (["anna", "member-1"], "anna"), (["member-1"], "")]
)
def test_a_limit_of_zero_says_whether_there_is_anything(readers: list[str], after: str | None) -> None:
    assert searches_in(library_of(readers)).page(WHO_MAY_BORROW, "", 0)[:2] == ([], after)


def test_one_page_asks_about_few_more_than_it_shows() -> None:
    library = library_of([f"member-{n:05}" for n in range(20_000)])
    assert len(searches_in(library).page(WHO_MAY_BORROW, "", 10).found) == 10
    assert sum(library.read) <= 2 * 10 + 1


def test_however_rare_the_results_a_page_asks_about_so_many_candidates_only() -> None:
    library = library_of([*(f"a-{n:05}" for n in range(12_000)), "member-1"])
    searches = searches_in(library)
    found = pages(searches, [NO_LIMIT])
    assert [name for page in found for name in page.found] == ["member-1"]
    assert [len(page.found) for page in found] == [0, 0, 1]
    assert max(library.looked_up) <= 1_000


@pytest.mark.parametrize("limit", [1, 2, 7, 600])
def test_among_some_candidates_it_is_these_that_are_asked_about_and_no_others(limit: int) -> None:
    library = library_of([f"member-{n:05}" for n in range(3_000)])
    among = {"member-00000", "member-00900", "member-02999", "nobody"}
    searches, after, found = searches_in(library), "", []
    while True:
        page = searches.page(WHO_MAY_BORROW, after, limit, among)
        found += page.found
        assert {each.question.subject.id for each in page.asked} <= among
        if page.after is None:
            break
        after = page.after
    assert found == sorted(among - {"nobody"})
    assert searches.page(WHO_MAY_BORROW, "", limit, frozenset()) == Page([], None, [])


def test_a_search_that_cannot_be_decided_finds_nothing_to_tell() -> None:
    engine = FakeEngine(judge)
    engine.go_down()
    with pytest.raises(PolicyEngineUnavailable):
        searches_in(library_of(["member-1"]), engine).page(WHO_MAY_BORROW, "", 10)

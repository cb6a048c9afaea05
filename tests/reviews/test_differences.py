"""A review says what has changed since the last."""

from authz_service.customers.linked import Part
from authz_service.reviews.content import Content
from authz_service.reviews.differences import Differences, differences, missing
from tests.conftest import SMITH_FAMILY, Load
from tests.reviews.conftest import ReviewOf

SMITHS = "123456789"


def changed(content: Content, **values: object) -> Content:
    return content.model_copy(update=values)


def without(content: Content, person: str) -> Content:
    people = tuple(one for one in content.people if one.id != person)
    return changed(content, people=people, answers={k: v for k, v in content.answers.items() if k != person})


def test_nothing_has_changed_where_all_is_the_same(load: Load, review_of: ReviewOf) -> None:
    load([SMITH_FAMILY])
    content = review_of(SMITHS).content
    assert differences(content, review_of(SMITHS, Part()).content, ()).are_none


def test_what_widened_and_what_narrowed_is_told_with_the_thing(load: Load, review_of: ReviewOf) -> None:
    load([SMITH_FAMILY])
    now = review_of(SMITHS).content
    mary, philip = now.answers["mary.jones"], now.answers["philip.smith"]
    before = changed(
        now,
        answers=now.answers
        | {
            "mary.jones": mary | {"mobile-2002": "-" * len(mary["mobile-2002"])},
            "philip.smith": philip | {"": "+" * len(philip[""])},
        },
    )
    assert differences(before, now, ()) == Differences(
        widened=("Mary Jones may now see the usage and activate an option that is free: mobile-2002",),
        narrowed=("Philip Smith may no longer become administrator: asked beforehand and delegate a part of a role",),
    )


def test_who_is_new_and_who_is_gone_is_told(load: Load, review_of: ReviewOf) -> None:
    load([SMITH_FAMILY])
    content = review_of(SMITHS).content
    fewer = without(content, "mary.jones")
    assert differences(fewer, content, ()).others == ("Mary Jones, user, was not in the review before",)
    assert differences(content, fewer, ()).others == ("Mary Jones, user then, is no longer linked",)


def test_who_is_on_another_page_is_not_gone(load: Load, review_of: ReviewOf) -> None:
    load([SMITH_FAMILY])
    content = review_of(SMITHS).content
    fewer = changed(without(content, "mary.jones"), subscriptions=content.subscriptions[1:])
    assert missing(content, fewer) == (["mary.jones"], [content.subscriptions[0].id])
    assert differences(content, fewer, {"mary.jones", content.subscriptions[0].id}).are_none


def test_a_role_and_a_holder_that_changed_are_told(load: Load, review_of: ReviewOf) -> None:
    load([SMITH_FAMILY])
    now = review_of(SMITHS).content
    people = tuple(one.model_copy(update={"role": "user"}) if one.id == "philip.smith" else one for one in now.people)
    things = tuple(
        one.model_copy(update={"holder": "tracy.smith"}) if one.id == "mobile-2002" else one
        for one in now.subscriptions
    )
    assert differences(changed(now, people=people, subscriptions=things), now, ()).others == (
        "Philip Smith was user and is administrator",
        "mobile-2002 was held by tracy.smith and is held by mary.jones",
    )


def test_an_action_that_was_not_asked_about_is_told_and_not_counted_as_narrower(
    load: Load, review_of: ReviewOf
) -> None:
    load([SMITH_FAMILY])
    now = review_of(SMITHS).content
    fewer = now.actions[1:]
    answers = {
        who: {thing: signs if thing else signs[1:] for thing, signs in of.items()} for who, of in now.answers.items()
    }
    before = changed(now, actions=fewer, answers=answers)
    told = differences(before, now, ())
    assert told.others == (f"{now.actions[0].title}: was not asked about in the review before",)
    assert (told.widened, told.narrowed) == ((), ())


def test_many_things_are_told_with_the_first_and_how_many_more(load: Load, review_of: ReviewOf) -> None:
    load([SMITH_FAMILY])
    content = review_of(SMITHS).content
    of_tracy = content.answers["tracy.smith"]
    before, now = (
        changed(content, answers=content.answers | {"tracy.smith": of_tracy | {f"m{n}": sign * 5 for n in range(7)}})
        for sign in "+-"
    )
    [sentence] = differences(before, now, ()).narrowed
    assert sentence.endswith(": m0, m1, m2, m3 and 3 more")

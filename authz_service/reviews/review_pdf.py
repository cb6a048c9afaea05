"""A signed-off review as a PDF file."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from authz_service.paper.sheets import COLOURS, FAINT, WASHES, Sheets, Story
from authz_service.reviews.content import ReviewedPerson, ReviewedSubscription
from authz_service.reviews.kept import SignedReview
from authz_service.reviews.rows import Arranged, Line, counted, on_subscriptions, on_the_number

_SIZE = 7.5


def write_pdf(review: SignedReview) -> bytes:
    """All that the page of the review says."""
    signed = review.signed
    sheets = Sheets(
        f"Access review of {signed.customer_number}",
        f"Review {signed.id} · SHA-256 {signed.digest}",
        is_wide=True,
    )
    return sheets.write(lambda _: _tell(sheets, review))


def _tell(sheets: Sheets, review: SignedReview) -> Story:
    signed, content = review.signed, review.content
    facts = [
        ("Customer", f"{content.customer_name}, {content.customer_kind}"),
        ("Reviewed by", signed.reviewer),
        ("When", _moment(signed.at)),
        ("Policy revision", signed.policy_revision),
        ("About", _about(review)),
        ("Note", review.note or "none"),
    ]
    names = [[sheets.text(name, _SIZE, FAINT), sheets.text(said, _SIZE)] for name, said in facts]
    tables = on_the_number(content), on_subscriptions(content)
    columns = [column for table in tables for column in table.columns]
    meant = [f"{column.group}: {', '.join(column.actions)}" for column in columns]
    options = [f"{kind}: {', '.join(of_kind)}" for kind, of_kind in content.options.items()]
    return [
        *sheets.heading(f"Access review of customer number {signed.customer_number}"),
        sheets.table(names, [1, 7], has_heads=False),
        *_changes(sheets, review),
        *sheets.heading("On the customer number", 11),
        *_table(sheets, tables[0], "Has the role", _role),
        *sheets.heading("On its subscriptions", 11),
        *_table(sheets, tables[1], "Subscriptions", _things),
        sheets.space(),
        sheets.text(f"A column is about all of: {'; '.join(meant)}.", 7, FAINT),
        sheets.text(f"Options asked about: {'; '.join(options) or 'none'}.", 7, FAINT),
    ]


def _about(review: SignedReview) -> str:
    content = review.content
    counts = f"{counted(content.person_count)} people and {counted(content.subscription_count)} subscriptions"
    if content.is_whole:
        return f"all of it: {counts}"
    return (
        f"a part: {len(content.people)} people and {len(content.subscriptions)} subscriptions of {counts};"
        f" people after “{content.people_after}”, subscriptions after “{content.subscriptions_after}”;"
        " without the mobiles of other people"
    )


def _changes(sheets: Sheets, review: SignedReview) -> Story:
    if review.compared is None:
        return [*sheets.heading("Since the last review", 11), sheets.text("There was none before.", _SIZE)]
    found = review.compared.changes
    told = [
        sheets.text(f"{sign} {sentence}.", _SIZE)
        for sign, sentences in (("+", found.widened), ("\N{MINUS SIGN}", found.narrowed), ("·", found.others))
        for sentence in sentences
    ]
    heading = sheets.heading(f"Since the last review, {review.compared.previous}", 11)
    return [*heading, *(told or [sheets.text("Nothing has changed.", _SIZE)])]


def _table(sheets: Sheets, arranged: Arranged, second: str, told_second: Callable[[Line], str]) -> Story:
    if not arranged.lines:
        return [sheets.text("There is nothing to ask about.", _SIZE)]
    heads = ["Person", second, *(column.group for column in arranged.columns)]
    rows: list[list[Any]] = [[sheets.text(head, _SIZE, FAINT, is_bold=True) for head in heads]]
    style: list[tuple[Any, ...]] = []
    for line in arranged.lines:
        for place, told in enumerate(line.cells, 2):
            if told.kind in WASHES:
                style.append(("BACKGROUND", (place, len(rows)), (place, len(rows)), WASHES[told.kind]))
        cells = [sheets.text(f"{told.symbol} {told.words}", _SIZE, COLOURS[told.kind]) for told in line.cells]
        rows.append([sheets.text(_named(line.person), _SIZE), sheets.text(told_second(line), _SIZE), *cells])
    return [sheets.table(rows, [1.5, 1.6, *([1] * len(arranged.columns))], style)]


def _named(person: ReviewedPerson | None) -> str:
    return f"{person.name}\n{person.id}" if person else "Anybody not linked"


def _role(line: Line) -> str:
    person = line.person
    if person is None:
        return "none"
    since = (
        f"{_moment(person.since.at)},\ndecision {person.since.decision_id}"
        if person.since
        else "the data was brought in"
    )
    return f"{person.role or 'none'}, since {since}"


def _things(line: Line) -> str:
    own = "own: " if line.are_own else ""
    return own + ", ".join(map(_thing, line.things))


def _thing(thing: ReviewedSubscription) -> str:
    return f"{thing.id} ({thing.number or thing.kind})"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

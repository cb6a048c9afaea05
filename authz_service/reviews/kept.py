"""Reviews that were signed off."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Engine, Row, insert, select

from authz_service.customers.linked import still_linked
from authz_service.errors import ReviewOutdated, UnknownReview
from authz_service.ids import new_id, time_of
from authz_service.journal.entries import Origin
from authz_service.journal.journal import Journal
from authz_service.reviews.content import Content
from authz_service.reviews.differences import Differences, differences, missing
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import access_reviews, in_body, journal_entries

LONGEST_NOTE = 500
_MOST_LISTED = 20
_LISTED = ("id", "customer_number", "reviewer", "policy_revision", "digest")


class Signed(NamedTuple):
    """A review as a list has it.

    Attributes:
        id: The id of the review, and of its entry in the journal.
        at: When it was signed off.
        reviewer: The name of the caller who has.
        digest: The digest of its content.
    """

    id: str
    at: datetime
    customer_number: str
    reviewer: str
    policy_revision: str
    digest: str


class Compared(NamedTuple):
    """What has changed since the review before.

    Attributes:
        previous: The id of that review.
        changes: What has.
    """

    previous: str
    changes: Differences

    @property
    def at(self) -> datetime:
        """When that one was signed off."""
        return time_of(self.previous)


class SignedReview(NamedTuple):
    """A review with all that it says.

    Attributes:
        note: What the reviewer has noted; may be empty.
        compared: What the reviewer was shown of the review before; None where there was none.
    """

    signed: Signed
    note: str
    content: Content
    compared: Compared | None

    @property
    def seal(self) -> str:
        """A digest of all that it says."""
        id_, _, number, reviewer, *_ = self.signed
        compared = [self.compared.previous, self.compared.changes.model_dump()] if self.compared else None
        # The digest is made anew of what is kept, and the id has the time.
        said = [id_, number, reviewer, self.content.digest, self.note, compared]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def compare_with_last(database: Engine, content: Content) -> Compared | None:
    """What has changed since the last review of the same part of the customer number; None where there is none.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    last = _find(
        database,
        access_reviews.c.customer_number == content.customer_number,
        access_reviews.c.people_after == content.people_after,
        access_reviews.c.subscriptions_after == content.subscriptions_after,
    )
    if last is None:
        return None
    people, things = missing(last.content, content)
    still_there = still_linked(database, content.customer_number, people, things) if people or things else ()
    return Compared(last.signed.id, differences(last.content, content, still_there))


def sign_off(database: Engine, journal: Journal, origin: Origin, content: Content, shown_digest: str, note: str) -> str:
    """Keeps a review and its entry in the journal, or neither; returns its id.

    Args:
        database: Where it is kept.
        journal: Where its entry is.
        origin: Who signs it off.
        content: What is so now.
        shown_digest: The digest of what the reviewer was shown.
        note: What the reviewer notes.

    Raises:
        ReviewOutdated: What is so now is not what was shown.
        DatabaseUnavailable: The database does not answer.
    """
    if content.digest != shown_digest:
        raise ReviewOutdated("Since the page was shown, the policy or the data of this customer number has changed.")
    review_id = new_id()
    signed = Signed(
        review_id,
        time_of(review_id),
        content.customer_number,
        origin.caller,
        content.policy_revision,
        content.digest,
    )
    review = SignedReview(signed, note, content, compare_with_last(database, content))
    with writing(database) as connection:
        connection.execute(insert(access_reviews).values(_row(review)))
        journal.signed_off(
            connection,
            review_id,
            origin,
            customer=content.customer_number,
            revision=content.policy_revision,
            seal=review.seal,
        )
    return review_id


def signed_reviews(database: Engine, number: str) -> Sequence[Signed]:
    """The last reviews of a customer number, the newest first."""
    query = (
        select(*(access_reviews.c[name] for name in _LISTED))
        .where(access_reviews.c.customer_number == number)
        .order_by(access_reviews.c.id.desc())
        .limit(_MOST_LISTED)
    )
    with reading(database) as connection:
        return [_signed(row) for row in connection.execute(query)]


def get_review(database: Engine, number: str, review_id: str) -> SignedReview:
    """One of them.

    Raises:
        UnknownReview: There is none with this id for this customer number.
        DatabaseUnavailable: The database does not answer.
    """
    found = _find(database, access_reviews.c.customer_number == number, access_reviews.c.id == review_id)
    if found is None:
        raise UnknownReview("There is no such review of this customer number.")
    return found


def is_sealed(database: Engine, journal: Journal, review: SignedReview) -> bool | None:
    """Whether the review says what its entry in the journal seals; None where there is no entry, or not yet.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    query = select(in_body("seal")).where(journal_entries.c.id == review.signed.id)
    with reading(database) as connection:
        seals = list(connection.scalars(query))
    return seals[0] in journal.pseudonyms.all_of("review", review.seal) if seals else None


def _find(database: Engine, *conditions: ColumnElement[bool]) -> SignedReview | None:
    query = select(access_reviews).where(*conditions).order_by(access_reviews.c.id.desc()).limit(1)
    with reading(database) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    compared = Compared(row.previous, Differences.model_validate_json(row.changes)) if row.previous else None
    return SignedReview(_signed(row), row.note, Content.model_validate_json(row.content), compared)


def _row(review: SignedReview) -> dict[str, str | None]:
    content, compared = review.content, review.compared
    return {
        **{name: getattr(review.signed, name) for name in _LISTED},
        "people_after": content.people_after,
        "subscriptions_after": content.subscriptions_after,
        "note": review.note,
        "content": content.text,
        "previous": compared.previous if compared else None,
        "changes": (compared.changes if compared else Differences()).model_dump_json(),
    }


def _signed(row: Row[Any]) -> Signed:
    return Signed(row.id, time_of(row.id), row.customer_number, row.reviewer, row.policy_revision, row.digest)

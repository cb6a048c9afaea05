"""A signed-off review as CSV: a line for each person, thing and action."""

import csv
from io import StringIO

from authz_service.reviews.content import ANYBODY_ELSE, NO, THE_NUMBER, YES
from authz_service.reviews.kept import SignedReview
from authz_service.words import ResourceType

_ANSWERS = {YES: "yes", NO: "no"}
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HEADINGS = (
    "review",
    "reviewed_at",
    "reviewed_by",
    "policy_revision",
    "content_sha256",
    "customer_number",
    "person",
    "name",
    "role",
    "role_since",
    "role_decision",
    "resource_type",
    "resource",
    "action",
    "option",
    "answer",
    "brings",
)


def write_csv(review: SignedReview) -> str:
    """All that was asked, with its answer."""
    signed, content = review.signed, review.content
    text = StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(_HEADINGS)
    of_review = [signed.id, signed.at.isoformat(timespec="seconds"), signed.reviewer, signed.policy_revision]
    people = {person.id: person for person in content.people}
    for place, of_person in content.answers.items():
        person = people.get(place)
        since = person.since if person else None
        who = [
            "anybody not linked" if place == ANYBODY_ELSE else place,
            person.name if person else "",
            (person.role if person else None) or "",
            since.at.isoformat(timespec="seconds") if since else "",
            since.decision_id if since else "",
        ]
        for thing in of_person:
            what = (
                [ResourceType.SUBSCRIPTION, thing]
                if thing != THE_NUMBER
                else [ResourceType.CUSTOMER, content.customer_number]
            )
            for action, sign in content.signs(place, thing).items():
                if sign not in _ANSWERS:
                    continue
                option = {None: "", True: "free", False: "paid"}[action.is_free]
                brings = " ".join(content.becoming.get(place, ())) if action.name == "become_administrator" else ""
                row = [*of_review, signed.digest, content.customer_number, *who, *what, action.name, option]
                lines.writerow([_harmless(str(value)) for value in [*row, _ANSWERS[sign], brings]])
    return text.getvalue()


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value

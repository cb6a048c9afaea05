"""A question that a reader tries: answered as any other, explained, and kept as a trial."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

from flask import request
from flask.typing import ResponseReturnValue

from authz_service.customers.domain import question_of
from authz_service.decision.decisions import Decided, Decisions
from authz_service.handbook.book import Book
from authz_service.handbook.shelf import Opened, Shelf
from authz_service.ids import new_id
from authz_service.journal.journal import Journal
from authz_service.policy.explain import Explanation, nearly_of_this_question, sentence
from authz_service.policy.fired import Near
from authz_service.policy.stated import read_situation
from authz_service.questions import Json, Question
from authz_service.web.languages import NAMES, reading_language
from authz_service.web.origins import origin_of_request
from authz_service.web.pages.decision import ShownFact, shown_facts
from authz_service.web.pages.entries import ToldReason, told_reasons
from authz_service.web.pages.frame import Frame
from authz_service.words import Channel

LABELS = {"person": "Person", "action": "Action", "thing": "Thing", "option": "Option", "channel": "Channel"}

_NEEDED = {
    "person": "give the id of a person, such as mary.jones.",
    "action": "choose one.",
    "thing": "give a customer number, or the id of a subscription.",
}
_CHANNELS = {Channel.WEB.value: "the web site", Channel.APP.value: "the app"}
# Where the API names what a form has.
_FIELDS = {"context.channel": "channel", "action.properties.option": "option"}


class Form(NamedTuple):
    """What a reader asks, as it was typed."""

    person: str = ""
    action: str = ""
    thing: str = ""
    option: str = ""
    channel: str = ""

    @property
    def question(self) -> Question:
        return question_of(self.person, self.action, self.thing, self.option or None, self.channel or None)


class Explained(NamedTuple):
    """Why the answer is as it is.

    Attributes:
        explanation: The rules and what would turn it.
        sentence: The answer, as a sentence.
        nearly: The rules that failed at one condition.
        turned: What would have to be so for another answer, each a clause.
    """

    explanation: Explanation
    sentence: str
    nearly: Sequence[Near]
    turned: Sequence[str]


class Answered(NamedTuple):
    """An answer to a trial.

    Attributes:
        decision_id: The id of its entry; empty where none is kept.
        allow: The answer.
        reasons: Why.
        facts: What is known.
        other: Route, and what is still to be brought, where there are such.
        explained: Why, rule by rule; None where the answer is of another policy than the pages tell of.
    """

    decision_id: str
    allow: bool
    reasons: Sequence[ToldReason]
    facts: Sequence[ShownFact]
    other: Mapping[str, str]
    explained: Explained | None


class AskPage:
    """Asks as a caller does.

    Args:
        frame: What is around it.
        shelf: Has the policy that explains.
        journal: Keeps the trial.
        decisions: Decides.
    """

    def __init__(self, frame: Frame, shelf: Shelf, journal: Journal, decisions: Decisions) -> None:
        self._frame = frame
        self._shelf = shelf
        self._journal = journal
        self._decisions = decisions

    def form(self) -> str:
        """The form, filled in as the address says. Nothing is asked."""
        return self._page(self._shelf.open(), _read(request.args), {})

    def answer(self) -> ResponseReturnValue:
        """The answer to what the form asks.

        Raises:
            Unavailable: The facts or the policy cannot be asked, or the trial cannot be kept.
        """
        # First, as while the policy is being read there is no page to answer on.
        opened = self._shelf.open()
        form = _read(request.form)
        faults = {name: what for name, what in _NEEDED.items() if not getattr(form, name)}
        faults |= {_FIELDS[fault.path]: fault.what for fault in self._decisions.faults(form.question)}
        if faults:
            return self._page(opened, form, faults), HTTPStatus.BAD_REQUEST
        [decided] = self._decisions.decide([form.question])
        decision_id = new_id()
        is_kept = self._journal.tried(decision_id, origin_of_request(), decided)
        return self._page(opened, form, {}, decided, decision_id if is_kept else "")

    def _page(
        self,
        opened: Opened,
        form: Form,
        faults: Mapping[str, str],
        decided: Decided | None = None,
        decision_id: str = "",
    ) -> str:
        return self._frame.render(
            "ask.html",
            opened,
            form=form,
            faults=faults,
            labels=LABELS,
            channels=_CHANNELS,
            language=reading_language(request),
            languages=NAMES,
            answered=_answered(decided, form, decision_id, opened.book) if decided else None,
        )


def _read(typed: Mapping[str, str]) -> Form:
    return Form(*(typed.get(name, "").strip() for name in Form._fields))


def _answered(decided: Decided, form: Form, decision_id: str, book: Book) -> Answered:
    decision = decided.decision
    answer = decision.answer
    other = {"route": [answer.route] if answer.route else [], "requires": answer.requires, "effects": answer.effects}
    return Answered(
        decision_id,
        decision.allow,
        told_reasons([{"code": reason.code, "cites": reason.cites} for reason in answer.reasons], book),
        shown_facts(decision.document, book),
        {name: ", ".join(values).replace("_", " ") for name, values in other.items() if values},
        _explained(decision.document, form, book) if decision.revision == book.revision else None,
    )


def _explained(document: Mapping[str, Json], form: Form, book: Book) -> Explained:
    [explained] = book.explainer.explain([read_situation(dict(document), book.schema)])
    resource = form.question.resource
    things = [*([f"option {form.option}"] if form.option else []), f"{resource.type} {resource.id}"]
    return Explained(
        explained,
        sentence(explained, book.phrases, form.person, things),
        nearly_of_this_question(explained),
        [book.phrases.if_it_were(change) for change in explained.turned],
    )

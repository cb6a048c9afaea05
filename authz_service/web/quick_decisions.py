"""The quick way of a single decision: a request that is in order is answered here, and Flask has all others.

It does what the view does, without what Flask does for a request of any kind: half of the time of a decision. What is
wrong with a request is found out and told by Flask alone.
"""

from collections.abc import Iterable
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING

from authz_service import strict_json
from authz_service.callers.callers import Caller
from authz_service.callers.entrance import Entrance
from authz_service.decision.counting import DecisionCounts
from authz_service.decision.decisions import Decided, Decisions
from authz_service.ids import new_id
from authz_service.journal.entries import Origin
from authz_service.journal.journal import Journal
from authz_service.questions import Question
from authz_service.telemetry.stages import Observe
from authz_service.web.authentication import WAIT
from authz_service.web.bodies import MAX_BYTES
from authz_service.web.decide import DECISION_ID, FAILED, SINGLE
from authz_service.web.evaluation import read_question
from authz_service.web.request_ids import HEADER
from authz_service.web.slow_bodies import SlowBodies
from authz_service.words import Language, Scope

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LONGEST_LENGTH = len(str(MAX_BYTES))


class QuickDecisions:
    """A WSGI application in front of another, which gets what is not answered here as if it came from outside.

    Args:
        app: The other.
        entrance: Who may call, and how much.
        decisions: Decides.
        journal: Keeps what is decided.
        bodies: Reads the questions.
        counts: Counts it.
        took: Takes the seconds of each answer.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        entrance: Entrance,
        decisions: Decisions,
        journal: Journal,
        bodies: SlowBodies,
        counts: DecisionCounts,
        took: Observe,
    ) -> None:
        self.app = app
        self._entrance = entrance
        self._decisions = decisions
        self._journal = journal
        self._bodies = bodies
        self._note = counts.note
        self._took = took

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] in SINGLE and environ["REQUEST_METHOD"] == "POST":
            began = monotonic()
            try:
                caller = self._caller(environ)
                question = self._question(environ, caller) if caller else None
                if caller and question:
                    if caller.limits is None:
                        return self._answer(question, caller, environ, start_response, began)
                    wait = environ[WAIT] = self._entrance.limiter.enter(caller)
                    if not wait:
                        try:
                            return self._answer(question, caller, environ, start_response, began)
                        finally:
                            self._entrance.limiter.leave(caller)
            except Exception as error:  # noqa: BLE001 - the view raises it again, and Flask answers it
                environ[FAILED] = error
        self._bodies.look_after(environ)
        return self.app(environ, start_response)

    def _caller(self, environ: "WSGIEnvironment") -> Caller | None:
        """Who may ask; None also where somebody may that is not read here."""
        caller = self._entrance.caller_of(environ)
        return caller if caller and Scope.DECIDE in caller.scopes else None

    def _question(self, environ: "WSGIEnvironment", caller: Caller) -> Question | None:
        """The question; None where something is wrong with it, or unusual. The body can be read once more."""
        length: str = environ.get("CONTENT_LENGTH", "")
        is_usual = (
            environ.get("CONTENT_TYPE") == "application/json"
            and "HTTP_ACCEPT_LANGUAGE" not in environ
            and "HTTP_TRANSFER_ENCODING" not in environ
            and length.isascii()
            and length.isdecimal()
            and len(length) <= _LONGEST_LENGTH
        )
        if not is_usual or int(length) > MAX_BYTES:
            return None
        data = self._bodies.read(environ, environ["wsgi.input"], int(length), monotonic())
        environ["wsgi.input"] = BytesIO(data)
        if len(data) != int(length):
            return None
        try:
            body = strict_json.loads(data)
        except strict_json.NotJson:
            return None
        question = read_question(body, []) if isinstance(body, dict) else None
        if question is None or not caller.may_ask_about(question.action.name) or self._decisions.faults(question):
            return None
        return question

    def _answer(
        self,
        question: Question,
        caller: Caller,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
        began: float,
    ) -> Iterable[bytes]:
        decided: Decided
        [decided] = self._decisions.decide([question])
        decision_id = new_id()
        request_id = environ.get("HTTP_X_REQUEST_ID") or decision_id
        origin = Origin(caller.name, request_id, environ.get("HTTP_TRACEPARENT"))
        self._journal.decided(decision_id, origin, [(None, decided)])
        body = decided.decision.body
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            (DECISION_ID, decision_id),
            ("Content-Language", Language.ENGLISH.value),
            ("Vary", "Accept-Language"),
            (HEADER, request_id),
        ]
        start_response("200 OK", headers)
        self._note((question.action.name, decided.decision.allow, decided.source, decided.decision.revision))
        self._took(monotonic() - began)
        return [body]

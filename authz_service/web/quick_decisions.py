"""The quick way of decisions: a request that is in order is answered here, and Flask has all others.

It does what the views do, without what Flask does for a request of any kind: half of the time of a single decision.
What is wrong with a request is found out and told by Flask alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from authz_service import strict_json
from authz_service.callers.callers import Caller
from authz_service.callers.entrance import Entrance
from authz_service.decision.counting import DecisionCounts
from authz_service.journal.deciding import Deciding
from authz_service.journal.entries import Origin
from authz_service.questions import Question
from authz_service.telemetry.stages import Observe
from authz_service.web.authentication import WAIT
from authz_service.web.bodies import MAX_BYTES
from authz_service.web.decide import DECISION_ID, FAILED, SEVERAL, SINGLE, several_bodies
from authz_service.web.evaluation import inherited, usual_question
from authz_service.web.request_ids import HEADER
from authz_service.web.shapes import MOST_EVALUATIONS
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
        deciding: Decides, and keeps what is decided.
        bodies: Reads the questions.
        counts: Counts it.
        took: Takes the seconds of each answer to several questions, and of each to a single one.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        entrance: Entrance,
        deciding: Deciding,
        bodies: SlowBodies,
        counts: DecisionCounts,
        took: tuple[Observe, Observe],
    ) -> None:
        self.app = app
        self._entrance = entrance
        self._deciding = deciding
        self._bodies = bodies
        self._count = counts.count
        self._took = took

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        is_single = path in SINGLE
        if not (is_single or path == SEVERAL) or environ["REQUEST_METHOD"] != "POST":
            return self._hand_on(environ, start_response)
        began, caller = monotonic(), None
        try:
            try:
                caller = self._admitted(environ)
                questions = self._questions(environ, caller, is_single=is_single) if caller else []
                if caller and questions:
                    return self._answer(_Asked(questions, is_single, caller, began), environ, start_response)
            except Exception as error:  # noqa: BLE001 - the view raises it again, and Flask answers it
                environ[FAILED] = error
            return self._hand_on(environ, start_response)
        finally:
            if caller and caller.limits is not None:
                self._entrance.limiter.leave(caller)

    def _hand_on(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        self._bodies.look_after(environ)
        return self.app(environ, start_response)

    def _admitted(self, environ: "WSGIEnvironment") -> Caller | None:
        """Who may ask now, and has entered; None also where somebody may that is not read here.

        Before the body is read: who has to wait holds up nobody with a long one, or one that does not come.
        """
        caller = self._caller(environ)
        if caller and caller.limits is not None:
            wait = environ[WAIT] = self._entrance.limiter.enter(caller)
            return None if wait else caller
        return caller

    def _caller(self, environ: "WSGIEnvironment") -> Caller | None:
        """Who may ask; None also where somebody may that is not read here."""
        caller = self._entrance.caller_of(environ)
        return caller if caller and Scope.DECIDE in caller.scopes else None

    def _questions(self, environ: "WSGIEnvironment", caller: Caller, *, is_single: bool) -> Sequence[Question]:
        """The questions; none where something is wrong with one, or unusual. The body can be read once more."""
        body = self._body(environ)
        if body is None:
            return []
        questions = []
        for item in [body] if is_single else _items(body):
            question = usual_question(item)
            if question is None or not caller.may_ask_about(question.action.name) or self._deciding.faults(question):
                return []
            questions.append(question)
        return questions

    def _body(self, environ: "WSGIEnvironment") -> Mapping[str, object] | None:
        length: str = environ.get("CONTENT_LENGTH", "")
        is_usual = (
            environ.get("CONTENT_TYPE") == "application/json"
            # As Node has it, whose caller cares for no language.
            and environ.get("HTTP_ACCEPT_LANGUAGE", "*") == "*"
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
        return body if isinstance(body, dict) else None

    def _answer(self, asked: "_Asked", environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        given, trace = environ.get("HTTP_X_REQUEST_ID"), environ.get("HTTP_TRACEPARENT")

        def origin_of(decision_id: str) -> Origin:
            return Origin(asked.caller.name, given or decision_id, trace)

        if asked.is_single:
            decision_id, one = self._deciding.one(origin_of, asked.questions[0])
            decided = [one]
        else:
            decision_id, decided = self._deciding.several(origin_of, asked.questions)
        bodies = [each.decision.body for each in decided]
        body = bodies[0] if asked.is_single else several_bodies(bodies)
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            (DECISION_ID, decision_id),
            ("Content-Language", Language.ENGLISH.value),
            ("Vary", "Accept-Language"),
            (HEADER, given or decision_id),
        ]
        start_response("200 OK", headers)
        for each in decided:
            self._count(each)
        self._took[asked.is_single](monotonic() - asked.began)
        return [body]


class _Asked(NamedTuple):
    """A call in order.

    Attributes:
        is_single: Whether it is of the kind that has one question, and one decision for an answer.
        began: When it came, as `monotonic` has it.
    """

    questions: Sequence[Question]
    is_single: bool
    caller: Caller
    began: float


def _items(body: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    """What is asked in a body of several questions; none where something is wrong with it, or unusual."""
    items = body.get("evaluations")
    if type(items) is not list or len(items) > MOST_EVALUATIONS or "options" in body:
        return []
    defaults = inherited(body)
    are_objects = all(type(each) is dict for each in (*items, *defaults.values()))
    if not are_objects:
        return []
    return [{**defaults, **item} for item in items] if defaults else items

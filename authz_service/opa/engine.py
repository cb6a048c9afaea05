"""OPA as the policy engine: only an answer of exactly the expected shape is an answer."""

import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeGuard

import requests

from authz_service.errors import PolicyEngineMisbehaved, PolicyEngineUnavailable
from authz_service.opa.client import Client
from authz_service.questions import Answer, Document, Reason, Verdict

PACKAGE = "authz_service"
RULE = "ask"

_RESULT_MEMBERS = {"revision", "answers"}
_ANSWER_MEMBERS = {"allow", "reasons", "route", "requires", "effects"}
_REASON_MEMBERS = {"code", "cites", "message"}
_RETRY_EVERY = 0.05
_STRICT = {"strict-builtin-errors": "true"}


class OpaEngine:
    """Asks an OPA that has loaded a bundle built by this service.

    Args:
        url: `unix:///path/to/socket` or `http://host:port`.
        timeout: Seconds that OPA has to answer, and that a restarting OPA is waited for.
    """

    def __init__(self, url: str, timeout: float = 2.0) -> None:
        self._place = f"It is to be at {url}."
        self._timeout = timeout
        self._client = Client(url, timeout)
        self._last_answer = float("-inf")

    def close(self) -> None:
        self._client.close_connection()

    def sends(self, headers: Callable[[], Mapping[str, str]]) -> None:
        """Has these headers sent to OPA with every question."""
        self._client.sends(headers)

    def ask(self, documents: Sequence[Document]) -> Verdict:
        verdict = parse_verdict(self._post({"documents": list(documents)}))
        if len(verdict.answers) != len(documents):
            raise PolicyEngineMisbehaved(
                f"OPA gave {len(verdict.answers)} answers to {len(documents)} questions: "
                "the policy's answer is undefined for some of them."
            )
        return verdict

    def version(self) -> str:
        """The version that OPA says that it has; empty where it does not say.

        Raises:
            Unavailable: OPA does not answer.
        """
        body = self._post({"documents": []}, {"provenance": "true"})
        provenance = body.get("provenance") if isinstance(body, dict) else None
        said = provenance.get("version") if isinstance(provenance, dict) else None
        return said if isinstance(said, str) else ""

    def lists_policies(self) -> bool:
        """Whether it shows its policies, as it does to whoever asks where it asks no policy of its own about that."""
        try:
            return self._client.lists_policies()
        except requests.RequestException:
            return False

    def _post(self, document: Mapping[str, object], parameters: Mapping[str, str] = _STRICT) -> object:
        # A supervised OPA that was killed is back in a moment. One away for longer is not waited for.
        deadline = min(time.monotonic(), self._last_answer + self._timeout) + self._timeout
        while True:
            try:
                body: object = self._client.query_rule(document, PACKAGE, RULE, query_params=dict(parameters))
            except requests.HTTPError as error:
                status = getattr(error.response, "status_code", "error")
                refused = "; its policy system.authz has to allow the question"
                why = refused if status == HTTPStatus.UNAUTHORIZED else ""
                raise PolicyEngineMisbehaved(f"OPA answered with HTTP {status}{why}.") from error
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
                if time.monotonic() >= deadline:
                    raise PolicyEngineUnavailable("OPA cannot be reached.", self._place) from error
                time.sleep(_RETRY_EVERY)
            except requests.Timeout as error:
                raise PolicyEngineUnavailable(f"OPA has not answered for {self._timeout:g} s.", self._place) from error
            except (requests.RequestException, ValueError, RecursionError) as error:
                raise PolicyEngineMisbehaved("What OPA answers is no JSON.") from error
            else:
                self._last_answer = time.monotonic()
                return body


def parse_verdict(body: object) -> Verdict:
    """What OPA's response body says.

    Raises:
        PolicyEngineMisbehaved: It is not in the shape of a verdict; the message names the member.
    """
    if not isinstance(body, dict) or "result" not in body:
        raise PolicyEngineMisbehaved(
            "OPA has no policy of this service loaded: it needs a bundle made by `authz-service policy build`."
        )
    if "warning" in body:
        raise PolicyEngineMisbehaved("OPA answered with a warning, which is no answer.")
    result = _object(body["result"], "result", _RESULT_MEMBERS)
    revision = result["revision"]
    if not _is_text(revision):
        raise PolicyEngineMisbehaved("result.revision: must be a string that is not empty.")
    answers = _list(result["answers"], "result.answers")
    return Verdict(revision, tuple(_answer(answer, f"result.answers[{n}]") for n, answer in enumerate(answers)))


def _answer(value: object, path: str) -> Answer:
    answer = _object(value, path, _ANSWER_MEMBERS)
    allow, route = answer["allow"], answer["route"]
    if not isinstance(allow, bool):
        raise PolicyEngineMisbehaved(f"{path}.allow: must be true or false.")
    if not (route is None or _is_text(route)):
        raise PolicyEngineMisbehaved(f"{path}.route: must be null or a string that is not empty.")
    reasons = _list(answer["reasons"], f"{path}.reasons")
    if not reasons:
        raise PolicyEngineMisbehaved(f"{path}.reasons: must have a reason at least.")
    return Answer(
        allow,
        tuple(_reason(reason, f"{path}.reasons[{n}]") for n, reason in enumerate(reasons)),
        route,
        _texts(answer["requires"], f"{path}.requires"),
        _texts(answer["effects"], f"{path}.effects"),
    )


def _reason(value: object, path: str) -> Reason:
    reason = _object(value, path, _REASON_MEMBERS)
    code, message = reason["code"], reason["message"]
    if not _is_text(code):
        raise PolicyEngineMisbehaved(f"{path}.code: must be a string that is not empty.")
    if not (isinstance(message, dict) and "en" in message and all(map(_is_text, message.values()))):
        raise PolicyEngineMisbehaved(f"{path}.message: must be sentences by language, `en` among them.")
    cites = _texts(reason["cites"], f"{path}.cites")
    if not cites:
        raise PolicyEngineMisbehaved(f"{path}.cites: must cite a fact at least.")
    return Reason(code, cites, message)


def _object(value: object, path: str, members: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != members:
        wanted = ", ".join(sorted(members))
        raise PolicyEngineMisbehaved(f"{path}: must be an object with exactly the members {wanted}.")
    return value


def _list(value: object, path: str) -> list[object]:
    if not isinstance(value, list):
        raise PolicyEngineMisbehaved(f"{path}: must be a list.")
    return value


def _texts(value: object, path: str) -> tuple[str, ...]:
    texts = _list(value, path)
    if not all(map(_is_text, texts)):
        raise PolicyEngineMisbehaved(f"{path}: must be a list of strings that are not empty.")
    return tuple(text for text in texts if isinstance(text, str))


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value != ""

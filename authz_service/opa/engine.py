"""OPA as the policy engine: only an answer of exactly the expected shape is an answer."""

import time
from collections.abc import Mapping, Sequence

import requests

from authz_service.errors import PolicyEngineMisbehaved, PolicyEngineUnavailable
from authz_service.opa.client import Client
from authz_service.questions import Answer, Document, Reason, Verdict

PACKAGE = "authz_service"
RULE = "ask"

_ANSWER_MEMBERS = {"allow", "reasons", "route", "requires", "effects"}
_REASON_MEMBERS = {"code", "cites", "message"}
_RETRY_EVERY = 0.05


class OpaEngine:
    """Asks an OPA that has loaded a bundle built by this service.

    Args:
        url: `unix:///path/to/socket` or `http://host:port`.
        timeout: Seconds that OPA has to answer, and that a restarting OPA is waited for.
    """

    def __init__(self, url: str, timeout: float = 2.0) -> None:
        self._url = url
        self._timeout = timeout
        self._client = Client(url, timeout)
        self._last_answer = float("-inf")

    def close(self) -> None:
        self._client.close_connection()

    def ask(self, documents: Sequence[Document]) -> Verdict:
        verdict = parse_verdict(self._post({"documents": list(documents)}))
        if len(verdict.answers) != len(documents):
            raise PolicyEngineMisbehaved(
                f"OPA gave {len(verdict.answers)} answers to {len(documents)} questions: "
                "the policy's answer is undefined for some of them."
            )
        return verdict

    def _post(self, document: Mapping[str, object]) -> object:
        # A supervised OPA that was killed is back in a moment. One that has been away for longer is not waited for.
        deadline = min(time.monotonic(), self._last_answer + self._timeout) + self._timeout
        while True:
            try:
                body: object = self._client.query_rule(
                    document, PACKAGE, RULE, query_params={"strict-builtin-errors": "true"}
                )
            except requests.HTTPError as error:
                status = error.response.status_code
                raise PolicyEngineMisbehaved(f"OPA at {self._url} answered with HTTP {status}.") from error
            except requests.ConnectionError as error:
                if time.monotonic() >= deadline:
                    raise PolicyEngineUnavailable(f"OPA cannot be reached at {self._url}.") from error
                time.sleep(_RETRY_EVERY)
            except requests.Timeout as error:
                raise PolicyEngineUnavailable(
                    f"OPA at {self._url} has not answered for {self._timeout:g} s."
                ) from error
            except requests.RequestException as error:
                raise PolicyEngineMisbehaved(f"OPA at {self._url} did not answer with JSON.") from error
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
    result = body["result"]
    if not isinstance(result, dict):
        raise PolicyEngineMisbehaved("result: must be an object.")
    revision = result.get("revision")
    answers = result.get("answers")
    if not isinstance(revision, str) or not revision:
        raise PolicyEngineMisbehaved("result.revision: must be a string that is not empty.")
    if not isinstance(answers, list):
        raise PolicyEngineMisbehaved("result.answers: must be a list.")
    return Verdict(
        revision, tuple(_answer(answer, f"result.answers[{n}]") for n, answer in enumerate(answers))
    )


def _answer(value: object, path: str) -> Answer:
    match value:
        case {"allow": bool(allow), "reasons": [*reasons], "route": str() | None as route,
              "requires": [*requires], "effects": [*effects], **rest} if not rest and reasons:  # fmt: skip
            return Answer(
                allow,
                tuple(_reason(reason, f"{path}.reasons[{n}]") for n, reason in enumerate(reasons)),
                route,
                _strings(requires, f"{path}.requires"),
                _strings(effects, f"{path}.effects"),
            )
    raise PolicyEngineMisbehaved(
        f"{path}: must have exactly the members {', '.join(sorted(_ANSWER_MEMBERS))}, and a reason at least."
    )


def _reason(value: object, path: str) -> Reason:
    match value:
        case {"code": str(code), "cites": [*cites], "message": dict(message), **rest} if not rest and cites:
            if all(isinstance(text, str) for text in message.values()) and "en" in message:
                return Reason(code, _strings(cites, f"{path}.cites"), message)
    raise PolicyEngineMisbehaved(
        f"{path}: must have exactly the members {', '.join(sorted(_REASON_MEMBERS))}, "
        "cite a fact at least and have an English message."
    )


def _strings(values: Sequence[object], path: str) -> tuple[str, ...]:
    strings = tuple(value for value in values if isinstance(value, str))
    if len(strings) != len(values):
        raise PolicyEngineMisbehaved(f"{path}: must be a list of strings.")
    return strings

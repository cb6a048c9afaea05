"""How long the calls take that ask for decisions and come to Flask."""

from http import HTTPStatus
from time import perf_counter

from flask import Flask, Response, g, request

from authz_service.telemetry.stages import Stage, stage_times
from authz_service.telemetry.tally import Tally

_OF_ONE = "decide.evaluation"
_TIMED = frozenset({_OF_ONE, "decide.evaluations", "search.subjects", "search.resources", "search.actions"})


def time_calls(app: Flask, tally: Tally) -> None:
    """Has the whole of each such call taken by the tally, where it is answered with a decision."""
    took = stage_times(tally, Stage.WHOLE)

    def begin() -> None:
        g.began = perf_counter()

    def end(response: Response) -> Response:
        if request.endpoint in _TIMED and response.status_code == HTTPStatus.OK:
            took[request.endpoint == _OF_ONE](perf_counter() - g.began)
        return response

    app.before_request(begin)
    app.after_request(end)

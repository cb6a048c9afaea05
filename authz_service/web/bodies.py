"""Reading a request body: JSON, declared as such, and of one meaning."""

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from authz_service import strict_json
from authz_service.errors import Fault, InvalidRequest

MAX_BYTES = 1024 * 1024
_JSON = "application/json"


def read_json(request: Request) -> object:
    """The value in the body.

    Raises:
        InvalidRequest: It is not declared as JSON, or is none.
        RequestEntityTooLarge: It is over `MAX_BYTES`.
    """
    if request.mimetype != _JSON:
        raise InvalidRequest([Fault(f"must be {_JSON}", "Content-Type")])
    data = request.get_data(cache=False)
    if request.content_length is None and len(data) == MAX_BYTES and request.environ["wsgi.input"].read(1):
        # Of a body in chunks Werkzeug takes what is allowed, and does not look whether there is more.
        raise RequestEntityTooLarge
    try:
        return strict_json.loads(data)
    except strict_json.NotJson as error:
        raise InvalidRequest([Fault(str(error), "body")]) from error


def read_object(request: Request) -> dict[str, object]:
    """The same, where it has to be an object."""
    value = read_json(request)
    if not isinstance(value, dict):
        raise InvalidRequest([Fault(f"must be an object, got {json_type(value)}", "body")])
    return value


def json_type(value: object) -> str:
    """How a developer calls the type of a JSON value."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"

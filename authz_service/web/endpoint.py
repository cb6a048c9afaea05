"""What each endpoint declares of itself: the scope that a caller needs, and what the API document tells of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from authz_service.words import Scope

View = TypeVar("View", bound=Callable[..., Any])

_ATTRIBUTE = "endpoint_declaration"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The declaration of one endpoint.

    Attributes:
        summary: One line in the API document.
        scope: The scope that the caller's token needs; None for an endpoint open to all.
        body: The model of the request body.
        answers: The model of the body by success status, or the media type of what has no model; None without a body.
        problems: The statuses of its problem documents, with a sentence each. Those of the scope and body are added.
        example: A request body that works on the Smith family.
        answer_example: What it answers to that, or to the examples of the address, with its first success status.
        headers: Request headers that it reads, with a sentence each.
        query: Query parameters that it reads, with a sentence each.
        answer_headers: Headers of each success, with a sentence each.
    """

    summary: str
    scope: Scope | None
    answers: Mapping[int, type[BaseModel] | str | None]
    body: type[BaseModel] | None = None
    problems: Mapping[int, str] = field(default_factory=dict)
    example: object = None
    answer_example: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    answer_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """The declaration of a page for people, of which the API document tells nothing.

    Attributes:
        scope: The scope that the reader's token needs; None for a page open to all.
    """

    scope: Scope | None


def declares(declaration: Endpoint | Page) -> Callable[[View], View]:
    """Decorates a view with its declaration. A view without one is refused when the app is made."""

    def decorate(view: View) -> View:
        setattr(view, _ATTRIBUTE, declaration)
        return view

    return decorate


def declaration_of(view: Callable[..., Any]) -> Endpoint | Page | None:
    return getattr(view, _ATTRIBUTE, None)

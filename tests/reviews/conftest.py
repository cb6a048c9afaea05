from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine

from authz_service.customers.domain import MyProximus
from authz_service.customers.linked import Part
from authz_service.decision.decisions import Decisions
from authz_service.handbook.book import Book, Sources, read_book
from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.questions import Document, Verdict
from authz_service.reviews.content import ReviewedAction
from authz_service.reviews.reviewing import Review, review, reviewed_actions

ReviewOf = Callable[..., Review]


class CountingEngine:
    """The real OPA, with how often it has been asked about something."""

    def __init__(self, engine: OpaEngine) -> None:
        self._engine = engine
        self.asked = 0

    def ask(self, documents: Sequence[Document]) -> Verdict:
        self.asked += bool(documents)
        return self._engine.ask(documents)


@pytest.fixture(scope="session")
def book(policies: Path) -> Book:
    return read_book(Sources(policies, None))


@pytest.fixture(scope="session")
def actions(book: Book) -> tuple[ReviewedAction, ...]:
    return reviewed_actions(book.matrix, book.phrases)


@pytest.fixture
def counting(running_opa: SupervisedOpa) -> Iterator[CountingEngine]:
    engine = OpaEngine(running_opa.url)
    yield CountingEngine(engine)
    engine.close()


@pytest.fixture
def review_of(database: Engine, counting: CountingEngine, actions: tuple[ReviewedAction, ...]) -> ReviewOf:
    """Reviews a customer number of the database of the test by the real OPA."""
    decisions = Decisions(MyProximus(database), counting, stale_seconds=60)

    def of(number: str, part: Part = Part()) -> Review:  # noqa: B008 - it cannot be changed
        return review(database, decisions, actions, number, part)

    return of

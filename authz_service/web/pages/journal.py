"""The addresses of the pages about decisions: those that were made, and one to be tried."""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine

from authz_service.decision.decisions import Decisions
from authz_service.handbook.shelf import Shelf
from authz_service.journal.journal import Journal
from authz_service.web.endpoint import Page, declares
from authz_service.web.pages.ask import AskPage
from authz_service.web.pages.decision import DecisionPage
from authz_service.web.pages.decisions import DecisionsPage
from authz_service.web.pages.frame import Frame
from authz_service.words import Scope

_FOR_READERS = Page(Scope.AUDIT)


def add_journal(
    pages: Blueprint, frame: Frame, shelf: Shelf, database: Engine, journal: Journal, decisions: Decisions
) -> None:
    search = DecisionsPage(frame, shelf, database, journal.pseudonyms)
    trial = AskPage(frame, shelf, journal, decisions)
    single = DecisionPage(frame, shelf, database, journal, decisions)

    @pages.get("/decisions", endpoint="decisions")
    @declares(_FOR_READERS)
    def found() -> ResponseReturnValue:
        return search.show()

    @pages.get("/decisions.csv")
    @declares(_FOR_READERS)
    def decisions_csv() -> ResponseReturnValue:
        return search.csv()

    @pages.get("/decisions/<decision_id>")
    @declares(_FOR_READERS)
    def decisions_one(decision_id: str) -> ResponseReturnValue:
        return single.show(decision_id)

    @pages.get("/decisions/<decision_id>/proof")
    @declares(_FOR_READERS)
    def decisions_proof(decision_id: str) -> Response:
        return single.proof(decision_id)

    @pages.get("/ask")
    @declares(_FOR_READERS)
    def ask() -> str:
        return trial.form()

    @pages.post("/ask")
    @declares(_FOR_READERS)
    def asked() -> ResponseReturnValue:
        return trial.answer()

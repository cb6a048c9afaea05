"""A decision of the journal, to be explained."""

from pathlib import Path

from authz_service.cli.database import existing_database
from authz_service.errors import Fault, InvalidInput
from authz_service.journal.queries import KeptDecision, get_decision
from authz_service.policy.explain import Explanation
from authz_service.policy.situations import Facts, InputSchema
from authz_service.policy.stated import read_situation
from authz_service.settings import read_settings


def recorded_decision(decision: str) -> KeptDecision:
    """The decision with that id, from the database of the settings.

    Raises:
        UnknownDecision: There is none.
        ConfigurationError: There is no such database.
    """
    with existing_database(read_settings().database_url) as database:
        return get_decision(database, decision)


def facts_of(kept: KeptDecision, schema: InputSchema) -> Facts:
    """What was known when it was made.

    Raises:
        InvalidInput: It has no facts, or such as the schema does not have.
    """
    if kept.ruling is None or kept.ruling["facts"] is None:
        raise InvalidInput([Fault("has no facts of its own: it is a search, or of facts without end", kept.id)])
    return read_situation(kept.ruling["facts"], schema)


def then_and_now(kept: KeptDecision, explained: Explanation, folder: Path) -> str:
    """What was answered then, beside what is explained now."""
    ruling = kept.ruling or {}
    was = "permitted" if ruling["allow"] else "denied"
    codes = [{reason["code"] for reason in ruling["reasons"]}, {reason.code for reason in explained.answer.reasons}]
    is_same = ruling["allow"] == explained.answer.allow and codes[0] == codes[1]
    said = "as it is" if is_same else f"for {', '.join(sorted(codes[0]))}; it is answered otherwise"
    at = kept.at.isoformat(sep=" ", timespec="seconds")
    return f"{kept.id} was {was} at {at} under {ruling['revision']}, {said} by {folder} ({explained.revision})."

"""Whether all that a decision needs is usable: what `/readyz` and the page of operations tell."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from authz_service.callers.entrance import Entrance
from authz_service.decision.memory import AnswerMemory
from authz_service.errors import AuthzServiceError, DatabaseUnavailable
from authz_service.journal.journal import Journal
from authz_service.journal.standing import Standing, find_standing
from authz_service.opa.supervisor import read_status
from authz_service.storage.database import REVISION, is_current, revision_of
from authz_service.web.shapes import CallersCheck, Check, Checks, JournalCheck, PolicyCheck

_NO_STANDING = Standing(0, ())


def check_all(
    database: Engine, memory: AnswerMemory, policy_status: Path | None, journal: Journal, entrance: Entrance
) -> Checks:
    """Asks each of them now; whatever is away is told, not raised."""
    of_database = _check(lambda: _database(database))
    return Checks(
        database=of_database,
        opa=_check(lambda: _opa(memory)),
        policy=_policy(memory, policy_status),
        # One that does not answer is not waited for again.
        journal=_journal(database if of_database.ok else None, journal),
        callers=_callers(entrance),
    )


def is_ready(checks: Checks) -> bool:
    return checks.database.ok and checks.opa.ok and checks.policy.ok and checks.journal.ok


def _check(ask: Callable[[], str]) -> Check:
    try:
        return Check(ok=True, detail=ask())
    except AuthzServiceError as error:
        return Check(ok=False, detail=str(error))


def _database(database: Engine) -> str:
    if not is_current(database):
        raise AuthzServiceError("The tables do not serve this version: `authz-service db check` says why.")
    # Replicas of the next version may be about to take the place of this one.
    state = "up to date" if revision_of(database)[0] == REVISION else "of a later version"
    return f"{database.dialect.name}, tables {state}"


def _opa(memory: AnswerMemory) -> str:
    memory.confirm()
    return "answers"


def _journal(database: Engine | None, journal: Journal) -> JournalCheck:
    if journal.writer is None or journal.folder is None:
        return JournalCheck(ok=True, detail="off", behind_bytes=0)
    try:
        standing = find_standing(database, journal.folder) if database else _NO_STANDING
    except DatabaseUnavailable:
        # Which the check of the database says.
        standing = _NO_STANDING
    wrong = " ".join(part for part in (journal.writer.error, *standing.misfits) if part)
    return JournalCheck(ok=not wrong, detail=wrong or "written", behind_bytes=standing.bytes_behind)


def _callers(entrance: Entrance) -> CallersCheck:
    """Never a reason to take a machine out of service: all of them would be, for those whose tokens are known too."""
    rejected, keys = len(entrance.followed.rejected), entrance.keys
    detail = "known"
    if rejected:
        detail = "A later edit of the callers' file is faulty and not in force, as the log says; the one before it is."
    elif keys is not None and not keys.are_usable:
        detail = f"Access tokens cannot be verified: {keys.failure or 'their keys have not been fetched yet'}."
    elif keys is not None and keys.failure:
        detail = f"The keys of access tokens cannot be fetched ({keys.failure}); those from before go on for an hour."
    return CallersCheck(ok=detail == "known", detail=detail, rejected=rejected)


def _policy(memory: AnswerMemory, policy_status: Path | None) -> PolicyCheck:
    status = read_status(policy_status) if policy_status else None
    rejected = len(status.rejected) if status else 0
    revision = memory.revision
    if rejected:
        detail = (
            "A later edit of the policy is broken and not in force, as the log says; the revision before it answers."
        )
    elif revision:
        detail = "The policy in force answers."
    else:
        detail = "OPA has answered under no policy yet."
    return PolicyCheck(ok=bool(revision), detail=detail, revision=revision, rejected=rejected)

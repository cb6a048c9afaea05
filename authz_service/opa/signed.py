"""Takes a policy only where it is signed with one key, and none older than the newest that was taken."""

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, Engine, insert, select, update

from authz_service.errors import Conflict, Fault, InvalidPolicy
from authz_service.opa.signing import BundleKey
from authz_service.opa.verifying import Verified, verify_bundle
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import policy_marks

log = structlog.get_logger()


class Mark(NamedTuple):
    """What was taken of bundles signed with a key.

    Attributes:
        sequence: That of the newest.
        revision: The one taken last.
        rollback_to: An older one that may be taken, once.
    """

    sequence: int
    revision: str
    rollback_to: str | None


class SignedPolicies:
    """Bundles signed with one key, of which a database remembers the newest, for all replicas.

    Args:
        key: The public key.
        database: Where it is remembered.
    """

    def __init__(self, key: BundleKey, database: Engine) -> None:
        self._key = key
        self._database = database

    def take(self, opa: Path, bundle: Path, target: Path) -> str:
        """Puts a bundle at `target`, in one step, and returns its revision.

        Raises:
            InvalidPolicy: It is not signed with the key, is older than one that was taken, or cannot answer.
            DatabaseUnavailable: Whether it is older is not known.
        """
        with tempfile.TemporaryDirectory(prefix=".signed-", dir=target.parent) as folder:
            copy, verified = self._verified(opa, bundle, Path(folder))
            self._remember(verified, bundle)
            copy.replace(target)
        return verified.revision

    def examine(self, opa: Path, bundle: Path) -> Verified:
        """What a bundle is, where it would be taken.

        Raises:
            InvalidPolicy: It would not.
            DatabaseUnavailable: Whether it is older is not known.
        """
        with tempfile.TemporaryDirectory() as folder:
            _, verified = self._verified(opa, bundle, Path(folder))
        with reading(self._database) as connection:
            _refuse_older(self._mark(connection), verified, bundle)
        return verified

    def allow_rollback(self, opa: Path, bundle: Path) -> Verified:
        """Has a bundle taken once though it is older, and returns what it is.

        Raises:
            InvalidPolicy: It is not signed with the key or cannot answer, or it is taken without that.
            DatabaseUnavailable: It cannot be written down.
        """
        with tempfile.TemporaryDirectory() as folder:
            _, verified = self._verified(opa, bundle, Path(folder))
        with writing(self._database) as connection:
            mark = self._mark(connection)
            if mark is None or verified.revision == mark.revision or _sequence(verified, bundle) > mark.sequence:
                raise InvalidPolicy(
                    [Fault("is not older than what was taken: it needs no permission", file=str(bundle))]
                )
            self._change(connection, rollback_to=verified.revision)
        return verified

    def _verified(self, opa: Path, bundle: Path, folder: Path) -> tuple[Path, Verified]:
        if bundle.is_dir():
            what = (
                "is a folder, and nobody signs those; with AUTHZ_BUNDLE_VERIFICATION_KEY, AUTHZ_POLICIES has to name"
                " a bundle made by `authz-service policy build --signing-key`"
            )
            raise InvalidPolicy([Fault(what, file=str(bundle))])
        try:
            # What is taken is what was verified, whatever happens to the file meanwhile.
            copy = Path(shutil.copyfile(bundle, folder / "bundle.tar.gz"))
        except FileNotFoundError as error:
            raise InvalidPolicy([Fault("does not exist", file=str(bundle))]) from error
        verified = verify_bundle(opa, copy, self._key, None, shown=bundle)
        _sequence(verified, bundle)
        return copy, verified

    def _remember(self, verified: Verified, bundle: Path) -> None:
        try:
            self._write_mark(verified, bundle)
        except Conflict:
            # Another replica has taken its first one just now.
            self._write_mark(verified, bundle)

    def _write_mark(self, verified: Verified, bundle: Path) -> None:
        sequence = _sequence(verified, bundle)
        with writing(self._database) as connection:
            mark = self._mark(connection)
            _refuse_older(mark, verified, bundle)
            if mark is None:
                first = {"key_id": self._key.id, "sequence": sequence, "revision": verified.revision}
                connection.execute(insert(policy_marks).values(first))
                return
            newest = max(mark.sequence, sequence)
            if mark.revision != verified.revision or newest != mark.sequence:
                self._change(connection, sequence=newest, revision=verified.revision, rollback_to=None)
        if mark.rollback_to == verified.revision:
            log.warning("policy.rolled_back", revision=verified.revision, sequence=sequence, newest=mark.sequence)

    def _mark(self, connection: Connection) -> Mark | None:
        table = policy_marks
        of_key = select(table.c.sequence, table.c.revision, table.c.rollback_to).where(table.c.key_id == self._key.id)
        row = connection.execute(of_key.with_for_update()).one_or_none()
        return Mark(*row) if row else None

    def _change(self, connection: Connection, **values: object) -> None:
        connection.execute(update(policy_marks).where(policy_marks.c.key_id == self._key.id).values(values))


def _sequence(verified: Verified, bundle: Path) -> int:
    if verified.sequence is None:
        what = (
            "has no sequence, so nothing tells whether it is older than the last;"
            " build it in a git checkout, or with `authz-service policy build --sequence`"
        )
        raise InvalidPolicy([Fault(what, file=str(bundle))])
    return verified.sequence


def _refuse_older(mark: Mark | None, verified: Verified, bundle: Path) -> None:
    sequence = _sequence(verified, bundle)
    if mark is None or verified.revision in {mark.revision, mark.rollback_to} or sequence > mark.sequence:
        return
    what = (
        f"is another policy than revision {mark.revision} and not newer: it has sequence {sequence},"
        f" and {mark.sequence} was taken; build it from a later commit,"
        " or have it taken once by `authz-service policy allow-rollback`"
    )
    raise InvalidPolicy([Fault(what, file=str(bundle))])

"""Where a policy is taken from: a policies folder, a bundle, or a folder as it was in a git revision."""

import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from authz_service.errors import Fault, InvalidPolicy


@contextmanager
def policies_from(source: str, folder: Path) -> Iterator[Path]:
    """The policies folder or bundle that `source` names, for as long as the block lasts.

    Args:
        source: The path of a folder or bundle; or else a git revision, such as `HEAD~1` or a branch.
        folder: The policies folder whose state in that revision is meant.

    A finding that leaves the block names the files of a revision as git does: `HEAD~1:bundle/authz/roles.rego`.

    Raises:
        InvalidPolicy: There is neither such a path nor such a revision.
    """
    if source and Path(source).exists():
        yield Path(source)
        return
    with tempfile.TemporaryDirectory() as made:
        _extract(source, folder.resolve(), Path(made))
        try:
            yield Path(made)
        except InvalidPolicy as error:
            raise InvalidPolicy([_in_revision(fault, source, made) for fault in error.faults]) from error


def _in_revision(fault: Fault, revision: str, made: str) -> Fault:
    if not Path(fault.file).is_relative_to(made):
        return fault
    inside = str(Path(fault.file).relative_to(made))
    return replace(fault, file=revision if inside == "." else f"{revision}:{inside}")


def is_in_repository(folder: Path) -> bool:
    """Whether git keeps revisions of the folder."""
    return any((place / ".git").exists() for place in (folder.resolve(), *folder.resolve().parents))


def _extract(revision: str, folder: Path, target: Path) -> None:
    neither = "is no file or folder, and no git revision that has this policies folder"
    # In a subfolder, git takes that alone.
    archive = ["git", "-C", str(folder), "archive", "--format=tar", revision]
    if not revision or revision.startswith("-"):  # git would take it for an option
        raise InvalidPolicy([Fault(neither, file=revision)])
    try:
        done = subprocess.run(archive, capture_output=True, check=False)  # noqa: S603 - no shell reads it
    except OSError as error:
        raise InvalidPolicy([Fault(f"{neither}: git cannot be run", file=revision)]) from error
    if done.returncode:
        raise InvalidPolicy([Fault(neither, file=revision)])
    with tarfile.open(fileobj=BytesIO(done.stdout)) as tar:
        tar.extractall(target, filter="data")

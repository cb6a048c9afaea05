"""Later versions of the service, made of this one: its code with a migration more."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

_MIGRATION = '''\
"""Made for a test."""

from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None
{contract}


def upgrade() -> None:
    for statement in {statements!r}:
        op.execute(statement)
'''


def make_later_version(
    earlier: Path, folder: Path, version: str, statements: Sequence[str], *, is_contract: bool = False
) -> Path:
    """Writes the code of a later version to a folder, and returns that.

    Args:
        earlier: The folder that has the code of the version before.
        folder: Where to.
        version: What it says that its version is.
        statements: What its migration does, in SQL.
        is_contract: Whether that takes away what the version before does without, and earlier ones do not.
    """
    code = folder / "authz_service"
    shutil.copytree(earlier / "authz_service", code)
    database = code / "storage" / "database.py"
    [before] = re.findall(r'^REVISION = "(\d+)"$', database.read_text(), re.MULTILINE)
    revision = f"{int(before) + 1:04}"
    _replace(database, f'REVISION = "{before}"', f'REVISION = "{revision}"')
    [known] = re.findall(r'^__version__ = "(.+)"$', (code / "__init__.py").read_text(), re.MULTILINE)
    _replace(code / "__init__.py", f'"{known}"', f'"{version}"')
    contract = f'serves_from = "{before}"' if is_contract else ""
    migration = code / "storage" / "migrations" / "versions" / f"{revision}_made_for_a_test.py"
    migration.write_text(
        _MIGRATION.format(revision=revision, before=before, statements=list(statements), contract=contract)
    )
    return folder


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))

"""Edits of the shipped policy, as authors make them."""

import shutil
from pathlib import Path
from typing import TypeAlias

Edits: TypeAlias = tuple[tuple[str, str, str], ...]
"""For each a file of the bundle, what is there, and what comes in its place."""

BILLS_FOR_USERS: Edits = (
    (
        "permissions/grants.rego",
        'roles.is_administrator\n\tinput.resource == "customer"\n\tinput.action in catalogue.bill_actions',
        'roles.is_linked\n\tinput.resource == "customer"\n\tinput.action in catalogue.bill_actions',
    ),
    (
        "permissions/obstacles.rego",
        'input.resource == "customer"\n\tinput.action in catalogue.administrator_actions',
        'input.resource == "customer"\n\tinput.action in catalogue.administrator_actions - catalogue.bill_actions',
    ),
)


def edit(policies: Path, target: Path, edits: Edits) -> Path:
    """A copy of a policies folder with edits."""
    shutil.copytree(policies, target)
    for name, old, new in edits:
        file = target / "bundle" / "authz" / name
        text = file.read_text()
        assert text.count(old) == 1, (name, old)
        file.write_text(text.replace(old, new))
    return target

"""What the policy commands share: the program, the folder, and the table with its progress bar."""

import os
from pathlib import Path

import click

from authz_service.cli.progress import progress
from authz_service.opa.binary import find_opa, project_tool_folder
from authz_service.policy.situations import InputSchema
from authz_service.policy.table import Table, judge_all
from authz_service.settings import CHECKOUT_POLICIES

folder_argument = click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=CHECKOUT_POLICIES
)


def opa() -> Path:
    return find_opa(os.environ, project_tool_folder())


def shown(path: Path) -> Path:
    """A path of the checkout as a person in the current folder writes it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def first_with(file: Path, *places: Path) -> Path:
    """The first place that has the file; the first of all where none has."""
    return next((place for place in places if (place / file).exists()), places[0])


def judged(policies: Path, schema: InputSchema) -> Table:
    """The answers of a policies folder or bundle to every situation of a schema."""
    with progress("Judging every situation") as on_progress:
        return judge_all(opa(), policies, schema, on_progress)

"""All that the pages tell of one policy, read together so that it is of one revision."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from authz_service.errors import ConfigurationError, InvalidPolicy
from authz_service.handbook.handbook import Handbook, ShownPromise, write_handbook
from authz_service.handbook.history import History
from authz_service.handbook.matrix_cells import places, without_situations
from authz_service.handbook.requirements import read_requirements
from authz_service.handbook.rules import ShownRule, shown_rules
from authz_service.opa.binary import find_opa, project_tool_folder
from authz_service.opa.bundle import build_bundle
from authz_service.opa.folder import HISTORY, SOURCES, unpack_folder
from authz_service.policy.allowed import allowed
from authz_service.policy.checks.places import find_cases
from authz_service.policy.explain import Explainable, Explainer, explainable
from authz_service.policy.matrix import arrange
from authz_service.policy.matrix_layout import Layout, read_layout
from authz_service.policy.promises import FOLDER, broken_promises, read_promises
from authz_service.policy.sentences import Phrases, read_phrases
from authz_service.policy.situations import read_schema
from authz_service.policy.syntax import read_rules
from authz_service.policy.table import Table, judge_all


class Sources(NamedTuple):
    """Where a policy is read from.

    Attributes:
        policies: The policies folder, or a bundle made of one.
        bundle: The bundle in force, where this machine has it; None where it is that, or is made of the folder.
    """

    policies: Path
    bundle: Path | None

    @property
    def bundle_file(self) -> Path | None:
        """A file that is the bundle in force; None where it is made of a folder for each use."""
        return self.bundle or (self.policies if self.policies.is_file() else None)


class Book:
    """A policy, read and judged.

    Attributes:
        revision: Its revision.
        handbook: Facts, rules, promises and cases.
        matrix: Who may do what, without the situations themselves.
        cells: The cells of the matrix by the words for their row and column.
        phrases: How facts are told.
        in_short: What some conditions are called where there is little room.
        schema: What can be asked.
        situations: How many there are.
        explainable: What explaining single answers needs.
    """

    def __init__(
        self, table: Table, explainable: Explainable, handbook: Handbook, layout: Layout, phrases: Phrases
    ) -> None:
        matrix = arrange(table, layout)
        self.revision = table.revision
        self.explainable = explainable
        self.handbook = handbook
        self.matrix = without_situations(matrix)
        self.cells = places(matrix)
        self.phrases = phrases
        self.in_short = layout.in_short
        self.schema = explainable.schema
        self.situations = len(table.situations)

    @cached_property
    def explainer(self) -> Explainer:
        """Explains single answers, and remembers some."""
        return Explainer(self.explainable)

    @cached_property
    def rules(self) -> Mapping[str, ShownRule]:
        """The rules by their code."""
        articles = [one for chapter in self.handbook.chapters for one in chapter.articles]
        rules = [rule for one in articles for rule in one.rules]
        handbook = self.handbook
        return {rule.code: rule for rule in [*rules, *handbook.without_fact, *handbook.helpers]}


def read_book(sources: Sources) -> Book:
    """Reads and judges the policy; what has been judged before is remembered.

    Raises:
        ConfigurationError: There is no policies folder and no bundle that tells of it, or no OPA to judge with.
        InvalidPolicy: The policy is broken.
    """
    policies = sources.policies
    if not (policies.exists() or sources.bundle):
        raise ConfigurationError(f"{policies} does not exist; name a policies folder or a bundle in AUTHZ_POLICIES.")
    opa = find_opa(os.environ, project_tool_folder())
    with tempfile.TemporaryDirectory(prefix="authz-book-") as made:
        bundle, unpacked = Path(made) / "bundle.tar.gz", Path(made) / "unpacked"
        build_bundle(opa, sources.bundle or policies, bundle)
        metadata = unpack_folder(bundle, unpacked)
        if policies.is_dir():
            return _book(opa, bundle, unpacked, policies, policies / "bundle", History(policies), find_cases(policies))
        if SOURCES not in metadata:
            raise ConfigurationError(
                f"{policies} has the rules alone; make it anew with `policy build`, or name in AUTHZ_POLICIES the"
                " policies folder that it was made of."
            )
        try:
            history = History(unpacked, metadata.get(HISTORY, {}))
            return _book(opa, bundle, unpacked, unpacked, Path(f"{policies}:bundle"), history, None)
        except InvalidPolicy as error:
            at = f"{policies}:"
            faults = [replace(fault, file=fault.file.replace(f"{unpacked}/", at)) for fault in error.faults]
            raise InvalidPolicy(faults) from error


def _book(
    opa: Path, bundle: Path, unpacked: Path, policies: Path, place: Path, history: History, cases: Path | None
) -> Book:
    """The book of a bundle.

    Args:
        opa: The program.
        bundle: The bundle.
        unpacked: What is in it.
        policies: The policies folder that it was made of.
        place: Where the author finds its rules.
        history: Since when that is as it is.
        cases: The folder of the decision tables, if there is one.
    """
    schema = read_schema(policies)
    phrases, layout = read_phrases(policies, schema), read_layout(policies, schema)
    table = judge_all(opa, bundle, schema)
    folder = unpacked / "bundle"
    read = read_rules(opa, folder)
    own = [rule for rule in read if rule.package.startswith("data.authz.")]
    rules = shown_rules(own, folder, policies, history)
    promises = read_promises(read_rules(opa, policies / FOLDER))
    broken = {one.promise: len(one.places) for one in broken_promises(opa, policies, promises, table)}
    shown = [ShownPromise(promise, broken.get(promise, 0)) for promise in promises]
    handbook = write_handbook(read_requirements(policies), rules, shown, cases, history)
    answers = allowed(schema, table)
    # Last, as it adds to the folder.
    explaining = explainable(opa, folder, read, place, schema, answers)
    return Book(table, explaining, handbook, layout, phrases)

"""All that the pages tell of one policy, read together so that it is of one revision."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from authz_service.errors import ConfigurationError
from authz_service.handbook.handbook import Handbook, ShownPromise, write_handbook
from authz_service.handbook.history import History
from authz_service.handbook.matrix_cells import Place, places
from authz_service.handbook.requirements import read_requirements
from authz_service.handbook.rules import ShownRule, shown_rules
from authz_service.opa.binary import find_opa, project_tool_folder
from authz_service.policy.checks.places import find_cases
from authz_service.policy.explain import Explainer
from authz_service.policy.matrix import Matrix, arrange
from authz_service.policy.matrix_layout import read_layout
from authz_service.policy.promises import FOLDER, broken_promises, read_promises
from authz_service.policy.sentences import Phrases, read_phrases
from authz_service.policy.situations import InputSchema, read_schema
from authz_service.policy.syntax import read_rules


class Sources(NamedTuple):
    """Where a policy is read from.

    Attributes:
        policies: The policies folder.
        bundle: The bundle in force, where this machine has it; None where it is made of the folder.
    """

    policies: Path
    bundle: Path | None


class Book:
    """A policy, read and judged.

    Attributes:
        revision: Its revision.
        handbook: Facts, rules, promises and cases.
        matrix: Who may do what.
        phrases: How facts are told.
        schema: What can be asked.
        situations: How many there are.
        explainer: Explains single answers.
    """

    def __init__(
        self, explainer: Explainer, handbook: Handbook, matrix: Matrix, phrases: Phrases, schema: InputSchema
    ) -> None:
        self.revision = explainer.table.revision
        self.explainer = explainer
        self.handbook = handbook
        self.matrix = matrix
        self.phrases = phrases
        self.schema = schema
        self.situations = len(explainer.table.situations)

    @cached_property
    def cells(self) -> Mapping[tuple[str, str], Place]:
        """The cells of the matrix by the words for their row and column."""
        return places(self.matrix)

    @cached_property
    def rules(self) -> Mapping[str, ShownRule]:
        """The rules by their code."""
        articles = [one for chapter in self.handbook.chapters for one in chapter.articles]
        rules = [rule for one in articles for rule in one.rules]
        return {rule.code: rule for rule in [*rules, *self.handbook.without_fact]}


def read_book(sources: Sources) -> Book:
    """Reads and judges the policy; what has been judged before is remembered.

    Raises:
        ConfigurationError: There is no policies folder, or no OPA to judge with.
        InvalidPolicy: The policy is broken.
    """
    policies = sources.policies
    if not policies.is_dir():
        raise ConfigurationError(
            f"{policies} has the rules alone; name the policies folder that they were made of in AUTHZ_POLICIES."
        )
    opa = find_opa(os.environ, project_tool_folder())
    schema = read_schema(policies)
    phrases, layout = read_phrases(policies, schema), read_layout(policies, schema)
    history = History()
    explainer = Explainer(opa, policies, schema, sources.bundle)
    own = [rule for rule in explainer.rules if rule.package.startswith("data.authz.")]
    rules = shown_rules(own, explainer.folder, policies, history)
    table = explainer.table
    promises = read_promises(read_rules(opa, policies / FOLDER))
    broken = {one.promise: len(one.places) for one in broken_promises(opa, policies, promises, table)}
    shown = [ShownPromise(promise, broken.get(promise, 0)) for promise in promises]
    handbook = write_handbook(read_requirements(policies), rules, shown, find_cases(policies), history, policies)
    return Book(explainer, handbook, arrange(table, layout), phrases, schema)

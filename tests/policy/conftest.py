from pathlib import Path

import pytest

from authz_service.policy.matrix import Matrix, arrange
from authz_service.policy.matrix_layout import Layout, read_layout
from authz_service.policy.sentences import Phrases, read_phrases
from authz_service.policy.situations import InputSchema, read_schema
from authz_service.policy.table import Table, judge_all


@pytest.fixture(scope="session")
def schema(policies: Path) -> InputSchema:
    """What can be asked of the shipped policy."""
    return read_schema(policies)


@pytest.fixture(scope="session")
def table(opa: Path, policies: Path, schema: InputSchema) -> Table:
    """The answers of the shipped policy to every situation."""
    return judge_all(opa, policies, schema)


@pytest.fixture(scope="session")
def phrases(policies: Path, schema: InputSchema) -> Phrases:
    """How the facts of the shipped policy are told."""
    return read_phrases(policies, schema)


@pytest.fixture(scope="session")
def layout(policies: Path, schema: InputSchema) -> Layout:
    """How the situations of the shipped policy are arranged."""
    return read_layout(policies, schema)


@pytest.fixture(scope="session")
def matrix(table: Table, layout: Layout) -> Matrix:
    """Who may do what under the shipped policy."""
    return arrange(table, layout)

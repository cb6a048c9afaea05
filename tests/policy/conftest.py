from pathlib import Path

import pytest

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

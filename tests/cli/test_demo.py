"""`authz-service demo`: what it refuses before it starts anything."""

import pytest

from tests.cli.conftest import Cli


@pytest.mark.parametrize("token", ["", "two words", "jeton-é", "tab\tbed"])
def test_a_token_that_no_header_can_carry_is_refused(cli: Cli, token: str) -> None:
    run = cli("demo", "--token", token)
    assert run.status == 1
    assert run.stderr.startswith("--token: must be printable ASCII")


def test_data_that_is_not_there_is_refused(cli: Cli) -> None:
    run = cli("demo", "--data", "nowhere.yaml")
    assert run.status == 2
    assert "nowhere.yaml" in run.stderr

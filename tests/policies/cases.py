"""The decision tables of `fixtures/cases/`, and the households that they are about."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Engine, update

from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, upgrade, writing
from authz_service.storage.schema import customers
from tests.conftest import HOUSEHOLDS, ROOT

Case = dict[str, Any]

KEY = "a key of the tests, long enough to be one"

_GIVEN: dict[str, dict[str, Any]] = {
    "the code has been used": {"activation_used": True},
    "four codes were wrong": {"activation_wrong": 4},
    "five codes were wrong": {"activation_wrong": 5},
}


def read_cases() -> dict[str, list[Case]]:
    """Every case, by topic."""
    files = sorted((ROOT / "fixtures" / "cases").glob("*.yaml"))
    return {topic: cases for file in files for topic, cases in yaml.safe_load(file.read_text())["cases"].items()}


def households(folder: Path) -> Engine:
    """A new database with all households together."""
    engine = connect(f"sqlite:///{folder / 'authz.db'}")
    upgrade(engine)
    import_files(engine, sorted(HOUSEHOLDS.glob("*.yaml")), key_finder(KEY, engine))
    return engine


def bring_about(engine: Engine, cases: Iterable[Case]) -> None:
    """Has happen what the cases say has happened before."""
    with writing(engine) as connection:
        for case in cases:
            if "given" in case:
                of_customer = update(customers).where(customers.c.number == case["ask"]["customer"])
                connection.execute(of_customer.values(_GIVEN[case["given"]]))

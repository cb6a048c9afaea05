"""The databases of the tests of customer data serve these as well."""

from tests.customers.conftest import engine, files, find_key, second_engine, smiths

__all__ = ["engine", "files", "find_key", "second_engine", "smiths"]

import pytest
from sqlalchemy import Engine

from authz_service.customers.model import Option
from authz_service.customers.option_store import delete_option, get_option, put_option
from authz_service.customers.parsing import parse
from authz_service.errors import StaleVersion, UnknownOption

DATA = {"id": "data/5 gb", "name": "Data", "for": "mobile", "price": "5.00"}


def test_what_was_put_is_got_with_version_1(engine: Engine) -> None:
    assert put_option(engine, parse(Option, DATA)) == (True, 1)
    assert get_option(engine, "data/5 gb") == (DATA, 1)


def test_a_price_comes_back_with_two_digits(engine: Engine) -> None:
    put_option(engine, parse(Option, DATA | {"price": "0.5"}))
    assert get_option(engine, "data/5 gb")[0]["price"] == "0.50"


def test_every_put_makes_a_new_version(engine: Engine) -> None:
    put_option(engine, parse(Option, DATA))
    assert put_option(engine, parse(Option, DATA | {"price": "6.00"}), expected_version=1) == (False, 2)
    assert get_option(engine, "data/5 gb") == (DATA | {"price": "6.00"}, 2)


def test_a_change_of_what_has_changed_or_is_gone_is_stale(engine: Engine) -> None:
    with pytest.raises(StaleVersion):
        put_option(engine, parse(Option, DATA), expected_version=1)
    put_option(engine, parse(Option, DATA))
    put_option(engine, parse(Option, DATA))
    for change in (
        lambda: put_option(engine, parse(Option, DATA), expected_version=1),
        lambda: delete_option(engine, "data/5 gb", expected_version=1),
    ):
        with pytest.raises(StaleVersion):
            change()
    assert get_option(engine, "data/5 gb") == (DATA, 2)


def test_what_was_deleted_is_unknown(engine: Engine) -> None:
    put_option(engine, parse(Option, DATA))
    delete_option(engine, "data/5 gb", expected_version=1)
    with pytest.raises(UnknownOption):
        get_option(engine, "data/5 gb")
    with pytest.raises(UnknownOption):
        delete_option(engine, "data/5 gb")

"""The app that is fuzzed: real policy, real database, two customer numbers that the reference knows as well."""

import copy
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.activation_code import key_finder
from authz_service.settings import Settings
from authz_service.storage.database import connect, upgrade
from authz_service.web.page_tokens import PageTokens
from authz_service.words import Durability, Scope
from tests.conftest import TOKEN
from tests.reference import Household, Mobile, World
from tests.worlds import store

KEY = "a key that is long enough for the tests"
CANARY = "xyzzy-4711"
"""What a caller sends. No fault repeats it."""

WORLD = World(
    people={"ann": [], "ben": [], "cem": ["+32481"], "dia": []},
    options={"free": ("mobile", 0), "paid": ("mobile", 500), "film": ("tv", 0)},
    households=[
        Household(
            "1001",
            "residential",
            {"ann": "administrator", "ben": "user", "cem": "user"},
            mobiles={
                "mobile-ann": Mobile("ann", "subscription", "customer"),
                "mobile-ben": Mobile("ben", "subscription", "customer"),
                "mobile-cem": Mobile("cem", "subscription", "employer"),
            },
            others={"tv-1": "tv"},
        ),
        Household("1002", "residential", {"dia": "administrator", "ann": "user"}, code="unused"),
    ],
)


class Answer(NamedTuple):
    status: int
    headers: Headers
    data: bytes

    def json(self) -> Any:  # noqa: ANN401 - whatever it is
        return json.loads(self.data)


class Served:
    """Calls the app as a server does.

    Attributes:
        world: What the reference knows of the data.
        tokens: Seals and opens the tokens of pages.
    """

    def __init__(self, app: Flask, database_url: str) -> None:
        self.app = app
        self.database = connect(database_url)
        self._find_key = key_finder(KEY, self.database)
        self.tokens = PageTokens(self._find_key)
        self.world = copy.deepcopy(WORLD)
        self.begin_anew()

    def begin_anew(self) -> None:
        self.world = copy.deepcopy(WORLD)
        store(self.world, self.database, self._find_key)

    def call(
        self, method: str, path: str, data: bytes = b"", token: str = f"Bearer {TOKEN}", query: str = ""
    ) -> Answer:
        builder = EnvironBuilder(
            path=path, method=method, data=data, content_type="application/json", query_string=query
        )
        environ = builder.get_environ() | {"HTTP_AUTHORIZATION": token}
        body, status, headers = run_wsgi_app(self.app, environ, buffered=True)
        return Answer(int(status.split()[0]), headers, b"".join(body))


@contextmanager
def served(opa_url: str) -> Iterator[Served]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="authz-fuzz-")))
        url = f"sqlite:///{folder / 'authz.db'}"
        database = connect(url)
        upgrade(database)
        database.dispose()
        settings = Settings(url, opa_url, activation_key=KEY, journal=Durability.OFF)
        app = create_app(settings, callers=[Caller("fuzz", token_sha256(TOKEN), frozenset(Scope))])
        stack.callback(close_app, app)
        made = Served(app, url)
        stack.callback(made.database.dispose)
        yield made

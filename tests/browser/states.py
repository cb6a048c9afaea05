"""What a reader may get to see instead of a page."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from playwright.sync_api import Page

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.errors import PolicyBeingRead
from authz_service.handbook.shelf import Shelf
from authz_service.settings import Settings
from authz_service.words import Scope
from tests.browser.browsing import served
from tests.conftest import TOKEN

STATES: Mapping[str, str] = {
    "forbidden": "This is not for you to see",
    "unavailable": "This cannot be told now",
    "being-read": "One moment",
}
"""Each with its heading."""

_BEING_READ = PolicyBeingRead("The policy is being read and every situation judged, which takes some seconds.")


@contextmanager
def in_every_state(settings: Settings, url: str) -> Iterator[Mapping[str, str]]:
    """Where services are that have nothing to show to whoever has signed in at another one on the same database.

    Args:
        settings: Those of that other one.
        url: Where that is.
    """
    nowhere = replace(settings, policies=Path("/srv/policies"), policy_status=None)
    made = {"forbidden": (settings, {Scope.DECIDE}), "unavailable": (nowhere, set(Scope))}
    with ExitStack() as opened:
        found = {"being-read": url}
        for state, (changed, scopes) in made.items():
            # The same token, so that the session is the same.
            app = create_app(changed, callers=[Caller("reviewer", token_sha256(TOKEN), frozenset(scopes))])
            opened.callback(close_app, app)
            found[state] = opened.enter_context(served(app))
        yield found


@contextmanager
def visited(page: Page, states: Mapping[str, str], state: str) -> Iterator[None]:
    """The page while it shows that state."""
    being_read = patch.object(Shelf, "open", side_effect=_BEING_READ)
    with being_read if state == "being-read" else ExitStack():
        page.goto(states[state])
        page.get_by_role("heading", level=1, name=STATES[state]).wait_for(timeout=30_000)
        yield

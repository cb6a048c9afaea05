"""Joins the parts. The only module that knows them all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from flask import Flask, Response
from sqlalchemy import Engine
from werkzeug.routing import Rule

from authz_service import __version__
from authz_service.administrators.take_over import Administrators
from authz_service.callers.callers import Caller
from authz_service.callers.entrance import Entrance
from authz_service.callers.following import FollowedCallers
from authz_service.customers.activation_code import key_finder
from authz_service.customers.domain import MyProximus
from authz_service.decision.counting import DecisionCounts
from authz_service.decision.decisions import Decisions
from authz_service.decision.memory import RevisionWatch
from authz_service.decision.protocols import Domain, PolicyEngine
from authz_service.decision.searches import Searches
from authz_service.errors import ConfigurationError
from authz_service.handbook.book import Sources
from authz_service.handbook.comparisons import Comparisons
from authz_service.handbook.revisions import Revisions
from authz_service.handbook.shelf import Shelf
from authz_service.journal.deciding import Deciding
from authz_service.journal.journal import Journal, open_journal
from authz_service.journal.shadow import Shadow
from authz_service.journal.worker import IndexWorker
from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import bundle_in_force
from authz_service.policy.revisions import RevisionKeeper
from authz_service.settings import Settings
from authz_service.storage.connections import tell_connections
from authz_service.storage.database import connect
from authz_service.telemetry.stages import Stage, stage_times
from authz_service.telemetry.tally import Tally
from authz_service.watch import Watch
from authz_service.web.addresses import CONVERTERS
from authz_service.web.administrators import administrator_endpoints
from authz_service.web.authentication import authenticate
from authz_service.web.bodies import MAX_BYTES
from authz_service.web.data import data_endpoints
from authz_service.web.decide import decide_endpoints
from authz_service.web.decisions import decisions_endpoints
from authz_service.web.health import health_endpoints
from authz_service.web.metadata import metadata_endpoints
from authz_service.web.metrics import metrics_endpoints
from authz_service.web.openapi import document_endpoints
from authz_service.web.page_tokens import PageTokens
from authz_service.web.pages.diff import add_diff
from authz_service.web.pages.errors import show_problems
from authz_service.web.pages.frame import Frame
from authz_service.web.pages.journal import add_journal
from authz_service.web.pages.pages import AddPages, page_endpoints
from authz_service.web.pages.readers import Readers
from authz_service.web.pages.reviews import add_reviews
from authz_service.web.pages.sessions import keep_sessions
from authz_service.web.pages.status import add_status
from authz_service.web.problems import handle_errors
from authz_service.web.quick_decisions import QuickDecisions
from authz_service.web.refusals import Refusals
from authz_service.web.request_ids import echo_request_ids
from authz_service.web.roles import role_endpoints
from authz_service.web.running import Running
from authz_service.web.search import search_endpoints
from authz_service.web.signed_metadata import read_signing_key
from authz_service.web.slow_bodies import SlowBodies
from authz_service.web.timing import time_calls

if TYPE_CHECKING:
    from authz_service.telemetry.tracing import Tracing

_PARTS = "authz_service"
_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Parts:
    """What an app holds open."""

    database: Engine
    watch: RevisionWatch
    engines: Sequence[OpaEngine]
    journal: Journal
    index_worker: IndexWorker | None
    shadow: Shadow | None
    keeper: RevisionKeeper
    bodies: SlowBodies
    entrance: Entrance
    refusals: Refusals
    tally: Tally
    watches: Sequence[Watch]
    tracing: "Tracing | None"

    def close(self) -> None:
        self.bodies.stop()
        self.watch.stop()
        for watch in self.watches:
            watch.stop()
        self.refusals.tell(at_once=True)
        self.keeper.close()
        if self.shadow:
            self.shadow.stop()
        if self.index_worker:
            self.index_worker.stop()
        self.journal.close()
        for engine in self.engines:
            engine.close()
        self.database.dispose()
        self.entrance.close()
        self.tally.close()
        if self.tracing:
            self.tracing.close()


def create_app(
    settings: Settings,
    *,
    callers: Sequence[Caller] | FollowedCallers | None = None,
    engine: PolicyEngine | None = None,
    domain: Domain | None = None,
    indexes_journal: bool = True,
) -> Flask:
    """An app of its own: any number of them can live in one process.

    Args:
        settings: What the operator has set.
        callers: Who may call beside those of the file in the settings; or all of them, already followed.
        engine: The policy engine; without, the OPA in the settings.
        domain: What is asked about; without, the customer zone in the database of the settings.
        indexes_journal: Whether the journal is loaded into the database here, unless another process does it.

    Raises:
        ConfigurationError: A setting is missing or wrong.
        JournalUnavailable: The journal cannot be written.
    """
    entrance = Entrance(settings, callers)
    engines = []
    if engine is None:
        engine = _configured_engine(settings)
        engines.append(engine)
    database = connect(settings.database_url, answers=True)
    tally = Tally(settings.shared)
    tell_connections(database, tally)
    domain = domain or MyProximus(database, tally)
    find_key = key_finder(settings.activation_key, database)
    signing_key = read_signing_key(settings.metadata_key) if settings.metadata_key else None
    # Last of what may be wrong, as it has a thread and a file open.
    journal = open_journal(settings, database, tally)
    keeper = RevisionKeeper(database, _sources(settings).bundle_file)
    came_into_force = partial(_came_into_force, journal, keeper)
    decisions = Decisions(domain, engine, settings.stale_seconds, came_into_force, tally)
    counts, refusals = DecisionCounts(tally), Refusals(journal, tally)
    running = Running(__version__, settings.workers, settings.policy_status, _version_asker(engine), entrance)

    app = _App()
    app.register_blueprint(decide_endpoints(decisions, journal, counts, refusals))
    app.register_blueprint(search_endpoints(Searches(domain, decisions), PageTokens(find_key), journal))
    app.register_blueprint(administrator_endpoints(Administrators(database, decisions, find_key, journal), tally))
    app.register_blueprint(metadata_endpoints(settings.public_url, signing_key))
    app.register_blueprint(role_endpoints(database))
    app.register_blueprint(data_endpoints(database, find_key, journal))
    app.register_blueprint(health_endpoints(database, decisions.memory, settings.policy_status, journal, entrance))
    app.register_blueprint(metrics_endpoints(running, database, decisions.memory, journal, tally))
    app.register_blueprint(decisions_endpoints(database, journal.pseudonyms, decisions))
    app.register_blueprint(document_endpoints(__version__))
    handle_errors(app, tally)
    readers = Readers(entrance.callers, keep_sessions(app, find_key), journal.pseudonyms, refusals, settings.openid)
    time_calls(app, tally)
    app.after_request(_secure)
    _add_pages(app, readers, decisions, settings, database, journal, running)
    authenticate(app, entrance, refusals, readers.admit)
    echo_request_ids(app)
    bodies = SlowBodies()
    took = stage_times(tally, Stage.WHOLE)
    deciding = Deciding(decisions, journal, in_rounds=_is_in_rounds(settings, domain, database, journal))
    app.wsgi_app = QuickDecisions(app.wsgi_app, entrance, deciding, bodies, counts, took)  # type: ignore[method-assign]  # so Flask's documentation has middleware added

    tracing = None
    if settings.traces:
        tracing = _traced(app, database, domain, engine, decisions, journal)
    watch = RevisionWatch(decisions.memory, settings.policy_status)
    watch.start()
    bodies.start()
    watches = _watches(entrance, refusals, tally)
    index_worker = _index_worker(database, journal) if indexes_journal else None
    shadow = _shadow(settings, engines, journal)
    app.extensions[_PARTS] = Parts(
        database,
        watch,
        engines,
        journal,
        index_worker,
        shadow,
        keeper,
        bodies,
        entrance,
        refusals,
        tally,
        watches,
        tracing,
    )
    return app


def _is_in_rounds(settings: Settings, domain: Domain, database: Engine, journal: Journal) -> bool:
    is_waited_for = database.dialect.name != "sqlite" or journal.is_strict
    # A span is of one request, and what is not finite is not remembered.
    return is_waited_for and domain.is_finite and not settings.traces


class _Rule(Rule):
    """Compiles how its URLs are built when the first one is: for all rules it is two fifths of making an app."""

    def _compile_builder(self, *how: bool, **named: bool) -> Callable[..., tuple[str, str]]:
        compiled = cache(partial(super()._compile_builder, *how, **named))
        return lambda rule, /, **values: compiled()(rule, **values)


class _App(Flask):
    """Has no view that is a coroutine, and does not look for one at each call."""

    url_rule_class = _Rule

    def __init__(self) -> None:
        super().__init__("authz_service", static_folder=None)
        self.config["MAX_CONTENT_LENGTH"] = MAX_BYTES
        self.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
        self.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}
        self.url_map.merge_slashes = False
        self.url_map.converters.update(CONVERTERS)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def close_app(app: Flask) -> None:
    """Lets go of what the app holds open: its database connections and its thread."""
    app.extensions[_PARTS].close()


def _watches(entrance: Entrance, refusals: Refusals, tally: Tally) -> list[Watch]:
    watches = [Watch(entrance.look, refusals.tell, name="callers-watch"), Watch(tally.tell, name="tally-watch")]
    if entrance.keys is not None:
        # Apart, as an issuer that is slow must not keep a caller in who has been taken out.
        watches.append(Watch(entrance.keys.renew, name="issuer-keys-watch"))
    for watch in watches:
        watch.start()
    return watches


def _configured_engine(settings: Settings) -> OpaEngine:
    if settings.opa_url is None:
        raise ConfigurationError(
            "AUTHZ_OPA_URL: is not set; name an OPA, or start with `authz-service serve`, which runs one itself."
        )
    return OpaEngine(settings.opa_url)


def _version_asker(engine: PolicyEngine) -> Callable[[], str]:
    # Another engine has no version that it could be asked for.
    return engine.version if isinstance(engine, OpaEngine) else str


def _index_worker(database: Engine, journal: Journal) -> IndexWorker | None:
    if not (journal.writer and journal.folder):
        return None
    worker = IndexWorker(database, journal.folder, journal.writer)
    worker.start()
    return worker


def _traced(
    app: Flask, database: Engine, domain: Domain, engine: PolicyEngine, decisions: Decisions, journal: Journal
) -> "Tracing":
    from authz_service.telemetry.tracing import Tracing  # noqa: PLC0415 - costs time and memory, and most do without
    from authz_service.web.traced import trace_app  # noqa: PLC0415 - costs time and memory, and most do without

    tracing = Tracing(__version__)
    trace_app(app, tracing, database, domain, engine, decisions, journal)
    return tracing


def _shadow(settings: Settings, engines: list[OpaEngine], journal: Journal) -> Shadow | None:
    if settings.shadow_opa_url is None:
        return None
    engines.append(OpaEngine(settings.shadow_opa_url))
    shadow = Shadow(engines[-1], journal)
    journal.tells(shadow.note)
    shadow.start()
    return shadow


def _came_into_force(journal: Journal, keeper: RevisionKeeper, revision: str) -> None:
    journal.came_into_force(revision)
    keeper.came_into_force(revision)


def _sources(settings: Settings) -> Sources:
    bundle = bundle_in_force(settings.policy_status) if settings.policy_status else None
    return Sources(settings.policies, bundle)


def _add_pages(
    app: Flask,
    readers: Readers,
    decisions: Decisions,
    settings: Settings,
    database: Engine,
    journal: Journal,
    running: Running,
) -> None:
    memory = decisions.memory
    sources = _sources(settings)
    frame = Frame(readers, memory, settings.policy_status)
    comparisons = Comparisons(Revisions(database, sources, settings.shadow_policy_status))
    more: list[AddPages] = [
        partial(add_diff, comparisons=comparisons),
        partial(add_journal, database=database, journal=journal, decisions=decisions),
        partial(add_reviews, database=database, decisions=decisions, journal=journal),
        partial(add_status, database=database, memory=memory, journal=journal, running=running),
    ]
    if settings.openid and settings.public_url:
        from authz_service.web.pages.provider import add_provider  # noqa: PLC0415 - costs time and memory, and most do without

        more.append(partial(add_provider, readers=readers, openid=settings.openid, public_url=settings.public_url))
    app.register_blueprint(page_endpoints(frame, readers, Shelf(sources), more))
    # What is registered last is first to see a response: a problem is a page before it gets the headers of one.
    show_problems(app, frame)


def _secure(response: Response) -> Response:
    # Pages only: an answer of the API is not rendered by anyone.
    if response.mimetype == "text/html":
        response.headers.update(_SECURITY_HEADERS)
    return response

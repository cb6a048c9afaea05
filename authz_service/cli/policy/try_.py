"""`authz-service policy try`."""

import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, suppress
from difflib import get_close_matches
from pathlib import Path

import click

from authz_service.cli.database import SMITH_FAMILY
from authz_service.cli.policy import explanation
from authz_service.cli.policy.asked import Asked, ask_of
from authz_service.cli.policy.bench import folder_argument, opa, shown
from authz_service.cli.policy.tried import TriedData, TriedPolicy
from authz_service.cli.progress import progress
from authz_service.customers.domain import question_of
from authz_service.errors import AuthzServiceError, ConfigurationError, Fault, InvalidInput
from authz_service.policy.explain import explain
from authz_service.policy.stated import read_situation
from authz_service.questions import Answer
from authz_service.words import ActionName, Channel

_HELP = """\
PERSON ACTION THING [OPTION] [CHANNEL]  mary.jones view_usage mobile-2002
                                        philip.smith activate_option mobile-2001 extra-data-5gb app
become PERSON NUMBER [CHANNEL]          become mary.jones 123456789 web
explain                                 why the last answer is as it is, and what would turn it
people, things, actions                 what can be named
reload                                  read policy and data again; it is done by itself after an edit
help, quit"""
_BECOME = "become"
_CHANNELS = frozenset(Channel)
_NEEDED = 3  # person, action and thing
_FORM = "is no question: PERSON ACTION THING [OPTION] [CHANNEL], such as mary.jones view_usage mobile-2002; or help"


@click.command(
    name="try",
    short_help="Ask a policies folder about example customers, line by line.",
    epilog="""\b
Examples:
  authz-service policy try
  authz-service policy try policies --data fixtures/customers/stranger.yaml
  echo mary.jones view_usage mobile-2002 | authz-service policy try
""",
)
@folder_argument
@click.option(
    "--data",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Customer data, YAML or NDJSON, and more of it; the Smith family if left out.",
)
def try_(folder: Path, files: tuple[Path, ...]) -> None:
    """Ask a policies folder about customers, a question a line, and see the answer at once, after each save too.

    `help` lists what can be typed; Tab completes it. Out of a pipe, exit 1 if any line was not understood.
    """
    if not files and not SMITH_FAMILY.exists():
        raise ConfigurationError("Say where the customer data is: give --data FILE.")
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="policy-try-")))
        data = TriedData(files or [shown(SMITH_FAMILY)], stack)
        session = _Session(TriedPolicy(opa(), shown(folder), work), data)
        if sys.stdin.isatty():
            click.echo("Type a question, or help.", err=True)
        for line in _lines(session):
            words = line.split("#")[0].split()
            if words == ["quit"]:
                break
            if words:
                session.do(words)
    sys.exit(0 if session.has_understood_all or sys.stdin.isatty() else 1)


def _lines(session: "_Session") -> Iterator[str]:
    if not sys.stdin.isatty():
        yield from sys.stdin
        return
    _complete(session.candidates)
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            yield input("> ")
    click.echo()


def _complete(candidates: Callable[[list[str]], list[str]]) -> None:
    try:
        import readline  # noqa: PLC0415 - it writes to the terminal at once, and not every Python has it
    except ImportError:
        return

    def complete(begun: str, number: int) -> str | None:
        before = readline.get_line_buffer()[: readline.get_begidx()].split()
        fitting = [word for word in candidates(before) if word.startswith(begun)]
        return f"{fitting[number]} " if number < len(fitting) else None

    readline.set_completer_delims(" ")
    readline.set_completer(complete)
    readline.parse_and_bind("tab: complete")


class _Session:
    """What has been asked so far, and the answers.

    Attributes:
        has_understood_all: Whether every line was a question or a command.
    """

    def __init__(self, policy: TriedPolicy, data: TriedData) -> None:
        self._policy = policy
        self._data = data
        self._last: Asked | None = None
        self._commands: Mapping[str, Callable[[], None]] = {
            "people": lambda: _list(self._data.people()),
            "things": lambda: _list({**self._data.things(), **self._data.options()}),
            "actions": lambda: _list({name: self._policy.phrases.of("action", name) for name in ActionName}),
            "explain": self._explain,
            "reload": self._reload,
            "help": lambda: click.echo(_HELP),
        }
        self.has_understood_all = True

    def do(self, words: list[str]) -> None:
        """Carries out a command, or answers a question."""
        try:
            self._reload_what_is_edited()
            command = self._commands.get(words[0]) if len(words) == 1 else None
            if command:
                command()
            else:
                self._answer(words)
        except InvalidInput as error:
            self.has_understood_all = False
            _say(error)
        except AuthzServiceError as error:
            _say(error)

    def candidates(self, before: list[str]) -> list[str]:
        """The words that can come next."""
        people, things = list(self._data.people()), list(self._data.things())
        if before[:1] == [_BECOME]:
            numbers = [thing for thing in things if thing.isdecimal()]
            places: list[list[str]] = [[], people, numbers, [*Channel]]
        else:
            first = [*self._commands, "quit", _BECOME, *people]
            places = [first, [*ActionName], things, [*self._data.options(), *Channel], [*Channel]]
        return places[len(before)] if len(before) < len(places) else []

    def _answer(self, words: list[str]) -> None:
        said = [*words[1:2], ActionName.BECOME_ADMINISTRATOR, *words[2:]] if words[0] == _BECOME else [*words]
        channel = said.pop() if len(said) > _NEEDED and said[-1] in _CHANNELS else None
        if not _NEEDED <= len(said) <= _NEEDED + 1:
            raise InvalidInput([Fault(_FORM, " ".join(words))])
        person, action, thing, *more = said
        asked = ask_of(self._data.database, question_of(person, action, thing, more[0] if more else None, channel))
        answer = self._policy.ask(asked.facts)
        self._last = asked
        for line in self._told(asked, answer):
            click.echo(line)
        _suggest(person, self._data.people())
        _suggest(action, frozenset(ActionName))
        _suggest(thing.rpartition(":")[2], self._data.things())
        for option in more:
            _suggest(option, self._data.options())

    def _told(self, asked: Asked, answer: Answer) -> Iterator[str]:
        facts = {fact: (value,) for fact, value in asked.facts.items() if isinstance(value, str | bool)}
        about = {fact: facts[fact] for fact in ("is_known_person", "role", "action")}
        symbol, verb, colour = ("✓", "may", "green") if answer.allow else ("✗", "may not", "red")
        who, _, what = self._policy.phrases.who_does_what(about, verb).partition(f" {verb} ")
        reasons = [f"{reason.said_in('en').rstrip('.')} ({', '.join(reason.cites)})" for reason in answer.reasons]
        sentence = f"{asked.who}, {who}, {verb} {what} ({', '.join(asked.things)}): {'; '.join(reasons)}."
        yield f"{click.style(symbol, fg=colour)} {sentence}"
        if answer.allow and answer.route:
            brings = f"; still to bring: {', '.join(answer.requires)}" if answer.requires else ""
            yield f"  by the route {answer.route}{brings}"

    def _explain(self) -> None:
        if not self._last:
            raise InvalidInput([Fault("nothing has been asked yet", "explain")])
        policy = self._policy
        facts = read_situation(self._last.facts, policy.schema)
        with progress("Judging every situation") as on_progress:
            [explained] = explain(opa(), policy.folder, policy.schema, [facts], on_progress)
        explanation.tell(explained, policy.phrases, self._last)

    def _reload(self) -> None:
        self._policy.reload()
        self._data.reload()
        click.echo("Policy and data are read again.")

    def _reload_what_is_edited(self) -> None:
        for read in (self._policy, self._data):
            if read.is_edited:
                try:
                    read.reload()
                except AuthzServiceError as error:
                    _say(error)
                    click.secho("The answers are those of before this edit.", fg="red", err=True)


def _suggest(named: str, known: Collection[str]) -> None:
    alike = [] if named in known else get_close_matches(named, known, n=1)
    if alike:
        click.echo(f"  {named} is unknown; is it {alike[0]}?", err=True)


def _list(things: Mapping[str, str]) -> None:
    width = max(map(len, things), default=0)
    for name, what in things.items():
        click.echo(f"{name:<{width}}  {what}")


def _say(error: AuthzServiceError) -> None:
    sys.stdout.flush()
    for line in str(error).splitlines():
        click.secho(line, fg="red", err=True)

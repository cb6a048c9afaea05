import json
import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Run
from tests.conftest import ROOT

MARY_SEES_HER_USAGE = (
    "✓ Mary Jones, a user, may see the usage (subscription mobile-2002):"
    " This mobile is your own, so you may see its usage (USER-1).\n"
)
_FORM = "is no question: PERSON ACTION THING [OPTION] [CHANNEL], such as mary.jones view_usage mobile-2002; or help"
_PATIENCE_SECONDS = 60.0

Try = Callable[..., Run]


class _Typed:
    """A pipe that lines are typed into; one that can be called is called when its turn comes, and types nothing."""

    def __init__(self, lines: Sequence[str | Callable[[], object]]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            if isinstance(line, str):
                yield f"{line}\n"
            else:
                line()

    def isatty(self) -> bool:
        return False


@pytest.fixture
def try_(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Try:
    monkeypatch.chdir(ROOT)

    def run(*lines: str | Callable[[], object], options: tuple[object, ...] = ()) -> Run:
        monkeypatch.setattr(sys, "stdin", _Typed(lines))
        return cli("policy", "try", *options)

    return run


@pytest.fixture
def folder(policies: Path, tmp_path: Path) -> Path:
    """The shipped policies, to be edited."""
    return shutil.copytree(policies, tmp_path / "policies")


def test_a_question_is_answered_in_one_sentence_with_its_reasons_and_the_facts_cited(try_: Try) -> None:
    assert try_("mary.jones view_usage mobile-2002") == (0, MARY_SEES_HER_USAGE, "")


@pytest.mark.parametrize(
    ("asked", "answer", "reasons"),
    [
        (
            "philip.smith activate_option tv-1002 film-evening app",
            "✓ Philip Smith, an administrator, may activate an option (option film-evening, subscription tv-1002)",
            (
                "You are administrator of this customer number, so you may manage the options of each of its"
                " subscriptions (ADMIN-3, ROLE-1, READ-5); You are administrator of this customer number, so you may"
                " activate options that cost money (ADMIN-6)."
            ),
        ),
        (
            "become mary.jones 123456789",
            "✓ Mary Jones, a user, may become administrator (customer 123456789)",
            (
                "A mobile number of your own is on this bill, so you may become administrator (ELIG-2, READ-2,"
                " READ-10).\n  by the route mobile_number; still to bring: inform_current_administrator, web_site"
            ),
        ),
        (
            "become mary.jones 123456789 app  # as TAKE-2 has it",
            "✗ Mary Jones, a user, may not become administrator (customer 123456789)",
            "You can become administrator on the web site only, not in the app (TAKE-2).",
        ),
    ],
)
def test_option_channel_and_becoming_administrator_can_be_asked(
    try_: Try, asked: str, answer: str, reasons: str
) -> None:
    assert try_(asked) == (0, f"{answer}: {reasons}\n", "")


def test_what_is_unknown_is_denied_and_what_is_alike_is_named(try_: Try) -> None:
    status, stdout, stderr = try_("mary.jone view_usag mobile-20002")
    assert status == 0
    assert stdout.startswith("✗ mary.jone, somebody unknown, may not do something that is no action of ours")
    assert stderr.splitlines() == [
        "  mary.jone is unknown; is it mary.jones?",
        "  view_usag is unknown; is it view_usage?",
        "  mobile-20002 is unknown; is it mobile-2002?",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hello", f"hello: {_FORM}"),
        ("become mary.jones", f"become mary.jones: {_FORM}"),
        ("mary.jones view_usage mobile-2002 one two", f"mary.jones view_usage mobile-2002 one two: {_FORM}"),
        ("explain", "explain: nothing has been asked yet"),
    ],
)
def test_a_line_that_is_not_understood_says_so_and_the_others_are_answered(try_: Try, line: str, said: str) -> None:
    assert try_(line, "", "mary.jones view_usage mobile-2002") == (1, MARY_SEES_HER_USAGE, f"{said}\n")


def test_people_things_and_actions_are_listed(try_: Try) -> None:
    stdout = try_("people", "things", "actions").stdout
    assert "philip.smith  Philip Smith, administrator of 123456789\n" in stdout
    assert "\nmobile-2002        mobile, +32470000002, mary.jones\n" in stdout
    assert "\nextra-data-5gb     Extra data 5 GB, for mobile, 5.00\n" in stdout
    assert "\nview_premium_club_points    see the Premium Club points\n" in stdout


def test_help_names_every_command_and_nothing_is_read_after_quit(try_: Try) -> None:
    status, stdout, _ = try_("help", "quit", "hello")
    assert status == 0
    words = {word.strip(",") for word in stdout.split()}
    assert {"become", "explain", "people", "things", "actions", "reload", "help", "quit"} <= words


def test_the_last_answer_is_explained(try_: Try) -> None:
    status, stdout, _ = try_("mary.jones view_usage mobile-2003", "explain")
    assert status == 0
    assert "\nRules that fired\n  ✗ obstacle  A user sees and changes his or her own mobile only (USER-1, " in stdout
    assert "\nIt would be allowed if\n  the person were administrator\n" in stdout


def test_an_edit_of_the_policy_is_read_before_the_next_answer_and_a_broken_one_is_told_once(
    try_: Try, folder: Path
) -> None:
    grants = folder / "bundle" / "authz" / "permissions" / "grants.rego"
    rules = grants.read_text()

    def break_it() -> None:
        grants.write_text(f"{rules}\nis_cousin if input.cousin\n")

    def mend_it() -> None:
        grants.write_text(rules.replace("so you may see its usage.", "so look at it."))

    asked = "mary.jones view_usage mobile-2002"
    status, stdout, stderr = try_(asked, break_it, asked, asked, mend_it, asked, options=(folder,))
    before, broken, again, mended = stdout.splitlines(keepends=True)
    assert before == broken == again == MARY_SEES_HER_USAGE
    assert mended == MARY_SEES_HER_USAGE.replace("so you may see its usage", "so look at it")
    finding, so_what = stderr.splitlines()
    assert finding.startswith(f"{grants}:{rules.count(chr(10)) + 2}: ")
    assert so_what == "The answers are those of before this edit."
    assert status == 0


def test_an_edit_of_the_data_is_read_before_the_next_answer(try_: Try, tmp_path: Path) -> None:
    data = tmp_path / "data.ndjson"
    person = {"person": {"id": "p", "name": "Pia", "email": "pia@example.org"}}
    data.write_text(json.dumps(person))
    later = json.dumps({"person": {**person["person"], "name": "Pia Later"}})
    stdout = try_("people", lambda: data.write_text(later), "people", "reload", options=("--data", data)).stdout
    assert stdout == (
        "p  Pia, linked to no customer number\np  Pia Later, linked to no customer number\n"
        "Policy and data are read again.\n"
    )


def test_on_a_terminal_tab_completes_and_control_d_ends_it() -> None:
    control, terminal = pty.openpty()
    command = [sys.executable, "-c", "from authz_service.cli import main; main()", "policy", "try"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=terminal, stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "xterm"}
    ) as running:
        os.close(terminal)
        shown = ""

        def type_after(seen: str, typed: str) -> None:
            nonlocal shown
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while seen not in shown:
                assert time.monotonic() < deadline, shown
                shown += os.read(control, 4096).decode()
            os.write(control, typed.encode())

        type_after("> ", "mary\tview_us\tmobile-2002\n")
        type_after("(USER-1).", "")
        shown = shown.rpartition("(USER-1).")[2]
        type_after("> ", "\x04")
        assert running.wait(_PATIENCE_SECONDS) == 0
    os.close(control)

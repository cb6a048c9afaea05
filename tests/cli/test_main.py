import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from authz_service import __version__
from authz_service.cli.main import cli as group
from tests.cli.conftest import Cli


def commands(within: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that does something, as it is typed."""
    for name, command in own_commands(within).items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def own_commands(within: click.Group) -> dict[str, click.Command]:
    context = click.Context(within)
    found = {name: within.get_command(context, name) for name in within.list_commands(context)}
    return {name: command for name, command in found.items() if command}


COMMANDS = sorted(commands(group))
SMITHS = "fixtures/customers/smith-family.yaml"


def test_alone_it_lists_every_command_under_its_reader(cli: Cli) -> None:
    status, stdout, stderr = cli()
    assert (status, stderr) == (0, "")
    readers = re.findall(r"^(\S.*):\n((?:  .*\n?)+)", stdout, re.MULTILINE)
    listed = {reader: re.findall(r"^  (\w+) ", names, re.MULTILINE) for reader, names in readers}
    del listed["Options"]
    assert listed["Write policies"] == ["policy"]
    assert set(listed["Try it and serve"]) == {"demo", "serve"}
    assert set(listed["Operate"]) >= {"customers", "doctor"}
    assert sorted(itertools.chain.from_iterable(listed.values())) == sorted(own_commands(group))


def test_help_says_the_same_as_nothing(cli: Cli) -> None:
    assert cli("--help") == cli("-h") == cli()


def test_no_command_is_described_by_half_a_sentence(cli: Cli) -> None:
    groups = [name for name, command in own_commands(group).items() if isinstance(command, click.Group)]
    for names in ([], *([name] for name in groups)):
        usage, _, rest = cli(*names, "--help").stdout.partition("\n")
        assert usage.startswith("Usage: ")
        assert "..." not in rest


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_has_an_example_of_it(cli: Cli, command: tuple[str, ...]) -> None:
    status, stdout, stderr = cli(*command, "--help")
    assert (status, stderr) == (0, "")
    examples = re.split(r"^  Examples?:\n", stdout, flags=re.MULTILINE)[1]
    assert f"authz-service {' '.join(command)}" in examples


def test_there_are_the_commands_of_the_contract() -> None:
    assert set(COMMANDS) >= {
        ("demo",),
        ("serve",),
        ("customers", "import"),
        ("customers", "export"),
        ("policy", "build"),
        ("journal", "verify"),
        ("journal", "replay"),
        ("journal", "export"),
        ("doctor",),
    }


def test_the_list_says_of_each_command_what_its_help_begins_with(cli: Cli) -> None:
    listed = " ".join(cli().stdout.split())
    for name, command in own_commands(group).items():
        assert f" {name} {command.get_short_help_str(limit=100)}" in listed


@pytest.mark.parametrize(
    ("program", "late"),
    [
        ("import authz_service.cli.serve", {"authz_service.app", "alembic", "aiohttp", "rich", "authz_service.policy"}),
        ("from authz_service.cli.main import cli; cli(standalone_mode=False)", {"sqlalchemy", "pydantic", "rich"}),
        (
            "from authz_service.cli.main import cli; cli(['policy', 'check', '--help'], standalone_mode=False)",
            {"sqlalchemy", "flask"},
        ),
    ],
    ids=["serve", "the list of commands", "a command among others"],
)
def test_a_start_does_not_wait_for_what_it_does_not_need(program: str, late: set[str]) -> None:
    program = f"import sys; {program}; sys.exit(' '.join(set({late!r}) & set(sys.modules)) or None)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_version_is_told(cli: Cli) -> None:
    assert cli("--version").stdout == f"authz-service, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fly",), "No such command 'fly'"),
        (("customers", "fly"), "No such command 'fly'"),
        (("customers", "import"), "Missing argument 'FILES...'"),
        (("customers", "import", "no.yaml"), "File 'no.yaml' does not exist"),
        (("customers", "export", "--format", "xml"), "'xml' is not one of 'yaml', 'ndjson'"),
        (("policy", "build"), "Missing option '--output' / '-o'"),
        (("policy", "build", "nowhere", "-o", "x"), "Path 'nowhere' does not exist"),
        (("doctor", "--format", "xml"), "'xml' is not one of 'text', 'json'"),
        (("serve", "--port", "0"), "0 is not in the range 1<=x<=65535"),
        (("demo", "--port", "http"), "'http' is not a valid integer"),
        (("demo", "--data", "no.yaml"), "File 'no.yaml' does not exist"),
    ],
)
def test_a_call_that_is_wrong_ends_with_2_and_says_why_on_stderr(
    cli: Cli, arguments: tuple[str, ...], said: str
) -> None:
    status, stdout, stderr = cli(*arguments)
    assert (status, stdout) == (2, "")
    assert said in stderr


@pytest.mark.parametrize("command", [("letters", "list"), ("customers", "export"), ("customers", "import", SMITHS)])
def test_a_missing_setting_is_one_sentence_on_stderr(cli: Cli, command: tuple[str, ...]) -> None:
    assert cli(*command) == (1, "", "AUTHZ_DATABASE_URL: is not set; for one machine, sqlite:///authz.db.\n")


def test_to_serve_somebody_has_to_be_able_to_call(cli: Cli, database_url: str) -> None:
    status, stdout, stderr = cli("serve", AUTHZ_DATABASE_URL=database_url)
    assert (status, stdout) == (1, "")
    assert stderr.startswith("AUTHZ_CALLERS: is not set, so nobody could call. Name a YAML file of who may call:\n")
    assert "token_sha256" in stderr


def test_every_setting_at_fault_is_a_line(cli: Cli) -> None:
    status, stdout, stderr = cli("customers", "export", AUTHZ_WORKERS="many", AUTHZ_STALE_SECONDS="long")
    assert (status, stdout, len(stderr.splitlines())) == (1, "", 3)


def test_a_place_that_cannot_be_used_is_a_sentence_and_no_traceback(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state = tmp_path / "file" / "state"
    assert cli("demo", "--state", state) == (1, "", f"{state}: Not a directory.\n")


@pytest.mark.parametrize("command", [("customers", "import", SMITHS), ("doctor",), ("serve",), ("fly",)], ids=" ".join)
def test_what_does_not_go_to_a_terminal_has_no_escape_codes(
    cli: Cli, database_url: str, command: tuple[str, ...]
) -> None:
    _, stdout, stderr = cli(*command, AUTHZ_DATABASE_URL=database_url, TERM="xterm-256color")
    assert stdout + stderr
    assert "\x1b" not in stdout + stderr
    assert "\r" not in stdout + stderr


def test_a_reader_that_goes_away_is_no_error(cli: Cli, database_url: str) -> None:
    cli("customers", "import", SMITHS, AUTHZ_DATABASE_URL=database_url)
    pipe_reader, pipe_writer = os.pipe()
    os.close(pipe_reader)
    with os.fdopen(pipe_writer, "wb") as nobody:
        done = subprocess.run(
            [sys.executable, "-c", "from authz_service.cli import main; main()", "customers", "export"],
            env={"AUTHZ_DATABASE_URL": database_url},
            stdout=nobody,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.stderr == b""


def test_a_second_termination_does_not_break_off_the_unwinding_of_the_first() -> None:
    program = """if True:
        import os, signal
        from authz_service.cli.main import unwind_on_termination

        unwind_on_termination()
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            print("unwound")
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "unwound\n", "")

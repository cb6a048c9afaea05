import io
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from authz_service.storage.database import connect, is_current
from tests.cli.conftest import Cli
from tests.conftest import HOUSEHOLDS, ROOT, SMITH_FAMILY

MARY_SEES_TRACYS_USAGE = ("--subject", "mary.jones", "--action", "view_usage", "--resource", "mobile-2003")
SHE_MAY_NOT = (
    "✗ Mary Jones, a user, may not see the usage of a mobile that is somebody else's (subscription mobile-2003)."
)
MAY_NOT_BUY = "may not activate an option that costs money of a mobile"
BILLS_OF_A_USER = {
    "action": "view_bills",
    "channel": "web",
    "is_known_person": True,
    "resource": "customer",
    "role": "user",
    "customer_kind": "business",
}


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def _without_lines(text: str) -> str:
    """Without the numbers that every edit of the policy moves."""
    return re.sub(r"\.rego:\d+", ".rego", text)


def _stdin(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_the_page_for_its_readers_shows_what_it_prints(cli: Cli) -> None:
    status, stdout, stderr = cli("policy", "explain", *MARY_SEES_TRACYS_USAGE)
    assert status == 0
    assert stderr == (
        "The facts are those of fixtures/customers/smith-family.yaml,"
        " as neither AUTHZ_DATABASE_URL nor --data names others.\n"
    )
    page = (ROOT / "docs" / "how-to" / "explain-a-decision.md").read_text()
    shown = page.partition(f"$ authz-service policy explain {' '.join(MARY_SEES_TRACYS_USAGE)}\n")[2]
    assert _without_lines(stdout) == _without_lines(shown.partition("```\n")[0])


@pytest.mark.parametrize(
    ("asked", "sentence", "last"),
    [
        (
            ["philip.smith", "view_bills", "123456789"],
            "✓ Philip Smith, an administrator, may see the bills (customer 123456789).",
            "  the person were a user or not linked",
        ),
        (
            ["mary.jones", "activate_option", "subscription:mobile-2002", "--option", "extra-data-5gb"],
            f"✗ Mary Jones, a user, {MAY_NOT_BUY} (option extra-data-5gb, subscription mobile-2002).",
            "  the option were free",
        ),
        (
            ["mary.jones", "become_administrator", "customer:123456789", "--channel", "app"],
            "✗ Mary Jones, a user, may not become administrator: in the app (customer 123456789).",
            "  it were on the web site or a channel not said",
        ),
        (
            ["philip.smith", "delegate", "123456789"],
            "✗ Philip Smith, an administrator, may not delegate a part of a role (customer 123456789).",
            "Whatever else were so, this action on this resource would be denied.",
        ),
        (
            ["nobody", "view_usage", "mobile-9"],
            "✗ nobody, somebody unknown, may not see the usage on an unknown subscription (subscription mobile-9).",
            "Whatever else were so, this action on this resource would be denied.",
        ),
    ],
)
def test_a_request_is_told_with_the_names_that_it_has(cli: Cli, asked: list[str], sentence: str, last: str) -> None:
    person, action, resource, *options = asked
    request = ("--subject", person, "--action", action, "--resource", resource, *options)
    status, stdout, _ = cli("policy", "explain", *request)
    lines = stdout.splitlines()
    assert (status, lines[0], lines[-1]) == (0, sentence, last)


def test_what_the_answer_brings_besides_is_told(cli: Cli) -> None:
    request = ("--subject", "mary.jones", "--action", "become_administrator", "--resource", "123456789")
    stdout = cli("policy", "explain", *request).stdout
    assert (
        """
Answer
  route     mobile_number
  requires  inform_current_administrator, web_site
"""
        in stdout
    )
    assert "  ✓ grant     Eligible by a mobile number (ELIG-2, READ-2, READ-10)\n" in stdout
    overruled = cli("policy", "explain", *request, "--channel", "app").stdout
    assert "  ✓ grant     Eligible by a mobile number (ELIG-2, READ-2, READ-10), overruled\n" in overruled
    assert "\nAnswer\n" not in overruled


def test_a_request_on_standard_input_is_that_of_an_evaluation(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    request = {
        "subject": {"type": "person", "id": "mary.jones"},
        "action": {"name": "view_usage"},
        "resource": {"type": "subscription", "id": "mobile-2003"},
    }
    _stdin(monkeypatch, json.dumps(request))
    status, stdout, _ = cli("policy", "explain")
    assert (status, stdout.splitlines()[0]) == (0, SHE_MAY_NOT)


def test_a_program_reads_the_same_as_json_and_its_facts_can_be_explained_again(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = json.loads(cli("policy", "explain", *MARY_SEES_TRACYS_USAGE, "--format", "json").stdout)
    assert told["facts"]["is_holder"] is False
    assert told["definitions"]["is_holder"] == "The person is the holder of the mobile asked about."
    assert told["answer"]["allow"] is False
    assert [reason["code"] for reason in told["answer"]["reasons"]] == ["not_own_mobile"]
    assert [(rule["set"], rule["code"]) for rule in told["fired"]] == [("obstacles", "not_own_mobile")]
    near = {rule["code"]: rule for rule in told["nearly"]}
    assert near["own_mobile_usage"]["failed"]["because"][0]["expression"] == "input.is_holder == true"
    assert near["unknown_option"]["conditions_that_hold"] == 0
    assert told["turned"] == [
        {"if": "the person were administrator", "facts": {"role": ["administrator"]}},
        {"if": "the mobile were his or her own", "facts": {"is_holder": [True]}},
    ]
    _stdin(monkeypatch, json.dumps(told["facts"]))
    again = json.loads(cli("policy", "explain", "--facts", "-", "--format", "json").stdout)
    assert again == {**told, "sentence": "A user may not see the usage of a mobile that is somebody else's."}


def test_facts_alone_are_told_without_names_and_need_no_customer_data(cli: Cli) -> None:
    status, stdout, stderr = cli("policy", "explain", "--facts", json.dumps(BILLS_OF_A_USER))
    assert (status, stderr) == (0, "")
    assert stdout.startswith("✗ A user may not see the bills.\n")


def test_customer_data_can_be_a_file(cli: Cli) -> None:
    file = HOUSEHOLDS / "business-without-mobiles.yaml"
    number = re.search(r'number: "(\d+)"', file.read_text())
    assert number
    request = ("--subject", "nobody", "--action", "view_bills", "--resource", number[1])
    status, stdout, stderr = cli("policy", "explain", *request, "--data", file)
    assert (status, stderr) == (0, "")
    assert "  customer_kind    business\n" in stdout


def test_the_database_of_the_settings_is_asked(cli: Cli, database_url: str) -> None:
    cli("customers", "import", SMITH_FAMILY, AUTHZ_DATABASE_URL=database_url)
    status, stdout, stderr = cli("policy", "explain", *MARY_SEES_TRACYS_USAGE, AUTHZ_DATABASE_URL=database_url)
    assert (status, stdout.splitlines()[0], stderr) == (0, SHE_MAY_NOT, "")


def test_a_database_that_is_not_there_or_has_no_tables_is_a_sentence_and_stays_so(
    cli: Cli, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "authz.db"
    missing = cli("policy", "explain", *MARY_SEES_TRACYS_USAGE, AUTHZ_DATABASE_URL=database_url)
    assert missing == (1, "", f"{file} does not exist yet: `authz-service serve` makes it.\n")
    assert not file.exists()
    connect(database_url).dispose()
    empty = cli("policy", "explain", *MARY_SEES_TRACYS_USAGE, AUTHZ_DATABASE_URL=database_url)
    assert (empty.status, empty.stdout) == (1, "")
    assert empty.stderr == (
        "AUTHZ_DATABASE_URL: the database has not the tables of this version; `authz-service db upgrade` makes them.\n"
    )
    database = connect(database_url)
    assert not is_current(database)
    database.dispose()


def test_another_policies_folder_is_explained_at_its_own_places(cli: Cli, policies: Path, tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    shutil.copytree(policies, folder)
    stdout = cli("policy", "explain", "--policies", folder, "--facts", json.dumps(BILLS_OF_A_USER)).stdout
    assert f"              {folder}/bundle/authz/permissions/obstacles.rego:" in stdout


def test_only_a_terminal_gets_colours(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("policy", "explain", "--facts", json.dumps(BILLS_OF_A_USER))
    monkeypatch.setattr("click._compat.should_strip_ansi", lambda *_: False)
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    assert "\x1b[31m✗\x1b[0m" in cli(*asked).stdout


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("--subject", "mary.jones"), "", "A request needs --action and --resource too."),
        (("--channel", "app"), "", "A request needs --subject and --action and --resource too."),
        (
            (),
            " \n",
            "Say what is asked: --subject, --action and --resource, or --facts, or a request on standard input.",
        ),
        (("--facts", "{}", "--option", "x"), "", "--facts are all that is asked about; leave out --option."),
        (("--facts", "{}", "--data", SMITH_FAMILY), "", "--facts are all that is asked about; leave out --data."),
        (("--policies", SMITH_FAMILY), "", "is a file."),
    ],
)
def test_a_call_that_is_wrong_ends_with_2_and_what_to_do(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: tuple[object, ...], stdin: str, said: str
) -> None:
    _stdin(monkeypatch, stdin)
    status, stdout, stderr = cli("policy", "explain", *arguments)
    assert (status, stdout) == (2, "")
    assert said in " ".join(stderr.split())


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        ((), "{", ["the request: is not JSON: "]),
        ((), "[]", ["the request: must be a JSON object with subject, action and resource"]),
        (
            (),
            '{"subject": {"type": "person", "id": 7}}',
            ["subject.id: must be a string", "action: is missing", "resource: is missing"],
        ),
        (
            (),
            json.dumps(
                {
                    "subject": {"type": "person", "id": "mary.jones"},
                    "action": {"name": "view_bills"},
                    "resource": {"type": "customer", "id": "123456789"},
                    "context": {"channel": "fax"},
                }
            ),
            ["The facts are those of ", 'context.channel: must be "web" or "app", or left out'],
        ),
        (("--facts", "nonsense"), "", ["--facts: is not JSON: "]),
        (
            ("--facts", json.dumps({**BILLS_OF_A_USER, "role": "boss"})),
            "",
            ['role: must be "administrator", "user" or "none" '],
        ),
    ],
)
def test_what_is_wrong_with_what_is_asked_ends_with_1_and_every_fault(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], stdin: str, said: list[str]
) -> None:
    _stdin(monkeypatch, stdin)
    status, stdout, stderr = cli("policy", "explain", *arguments)
    assert (status, stdout) == (1, "")
    lines = stderr.splitlines()
    assert len(lines) == len(said)
    assert all(line.startswith(start) for line, start in zip(lines, said, strict=True))

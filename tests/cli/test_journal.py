"""`authz-service journal`, as a reviewer and an operator run it."""

import csv
import io
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select, update

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.settings import Settings
from authz_service.storage.database import connect, writing
from authz_service.storage.schema import journal_entries
from authz_service.words import Scope
from tests.cli.conftest import Cli
from tests.conftest import BEARER, SMITH_FAMILY, TOKEN, Load
from tests.web.asking import question

GRANTS = Path("bundle/authz/permissions/grants.rego")
RULE = '\tinput.action == "view_usage"\n'


class Made:
    """A journal with decisions of the Smith family, of a service that has ended."""

    def __init__(self, client: FlaskClient, database_url: str) -> None:
        self.database_url = database_url
        self.ids = [
            client.post("/v1/decide", json=asked).headers["Decision-Id"]
            for asked in (
                question("mary.jones", "view_usage", "mobile-2002"),
                question("mary.jones", "view_usage", "mobile-2002"),
                question("mary.jones", "view_bills", "123456789"),
                question("philip.smith", "view_bills", "123456789"),
            )
        ]
        search = question("philip.smith", "view_usage", "mobile-2001") | {"subject": {"type": "person"}}
        client.post("/access/v1/search/subject", json=search)


@pytest.fixture
def made(settings: Settings, load: Load) -> Made:
    load([SMITH_FAMILY])
    app = create_app(settings, callers=[Caller("tests", token_sha256(TOKEN), frozenset(Scope))])
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = BEARER["Authorization"]
    made = Made(client, settings.database_url)
    close_app(app)
    # What a service leaves in its files, the next one loads.
    close_app(create_app(settings, callers=[]))
    return made


@pytest.fixture
def journal(cli: Cli, made: Made, capfd: pytest.CaptureFixture[str]) -> Cli:
    # What the service has logged is not the command's.
    capfd.readouterr()
    return lambda *arguments: cli("journal", *arguments, AUTHZ_DATABASE_URL=made.database_url)


@pytest.fixture
def edited(policies: Path, tmp_path: Path) -> Path:
    """A policy by which a user sees the usage of no mobile."""
    folder = tmp_path / "edited"
    shutil.copytree(policies, folder)
    rules = folder / GRANTS
    text = rules.read_text()
    assert text.count(RULE) == 2
    rules.write_text(text[::-1].replace(RULE[::-1], '\t"no_longer" == input.action\n'[::-1], 1)[::-1])
    return folder


# verify


def test_a_journal_that_nobody_has_touched_is_verified(journal: Cli) -> None:
    ran = journal("verify")
    assert (ran.status, ran.stderr) == (0, "")
    assert ran.stdout.startswith("✓ 1 chain with ")
    assert "entries: nothing was changed, removed, inserted or reordered" in ran.stdout


def test_what_no_search_finds_is_found_again_once_it_is_reindexed(journal: Cli, made: Made) -> None:
    database = connect(made.database_url)
    with writing(database) as connection:
        entries = connection.scalar(select(func.count()).select_from(journal_entries))
        connection.exec_driver_sql("DELETE FROM journal_terms")
    database.dispose()
    ran = journal("verify")
    assert ran.status == 1
    assert "a search may not find it until `journal reindex`" in ran.stdout
    ran = journal("reindex")
    assert (ran.status, ran.stderr) == (0, "")
    assert ran.stdout == f"✓ {entries} entries are found by searches again.\n"
    assert journal("verify").status == 0


def test_what_was_touched_is_told_line_by_line_and_counted(journal: Cli, made: Made) -> None:
    database = connect(made.database_url)
    with writing(database) as connection:
        of_entry = journal_entries.c.id == made.ids[1]
        connection.execute(update(journal_entries).where(of_entry).values(hash="0" * 64))
    database.dispose()
    ran = journal("verify")
    assert ran.status == 1
    first, *_, last = ran.stdout.splitlines()
    assert f"({made.ids[1]}): has been changed, or is not where it was: its hash is another" in first
    assert last.startswith("✗ ")
    told = json.loads(journal("verify", "--format", "json").stdout)
    assert told["findings"][0]["entry"] == made.ids[1]


def test_an_end_that_was_cut_off_is_found_with_what_was_noted(journal: Cli, made: Made, tmp_path: Path) -> None:
    noted = tmp_path / "heads.json"
    noted.write_text(journal("verify", "--format", "json").stdout)
    assert journal("verify", "--heads", noted).status == 0
    database = connect(made.database_url)
    with writing(database) as connection:
        connection.execute(delete(journal_entries).where(journal_entries.c.id > made.ids[0]))
    database.dispose()
    [segment] = (tmp_path / "authz.db.journal").glob("*/00000001.journal")
    lines = segment.read_bytes().splitlines(keepends=True)
    end = next(n for n, line in enumerate(lines) if made.ids[1].encode() in line)
    segment.write_bytes(b"".join(lines[:end]))
    assert "it was there when it was noted, and is no more" in journal("verify", "--heads", noted).stdout


def test_heads_that_are_none_are_refused(journal: Cli, tmp_path: Path) -> None:
    noted = tmp_path / "heads.json"
    for text in ("[]", "{}", '{"chains": [1]}', '{"chains": [{"chain": 1}]}', '{"chains": 1}', "no JSON"):
        noted.write_text(text)
        ran = journal("verify", "--heads", noted)
        assert (ran.status, ran.stdout) == (1, ""), text
        assert ran.stderr == f"{noted}: must be what `journal verify --format json` prints\n"


def test_without_a_journal_it_says_what_makes_one(cli: Cli, database_url: str, load: Load) -> None:
    ran = cli("journal", "verify", AUTHZ_DATABASE_URL=database_url)
    assert ran.status == 1
    assert "there is no journal yet: `authz-service serve` makes it." in ran.stderr


# proofs


def test_a_proof_is_checked_with_the_public_key_alone(cli: Cli, journal: Cli, made: Made, tmp_path: Path) -> None:
    proof, public = tmp_path / "proof.json", tmp_path / "journal.pub"
    proof.write_text(journal("proof", made.ids[2]).stdout)
    private = tmp_path / "authz.db.journal" / "signing.pem"
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    checked = ("journal", "verify", "--proof", proof, "--public-key", public)
    ran = cli(*checked)
    assert (ran.status, ran.stderr) == (0, "")
    assert ran.stdout.startswith("✓ The entry was in the journal at ")
    proof.write_text(
        proof.read_text().replace("permit", "deny").replace('\\"answer\\":\\"deny', '\\"answer\\":\\"permit')
    )
    ran = cli(*checked)
    assert ran.status == 1
    assert "the entry is not in the signed block" in ran.stderr


def test_a_proof_of_what_is_not_there_is_refused(journal: Cli) -> None:
    ran = journal("proof", "01M8AP7ACYZB5DBZ9GTCDH1AYP")
    assert (ran.status, ran.stdout, ran.stderr) == (1, "", "There is no such decision.\n")


def test_a_proof_is_not_checked_without_a_key(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "proof.json").write_text("{}")
    ran = cli("journal", "verify", "--proof", tmp_path / "proof.json")
    assert ran.stderr == "--public-key: name a PEM file of the key that the journal is signed with.\n"


# export


def test_an_export_has_every_entry_the_oldest_first(journal: Cli, made: Made) -> None:
    entries = [json.loads(line) for line in journal("export").stdout.splitlines()]
    assert [entry["kind"] for entry in entries] == ["policy", *["decision"] * 4, "search"]
    assert [entry["id"] for entry in entries[1:5]] == made.ids
    assert [entry["decision"] for entry in entries[1:5]] == [True, True, False, True]
    assert entries[1]["facts"]["role"] == "user"


def test_an_export_as_a_table_has_the_same(journal: Cli, made: Made, tmp_path: Path) -> None:
    ran = journal("export", "--format", "csv", "--output", tmp_path / "journal.csv")
    assert (ran.status, ran.stdout) == (0, "")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "journal.csv").read_text())))
    assert [row["id"] for row in rows[1:5]] == made.ids
    assert [row["decision"] for row in rows[1:5]] == ["true", "true", "false", "true"]
    assert (rows[1]["reasons"], rows[1]["cites"]) == ("own_mobile_usage", "USER-1")
    assert json.loads(rows[1]["facts"])["action"] == "view_usage"


def test_an_export_of_a_period_has_that_alone(journal: Cli) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert journal("export", "--from", tomorrow).stdout == ""
    assert len(journal("export", "--to", tomorrow).stdout.splitlines()) == 6


# replay


def test_a_policy_that_says_the_same_answers_no_decision_differently(journal: Cli, policies: Path) -> None:
    ran = journal("replay", "--policy", policies)
    assert (ran.status, ran.stderr) == (0, "")
    # The four decisions, and the three candidates of the search.
    assert ran.stdout == "✓ None of 7 decisions would be answered differently.\n"


def test_decisions_that_would_be_answered_differently_are_told_in_sentences(journal: Cli, edited: Path) -> None:
    ran = journal("replay", "--policy", edited)
    assert ran.status == 1
    assert "✗ Narrowed: permitted before, denied now" in ran.stdout
    assert "2 decisions in 1 situation" in ran.stdout
    assert ran.stdout.endswith("✗ 2 of 7 decisions would be answered differently.\n")


def test_they_are_told_to_programs_with_their_facts(journal: Cli, edited: Path) -> None:
    [revision] = json.loads(journal("replay", "--policy", edited, "--format", "json").stdout)["revisions"]
    [change] = revision["changed"]
    assert (revision["decisions"], revision["unasked"], change["decisions"]) == (7, 0, 2)
    assert change["facts"]["action"] == "view_usage"
    assert (change["old"]["allow"], change["new"]["allow"]) == (True, False)


def test_a_period_without_decisions_has_none_to_replay(journal: Cli, edited: Path) -> None:
    ran = journal("replay", "--policy", edited, "--to", "2020-01-01")
    assert (ran.status, ran.stdout) == (0, "✓ None of 0 decisions would be answered differently.\n")


# prune and archive


def test_what_is_old_is_pruned_and_the_rest_verified(journal: Cli) -> None:
    ran = journal("prune", "--before", (datetime.now(UTC) + timedelta(minutes=1)).isoformat())
    assert (ran.status, ran.stdout) == (0, "6 entries of the database and 0 segments are gone; the journal says so.\n")
    assert journal("verify").status == 0
    assert journal("export").stdout == ""


def test_what_is_not_old_stays(journal: Cli) -> None:
    assert journal("prune", "--before", "2020-01-01").stdout == "Nothing is that old.\n"
    assert journal("prune", "--before", "yesterday").status == 2


def test_nothing_is_archived_that_is_still_written(journal: Cli, tmp_path: Path) -> None:
    ran = journal("archive", "--to", tmp_path / "archive")
    assert ran.stdout == f"0 segments moved to {tmp_path / 'archive'}.\n"


# shadow


def test_without_a_shadow_policy_nothing_was_answered_differently(journal: Cli) -> None:
    ran = journal("shadow")
    assert (ran.status, ran.stdout) == (0, "✓ The shadow policy has answered 0 decisions differently.\n")


# explain


@pytest.mark.usefixtures("journal")
def test_a_decision_is_explained_by_its_id(cli: Cli, made: Made, policies: Path) -> None:
    environ = {"AUTHZ_DATABASE_URL": made.database_url}
    ran = cli("policy", "explain", made.ids[2], "--policies", policies, **environ)
    assert ran.status == 0
    assert ran.stdout.startswith("✗ A user may not see the bills")
    assert ran.stderr.startswith(f"{made.ids[2]} was denied at ")
    assert f", as it is by {policies} (" in ran.stderr


@pytest.mark.usefixtures("journal")
def test_a_decision_that_is_answered_otherwise_today_is_said_to_be(cli: Cli, made: Made, edited: Path) -> None:
    environ = {"AUTHZ_DATABASE_URL": made.database_url}
    ran = cli("policy", "explain", made.ids[0], "--policies", edited, **environ)
    assert "was permitted at " in ran.stderr
    assert "for own_mobile_usage; it is answered otherwise by " in ran.stderr
    assert ran.stdout.startswith("✗ ")


def test_an_id_and_a_request_together_are_refused(cli: Cli, made: Made) -> None:
    environ = {"AUTHZ_DATABASE_URL": made.database_url}
    ran = cli("policy", "explain", made.ids[0], "--subject", "mary.jones", **environ)
    assert ran.status == 2
    assert "DECISION says all that is asked about; leave out --subject." in ran.stderr


def test_a_search_has_no_facts_to_explain(cli: Cli, journal: Cli, made: Made) -> None:
    search = json.loads(journal("export").stdout.splitlines()[-1])["id"]
    ran = cli("policy", "explain", search, AUTHZ_DATABASE_URL=made.database_url)
    assert ran.stderr == f"{search}: has no facts of its own: it is a search, or of facts without end\n"
